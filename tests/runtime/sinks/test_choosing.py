"""Which findings a sink tells: worse at once, the same seldom, what is muted or snoozed not, and how it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.runtime.sinks.made import MINUTE_US, Place, hook
from tests.servers.receiver import Receiver
from tests.waiting import until
from twinpack.detect.findings import GONE, PASSED, PENDING, RAISED
from twinpack.runtime.sinks import Sinks
from twinpack.runtime.sinks.choosing import Told, choose, told_of
from twinpack.store.alarms.mutes import MuteWindow
from twinpack.store.alarms.records import FindingRecord
from twinpack.store.records import now_us
from twinpack.store.sinks import Sink

HOUR_US = 60 * MINUTE_US
START_US = 1_700_000_000_000_000
EVERYTHING = Sink(name="all", level="watch", events=("raised", "passed", "cleared"))


def found(
    hour: float, change: str = RAISED, level: str = "alarm", severity: int = 2, muted_by: str = "", **more: Any
) -> FindingRecord:
    at_us = START_US + round(hour * HOUR_US)
    fields: dict[str, Any] = {
        "event_id": f"{hour}{change}",
        "vehicle_id": "car-1",
        "code": "P0AA6",
        "subject": "",
        "category": "battery",
        "change": change,
        "level": level,
        "severity": severity,
        "status": 0x2F,
        "occurrence": 1,
        "sample_time_us": at_us,
        "since_us": at_us,
        "offset": round(hour * 3600),
        "alarm_id": "0123456789ab",
        "effect": "",
        "muted_by": muted_by,
        "recorded_at_us": at_us,
        "evidence": {},
    }
    return FindingRecord(**(fields | more))


def told(sink: Sink, *findings: FindingRecord) -> list[str]:
    """Why each finding is not told, "" where it is."""
    before: Told | None = None
    reasons: list[str] = []
    for one in findings:
        reason, before = choose(sink, before, one)
        reasons.append(reason)
    return reasons


def test_the_same_again_is_told_once_an_interval() -> None:
    assert told(EVERYTHING, *(found(hour) for hour in (0, 1, 23.9, 24, 25, 47.9, 48.1))) == [
        *("", "repeated", "repeated", "", "repeated", "repeated", ""),
    ]


def test_worse_is_told_at_once_and_better_is_not() -> None:
    chain = [
        found(0, level="watch", severity=1),
        found(1, level="watch", severity=2),
        found(2, level="alarm", severity=1),
        found(3, level="alarm", severity=1),
        found(4, level="watch", severity=3),
        found(5, level="alarm", severity=3),
    ]
    assert told(EVERYTHING, *chain) == ["", "", "", "repeated", "repeated", ""]


def test_its_end_is_told_where_its_beginning_was() -> None:
    quiet = Sink(name="quiet", events=("raised", "passed", "cleared"), min_severity=2)
    assert told(quiet, found(0, severity=1), found(1, PASSED), found(2, GONE)) == ["unwanted", "untold", "untold"]
    assert told(quiet, found(0, severity=1), found(1, severity=2), found(2, GONE, severity=1)) == ["unwanted", "", ""]


def test_that_it_passed_is_told_once_for_each_time_it_was_told_that_it_is_so() -> None:
    chain = [found(0), found(1, PASSED), found(2), found(3, PASSED), found(25), found(26, PASSED)]
    assert told(EVERYTHING, *chain) == ["", "", "repeated", "repeated", "", ""]


def test_the_settings_say_which_events() -> None:
    chain = [found(0), found(1, PASSED), found(2, GONE)]
    assert told(Sink(name="a", events=("cleared",)), *chain) == ["unwanted", "unwanted", ""]
    assert told(Sink(name="a", events=("raised",)), *chain) == ["", "unwanted", "unwanted"]


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (found(0, muted_by="abc"), "muted"),
        (found(0, category="data"), "unwanted"),
        (found(0, level="watch"), "unwanted"),
        (found(0, sample_time_us=START_US - 8 * 24 * HOUR_US), "history"),
        (found(0, sample_time_us=START_US - 6 * 24 * HOUR_US), ""),
    ],
)
def test_what_is_left_out(one: FindingRecord, reason: str) -> None:
    assert told(Sink(name="a", categories=("battery",)), one) == [reason]


def test_history_too_where_it_is_wanted() -> None:
    old = found(0, sample_time_us=START_US - 800 * 24 * HOUR_US)
    assert told(Sink(name="a", max_age=""), old) == [""]


def test_what_was_told_is_the_same_worked_out_at_once_as_one_by_one() -> None:
    chain = [found(0), found(1), found(24, muted_by="w"), found(25), found(26, PASSED), found(27, PENDING), found(30)]
    before: Told | None = None
    for one in chain:
        if one.change != PENDING:
            before = choose(EVERYTHING, before, one)[1]
    assert told_of(EVERYTHING, chain) == before == Told((1, 2), START_US + 25 * HOUR_US, True)


def test_what_was_raised_while_it_was_snoozed_counts_as_not_told_unless_it_is_worse() -> None:
    chain = [found(0), found(30), found(31, severity=3)]
    assert told_of(EVERYTHING, chain[:2], START_US + 40 * HOUR_US) == Told((1, 2), START_US)
    assert told_of(EVERYTHING, chain, START_US + 40 * HOUR_US) == Told((1, 3), START_US + 31 * HOUR_US)


# --- with a registry, where people mute and snooze -------------------------------------------------------------------


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with closing(Receiver()) as server:
        yield server


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with closing(Place(tmp_path / "home")) as here:
        yield here


def seen(place: Place, sinks: Sinks) -> Callable[[], bool]:
    """Whether the sink has looked at all there is."""
    return lambda: "sink:hook" in place.registry.streams() and sinks.states[0].offset == place.end


def heard(receiver: Receiver) -> list[tuple[str, str]]:
    return [(post["event"], post["vehicle"]) for post in receiver.posts]


def window(name: str, end_us: int | None, scope: str = "vehicle") -> MuteWindow:
    return MuteWindow("", scope, name, now_us() - 60 * MINUTE_US, end_us, "workshop", "ann")


def test_a_window_mutes_and_what_is_still_there_when_it_ends_is_told(place: Place, receiver: Receiver) -> None:
    place.with_sinks(hook(receiver.url()))
    with place.sinks() as sinks:
        until(seen(place, sinks))
        muting = place.registry.mutes.add(window("car-1", None))
        event = place.finds()
        place.finds(vehicle="car-over")
        place.finds(vehicle="car-2")
        until(lambda: len(receiver.posts) == 2)
        assert heard(receiver) == [("raised", "car-over"), ("raised", "car-2")]
        place.finds(vehicle="car-2", change="gone")
        until(lambda: "sink:hook:silence" in place.registry.streams())
        place.registry.mutes.end(muting.window_id)
        until(lambda: len(receiver.posts) == 4)
    assert sorted(heard(receiver)[2:]) == [("cleared", "car-2"), ("raised", "car-1")]
    (late,) = [post for post in receiver.posts if post["vehicle"] == "car-1"]
    assert late["id"] != event.event_id
    assert late["evidence"] == event.body.evidence
    with place.sinks():  # and not again
        place.finds(vehicle="car-3")
        until(lambda: ("raised", "car-3") in heard(receiver))
    assert len([post for post in receiver.posts if post["vehicle"] == "car-1"]) == 1


def test_what_is_over_before_the_window_ends_is_never_told(place: Place, receiver: Receiver) -> None:
    place.with_sinks(hook(receiver.url()))
    with place.sinks() as sinks:
        until(seen(place, sinks))
        muting = place.registry.mutes.add(window("car-1", None))
        place.finds()
        place.finds("gone")
        until(lambda: "sink:hook:silence" in place.registry.streams())
        place.registry.mutes.end(muting.window_id)
        place.finds(vehicle="car-2")
        until(lambda: receiver.posts)
    assert heard(receiver) == [("raised", "car-2")]


def test_a_snoozed_alarm_is_told_when_it_gets_worse_or_the_snooze_ends(place: Place, receiver: Receiver) -> None:
    place.with_sinks(hook(receiver.url(), more='repeat = "1ms"'))
    with place.sinks() as sinks:
        until(seen(place, sinks))
        place.finds(severity=1)
        until(lambda: receiver.posts)
        (alarm,) = place.registry.alarms.alarms()
        place.registry.alarms.snooze(alarm.alarm_id, now_us() + 60 * MINUTE_US, "ann")
        place.finds(severity=1)
        until(lambda: sinks.states[0].passed_over.get("snoozed") == 1)
        place.finds(severity=2)
        until(lambda: len(receiver.posts) == 2)
        place.registry.alarms.snooze(alarm.alarm_id, now_us() + 300_000, "ann")
        until(lambda: len(receiver.posts) == 3)
    assert [post["severity"] for post in receiver.posts] == [1, 2, 2]
    assert len({post["id"] for post in receiver.posts}) == 3


def test_only_the_fleets_that_are_named(place: Place, receiver: Receiver) -> None:
    from twinpack.store.fleet_records import FleetRecord, VehicleEntry

    place.registry.fleet.create_fleet(FleetRecord("depot-4", "sim_nmc_96s"))
    (entry,) = place.registry.fleet.judge([VehicleEntry("car-4", "depot-4")])
    assert isinstance(entry, VehicleEntry)
    place.registry.fleet.enter([entry])
    place.with_sinks(hook(receiver.url(), more='fleets = ["depot-4"]'))
    with place.sinks() as sinks:
        until(seen(place, sinks))
        place.finds(vehicle="car-1")
        place.finds(vehicle="car-4")
        until(seen(place, sinks))
    assert [(post["vehicle"], post["fleet"]) for post in receiver.posts] == [("car-4", "depot-4")]


def test_a_restart_remembers_what_was_told(place: Place, receiver: Receiver) -> None:
    place.with_sinks(hook(receiver.url()))
    for severity in (1, 1, 2, 2):
        with place.sinks() as sinks:
            until(seen(place, sinks))
            place.finds(severity=severity)
            until(seen(place, sinks))
    assert [post["severity"] for post in receiver.posts] == [1, 2]
