"""A cell against its own history: a CUSUM over what its conditions leave unexplained of its blocks. Compiled."""

from __future__ import annotations

from typing import Any

import numpy as np

from twinpack.detect.cells.cusum import summed, suspect, verdict
from twinpack.detect.cells.linear import inverted, quadratic
from twinpack.detect.cells.segments import LEARNED_DAYS, conditions
from twinpack.detect.cells.state import (
    CUSUM,
    DAYS,
    FIRST_MOVED,
    FIRST_TOLD,
    LEFT_S,
    LEFT_V,
    LEVELS,
    MOVED,
    ONSET,
    SCATTER,
    SCATTER_BLOCKS,
    SHIFT,
    SINCE,
    SINCE_ONSET,
    STEADY,
    UNKNOWN,
    WEIGHT,
)
from twinpack.detect.cells.tracks import IN_CELLS, NORMAL, judged, middle_and_scale, shown
from twinpack.filters.kernels import kernel

PRIOR = np.array([0.16, 0.01, 0.0044, 0.01, 0.01, 4.0])
"""Precision of the coefficients before any data, in rows of 2 mV: 5 mV, 2 % of charge, 3 % of capacity, 20 mV at 1 C
twice, 0.1 % of charge a day."""
MEMORY_BLOCKS = 60.0
ENOUGH_BLOCKS = 8.0
WORST = 9.0
"""A block's variance counts as at most so many times what is known."""


@kernel
def judge_history(
    clock: Any,
    totals: Any,
    mean: Any,
    normal: Any,
    block: Any,
    own: Any,
    count: Any,
    when: Any,
    gates: Any,
    start: int,
    out: Any,
    told: int,
) -> int:
    """Take the block of a vehicle into its cells' CUSUMs.

    Args:
        clock: `clock` of the vehicle.
        totals: `totals`, written in place as are `own`, `count` and `when`.
        mean: `block_mean`.
        normal: `normal`.
        block: `cell_block`.
        own: `cell_own`.
        count: `cell_count`.
        when: `cell_when`.
        gates: `CellSettings`.
        start: Start of the block, minutes since the epoch.
        out: Where changes are told.
        told: How many there are.

    Returns:
        How many there are then.
    """
    if clock[DAYS] < LEARNED_DAYS:
        return told
    cells = block.shape[1]
    left, precision, least = np.zeros(cells), np.zeros(cells), np.full(cells, np.inf)
    work, features = np.empty(cells), np.empty(STEADY + 1)
    inverse = inverted(normal, PRIOR, STEADY)
    for regime in range(UNKNOWN):
        if mean[regime, WEIGHT] >= gates.block_enough_s and conditions(mean[regime], regime, features):
            far = 1.0 + gates.row_correlation * quadratic(inverse, features)
            blocks = totals[SCATTER_BLOCKS + regime]
            _add_regime(block, own, regime, blocks, far, gates, left, precision, least, work)
            totals[SCATTER_BLOCKS + regime] += 1.0
    if clock[DAYS] < gates.learning_days:
        return told
    for cell in range(cells):
        left[cell] = left[cell] / precision[cell] if precision[cell] > 0.0 else np.nan
        least[cell] = left[cell] / least[cell]
    # where all cells contradict their histories, the conditions are new, not the cells
    _, spread, many = middle_and_scale(least, work)
    if many < 4:
        return told
    wide = max(spread, 1.0)
    cusum, moved = own[CUSUM : CUSUM + 2], own[MOVED : MOVED + 2]
    onset, since_onset = when[ONSET : ONSET + 2], count[SINCE_ONSET : SINCE_ONSET + 2]
    levels, since, heal = count[LEVELS:], when[SINCE:], int(gates.heal_blocks)
    for cell in range(cells):
        if left[cell] != left[cell]:
            continue
        z = least[cell] / wide
        summed(cusum, moved, onset, since_onset, cell, gates, z, left[cell], start)
        side = 0 if cusum[0, cell] >= cusum[1, cell] else 1
        total, size, blocks = cusum[side, cell], moved[side, cell], since_onset[side, cell]
        want = verdict(total, blocks, size, gates, gates.shift_alarm_v, gates.shift_watch_v)
        if want != NORMAL or levels[SHIFT, cell] != NORMAL:
            begun = onset[side, cell] if want > NORMAL else start
            scatter = left[cell] / z if z != 0.0 else np.nan
            figures = shown(z, size, scatter, total, blocks, np.nan, np.nan, np.nan)
            if want > NORMAL and levels[SHIFT, cell] == NORMAL:
                when[FIRST_TOLD, cell], own[FIRST_MOVED, cell] = start, size
            told = judged(levels, since, 6, IN_CELLS, SHIFT, cell, want, begun, heal, figures, out, told)
    return told


@kernel
def _add_regime(
    block: Any,
    own: Any,
    regime: int,
    blocks: float,
    far: float,
    gates: Any,
    left: Any,
    precision: Any,
    least: Any,
    work: Any,
) -> None:
    """What a regime leaves unexplained, weighed by its scatter; then its scatter learns."""
    cells = len(left)
    value = np.empty(cells)
    for cell in range(cells):
        seconds = block[LEFT_S + regime, cell]
        value[cell] = block[LEFT_V + regime, cell] / seconds if seconds >= gates.block_enough_s else np.nan
    centre, _, _ = middle_and_scale(value, work)
    rate = 1.0 / min(blocks + 1.0, MEMORY_BLOCKS)
    floor = gates.shift_floor_v * gates.shift_floor_v
    scatter, cusum = own[SCATTER + regime], own[CUSUM : CUSUM + 2]
    for cell in range(cells):
        shift = value[cell] - centre
        if shift != shift:
            continue
        variance = scatter[cell]
        if variance > 0.0 and blocks >= ENOUGH_BLOCKS:
            wide = max(variance, floor) * far
            left[cell] += shift / wide
            precision[cell] += 1.0 / wide
            least[cell] = min(least[cell], np.sqrt(wide))
        if not suspect(cusum, cell, gates):
            new = shift * shift / far
            if variance > 0.0:
                new = variance + rate * (min(new, WORST * max(variance, floor)) - variance)
            scatter[cell] = new
