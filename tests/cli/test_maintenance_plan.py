"""`twinpack maintenance plan` and `twinpack learn failure` as users type them."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from tests.servers.small_fleet import FAULTY, VEHICLES, pristine_fleet, small_fleet
from twinpack.cli.main import main

__all__ = ["pristine_fleet", "small_fleet"]


def asked(home: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    capsys.readouterr()
    assert main([*arguments, "--json", "--home", str(home)]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_faulty_vehicle_comes_first_with_its_reason(
    small_fleet: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    made = asked(small_fleet, capsys, "maintenance", "plan")
    assert len(made["vehicles"]) == VEHICLES
    first = made["vehicles"][0]
    assert first["vehicle_id"] == FAULTY
    assert first["inspect_by"] is not None and first["why"]
    assert all(0.0 <= row["failure_30_days"] <= row["failure_90_days"] <= 1.0 for row in made["vehicles"])
    assert any("`twinpack learn ageing` makes one" in note for note in made["notes"])
    file = tmp_path / "plan.csv"
    assert main(["maintenance", "plan", "--csv", str(file), "--home", str(small_fleet)]) == 0
    assert f"{FAULTY}: " in capsys.readouterr().out
    with file.open(encoding="utf-8") as rows:
        assert [row["vehicle_id"] for row in csv.DictReader(rows)] == [row["vehicle_id"] for row in made["vehicles"]]


def test_suggestions_are_entered_once(small_fleet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = asked(small_fleet, capsys, "maintenance", "plan", "--enter")
    due = [row for row in made["vehicles"] if row["inspect_by"]]
    assert len(made["entered"]) == len(due) > 0
    again = asked(small_fleet, capsys, "maintenance", "plan", "--enter")
    assert again["entered"] == []
    assert all(row["covered"] for row in again["vehicles"] if row["inspect_by"])
    listed = asked(small_fleet, capsys, "maintenance", "list", "--vehicle", FAULTY)["records"]
    assert listed[0]["title"] == "Inspection suggested by the plan" and listed[0]["notes"]


def test_remaining_life_joins_once_ageing_is_learned(small_fleet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["learn", "ageing", "--home", str(small_fleet)]) == 0
    made = asked(small_fleet, capsys, "maintenance", "plan")
    assert made["notes"] == []
    assert any(row["end_of_life_pct"] == 80.0 and row["health_pct"] for row in made["vehicles"])


def test_the_past_teaches_and_says_how_little(small_fleet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    card = asked(small_fleet, capsys, "learn", "failure")
    assert card["figures"]["failures"] >= 0 and card["data"]["vehicles"] == VEHICLES
    assert "mostly the prior" in card["warnings"][0]
    assert main(["learn", "failure", "--home", str(small_fleet)]) == 0
    assert "times as likely" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--until", "soon"], "--until soon: not a day"),
        (["--fleet", "nowhere"], "nowhere"),
        (["--pack", "other"], "no vehicle of pack 'other'"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    small_fleet: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    assert main(["maintenance", "plan", *arguments, "--home", str(small_fleet)]) == 2
    assert told in capsys.readouterr().err


def test_an_empty_workspace_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from twinpack.store.workspace import Workspace

    home = Workspace.open(tmp_path / "home").home
    assert main(["maintenance", "plan", "--home", str(home)]) == 2
    assert "`twinpack import`" in capsys.readouterr().err
    assert main(["learn", "failure", "--home", str(home)]) == 2
    assert "`twinpack import`" in capsys.readouterr().err
