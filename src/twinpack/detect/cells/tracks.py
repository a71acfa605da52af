"""The life of a finding: raised, raised again at a higher level, gone after enough normal blocks. Compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

NORMAL, WATCH, ALARM = range(3)
BETWEEN = -1
"""Neither bad nor normal: what was raised stays so."""

ROW, GROUP, KIND, NUMBER, LEVEL, SINCE, TIMES, FIGURES = range(8)
"""Columns of a told change, then figures. `LEVEL` is `NORMAL` for what is gone, `SINCE` in minutes, `NUMBER` from 1."""
WIDTH = FIGURES + 12

IN_CELLS, IN_PROBES, IN_PACK = range(3)
"""Groups of findings."""


@njit(cache=True, nogil=True, error_model="numpy")
def judged(level: Any, times: Any, since: Any, good: Any, kind: int, at: int, want: int, start: int, heal: int) -> int:
    """Take the verdict on one block.

    Args:
        level: Level of each finding, (kinds, subjects); with `times`, `since` and `good` written in place.
        times: How often each was raised.
        since: Since when, minutes.
        good: Normal blocks in a row.
        kind: Which kind of finding.
        at: Which subject.
        want: The level that the block has, or `BETWEEN`.
        start: Since when, if it is new, minutes.
        heal: Normal blocks after which it is gone.

    Returns:
        The level raised, `NORMAL` for gone, or -1 where nothing is to be told.
    """
    before = level[kind, at]
    if want > before:
        level[kind, at] = want
        good[kind, at] = 0
        if before == NORMAL:
            since[kind, at] = start
            times[kind, at] = min(times[kind, at] + 1, 255)
        return want
    if before == NORMAL:
        return -1
    if want != NORMAL:
        good[kind, at] = 0
        return -1
    good[kind, at] += 1
    if good[kind, at] < heal:
        return -1
    level[kind, at] = NORMAL
    good[kind, at] = 0
    return NORMAL


@njit(cache=True, nogil=True, error_model="numpy")
def tell(out: Any, told: int, group: int, kind: int, at: int, change: int, since: int, times: int, figures: Any) -> int:
    """Write a change down; gives the number of those told."""
    out[told, GROUP] = group
    out[told, KIND] = kind
    out[told, NUMBER] = at + 1
    out[told, LEVEL] = change
    out[told, SINCE] = since
    out[told, TIMES] = times
    out[told, FIGURES:] = np.nan
    for place in range(len(figures)):
        out[told, FIGURES + place] = figures[place]
    return told + 1


@njit(cache=True, nogil=True, error_model="numpy")
def middle(values: Any, many: int) -> float:
    """Median of the first `many`, which are put in another order; NaN of none."""
    if many == 0:
        return np.nan
    part = values[:many]
    part.sort()
    half = many // 2
    found: float = part[half] if many % 2 else 0.5 * (part[half - 1] + part[half])
    return found


@njit(cache=True, nogil=True, error_model="numpy")
def centre_and_scale(values: Any, work: Any) -> tuple[float, float, int]:
    """Median and 1.4826 MAD of what is not NaN, and how many that is; `work` is as long as `values`."""
    many = 0
    for at in range(len(values)):
        if values[at] == values[at]:
            work[many] = values[at]
            many += 1
    centre = middle(work, many)
    many = 0
    for at in range(len(values)):
        if values[at] == values[at]:
            work[many] = abs(values[at] - centre)
            many += 1
    return centre, 1.4826 * middle(work, many), many
