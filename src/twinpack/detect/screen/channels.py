"""Each cell's channel against the others and its own past: dead, frozen, stepping, and good again."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

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
from twinpack.filters.kernels import kernel

_NEAR_V = 0.05
"""A cell that steps to within this of the median comes back, whatever it showed before."""


class CellChannels(NamedTuple):
    """The arrays of `ScreenState` that the kernel reads and writes, of the same names."""

    cell_v: Any
    cell_ref_v: Any
    cell_from_mv: Any
    cell_old_v: Any
    cell_new_v: Any
    cell_s: Any
    cell_flags: Any
    cells_us: Any
    used_us: Any
    median_v: Any
    cells_old_us: Any
    cells_new_us: Any
    median_old_v: Any
    median_new_v: Any
    used_c_rate: Any
    used_pack_v: Any


class CellLimits(NamedTuple):
    """The thresholds of `ScreenSettings` that it needs, of the same names."""

    cell_low_v: float
    cell_high_v: float
    gap_s: float
    rate_s: float
    dead_s: float
    frozen_v: float
    frozen_s: float
    jump_v: float
    jump_s: float
    low_c_rate: float
    heal_s: float


@kernel
def believable(v: float, limits: CellLimits) -> bool:
    """Whether a cell can have this voltage; never of NaN."""
    return bool((v > np.float32(limits.cell_low_v)) & (v < np.float32(limits.cell_high_v)))


@kernel
def trusted_median(row: Any, flags: Any, limits: CellLimits, buffer: Any) -> float:
    """Median of the cells that are trusted."""
    trusted = 0
    for c in range(len(row)):
        if not flags[c] & (DEAD | SUSPECT) and believable(row[c], limits):
            buffer[trusted] = row[c]
            trusted += 1
    return median_of(buffer, trusted)


@kernel
def note_sentinels(row: Any, step: float, seconds: Any, flags: Any, limits: CellLimits) -> int:
    """Where a channel keeps showing sentinels, call it dead; how many show one that are not dead."""
    cells = len(row)
    bad = 0
    fresh = 0
    for c in range(cells):
        if not believable(row[c], limits):
            bad += 1
            fresh += (flags[c] & DEAD) == 0
    # Most cells at once: what failed is the frame, not a channel.
    if 2 * bad > cells:
        return fresh
    fresh = 0
    for c in range(cells):
        if not believable(row[c], limits):
            if flags[c] & DEAD:
                seconds[c] = 0.0
                flags[c] &= ~np.uint8(MOVED)
            elif flags[c] & WAS_BAD:
                seconds[c] += step
                if seconds[c] >= limits.dead_s:
                    seconds[c] = 0.0
                    flags[c] = SENTINEL
            flags[c] |= np.uint8(WAS_BAD)
            fresh += (flags[c] & DEAD) == 0
        elif flags[c] & WAS_BAD:
            flags[c] = (flags[c] & ~np.uint8(WAS_BAD)) | np.uint8(JUST_NOW)
            if not flags[c] & DEAD:
                seconds[c] = max(np.float32(0.0), seconds[c] - np.float32(2.0 * step))
    return fresh


@kernel
def judge_plain(
    at: int, row: Any, median: float, before: float, step: float, fresh: bool, state: CellChannels, limits: CellLimits
) -> bool:
    """`judge` for a frame in which every cell is believable and none was in question: without branches, many at once.

    Whether a channel is masked now.
    """
    flags, last, seconds, reference = state.cell_flags[at], state.cell_v[at], state.cell_s[at], state.cell_ref_v[at]
    enough = _enough(median, before, limits)
    late: Any = 0
    for c in range(len(row)):
        moved = row[c] != last[c]
        ref: Any = np.float32(median) if moved | (not fresh) else reference[c]
        stuck = abs(median - ref) > enough
        so_far = np.float32(seconds[c] + step) if stuck else (np.float32(0.0) if moved else seconds[c])
        late += so_far >= limits.frozen_s
        reference[c] = ref
        seconds[c] = so_far
    if late == 0:
        return False
    for c in range(len(row)):
        if seconds[c] >= limits.frozen_s:
            flags[c] = FROZEN
            seconds[c] = 0.0
    return True


@kernel
def may_jump(at: int, row: Any, median: float, before: float, state: CellChannels, limits: CellLimits) -> bool:
    """Whether a closer look for steps is worth it."""
    last = state.cell_v[at]
    drift = np.float32(median - before)
    limit = np.float32(0.99 * limits.jump_v)
    far = 0
    for c in range(len(row)):
        far += abs((row[c] - last[c]) - drift) > limit
    return far > 0


@kernel
def _enough(median: float, before: float, limits: CellLimits) -> float:
    """How far the median must be from where it was.

    A median that rests where a cell happens to show what it showed under load says nothing: it must move.
    """
    return limits.frozen_v if abs(median - before) > 0.1 * limits.frozen_v else 2.0 * limits.frozen_v


@kernel
def suspect_jumps(
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
            state.cell_from_mv[at, c] = np.int16(np.floor(1000.0 * (last[c] - before) + 0.5))
            state.cell_s[at, c] = 0.0


@kernel
def judge(
    at: int, row: Any, median: float, before: float, step: float, fresh: bool, state: CellChannels, limits: CellLimits
) -> bool:
    """Follow what speaks for and against each channel; whether one is masked now that was not, or the reverse."""
    flags, last, seconds = state.cell_flags[at], state.cell_v[at], state.cell_s[at]
    masked = False
    enough = _enough(median, before, limits)
    for c in range(len(row)):
        if not believable(row[c], limits):
            continue
        moved = row[c] != last[c]
        if moved or not fresh:
            state.cell_ref_v[at, c] = median
        stuck = abs(median - state.cell_ref_v[at, c]) > enough
        if flags[c] & DEAD:
            masked |= _revive(c, row[c] - median, moved, stuck, step, flags, state.cell_from_mv[at], seconds, limits)
        elif flags[c] & SUSPECT and flags[c] & JUST_NOW:
            masked = True
        elif flags[c] & SUSPECT:
            masked |= _doubt(c, row[c] - median, step, flags, state.cell_from_mv[at], seconds, limits)
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
    if abs(off - 0.001 * origin[c]) < 0.5 * limits.jump_v:
        flags[c] &= ~np.uint8(SUSPECT)
        seconds[c] = 0.0
        origin[c] = 0
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
        good = abs(off - 0.001 * origin[c]) < 0.5 * limits.jump_v or abs(off) < _NEAR_V
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
    origin[c] = 0
    return True
