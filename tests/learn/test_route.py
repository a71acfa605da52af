"""A route prototype from the first routes of a simulated fleet."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from twinpack.battery.pack import load_pack
from twinpack.battery.route import RouteModel, route_from_dict
from twinpack.errors import LearningError
from twinpack.evaluate.routes import routes_of
from twinpack.learn.route import RouteTrip, first_routes, learn_route, straightened, temper_of
from twinpack.simulate.routes import RouteFleet
from twinpack.simulate.settings import RouteSettings

PACK = load_pack("lg_hg2_3ah")


def routes(vehicles: int, count: int = 1, noise_v: float = 0.0, seed: int = 7) -> list[RouteTrip]:
    """Routes of a simulated fleet, day by day."""
    fleet = RouteFleet(RouteSettings(vehicles=vehicles, routes=count, noise_v=noise_v, seed=seed))
    return routes_of(fleet.tables())


def _error(model: RouteModel, trips: list[RouteTrip]) -> float:
    new = {"wear": 0.0}
    errors = [
        model.measure(new, {"speed_kmh": one.speed_kmh, "load_kg": one.load_kg, "distance_km": one.distance_km})
        - one.voltage_v
        for one in trips
    ]
    return float(np.sqrt(np.mean(np.concatenate(errors) ** 2)))


def test_vehicles_never_seen_are_predicted_to_a_fraction_of_a_millivolt() -> None:
    trips = routes(24)
    learned = learn_route(trips[:16], PACK)
    model = RouteModel(route_from_dict(learned.artifact["model"]))
    assert _error(model, trips[16:]) < 5e-4
    assert (np.diff(model.route.curve_v) <= 0).all() and (np.diff(model.route.used) > 0).all()
    assert learned.artifact["kind"] == "route"
    assert learned.card["data"]["vehicles"] == 16


def test_noise_of_the_sensor_is_found_and_averaged_away() -> None:
    learned = learn_route(routes(16, noise_v=0.01), PACK)
    model = RouteModel(route_from_dict(learned.artifact["model"]))
    assert model.route.noise.sensor_v == pytest.approx(0.01, rel=0.15)
    assert _error(model, routes(24)[16:]) < 0.006


def test_only_the_first_route_of_each_vehicle_is_used() -> None:
    both = routes(8, count=2)
    assert {trip.number for trip in first_routes(both)} == {1}
    assert learn_route(both, PACK).artifact == learn_route(routes(8), PACK).artifact


def test_data_that_teach_nothing_are_refused_with_the_reason() -> None:
    trips = routes(8)
    with pytest.raises(LearningError, match="5 vehicles"):
        learn_route(trips[:3], PACK)
    alike = [replace(trip, load_kg=np.full(len(trip.load_kg), 4000.0)) for trip in trips]
    with pytest.raises(LearningError, match="load_kg is the same"):
        learn_route(alike, PACK)
    silent = [replace(trip, voltage_v=np.full(len(trip.voltage_v), np.nan)) for trip in trips]
    with pytest.raises(LearningError, match="0 of 8"):
        learn_route(silent, PACK)
    rng = np.random.default_rng(1)
    other = [replace(trip, voltage_v=trip.voltage_v + rng.normal(0.0, 2.0)) for trip in trips]
    with pytest.raises(LearningError, match="does not go with speed, load and distance"):
        learn_route(other, PACK)


def test_straight_lines_come_within_the_tolerance_of_every_point() -> None:
    x = np.linspace(0.0, 1.0, 500)
    y = -np.minimum(x, 0.7) - 5.0 * np.maximum(x - 0.7, 0.0)
    kept = straightened(x, y, 1e-3)
    assert len(kept) <= 4
    assert np.abs(np.interp(x, x[kept], y[kept]) - y).max() <= 1e-3


def test_errors_that_go_together_temper_the_noise() -> None:
    g = np.random.default_rng(0)
    route = np.repeat(np.arange(50), 40)
    alone = g.standard_normal(2000)
    assert temper_of(route, alone) == pytest.approx(1.0, abs=0.5)
    assert temper_of(route, np.repeat(g.standard_normal(50), 40)) > 20.0
