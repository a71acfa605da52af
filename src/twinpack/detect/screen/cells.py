"""The cells of each frame: which channels are to be trusted, and figures of those that are."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from twinpack.detect.screen.channels import (
    CellChannels,
    CellLimits,
    believable,
    judge,
    judge_plain,
    may_jump,
    note_sentinels,
    suspect_jumps,
    trusted_median,
)
from twinpack.detect.screen.lookback import NEW, NONE, keep, look, renews
from twinpack.detect.screen.state import DEAD, SUSPECT
from twinpack.filters.kernels import kernel
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


class Now(NamedTuple):
    """A frame beside its cells: time, current in C, pack voltage in V, and for how long it counts, s."""

    time_us: int
    c_rate: float
    pack_v: float
    step: float


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
        flags = state.cell_flags[at]
        since_s = 0.0 if state.cells_us[at] == NEVER else (time_us[i] - state.cells_us[at]) / 1e6
        step = min(since_s, limits.gap_s)
        state.cells_us[at] = time_us[i]
        sentinels, marked = 0, np.uint8(0)
        for c in range(cells):
            sentinels += not believable(row[c], limits)
            marked |= flags[c]
        plain = sentinels == 0 and marked == 0
        if not plain:
            sentinels = note_sentinels(row, step, state.cell_s[at], flags, limits)
        out[_SENTINELS, i] = sentinels
        aside[i] = sentinels > 0
        if not aside[i]:
            now = Now(time_us[i], c_rate[i], pack_v[i], step)
            plain = _use(i, at, now, row, plain, state, limits, buffer, shown[i], out)
        out[_DEAD, i] = 0.0
        if not plain:
            _note_bad(i, row, flags, limits, out)


@kernel
def _use(
    i: int,
    at: int,
    now: Now,
    row: Any,
    plain: bool,
    state: CellChannels,
    limits: CellLimits,
    buffer: Any,
    shown: Any,
    out: Any,
) -> bool:
    """Judge the channels of a frame that is used and take its figures; whether none is in question."""
    flags = state.cell_flags[at]
    before = state.median_v[at]
    fresh = state.used_us[at] != NEVER and now.time_us - state.used_us[at] <= limits.gap_s * 1e6
    median = trusted_median(row, flags, limits, buffer)
    if np.isnan(median):
        return False
    if fresh and abs(now.c_rate) <= limits.low_c_rate and abs(state.used_c_rate[at]) <= limits.low_c_rate:
        if may_jump(at, row, median, before, state, limits):
            suspect_jumps(at, row, median, before, now.pack_v, state, limits)
            plain = False
    if plain:
        changed = judge_plain(at, row, median, before, now.step, fresh, state, limits)
        plain = not changed
    else:
        changed = judge(at, row, median, before, now.step, fresh, state, limits)
    if changed:
        median = trusted_median(row, flags, limits, buffer)
    which = look(now.time_us, state.cells_old_us[at], state.cells_new_us[at], limits.rate_s, limits.gap_s)
    base = state.cell_new_v[at] if which == NEW else state.cell_old_v[at]
    base_median = state.median_new_v[at] if which == NEW else state.median_old_v[at]
    if which == NONE:
        base_median = np.nan
    _figures(i, row, median, base, base_median, now.pack_v, flags, limits, shown, out)
    if renews(which, now.time_us, state.cells_new_us[at], limits.gap_s):
        _look(at, now.time_us, which, median, shown, state)
    for c in range(len(row)):
        if believable(row[c], limits):
            state.cell_v[at, c] = row[c]
    state.used_us[at] = now.time_us
    state.median_v[at] = median
    state.used_c_rate[at] = now.c_rate
    state.used_pack_v[at] = now.pack_v
    return plain


@kernel
def _figures(
    i: int,
    row: Any,
    median: float,
    base: Any,
    base_median: float,
    pack_v: float,
    flags: Any,
    limits: CellLimits,
    shown: Any,
    out: Any,
) -> None:
    """Extremes, sum and fall of the channels that are trusted."""
    high, low, high_cell, low_cell = np.float32(-np.inf), np.float32(np.inf), 0, 0
    total, trusted = 0.0, 0
    lowest = np.inf
    for c in range(len(row)):
        v = row[c]
        if flags[c] & (DEAD | SUSPECT) or not believable(v, limits):
            continue
        shown[c] = v
        trusted += 1
        total += np.float64(v)
        if v > high:
            high, high_cell = v, c + 1
        if v < low:
            low, low_cell = v, c + 1
        kept = np.float64(v) / np.float64(base[c])
        if kept < lowest:  # not so where the base is unknown
            lowest = kept
    if trusted == 0:
        return
    out[_MAX, i], out[_MIN, i], out[_SPREAD, i] = high, low, np.float64(high) - np.float64(low)
    out[_MAX_CELL, i], out[_MIN_CELL, i] = high_cell, low_cell
    out[_MEDIAN, i] = median
    if trusted == len(row):
        out[_SUM, i] = total
        out[_GAP, i] = abs(pack_v - total)
    if not np.isnan(base_median) and lowest < np.inf:
        out[_DROP, i] = max(0.0, 1.0 - lowest * base_median / median)


@kernel
def _look(at: int, time_us: int, which: int, median: float, shown: Any, state: CellChannels) -> None:
    """Keep the present to measure from."""
    if which == NEW:
        state.cells_old_us[at], state.median_old_v[at] = state.cells_new_us[at], state.median_new_v[at]
        keep(state.cell_old_v[at], state.cell_new_v[at])
    else:
        state.cells_old_us[at] = NEVER
    state.cells_new_us[at], state.median_new_v[at] = time_us, median
    keep(state.cell_new_v[at], shown)


@kernel
def _note_bad(i: int, row: Any, flags: Any, limits: CellLimits, out: Any) -> None:
    """The first channel that is bad now, or else the first that is masked; whether one is dead."""
    first, masked, dead = 0, 0, 0.0
    for c in range(len(row)):
        if flags[c] & (DEAD | SUSPECT):
            masked = c + 1 if masked == 0 else masked
            dead = 1.0 if flags[c] & DEAD else dead
        if first == 0 and not believable(row[c], limits):
            first = c + 1
    out[_DEAD, i] = dead
    if first + masked > 0:
        out[_BAD, i] = first if first > 0 else masked
