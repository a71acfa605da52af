"""`twinpack health`: a fleet in a table, a vehicle kind by kind, what changed last and why, and what is not known."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.runtime.workspaces import begin
from tests.twin.garage import healthy, worn
from twinpack.cli.main import main
from twinpack.runtime.run import run
from twinpack.store.fleet_records import VehicleEntry

Told = Callable[..., str]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = begin(
        tmp_path_factory.mktemp("health") / "home", worn("car-1", 4, capacity_scale=0.9), healthy("car-2", 3)
    )
    run(workspace)
    with workspace.registry() as registry:
        registry.fleet.enter([VehicleEntry("car-9", pack="sim_nmc_96s")])
    return workspace.home


@pytest.fixture
def told(home: Path, capsys: pytest.CaptureFixture[str]) -> Told:
    def say(*arguments: str) -> str:
        assert main(["health", *arguments, "--home", str(home)]) == 0, capsys.readouterr().err
        return capsys.readouterr().out

    return say


@pytest.fixture
def refused(home: Path, capsys: pytest.CaptureFixture[str]) -> Told:
    def say(*arguments: str) -> str:
        assert main(["health", *arguments, "--home", str(home)]) == 2
        return capsys.readouterr().err.removeprefix("twinpack: ")

    return say


def plain(told: Told, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(told(*arguments, "--json"))
    return found


def test_a_fleet_is_a_table_with_intervals_the_weakest_first(told: Told) -> None:
    text = told()
    assert text.index("car-1") < text.index("car-2")
    for word in ("Capacity, %", "Resistance, × new", "Energy (SOCE), %", "Imbalance, mV", "BMS deviation, points", "±"):
        assert word in text
    assert "2 vehicles" in text
    rows = plain(told)["vehicles"]
    assert [row["vehicle"] for row in rows] == ["car-1", "car-2"]
    assert rows[0]["capacity"]["low"] < 90.0 < rows[0]["capacity"]["high"]
    assert rows[0]["imbalance"]["value"] is None
    assert "1 more vehicle not shown" in told("--limit", "1")


def test_a_vehicle_is_told_kind_by_kind_with_reasons(told: Told) -> None:
    text = told("car-1")
    assert text.startswith("car-1 · sim_nmc_96s · NMC811 · rated 150 Ah · certified 53.6 kWh")
    for word in ("95 % interval", "twin, version", "What changed last, and why", "since version 1", "better knowledge"):
        assert word in text
    unknown = text.split("Not known, why, and what would help")[1]
    assert "Imbalance (cells): No day tells the voltages of its cells at rest" in " ".join(unknown.split())
    found = plain(told, "car-1")
    kinds = {(row["kind"], row["source"]): row for row in found["health"]}
    assert {kind for kind, _ in kinds} == {"capacity", "resistance", "energy", "imbalance", "bms"}
    assert kinds["resistance", "twin"]["low"] < 1.5 < kinds["resistance", "twin"]["high"]
    change = next(one for one in found["changes"] if one["kind"] == "capacity")
    assert change["last"]["name"] == "capacity_scale"
    assert change["total"]["change"] == pytest.approx(change["total"]["after"] - change["total"]["before"])


def test_one_kind_and_its_history(told: Told) -> None:
    found = plain(told, "car-1", "--kind", "capacity", "--history")
    assert {row["kind"] for row in found["history"]} == {"capacity"}
    times = [row["sample_time"] for row in found["history"] if row["source"] == "twin"]
    assert times == sorted(times) and len(times) > 2
    text = told("car-1", "--kind", "capacity", "--history")
    assert "All that was known" in text
    assert "not known. Nothing of this vehicle was learned yet" in " ".join(text.split())


def test_a_filter_chooses_vehicles(told: Told, refused: Told) -> None:
    assert len(plain(told, "--fleet", "default", "--pack", "sim_nmc_96s")["vehicles"]) == 2
    assert "no vehicle of pack 'lfp_104s' here; there are packs: sim_nmc_96s" in refused("--pack", "lfp_104s")
    assert "'nowhere'" in refused("--fleet", "nowhere")
    assert "choose among all vehicles" in refused("car-1", "--pack", "sim_nmc_96s")
    assert "--history tells of one vehicle" in refused("--history")


def test_a_vehicle_that_was_never_seen_and_one_that_is_not_there(told: Told, refused: Told) -> None:
    assert "nothing is known of car-9 yet" in told("car-9")
    assert plain(told, "car-9") == {"vehicle": "car-9", "health": [], "changes": []}
    assert "there is no vehicle 'car-0'" in refused("car-0")
