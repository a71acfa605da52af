"""Findings join into alarms, whatever the registry, and however the rows are cut into batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from tests.store.alarms.made import at, finding
from twinpack.errors import WorkspaceError
from twinpack.fleet.events import Event
from twinpack.store import schema
from twinpack.store.alarms.joining import alarm_id
from twinpack.store.alarms.mutes import MuteWindow
from twinpack.store.alarms.records import Alarm, FindingRecord
from twinpack.store.alarms.register import Wanted
from twinpack.store.database import Database
from twinpack.store.registry import MAIN_STREAM, Registry

EVERY = Wanted(states=("active", "acknowledged", "cleared"))


def commit(registry: Registry, *events: Event, start: int | None = None) -> int:
    """One batch up to the row after the last event."""
    start = registry.offset() if start is None else start
    return registry.commit_batch(MAIN_STREAM, start, max(event.offset for event in events) + 1, events, {})


def only(registry: Registry) -> Alarm:
    (alarm,) = registry.alarms.alarms(EVERY)
    return alarm


def lines(registry: Registry, alarm: Alarm) -> list[tuple[str, str, str]]:
    return [(action.who, action.action, action.comment) for action in registry.alarms.history(alarm.alarm_id)]


def test_a_raise_opens_an_alarm_that_says_what_and_when(registry: Registry) -> None:
    raised = finding(3, subject="cell 81", level="watch", severity=1, category="sensor", since_us=at(1))
    assert commit(registry, raised) == 1
    alarm = only(registry)
    assert alarm.alarm_id == alarm_id("car-1", "P0AA6", "cell 81", raised.event_id)
    assert (alarm.vehicle_id, alarm.code, alarm.subject, alarm.category) == ("car-1", "P0AA6", "cell 81", "sensor")
    assert (alarm.level, alarm.severity, alarm.state, alarm.present) == ("watch", 1, "active", True)
    assert (alarm.count, alarm.first_us, alarm.last_us, alarm.since_us) == (1, at(3), at(3), at(1))
    assert (alarm.first_event, alarm.last_event, alarm.muted_by) == (raised.event_id, raised.event_id, "")
    assert lines(registry, alarm) == [("twinpack", "raised", "watch, severity 1")]
    kept = registry.alarms.finding(raised.event_id)
    assert (kept.alarm_id, kept.effect, kept.muted_by) == (alarm.alarm_id, "opened", "")
    assert (kept.sample_time_us, kept.since_us, kept.offset, kept.status) == (at(3), at(1), 3, 0x2F)
    assert kept.evidence == {"text": "isolation is low", "isolation_ohm_per_v": 87.5}


def test_further_raises_only_count(registry: Registry) -> None:
    commit(registry, finding(1))
    commit(registry, finding(2), finding(3), finding(9))
    alarm = only(registry)
    assert (alarm.count, alarm.first_us, alarm.last_us, alarm.since_us) == (4, at(1), at(9), at(1))
    assert (alarm.first_event, alarm.last_event) == (finding(1).event_id, finding(9).event_id)
    assert len(lines(registry, alarm)) == 1
    assert [found.effect for found in registry.alarms.findings_of(alarm.alarm_id)] == ["joined"] * 3 + ["opened"]


def test_level_and_severity_only_rise(registry: Registry) -> None:
    commit(registry, finding(1, level="watch", severity=1))
    commit(registry, finding(2, level="alarm", severity=1))
    commit(registry, finding(3, level="watch", severity=3))
    commit(registry, finding(4, level="watch", severity=0))
    alarm = only(registry)
    assert (alarm.level, alarm.severity, alarm.count) == ("alarm", 3, 4)
    assert lines(registry, alarm)[1:] == [
        ("twinpack", "risen", "from watch, severity 1 to alarm, severity 1"),
        ("twinpack", "risen", "from alarm, severity 1 to alarm, severity 3"),
    ]


def test_a_fault_that_passed_stays_open_and_may_come_again(registry: Registry) -> None:
    commit(registry, finding(1), finding(2, "passed"))
    assert (only(registry).state, only(registry).present, only(registry).passes) == ("active", False, 1)
    commit(registry, finding(3, "passed"))
    assert only(registry).passes == 1, "it had passed already"
    commit(registry, finding(5, since_us=at(4)))
    alarm = only(registry)
    assert (alarm.present, alarm.count, alarm.since_us, alarm.first_us) == (True, 2, at(4), at(1))
    assert [action for _, action, _ in lines(registry, alarm)] == ["raised", "passed", "again"]


def test_a_fault_that_comes_and_goes_does_not_flood_its_history(registry: Registry) -> None:
    for row in range(0, 200, 2):
        commit(registry, finding(row), finding(row + 1, "passed"))
    alarm = only(registry)
    assert (alarm.count, alarm.passes) == (100, 100)
    told = [comment for _, action, comment in lines(registry, alarm) if action == "passed"]
    assert told == ["", *(f"passed {times} times" for times in (2, 4, 8, 16, 32, 64))]
    assert len(lines(registry, alarm)) == 1 + 2 * len(told)


def test_a_fault_that_is_gone_clears_its_alarm_and_the_next_opens_another(registry: Registry) -> None:
    commit(registry, finding(1), finding(2, "gone", evidence={"reason": "aged out after 40 cycles"}))
    assert (only(registry).state, only(registry).present) == ("cleared", False)
    assert lines(registry, only(registry))[-1] == ("twinpack", "gone", "aged out after 40 cycles")
    commit(registry, finding(3))
    first, second = sorted(registry.alarms.alarms(EVERY), key=lambda alarm: alarm.first_us)
    assert (first.state, second.state) == ("cleared", "active")
    assert first.alarm_id != second.alarm_id
    assert second.count == 1


def test_opened_cleared_and_opened_again_in_one_batch(registry: Registry) -> None:
    events = [finding(1), finding(2, "gone"), finding(3), finding(4, "gone"), finding(5), finding(6)]
    commit(registry, *events)
    found = sorted(registry.alarms.alarms(EVERY), key=lambda alarm: alarm.first_us)
    assert [(alarm.state, alarm.count) for alarm in found] == [("cleared", 1), ("cleared", 1), ("active", 2)]


def test_what_is_not_confirmed_makes_no_alarm_but_is_kept(registry: Registry) -> None:
    commit(registry, finding(1, "pending"), finding(2, "passed"), finding(3, "gone"))
    assert registry.alarms.alarms(EVERY) == []
    kept = registry.alarms.findings_of_vehicle("car-1")
    assert [(one.change, one.alarm_id, one.effect) for one in kept] == [
        ("gone", None, ""),
        ("passed", None, ""),
        ("pending", None, ""),
    ]


def test_vehicles_codes_and_subjects_have_alarms_of_their_own(registry: Registry) -> None:
    commit(
        registry,
        finding(1),
        finding(1, vehicle="car-2"),
        finding(1, code="P0A7F"),
        finding(1, subject="cell 1"),
        finding(2, subject="cell 2"),
    )
    assert len({alarm.key for alarm in registry.alarms.alarms()}) == 5


def test_a_batch_again_adds_nothing(registry: Registry) -> None:
    events = [finding(1), finding(2), finding(3, "passed"), finding(4)]
    commit(registry, *events)
    before, history = only(registry), lines(registry, only(registry))
    assert commit(registry, *events, start=0) == 0
    assert (only(registry), lines(registry, only(registry))) == (before, history)
    commit(registry, *events, finding(5), start=0)
    assert only(registry).count == 4


def test_a_batch_again_with_another_finding_is_refused(registry: Registry) -> None:
    commit(registry, finding(1), finding(9))
    with pytest.raises(WorkspaceError, match="another outcome"):
        commit(registry, finding(1), finding(2), start=0)
    assert only(registry).count == 2


def test_a_batch_that_fails_leaves_no_finding_and_no_alarm(registry: Registry) -> None:
    broken = replace(finding(2), body=replace(finding(2).body, evidence={"x": object()}))
    with pytest.raises(AttributeError):
        commit(registry, finding(1), broken)
    assert registry.alarms.alarms(EVERY) == []
    assert registry.alarms.findings_of_vehicle("car-1") == []
    assert registry.event_counts() == {}


def test_figures_of_numpy_and_missing_ones_are_kept_as_json(registry: Registry) -> None:
    evidence = {"z": np.float64(4.5), "cells": np.array([2, 81]), "missing": float("nan"), "n": np.int64(3)}
    commit(registry, finding(1, evidence=evidence))
    (kept,) = registry.alarms.findings_of_vehicle("car-1")
    assert kept.evidence == {"z": 4.5, "cells": [2, 81], "missing": None, "n": 3}


@pytest.mark.parametrize(
    ("evidence", "comment"),
    [
        ({"text": "isolation is low; healed"}, "isolation is low; healed"),
        (
            {"text": "x", "reason": "repair on 2026-02-12: module 4", "who": "Kim"},
            "repair on 2026-02-12: module 4 (Kim)",
        ),
        ({}, "it is over"),
    ],
)
def test_why_a_fault_is_over_is_told(registry: Registry, evidence: dict[str, Any], comment: str) -> None:
    commit(registry, finding(1), finding(2, "gone", evidence=evidence))
    assert lines(registry, only(registry))[-1] == ("twinpack", "gone", comment)


@pytest.mark.parametrize("state", ["acknowledged", "assigned", "snoozed"])
def test_what_a_person_did_stays_when_it_is_raised_again(registry: Registry, state: str) -> None:
    commit(registry, finding(1))
    alarms, identity = registry.alarms, only(registry).alarm_id
    far = 4_000_000_000_000_000
    if state == "acknowledged":
        alarms.acknowledge(identity, "Kim")
    elif state == "assigned":
        alarms.assign(identity, "Robin", "Kim")
    else:
        alarms.snooze(identity, far, "Kim")
    before = only(registry)
    commit(registry, finding(2, severity=3), finding(3, "passed"), finding(4))
    after = only(registry)
    assert (after.state, after.assignee, after.snoozed_until_us) == (
        before.state,
        before.assignee,
        before.snoozed_until_us,
    )
    assert (after.count, after.severity, after.revision) == (3, 3, before.revision)


def test_a_raise_after_a_person_cleared_it_opens_another(registry: Registry) -> None:
    commit(registry, finding(1))
    registry.alarms.clear(only(registry).alarm_id, "Kim", "sensor plug reseated")
    commit(registry, finding(2, "passed"), finding(3, "gone"))
    assert (only(registry).state, only(registry).passes) == ("cleared", 0)
    commit(registry, finding(4))
    assert sorted(alarm.state for alarm in registry.alarms.alarms(EVERY)) == ["active", "cleared"]


def test_an_identity_that_is_taken_is_passed_over(registry: Registry) -> None:
    first = finding(1)
    chosen = alarm_id("car-1", "P0AA6", "", first.event_id)
    assert alarm_id("car-1", "P0AA6", "", first.event_id, {chosen}) not in (chosen, "")
    commit(registry, first)
    registry.alarms.clear(only(registry).alarm_id, "Kim", "done")
    assert only(registry).alarm_id == chosen


# --- windows --------------------------------------------------------------------------------------------------------


def window(scope: str, name: str, start: int, end: int | None) -> MuteWindow:
    return MuteWindow("", scope, name, at(start), None if end is None else at(end), "in the workshop", "Kim")


@pytest.mark.parametrize(("scope", "name"), [("vehicle", "car-1"), ("fleet", "default")])
def test_an_alarm_raised_in_a_window_says_so_and_is_listed(registry: Registry, scope: str, name: str) -> None:
    kept = registry.mutes.add(window(scope, name, 10, 20))
    commit(registry, finding(9, code="P1"), finding(10, code="P2"), finding(19, code="P3"), finding(20, code="P4"))
    muted = {alarm.code: alarm.muted_by for alarm in registry.alarms.alarms()}
    assert muted == {"P1": "", "P2": kept.window_id, "P3": kept.window_id, "P4": ""}
    assert {found.code: found.muted_by for found in registry.alarms.findings_of_vehicle("car-1")} == muted


def test_a_window_of_another_mutes_nothing(registry: Registry) -> None:
    registry.mutes.add(window("vehicle", "car-2", 0, None))
    registry.mutes.add(window("vehicle", "default", 0, None))
    commit(registry, finding(5))
    assert only(registry).muted_by == ""


def test_raised_after_its_window_an_alarm_is_no_longer_muted(registry: Registry) -> None:
    registry.mutes.add(window("vehicle", "car-1", 0, 10))
    commit(registry, finding(1), finding(11), finding(12))
    assert only(registry).muted_by == ""
    found = registry.alarms.findings_of(only(registry).alarm_id)
    assert [(one.effect, bool(one.muted_by)) for one in found] == [
        ("joined", False),
        ("unmuted", False),
        ("opened", True),
    ]
    (kept,) = registry.mutes.windows()
    assert lines(registry, only(registry))[-1] == ("twinpack", "unmuted", f"raised after window {kept.window_id}")


def test_an_alarm_that_rose_within_a_window_is_muted_until_it_is_raised_after_it(registry: Registry) -> None:
    registry.mutes.add(window("vehicle", "car-1", 5, 10))
    commit(registry, finding(1, severity=1))
    assert only(registry).muted_by == ""
    commit(registry, finding(6, severity=3), finding(7))
    assert only(registry).muted_by != ""
    commit(registry, finding(12))
    assert only(registry).muted_by == ""
    found = registry.alarms.findings_of(only(registry).alarm_id)
    assert [one.effect for one in found] == ["unmuted", "joined", "risen", "opened"]


# --- against a plain model ------------------------------------------------------------------------------------------


@dataclass
class Plain:
    """The rules in the plainest words: one dictionary of open alarms, one list of closed ones."""

    open: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    closed: list[dict[str, Any]] = field(default_factory=list)

    def take(self, event: Event) -> None:
        found, key = event.body, (event.vehicle_id, event.body.subject)
        alarm = self.open.get(key)
        if found.change == "raised" and alarm is None:
            self.open[key] = {
                "key": key,
                "first": found.time_us,
                "last": found.time_us,
                "count": 1,
                "severity": found.severity,
                "level": found.level,
                "present": True,
                "opened_by": event.event_id,
            }
        elif found.change == "raised" and alarm is not None:
            alarm["count"] += 1
            alarm["last"] = found.time_us
            alarm["severity"] = max(alarm["severity"], found.severity)
            alarm["level"] = "alarm" if "alarm" in (alarm["level"], found.level) else "watch"
            alarm["present"] = True
        elif found.change == "passed" and alarm is not None:
            alarm["present"] = False
        elif found.change == "gone" and alarm is not None:
            self.clear(key)

    def clear(self, key: tuple[str, str]) -> None:
        self.closed.append(self.open.pop(key) | {"present": False})

    def all(self) -> list[dict[str, Any]]:
        return sorted([*self.open.values(), *self.closed], key=lambda alarm: str(alarm["opened_by"]))


def as_plain(alarm: Alarm) -> dict[str, Any]:
    return {
        "key": (alarm.vehicle_id, alarm.subject),
        "first": alarm.first_us,
        "last": alarm.last_us,
        "count": alarm.count,
        "severity": alarm.severity,
        "level": alarm.level,
        "present": alarm.present,
        "opened_by": alarm.first_event,
    }


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["car-1", "car-2"]),
        st.sampled_from(["", "cell 2"]),
        st.sampled_from(["pending", "raised", "raised", "passed", "gone", "person clears"]),
        st.sampled_from(["watch", "alarm"]),
        st.integers(0, 3),
    ),
    max_size=40,
)


def events_of(steps: Sequence[tuple[Any, ...]]) -> list[Event | tuple[str, str]]:
    made: list[Event | tuple[str, str]] = []
    for row, (vehicle, subject, change, level, severity) in enumerate(steps):
        if change == "person clears":
            made.append((vehicle, subject))
        else:
            made.append(finding(row, change, vehicle, subject=subject, level=level, severity=severity))
    return made


def timeless(registry: Registry) -> list[tuple[dict[str, Any], list[tuple[Any, ...]]]]:
    """Alarms and their history without wall-clock times."""
    found = []
    for alarm in sorted(registry.alarms.alarms(EVERY), key=lambda alarm: alarm.alarm_id):
        kept = {name: value for name, value in asdict(alarm).items() if not name.endswith("at_us")}
        told = [
            (a.number, a.sample_time_us, a.who, a.action, a.comment) for a in registry.alarms.history(alarm.alarm_id)
        ]
        found.append((kept, told))
    return found


def effects(registry: Registry) -> list[tuple[Any, ...]]:
    def brief(one: FindingRecord) -> tuple[Any, ...]:
        return one.event_id, one.alarm_id, one.effect, one.muted_by

    return [brief(one) for one in registry.alarms.findings_of_rows(0, 10_000)]


@cache
def pair() -> tuple[Database, Database]:
    """Two registries that examples share one after the other: making tables takes longer than an example."""
    made = (Database.open("sqlite://"), Database.open("sqlite://"))
    for database in made:
        database.upgrade()
    return made


def emptied(database: Database) -> Registry:
    with database.write() as connection:
        for table in reversed(schema.metadata.sorted_tables):
            connection.execute(delete(table))
    return Registry(database)


@settings(max_examples=150, deadline=None)
@given(steps=STEPS, cuts=st.sets(st.integers(1, 40)), again=st.sets(st.integers(0, 40), max_size=3))
def test_alarms_are_those_of_the_plain_rules_however_batches_are_cut_and_repeated(
    steps: list[tuple[Any, ...]], cuts: set[int], again: set[int]
) -> None:
    plain = Plain()
    one_by_one, in_batches = map(emptied, pair())
    waiting: list[Event] = []
    committed: list[Event] = []

    def commit_waiting(row: int, repeated: Sequence[Event] = ()) -> None:
        start = 0 if repeated else in_batches.offset()
        in_batches.commit_batch(MAIN_STREAM, start, row, [*repeated, *waiting], {})
        committed.extend(waiting)
        waiting.clear()

    for row, step in enumerate(events_of(steps)):
        if isinstance(step, Event):
            plain.take(step)
            commit(one_by_one, step)
            waiting.append(step)
            if row in cuts:
                commit_waiting(row + 1, committed if row in again else ())
            continue
        commit_waiting(row)
        if step in plain.open:
            plain.clear(step)
            for registry in (one_by_one, in_batches):
                (mine,) = [a for a in registry.alarms.alarms() if (a.vehicle_id, a.subject) == step]
                registry.alarms.clear(mine.alarm_id, "Kim", "done")
    commit_waiting(len(steps))
    found = sorted(map(as_plain, in_batches.alarms.alarms(EVERY)), key=lambda alarm: str(alarm["opened_by"]))
    assert found == plain.all()
    assert timeless(one_by_one) == timeless(in_batches)
    assert effects(one_by_one) == effects(in_batches)
