"""Metrics against numbers worked out by hand, and the claim that the constant band is the best of its kind."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinpack.evaluate.metrics import (
    band_quality,
    best_constant_half_width,
    coverage,
    health_quality,
    interval_score,
    rmse,
)
from twinpack.twin.settings import Z95

errors = st.lists(st.floats(-100.0, 100.0), min_size=1, max_size=40)


def test_errors_of_three_and_four_are_five_over_root_two() -> None:
    assert rmse(np.array([3.0, -4.0])) == pytest.approx(5.0 / math.sqrt(2.0))


def test_coverage_counts_what_lies_within_1_96_deviations() -> None:
    error = np.array([0.0, 1.9, -1.9, 2.0, -2.0, 4.1])
    assert coverage(error, np.ones(6)) == pytest.approx(0.5)
    assert coverage(error, np.array([1.0, 1.0, 0.5, 2.0, 2.0, 2.0])) == pytest.approx(4 / 6)
    assert pytest.approx(1.959964, abs=1e-6) == Z95


def test_the_interval_score_is_the_width_and_forty_times_each_miss() -> None:
    assert interval_score(np.array([0.0, 0.5, -1.0]), 1.0) == pytest.approx(2.0)
    assert interval_score(np.array([1.5, -1.25, 0.0, 0.0]), 1.0) == pytest.approx(2.0 + 40.0 * 0.75 / 4)
    assert interval_score(np.array([3.0, 3.0]), np.array([1.0, 2.0])) == pytest.approx((2 + 80 + 4 + 40) / 2)
    assert interval_score(np.array([2.0]), 1.0, alpha=0.5) == pytest.approx(2.0 + 4.0)


def test_of_nothing_nothing_is_known() -> None:
    none = np.array([])
    for value in (rmse(none), coverage(none, none), interval_score(none, none), best_constant_half_width(none)):
        assert math.isnan(value)


@given(found=errors, half_width=st.floats(0.0, 120.0))
def test_no_other_constant_band_is_better(found: list[float], half_width: float) -> None:
    error = np.array(found)
    best = interval_score(error, best_constant_half_width(error))
    assert best <= interval_score(error, half_width) * (1 + 1e-9) + 1e-9


@given(found=errors, scale=st.floats(0.01, 100.0))
def test_scores_have_the_unit_of_the_errors(found: list[float], scale: float) -> None:
    error = np.array(found)
    scaled = interval_score(scale * error, scale * 1.5)
    assert scaled == pytest.approx(scale * interval_score(error, 1.5), rel=1e-9)
    assert best_constant_half_width(scale * error) == pytest.approx(scale * best_constant_half_width(error), abs=1e-9)


def test_band_quality_leaves_out_what_is_not_finite() -> None:
    measured = np.array([10.0, 11.0, np.nan, 12.0, 13.0])
    predicted = np.array([10.5, 11.0, 11.0, np.nan, 12.0])
    sd = np.array([0.5, 0.5, 0.5, 0.5, 0.25])
    found = band_quality(measured, predicted, sd)
    assert found.n == 3
    assert found.rmse_v == pytest.approx(math.sqrt((0.25 + 0.0 + 1.0) / 3))
    assert found.coverage_95_pct == pytest.approx(200.0 / 3)
    widths, miss = 2 * Z95 * (0.5 + 0.5 + 0.25), 1.0 - 0.25 * Z95
    assert found.interval_score_v == pytest.approx((widths + 40.0 * miss) / 3)
    assert found.interval_score_ratio == pytest.approx(found.interval_score_v / found.constant_interval_score_v)


def test_a_band_that_knows_when_it_is_wrong_beats_every_constant_one() -> None:
    rng = np.random.default_rng(3)
    sd = np.where(np.arange(4000) % 2 == 0, 0.1, 1.0)
    found = band_quality(np.zeros(4000), sd * rng.standard_normal(4000), sd)
    assert 94.0 < found.coverage_95_pct < 96.0
    assert found.interval_score_ratio < 0.8
    flat = band_quality(np.zeros(4000), rng.standard_normal(4000), np.ones(4000))
    assert flat.interval_score_ratio == pytest.approx(1.0, abs=0.02)


def test_health_is_compared_with_a_guess_of_the_fleets_mean() -> None:
    found = health_quality(np.array([81.0, 89.0, 96.0]), np.array([0.4, 1.0, 1.0]), np.array([80.0, 90.0, 94.0]))
    assert found.n == 3
    assert found.mae_pct == pytest.approx(4 / 3)
    assert found.fleet_mean_mae_pct == pytest.approx((8 + 2 + 6) / 3)
    assert found.inside_2_sigma_pct == pytest.approx(200 / 3)
