from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinpack.forecast.baselines import BASELINES, last_half, linear, smoothing

AT = np.arange(1.0, 61.0)


@pytest.mark.parametrize("name", BASELINES)
def test_a_straight_line_is_gone_on_with(name: str) -> None:
    noise = np.random.default_rng(0).normal(0.0, 1e-5, len(AT))
    told = BASELINES[name](AT, 1.0 - 0.001 * AT + noise, np.array([70.0, 100.0]))
    assert told == pytest.approx([0.93, 0.9], abs=2e-3)


@pytest.mark.parametrize("name", ["linear", "last_half"])
@given(scale=st.floats(0.01, 100.0))
def test_the_unit_does_not_matter(name: str, scale: float) -> None:
    values = 1.0 - 0.001 * AT**1.1
    assert BASELINES[name](AT, scale * values, AT + 60.0) == pytest.approx(
        scale * BASELINES[name](AT, values, AT + 60.0)
    )


def test_only_the_later_half_counts() -> None:
    values = np.where(AT <= 30.0, 1.0, 1.0 - 0.01 * (AT - 30.0))
    assert last_half(AT, values, np.array([70.0])) == pytest.approx([0.6], abs=1e-2)
    assert linear(AT, values, np.array([70.0]))[0] > 0.65


def test_smoothing_takes_no_trend_where_there_is_none() -> None:
    values = 0.9 + np.random.default_rng(3).normal(0.0, 1e-3, len(AT))
    assert smoothing(AT, values, np.array([200.0])) == pytest.approx([0.9], abs=3e-3)


def test_smoothing_of_a_long_series_takes_runs() -> None:
    at = np.arange(1.0, 1_003.0)
    told = smoothing(at, 1.0 - 1e-4 * at, np.array([1_100.0, 2_000.0]))
    assert told == pytest.approx([0.89, 0.8], abs=5e-3)


def test_few_points_are_a_line() -> None:
    at = np.array([1.0, 2.0, 3.0])
    assert smoothing(at, 2.0 * at, np.array([5.0])) == pytest.approx([10.0])
    assert linear(at[:1], at[:1], np.array([5.0])) == pytest.approx([1.0])
