from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from twinpack.views.sampling import bucket_extremes, gap_after, keep_extremes

finite = st.floats(-1e6, 1e6)


@given(arrays(np.float64, st.integers(1, 400), elements=finite), st.integers(8, 120))
def test_extremes_and_ends_are_kept(values: np.ndarray[tuple[int], np.dtype[np.float64]], most: int) -> None:
    kept = keep_extremes(values, most)

    assert len(kept) <= max(most, 1)
    assert list(kept) == sorted(set(kept.tolist()))
    assert {0, len(values) - 1} <= set(kept.tolist())
    assert values[kept].min() == values.min()
    assert values[kept].max() == values.max()


def test_missing_values_do_not_hide_their_neighbours() -> None:
    values = np.full(100, np.nan)
    values[37] = 5.0

    assert 37 in keep_extremes(values, 10)


def test_a_gap_is_a_step_far_beyond_the_usual() -> None:
    times_us = np.array([0, 10, 20, 30, 2000, 2010], dtype=np.int64) * 1_000_000

    assert gap_after(times_us).tolist() == [3]
    assert gap_after(times_us[:2]).tolist() == []


def test_buckets_keep_lowest_and_highest_and_leave_gaps() -> None:
    times_us = np.array([0, 1, 2, 9, 10], dtype=np.int64)
    low, high = bucket_extremes(times_us, np.array([5.0, 3.0, np.nan, 8.0, 9.0]), 5)

    np.testing.assert_array_equal(low, [3.0, np.nan, np.nan, np.nan, 8.0])
    np.testing.assert_array_equal(high, [5.0, np.nan, np.nan, np.nan, 9.0])


def test_a_session_of_one_sample_is_one_bucket() -> None:
    low, high = bucket_extremes(np.array([7], dtype=np.int64), np.array([4.0]), 1)

    assert low.tolist() == high.tolist() == [4.0]
