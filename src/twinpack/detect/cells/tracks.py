"""The life of a finding: raised, raised again at a higher level, gone after enough normal blocks. Compiled."""

from __future__ import annotations

from typing import Any

import numpy as np

from twinpack.filters.kernels import kernel

NORMAL, WATCH, ALARM = range(3)
BETWEEN = -1
"""Neither bad nor normal: what was raised stays so."""

ROW, GROUP, KIND, NUMBER, LEVEL, SINCE, TIMES, FIGURES = range(8)
"""Columns of a told change, then figures. `LEVEL` is `NORMAL` for what is gone, `SINCE` in minutes, `NUMBER` from 1."""
MOST_FIGURES = 9
WIDTH = FIGURES + MOST_FIGURES

IN_CELLS, IN_PROBES, IN_PACK = range(3)
"""Groups of findings."""


@kernel
def judged(
    count: Any,
    since: Any,
    kinds: int,
    group: int,
    kind: int,
    at: int,
    want: int,
    start: int,
    heal: int,
    figures: Any,
    out: Any,
    told: int,
) -> int:
    """Take the verdict on one block, and tell what changes.

    Args:
        count: Levels, then how often raised, then normal blocks in a row, (3 x kinds, subjects); written in place.
        since: Since when, minutes, (kinds, subjects); written in place.
        kinds: Number of kinds.
        group: Group of the finding.
        kind: Which kind.
        at: Which subject.
        want: The level that the block has, or `BETWEEN`.
        start: Since when, if it is new, minutes.
        heal: Normal blocks after which it is gone.
        figures: What shows it, `MOST_FIGURES`, NaN for those that there are not.
        out: Where changes are told.
        told: How many there are.

    Returns:
        How many there are then.
    """
    before = count[kind, at]
    good = 2 * kinds + kind
    if want > before:
        count[kind, at] = want
        count[good, at] = 0
        if before == NORMAL:
            since[kind, at] = start
            count[kinds + kind, at] = min(count[kinds + kind, at] + 1, 127)
    elif before == NORMAL:
        return told
    elif want != NORMAL:
        count[good, at] = 0
        return told
    elif count[good, at] + 1 < heal:
        count[good, at] += 1
        return told
    else:
        count[kind, at] = NORMAL
        count[good, at] = 0
    out[told, GROUP] = group
    out[told, KIND] = kind
    out[told, NUMBER] = at + 1
    out[told, LEVEL] = count[kind, at]
    out[told, SINCE] = since[kind, at]
    out[told, TIMES] = count[kinds + kind, at]
    for place in range(MOST_FIGURES):
        out[told, FIGURES + place] = figures[place]
    return told + 1


@kernel
def shown(a: float, b: float, c: float, d: float, e: float, f: float, g: float, h: float) -> Any:
    """Figures of a change."""
    figures = np.full(MOST_FIGURES, np.nan)
    figures[0], figures[1], figures[2], figures[3] = a, b, c, d
    figures[4], figures[5], figures[6], figures[7] = e, f, g, h
    return figures


@kernel
def middle_and_scale(values: Any, work: Any) -> tuple[float, float, int]:
    """Median and robust scale of what is not NaN, and how many that is.

    The scale is 1.4826 MAD, or what the distance of the 10 % to the 90 % quantile says if that is more: a pack of two
    sorts of cells, or with long tails, is wide though half of its cells are alike.

    Args:
        values: The values.
        work: Working space, as long.
    """
    many = 0
    for at in range(len(values)):
        if values[at] == values[at]:
            work[many] = values[at]
            many += 1
    if many == 0:
        return np.nan, np.nan, 0
    part = work[:many]
    part.sort()
    half = many // 2
    centre = part[half] if many % 2 else 0.5 * (part[half - 1] + part[half])
    tenth = int(0.1 * (many - 1) + 0.5)
    wide = (part[many - 1 - tenth] - part[tenth]) / 2.563
    return centre, max(1.4826 * _deviation(part, centre), wide), many


@kernel
def _deviation(part: Any, centre: float) -> float:
    """Median of the distances from the centre, of sorted values: two runs merged up to their middle."""
    many = len(part)
    right = np.searchsorted(part, centre)
    left, found, before = right - 1, 0.0, 0.0
    for _ in range(many // 2 + 1):
        before = found
        low = centre - part[left] if left >= 0 else np.inf
        high = part[right] - centre if right < many else np.inf
        if low <= high:
            found = low
            left -= 1
        else:
            found = high
            right += 1
    return found if many % 2 else 0.5 * (before + found)
