"""Signals cut into equal steps of time: lowest, highest and mean value of each; a step without values has none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True)
class Steps:
    """One signal over P points; NaN where there is no value."""

    low: Floats
    high: Floats
    mean: Floats


def step_us(start_us: int, end_us: int, points: int) -> int:
    """Width of equal steps of whole milliseconds that cut a range into at most so many."""
    wanted = -(-(end_us - start_us) // points)
    return max(-(-wanted // 1000) * 1000, 1000)


def steps_of(time_us: Ints, values: Floats, start_us: int, width_us: int, count: int) -> Steps:
    """One signal cut into steps.

    Args:
        time_us: Sample times, ascending, all within the steps, shape (N,).
        values: Values, NaN where there is none, shape (N,).
        start_us: Where the first step begins.
        width_us: How wide each is.
        count: How many there are.
    """
    low, high, mean = (np.full(count, np.nan) for _ in range(3))
    known = np.isfinite(values)
    values = values if known.all() else values[known]
    if len(values):
        place = (time_us if len(time_us) == len(values) else time_us[known]) - start_us
        place //= width_us
        first = np.flatnonzero(np.concatenate([[True], place[1:] != place[:-1]]))
        at = place[first]
        low[at] = np.minimum.reduceat(values, first)
        high[at] = np.maximum.reduceat(values, first)
        mean[at] = np.add.reduceat(values, first) / np.diff(np.append(first, len(values)))
    return Steps(low, high, mean)


def times_of(rows: pa.Table, name: str = "sample_time") -> Ints:
    """A column of times as microseconds since the epoch."""
    return np.asarray(rows.column(name).cast(pa.int64()).to_numpy(), dtype=np.int64)


def values_of(rows: pa.Table, name: str) -> Floats:
    """A signal as numbers: NaN where there is none; what holds is 1, what does not is 0."""
    column = rows.column(name)
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    return np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)
