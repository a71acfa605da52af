"""`twinpack twin`: one twin."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from twinpack.cli.main import main


def test_health_parameters_and_the_last_versions(fleet_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["twin", "car-0001", "--home", str(fleet_home)]) == 0
    text = capsys.readouterr().out
    assert max(len(line) for line in text.splitlines()) <= 80
    assert text.startswith("car-0001 · sim_nmc_96s · ")
    for part in (
        "Capacity health  87.0 ± 1.7 %",
        "Resistance       1.260 ± 0.040 × new",
        "Deployed         version 6 of 6, accepted after trip 15",
        "Trips            3 trips, the last on 2020-01-04",
        "0.30 V with updates, 3.0 V never updated",
        "Open-circuit voltage at 20 %",
        "Version 6, accepted after trip 15, 2020-03-01, deployed\n  error of 0.92 V was over the limit",
        "Version 3, refused after trip 6, 2020-01-31\n  the charge swing of 11 %",
        "Version 5, a roll-back",
        "1 earlier version not listed",
    ):
        assert part in text


def test_as_json(fleet_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["twin", "car-0001", "--last", "2", "--json", "--home", str(fleet_home)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["deployed_version"], told["versions"]) == (6, 6)
    assert [version["version"] for version in told["last_versions"]] == [6, 5]
    assert told["last_versions"][0]["parent_hash"] == told["last_versions"][1]["hash"]
    capacity = told["parameters"][0]
    assert (capacity["name"], capacity["unit"]) == ("capacity_scale", "Ah")
    assert capacity["value"] == pytest.approx(0.87 * told["capacity_ah_new"])
    assert capacity["two_sigma"] == pytest.approx(0.017 * told["capacity_ah_new"])


def test_a_vehicle_without_a_version_is_not_known_yet(fleet_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["twin", "car-0003", "--home", str(fleet_home)]) == 0
    text = capsys.readouterr().out
    assert text.count("not known yet") == 3
    assert "nothing yet; the first trips are still to be learned from" in text


@pytest.mark.parametrize("command", ["twin", "explain"])
@pytest.mark.parametrize(
    ("vehicle", "message"),
    [
        ("CAR-001", "no vehicle 'CAR-001' here; did you mean car-0001"),
        ("bus", "no vehicle 'bus' here; 3 vehicles known; `twinpack twins --home"),
    ],
)
def test_an_unknown_vehicle(
    command: str, vehicle: str, message: str, fleet_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, vehicle, "--home", str(fleet_home)]) == 2
    assert message in capsys.readouterr().err


def test_where_there_is_no_vehicle_at_all(empty_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["twin", "car-1", "--home", str(empty_home)]) == 2
    assert "no twin 'car-1': there is no telemetry here yet; `twinpack import PATH" in capsys.readouterr().err
