"""`twinpack routing`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from twinpack.cli.main import main
from twinpack.ingest.log import SegmentLog
from twinpack.ingest.routing import load_rules
from twinpack.store.workspace import Workspace
from twinpack.telemetry.schema import KIND_LAKE_SAMPLE, KIND_SAMPLE

HEADER = "vehicle_id,sample_time,pack_voltage_v,pack_current_a,speed_kmh\n"
ROWS = "".join(f"v{at % 2},2025-01-01T00:00:{at:02d}Z,{380 + at},-1,{at // 2}\n" for at in range(10))
RULES = """
[[route]]
name = "lake"
when = "pack_voltage_v > 382"
to = ["lake"]

[[route]]
name = "moving"
when = "speed_kmh > 0"
to = ["realtime", "webhook:https://host.example/secret"]
every = "5s"
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "a.csv"
    path.write_text(HEADER + ROWS)
    return path


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "rules.toml"
    path.write_text(RULES)
    return path


def check(rules: Path, *more: str) -> int:
    return main(["routing", "check", str(rules), *more])


def test_it_counts_what_each_rule_takes(rules: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(rules, "--against", str(data), "--pack", "sim_nmc_96s", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    lake, moving = told["rules"]
    assert (told["samples"], told["realtime"], told["lake"], told["none"]) == (10, 4, 7, 2)
    assert (lake["taken"], lake["failed"], lake["every_s"]) == (7, 0, None)
    assert (moving["taken"], moving["every_s"]) == (4, 5.0)
    assert moving["to"] == ["realtime", "webhook:https://host.example/…"]
    assert check(rules, "--against", str(data.parent), "--pack", "sim_nmc_96s") == 0
    shown = capsys.readouterr().out
    assert "taken by no rule       2 (20.0 %)" in shown
    assert "secret" not in shown


def test_it_reads_a_workspace_and_changes_nothing(
    rules: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    assert main(["import", str(data), "--pack", "sim_nmc_96s", "--home", str(home)]) == 0
    before = SegmentLog(home / "log").end_offset
    capsys.readouterr()
    assert check(rules, "--against", str(home), "--json") == 0
    assert json.loads(capsys.readouterr().out)["lake"] == 7
    assert SegmentLog(home / "log").end_offset == before


def test_a_rule_that_fails_on_samples_ends_with_1(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text("[[route]]\nname = 'number'\nwhen = 'cast(vehicle_id as int) > 3'\nto = ['lake']")
    assert check(rules, "--against", str(data), "--pack", "sim_nmc_96s") == 1
    assert "number" in capsys.readouterr().err


def test_a_rule_that_is_wrong_ends_with_2_and_its_place(
    tmp_path: Path, rules: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(rules) == 0
    assert "2 rules" in capsys.readouterr().out
    rules.write_text(RULES.replace("speed_kmh > 0", "sped_kmh > 0"))
    assert check(rules, "--against", str(data)) == 2
    assert "route 2 (moving): when: no column 'sped_kmh' at line 1, column 1" in capsys.readouterr().err
    assert check(rules, "--against", str(tmp_path / "none")) == 2


def test_data_of_which_nothing_can_be_read_ends_with_2(
    rules: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "others"
    folder.mkdir()
    (folder / "other.csv").write_text("a,b\n1,2\n")
    assert main(["routing", "check", str(rules), "--against", str(folder)]) == 2
    assert "no file of it could be read" in capsys.readouterr().err


def test_show_tells_the_rules_of_a_workspace(rules: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = str(Workspace.open(tmp_path / "home").home)
    assert main(["routing", "show", "--home", home, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["source"] == "the shipped rules"
    assert [rule["name"] for rule in told["rules"]] == ["lake", "realtime"]
    (tmp_path / "home" / "routing.toml").write_text(RULES)
    assert main(["routing", "show", "--home", home]) == 0
    out = capsys.readouterr().out
    assert "moving → " in out
    assert "secret" not in out
    assert max(len(text) for text in out.splitlines() if text.startswith("  ")) <= 102
    assert main(["routing", "show", "--shipped"]) == 0
    mine = tmp_path / "mine.toml"
    mine.write_text(capsys.readouterr().out)
    assert load_rules(mine) == load_rules()


def test_an_import_follows_the_rules_of_the_workspace(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = Workspace.open(tmp_path / "home").home
    (home / "routing.toml").write_text(
        "[[route]]\nname = 'a'\nwhen = 'pack_voltage_v > 382'\nto = ['lake']\n"
        "[[route]]\nname = 'b'\nwhen = 'pack_voltage_v > 385'\nto = ['realtime']\n"
    )
    assert main(["import", str(data), "--pack", "sim_nmc_96s", "--home", str(home), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["rows_read"], told["rows_imported"], told["unrouted"]) == (10, 7, 3)
    kinds = [
        kind
        for _, table in SegmentLog(home / "log").read()
        for kind, volts in zip(table["kind"].to_pylist(), table["pack_voltage_v"].to_pylist(), strict=True)
        if volts is not None
    ]
    assert kinds == [KIND_LAKE_SAMPLE] * 3 + [KIND_SAMPLE] * 4
    (home / "routing.toml").write_text("[[route]]\nname = 'a'\nwhen = 'x'\nto = ['lake']")
    assert main(["import", str(data), "--pack", "sim_nmc_96s", "--home", str(home)]) == 2
    assert "routing.toml: route 1 (a): when: no column 'x'" in capsys.readouterr().err
