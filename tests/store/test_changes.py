"""Changes in one order that can be followed from any place in it, on every kind of registry."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.store.alarms.made import finding
from tests.store.chains import chain, version_events
from twinpack.errors import InputError
from twinpack.fleet.events import TRIP, Event, event_id
from twinpack.store.changes import AlarmLine, Outcome, Place
from twinpack.store.records import VehicleRecord
from twinpack.store.registry import MAIN_STREAM, Registry

MOST = 1_000


def trip(offset: int, vehicle: str = "car-1") -> Event:
    return Event(event_id(vehicle, offset, TRIP), vehicle, offset, TRIP, offset, None)


def commit(registry: Registry, *events: Event) -> None:
    met = [VehicleRecord("car-1", "bmw_i3_60ah", "a" * 64, 5)]
    registry.commit_batch(MAIN_STREAM, registry.offset(), max(each.offset for each in events) + 1, events, {}, met)


def told(registry: Registry, place: Place) -> list[str]:
    found = registry.changes.after(place, MOST)
    assert found is not None
    return [
        f"{change.action} {change.alarm_id} {change.who}"
        if isinstance(change, AlarmLine)
        else f"{change.kind} {change.vehicle_id} {change.number} {change.decision}".strip()
        for change in found[0]
    ]


def test_nothing_changed_in_a_new_registry(registry: Registry) -> None:
    assert registry.changes.end() == Place(0)
    assert registry.changes.after(Place(0), MOST) == ([], Place(0))


def test_trips_versions_and_alarms_are_told_in_their_order(registry: Registry) -> None:
    commit(registry, *version_events(chain("car-1", 2), 0))
    commit(registry, trip(3, "car-2"), finding(3))
    alarm = registry.alarms.alarms()[0].alarm_id
    registry.alarms.acknowledge(alarm, "Kim")
    registry.alarms.clear(alarm, "Robin", "dried")
    assert told(registry, Place(0)) == [
        "version car-1 1 prototype",
        "version car-1 2 accepted",
        "trip car-2 0",
        f"raised {alarm} ",
        f"acknowledged {alarm} Kim",
        f"cleared {alarm} Robin",
    ]


def test_from_any_place_the_rest_is_told_once(registry: Registry) -> None:
    commit(registry, trip(0), trip(1), trip(1, "car-2"), trip(1, "car-3"))
    commit(registry, finding(4), finding(4, code="P0A1F"), finding(5, vehicle="car-2"))
    for alarm in registry.alarms.alarms():
        registry.alarms.comment(alarm.alarm_id, "seen", "Kim")
    found = registry.changes.after(Place(0), MOST)
    assert found is not None
    changes, end = found
    assert end == registry.changes.end()
    assert len(changes) == 10
    for number, change in enumerate(changes):
        rest = registry.changes.after(Place.of(str(change.place)), MOST)
        assert rest == (changes[number + 1 :], end)


def test_what_comes_later_follows_the_end(registry: Registry) -> None:
    commit(registry, trip(0), finding(0))
    end = registry.changes.end()
    commit(registry, trip(7))
    assert told(registry, end) == ["trip car-1 0"]
    registry.alarms.acknowledge(registry.alarms.alarms()[0].alarm_id, "Kim")
    assert len(told(registry, end)) == 2


def test_a_row_that_is_committed_again_is_told_once(registry: Registry) -> None:
    commit(registry, trip(0), finding(0))
    end = registry.changes.end()
    registry.commit_batch(MAIN_STREAM, 0, 1, [trip(0), finding(0)], {})
    assert told(registry, end) == []


def test_a_place_that_the_registry_does_not_reach_is_not_gone_on_from(registry: Registry) -> None:
    commit(registry, trip(0), finding(0))
    end = registry.changes.end()
    assert registry.changes.after(Place(end.offset + 1, 0, end.at_us), MOST) is None
    assert registry.changes.after(Place(end.offset, 0, end.at_us + 1), MOST) is None


def test_more_than_is_wanted_is_not_told(registry: Registry) -> None:
    commit(registry, trip(0), trip(1), finding(1))
    assert registry.changes.after(Place(0), 2) is None
    assert registry.changes.after(Place(0), 3) is not None


def test_a_later_line_is_never_committed_before_an_earlier_one(registry: Registry, registry_url: str) -> None:
    if registry_url == "sqlite://":
        pytest.skip("a registry in memory is of one thread")
    commit(registry, *(finding(row, code=f"P{row:04d}") for row in range(8)))
    alarms = [alarm.alarm_id for alarm in registry.alarms.alarms()]
    seen: list[Outcome | AlarmLine] = []
    place = registry.changes.end()

    def comment(alarm: str) -> None:
        for number in range(5):
            registry.alarms.comment(alarm, f"look {number}", "Kim")

    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(comment, alarm) for alarm in alarms]
        while True:
            done = all(each.done() for each in waiting)
            found = registry.changes.after(place, MOST)
            assert found is not None
            seen += found[0]
            place = found[1]
            if done and not found[0]:
                break
        for each in waiting:
            each.result()
    assert len({str(change.place) for change in seen}) == len(seen) == 40


@pytest.mark.parametrize("text", ["", "1", "1.0-2", "x.0-0..0", "1.0-0..0 ", "1.0-0.XYZ.0", "9" * 40])
def test_a_place_that_nobody_wrote_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="no place in the order of events"):
        Place.of(text)


def test_what_is_read_up_to_a_place_and_what_is_read_from_there_is_all(registry: Registry) -> None:
    commit(registry, trip(0), trip(1), trip(1, "car-2"), finding(2), finding(2, code="P0A1F"))
    registry.alarms.comment(registry.alarms.alarms()[0].alarm_id, "seen", "Kim")
    found = registry.changes.after(Place(0), MOST)
    assert found is not None
    changes, end = found
    for number, change in enumerate(changes, 1):
        before = registry.changes.after(Place(0), MOST, change.place)
        assert before == (changes[:number], change.place)
    assert registry.changes.after(end, MOST, Place(0)) is None
