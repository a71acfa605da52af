"""The cell channels of each frame: sentinels, dead, frozen and jumping ones, and figures of those that are left."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from twinpack.detect.kernels import kernel
from twinpack.detect.screen.median import median_of
from twinpack.detect.screen.state import (
    DEAD,
    FROZEN,
    JUMPED,
    JUST_NOW,
    MOVED,
    SENTINEL,
    SUSPECT,
    WAS_BAD,
)
from twinpack.telemetry.arrivals import NEVER

CELL_FIGURES = (
    "cell_v_max",
    "cell_v_min",
    "cell_v_spread",
    "cell_v_sum",
    "cell_v_median",
    "cell_v_max_cell",
    "cell_v_min_cell",
    "cell_drop",
    "sum_gap_v",
    "sentinel_cells",
    "bad_cell",
    "cell_dead",
    "cells_mismatch",
)
"""What the kernel writes, in the order of its rows."""
(_MAX, _MIN, _SPREAD, _SUM, _MEDIAN, _MAX_CELL, _MIN_CELL, _DROP, _GAP, _SENTINELS, _BAD, _DEAD, _MISMATCH) = range(13)

_NEAR_V = 0.05
"""A cell that steps to within this of the median comes back, whatever it showed before."""


class CellChannels(NamedTuple):
    """The arrays of `ScreenState` that the kernel reads and writes, of the same names."""

    cell_v: Any
    cell_ref_v: Any
    cell_from_v: Any
    cell_s: Any
    cell_flags: Any
    cells_us: Any
    used_us: Any
    median_v: Any
    used_c_rate: Any
    used_pack_v: Any


class CellLimits(NamedTuple):
    """The thresholds of `ScreenSettings` that it needs, of the same names."""

    cell_low_v: float
    cell_high_v: float
    gap_s: float
    dead_s: float
    frozen_v: float
    frozen_s: float
    jump_v: float
    jump_s: float
    low_c_rate: float
    heal_s: float


@kernel
def screen_cells(
    lane: Any,
    time_us: Any,
    start: Any,
    count: Any,
    values: Any,
    c_rate: Any,
    pack_v: Any,
    state: CellChannels,
    limits: CellLimits,
    aside: Any,
    shown: Any,
    out: Any,
) -> None:
    """Screen M frames in time order within a lane.

    Args:
        lane: Vehicle of each, shape (M,).
        time_us: Sample times, shape (M,).
        start: Where the cells of each begin in `values`, shape (M,).
        count: How many there are, shape (M,).
        values: Cell voltages, V.
        c_rate: Current over capacity, shape (M,).
        pack_v: Pack voltage, V, shape (M,).
        state: What is known of each lane; written.
        limits: Thresholds.
        aside: Whether each frame is set aside; written, shape (M,).
        shown: Cells that are left of each, NaN elsewhere; written, shape (M, cells).
        out: `CELL_FIGURES`, NaN before; written, shape (13, M).
    """
    cells = state.cell_v.shape[1]
    buffer = np.empty(cells, np.float32)
    for i in range(len(lane)):
        if count[i] == 0:
            continue
        out[_MISMATCH, i] = count[i] != cells
        if count[i] != cells:
            continue
        at = lane[i]
        row = values[start[i] : start[i] + cells]
        since_s = 0.0 if state.cells_us[at] == NEVER else (time_us[i] - state.cells_us[at]) / 1e6
        state.cells_us[at] = time_us[i]
        step = min(since_s, limits.gap_s)
        aside[i] = _sentinels(i, row, step, state.cell_s[at], state.cell_flags[at], limits, out)
        if not aside[i]:
            _use(i, at, time_us[i], row, step, c_rate[i], pack_v[i], state, limits, buffer, shown[i], out)
        _note_bad(i, row, state.cell_flags[at], limits, out)


@kernel
def _sentinels(i: int, row: Any, step: float, seconds: Any, flags: Any, limits: CellLimits, out: Any) -> bool:
    """Count sentinels and, where a channel keeps showing them, call it dead; whether the frame is set aside."""
    cells = len(row)
    bad = 0
    fresh = 0
    for c in range(cells):
        if not (row[c] > limits.cell_low_v and row[c] < limits.cell_high_v):
            bad += 1
            fresh += (flags[c] & DEAD) == 0
    out[_SENTINELS, i] = bad
    # Most cells at once: what failed is the frame, not a channel.
    if 2 * bad > cells:
        return fresh > 0
    for c in range(cells):
        if not (row[c] > limits.cell_low_v and row[c] < limits.cell_high_v):
            if flags[c] & DEAD:
                seconds[c] = 0.0
                flags[c] &= ~np.uint8(MOVED)
            elif flags[c] & WAS_BAD:
                seconds[c] += step
                if seconds[c] >= limits.dead_s:
                    seconds[c] = 0.0
                    flags[c] = SENTINEL
            flags[c] |= np.uint8(WAS_BAD)
        elif flags[c] & WAS_BAD:
            flags[c] = (flags[c] & ~np.uint8(WAS_BAD)) | np.uint8(JUST_NOW)
            if not flags[c] & DEAD:
                seconds[c] = max(np.float32(0.0), seconds[c] - np.float32(2.0 * step))
    return fresh > 0


@kernel
def _use(
    i: int,
    at: int,
    time_us: int,
    row: Any,
    step: float,
    c_rate: float,
    pack_v: float,
    state: CellChannels,
    limits: CellLimits,
    buffer: Any,
    shown: Any,
    out: Any,
) -> None:
    """Judge the channels of a frame that is used and take its figures."""
    flags = state.cell_flags[at]
    before = state.median_v[at]
    fresh = state.used_us[at] != NEVER and time_us - state.used_us[at] <= limits.gap_s * 1e6
    median = _median(row, flags, limits, buffer)
    if np.isnan(median):
        return
    quiet = fresh and abs(c_rate) <= limits.low_c_rate and abs(state.used_c_rate[at]) <= limits.low_c_rate
    if quiet:
        _jumps(at, row, median, before, pack_v, state, limits)
    if _channels(at, row, median, before, step, fresh, state, limits):
        median = _median(row, flags, limits, buffer)
    _figures(i, at, row, median, before if fresh else np.nan, pack_v, state, limits, shown, out)
    for c in range(len(row)):
        if row[c] > limits.cell_low_v and row[c] < limits.cell_high_v:
            state.cell_v[at, c] = row[c]
    state.used_us[at] = time_us
    state.median_v[at] = median
    state.used_c_rate[at] = c_rate
    state.used_pack_v[at] = pack_v


@kernel
def _median(row: Any, flags: Any, limits: CellLimits, buffer: Any) -> float:
    """Median of the cells that are trusted."""
    trusted = 0
    for c in range(len(row)):
        if not flags[c] & (DEAD | SUSPECT) and row[c] > limits.cell_low_v and row[c] < limits.cell_high_v:
            buffer[trusted] = row[c]
            trusted += 1
    return median_of(buffer, trusted)


@kernel
def _jumps(
    at: int, row: Any, median: float, before: float, pack_v: float, state: CellChannels, limits: CellLimits
) -> None:
    """Suspect channels that step against the median at low current.

    A cell cannot rise so. It can fall, by an internal short, and then the pack voltage falls with it; a sense wire
    leaves the pack voltage where it was. Where that is unknown, a fall is left to the rules of the battery.
    """
    flags, last = state.cell_flags[at], state.cell_v[at]
    others = 0.0
    found = False
    for c in range(len(row)):
        step = (row[c] - median) - (last[c] - before)
        if flags[c] & (DEAD | SUSPECT):
            others += median - before
        elif abs(step) > limits.jump_v and abs(row[c] - median) > abs(last[c] - before):
            found = True
        elif not np.isnan(last[c]):
            others += row[c] - last[c]
    if not found:
        return
    unexplained = (pack_v - state.used_pack_v[at]) - others
    for c in range(len(row)):
        step = (row[c] - median) - (last[c] - before)
        if flags[c] & (DEAD | SUSPECT) or not abs(step) > limits.jump_v:
            continue
        away = abs(row[c] - median) > abs(last[c] - before)
        if away and (step > 0 or unexplained > 0.5 * (row[c] - last[c])):
            flags[c] |= np.uint8(SUSPECT | JUST_NOW)
            state.cell_from_v[at, c] = last[c] - before
            state.cell_s[at, c] = 0.0


@kernel
def _channels(
    at: int, row: Any, median: float, before: float, step: float, fresh: bool, state: CellChannels, limits: CellLimits
) -> bool:
    """Follow what speaks for and against each channel; whether one is masked now that was not, or the reverse."""
    flags, last, seconds = state.cell_flags[at], state.cell_v[at], state.cell_s[at]
    masked = False
    # A median that rests where a cell happens to show what it showed under load says nothing: it must move.
    enough = limits.frozen_v if abs(median - before) > 0.1 * limits.frozen_v else 2.0 * limits.frozen_v
    for c in range(len(row)):
        if not (row[c] > limits.cell_low_v and row[c] < limits.cell_high_v):
            continue
        moved = row[c] != last[c]
        if moved or not fresh:
            state.cell_ref_v[at, c] = median
        stuck = abs(median - state.cell_ref_v[at, c]) > enough
        if flags[c] & DEAD:
            masked |= _revive(c, row[c] - median, moved, stuck, step, flags, state.cell_from_v[at], seconds, limits)
        elif flags[c] & SUSPECT and flags[c] & JUST_NOW:
            masked = True
        elif flags[c] & SUSPECT:
            masked |= _doubt(c, row[c] - median, step, flags, state.cell_from_v[at], seconds, limits)
        elif stuck:
            seconds[c] += step
            if seconds[c] >= limits.frozen_s:
                flags[c] = FROZEN
                seconds[c] = 0.0
                masked = True
        elif moved and not flags[c] & JUST_NOW:
            seconds[c] = 0.0
        flags[c] &= ~np.uint8(JUST_NOW)
    return masked


@kernel
def _doubt(c: int, off: float, step: float, flags: Any, origin: Any, seconds: Any, limits: CellLimits) -> bool:
    """A channel that stepped: back where it came from, or dead once it has stayed away."""
    if abs(off - origin[c]) < 0.5 * limits.jump_v:
        flags[c] &= ~np.uint8(SUSPECT)
        seconds[c] = 0.0
        origin[c] = np.nan
        return True
    seconds[c] += step
    if seconds[c] >= limits.jump_s:
        flags[c] = JUMPED
        seconds[c] = 0.0
    return False


@kernel
def _revive(
    c: int, off: float, moved: bool, stuck: bool, step: float, flags: Any, origin: Any, seconds: Any, limits: CellLimits
) -> bool:
    """A dead channel that shows a voltage: whether it has been good for long enough."""
    if flags[c] & DEAD == JUMPED:
        good = abs(off - origin[c]) < 0.5 * limits.jump_v or abs(off) < _NEAR_V
    else:
        good = abs(off) < limits.jump_v
    if stuck or not good:
        seconds[c] = 0.0
        flags[c] &= ~np.uint8(MOVED)
        return False
    if flags[c] & MOVED:
        seconds[c] += step
    elif moved:
        flags[c] |= np.uint8(MOVED)
    if seconds[c] < limits.heal_s:
        return False
    flags[c] = 0
    seconds[c] = 0.0
    origin[c] = np.nan
    return True


@kernel
def _figures(
    i: int,
    at: int,
    row: Any,
    median: float,
    before: float,
    pack_v: float,
    state: CellChannels,
    limits: CellLimits,
    shown: Any,
    out: Any,
) -> None:
    """Extremes, sum and fall of the channels that are trusted."""
    flags, last = state.cell_flags[at], state.cell_v[at]
    high, low, high_cell, low_cell = -np.inf, np.inf, -1, -1
    total, trusted = 0.0, 0
    lowest = np.inf
    for c in range(len(row)):
        v = np.float64(row[c])
        if flags[c] & (DEAD | SUSPECT) or not (v > limits.cell_low_v and v < limits.cell_high_v):
            continue
        shown[c] = row[c]
        trusted += 1
        total += v
        if v > high:
            high, high_cell = v, c
        if v < low:
            low, low_cell = v, c
        if not np.isnan(last[c]):
            lowest = min(lowest, v / np.float64(last[c]))
    if trusted == 0:
        return
    out[_MAX, i], out[_MIN, i], out[_SPREAD, i] = high, low, high - low
    out[_MAX_CELL, i], out[_MIN_CELL, i] = high_cell + 1, low_cell + 1
    out[_MEDIAN, i] = median
    if trusted == len(row):
        out[_SUM, i] = total
        out[_GAP, i] = abs(pack_v - total)
    if not np.isnan(before) and lowest < np.inf:
        out[_DROP, i] = max(0.0, 1.0 - lowest * before / median)


@kernel
def _note_bad(i: int, row: Any, flags: Any, limits: CellLimits, out: Any) -> None:
    """The first channel that is bad now, or else the first that is masked; whether one is dead."""
    first, masked, dead = 0, 0, 0.0
    for c in range(len(row)):
        if flags[c] & (DEAD | SUSPECT):
            masked = c + 1 if masked == 0 else masked
            dead = 1.0 if flags[c] & DEAD else dead
        if first == 0 and not (row[c] > limits.cell_low_v and row[c] < limits.cell_high_v):
            first = c + 1
    out[_DEAD, i] = dead
    if first + masked > 0:
        out[_BAD, i] = first if first > 0 else masked
