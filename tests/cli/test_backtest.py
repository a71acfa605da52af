"""`twinpack backtest rules` as users type it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.runtime.segments import write
from tests.runtime.test_backtest import HOUR_US, LOW, START_US, drive, hot, use
from twinpack.cli.main import main
from twinpack.fleet.commands import register_rows
from twinpack.store.workspace import Workspace


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A workspace in which car 1 is hot for a minute; its rules call 60 °C too hot."""
    workspace = Workspace.open(tmp_path / "home")
    temperatures = [30.0] * 12 + [65.0] * 6 + [30.0] * 12
    write(workspace.home, register_rows({"car-1": "sim_nmc_96s"}, START_US), drive("car-1", 1, temperatures))
    use(workspace, hot(60) + LOW)
    return workspace.home


def told(capsys: pytest.CaptureFixture[str], home: Path, rules: str, *arguments: str, code: int = 0) -> tuple[str, str]:
    """What it prints, and what it says on standard error."""
    file = home.parent / "new.toml"
    file.write_text(rules)
    assert main(["backtest", "rules", str(file), *arguments, "--home", str(home)]) == code
    captured = capsys.readouterr()
    return captured.out, captured.err


def test_both_rule_sets_stand_side_by_side(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, err = told(capsys, home, hot(70) + LOW, "--from", "2020-09-13", "--to", "2020-09-14", "--vehicle", "car-1")
    assert "raised from 2020-09-13 00:00:00 UTC to 2020-09-14 00:00:00 UTC; 32 rows" in out
    row = next(line for line in out.splitlines() if line.startswith("TP-HOT"))
    assert row.split()[3:6] == ["1", "1", "2020-09-13"] and row.split()[8:] == ["0", "0", "–"]
    assert "1 code raised by neither" in out
    assert "car-1: raised 1 time\n  2020-09-13 13:29:00 UTC  TP-HOT  severity 3, now alone: Too hot" in out
    assert "back-test: 100 of 100 %" in err


def test_no_difference_is_said(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = told(capsys, home, hot(60) + LOW)
    assert "new.toml raises what the present rules raise" in out


def test_a_rule_of_one_set_alone_is_named(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = told(capsys, home, hot(70))
    assert "no rule" in next(line for line in out.splitlines() if line.startswith("TP-LOW"))


def test_as_json(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = told(capsys, home, hot(70), "--json", "--vehicle", "car-1")
    found = json.loads(out)
    assert found["differs"] and [one["code"] for one in found["codes"]] == ["TP-HOT", "TP-LOW"]
    raised_us = START_US + HOUR_US + 140_000_000
    assert found["codes"][0]["present"] == {"count": 1, "first_us": raised_us, "vehicles": ["car-1"]}
    assert found["codes"][0]["changed"] == {"count": 0, "first_us": None, "vehicles": []}
    assert found["codes"][1]["changed"] is None
    assert [one["by"] for one in found["vehicle"]] == ["present"]


@pytest.mark.parametrize(
    ("rules", "arguments", "messages"),
    [
        ("[[rule]]\ncode = 5\n[[rule]]\nseverity = 7\n", [], ["rule 1: code", "rule 2: severity", "rule 2: condition"]),
        (hot(60), ["--from", "soon"], ["--from 'soon' is no time"]),
        (hot(60), ["--from", "2021-01-01"], ["the log holds samples from 2020-09-13 13:26:40"]),
        (hot(60), ["--from", "2020-09-14", "--to", "2020-09-13"], ["is not after --from"]),
        (hot(60), ["--vehicle", "car-9"], ["no vehicle 'car-9' in the log"]),
    ],
)
def test_bad_use_is_named(
    home: Path, capsys: pytest.CaptureFixture[str], rules: str, arguments: list[str], messages: list[str]
) -> None:
    _, err = told(capsys, home, rules, *arguments, code=2)
    for message in messages:
        assert message in err


def test_a_file_that_is_not_there_is_named(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backtest", "rules", "nowhere.toml", "--home", str(home)]) == 2
    assert "nowhere.toml: cannot be read" in capsys.readouterr().err
