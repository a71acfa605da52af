from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from twinpack.evaluate.forecasts import crps, end_error_pct, inside, interval_score, quantile_loss, rolling_origins
from twinpack.learn.fade_forecast import LEVELS


def test_quantile_loss_by_hand() -> None:
    truth = np.array([1.0, 3.0])
    assert quantile_loss(truth, np.array([[2.0, 2.0]]), [0.9]) == pytest.approx((0.1 * 1.0 + 0.9 * 1.0) / 2.0)
    assert quantile_loss(truth, np.array([[2.0, 2.0]]), [0.5]) == pytest.approx(0.5)


@given(st.floats(0.05, 0.95), st.floats(-2.0, 2.0))
def test_no_other_quantile_loses_less(level: float, off: float) -> None:
    truth = norm.ppf((np.arange(2_000) + 0.5) / 2_000)
    best, other = (
        quantile_loss(truth, np.full((1, 2_000), float(norm.ppf(level)) + shift), [level]) for shift in (0.0, off)
    )
    assert best <= other + 1e-5


def test_crps_of_a_normal_distribution_is_the_known_one() -> None:
    levels = (np.arange(400) + 0.5) / 400
    told = np.repeat(norm.ppf(levels)[:, None], 3, axis=1)
    truth = np.array([-1.0, 0.0, 2.0])
    known = truth * (2 * norm.cdf(truth) - 1) + 2 * norm.pdf(truth) - 1 / np.sqrt(np.pi)
    assert crps(truth, told, levels.tolist()) == pytest.approx(known.mean(), abs=2e-3)


def test_crps_of_a_point_is_its_absolute_error() -> None:
    told = np.full((len(LEVELS), 2), 1.0)
    assert crps(np.array([1.5, 0.0]), told, LEVELS) == pytest.approx(0.75, rel=1e-2)


def test_inside_counts_both_ends_and_the_score_charges_misses() -> None:
    truth, low, high = np.array([0.0, 1.0, 3.0, -1.0]), np.zeros(4), np.full(4, 2.0)
    assert inside(truth, low, high) == 0.5
    assert interval_score(truth, low, high, 0.1) == pytest.approx(2.0 + 20.0 * 2.0 / 4.0)


def test_nothing_gives_no_figure() -> None:
    nothing = np.zeros(0)
    assert np.isnan(quantile_loss(nothing, np.zeros((1, 0)), [0.5]))
    assert np.isnan(crps(nothing, np.zeros((1, 0)), [0.5]))
    assert np.isnan(inside(nothing, nothing, nothing))
    assert np.isnan(interval_score(nothing, nothing, nothing, 0.1))


@pytest.mark.parametrize(
    ("told", "end", "ended", "error"),
    [
        (110.0, 100.0, True, 10.0),
        (80.0, 100.0, True, 20.0),
        (np.inf, 100.0, True, 100.0),
        (150.0, 100.0, False, 0.0),
        (np.inf, 100.0, False, 0.0),
        (75.0, 100.0, False, 25.0),
    ],
)
def test_a_record_that_has_not_ended_blames_only_forecasts_that_are_too_early(
    told: float, end: float, ended: bool, error: float
) -> None:
    assert end_error_pct(told, end, ended) == pytest.approx(error)


def test_origins_roll_up_to_the_last() -> None:
    assert list(rolling_origins(6, 25, 6)) == [6, 12, 18, 24]
