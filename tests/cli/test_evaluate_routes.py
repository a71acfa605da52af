"""`twinpack evaluate do_pm_fleet` on a tiny fleet in the form of the published example."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.learn.test_route import routes
from twinpack.cli.evaluations.do_pm_fleet import KG, KM, evaluate, read_routes
from twinpack.learn.route import RouteTrip

VEHICLES, ROUTES = 5, 6


@pytest.fixture(scope="module")
def fleet() -> list[RouteTrip]:
    """A simulated fleet."""
    return routes(VEHICLES, ROUTES)


@pytest.fixture(scope="module")
def folder(fleet: list[RouteTrip], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its files, in miles and pounds; vehicles are numbered from 80, and rows are in no order."""
    folder = tmp_path_factory.mktemp("do_pm_fleet")
    number = {one.vehicle_id: 80 + at for at, one in enumerate(fleet[:VEHICLES])}
    count = [len(one.voltage_v) for one in fleet]
    vehicle, route = [number[one.vehicle_id] for one in fleet], [one.number - 1 for one in fleet]
    points: dict[str, npt.NDArray[Any]] = {
        "vehicle": np.repeat(vehicle, count).astype(np.int16),
        "route": np.repeat(route, count).astype(np.int16),
        "distance_mi": np.concatenate([one.distance_km for one in fleet]) / KM,
        "voltage_v": np.concatenate([one.voltage_v for one in fleet]),
    }
    order = np.random.default_rng(0).permutation(sum(count))
    pq.write_table(pa.table({name: values[order] for name, values in points.items()}), folder / "points.parquet")
    plan = {
        "vehicle": vehicle,
        "route": route,
        "planned_distance_mi": [5.0 * one.speed_kmh[0] / KM for one in fleet],
        "planned_duration_h": [5.0] * len(fleet),
        "load_lb": [one.load_kg[0] / KG for one in fleet],
    }
    pq.write_table(pa.table(plan), folder / "trips.parquet")
    return folder


def test_routes_are_read_in_the_units_of_the_telemetry(fleet: list[RouteTrip], folder: Path) -> None:
    found = {(one.vehicle_id, one.number): one for one in read_routes(folder)}
    assert len(found) == VEHICLES * ROUTES
    one, told = fleet[VEHICLES + 2], found["DOPM-082", 1]
    for name in ("speed_kmh", "load_kg", "distance_km", "voltage_v"):
        np.testing.assert_allclose(getattr(told, name), getattr(one, name), rtol=1e-9, atol=1e-9)
    assert told.start_us - found["DOPM-082", 0].start_us == 86_400_000_000


def test_the_first_vehicles_and_routes_alone_can_be_read(folder: Path) -> None:
    some = read_routes(folder, 2, 3)
    assert {(one.vehicle_id, one.number) for one in some} == {
        (f"DOPM-{vehicle:03d}", number) for vehicle in (80, 81) for number in range(3)
    }


def test_every_policy_has_its_figures(folder: Path) -> None:
    told = evaluate(folder, quick=True)
    for policy in ("threshold", "change", "always"):
        for name in ("rmse_v", "over_pct", "updates_per_vehicle", "coverage_95_pct", "band_width_v"):
            assert np.isfinite(told[f"{policy}_{name}"])
    assert told["n"] == VEHICLES * (ROUTES - 1)
    assert told["always_updates_per_vehicle"] == ROUTES
    assert told["always_rmse_v"] < 0.1 * told["as_new_rmse_v"]
