"""What-if in a workspace that lived: told from its twins, and nothing in it changed."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.servers.small_fleet import pristine_fleet
from twinpack.errors import NotFoundError, ScenarioError
from twinpack.forecast.scenario import Scenario, Trip
from twinpack.runtime.ageing import learn_ageing_of
from twinpack.runtime.forecasts import outlook_of
from twinpack.runtime.whatif import VehicleWhatIf, load_scenarios, whatif_vehicle
from twinpack.runtime.whatif_fleet import FleetWhatIf, whatif_fleet
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


def fleet_of(home: Path, *scenarios: Scenario, pack: str | None = None) -> FleetWhatIf:
    workspace = Workspace.open(home, create=False)
    with workspace.registry() as registry:
        return whatif_fleet(workspace, registry, scenarios, pack=pack)


def test_a_fleet_is_told_block_by_block_and_nothing_is_changed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(home)
    whole = fleet_of(home, GENTLE, HAUL)
    assert contents(home) == before
    monkeypatch.setattr("twinpack.runtime.whatif_fleet.BLOCK", 3)
    apart = fleet_of(home, GENTLE, HAUL)
    for one, other in zip(apart.effects, whole.effects, strict=True):
        assert one.vehicle_ids == other.vehicle_ids
        assert one.health == pytest.approx(other.health, rel=1e-3, abs=1e-3)
    assert whole.told == whole.asked == len(whole.effects[0].vehicle_ids)
    gentle, haul = whole.scenarios
    assert gentle.helped > 0
    assert haul.harmed >= whole.told - 1
    assert haul.claims > gentle.claims


def test_a_bad_vehicle_stops_no_other(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = outlook_of

    def breaks(workspace: Any, registry: Any, pack: str, vehicles: list[str], *rest: Any, **more: Any) -> Any:
        if "SIM-0003" in vehicles:
            raise np.linalg.LinAlgError("Singular matrix")
        return plain(workspace, registry, pack, vehicles, *rest, **more)

    monkeypatch.setattr("twinpack.runtime.whatif_fleet.outlook_of", breaks)
    told = fleet_of(home, GENTLE)
    assert [(one.vehicle, one.why) for one in told.left_out] == [("SIM-0003", "Singular matrix")]
    assert told.told == told.asked - 1
    assert "SIM-0003" not in told.effects[0].vehicle_ids


def test_a_scenario_that_cannot_be_told_for_a_vehicle_leaves_it_out(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = outlook_of

    def unknown(*rest: Any, **more: Any) -> Any:
        of = plain(*rest, **more)
        km = np.where(np.array(of.fleet.vehicle_ids) == "SIM-0002", np.nan, of.usage.km_per_day)
        return replace(of, usage=of.usage.with_(km_per_day=km))

    monkeypatch.setattr("twinpack.runtime.whatif_fleet.outlook_of", unknown)
    told = fleet_of(home, Scenario("far", yearly_km=40_000.0))
    (left,) = told.left_out
    assert left.vehicle == "SIM-0002"
    assert "give distance_x" in left.why


def test_a_fleet_without_a_model_or_vehicles_is_refused(home: Path, pristine_fleet: Path) -> None:
    with pytest.raises(NotFoundError, match="learn ageing"):
        fleet_of(pristine_fleet, GENTLE)
    with pytest.raises(NotFoundError, match="no vehicle of pack 'lfp_104s'"):
        fleet_of(home, GENTLE, pack="lfp_104s")
