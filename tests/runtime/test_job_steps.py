"""The jobs that are shipped, on real logs and lakes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.runtime.segments import DAY_US, START_US, all_rows, samples, write
from tests.runtime.workspaces import begin, with_settings
from tests.twin.garage import PACK, healthy
from twinpack.runtime.jobs import JobRunner, Jobs
from twinpack.runtime.jobs.steps import STEPS, StepContext
from twinpack.store.archive import Archive
from twinpack.store.jobs import JOBS
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
    do(workspace, "compact")
    assert all_rows(workspace) == before


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
