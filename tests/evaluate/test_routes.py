"""The living loop over routes in memory: nothing of a vehicle or of a route leaks into what predicts it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.learn.test_route import routes
from twinpack.evaluate.routes import Lived, batches, coverage_by_vehicle, cross_fitted, figures, live
from twinpack.learn.route import RouteTrip
from twinpack.twin.settings import LoopSettings

VEHICLES, ROUTES = 6, 8


@pytest.fixture(scope="module")
def fleet() -> list[RouteTrip]:
    """A tiny fleet with a noisy sensor."""
    return routes(VEHICLES, ROUTES, noise_v=0.003)


@pytest.fixture(scope="module")
def lived(fleet: list[RouteTrip]) -> Lived:
    """It with updates after every route."""
    return live(fleet, cross_fitted(fleet, 3), LoopSettings(policy="always"), [fleet[0].vehicle_id])


def _changed(trip: RouteTrip) -> RouteTrip:
    return replace(trip, voltage_v=0.9 * trip.voltage_v)


def test_what_a_twin_starts_from_knows_nothing_of_its_own_later_routes(fleet: list[RouteTrip]) -> None:
    own = fleet[0].vehicle_id
    before = cross_fitted(fleet, 3)
    after = cross_fitted([_changed(one) if one.vehicle_id == own and one.number > 1 else one for one in fleet], 3)
    assert after[own] == before[own]
    other = next(vehicle for vehicle in before if before[vehicle]["pack"] != before[own]["pack"])
    assert after[other] != before[other]


def test_a_route_is_predicted_from_what_came_before_it(fleet: list[RouteTrip], lived: Lived) -> None:
    own = fleet[0].vehicle_id
    last = [_changed(one) if one.number == ROUTES else one for one in fleet]
    again = live(last, cross_fitted(fleet, 3), LoopSettings(policy="always"), [own])
    points = lived.points[own], again.points[own]
    assert (points[0]["measured_v"] != points[1]["measured_v"]).any()
    np.testing.assert_array_equal(points[0]["deployed_v"], points[1]["deployed_v"])
    np.testing.assert_array_equal(lived.rmse_v[:, :-1], again.rmse_v[:, :-1])


def test_twins_that_live_are_far_better_than_a_battery_taken_for_new(lived: Lived) -> None:
    told = figures(lived, "always", 0.1)
    assert lived.rmse_v.shape == (VEHICLES, ROUTES) and np.isfinite(lived.rmse_v).all()
    assert told["always_rmse_v"] < 0.1 * float(np.nanmean(lived.new_rmse_v[:, 1:]))
    assert told["always_updates_per_vehicle"] == ROUTES
    assert lived.refused == 0
    assert told["always_coverage_95_pct"] > 85.0
    assert 0.0 < told["always_band_width_v"] < 0.2


def test_rows_are_in_the_order_of_time_and_a_vehicle_s_odometer_goes_on(fleet: list[RouteTrip]) -> None:
    found = list(batches(fleet))
    assert len(found) == ROUTES + 1
    for batch in found[:-1]:
        assert (np.diff(batch.sample_time_us) >= 0).all()
    odometer = np.concatenate([one.signals["odometer_km"][one.vehicle == 0] for one in found[:-1]])
    assert (np.diff(odometer) >= 0.0).all()
    assert odometer[-1] == pytest.approx(
        sum(one.distance_km[-1] for one in fleet if one.vehicle_id == fleet[0].vehicle_id)
    )


def test_figures_are_of_later_routes_and_count_each_route_once() -> None:
    first = [9.0, 0.1, 0.3]
    table = np.array([first, [9.0, 0.3, 0.5]])
    lived = Lived(
        vehicle_ids=("a", "b"),
        scored=np.array([[50.0, 100.0, 300.0], [50.0, 100.0, 100.0]]),
        rmse_v=table,
        mae_v=table,
        covered=np.array([[0.0, 1.0, 0.9], [0.0, 1.0, 1.0]]),
        width_v=table,
        interval_score_v=table,
        never_rmse_v=table,
        never_mae_v=table,
        new_rmse_v=table,
        updated=np.array([[True, False, True], [True, True, True]]),
    )
    told = figures(lived, "x", 0.4)
    assert told["x_rmse_v"] == pytest.approx(0.3)
    assert told["x_over_pct"] == pytest.approx(25.0)
    assert told["x_updates_per_vehicle"] == pytest.approx(2.5)
    np.testing.assert_allclose(coverage_by_vehicle(lived), [0.925, 1.0])
    assert told["x_coverage_95_pct"] == pytest.approx(100.0 * (0.925 * 400 + 200) / 600)
    assert told["x_vehicles_covered_pct"] == pytest.approx(50.0)
    assert told["x_band_width_v"] == pytest.approx((0.1 * 100 + 0.3 * 300 + 0.3 * 100 + 0.5 * 100) / 600)
