"""A cell against its pack: how far its mean voltage over a block lies from the median cell's. Compiled."""

from __future__ import annotations

from typing import Any

import numpy as np

from twinpack.detect.cells.state import (
    BLOCK_S,
    BLOCK_V,
    CURRENT,
    HEATED,
    HIGH,
    LEVELS,
    LOW,
    SINCE,
    SLOPE,
    SOC,
    STREAK,
    TEMP,
    WEIGHT,
)
from twinpack.detect.cells.tracks import ALARM, BETWEEN, IN_CELLS, MOST_FIGURES, NORMAL, WATCH, judged, middle_and_scale
from twinpack.filters.kernels import kernel

LEAST_CELLS = 4
"""A pack of fewer has no peers to judge by."""
_NONE = -2
_STREAK_MOST = 100


@kernel
def counted(streak: int, bad: bool, sign: int) -> int:
    """Bad blocks in a row, signed."""
    if not bad:
        return 0
    return min(max((streak if streak * sign > 0 else 0) + sign, -_STREAK_MOST), _STREAK_MOST)


@kernel
def judge_deviations(mean: Any, block: Any, count: Any, when: Any, gates: Any, start: int, out: Any, told: int) -> int:
    """Close the block of a vehicle: count bad blocks, and tell what is raised or gone.

    Args:
        mean: `block_mean` of the vehicle.
        block: `cell_block`.
        count: `cell_count`, written in place.
        when: `cell_when`, written in place.
        gates: `CellSettings`.
        start: Start of the block, minutes since the epoch.
        out: Where changes are told.
        told: How many there are.

    Returns:
        How many there are then.
    """
    cells = block.shape[1]
    if cells < LEAST_CELLS:
        return told
    value, work = np.empty(cells), np.empty(cells)
    want = np.full((2, cells), _NONE)
    figures = np.full((2, cells, MOST_FIGURES), np.nan)
    seen = False
    for regime in range(4):
        if mean[regime, WEIGHT] < gates.block_enough_s:
            continue
        for cell in range(cells):
            seconds = block[BLOCK_S + regime, cell]
            value[cell] = block[BLOCK_V + regime, cell] / seconds if seconds >= gates.block_enough_s else np.nan
        centre, scale, many = middle_and_scale(value, work)
        if many >= LEAST_CELLS:
            seen = True
            scale = max(scale, gates.deviation_floor_v)
            _count_regime(mean[regime], value, centre, scale, regime, count, gates, want, figures)
    if not seen:
        return told
    heal, back = int(gates.heal_blocks), int(gates.block_s / 60.0)
    levels, since = count[LEVELS:], when[SINCE:]
    for cell in range(cells):
        for high in range(2):
            if want[high, cell] != _NONE:
                kind = HIGH if high else LOW
                shown = figures[high, cell]
                begun = start - back * (max(int(shown[4]), 1) - 1)
                told = judged(levels, since, 6, IN_CELLS, kind, cell, want[high, cell], begun, heal, shown, out, told)
    return told


@kernel
def _count_regime(
    mean: Any,
    value: Any,
    centre: float,
    scale: float,
    regime: int,
    count: Any,
    gates: Any,
    want: Any,
    figures: Any,
) -> None:
    """Count one block of one regime; the worst regime of the block decides."""
    # where the open-circuit voltage is steep, the same charge makes more of a difference
    slope = mean[SLOPE] / mean[WEIGHT]
    steep = max(1.0, slope / gates.deviation_slope_v) if slope == slope else 1.0
    rate = abs(mean[HEATED]) / mean[WEIGHT]
    honest_v = gates.deviation_rate_v * rate if rate == rate else 0.0
    alarm_v, watch_v = steep * gates.deviation_alarm_v + honest_v, steep * gates.deviation_watch_v + honest_v
    alarms, watches = count[STREAK + regime], count[STREAK + 4 + regime]
    for cell in range(len(value)):
        if value[cell] != value[cell]:
            continue
        apart = value[cell] - centre
        size, sign = abs(apart), 1 if apart > 0.0 else -1
        z = size / scale
        alarms[cell] = counted(alarms[cell], size >= alarm_v and z >= gates.deviation_alarm_z, sign)
        watches[cell] = counted(watches[cell], size >= watch_v and z >= gates.deviation_watch_z, sign)
        level = NORMAL
        if abs(alarms[cell]) >= gates.deviation_alarm_blocks:
            level = ALARM
        elif alarms[cell] != 0 or abs(watches[cell]) >= gates.deviation_watch_blocks:
            level = WATCH
        elif size >= gates.normal_part * watch_v and z >= gates.normal_part * gates.deviation_watch_z:
            level = BETWEEN
        side = 1 if sign > 0 else 0
        if want[1 - side, cell] == _NONE:
            want[1 - side, cell] = NORMAL
            _show(figures[1 - side, cell], apart, scale, regime, 0, mean)
        before = want[side, cell]
        if before == _NONE or level > before or (before == NORMAL and level == BETWEEN):
            want[side, cell] = level
            _show(figures[side, cell], apart, scale, regime, max(abs(alarms[cell]), abs(watches[cell])), mean)


@kernel
def _show(shown: Any, apart: float, scale: float, regime: int, blocks: int, mean: Any) -> None:
    """The figures of a block."""
    shown[0], shown[1], shown[2], shown[3], shown[4] = apart / scale, apart, scale, regime, blocks
    shown[5] = mean[WEIGHT]
    shown[6], shown[7] = mean[SOC] / mean[WEIGHT], mean[CURRENT] / mean[WEIGHT]
    shown[8] = mean[TEMP] / mean[WEIGHT]
