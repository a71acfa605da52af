"""`twinpack rules`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.runtime.workspaces import begin
from tests.twin.garage import healthy
from twinpack.cli.main import main
from twinpack.detect.rules import parse_rules, shipped_rules
from twinpack.ingest.log import SegmentLog

GOOD = """
[[rule]]
code = "TP-HOT"
name = "Hot"
description = "It is hot."
condition = "temp_max_c > limit.hot_c"
debounce_s = 10
severity = 2
limits = { hot_c = { chemistry = { LFP = 60, NMC = "pack.temp_max_c - 5" } } }
"""
BAD = GOOD.replace("temp_max_c >", "temp_mx_c >").replace("severity = 2", "severity = 5").replace("limits", "limit")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rules.toml"
    path.write_text(GOOD, encoding="utf-8")
    return path


def test_a_good_rule_set_is_counted(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "check", str(file)]) == 0
    assert "1 rule, no mistake" in capsys.readouterr().out
    assert main(["rules", "check", str(file), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["rules"] == ["TP-HOT"]
    assert told["packs"]["lfp_104s"] == 1


def test_every_mistake_is_a_line_with_rule_and_field(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(BAD, encoding="utf-8")
    assert main(["rules", "check", str(file)]) == 2
    lines = capsys.readouterr().err.strip().split("\n")
    assert all(line.startswith(f"twinpack: {file}: rule 1 (TP-HOT): ") for line in lines)
    told = [line.removeprefix(f"twinpack: {file}: rule 1 (TP-HOT): ") for line in lines]
    assert told == [
        "limit: no such field; did you mean 'limits'?",
        "severity: is 5; it must lie between 0 and 3",
        "condition: no quantity 'temp_mx_c'; did you mean 'temp_max_c'?",
    ]


def test_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "check", str(tmp_path / "none.toml")]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_the_shipped_rules_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "show", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["code"] for one in told["rules"]] == [one.code for one in parse_rules(shipped_rules()).rules]
    assert main(["rules", "show", "--shipped"]) == 0
    copy = tmp_path / "copy.toml"
    copy.write_text(capsys.readouterr().out, encoding="utf-8")
    assert main(["rules", "check", str(copy)]) == 0


def test_a_rule_is_shown_with_the_limits_of_a_pack(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = {}
    for pack in ("lfp_104s", "sim_nmc_96s"):
        assert main(["rules", "show", "TP-HOT", "--file", str(file), "--pack", pack, "--json"]) == 0
        shown[pack] = json.loads(capsys.readouterr().out)
    assert shown["lfp_104s"]["limits"] == {"hot_c": 60.0}
    assert shown["sim_nmc_96s"]["limits"] == {"hot_c": 50.0}
    assert shown["lfp_104s"]["level"] == "alarm"
    assert main(["rules", "show", "TP-PLATING", "--pack", "lfp_104s"]) == 0
    text = capsys.readouterr().out
    assert "-20: 0.03, -10: 0.08, 0: 0.25" in text
    assert "limit.c_rate" in text
    assert main(["rules", "show", "--pack", "lfp_104s"]) == 0
    assert "for the pack lfp_104s, from the shipped rules" in capsys.readouterr().out


@pytest.mark.parametrize("more", [["P9999"], ["P0A7E", "--pack", "none"]])
def test_what_is_not_there_is_refused(more: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "show", *more]) == 2
    assert more[-1] in capsys.readouterr().err


def test_rules_are_used_from_a_row_on(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = begin(tmp_path / "home", healthy("a", 1)).home
    assert main(["run", "--home", str(home)]) == 0
    assert main(["rules", "use", str(file), "--home", str(home), "--as", "Ada", "--reason", "a trial"]) == 0
    assert "holds from row" in capsys.readouterr().out
    assert main(["rules", "use", str(file), "--home", str(home)]) == 0
    assert "already" in capsys.readouterr().out
    assert main(["rules", "use", str(file), "--home", str(home), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["offset"] is None
    assert main(["run", "--home", str(home)]) == 0
    capsys.readouterr()
    assert main(["rules", "show", "--home", str(home), "--json"]) == 0
    assert [rule["code"] for rule in json.loads(capsys.readouterr().out)["rules"]] == ["TP-HOT"]
    assert main(["rules", "use", "shipped", "--home", str(home)]) == 0
    assert main(["run", "--home", str(home)]) == 0
    capsys.readouterr()
    main(["rules", "show", "--home", str(home), "--json"])
    assert len(json.loads(capsys.readouterr().out)["rules"]) > 20


def test_the_rules_of_the_workspace_at_hand_are_shown(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = begin(tmp_path / "home", healthy("a", 1)).home
    assert main(["rules", "use", str(file), "--home", str(home)]) == 0
    monkeypatch.setenv("TWINPACK_HOME", str(home))
    capsys.readouterr()
    assert main(["rules", "show"]) == 0
    assert f"1 rule for the pack sim_nmc_96s, from the workspace {home}" in capsys.readouterr().out
    assert main(["rules", "show", "tp-hot"]) == 0
    assert "limit.hot_c" in capsys.readouterr().out
    monkeypatch.setenv("TWINPACK_HOME", str(tmp_path / "none"))
    assert main(["rules", "show"]) == 0
    assert "from the shipped rules" in capsys.readouterr().out
    assert main(["rules", "show", "--home", str(tmp_path / "none")]) == 2
    assert "there is no workspace" in capsys.readouterr().err


def test_rules_with_mistakes_are_not_used(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workspace = begin(tmp_path / "home", healthy("a", 1))
    before = SegmentLog(workspace.log_dir).end_offset
    file.write_text(BAD, encoding="utf-8")
    assert main(["rules", "use", str(file), "--home", str(workspace.home)]) == 2
    assert "temp_mx_c" in capsys.readouterr().err
    assert SegmentLog(workspace.log_dir).end_offset == before
