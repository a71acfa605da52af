"""Down-sampling that keeps the lowest and the highest value of each bucket, and never draws over a gap."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twinpack.views.columns import FloatColumn


def keep_extremes(values: FloatColumn, most: int) -> NDArray[np.int64]:
    """Indices of at most `most` of `values`, ascending: first and last, and the extremes of equal buckets between."""
    count = len(values)
    if count <= most:
        return np.arange(count, dtype=np.int64)
    edges = np.linspace(0, count, max(1, (most - 2) // 2) + 1).astype(np.int64)
    ends = np.array([0, count - 1], dtype=np.int64)
    return np.unique(np.concatenate((ends, _lowest(values, edges), _lowest(-values, edges))))


def _lowest(values: FloatColumn, edges: NDArray[np.int64]) -> NDArray[np.int64]:
    """Index of the first lowest value between each two edges; none where there is no value."""
    known = np.where(np.isfinite(values), values, np.inf)
    least = np.repeat(np.minimum.reduceat(known, edges[:-1]), np.diff(edges))
    found = np.flatnonzero((known == least) & np.isfinite(known))
    _, first = np.unique(np.searchsorted(edges, found, side="right"), return_index=True)
    return found[first]


def gap_after(times_us: NDArray[np.int64], factor: float = 8.0, least_s: float = 60.0) -> NDArray[np.int64]:
    """Indices after which the next sample is unusually far: more than `factor` median steps and `least_s` away."""
    if len(times_us) < 3:
        return np.empty(0, dtype=np.int64)
    steps = np.diff(times_us)
    return np.flatnonzero(steps > max(factor * float(np.median(steps)), least_s * 1e6)).astype(np.int64)


def bucket_extremes(times_us: NDArray[np.int64], values: FloatColumn, buckets: int) -> tuple[FloatColumn, FloatColumn]:
    """Lowest and highest value in each of `buckets` equal stretches of time; NaN where there is no sample."""
    low, high = np.full(buckets, np.inf), np.full(buckets, -np.inf)
    good = np.isfinite(values)
    if good.any():
        span = max(1, int(times_us[-1] - times_us[0]))
        place = np.minimum((times_us - times_us[0]) * buckets // span, buckets - 1)
        np.minimum.at(low, place[good], values[good])
        np.maximum.at(high, place[good], values[good])
    low[np.isinf(low)] = np.nan
    high[np.isinf(high)] = np.nan
    return low, high
