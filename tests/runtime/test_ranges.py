"""A range out of a workspace: its own twin, its fleet's consumption, its last telemetry; and what cannot be told."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tests.runtime.workspaces import begin, bring_file
from twinpack.errors import LearningError, NotFoundError
from twinpack.forecast.range import Conditions
from twinpack.learn.energy_terms import Course
from twinpack.runtime.energy import KIND, TRIPS_IN_ALL, last_drives, learn_energies
from twinpack.runtime.jobs.steps import STEPS, StepContext
from twinpack.runtime.ranges import COLD, HOT, MILD, TODAY, RangeOutlook, vehicle_range
from twinpack.runtime.run import run
from twinpack.simulate.physics import PhysicsFleet
from twinpack.simulate.settings import FleetSettings
from twinpack.store.jobs import ENERGY, JOBS
from twinpack.store.settings import Settings
from twinpack.store.workspace import Workspace

CAR = "SIM-0001"


def live(home: Path, rows: pa.Table) -> Workspace:
    """A workspace whose twins have lived through telemetry."""
    workspace = begin(home, settings=Settings())
    file = home.parent / f"{home.name}.parquet"
    pq.write_table(rows.sort_by("receipt_time"), file)
    bring_file(workspace, file)
    run(workspace)
    return workspace


def telemetry() -> pa.Table:
    return pa.concat_tables(PhysicsFleet(FleetSettings(vehicles=3, trips=8, years=0.5, period_s=5.0)).tables())


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three vehicles with eight drives each, and what was learned of their consumption."""
    workspace = live(tmp_path_factory.mktemp("ranges") / "home", telemetry())
    learn_energies(workspace)
    return workspace.home


@pytest.fixture
def workspace(lived: Path, tmp_path: Path) -> Workspace:
    shutil.copytree(lived, tmp_path / "home")
    return Workspace.open(tmp_path / "home", create=False)


def asked(
    workspace: Workspace,
    conditions: Conditions,
    vehicle: str = CAR,
    capacity_x: float = 1.0,
    resistance_x: float = 1.0,
) -> RangeOutlook:
    with workspace.registry() as registry:
        return vehicle_range(workspace, registry, vehicle, conditions, None, capacity_x, resistance_x)


def test_today_is_as_the_vehicle_was_last_seen(workspace: Workspace) -> None:
    told = asked(workspace, Conditions())
    assert [one.name for one in told.at] == [TODAY, HOT, MILD, COLD] and told.reason == ""
    with workspace.registry() as registry:
        assert told.conditions.soc_pct == pytest.approx(100.0 * registry.latest_of(CAR)["soc"])
        assert registry.models()[0].kind == KIND and registry.models()[0].hash == told.energy_hash
        deployed = registry.deployed(CAR)
        assert deployed is not None and told.version_number == deployed.number
    last = workspace.lake().read("telemetry", ["ambient_temp_c", "cell_temp_avg_c"], vehicle=CAR).to_pylist()[-1]
    assert (told.conditions.ambient_c, told.conditions.battery_c) == tuple(last.values())
    assert told.km is not None and 20.0 < told.km.p50 < 400.0
    assert told.km == told.at[0].km and told.usable_kwh == told.at[0].usable_kwh and told.kwh_km == told.at[0].kwh_km


def test_what_is_asked_for_counts(workspace: Workspace) -> None:
    base = asked(workspace, Conditions(soc_pct=80.0, ambient_c=20.0))
    assert base.km is not None and base.conditions.battery_c is None, "another weather: parked in it"
    for capacity, resistance in ((0.8, 1.0), (1.0, 2.0)):
        worn = asked(workspace, Conditions(soc_pct=80.0, ambient_c=20.0), CAR, capacity, resistance)
        assert worn.km is not None and worn.km.p50 < base.km.p50
    laden = asked(workspace, Conditions(soc_pct=80.0, ambient_c=20.0, load_kg=1500.0))
    assert laden.km is not None and laden.km.p50 < 0.9 * base.km.p50


def test_a_plan_is_driven_at_todays_weather(workspace: Workspace) -> None:
    time = np.arange(0.0, 1801.0)
    plan = Course(time, np.full(len(time), 70.0), np.full(len(time), np.nan))
    with workspace.registry() as registry:
        told = vehicle_range(workspace, registry, CAR, Conditions(soc_pct=70.0), plan)
    assert told.plan is not None and told.plan.distance_km == pytest.approx(35.0)
    assert 40.0 < told.plan.soc_pct.p50 < 70.0 and told.plan.arrives == 1.0


def test_without_a_model_of_consumption_energy_and_power_are_told(tmp_path: Path) -> None:
    workspace = live(tmp_path / "home", telemetry().filter(pc.field("vehicle_id") == CAR))
    told = asked(workspace, Conditions())
    assert told.km is None and "`twinpack learn energy` makes one" in told.reason
    assert told.usable_kwh is not None and told.usable_kwh.p50 > 5.0 and len(told.at[0].power) == 4
    learned = learn_energies(workspace)
    assert learned.models[0].card["data"]["sessions"] == 8 and learned.left_out == ()
    assert asked(workspace, Conditions()).km is not None


def test_without_speeds_no_consumption_is_learned(tmp_path: Path) -> None:
    rows = telemetry()
    for name in ("speed_kmh", "ambient_temp_c"):
        rows = rows.set_column(rows.column_names.index(name), name, pa.nulls(len(rows), pa.float64()))
    workspace = live(tmp_path / "home", rows)
    with pytest.raises(LearningError, match="0 trips of pack 'sim_nmc_96s' tell consumption"):
        learn_energies(workspace)
    told = asked(workspace, Conditions())
    assert [one.name for one in told.at] == [HOT, MILD, COLD], "no weather, no today"
    assert any("give it with --ambient-c" in note for note in told.notes)


def test_what_is_not_there_is_named(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="'car-9' is not known"):
        asked(workspace, Conditions(), "car-9")
    with pytest.raises(NotFoundError, match="no vehicle of pack 'another' here; there are sim_nmc_96s"):
        learn_energies(workspace, "another")
    with pytest.raises(NotFoundError, match="nothing to learn from"):
        learn_energies(Workspace.open(tmp_path / "empty"))


def test_of_a_large_fleet_fewer_drives_of_each_are_read() -> None:
    few = {f"car-{number}": [(at, at + 1) for at in range(100)] for number in range(20)}
    assert {len(drives) for drives in last_drives(few).values()} == {60}
    assert last_drives(few)["car-3"][-1] == (99, 100), "the last ones"
    many = {f"car-{number}": few["car-1"] for number in range(5000)}
    chosen = last_drives(many)
    assert sum(map(len, chosen.values())) <= TRIPS_IN_ALL and len(chosen) >= 500


def test_a_job_learns_what_trips_take_and_does_not_fail_for_want_of_them(workspace: Workspace, tmp_path: Path) -> None:
    told: list[str] = []
    context = StepContext("energy-1", workspace, JOBS[ENERGY].complete({}), told.append)
    (step,) = STEPS[ENERGY]
    assert len(step.run(context)["models"]) == 1 and "kWh/100 km" in told[-1]
    empty = replace(context, workspace=Workspace.open(tmp_path / "empty"))
    assert step.run(empty) == {"models": []} and "nothing learned: nothing to learn from" in told[-1]
