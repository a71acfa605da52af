"""The hazard of failures: priors where nothing was seen, data where it was."""

from __future__ import annotations

import json

import numpy as np
import pytest

from twinpack.errors import LearningError
from twinpack.learn.failure import (
    BASE_A_YEAR,
    SIGNS,
    FailureModel,
    Floats,
    brier,
    learn_failure,
    prior_model,
    ranked_above,
    reliability,
    sign_at,
)

NONE = np.zeros((1, len(SIGNS)))


def with_sign(name: str, value: float = 1.0) -> Floats:
    signs = NONE.copy()
    signs[0, sign_at(name)] = value
    return signs


def test_without_signs_the_field_rate_speaks() -> None:
    risk = prior_model().risk(NONE, 365.25)
    assert risk.probability[0] == pytest.approx(BASE_A_YEAR, rel=1e-3)
    assert risk.low[0] < BASE_A_YEAR < risk.high[0]


def test_signs_raise_it_and_their_most_holds() -> None:
    model = prior_model()
    one, more, most = (model.risk(with_sign("spread", value), 30.0).probability[0] for value in (1.0, 3.0, 300.0))
    assert one == pytest.approx(3.0 * model.risk(NONE, 30.0).probability[0], rel=1e-3)
    assert more == most > one
    assert model.risk(with_sign("spread", np.nan), 30.0).probability[0] == model.risk(NONE, 30.0).probability[0]


def test_longer_is_likelier_and_never_certain_beyond_one() -> None:
    model = prior_model()
    signs = np.ones((1, len(SIGNS))) * 10.0
    soon, late = (model.risk(signs, days).probability[0] for days in (1.0, 3650.0))
    assert soon <= late <= 1.0


def test_a_fleet_without_failures_stays_near_the_prior() -> None:
    model = learn_failure(np.zeros((500, len(SIGNS))), np.zeros(500, dtype=bool))
    assert np.exp(model.mean[0] - prior_model().mean[0]) == pytest.approx(1.0, abs=0.1)
    assert model.failures == 0 and model.vehicle_weeks == 500


def test_what_failures_tell_moves_the_weights() -> None:
    rng = np.random.default_rng(1)
    signs = np.zeros((20_000, len(SIGNS)))
    signs[:, sign_at("watch")] = rng.random(20_000) < 0.2
    hazard = 0.001 * np.exp(2.5 * signs[:, sign_at("watch")])
    model = learn_failure(signs, rng.random(20_000) < 1.0 - np.exp(-hazard))
    assert model.mean[0] == pytest.approx(np.log(0.001), abs=1.0), "the prior, 90 times less, is nearly forgotten"
    assert model.mean[0] + model.mean[1 + sign_at("watch")] == pytest.approx(np.log(0.001) + 2.5, abs=0.3)
    assert model.cov[0, 0] < prior_model().cov[0, 0]


def test_shorter_weeks_count_less() -> None:
    signs, failed = np.zeros((1000, len(SIGNS))), np.arange(1000) < 5
    whole, half = learn_failure(signs, failed), learn_failure(signs, failed, np.full(1000, 0.5))
    assert half.mean[0] > whole.mean[0]


def test_it_survives_being_written_down_and_damage_is_refused() -> None:
    model = prior_model()
    artifact = json.loads(json.dumps(model.to_dict()))
    assert np.array_equal(FailureModel.from_dict(artifact).mean, model.mean)
    for damage in ({"format": 7}, {"signs": ["x"]}, {"mean": [0.0]}, {"cov": (-model.cov).tolist()}, {"cov": None}):
        with pytest.raises(LearningError):
            FailureModel.from_dict({**artifact, **damage})


def test_scores_are_those_of_the_books() -> None:
    told, happened = np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True])
    assert ranked_above(told, happened) == 0.75
    assert ranked_above(np.full(4, 0.5), happened) == 0.5
    assert np.isnan(ranked_above(told, np.zeros(4, dtype=bool)))
    assert brier(np.array([1.0, 0.0]), np.array([True, True])) == 0.5
    low, high = reliability(told, happened, [0.3])
    assert (low["n"], low["happened_pct"], high["n"]) == (1.0, 0.0, 3.0)
    assert high["happened_pct"] == pytest.approx(66.67, abs=0.01)
