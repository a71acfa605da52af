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


class Stepping:
    """Cuts one signal into steps, a piece of it after the other."""

    def __init__(self, start_us: int, width_us: int, count: int) -> None:
        """Begin without values.

        Args:
            start_us: Where the first step begins.
            width_us: How wide each is.
            count: How many there are.
        """
        self._start_us, self._width_us = start_us, width_us
        self._low, self._high = np.full(count, np.inf), np.full(count, -np.inf)
        self._sum, self._count = np.zeros(count), np.zeros(count)

    def add(self, time_us: Ints, values: Floats) -> None:
        """Add values in the order of time.

        Args:
            time_us: Sample times, ascending, all within the steps, shape (N,).
            values: Values, NaN where there is none, shape (N,).
        """
        known = np.isfinite(values)
        if not known.all():
            time_us, values = time_us[known], values[known]
        if not len(values):
            return
        place = (time_us - self._start_us) // self._width_us
        first = np.flatnonzero(np.concatenate([[True], place[1:] != place[:-1]]))
        at = place[first]
        self._low[at] = np.minimum(self._low[at], np.minimum.reduceat(values, first))
        self._high[at] = np.maximum(self._high[at], np.maximum.reduceat(values, first))
        self._sum[at] += np.add.reduceat(values, first)
        self._count[at] += np.diff(np.append(first, len(values)))

    def steps(self) -> Steps:
        """The steps; NaN in those without values."""
        told = self._count > 0
        mean = np.full(len(told), np.nan)
        np.divide(self._sum, self._count, out=mean, where=told)
        return Steps(np.where(told, self._low, np.nan), np.where(told, self._high, np.nan), mean)


def steps_of(time_us: Ints, values: Floats, start_us: int, width_us: int, count: int) -> Steps:
    """One signal cut into steps at once; arguments as of `Stepping`."""
    cutting = Stepping(start_us, width_us, count)
    cutting.add(time_us, values)
    return cutting.steps()


def times_of(rows: pa.Table, name: str = "sample_time") -> Ints:
    """A column of times as microseconds since the epoch."""
    return np.asarray(rows.column(name).cast(pa.int64()).to_numpy(), dtype=np.int64)


def values_of(rows: pa.Table, name: str) -> Floats:
    """A signal as numbers: NaN where there is none; what holds is 1, what does not is 0."""
    column = rows.column(name)
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    return np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)
