"""The jobs that are shipped, on real logs and lakes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.runtime.segments import DAY_US, START_US, all_rows, samples, write
from tests.runtime.workspaces import SETTINGS, begin, bring, record, with_settings
from tests.twin.garage import PACK, healthy
from twinpack.ingest.log import SegmentLog
from twinpack.ingest.log.tidy import retain
from twinpack.runtime.jobs import JobRunner, Jobs
from twinpack.runtime.jobs.steps import STEPS, StepContext
from twinpack.runtime.retention import used_offset
from twinpack.runtime.run import run
from twinpack.runtime.sensitivity import latest_sensitivity
from twinpack.store.archive import Archive
from twinpack.store.jobs import JOBS
from twinpack.store.records import SnapshotRecord
from twinpack.store.registry import MAIN_STREAM
from twinpack.store.settings import LogSettings
from twinpack.store.workspace import Workspace


def do(workspace: Workspace, job: str, **told: Any) -> dict[str, Any]:
    """Every step of a job twice, as after a kill at its end; what the first gave."""
    found: dict[str, Any] = {}
    context = StepContext(f"{job}-1", workspace, JOBS[job].complete(told), lambda text: None)
    for step in STEPS[job]:
        found |= step.run(context)
        step.run(context)
    return found


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """Five days of two vehicles in five segments, from long ago."""
    workspace = Workspace.open(tmp_path / "home")
    for day in range(5):
        times = [START_US + day * DAY_US + minute * 60_000_000 for minute in range(3)]
        write(workspace.home, samples("car-1", times, soc_pct=50.0), samples("car-2", times, soc_pct=60.0))
    yield workspace


def test_segments_reach_the_lake_once_and_compaction_changes_no_row(workspace: Workspace) -> None:
    assert do(workspace, "lake")["rows"] == 30
    before = all_rows(workspace)
    assert len(before) == 30
    assert do(with_settings(workspace, "log", segment_rows=10), "compact")["segments_joined"] == 8
    assert [segment.rows for segment in SegmentLog(workspace.log_dir).segments()] == [12, 12, 3, 3]
    assert all_rows(workspace) == before


def test_only_what_was_used_leaves_the_log(tmp_path: Path) -> None:
    limit = LogSettings(retention_days=30.0, segment_rows=10)
    workspace = begin(tmp_path / "home", healthy("car-1", 4), settings=replace(SETTINGS, log=limit))
    log = SegmentLog(workspace.log_dir)
    end = log.end_offset
    assert do(workspace, "retention")["segments_dropped"] == 0, "nothing was folded yet"
    run(workspace)
    bring(workspace, healthy("car-2", 2))
    calm = record(workspace)
    with workspace.registry() as registry:
        snapshots = {snapshot.offset for snapshot in registry.snapshots()}
    assert do(workspace, "retention")["used_to_offset"] == min(snapshots)
    assert 0 <= log.start_offset <= min(snapshots) < end
    assert record(workspace) == calm
    with workspace.registry() as registry:
        for offset in sorted(snapshots)[:-1]:
            registry.drop_snapshot(offset)
    assert do(workspace, "retention")["segments_dropped"] > 0
    assert log.start_offset == max(snapshots) == end
    run(workspace)
    assert record(workspace)["offset"] == log.end_offset > end


def test_learning_goes_on_once_the_log_has_lost_its_beginning(tmp_path: Path) -> None:
    workspace = begin(tmp_path / "home", healthy("car-1", 3), healthy("car-2", 3), model=False)
    log = SegmentLog(workspace.log_dir)
    of_others = log.end_offset
    bring(workspace, healthy("car-3", 3))
    first = next(one.first_offset for one in log.segments() if one.first_offset >= of_others and one.has_samples)
    retain(log, first, older_than_us=2**62)
    assert log.start_offset == first, "with the rows that registered the vehicle"
    assert do(workspace, "learn", kind="thevenin-1rc", trips=2)["pack"] == PACK


def test_a_webhook_that_was_not_served_holds_the_log(workspace: Workspace) -> None:
    do(workspace, "lake")
    hook = '[[route]]\nname = "fast"\nwhen = "speed_kmh > 0"\nto = ["webhook:https://example.org/x"]\n'
    with workspace.registry() as registry:
        registry.commit_batch(MAIN_STREAM, 0, 30, [], {})
        registry.add_snapshot(SnapshotRecord(30, "x", "0" * 64))
        assert used_offset(workspace, registry) == 30
        registry.commit_batch("webhook:fast", 0, 6, [], {})
        assert used_offset(workspace, registry) == 30, "no rule names it"
        (workspace.home / "routing.toml").write_text(hook)
        assert used_offset(workspace, registry) == 6


def test_retention_keeps_everything_unless_it_is_limited(workspace: Workspace) -> None:
    do(workspace, "lake")
    do(workspace, "retention")
    assert len(all_rows(workspace)) == 30
    limited = with_settings(workspace, "lake", retention_days=30.0)
    assert len(do(limited, "retention")["days_dropped"]) == 5
    assert all_rows(limited) == []


def test_learning_stores_a_model_for_the_pack(tmp_path: Path) -> None:
    workspace = begin(tmp_path / "home", healthy("car-1", 3), model=False)
    found = do(workspace, "learn", kind="thevenin-1rc", trips=2)
    with workspace.registry() as registry:
        (model,) = registry.models(PACK)
    assert found["model_hash"] == model.hash


def test_a_models_sensitivity_is_kept_beside_it(tmp_path: Path) -> None:
    workspace = begin(tmp_path / "home", healthy("car-1", 3))
    found = do(workspace, "sensitivity", trips=3, samples=64)
    with workspace.registry() as registry:
        kept = latest_sensitivity(workspace, registry, found["model_hash"])
    assert kept is not None and (kept.hash, kept.found["chosen"]["names"]) == (
        found["sensitivity_hash"],
        found["chosen"],
    )


def test_a_backup_is_a_whole_one_under_the_jobs_name(workspace: Workspace, tmp_path: Path) -> None:
    left = tmp_path / "backups" / ".backup-1.partial-1"
    left.mkdir(parents=True)
    folder = Path(do(workspace, "backup", to=str(tmp_path / "backups"))["folder"])
    assert folder == tmp_path / "backups" / "backup-1" and not left.exists()
    assert any(name.startswith("log/") for name in Archive.open(folder).manifest.files)


def test_they_run_as_jobs(workspace: Workspace) -> None:
    with Jobs(workspace) as jobs, JobRunner(workspace, triggers=False):
        for kind in ("lake", "compact", "retention"):
            job = jobs.wait(jobs.start(kind), 60)
            assert (job.state, [step.name for step in job.steps]) == ("done", [step.name for step in STEPS[kind]])
    assert len(all_rows(workspace)) == 30
