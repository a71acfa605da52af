"""`twinpack faults`: what is so, what was, and why; and codes that are cleared."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.store.alarms.made import at, finding
from twinpack.cli.main import main
from twinpack.fleet.events import Event
from twinpack.ingest.log import SegmentLog
from twinpack.runtime.enrol import enrol
from twinpack.store.fleet_records import VehicleEntry
from twinpack.store.registry import MAIN_STREAM
from twinpack.store.workspace import Workspace
from twinpack.telemetry.batch import SampleBatch

VEHICLES = ("car-1", "car-2", "car-3")


def with_status(event: Event, status: int, occurrence: int = 1) -> Event:
    return replace(event, body=replace(event.body, status=status, occurrence=occurrence))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """One vehicle with faults of every kind, one without, one of which nothing was folded."""
    workspace = Workspace.open(tmp_path / "home")
    weak = {"cell": 81, "z": -9.13, "deviation_mv": -33.2, "regime": "load", "days": 1.5}
    events = [
        with_status(finding(1, severity=3), 0xAF),
        with_status(finding(2, "passed", severity=3), 0xAE),
        with_status(finding(3, severity=3, evidence={"text": "isolation is 40 ohm/V"}), 0xAF, 2),
        with_status(finding(4, code="P0BBE", severity=1, level="watch", evidence={"text": "cells differ"}), 0x2F),
        with_status(finding(5, "passed", code="P0BBE", severity=1, level="watch"), 0x2E),
        replace(e := finding(6, code="TP-CELL-LOW", subject="cell 81", evidence=weak), body=replace(e.body, status=0)),
        with_status(finding(7, code="P0B3C", category="sensor", evidence={"text": "cell 5 is dead"}), 0xAF),
        with_status(finding(8, "pending", code="P0A7D", severity=1, level="watch"), 0x27),
        with_status(finding(9, code="P0A0A", severity=3), 0xAF),
        with_status(finding(10, "gone", code="P0A0A", severity=3, evidence={"because": "healed"}), 0x28),
    ]
    faults = {"codes": {"P0AA6": 0xAF, "P0A7D": 0x26}, "counters": {"P0AA6": 127}, "gbt_bits": 1 << 11, "gbt_level": 3}
    with workspace.registry() as registry:
        enrol(workspace, registry, [VehicleEntry(name, "default", "sim_nmc_96s") for name in VEHICLES])
        latest: dict[str, dict[str, Any]] = {"car-1": {"faults": faults}, "car-2": {"faults": {"codes": {}}}}
        registry.commit_batch(MAIN_STREAM, 0, 11, events, latest)
    return workspace


def run(workspace: Workspace, *arguments: str) -> int:
    return main(["faults", *arguments, "--home", str(workspace.home)])


def told(workspace: Workspace, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(workspace, *arguments) == 0
    return capsys.readouterr().out


def test_what_is_so_comes_first_with_its_evidence_and_status_in_words(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    text = told(workspace, capsys, "car-1")
    assert text.splitlines() == [
        "car-1 · sim_nmc_96s",
        "Active: 2 battery faults and 1 fault of sensors or data; severity 3, stop or",
        "  call rescue; 2 more passed or pending.",
        "GB/T 32960: level 3, insulation (bit 11)",
        "",
        "Battery",
        "  P0AA6         isolation is 40 ohm/V",
        "                alarm, severity 3, stop or call rescue",
        f"                active since {clock(3)}, raised 2 times",
        "                status 0xAF: confirmed, active, lamp requested; fault detection",
        "                counter 127",
        f"                alarm {alarm(workspace, 'P0AA6')}, active",
        "  TP-CELL-LOW, cell 81",
        "                −33.2 mV from the median cell of the pack, under load, z −9.13,",
        "                for 1.5 days",
        "                alarm, severity 2, limited performance",
        f"                active since {clock(6)}, raised once",
        f"                alarm {alarm(workspace, 'TP-CELL-LOW')}, active",
        "  P0BBE         cells differ",
        "                watch, severity 1, drives normally",
        f"                passed since {clock(5)}, raised once",
        "                status 0x2E: confirmed, not failing now",
        f"                alarm {alarm(workspace, 'P0BBE')}, active",
        "  P0A7D         isolation is low",
        "                watch, severity 1, drives normally",
        f"                pending since {clock(8)}",
        "                status 0x26: pending",
        "",
        "Sensors and data",
        "  P0B3C         cell 5 is dead",
        "                alarm, severity 2, limited performance",
        f"                active since {clock(7)}, raised once",
        "                status 0xAF: confirmed, active, lamp requested",
        f"                alarm {alarm(workspace, 'P0B3C')}, active",
        "",
        "Over",
        f"  P0A0A                         over since {clock(10)}, healed",
    ]


def clock(row: int) -> str:
    from twinpack.detect.words import moment

    return moment(at(row))


def alarm(workspace: Workspace, code: str) -> str:
    with workspace.registry() as registry:
        return next(one.alarm_id for one in registry.alarms.alarms() if one.code == code)


def test_the_same_as_json(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(told(workspace, capsys, "car-1", "--json"))
    assert found["gbt"] == {"level": 3, "bits": 2048, "alarms": ["insulation (bit 11)"]}
    assert [each["code"] for each in found["active"]] == ["P0AA6", "P0B3C", "TP-CELL-LOW"]
    assert [each["code"] for each in found["passed"]] == ["P0BBE"]
    assert [each["code"] for each in found["pending"]] == ["P0A7D"]
    assert [each["code"] for each in found["history"]] == ["P0A0A"]
    first = found["active"][0]
    assert first["status"] == 0xAF
    assert first["status_bits"][:2] == ["test failed", "failed this cycle"]
    assert (first["fdc"], first["occurrence"], first["alarm"]["state"]) == (127, 2, "active")
    assert first["since"] == "2023-11-14T22:13:23Z"
    assert found["passed"][0]["evidence"] == {"text": "cells differ"}


def test_one_without_faults_and_one_that_was_not_looked_at(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(workspace, capsys, "car-2").splitlines()[1:] == [
        "No fault is active.",
        "GB/T 32960: level 0, no alarm bits",
    ]
    assert "No sample of it was folded yet" in told(workspace, capsys, "car-3")
    with workspace.registry() as registry:
        registry.commit_batch(MAIN_STREAM, 11, 12, [], {"car-3": {"soc": 0.5}})
    assert "Nobody has looked for faults here yet" in told(workspace, capsys, "car-3")
    assert json.loads(told(workspace, capsys, "car-3", "--json"))["detected"] is False


def test_one_that_is_not_known(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(workspace, "car-9") == 2
    assert "car-9" in capsys.readouterr().err


def test_only_the_last_of_the_past(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    with workspace.registry() as registry:
        events = []
        for number in range(12):
            events += [finding(20 + 2 * number, code=f"P1{number:03}")]
            events += [finding(21 + 2 * number, "gone", code=f"P1{number:03}")]
        registry.commit_batch(MAIN_STREAM, 11, 50, events, {})
    text = told(workspace, capsys, "car-1", "--last", "2")
    assert "Over, the last 2 of 13 (--last 0 lists all)" in text
    assert [line.split()[0] for line in text.splitlines()[-2:]] == ["P1011", "P1010"]
    assert len(json.loads(told(workspace, capsys, "car-1", "--last", "0", "--json"))["history"]) == 13


def command_of(workspace: Workspace) -> dict[str, Any]:
    log = SegmentLog(workspace.log_dir)
    first, table = next(log.read(log.end_offset - 1))
    batch = SampleBatch.from_arrow(table, first)
    return batch.commands[-1][1]


def test_a_code_is_cleared_by_a_row_of_the_log(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    how = ("--reason", "wiring dried", "--as", "ann")
    text = told(workspace, capsys, "car-1", "--clear", "P0AA6", "--clear", "P0BBE", *how)
    assert text.startswith("car-1: P0AA6, P0BBE cleared with row ")
    body = command_of(workspace)
    del body["asked_at"]
    assert body == {
        "type": "clear_codes",
        "vehicle": "car-1",
        "codes": ["P0AA6", "P0BBE"],
        "who": "ann",
        "reason": "wiring dried",
    }
    assert json.loads(told(workspace, capsys, "car-1", "--clear", "all", *how, "--json"))["codes"] is None
    assert command_of(workspace)["codes"] is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--clear", "P0AA6"), "say with --reason why"),
        (("--clear", "TP-CELL-LOW", "--reason", "x"), "is no trouble code that can be cleared"),
        (("--clear", "P9999", "--reason", "x"), "car-1 has no trouble code 'P9999'; it has P0A0A, P0A7D"),
    ],
)
def test_what_cannot_be_cleared_says_why_and_changes_nothing(
    workspace: Workspace, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    before = SegmentLog(workspace.log_dir).end_offset
    assert run(workspace, "car-1", *arguments) == 2
    assert message in capsys.readouterr().err
    assert SegmentLog(workspace.log_dir).end_offset == before
