"""A run killed at any moment, and one that folds on from the last snapshot, end like a run that was left alone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.store.alarms.made import finding
from tests.store.chains import chain, version_event
from twinpack.detect.findings import Change
from twinpack.fleet.events import Event
from twinpack.store.alarms.records import STATES, Alarm
from twinpack.store.alarms.register import Wanted
from twinpack.store.audit import verify
from twinpack.store.registry import MAIN_STREAM, Registry
from twinpack.store.workspace import Workspace

CARS = ("car-1", "car-2", "car-3")
ROWS = 18
PER_BATCH = 2

RUN = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from tests.store.test_crash import run
run(Path(sys.argv[1]), lambda at: print(at, flush=True))
"""


def events_of(start: int, stop: int) -> list[Event]:
    """What a fold of these rows would give: a version and a step of a fault for each vehicle a row."""
    chains = [chain(name, ROWS) for name in CARS]
    versions = [version_event(made[row], row) for row in range(start, stop) for made in chains]
    steps: tuple[Change, ...] = ("raised", "raised", "passed", "raised", "gone")
    return versions + [finding(row, steps[row % 5], name) for row in range(start, stop) for name in CARS]


def alarms_of(registry: Registry) -> list[object]:
    """Alarms and their history, wall-clock times aside."""
    found: list[object] = []
    for alarm in sorted(registry.alarms.alarms(Wanted(states=STATES)), key=lambda alarm: alarm.alarm_id):
        found.append(replace(alarm, raised_at_us=0, changed_at_us=0))
        found += [replace(action, at_us=0) for action in registry.alarms.history(alarm.alarm_id)]
    return found


def run(home: Path, tell: Callable[[str], None] = lambda at: None) -> None:
    workspace = Workspace.open(home)
    with workspace.runtime_lock(), workspace.registry() as registry:
        heads, snapshots = workspace.heads(), workspace.snapshots(registry)
        for start in range(snapshots.load_newest().offset, ROWS, PER_BATCH):
            stop = min(start + PER_BATCH, ROWS)
            events = events_of(start, stop)
            tell(f"{start} folded")
            registry.commit_batch(MAIN_STREAM, start, stop, events, {name: {"row": stop} for name in CARS})
            tell(f"{start} committed")
            heads.sign(events, stop)
            if stop % 6 == 0:
                snapshots.save(b"state %d" % stop, stop)


@pytest.mark.parametrize("lines", [1, 2, 11])
def test_killed_and_run_again(tmp_path: Path, lines: int) -> None:
    command = [sys.executable, "-c", RUN, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in range(lines):
            process.stdout.readline()
        process.kill()
    workspace = Workspace.open(tmp_path, create=False)
    with workspace.registry() as registry:
        assert verify(registry, workspace.heads()).ok, "what a crash leaves is not damage"
    run(tmp_path)
    with workspace.registry() as registry:
        report = verify(registry, workspace.heads())
        assert (report.ok, report.versions, report.unsigned) == (True, len(CARS) * ROWS, 0)
        assert [registry.versions(name) for name in CARS] == [chain(name, ROWS) for name in CARS]
        assert registry.latest() == {name: {"row": ROWS} for name in CARS}
        assert registry.offset() == ROWS
        kept = alarms_of(registry)
    run(tmp_path / "undisturbed")
    with Workspace.open(tmp_path / "undisturbed").registry() as registry:
        assert kept == alarms_of(registry)
        assert len([one for one in kept if isinstance(one, Alarm)]) == 4 * len(CARS)
