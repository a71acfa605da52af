"""The median without a sort."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from twinpack.detect.screen.median import median_of


@settings(deadline=None)
@given(st.lists(st.floats(-100, 200, width=32), min_size=1, max_size=40), st.integers(0, 5))
def test_it_is_the_median(values: list[float], more: int) -> None:
    buffer = np.array([*values, *[1e9] * more], np.float32)
    assert median_of(buffer, len(values)) == np.median(np.array(values, np.float64))


@settings(deadline=None)
@given(st.lists(st.sampled_from([3.7, 3.701, 3.702]), min_size=1, max_size=100))
def test_values_may_repeat(values: list[float]) -> None:
    held = np.array(values, np.float32)
    assert median_of(held.copy(), len(held)) == np.median(held.astype(np.float64))


def test_of_none_there_is_none() -> None:
    assert np.isnan(median_of(np.zeros(3, np.float32), 0))
