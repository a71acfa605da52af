"""A cell against its pack: how far its mean voltage over a block lies from the median cell's. Compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from twinpack.detect.cells.state import CURRENT, HIGH, LOW, SOC, TEMP, WEIGHT
from twinpack.detect.cells.tracks import (
    ALARM,
    BETWEEN,
    IN_CELLS,
    NORMAL,
    WATCH,
    centre_and_scale,
    judged,
    tell,
)

DEVIATION_FIGURES = 9
LEAST_CELLS = 4
"""A pack of fewer has no peers to judge by."""


@njit(cache=True, nogil=True, error_model="numpy")
def counted(streak: int, bad: bool, sign: int) -> int:
    """Bad blocks in a row, signed."""
    if not bad:
        return 0
    return min(max((streak if streak * sign > 0 else 0) + sign, -100), 100)


@njit(cache=True, nogil=True, error_model="numpy")
def judge_deviations(s: Any, lane: int, gates: Any, start: int, out: Any, told: int, room: Any) -> int:
    """Close the block of a vehicle: count bad blocks, and tell what is raised or gone.

    Args:
        s: The arrays of the state, written in place.
        lane: Which vehicle.
        gates: `CellSettings`.
        start: Start of the block, minutes since the epoch.
        out: Where changes are told.
        told: How many there are.
        room: Working space, (5, at least cells).

    Returns:
        How many there are then.
    """
    cells = s.block_v.shape[2]
    deviation, want_low, want_high = room[0, :cells], room[1, :cells], room[2, :cells]
    if cells < LEAST_CELLS:
        return told
    figures = np.full((2, cells, DEVIATION_FIGURES), np.nan)
    want_low[:] = np.nan
    want_high[:] = np.nan
    for regime in range(4):
        weight = s.block_mean[lane, regime, WEIGHT]
        if weight < gates.block_enough_s:
            continue
        for cell in range(cells):
            seconds = s.block_s[lane, regime, cell]
            enough = seconds >= gates.block_enough_s
            deviation[cell] = s.block_v[lane, regime, cell] / seconds if enough else np.nan
        centre, spread, many = centre_and_scale(deviation, room[3])
        if many < LEAST_CELLS:
            continue
        scale = max(spread, gates.deviation_floor_v)
        for cell in range(cells):
            value = deviation[cell] - centre
            if value == value:
                _judge_cell(s, lane, gates, regime, cell, value, scale, want_low, want_high, figures)
    heal = int(gates.heal_blocks)
    back = int(gates.block_s / 60.0)
    for cell in range(cells):
        for high in range(2):
            want = want_high[cell] if high else want_low[cell]
            if want != want:
                continue
            kind = HIGH if high else LOW
            shown = figures[high, cell]
            first = start - back * (int(shown[4]) - 1) if shown[4] > 1 else start
            change = judged(
                s.level[lane], s.times[lane], s.since[lane], s.good[lane], kind, cell, int(want), first, heal
            )
            if change >= 0:
                since, times = s.since[lane, kind, cell], s.times[lane, kind, cell]
                told = tell(out, told, IN_CELLS, kind, cell, change, since, times, shown)
    return told


@njit(cache=True, nogil=True, error_model="numpy")
def _judge_cell(
    s: Any,
    lane: int,
    gates: Any,
    regime: int,
    cell: int,
    value: float,
    scale: float,
    want_low: Any,
    want_high: Any,
    figures: Any,
) -> None:
    """Count one block of one regime; the worst regime of the block decides."""
    sign = 1 if value > 0.0 else -1
    size = abs(value)
    bad = size >= gates.deviation_alarm_v and size / scale >= gates.deviation_alarm_z
    poor = size >= gates.deviation_watch_v and size / scale >= gates.deviation_watch_z
    worst = counted(s.streak[lane, 0, regime, cell], bad, sign)
    watched = counted(s.streak[lane, 1, regime, cell], poor, sign)
    s.streak[lane, 0, regime, cell] = worst
    s.streak[lane, 1, regime, cell] = watched
    want = NORMAL
    if abs(worst) >= gates.deviation_alarm_blocks:
        want = ALARM
    elif worst != 0 or abs(watched) >= gates.deviation_watch_blocks:
        want = WATCH
    elif (
        size >= gates.normal_part * gates.deviation_watch_v
        and size / scale >= gates.normal_part * gates.deviation_watch_z
    ):
        want = BETWEEN
    mine, other = (want_high, want_low) if sign > 0 else (want_low, want_high)
    high = 1 if sign > 0 else 0
    before = mine[cell]
    if before != before or _rank(want) > _rank(int(before)):
        mine[cell] = want
    if other[cell] != other[cell]:
        other[cell] = NORMAL
    shown = figures[high, cell]
    if shown[0] != shown[0] or _rank(want) > _rank(int(before)) or (want == before and size / scale > abs(shown[0])):
        mean = s.block_mean[lane, regime]
        weight = mean[WEIGHT]
        shown[0] = value / scale
        shown[1] = value
        shown[2] = scale
        shown[3] = regime
        shown[4] = max(abs(worst), abs(watched))
        shown[5] = weight
        shown[6] = mean[SOC] / weight
        shown[7] = mean[CURRENT] / weight
        shown[8] = mean[TEMP] / weight


@njit(cache=True, nogil=True, error_model="numpy")
def _rank(want: int) -> int:
    """Order of verdicts: normal, between, watch, alarm."""
    return 0 if want == NORMAL else 1 if want == BETWEEN else want + 1
