"""`twinpack alarms`: listed, shown and handled, and what cannot be done says why."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.runtime.workspaces import begin
from tests.store.alarms.made import finding
from tests.twin.garage import healthy
from twinpack.cli.main import main
from twinpack.fleet.events import Event
from twinpack.ingest.log import SegmentLog
from twinpack.runtime.enrol import enrol
from twinpack.store.fleet_records import FleetRecord, VehicleEntry
from twinpack.store.registry import MAIN_STREAM
from twinpack.store.workspace import Workspace
from twinpack.telemetry.batch import SampleBatch

EVIDENCE = {
    "text": "isolation resistance is below 100 ohm per volt",
    "isolation_ohm_per_v": 87.523456,
    "cells": list(range(1, 41)),
    "masked": False,
    "first_us": 1_700_000_000_000_000,
    "frame": {"pack_voltage_v": 380.25, "soc_pct": None, "odometer_km": 84210},
}

Told = Callable[..., str]


def commit(workspace: Workspace, *events: Event) -> None:
    with workspace.registry() as registry:
        stop = max(event.offset for event in events) + 1
        registry.commit_batch(MAIN_STREAM, registry.offset(), stop, events, {})


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Three vehicles: one with a trouble code that rose, one with a cell to watch, one without anything."""
    workspace = Workspace.open(tmp_path / "home")
    with workspace.registry() as registry:
        registry.fleet.create_fleet(FleetRecord("north"))
        names = {"car-1": "north", "car-2": "default", "car-3": "default"}
        enrol(workspace, registry, [VehicleEntry(name, fleet, "sim_nmc_96s") for name, fleet in names.items()])
    commit(
        workspace,
        finding(2, evidence=EVIDENCE),
        finding(9, "passed"),
        finding(12, severity=3, evidence=EVIDENCE),
        finding(13, vehicle="car-2", code="TP-CELL-LOW", subject="cell 81", level="watch", severity=1),
    )
    return workspace


@pytest.fixture
def told(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> Told:
    """Runs a command that must succeed, and gives what it wrote."""

    def run(*arguments: str) -> str:
        assert main(["alarms", *arguments, "--home", str(workspace.home)]) == 0, capsys.readouterr().err
        return capsys.readouterr().out

    return run


@pytest.fixture
def refused(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> Told:
    """Runs a command that must be refused, and gives the reason."""

    def run(*arguments: str) -> str:
        assert main(["alarms", *arguments, "--home", str(workspace.home)]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        return captured.err

    return run


def identity(told: Told, code: str = "P0AA6") -> str:
    listed = json.loads(told("--all", "--json"))["alarms"]
    return str(next(alarm["alarm_id"] for alarm in listed if alarm["code"] == code))


def commands(workspace: Workspace) -> list[dict[str, Any]]:
    """The commands of the log after the vehicles' entries."""
    log = SegmentLog(workspace.log_dir)
    found = [command for first, table in log.read(0) for _, command in SampleBatch.from_arrow(table, first).commands]
    return [dict(command) for command in found if command["type"] != "register"]


# --- lists and one ----------------------------------------------------------------------------------------------------


def test_open_alarms_are_listed_and_those_to_watch_are_counted(told: Told) -> None:
    lines = told().splitlines()
    assert len(lines) == 4
    assert [word for word in ("3", "car-1", "P0AA6", "2023-11-14 22:13:32", "active") if word not in lines[2]] == []
    assert lines[3] == "1 alarm; and 1 of level watch; --watch shows them"
    assert "TP-CELL-LOW" in told("--watch") and "TP-CELL-LOW" not in told()


def test_the_list_as_json(told: Told) -> None:
    result = json.loads(told("--json", "--watch"))
    assert result["by_severity"] == {"0": 0, "1": 1, "2": 0, "3": 1}
    first, second = result["alarms"]
    assert (first["code"], first["severity"], first["state"], first["count"]) == ("P0AA6", 3, "active", 2)
    assert (first["first"], first["snoozed_until"]) == ("2023-11-14T22:13:22Z", None)
    assert (second["subject"], second["level"]) == ("cell 81", "watch")


@pytest.mark.parametrize(
    ("options", "codes"),
    [
        (["--vehicle", "car-1"], ["P0AA6"]),
        (["--vehicle", "car-3"], []),
        (["--fleet", "north"], ["P0AA6"]),
        (["--fleet", "default", "--watch"], ["TP-CELL-LOW"]),
        (["--severity", "2", "--watch"], ["P0AA6"]),
        (["--code", "TP-CELL-LOW", "--watch"], ["TP-CELL-LOW"]),
        (["--category", "sensor", "--watch"], []),
        (["--state", "cleared"], []),
        (["--state", "active", "--state", "acknowledged"], ["P0AA6"]),
        (["--assignee", "", "--watch"], ["P0AA6", "TP-CELL-LOW"]),
        (["--since", "2023-11-14T23:13:33+01:00", "--watch"], ["TP-CELL-LOW"]),
        (["--since", "2023-11-14T22:13:34", "--watch"], []),
        (["--all", "--limit", "1"], ["P0AA6"]),
        (["--snoozed"], []),
        (["--awake"], ["P0AA6"]),
    ],
)
def test_what_is_listed_may_be_narrowed(told: Told, options: list[str], codes: list[str]) -> None:
    assert [alarm["code"] for alarm in json.loads(told(*options, "--json"))["alarms"]] == codes


def test_where_nothing_is_open_it_says_so(told: Told, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told("--fleet", "default") == "no alarms, but 1 of level watch; --watch shows them\n"
    home = Workspace.open(tmp_path / "empty").home
    assert main(["alarms", "--home", str(home)]) == 0
    assert capsys.readouterr().out == "no alarms\n"


def test_an_alarm_is_shown_with_its_evidence_and_its_history(told: Told) -> None:
    alarm = identity(told)
    told("ack", alarm, "--as", "Kim", "--comment", "called the driver")
    text = told("show", alarm[:5])
    expected = [
        f"alarm {alarm}: P0AA6 of vehicle car-1",
        "severity     3 (stop or call rescue), level alarm",
        "fault of     the battery",
        "state        acknowledged",
        "at present   so since 2023-11-14 22:13:32 UTC",
        "raised       2 times, first 2023-11-14 22:13:22 UTC, last 2023-11-14 22:13:32 UTC",
        "First found, 2023-11-14 22:13:22 UTC (row 2 of the log)",
        "isolation resistance is below 100 ohm per volt",
        "isolation ohm per v  87.523",
        "cells                1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, ... (40 in all)",
        "masked               no",
        "first                2023-11-14 22:13:20 UTC",
        "freeze frame:",
        "pack voltage v  380.25",
        "soc pct         not known",
        "Last found, 2023-11-14 22:13:32 UTC (row 12 of the log)",
        "2023-11-14 22:13:29 UTC  passed   severity 2, level alarm",
        "2023-11-14 22:13:32 UTC  risen by twinpack: from alarm, severity 2 to alarm, severity 3",
        "acknowledged by Kim: called the driver",
    ]
    assert [line for line in expected if line not in text] == []


def test_an_alarm_as_json_has_every_finding(told: Told) -> None:
    result = json.loads(told("show", identity(told), "--json"))
    assert [found["change"] for found in result["findings"]] == ["raised", "passed", "raised"]
    assert result["findings"][0]["evidence"] == EVIDENCE
    assert [line["action"] for line in result["history"]] == ["raised", "passed", "risen"]


# --- handling ---------------------------------------------------------------------------------------------------------


def test_alarms_are_acknowledged_assigned_and_commented(told: Told) -> None:
    alarm, other = identity(told), identity(told, "TP-CELL-LOW")
    assert told("ack", alarm, other, "--as", "Kim").splitlines() == [
        f"{alarm} (car-1, P0AA6): acknowledged by Kim",
        f"{other} (car-2, TP-CELL-LOW cell 81): acknowledged by Kim",
    ]
    assert json.loads(told("assign", alarm, "--to", "Robin", "--json"))["alarms"][0]["assignee"] == "Robin"
    told("comment", alarm, "--comment", "waits for a part", "--as", "Robin")
    history = json.loads(told("show", alarm, "--json"))["history"]
    assert [(line["action"], line["comment"]) for line in history[-3:]] == [
        ("acknowledged", ""),
        ("assigned", "to Robin"),
        ("commented", "waits for a part"),
    ]


def test_who_acts_is_the_user_of_the_system_unless_said(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "operator")
    told("ack", identity(told))
    assert json.loads(told("show", identity(told), "--json"))["history"][-1]["who"] == "operator"


def test_snoozed_for_a_while_and_woken(told: Told) -> None:
    alarm = identity(told)
    told("snooze", alarm, "--for", "8h")
    until = datetime.fromisoformat(json.loads(told("show", alarm, "--json"))["snoozed_until"])
    assert timedelta(hours=7) < until - datetime.now(UTC) <= timedelta(hours=8)
    assert "snoozed" in told() and "snoozed      until" in told("show", alarm)
    told("unsnooze", alarm)
    assert "snoozed" not in told()
    told("snooze", alarm, "--until", "2099-01-01T01:00+01:00")
    assert json.loads(told("show", alarm, "--json"))["snoozed_until"] == "2099-01-01T00:00:00Z"


def test_clearing_a_trouble_code_tells_the_twin_too(workspace: Workspace, told: Told) -> None:
    alarm = identity(told)
    text = told("clear", alarm, "--comment", "cable dried", "--as", "Kim")
    assert text == f"{alarm} cleared by Kim; code P0AA6 is cleared with row 3 of the log\n"
    (command,) = commands(workspace)
    assert {name: command[name] for name in ("type", "vehicle", "codes", "who", "reason")} == {
        "type": "clear_codes",
        "vehicle": "car-1",
        "codes": ["P0AA6"],
        "who": "Kim",
        "reason": "cable dried",
    }
    assert "P0AA6" not in told() and "P0AA6" in told("--all")


def test_only_the_alarm_is_cleared_when_that_is_asked(workspace: Workspace, told: Told) -> None:
    assert told("clear", identity(told), "--comment", "x", "--only-alarm", "--as", "Kim").endswith("cleared by Kim\n")
    assert commands(workspace) == []


@pytest.mark.parametrize(("said", "kept"), [("--real", {True}), ("--false-alarm", {False}), ("--only-alarm", set())])
def test_clearing_says_whether_there_was_a_fault(workspace: Workspace, told: Told, said: str, kept: set[bool]) -> None:
    told("clear", identity(told), "--comment", "x", said, "--as", "Kim")
    with workspace.registry() as registry:
        assert set(registry.alarms.verdicts("P0AA6").values()) == kept


def test_what_has_no_life_cycle_is_no_code_to_clear(workspace: Workspace, told: Told) -> None:
    plain = finding(20, vehicle="car-3", code="TP-SPREAD", status=0)
    commit(workspace, plain)
    told("clear", identity(told, "TP-SPREAD"), "--comment", "x", "--as", "Kim")
    assert commands(workspace) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "000000000000"], "there is no alarm '000000000000'; `twinpack alarms --all` lists"),
        (["show", "xyz"], "its identity has up to 12 digits of 0-9 and a-f"),
        (["ack", ""], "its identity has up to 12 digits"),
        (["clear", "ID"], "Missing option '--comment'"),
        (["clear", "ID", "--comment", " "], "the reason is empty"),
        (["comment", "ID", "--comment", ""], "the comment is empty"),
        (["assign", "ID"], "Missing option '--to'"),
        (["snooze", "ID"], "until when? --until 2026-03-01T08:00+01:00, or --for 8h"),
        (["snooze", "ID", "--until", "2020-01-01"], "that one has passed"),
        (["snooze", "ID", "--until", "tomorrow"], "--until 'tomorrow' is no time; write 2026-03-01"),
        (["snooze", "ID", "--for", "8 hours"], "--for '8 hours' is no span of time"),
        (["snooze", "ID", "--for", "8h", "--until", "2099-01-01"], "name one of the two"),
        (["unsnooze", "ID"], "is not snoozed"),
        (["--vehicle", "car-9"], "there is no vehicle 'car-9'"),
        (["--fleet", "south"], "there is no fleet 'south'"),
        (["--severity", "4"], "should be less than or equal to 3"),
        (["--state", "open"], "'open' is not one of 'active', 'acknowledged', 'cleared'"),
        (["--since", "yesterday"], "--since 'yesterday' is no time"),
        (["--since", "9999-12-31T23:59:59-23:00"], "is no time"),
        (["mute", "--for", "8h"], "name one: --vehicle ID, or --fleet NAME"),
        (["mute", "--vehicle", "car-9"], "there is no vehicle 'car-9'"),
        (["mute", "--fleet", "south"], "there is no fleet 'south'"),
        (["mute", "--vehicle", "car-1", "--from", "2026-03-01", "--until", "2026-02-01"], "ends before it begins"),
        (["unmute", "abc"], "there is no mute window 'abc'"),
        (["windows", "--vehicle", "car-1", "--fleet", "north"], "name one"),
    ],
)
def test_what_cannot_be_done_says_why(told: Told, refused: Told, arguments: list[str], message: str) -> None:
    alarm = identity(told)
    assert message in refused(*(alarm if word == "ID" else word for word in arguments))
    assert len(json.loads(told("show", alarm, "--json"))["history"]) == 3


def test_nothing_is_changed_when_one_of_several_does_not_exist(told: Told, refused: Told) -> None:
    alarm = identity(told)
    assert "there is no alarm 'fff'" in refused("ack", alarm, "fff")
    assert json.loads(told("show", alarm, "--json"))["state"] == "active"


def test_cleared_twice_says_who_did_it(told: Told, refused: Told) -> None:
    alarm = identity(told)
    told("clear", alarm, "--comment", "x", "--as", "Kim")
    assert f"alarm {alarm} was cleared, by Kim on 20" in refused("clear", alarm, "--comment", "y", "--as", "Robin")


def test_without_a_workspace_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["alarms"], ["alarms", "windows"], ["alarms", "ack", "abc"], ["maintenance", "list"]):
        assert main([*arguments, "--home", str(tmp_path / "nowhere")]) == 2
        assert "there is no workspace at" in capsys.readouterr().err


# --- windows ----------------------------------------------------------------------------------------------------------


def test_muted_for_a_while_listed_and_ended(workspace: Workspace, told: Told) -> None:
    assert told("windows").startswith("no windows")
    spoken = told("mute", "--fleet", "north", "--from", "2023-11-14T23:13:40+01:00", "--for", "10s", "--as", "Kim")
    assert "alarms of fleet north give no notice from 2023-11-14 22:13:40 UTC until 2023-11-14 22:13:50 UTC" in spoken
    (window,) = json.loads(told("windows", "--json"))["windows"]
    assert (window["scope"], window["name"], window["start"], window["who"]) == (
        "fleet",
        "north",
        "2023-11-14T22:13:40Z",
        "Kim",
    )
    commit(workspace, finding(20, code="P0A7F"), finding(21, vehicle="car-2", code="P0A7F"))
    listed = {
        alarm["vehicle_id"]: alarm["muted_by"] for alarm in json.loads(told("--code", "P0A7F", "--json"))["alarms"]
    }
    assert listed == {"car-1": window["window_id"], "car-2": ""}
    assert "active, muted" in told("--vehicle", "car-1")


def test_a_window_from_now_on_is_ended_by_hand(told: Told, refused: Told) -> None:
    window = json.loads(told("mute", "--vehicle", "car-1", "--reason", "wash", "--json"))
    assert (window["end"], window["reason"]) == (None, "wash")
    assert "car-1" in told("windows", "--vehicle", "car-1")
    assert told("unmute", window["window_id"][:6]).startswith("alarms of vehicle car-1 give notice again")
    assert "has ended already" in refused("unmute", window["window_id"])
    later = json.loads(told("mute", "--vehicle", "car-1", "--from", "2099-01-01", "--json"))
    assert "it had not begun" in told("unmute", later["window_id"])


def test_a_list_says_when_nobody_has_looked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = str(begin(tmp_path / "fresh", healthy("a", 1)).home)
    assert main(["alarms", "--vehicle", "a", "--json", "--home", home]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["alarms"] == []
    assert "`twinpack run --without-model --home" in told.err
    assert main(["faults", "a", "--home", home]) == 2
    assert "`twinpack run --without-model --home" in capsys.readouterr().err


def test_codes_are_found_in_small_letters(told: Told) -> None:
    assert "P0AA6" in told("--code", "p0aa6")
