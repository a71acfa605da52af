"""Whether the cells of a pack drift apart: the spread at rest over weeks. Compiled."""

from __future__ import annotations

from typing import Any

import numpy as np

from twinpack.detect.cells.linear import inverted, product
from twinpack.detect.cells.state import BLOCK_S, BLOCK_V, DEPTH, REST, SLOPE, SPREAD, WEIGHT
from twinpack.detect.cells.tracks import ALARM, BETWEEN, IN_PACK, NORMAL, WATCH, judged, shown
from twinpack.filters.kernels import kernel

_MANY = 4
_SUMS, _SQUARES, _ROWS, _DAYS, _NOW, _HIGHEST, _LOWEST = 16, 20, 21, 22, 23, 24, 25
_PRIOR = np.full(_MANY, 1e-3)
_MONTH = 30.0
_FORGET_DAYS = 45.0
_LEAST_DAYS = 21.0
_CORRELATION = 8.0
_STEEP_V = 1.3
"""Where the open-circuit voltage is steeper, the spread tells of the charge, not of the cells."""


@kernel
def take_spread(mean: Any, block: Any, p: Any, gates: Any, day: float) -> None:
    """The block at rest of a vehicle: one row of spread over slope, depth and time.

    Args:
        mean: `block_mean` of the vehicle.
        block: `cell_block`.
        p: `spread`, written in place.
        gates: `CellSettings`.
        day: Time of the block since the start of the day at hand, days.
    """
    conditions = mean[REST]
    weight = conditions[WEIGHT]
    if weight < gates.block_enough_s or not conditions[SLOPE] / weight <= _STEEP_V:
        return
    high, low, highest, lowest = -np.inf, np.inf, 0, 0
    for cell in range(block.shape[1]):
        seconds = block[BLOCK_S + REST, cell]
        if seconds < gates.block_enough_s:
            continue
        value = block[BLOCK_V + REST, cell] / seconds
        if value > high:
            high, highest = value, cell
        if value < low:
            low, lowest = value, cell
    if not high > low:
        return
    width = high - low
    features = np.array([1.0, conditions[SLOPE] / weight, abs(conditions[DEPTH]) / weight, day])
    for row in range(_MANY):
        for column in range(_MANY):
            p[_MANY * row + column] += features[row] * features[column]
        p[_SUMS + row] += features[row] * width
    p[_SQUARES] += width * width
    p[_ROWS] += 1.0
    p[_NOW], p[_HIGHEST], p[_LOWEST] = width, highest + 1.0, lowest + 1.0


@kernel
def judge_spread(p: Any, count: Any, when: Any, gates: Any, passed: int, start: int, out: Any, told: int) -> int:
    """End a day: judge the trend, let time begin `passed` days later, and forget.

    Args:
        p: `spread` of the vehicle; it and the next two are written in place.
        count: `pack_count`.
        when: `pack_when`.
        gates: `CellSettings`.
        passed: Days from the one that ends to the one that begins.
        start: End of the day, minutes since the epoch.
        out: Where changes are told.
        told: How many there are.

    Returns:
        How many there are then.
    """
    p[_DAYS] += 1.0
    if p[_DAYS] >= _LEAST_DAYS and p[_ROWS] >= _LEAST_DAYS:
        inverse = inverted(p[:_SUMS].copy().reshape(_MANY, _MANY), _PRIOR, _MANY)
        sums = p[_SUMS:_SQUARES].copy().reshape(_MANY, 1)
        left = p[_SQUARES]
        for row in range(_MANY):
            left -= product(inverse, row, sums, 0) * sums[row, 0]
        slope = _MONTH * product(inverse, 3, sums, 0)
        variance = max(left, 0.0) / max(p[_ROWS] - _MANY, 1.0)
        error = _MONTH * np.sqrt(_CORRELATION * variance * inverse[3, 3])
        t, width = slope / error, p[_NOW]
        want = NORMAL
        if t >= gates.trend_t and slope >= gates.spread_watch_v_month and width >= gates.spread_least_v:
            far = slope >= gates.spread_alarm_v_month and width >= 2.0 * gates.spread_least_v
            want = ALARM if far else WATCH
        elif t >= 0.5 * gates.trend_t and slope >= gates.normal_part * gates.spread_watch_v_month:
            want = BETWEEN
        heal = int(gates.heal_blocks / 4.0) + 1
        figures = shown(slope, t, width, error, p[_HIGHEST], p[_LOWEST], p[_DAYS], np.nan)
        told = judged(count, when, 2, IN_PACK, SPREAD, 0, want, start, heal, figures, out, told)
    for column in range(_MANY):
        p[_MANY * 3 + column] -= passed * p[column]
    for row in range(_MANY):
        p[_MANY * row + 3] -= passed * p[_MANY * row]
    p[_SUMS + 3] -= passed * p[_SUMS]
    keep = np.exp(-min(float(passed), 1.0) / _FORGET_DAYS)
    for place in range(_ROWS + 1):
        p[place] *= keep
    return told
