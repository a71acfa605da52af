"""What is sealed while rows arrive reaches the lake, once."""

from __future__ import annotations

from pathlib import Path

from tests.runtime.test_live import append, live_log
from tests.runtime.workspaces import begin
from tests.twin.garage import healthy, log_of
from tests.waiting import until
from twinpack.runtime.live_lake import LiveLake
from twinpack.store.workspace import Workspace

ROWS = log_of(healthy("new", 3))
SAMPLES = 180


def in_the_lake(workspace: Workspace) -> int:
    return int(workspace.lake().read("telemetry", ["offset"]).num_rows)


def test_sealed_rows_reach_the_lake_while_others_arrive(tmp_path: Path) -> None:
    workspace = begin(tmp_path / "home")
    with LiveLake(workspace, every_s=0.05):
        with live_log(workspace, segment_rows=50) as log:
            append(log, ROWS)
            until(lambda: in_the_lake(workspace) >= 100)
        until(lambda: in_the_lake(workspace) == SAMPLES)
    offsets = workspace.lake().read("telemetry", ["offset"]).column("offset").to_pylist()
    assert sorted(offsets) == list(range(1, SAMPLES + 1))  # after the registration


def test_the_last_segment_is_brought_at_the_end(tmp_path: Path) -> None:
    workspace = begin(tmp_path / "home")
    with LiveLake(workspace, every_s=60.0), live_log(workspace) as log:
        append(log, ROWS)
    assert in_the_lake(workspace) == SAMPLES
    assert workspace.lake().read("features", ["vehicle_id"]).num_rows == 3  # a day each


def test_a_lake_that_cannot_be_written_is_told_and_tried_again(tmp_path: Path) -> None:
    workspace = begin(tmp_path / "home")
    with live_log(workspace) as log:
        append(log, ROWS)
    workspace.lake_dir.rename(tmp_path / "away")
    workspace.lake_dir.write_text("in the way")
    told: list[str] = []
    with LiveLake(workspace, told.append, every_s=0.05) as lake:
        until(lambda: "lake" in lake.problem)
        workspace.lake_dir.unlink()
        (tmp_path / "away").rename(workspace.lake_dir)
        until(lambda: in_the_lake(workspace) == SAMPLES)
    assert len(told) == 2
