"""Alarms as signed posts: at least once, in order, and one that fails in nobody's way."""

from __future__ import annotations

import hmac
import json
import logging
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.runtime.sinks.made import QUICK, SECRET, Place, hook
from tests.servers.receiver import Receiver
from tests.waiting import until
from twinpack.runtime.sinks import Sinks


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with closing(Receiver()) as server:
        yield server


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with closing(Place(tmp_path / "home")) as found:
        yield found


def begun(place: Place, *names: str) -> None:
    """Wait until new sinks know where they begin."""
    wanted = {f"sink:{name}" for name in names or ("hook",)}
    until(lambda: wanted <= place.registry.streams().keys())


def test_what_is_found_from_now_on_is_posted_with_its_evidence(place: Place, receiver: Receiver) -> None:
    place.finds(vehicle="before")
    with place.with_sinks(hook(receiver.url())).sinks() as sinks:
        begun(place)
        event = place.finds(subject="cell 81", code="TP-CELL-LOW", severity=2)
        until(lambda: receiver.posts)
        until(lambda: sinks.states[0].offset == place.end)
    (post,) = receiver.posts
    alarms = {each.vehicle_id: each.alarm_id for each in place.registry.alarms.alarms()}
    assert post["format"] == "twinpack.alarm/1"
    assert post["id"] == event.event_id == receiver.headers[0]["Idempotency-Key"]
    assert (post["event"], post["vehicle"], post["fleet"], post["code"], post["subject"]) == (
        "raised",
        "car-1",
        "default",
        "TP-CELL-LOW",
        "cell 81",
    )
    assert post["alarm"] == alarms["car-1"]
    assert post["evidence"] == {"text": "isolation is 87 ohm/V", "ohm_per_v": 87.5}
    assert post["text"] == "Alarm: car-1, TP-CELL-LOW, cell 81, severity 2: isolation is 87 ohm/V"
    assert place.registry.streams()["sink:hook"] == place.end


def test_a_receiver_can_tell_with_the_code_of_the_page_that_it_is_genuine(place: Place, receiver: Receiver) -> None:
    page = (Path(__file__).parents[3] / "docs" / "how-to" / "notify.md").read_text("utf-8")
    shown: dict[str, Any] = {}
    exec(page.split("```python\n")[1].split("```")[0], shown)
    is_genuine = shown["is_genuine"]
    with place.with_sinks(hook(receiver.url())).sinks():
        begun(place)
        place.finds()
        until(lambda: receiver.posts)
    headers, body = receiver.headers[0], receiver.bodies[0]
    now_s = time.time()
    assert is_genuine(SECRET.encode(), headers, body, now_s)
    assert not is_genuine(SECRET.encode(), headers, body + b" ", now_s)
    assert not is_genuine(b"another", headers, body, now_s)
    assert not is_genuine(SECRET.encode(), headers, body, now_s + 3_600)
    assert not is_genuine(SECRET.encode(), headers | {"Twinpack-Timestamp": "1"}, body, 1.0)


def test_the_secret_may_be_changed_while_it_runs(place: Place, receiver: Receiver) -> None:
    with place.with_sinks(hook(receiver.url())).sinks() as sinks:
        begun(place)
        file = place.workspace.home / "hook.secret"
        file.unlink()
        place.finds()
        until(lambda: "secret_file 'hook.secret' cannot be read" in sinks.states[0].problem)
        file.write_text("another")
        until(lambda: receiver.posts)
    signed = receiver.headers[0]["Twinpack-Timestamp"].encode() + b"." + receiver.bodies[0]
    assert receiver.headers[0]["Twinpack-Signature"].endswith(hmac.new(b"another", signed, "sha256").hexdigest())


def test_failures_are_tried_again_in_order(place: Place, receiver: Receiver) -> None:
    receiver.statuses = [503, 429, 200, 500, 408, 404, 200]
    with place.with_sinks(hook(receiver.url())).sinks() as sinks:
        begun(place)
        events = [place.finds(vehicle=f"car-{number}").event_id for number in range(5)]
        until(lambda: len(receiver.posts) == 5)
        until(lambda: sinks.states[0].problem == "")
    assert [post["id"] for post in receiver.posts] == events
    assert (sinks.states[0].sent, sinks.states[0].failures, sinks.states[0].given_up) == (5, 5, 0)


@pytest.mark.parametrize("status", [302, 410])
def test_what_is_refused_for_good_is_given_up_and_told(
    place: Place, receiver: Receiver, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    receiver.statuses = [status] * 3
    with place.with_sinks(hook(receiver.url(), more="tries = 3")).sinks() as sinks:
        begun(place)
        lost = place.finds(vehicle="car-lost")
        until(lambda: sinks.states[0].given_up == 1)
        assert f"gave up on event {lost.event_id}: answered {status}" in sinks.states[0].problem
        place.finds(vehicle="car-next")
        until(lambda: receiver.posts)
    assert [post["vehicle"] for post in receiver.posts] == ["car-next"]
    assert set(receiver.paths) == {"/hook"}
    (told,) = [record for record in caplog.records if record.message == "sink_gave_up"]
    assert told.levelno == logging.ERROR
    fields = vars(told)["twinpack_fields"]
    assert (fields["vehicle"], fields["notice"], fields["tries"]) == ("car-lost", lost.event_id, 3)


def test_one_that_is_down_or_slow_holds_up_no_other_and_catches_up(place: Place, receiver: Receiver) -> None:
    with closing(Receiver()) as gone:
        port = gone.port
    with closing(Receiver()) as slow:
        slow.hold.clear()
        down = f"http://127.0.0.1:{port}/down"
        sinks = hook(down, "down") + hook(slow.url(), "slow") + hook(receiver.url(), "up")
        with place.with_sinks(sinks).sinks() as running:
            begun(place, "down", "slow", "up")
            events = [place.finds(vehicle=f"car-{number}").event_id for number in range(10)]
            until(lambda: len(receiver.posts) == 10)
            state = running.states[0]
            until(lambda: state.failures > 1)
            assert state.problem.startswith("not reached")
            assert running.health(place.end)[0]["behind"] == 10
            assert slow.posts == []
            slow.hold.set()
            with closing(Receiver(port)) as back:
                until(lambda: len(back.posts) == len(slow.posts) == 10)
                assert [post["id"] for post in back.posts] == [post["id"] for post in slow.posts] == events


def test_it_goes_on_where_it_stood(place: Place, receiver: Receiver) -> None:
    place.with_sinks(hook(receiver.url()))
    with place.sinks():
        begun(place)
        place.finds(vehicle="car-0")
        until(lambda: receiver.posts)
    place.finds(vehicle="car-1")
    place.passes(10)
    place.finds(vehicle="car-2")
    with place.sinks():
        until(lambda: len(receiver.posts) == 3)
    assert [post["vehicle"] for post in receiver.posts] == ["car-0", "car-1", "car-2"]


def test_several_things_of_one_row_are_all_told_and_none_twice(place: Place, receiver: Receiver) -> None:
    row = [("raised", f"car-{n}", "P0AA6", "", "alarm", 3, "battery", 0, None) for n in range(3)]
    receiver.statuses = [200, 503, 200, 503, 200]
    with place.with_sinks(hook(receiver.url())).sinks() as sinks:
        begun(place)
        events = place.finds_all(row)
        until(lambda: sinks.states[0].offset == place.end)
    assert sorted(post["id"] for post in receiver.posts) == sorted(event.event_id for event in events)


def test_addresses_of_this_machine_are_not_called_unless_allowed(place: Place, receiver: Receiver) -> None:
    private = hook(receiver.url(host="localhost")).replace("allow_private = true\n", "")
    place.with_sinks(private)
    with place.sinks() as sinks:
        begun(place)
        place.finds()
        until(lambda: sinks.states[0].failures > 1)
        assert "not allowed" in sinks.states[0].problem
        assert receiver.paths == []
    place.with_sinks(hook(receiver.url(host="localhost")))
    with place.sinks():  # nothing was lost meanwhile
        until(lambda: receiver.posts)


def test_secrets_are_in_no_log_state_or_repr(
    place: Place, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    receiver.statuses = [500, 404]
    address = f"http://me:pa%20ss@127.0.0.1:{receiver.port}/key-123?token=tok-9Zq"
    with place.with_sinks(hook(address)).sinks() as sinks:
        begun(place)
        place.finds()
        until(lambda: receiver.posts)
        told = repr([vars(record) for record in caplog.records]) + repr(sinks.states) + repr(place.workspace.settings)
    assert receiver.paths[-1] == "/key-123?token=tok-9Zq"
    assert receiver.headers[-1]["Authorization"] == "Basic bWU6cGEgc3M="
    assert "answered 500" in told
    assert not [secret for secret in ("key-123", "tok-9Zq", "pa%20ss", "pa ss", SECRET) if secret in told]


def test_a_registry_that_is_away_is_waited_for(place: Place, receiver: Receiver) -> None:
    place.with_sinks(hook(receiver.url()))
    with place.sinks():
        begun(place)
    file = place.workspace.home / "registry.db"
    place.finds()
    away = file.with_suffix(".away")
    place.registry.close()
    file.rename(away)
    with place.sinks() as sinks:
        until(lambda: sinks.states[0].problem)
        place.registry.close()
        away.replace(file)
        until(lambda: receiver.posts)
        until(lambda: sinks.states[0].problem == "")


def test_the_body_is_the_same_whenever_it_is_sent(place: Place, receiver: Receiver) -> None:
    receiver.statuses = [503, 200]
    with place.with_sinks(hook(receiver.url())).sinks():
        begun(place)
        place.finds()
        until(lambda: receiver.posts)
    first, second = (json.loads(body) for body in receiver.bodies)
    assert first == second


def test_one_that_never_ran_stops_at_once(place: Place, receiver: Receiver) -> None:
    sinks = Sinks(place.with_sinks(hook(receiver.url())).workspace, place.registry, manner=QUICK)
    sinks.stop()
    assert sinks.states[0].offset == 0
