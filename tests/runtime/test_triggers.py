"""Triggers: each event and each time of a schedule starts one job at most, and none is missed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.runtime.job_probe import runner
from tests.store.chains import chain, version_events
from tests.waiting import until
from twinpack.errors import WorkspaceError
from twinpack.fleet.events import TRIP, Event, event_id
from twinpack.ingest.log import SegmentLog
from twinpack.runtime.jobs import Jobs
from twinpack.runtime.jobs.events import WorkspaceEvents
from twinpack.runtime.jobs.triggers import Triggers
from twinpack.store.registry import MAIN_STREAM
from twinpack.store.settings import Settings
from twinpack.store.triggers import MODEL_PROMOTED, SEGMENT_SEALED, TRIP_CLOSED, VERSION_ACCEPTED, Trigger
from twinpack.store.workspace import Workspace
from twinpack.telemetry.schema import tick_row
from twinpack.twin.versions import ACCEPTED

NOON = datetime(2026, 3, 2, 12, 0, 30, tzinfo=UTC)
NIGHTLY = Trigger("nightly", "compact", "0 0 3 * * *")


@dataclass
class Offsets:
    """Events by the offset they happened at."""

    at: list[int] = field(default_factory=list)

    def position(self, event: str) -> int:
        return max(self.at, default=-1) + 1

    def count(self, event: str, start: int, end: int) -> int:
        return sum(start <= offset < end for offset in self.at)


@dataclass
class Started:
    """Jobs by name, as the jobs' database takes a name once."""

    jobs: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    fails: bool = False

    def __call__(
        self, kind: str, arguments: Mapping[str, Any], *, job_id: str, trigger: str, facts: Mapping[str, Any]
    ) -> str:
        if self.fails:
            raise WorkspaceError("nobody answers")
        self.jobs.setdefault(job_id, (kind, dict(facts)))
        return job_id


def look_at(path: Path, *triggers: Trigger, events: Offsets | None = None, start: Started | None = None) -> Triggers:
    return Triggers(triggers, path / "triggers.json", events or Offsets(), start or Started())


def test_a_schedule_starts_at_its_time_and_not_before(tmp_path: Path) -> None:
    start = Started()
    triggers = look_at(tmp_path, NIGHTLY, start=start)
    assert triggers.look(NOON) == []
    assert triggers.look(NOON + timedelta(hours=14, minutes=59)) == []
    night = NOON + timedelta(hours=15)
    assert triggers.look(night) == ["nightly-20260303T030000Z"]
    assert triggers.look(night + timedelta(hours=1)) == []
    assert start.jobs == {"nightly-20260303T030000Z": ("compact", {"due": "2026-03-03T03:00:00+00:00"})}


def test_times_missed_while_nobody_looked_start_one_job(tmp_path: Path) -> None:
    look_at(tmp_path, NIGHTLY).look(NOON)
    later = NOON + timedelta(days=9)
    assert look_at(tmp_path, NIGHTLY).look(later) == ["nightly-20260311T030000Z"]
    assert look_at(tmp_path, NIGHTLY).look(later) == []


def test_each_so_many_events_start_a_job_across_restarts(tmp_path: Path) -> None:
    trigger = Trigger("often", "learn", event=TRIP_CLOSED, every=100)
    events, start = Offsets(list(range(99))), Started()
    assert look_at(tmp_path, trigger, events=events, start=start).look(NOON) == []
    events.at.append(99)
    assert look_at(tmp_path, trigger, events=events, start=start).look(NOON) == ["often-trip_closed-100"]
    assert look_at(tmp_path, trigger, events=events, start=start).look(NOON) == []
    events.at += range(100, 350)
    assert look_at(tmp_path, trigger, events=events, start=start).look(NOON) == ["often-trip_closed-350"]
    assert start.jobs["often-trip_closed-350"] == ("learn", {"events": 200, "offset": 350})
    events.at += range(350, 400)
    assert look_at(tmp_path, trigger, events=events, start=start).look(NOON) == ["often-trip_closed-400"]


def test_events_wait_where_a_job_is_not_to_start_again_so_soon(tmp_path: Path) -> None:
    trigger = Trigger("calm", "lake", event=SEGMENT_SEALED, at_most_every="1h")
    events = Offsets([0])
    triggers = look_at(tmp_path, trigger, events=events)
    assert triggers.look(NOON) == ["calm-segment_sealed-1"]
    events.at += [5, 9]
    assert triggers.look(NOON + timedelta(minutes=59)) == []
    restarted = look_at(tmp_path, trigger, events=events)
    assert restarted.look(NOON + timedelta(minutes=60)) == ["calm-segment_sealed-10"]
    assert restarted.look(NOON + timedelta(hours=9)) == []


@pytest.mark.parametrize("lost", [False, True], ids=["not started", "started, but not noted"])
def test_a_crash_beside_the_start_starts_the_same_job_again(tmp_path: Path, lost: bool) -> None:
    trigger = Trigger("often", "lake", event=SEGMENT_SEALED)
    events, start = Offsets([0]), Started(fails=not lost)
    if lost:
        look_at(tmp_path, trigger, events=events, start=start).look(NOON)
        kept = json.loads((tmp_path / "triggers.json").read_text())
        kept["often"]["due"] = {"job_id": "often-segment_sealed-1", "facts": {"events": 1, "offset": 1}}
        (tmp_path / "triggers.json").write_text(json.dumps(kept))
    else:
        with pytest.raises(WorkspaceError):
            look_at(tmp_path, trigger, events=events, start=start).look(NOON)
        start.fails = False
    events.at.append(7)  # what happened meanwhile does not change the name of what was due
    triggers = look_at(tmp_path, trigger, events=events, start=start)
    assert triggers.look(NOON) == ["often-segment_sealed-1"]
    assert triggers.look(NOON) == ["often-segment_sealed-8"]
    assert list(start.jobs) == ["often-segment_sealed-1", "often-segment_sealed-8"]


def test_another_schedule_under_a_name_begins_anew(tmp_path: Path) -> None:
    look_at(tmp_path, NIGHTLY).look(NOON)
    hourly = Trigger("nightly", "compact", "0 0 * * * *")
    changed = look_at(tmp_path, hourly)
    assert changed.look(NOON + timedelta(days=2)) == []
    assert changed.look(NOON + timedelta(days=2, hours=1)) == ["nightly-20260304T130000Z"]


def test_a_damaged_file_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "triggers.json").write_text("{")
    with pytest.raises(WorkspaceError, match=r"triggers\.json is damaged .* remove it"):
        look_at(tmp_path, NIGHTLY)


def trips(vehicle: str, offsets: list[int]) -> list[Event]:
    return [Event(event_id(vehicle, offset, TRIP), vehicle, offset, TRIP, offset, None) for offset in offsets]


def test_events_are_counted_from_log_and_registry(tmp_path: Path) -> None:
    workspace = Workspace.open(tmp_path)
    log = SegmentLog(workspace.log_dir)
    for _ in range(3):
        log.append([tick_row(7_000_000), tick_row(8_000_000)])
    versions = chain("car-1", 5)
    kinds = [version.kind for version in versions]
    with workspace.registry() as registry:
        made = version_events(versions, 10)
        registry.commit_batch(MAIN_STREAM, 0, 20, [*trips("car-1", [3, 8, 15]), *made], {})
    events = WorkspaceEvents(workspace)
    try:
        assert (events.position(SEGMENT_SEALED), events.count(SEGMENT_SEALED, 2, 6)) == (6, 2)
        assert (events.position(TRIP_CLOSED), events.count(TRIP_CLOSED, 0, 20)) == (20, 3)
        assert events.count(TRIP_CLOSED, 8, 15) == 1
        assert events.count(VERSION_ACCEPTED, 0, 20) == kinds.count(ACCEPTED)
        halves = [events.count(VERSION_ACCEPTED, *part) for part in ((0, made[2].offset), (made[2].offset, 20))]
        assert min(halves) > 0 and sum(halves) == kinds.count(ACCEPTED)
        assert events.count(MODEL_PROMOTED, 0, 20) == 0
    finally:
        events.close()


def test_what_happened_while_no_worker_ran_starts_its_job_once(tmp_path: Path) -> None:
    settings = Settings(trigger=(Trigger("sealed", "learn", event=SEGMENT_SEALED, every=2),))
    workspace = Workspace.open(tmp_path / "home", settings=settings)
    log = SegmentLog(workspace.log_dir)
    log.append([tick_row(7_000_000)])
    log.append([tick_row(8_000_000)])
    with Jobs(workspace) as jobs:
        with runner(workspace):
            until(jobs.list)
        log.append([tick_row(9_000_000)])
        for _ in range(2):
            with runner(workspace) as working:
                working.wait_idle(60)
        log.append([tick_row(10_000_000)])
        with runner(workspace):
            until(lambda: len(jobs.list()) == 2)
            found = [jobs.wait(job.job_id, 60) for job in jobs.list()]
    assert [(job.job_id, job.kind, job.state, job.trigger) for job in found] == [
        ("sealed-segment_sealed-4", "learn", "done", "sealed"),
        ("sealed-segment_sealed-2", "learn", "done", "sealed"),
    ]


def test_a_schedule_fires(tmp_path: Path) -> None:
    workspace = Workspace.open(tmp_path / "home", settings=Settings(trigger=(Trigger("tick", "learn", "* * * * * *"),)))
    with Jobs(workspace) as jobs, runner(workspace):
        until(lambda: len(jobs.list()) >= 2)
        newest, *_, first = jobs.list()
        assert newest.job_id > first.job_id and {newest.trigger, first.trigger} == {"tick"}
        assert jobs.wait(first.job_id, 60).state == "done"
