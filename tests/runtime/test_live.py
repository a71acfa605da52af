"""A fold that follows a log while it grows ends with what a run over the finished log gives."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from sqlalchemy import create_engine, text

from tests.runtime.workspaces import SETTINGS, begin, record, with_settings
from tests.twin.garage import ARTIFACT, PACK, healthy, log_of, worn
from tests.waiting import until
from twinpack.errors import WorkspaceBusyError
from twinpack.fleet.events import Event
from twinpack.fleet.fold import fold
from twinpack.fleet.state import ShardState
from twinpack.ingest.log import LiveLog, SegmentLog
from twinpack.runtime.keeper import TOLD_AGAIN_US
from twinpack.runtime.live import LiveFold, Pace
from twinpack.runtime.run import run
from twinpack.store.deadletters import LakeDeadLetters
from twinpack.store.registry import Registry
from twinpack.store.workspace import Workspace
from twinpack.telemetry.batch import SampleBatch

FAST = Pace(fold_s=0.01, flush_s=0.05, save_s=0.3, model_s=0.05, again_s=0.05, retry_s=0.05)
ROWS = log_of(worn("old", 4), healthy("new", 3))


@contextmanager
def live_log(workspace: Workspace, segment_rows: int = 200) -> Iterator[LiveLog]:
    log = SegmentLog(workspace.log_dir)
    with LiveLog(log, LakeDeadLetters(workspace.lake()), segment_rows=segment_rows, segment_age_s=60.0) as live:
        yield live


def append(log: LiveLog, rows: pa.Table, at_once: int = 37) -> None:
    for start in range(0, rows.num_rows, at_once):
        log.append(rows.slice(start, at_once))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What a run over the whole log leaves."""
    workspace = begin(tmp_path_factory.mktemp("run") / "home")
    with live_log(workspace) as log:
        append(log, ROWS)
    run(workspace)
    return without_latest(record(workspace))


def without_latest(found: dict[str, object]) -> dict[str, object]:
    """Without the latest state, which is of the last row of a batch."""
    return {key: value for key, value in found.items() if key != "latest"}


def test_it_ends_with_what_a_run_gives(finished: dict[str, object], tmp_path: Path) -> None:
    workspace = begin(tmp_path / "home")
    with live_log(workspace) as log, LiveFold(workspace, log, pace=FAST) as live:
        append(log, ROWS)
        assert live.wait_for(ROWS.num_rows, 60.0)
        assert live.problem == ""
    assert without_latest(record(workspace)) == finished
    assert run(workspace).rows == 0


def test_within_a_trip_charge_and_time_of_the_latest_state_go_on(tmp_path: Path) -> None:
    workspace = begin(tmp_path / "home")
    first_trip = ROWS.slice(0, 120)
    with live_log(workspace) as log, LiveFold(workspace, log, pace=FAST) as live:
        append(log, first_trip)
        assert live.wait_for(first_trip.num_rows, 60.0)
    with workspace.registry() as registry:
        latest = registry.latest_of("old")
    newest = first_trip.filter(pc.equal(first_trip["vehicle_id"], "old"))["sample_time"].cast("int64")[-1].as_py()
    assert 0 <= newest - latest["last_seen_us"] < TOLD_AGAIN_US + 5_000_000
    assert 0.0 < latest["soc"] < 1.0


def test_stopped_and_started_again_it_goes_on(finished: dict[str, object], tmp_path: Path) -> None:
    workspace = begin(tmp_path / "home")
    for start in range(0, ROWS.num_rows, 150):
        with live_log(workspace) as log, LiveFold(workspace, log, pace=FAST) as live:
            append(log, ROWS.slice(start, 150))
            assert live.wait_for(min(start + 150, ROWS.num_rows), 60.0)
    assert without_latest(record(workspace)) == finished


def test_vehicles_without_a_model_are_folded_and_their_twins_begin_once_there_is_one(tmp_path: Path) -> None:
    workspace = begin(tmp_path / "home", model=False)
    with live_log(workspace) as log, LiveFold(workspace, log, pace=FAST) as live:
        append(log, ROWS.slice(0, 300))
        assert live.wait_for(300, 60.0)
        until(lambda: "learn model" in live.problem)
        with workspace.registry() as registry:
            assert registry.version_count() == 0
            workspace.artifacts(registry).save(ARTIFACT, pack=PACK)
        until(lambda: log.end_offset > 300)  # the command that gives it
        append(log, ROWS.slice(300))
        assert live.wait_for(ROWS.num_rows + 1, 60.0)
        assert live.problem == ""
    with workspace.registry() as registry:
        assert {one.vehicle_id for one in registry.vehicles() if registry.versions(one.vehicle_id)}
    found = record(workspace)
    again = begin(tmp_path / "again", model=False)
    SegmentLog(again.log_dir).append(table for _, table in SegmentLog(workspace.log_dir).read())
    run(again, without_model=True)
    assert record(again)["versions"] == found["versions"]


def test_a_registry_that_is_locked_is_waited_for(finished: dict[str, object], tmp_path: Path) -> None:
    workspace = begin(tmp_path / "home")
    blocker = create_engine(workspace.registry_url).connect()
    told: list[str] = []
    with live_log(workspace) as log, LiveFold(workspace, log, tell=told.append, pace=FAST) as live:
        append(log, ROWS.slice(0, 300))
        assert live.wait_for(300, 60.0)
        blocker.execute(text("BEGIN IMMEDIATE"))
        append(log, ROWS.slice(300))
        assert not live.wait_for(ROWS.num_rows, 0.5)
        assert log.end_offset == ROWS.num_rows  # what is taken in does not wait for the registry
        blocker.rollback()
        blocker.close()
        assert live.wait_for(ROWS.num_rows, 60.0)
    assert without_latest(record(workspace)) == finished


def test_a_lake_that_cannot_be_written_is_waited_for(finished: dict[str, object], tmp_path: Path) -> None:
    workspace = begin(tmp_path / "home")
    away = tmp_path / "away"
    told: list[str] = []
    with live_log(workspace) as log, LiveFold(workspace, log, tell=told.append, pace=FAST) as live:
        append(log, ROWS.slice(0, 300))
        assert live.wait_for(300, 60.0)
        until(lambda: (workspace.lake_dir / "predictions").exists())
        workspace.lake_dir.rename(away)
        workspace.lake_dir.write_text("in the way")
        append(log, ROWS.slice(300))
        until(lambda: "lake" in live.problem)
        workspace.lake_dir.unlink()
        away.rename(workspace.lake_dir)
        assert live.wait_for(ROWS.num_rows, 60.0)
    assert without_latest(record(workspace)) == finished


def test_a_key_that_is_gone_is_waited_for(finished: dict[str, object], tmp_path: Path) -> None:
    workspace = begin(tmp_path / "home")
    key, away = workspace.audit_key_path, tmp_path / "away"
    with live_log(workspace) as log, LiveFold(workspace, log, pace=FAST) as live:
        append(log, ROWS.slice(0, 300))
        assert live.wait_for(300, 60.0)
        until(key.exists)
        key.rename(away)
        append(log, ROWS.slice(300))
        until(lambda: "audit.key is missing" in live.problem)
        away.rename(key)
        assert live.wait_for(ROWS.num_rows, 60.0)
    assert without_latest(record(workspace)) == finished


def test_a_workspace_in_use_is_refused(tmp_path: Path) -> None:
    workspace = begin(tmp_path / "home")
    with live_log(workspace) as log, LiveFold(workspace, log, pace=FAST), pytest.raises(WorkspaceBusyError):
        run(workspace)


def test_settings_changed_since_the_first_run_are_told(tmp_path: Path) -> None:
    workspace = begin(tmp_path / "home", worn("old", 1))
    run(workspace)
    changed = with_settings(workspace, "trips", gap_s=700.0)
    told: list[str] = []
    with live_log(changed) as log, LiveFold(changed, log, tell=told.append, pace=FAST) as live:
        until(lambda: "gap_s" in live.problem)
        append(log, ROWS)  # still taken in
    assert "the fold broke off" in told[-1]


def test_a_fold_that_broke_off_begins_again_from_its_last_snapshot(
    finished: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = begin(tmp_path / "home")
    broken = iter([True])

    def breaking_once(state: ShardState, batch: SampleBatch) -> tuple[ShardState, list[Event]]:
        if batch.first_offset >= 300 and next(broken, False):
            raise RuntimeError("nobody foresaw this")
        return fold(state, batch)

    monkeypatch.setattr("twinpack.runtime.live.fold", breaking_once)
    told: list[str] = []
    with live_log(workspace) as log, LiveFold(workspace, log, tell=told.append, pace=FAST) as live:
        append(log, ROWS)
        until(lambda: live.offset == ROWS.num_rows and live.problem == "")
    assert any("nobody foresaw this" in text for text in told)
    assert without_latest(record(workspace)) == finished


_FOLLOW = """
import sys
import time
from tests.runtime.test_live import FAST, live_log
from twinpack.runtime.keeper import TOLD_AGAIN_US
from twinpack.runtime.live import LiveFold
from twinpack.store.workspace import Workspace
workspace = Workspace.open(sys.argv[1])
with live_log(workspace) as log, LiveFold(workspace, log, pace=FAST) as live:
    live.wait_for(10**9, 60.0)
"""


def test_killed_while_it_follows_it_ends_with_the_same(finished: dict[str, object], tmp_path: Path) -> None:
    workspace = begin(tmp_path / "home", settings=SETTINGS)
    with live_log(workspace) as log:
        append(log, ROWS.slice(0, 400))
    with workspace.registry() as registry:
        for least in (70, 210, 400):
            process = subprocess.Popen([sys.executable, "-c", _FOLLOW, str(workspace.home)])
            until(partial(_stands, registry, least))
            process.kill()
            process.wait()
    with live_log(workspace) as log, LiveFold(workspace, log, pace=FAST) as live:
        append(log, ROWS.slice(400))
        assert live.wait_for(ROWS.num_rows, 60.0)
    assert without_latest(record(workspace)) == finished


def _stands(registry: Registry, least: int) -> bool:
    return registry.offset() >= least
