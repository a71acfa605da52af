from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tests.learn.drives import TRUTH, drives
from twinpack.battery.thevenin import Noise, Thevenin
from twinpack.errors import LearningError
from twinpack.filters.trends import Trends
from twinpack.learn.learned import Learned
from twinpack.learn.likelihood import with_noise
from twinpack.learn.noise import learn_noise, session_factor
from twinpack.learn.population import Evidence, Population, fit, log_evidence, transition, walk
from twinpack.learn.prototype import TrainingTrip

DAY_US = 86_400_000_000
PARENT = "a" * 64

Floats = npt.NDArray[np.float64]


def artifact(**noise: Any) -> dict[str, Any]:
    circuit = replace(TRUTH, noise=replace(Noise(), **noise))
    return {"pack": "p", "kind": "thevenin-2rc", "model": circuit.to_dict(), "threshold_v": 0.01}


def fleet(vehicles: int = 6, each: int = 4, **given: Any) -> list[TrainingTrip]:
    trips = drives(vehicles, each, **given)
    return [replace(trip, start_us=(1 + index % each) * 20 * DAY_US) for index, trip in enumerate(trips)]


def random_walks(population: Population, vehicles: int, sessions: int, told_sd: float) -> Evidence:
    """What sessions tell of vehicles of a known population, each parameter seen with an error."""
    rng = np.random.default_rng(3)
    size = len(population.mean)
    days = np.full((vehicles, sessions), 10.0)
    days[:, 0] = 0.0
    theta = rng.multivariate_normal(population.mean, population.covariance, vehicles)
    pull = np.empty((vehicles, sessions, size))
    for k in range(sessions):
        theta = theta + population.drift * np.sqrt(days[:, k : k + 1]) * rng.standard_normal(theta.shape)
        pull[:, k] = (theta + told_sd * rng.standard_normal(theta.shape)) / told_sd**2
    information = np.broadcast_to(np.eye(size) / told_sd**2, (vehicles, sessions, size, size)).copy()
    return Evidence(days, np.ones(days.shape, dtype=np.bool_), information, pull)


TRUE = Population(np.array([1.0, 1.2]), np.diag([0.05**2, 0.10**2]), np.array([0.004, 0.010]), (-1, -1))
GUESS = Population(np.ones(2), np.diag([0.2**2, 0.2**2]), np.array([0.001, 0.001]), (-1, -1))


def test_known_spread_and_drift_of_vehicles_are_found_again() -> None:
    found = fit(random_walks(TRUE, 100, 12, 0.02), GUESS)
    assert found.mean == pytest.approx(TRUE.mean, abs=0.03)
    assert np.sqrt(np.diagonal(found.covariance)) == pytest.approx([0.05, 0.10], rel=0.4)
    assert found.drift == pytest.approx(TRUE.drift, rel=0.3)


def test_few_vehicles_leave_the_prototype_most_of_its_say() -> None:
    alone = random_walks(TRUE, 1, 4, 0.02)
    seen = float(alone.pull[0, 0, 1]) * 0.02**2
    assert fit(alone, GUESS).mean[1] - 1.0 == pytest.approx((seen - 1.0) / 4.0, abs=0.02), "one of four counts"
    assert fit(random_walks(TRUE, 100, 4, 0.02), GUESS).mean[1] == pytest.approx(1.2, abs=0.03)
    assert fit(alone, GUESS).covariance[0, 0] > 0.6 * 0.2**2


def test_the_evidence_is_that_of_all_sessions_as_one_gaussian() -> None:
    """Against the dense joint covariance of everything that was seen, without a filter."""
    told_sd, evidence = 0.02, random_walks(TRUE, 3, 5, 0.02)
    when = np.cumsum(evidence.days[0])
    for population in (TRUE, GUESS):
        at = np.minimum(when[:, None], when)
        expected = np.zeros(3)
        for one in range(2):
            joint = population.covariance[one, one] + population.drift[one] ** 2 * at + told_sd**2 * np.eye(5)
            seen = evidence.pull[:, :, one] * told_sd**2 - population.mean[one]
            expected += -0.5 * np.einsum("vi,ij,vj->v", seen, np.linalg.inv(joint), seen)
            expected -= 0.5 * np.linalg.slogdet(joint / told_sd**2)[1]
            expected += 0.5 * (evidence.pull[:, :, one] ** 2).sum(axis=1) * told_sd**2
        assert log_evidence(evidence, population) == pytest.approx(expected, rel=1e-9)


def test_levels_move_between_sessions_as_twins_let_them() -> None:
    living = Thevenin(TRUTH).living
    chain = (living[0], replace(living[1], name="rate", mean=-1e-4, drift=1e-5, rate_of=living[0].name))
    start = np.diag([0.03**2, 1e-4**2])
    mean, cov = Trends(chain).advance(np.array([[1.0], [-1e-4]]), start[:, :, None], np.array([50.0]))
    population = Population.of(chain, start)
    move = transition(population.rate_of, np.array([50.0]))[0]
    assert move @ population.mean == pytest.approx(mean[:, 0])
    spread = move @ start @ move.T + walk(population.drift, population.rate_of, np.array([50.0]))[0]
    assert spread == pytest.approx(cov[:, :, 0])


def test_a_session_tells_what_turns_the_prior_into_what_was_found() -> None:
    before, before_cov = np.array([1.0, 0.5]), np.array([[0.04, 0.01], [0.01, 0.09]])
    seen = np.diag([50.0, 0.0])
    after_cov = np.linalg.inv(np.linalg.inv(before_cov) + seen)
    after = after_cov @ (np.linalg.solve(before_cov, before) + seen @ np.array([1.2, 0.0]))
    information, pull = session_factor(before, before_cov, after, after_cov)
    assert information == pytest.approx(seen, abs=1e-7)
    assert pull == pytest.approx([60.0, 0.0], abs=1e-6)


@cache
def learned() -> Learned:
    return learn_noise(
        artifact(sensor_v=0.02, resistive=0.02, slow_v=0.001, fast_v=0.001), PARENT, fleet(noise_v=0.003)
    )


def test_noise_of_data_that_the_model_itself_made_is_found_between_it_and_the_prototypes() -> None:
    card = learned().card
    pulled = np.sqrt((6 * 0.003**2 + 3 * 0.02**2) / 9)
    assert card["figures"]["noise"]["sensor_v"] == pytest.approx(pulled, rel=0.1)
    assert card["metrics"]["noise_gain_nats_per_session"] > 10.0


def test_the_refined_model_names_its_parent_and_keeps_the_physics() -> None:
    result = learned()
    before, after = artifact()["model"], result.artifact["model"]
    assert result.card["parent"] == PARENT
    assert {name for name in before if before[name] != after[name]} <= {"living", "prior_covariance", "noise"}
    assert len(after["living"]) == len(before["living"])


def test_too_few_vehicles_or_sessions_are_refused_with_what_it_takes() -> None:
    with pytest.raises(LearningError, match=r"2 of 2 vehicles have 3 sessions or more.* takes 4"):
        learn_noise(artifact(), PARENT, fleet(2, 3))
    with pytest.raises(LearningError, match="0 of 6 vehicles"):
        learn_noise(artifact(), PARENT, fleet(6, 2))
    with pytest.raises(LearningError, match="kind route"):
        learn_noise({**artifact(), "kind": "route"}, PARENT, [])


def test_a_model_that_suits_no_session_is_refused() -> None:
    off = fleet(4, 3, noise_v=0.5)
    with pytest.raises(LearningError, match="fails on all 12 sessions"):
        learn_noise(artifact(), PARENT, off)


def test_noise_is_found_wherever_a_model_keeps_it() -> None:
    nested = {"kind": "x", "physics": artifact()["model"]}
    assert with_noise(nested, {"sensor_v": 0.5})["physics"]["noise"]["sensor_v"] == 0.5
