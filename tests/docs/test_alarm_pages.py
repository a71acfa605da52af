"""The pages about alarms and maintenance: their commands run as they stand, one after the other."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.store.alarms.made import finding
from twinpack.cli.main import main
from twinpack.runtime.enrol import enrol
from twinpack.store.alarms.register import Wanted
from twinpack.store.fleet_records import FleetRecord, VehicleEntry
from twinpack.store.registry import MAIN_STREAM
from twinpack.store.workspace import Workspace

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"


def examples(page: str, name: str) -> list[str]:
    text = (HOW_TO / page).read_text(encoding="utf-8")
    return re.findall(rf"^<!-- example: {re.escape(name)} -->\n```text\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Where the pages' commands run: two vehicles, one with an alarm."""
    monkeypatch.chdir(tmp_path)
    workspace = Workspace.open("twinpack-data")
    with workspace.registry() as registry:
        registry.fleet.create_fleet(FleetRecord("depot"))
        names = ("car-0007", "car-0012")
        enrol(workspace, registry, [VehicleEntry(name, "depot", "sim_nmc_96s") for name in names])
        registry.commit_batch(MAIN_STREAM, 0, 9, [finding(2, vehicle="car-0007")], {})
    return workspace


def run_all(page: str, capsys: pytest.CaptureFixture[str]) -> int:
    lines = [line for block in examples(page, "commands") for line in block.splitlines()]
    for line in lines:
        program, *arguments = shlex.split(line)
        assert program == "twinpack"
        assert main(arguments) == 0, f"{line}: {capsys.readouterr().err}"
    return len(lines)


def test_the_commands_about_alarms_run(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_all("alarms.md", capsys) > 10
    with workspace.registry() as registry:
        (alarm,) = registry.alarms.alarms(Wanted(states=("cleared",)))
        assert [line.who for line in registry.alarms.history(alarm.alarm_id)][-1] == "Robin"
        assert len(registry.mutes.windows()) == 2


def test_the_commands_about_maintenance_run(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    Path("work.csv").write_text(examples("maintenance.md", "work.csv")[0], encoding="utf-8")
    assert run_all("maintenance.md", capsys) > 5
    with workspace.registry() as registry:
        records = registry.workshop.records()
    assert sorted((one.vehicle_id, one.kind, one.log_offset is not None) for one in records) == [
        ("car-0007", "inspection", False),
        ("car-0007", "repair", True),
        ("car-0007", "software", False),
        ("car-0012", "repair", True),
    ]
