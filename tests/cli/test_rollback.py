"""`twinpack rollback`: a row of the log that carries all the fold needs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.store.chains import chain, version_events
from twinpack.cli.commands import COMMANDS
from twinpack.cli.main import main
from twinpack.ingest.log import SegmentLog
from twinpack.store.registry import MAIN_STREAM
from twinpack.store.workspace import Workspace
from twinpack.telemetry.batch import SampleBatch
from twinpack.telemetry.schema import KIND_COMMAND, tick_row


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setitem(COMMANDS, "rollback", "twinpack.cli.rollback")
    workspace = Workspace.open(tmp_path)
    with workspace.registry() as registry:
        registry.commit_batch(MAIN_STREAM, 0, 3, version_events(chain("car-1", 3), 0), {})
    SegmentLog(workspace.log_dir).append([tick_row(7_000_000)])
    return workspace


def last_row(workspace: Workspace) -> SampleBatch:
    log = SegmentLog(workspace.log_dir)
    first, table = next(log.read(log.end_offset - 1))
    return SampleBatch.from_arrow(table, first)


def test_the_command_carries_the_version_it_goes_back_to(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    home = str(workspace.home)
    assert main(["rollback", "car-1", "2", "--reason", "workshop", "--home", home]) == 0
    assert capsys.readouterr().out.startswith("car-1 goes back to version 2 with the next `twinpack run` (row 1")
    row = last_row(workspace)
    assert row.kind.tolist() == [KIND_COMMAND]
    assert row.vehicle_ids == ("car-1",)
    ((_, body),) = row.commands
    target = chain("car-1", 3)[1]
    assert (body["type"], body["vehicle"], body["to"], body["reason"]) == ("rollback", "car-1", 2, "workshop")
    assert tuple(body["mean"]) == target.mean
    assert tuple(body["covariance"]) == target.covariance
    assert tuple(body["parameters"]) == target.parameters


def test_the_result_as_json(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rollback", "car-1", "1", "--json", "--home", str(workspace.home)]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["vehicle"], result["to"], result["offset"]) == ("car-1", 1, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["car-1", "4"], "'car-1' has no version 4; it has versions 1 to 3"),
        (["car-9", "1"], "vehicle 'car-9' is not known"),
        (["car-1", "0"], "greater than or equal to 1"),
    ],
)
def test_what_does_not_exist_is_refused_and_nothing_is_written(
    workspace: Workspace, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["rollback", *arguments, "--home", str(workspace.home)]) == 2
    assert message in capsys.readouterr().err
    assert SegmentLog(workspace.log_dir).end_offset == 1
