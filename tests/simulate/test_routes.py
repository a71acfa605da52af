from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinpack.errors import InputError
from twinpack.simulate.routes import RouteFleet, energy_per_km, voltage
from twinpack.simulate.settings import RouteSettings
from twinpack.telemetry.schema import TELEMETRY

SMALL = RouteSettings(vehicles=3, routes=5, seed=3)


def samples(settings: RouteSettings = SMALL) -> pa.Table:
    return pa.concat_tables(RouteFleet(settings).tables())


def of(table: pa.Table, vehicle: str) -> pa.Table:
    return table.filter(pc.equal(table["vehicle_id"], vehicle))


def test_tables_have_the_schema_and_come_in_order_of_receipt() -> None:
    tables = list(RouteFleet(SMALL).tables())
    assert len(tables) == SMALL.routes
    assert all(table.schema.equals(TELEMETRY) for table in tables)
    assert np.all(np.diff(pa.concat_tables(tables)["receipt_time"].cast(pa.int64()).to_numpy()) >= 0)


def test_voltage_falls_along_every_route_and_no_time_comes_twice() -> None:
    for table in RouteFleet(SMALL).tables():
        for vehicle in ("ROUTE-0001", "ROUTE-0002", "ROUTE-0003"):
            route = of(table, vehicle)
            assert np.all(np.diff(route["pack_voltage_v"].to_numpy()) < 0.0)
            assert np.all(np.diff(route["sample_time"].cast(pa.int64()).to_numpy()) > 0)
            assert len(pc.unique(route["speed_kmh"])) == 1
            assert len(pc.unique(route["planned_duration_s"])) == 1


def test_the_plan_is_speed_times_duration_and_most_routes_end_empty() -> None:
    table = samples(RouteSettings(vehicles=20, routes=20))
    speed, km, seconds = (table[n].to_numpy() for n in ("speed_kmh", "planned_distance_km", "planned_duration_s"))
    np.testing.assert_allclose(km, speed * seconds / 3600.0)
    fleet = RouteFleet(RouteSettings(vehicles=20, routes=20))
    ends = [of(day, "ROUTE-0001")["pack_voltage_v"].to_numpy()[-1] for day in fleet.tables()]
    wear = fleet.truth().to_pydict()["wear"][:20]
    empty = np.isclose(ends, 3.0 * np.array(wear))
    assert empty.mean() > 0.8


def test_samples_are_dense_at_the_end() -> None:
    first = of(next(iter(RouteFleet(SMALL).tables())), "ROUTE-0001")["odometer_km"].to_numpy()
    steps = np.diff(first)
    assert steps[0] == pytest.approx(1.6)
    assert steps[-2] == pytest.approx(0.16)


def test_wear_falls_from_route_to_route() -> None:
    truth = RouteFleet(RouteSettings(vehicles=20, routes=100)).truth()
    wear = truth["wear"].to_numpy().reshape(20, 100)
    assert np.all(wear[:, 0] == 1.0)
    assert np.all(np.diff(wear, axis=1) < 0.0)
    assert 0.1 < wear[:, -1].min()
    assert wear[:, -1].max() < 0.4


def test_the_same_seed_gives_the_same_fleet_however_large() -> None:
    assert samples().equals(samples())
    assert not samples().equals(samples(replace(SMALL, seed=4)))
    assert of(samples(replace(SMALL, vehicles=1)), "ROUTE-0001").equals(of(samples(), "ROUTE-0001"))
    longer = of(samples(replace(SMALL, routes=8)), "ROUTE-0001")
    mine = of(samples(), "ROUTE-0001")
    assert longer.slice(0, mine.num_rows).equals(mine)


def test_noise_is_a_setting() -> None:
    noise = samples(replace(SMALL, noise_v=0.01))["pack_voltage_v"].to_numpy() - samples()["pack_voltage_v"].to_numpy()
    assert 0.009 < noise.std() < 0.011


@given(wear=st.floats(0.1, 1.0), speed=st.floats(40.0, 80.0), load=st.floats(3000.0, 6000.0))
def test_voltage_starts_and_ends_with_the_wear(wear: float, speed: float, load: float) -> None:
    range_km = wear / float(energy_per_km(speed, load))
    assert float(voltage(wear, speed, load, 0.0)) == pytest.approx(4.75 * wear)
    assert float(voltage(wear, speed, load, range_km)) == pytest.approx(3.0 * wear)
    assert float(energy_per_km(speed + 1.0, load)) > float(energy_per_km(speed, load))
    assert float(energy_per_km(speed, load + 1.0)) > float(energy_per_km(speed, load))


@pytest.mark.parametrize(
    ("change", "words"), [({"routes": 0}, "'routes' is 0"), ({"noise_v": -1.0}, "'noise_v' is -1.0")]
)
def test_a_wrong_setting_is_named(change: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        replace(SMALL, **change)
