"""What-if in a workspace that lived: told from its twins, and nothing in it changed."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.servers.small_fleet import pristine_fleet
from twinpack.errors import NotFoundError, ScenarioError
from twinpack.forecast.scenario import Scenario, Trip
from twinpack.runtime.ageing import learn_ageing_of
from twinpack.runtime.whatif import VehicleWhatIf, load_scenarios, whatif_vehicle
from twinpack.store.workspace import Workspace

__all__ = ["pristine_fleet"]

VEHICLE = "SIM-0004"
GENTLE = Scenario("charge to 70 %", charge_to=0.7)
HAUL = Scenario("haul", c_rate=1.2, load_kg=500.0, distance_x=1.5, trips=(Trip(150.0, 100.0),))


@pytest.fixture(scope="module")
def home(pristine_fleet: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fleet of which ageing was learned; tests only read it."""
    folder = Path(shutil.copytree(pristine_fleet, tmp_path_factory.mktemp("whatif") / "fleet"))
    learn_ageing_of(Workspace.open(folder, create=False))
    return folder


def asked(home: Path, *scenarios: Scenario, vehicle: str = VEHICLE, years: int = 12) -> VehicleWhatIf:
    workspace = Workspace.open(home, create=False)
    with workspace.registry() as registry:
        return whatif_vehicle(workspace, registry, vehicle, scenarios, years=years)


def contents(home: Path) -> dict[str, str]:
    """A digest of each file; the side files of an open database come and go."""
    files = (file for file in sorted(home.rglob("*")) if file.is_file() and not file.name.endswith(("-wal", "-shm")))
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def test_it_tells_health_life_warranty_range_and_trip_and_changes_nothing(home: Path) -> None:
    before = contents(home)
    told = asked(home, GENTLE, HAUL)
    assert contents(home) == before
    assert told.vehicle == VEHICLE
    assert told.version is not None
    gentle, haul = told.scenarios
    assert told.baseline.health_pct.keys() == {"now", "1y", "5y", "8y"}
    assert gentle.course.health_pct["now"] == told.baseline.health_pct["now"]
    effect = gentle.delta.health_pts["5y"]
    assert effect.p5 is not None
    assert effect.p5 > 0.0  # less charge in an NMC battery is gentler, whatever the rates
    assert [one.limit_pct for one in told.baseline.end_of_life] == [80.0, 70.0]
    assert gentle.delta.end_of_life_years["80"].p50 is not None
    assert haul.delta.warranty_pts.keys() == {one.name for one in told.baseline.warranty}
    assert any("rate of charging 1.2 C" in one for one in haul.beyond)
    assert any("beyond what the fleet has lived" in note for note in told.notes)
    assert any("learn energy" in note for note in told.notes)


def test_a_hard_trip_pulls_the_voltage_down_and_shortens_the_range(home: Path) -> None:
    told = asked(home, HAUL)
    (haul,) = told.scenarios
    assert haul.delta.lowest_v is not None
    assert haul.delta.lowest_v.p95 is not None
    assert haul.delta.lowest_v.p95 < -1.0
    assert haul.delta.highest_c is not None
    assert haul.delta.highest_c.p5 is not None
    assert haul.delta.highest_c.p5 > 1.0
    assert haul.delta.range_km is not None
    assert haul.delta.range_km["now"].p95 is not None
    assert haul.delta.range_km["now"].p95 < 0.0
    assert told.baseline.trip is not None
    assert len(told.baseline.trip.minutes) == len(told.baseline.trip.voltage_v.p50) <= 120


def test_doing_nothing_else_changes_nothing(home: Path) -> None:
    (same,) = asked(home, Scenario("as ever", distance_x=1.0), years=9).scenarios
    values = [*same.delta.health_pts.values(), *same.delta.end_of_life_years.values(), same.delta.lowest_v]
    values += [*(same.delta.range_km or {}).values()]
    figures = [one for each in values if each for one in (each.p5, each.p50, each.p95) if one is not None]
    assert np.allclose(figures, 0.0, atol=1e-6)


def test_what_is_not_there_is_said(home: Path, pristine_fleet: Path) -> None:
    with pytest.raises(NotFoundError, match="SIM-9999"):
        asked(home, GENTLE, vehicle="SIM-9999")
    with pytest.raises(NotFoundError, match="learn ageing"):
        asked(pristine_fleet, GENTLE)


def test_scenarios_come_from_files_with_their_plans(tmp_path: Path) -> None:
    first, second = tmp_path / "a.toml", tmp_path / "b.json"
    first.write_text('[[scenario]]\nname = "A"\ntrips = "plan.csv"\n')
    (tmp_path / "plan.csv").write_text("distance_km,speed_kmh\n100,90\n")
    second.write_text('{"scenario": [{"name": "B", "warmer_c": 3}]}')
    found = load_scenarios([first, second])
    assert found == (Scenario("A", trips=(Trip(100.0, 90.0),)), Scenario("B", warmer_c=3.0))
    with pytest.raises(ScenarioError, match="two scenarios are called 'A'"):
        load_scenarios([first, first])
    (tmp_path / "plan.csv").unlink()
    with pytest.raises(ScenarioError, match=r"a\.toml: trips 'plan\.csv': cannot be read: No such file"):
        load_scenarios([first])
    with pytest.raises(ScenarioError, match=r"c\.toml: cannot be read: No such file"):
        load_scenarios([tmp_path / "c.toml"])
    with pytest.raises(ScenarioError, match="cannot be read"):
        load_scenarios([tmp_path])
    second.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ScenarioError, match="not a text in UTF-8"):
        load_scenarios([second])
