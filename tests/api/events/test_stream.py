"""Live events as one hears them who listens to a real service."""

from __future__ import annotations

from collections.abc import Iterable

import httpx

from tests.api.events.listening import Heard, Stream, listening
from tests.store.alarms.made import finding
from tests.store.chains import chain, version_events
from tests.waiting import until
from twinpack.api.service import ApiService
from twinpack.fleet.events import TRIP, Event, event_id
from twinpack.store.registry import MAIN_STREAM, Registry
from twinpack.store.workspace import Workspace


def trip(offset: int, vehicle: str = "north-1") -> Event:
    return Event(event_id(vehicle, offset, TRIP), vehicle, 1_000_000 * offset, TRIP, offset, None)


def commit(registry: Registry, *events: Event) -> None:
    registry.commit_batch(MAIN_STREAM, registry.offset(), max(each.offset for each in events) + 1, events, {})


def changes(stream: Stream, count: int) -> list[Heard]:
    """The next so many changes."""
    found: list[Heard] = []
    while len(found) < count:
        heard = stream.next()
        found += [heard] * (heard.kind != "ready")
    return found


def told(heard: Iterable[Heard]) -> list[str]:
    """What they tell, in no order: trips and alarms are told one after the other once both were missed."""
    return sorted(f"{one.kind} {one.data['vehicle_id']} {one.data['at']}" for one in heard)


def test_what_happens_is_told_as_it_happens(client: httpx.Client, registry: Registry) -> None:
    with listening(client) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert stream.next().kind == "ready"
        commit(registry, *version_events(chain("north-1", 2), 0), trip(2), finding(2, vehicle="south-1"))
        seen = [stream.next() for _ in range(4)]
        assert [one.kind for one in seen] == ["version", "version", "trip", "alarm"]
        assert [one.data["vehicle_id"] for one in seen] == ["north-1", "north-1", "north-1", "south-1"]
        assert seen[1].data == {
            "vehicle_id": "north-1",
            "fleet": "north",
            "at": "1970-01-01T00:00:02Z",
            "number": 2,
            "kind": "accepted",
        }
        alarm = seen[3].data
        assert (alarm["action"], alarm["code"], alarm["severity"], alarm["state"]) == ("raised", "P0AA6", 2, "active")
        assert alarm["who"] == ""
        registry.alarms.acknowledge(alarm["alarm_id"], "Kim")
        acted = stream.next()
        assert (acted.data["action"], acted.data["who"], acted.data["revision"]) == ("acknowledged", "Kim", 1)


def test_one_who_comes_back_hears_what_was_missed_once(
    workspace: Workspace, registry: Registry, client: httpx.Client, service: ApiService
) -> None:
    with listening(client) as stream:
        last = stream.next("ready").id
        commit(registry, trip(0), trip(0, "north-2"), finding(0, vehicle="north-1"))
        heard = changes(stream, 3)
    commit(registry, trip(5), finding(5, vehicle="north-2"))
    with listening(client, last) as stream:
        again = changes(stream, 5)
    assert len(set(told(again))) == 5
    assert set(told(heard)) < set(told(again))
    with ApiService(workspace, no_auth=True) as restarted, httpx.Client(base_url=restarted.url, timeout=60.0) as anew:
        for number, change in enumerate(again, 1):
            with listening(anew, change.id) as stream:
                assert told(changes(stream, 5 - number)) == told(again[number:])
                assert stream.next().kind == "ready"  # all was missed, none comes live


def test_a_place_that_is_not_known_here_begins_anew(client: httpx.Client, registry: Registry) -> None:
    commit(registry, trip(0))
    with listening(client, "99999.0-0..0") as stream:
        reset = stream.next()
        assert reset.kind == "reset"
        assert "read" not in reset.id and reset.id.startswith("1.0-")
        commit(registry, trip(3))
        assert stream.next("trip").data["at"] == "1970-01-01T00:00:03Z"


def test_only_what_was_asked_for_is_told(client: httpx.Client, registry: Registry) -> None:
    with listening(client, kinds="alarm,trip", vehicle_id="north-2") as stream:
        stream.next("ready")
        commit(registry, *version_events(chain("north-2", 1), 0), trip(1), trip(2, "north-2"), finding(3))
        assert stream.next().data["at"] == "1970-01-01T00:00:02Z"


def test_the_newest_values_of_a_vehicle_come_at_once(client: httpx.Client) -> None:
    with listening(client, kinds="latest", vehicle_id="north-1") as stream:
        assert stream.next("latest").data["vehicle_id"] == "north-1"


def test_how_data_comes_in_is_told(client: httpx.Client) -> None:
    with listening(client, kinds="ingest") as stream:
        assert stream.next("ingest").data["gateway"] == "stopped"


def test_a_stream_ends_with_the_service_and_says_so(workspace: Workspace) -> None:
    service = ApiService(workspace, no_auth=True)
    with httpx.Client(timeout=60.0) as client:
        with service:
            client.base_url = httpx.URL(service.url)
            opened = listening(client)
            stream = opened.__enter__()
            stream.next("ready")
        assert [one.data["reason"] for one in stream.rest()] == ["the service stops"]
        opened.__exit__(None, None, None)


def test_one_who_has_gone_is_forgotten(client: httpx.Client, service: ApiService) -> None:
    def listeners() -> str:
        lines = client.get("/metrics").text.splitlines()
        return next(line for line in lines if line.startswith("twinpack_api_event_subscribers"))

    with listening(client) as stream:
        stream.next("ready")
        assert listeners().endswith(" 1.0")
    until(lambda: listeners().endswith(" 0.0"), listeners)


def test_what_cannot_be_asked_for_is_refused(client: httpx.Client) -> None:
    for params, headers, status, words in (
        ({"kinds": "alarm,weather"}, {}, 422, "there is no 'weather'"),
        ({"vehicle_id": "west-1"}, {}, 404, "not available"),
        ({}, {"Last-Event-ID": "yesterday"}, 422, "no place in the order"),
        ({"kinds": "latest"}, {}, 403, "see none of these"),
    ):
        answer = client.get("/v1/events", params=params, headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
        assert words in answer.json()["detail"]
