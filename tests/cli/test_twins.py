"""`twinpack twins`: the fleet in a table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from twinpack.cli.main import main
from twinpack.ingest.log import SegmentLog
from twinpack.store.workspace import Workspace
from twinpack.telemetry.schema import tick_row


def test_the_most_worn_first_and_the_unknown_last(fleet_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["twins", "--home", str(fleet_home), "--json"]) == 0
    worn, fresh, unknown = json.loads(capsys.readouterr().out)["vehicles"]
    assert [row["vehicle"] for row in (worn, fresh, unknown)] == ["car-0001", "car-0002", "car-0003"]
    assert (worn["capacity_health_pct"], worn["capacity_health_2sigma_pts"]) == pytest.approx((87.0, 1.7))
    assert worn["resistance_x_new"] == pytest.approx(1.26)
    assert (worn["versions"], worn["accepted"], worn["refused"], worn["deployed_version"]) == (6, 3, 1, 6)
    assert (worn["trips"], worn["last_trip"], worn["scored_trips"]) == (3, "2020-01-04T00:00:00Z", 3)
    assert (worn["rmse_with_updates_v"], worn["rmse_without_updates_v"]) == pytest.approx((0.3, 3.0))
    assert (fresh["capacity_health_pct"], fresh["rmse_with_updates_v"]) == (pytest.approx(98.0), None)
    assert (unknown["capacity_health_pct"], unknown["deployed_version"], unknown["versions"]) == (None, None, 0)


def test_the_table_fits_80_columns(fleet_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["twins", "--home", str(fleet_home)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(len(line.rstrip()) for line in lines) <= 80
    assert lines[2].split() == "car-0001 87.0 ± 1.7 1.26 3 / 1 2020-01-04 0.30 / 3.0".split()
    assert "not known yet" in lines[4]
    assert lines[-1] == "3 vehicles; median health 92.5 %; error 0.30 V with updates, 3.0 V without"


def test_an_empty_workspace_says_what_to_do_next(empty_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = str(empty_home)
    assert main(["twins", "--home", home]) == 0
    assert f"`twinpack import PATH --home {home}` brings it in" in capsys.readouterr().err
    workspace = Workspace.open(empty_home)
    SegmentLog(workspace.log_dir).append([tick_row(7_000_000)])
    assert main(["twins", "--home", home]) == 0
    assert "`twinpack learn model --home" in capsys.readouterr().err
    with workspace.registry() as registry:
        registry.add_model("a" * 64, "sim_nmc_96s", "prototype", {})
    assert main(["twins", "--home", home, "--json"]) == 0
    spoken = capsys.readouterr()
    assert "`twinpack run --home" in spoken.err
    assert json.loads(spoken.out) == {"vehicles": []}


def test_without_a_workspace_it_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["twins", "--home", str(tmp_path / "none")]) == 2
    assert "there is no workspace" in capsys.readouterr().err
