"""Priors and noise of wear: against the simulator's truth and an independent likelihood."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from tests.learn.test_route import PACK, routes
from twinpack.battery.route import RouteModel, route_from_dict, wear_of
from twinpack.errors import LearningError
from twinpack.learn.route import learn_route
from twinpack.learn.wear import Lives, Wear, learn_wear, log_likelihood, most_likely, scales_of
from twinpack.simulate.routes import RouteFleet
from twinpack.simulate.settings import RouteSettings

WEAR = Wear(bend=4.0, start_sd=2e-4, rate=2e-3, rate_sd=3e-4, drift=1.5e-4, rate_drift=5e-5, error_sd=1e-4)


def _lives(wear: Wear, vehicles: int, count: int, seed: int = 3) -> Lives:
    """Scales drawn from the model of wear itself."""
    g = np.random.default_rng(seed)
    level = wear.start_sd * g.standard_normal(vehicles)
    rate = wear.rate + wear.rate_sd * g.standard_normal(vehicles)
    levels = [level]
    for _ in range(count - 1):
        level = level + rate + wear.drift * g.standard_normal(vehicles)
        rate = rate + wear.rate_drift * g.standard_normal(vehicles)
        levels.append(level)
    seen = np.stack(levels, axis=1) + wear.error_sd * g.standard_normal((vehicles, count))
    scale = 1.0 - np.expm1(wear.bend * seen) / wear.bend
    return Lives(scale, np.full(scale.shape, 1e-12), 1e-3, 1.0)


def test_the_likelihood_is_that_of_the_joint_gaussian() -> None:
    count = 7
    seen = _lives(WEAR, 1, count)
    level = wear_of(seen.scale, WEAR.bend)[0]
    # Each route's level is linear in independent shocks: the start, the rate, and two a step.
    step = np.array([[1.0, 1.0], [0.0, 1.0]])
    noise = np.array([[WEAR.drift**2 + WEAR.rate_drift**2 / 3, WEAR.rate_drift**2 / 2], [0.0, WEAR.rate_drift**2]])
    noise[1, 0] = noise[0, 1]
    start = np.diag([WEAR.start_sd**2, WEAR.rate_sd**2])
    cov = np.zeros((count, count))
    for i in range(count):
        for j in range(count):
            left, right = np.linalg.matrix_power(step, i), np.linalg.matrix_power(step, j)
            both = left @ start @ right.T
            for at in range(1, min(i, j) + 1):
                both += np.linalg.matrix_power(step, i - at) @ noise @ np.linalg.matrix_power(step, j - at).T
            cov[i, j] = both[0, 0]
    stretch = 1.0 + WEAR.bend * (1.0 - seen.scale[0])
    cov += np.diag(seen.variance[0] / stretch**2 + WEAR.error_sd**2)
    expected = multivariate_normal(WEAR.rate * np.arange(count), cov).logpdf(level) - np.log(stretch).sum()
    assert log_likelihood(WEAR, seen) == pytest.approx(float(expected), rel=1e-9)


def test_what_a_fleet_was_drawn_from_is_found_again_and_gaps_do_not_matter() -> None:
    seen = _lives(replace(WEAR, rate_drift=1e-6), 40, 50)
    holes = np.random.default_rng(1).random(seen.scale.shape) < 0.1
    seen = replace(seen, scale=np.where(holes, np.nan, seen.scale))
    wear, likelihood = most_likely(seen)
    assert wear.bend == pytest.approx(4.0, abs=0.8)
    assert wear.rate == pytest.approx(2e-3, rel=0.1)
    assert wear.drift == pytest.approx(1.5e-4, rel=0.3)
    assert wear.rate_sd == pytest.approx(3e-4, rel=0.4)
    assert likelihood >= log_likelihood(replace(WEAR, rate_drift=1e-6), seen)


def test_a_simulated_fleet_s_law_and_truth_are_found() -> None:
    trips = routes(6, count=20)
    artifact = learn_route(trips, PACK).artifact
    seen = scales_of(route_from_dict(artifact["model"]), trips)
    truth = RouteFleet(RouteSettings(vehicles=6, routes=20)).truth().column("wear").to_numpy().reshape(6, 20)
    assert np.abs(seen.scale - truth).max() < 2e-3
    learned = learn_wear(artifact, trips, "the prototype's hash")
    assert learned.card["parent"] == "the prototype's hash"
    model = RouteModel(route_from_dict(learned.artifact["model"]))
    # the simulator wears by a factor a route, of 1.55 % on average: that is a bend of -1
    level, rate = model.living
    assert wear_of(truth[:, -1], model.route.bend).mean() / 19 == pytest.approx(rate.mean, rel=0.15)
    assert level.drift < 0.2 * rate.mean and rate.rate_of == "wear"
    assert learned.artifact["threshold_v"] == artifact["threshold_v"]


def test_routes_that_show_something_else_are_left_aside() -> None:
    trips = routes(6, count=10)
    artifact = learn_route(trips, PACK).artifact
    clean = learn_wear(artifact, trips).artifact["model"]
    broken = [
        replace(one, voltage_v=one.voltage_v[::-1].copy()) if at % 17 == 8 else one for at, one in enumerate(trips)
    ]
    seen = scales_of(route_from_dict(artifact["model"]), broken)
    assert np.isnan(seen.scale).sum() == len(range(8, len(trips), 17))
    found = learn_wear(artifact, broken).artifact["model"]
    assert found["living"][1]["mean"] == pytest.approx(clean["living"][1]["mean"], rel=0.1)
    assert found["noise"]["sensor_v"] == pytest.approx(clean["noise"]["sensor_v"], rel=0.1)


def test_too_few_lives_and_other_kinds_are_refused() -> None:
    trips = routes(5, count=3)
    artifact = learn_route(trips, PACK).artifact
    with pytest.raises(LearningError, match="4 routes each, 0 have"):
        learn_wear(artifact, trips)
    with pytest.raises(LearningError, match="thevenin"):
        learn_wear({**artifact, "kind": "thevenin-2rc"}, trips)
