"""The temperature probes of each frame: sentinels and frozen ones, and figures of those that are left."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from twinpack.detect.screen.lookback import NEW, NONE, keep, look, renews
from twinpack.detect.screen.median import median_of
from twinpack.detect.screen.state import DEAD, FROZEN, MOVED, SEEN
from twinpack.filters.kernels import kernel
from twinpack.telemetry.arrivals import NEVER

PROBE_FIGURES = (
    "probe_max_c",
    "probe_min_c",
    "probe_spread_k",
    "probe_max",
    "probe_min",
    "probe_rate_k_s",
    "probe_bad",
    "bad_probe",
    "probe_low",
    "probe_high",
    "probe_frozen",
)
"""What the kernel writes, in the order of its rows."""
(_MAX, _MIN, _SPREAD, _MAX_PROBE, _MIN_PROBE, _RATE, _BAD, _BAD_PROBE, _LOW, _HIGH, _FROZEN) = range(11)

_FEWEST = 3
"""Of two probes that differ nobody can say which is the frozen one."""


class ProbeChannels(NamedTuple):
    """The arrays of `ScreenState` that the kernel reads and writes, of the same names."""

    probe_c: Any
    probe_ref_c: Any
    probe_old_c: Any
    probe_new_c: Any
    probe_s: Any
    probe_flags: Any
    probes_us: Any
    probes_old_us: Any
    probes_new_us: Any


class ProbeLimits(NamedTuple):
    """The thresholds of `ScreenSettings` that it needs, of the same names."""

    probe_low_c: float
    probe_high_c: float
    gap_s: float
    rate_s: float
    probe_frozen_k: float
    probe_frozen_s: float
    heal_s: float


@kernel
def screen_probes(
    lane: Any,
    time_us: Any,
    start: Any,
    count: Any,
    values: Any,
    aside: Any,
    state: ProbeChannels,
    limits: ProbeLimits,
    shown: Any,
    out: Any,
) -> None:
    """Screen M frames in time order within a lane; those set aside are passed over.

    Args:
        lane: Vehicle of each, shape (M,).
        time_us: Sample times, shape (M,).
        start: Where the probes of each begin in `values`, shape (M,).
        count: How many there are; those beyond the room of the state are not looked at, shape (M,).
        values: Temperatures, °C.
        aside: Frames set aside, shape (M,).
        state: What is known of each lane; written.
        limits: Thresholds.
        shown: Probes that are left of each, NaN elsewhere; written, shape (M, room).
        out: `PROBE_FIGURES`, NaN before; written, shape (11, M).
    """
    room = state.probe_c.shape[1]
    buffer = np.empty(room, np.float32)
    for i in range(len(lane)):
        if count[i] == 0 or aside[i]:
            continue
        at = lane[i]
        row = values[start[i] : start[i] + min(count[i], room)]
        known = state.probes_us[at] != NEVER
        since_s = (time_us[i] - state.probes_us[at]) / 1e6 if known else 0.0
        fresh = known and since_s <= limits.gap_s
        state.probes_us[at] = time_us[i]
        _sentinels(i, row, state.probe_flags[at], limits, out)
        _judge(at, row, min(since_s, limits.gap_s), fresh, state, limits, buffer)
        _figures(i, row, state.probe_flags[at], limits, shown[i], out)
        _rise(i, at, time_us[i], shown[i], state, limits, out)
        for p in range(len(row)):
            if row[p] > limits.probe_low_c and row[p] < limits.probe_high_c:
                state.probe_c[at, p] = row[p]


@kernel
def _sentinels(i: int, row: Any, flags: Any, limits: ProbeLimits, out: Any) -> None:
    """Note sentinels; a place that never showed a value has no probe."""
    bad, low, high = 0, 0.0, 0.0
    for p in range(len(row)):
        if row[p] > limits.probe_low_c and row[p] < limits.probe_high_c:
            flags[p] |= np.uint8(SEEN)
            continue
        low = 1.0 if row[p] <= limits.probe_low_c else low
        high = 1.0 if row[p] >= limits.probe_high_c else high
        if bad == 0 and (flags[p] & SEEN or not np.isnan(row[p])):
            bad = p + 1
    out[_LOW, i], out[_HIGH, i] = low, high
    out[_BAD, i] = 1.0 if bad > 0 else 0.0
    if bad > 0:
        out[_BAD_PROBE, i] = bad


@kernel
def _judge(at: int, row: Any, step: float, fresh: bool, state: ProbeChannels, limits: ProbeLimits, buffer: Any) -> None:
    """Find frozen probes, and those that move again."""
    flags, seconds = state.probe_flags[at], state.probe_s[at]
    trusted = 0
    for p in range(len(row)):
        if not flags[p] & DEAD and row[p] > limits.probe_low_c and row[p] < limits.probe_high_c:
            buffer[trusted] = row[p]
            trusted += 1
    median = median_of(buffer, trusted)
    for p in range(len(row)):
        if not (row[p] > limits.probe_low_c and row[p] < limits.probe_high_c):
            continue
        moved = row[p] != state.probe_c[at, p]
        if moved or not fresh:
            state.probe_ref_c[at, p] = median
        stuck = trusted >= _FEWEST and abs(median - state.probe_ref_c[at, p]) > limits.probe_frozen_k
        if flags[p] & DEAD:
            _revive(p, moved, stuck, step, flags, seconds, limits)
        elif stuck:
            seconds[p] += step
            if seconds[p] >= limits.probe_frozen_s:
                flags[p] |= np.uint8(FROZEN)
                seconds[p] = 0.0
        elif moved:
            seconds[p] = 0.0


@kernel
def _revive(p: int, moved: bool, stuck: bool, step: float, flags: Any, seconds: Any, limits: ProbeLimits) -> None:
    if stuck:
        seconds[p] = 0.0
        flags[p] &= ~np.uint8(MOVED)
    elif flags[p] & MOVED:
        seconds[p] += step
        if seconds[p] >= limits.heal_s:
            flags[p] &= ~np.uint8(MOVED | DEAD)
            seconds[p] = 0.0
    elif moved:
        flags[p] |= np.uint8(MOVED)


@kernel
def _rise(i: int, at: int, time_us: int, shown: Any, state: ProbeChannels, limits: ProbeLimits, out: Any) -> None:
    """The fastest rise of a trusted probe."""
    new_us = state.probes_new_us[at]
    which = look(time_us, state.probes_old_us[at], new_us, limits.rate_s, limits.gap_s)
    base = state.probe_new_c[at] if which == NEW else state.probe_old_c[at]
    base_us = new_us if which == NEW else state.probes_old_us[at]
    fastest = -np.inf
    for p in range(len(shown)):
        rise = np.float64(shown[p]) - np.float64(base[p])
        if rise > fastest:  # not so where one of them is unknown
            fastest = rise
    if which != NONE and fastest > -np.inf:
        out[_RATE, i] = fastest / ((time_us - base_us) / 1e6)
    if renews(which, time_us, new_us, limits.gap_s):
        state.probes_old_us[at] = new_us if which == NEW else NEVER
        keep(state.probe_old_c[at], state.probe_new_c[at])
        state.probes_new_us[at] = time_us
        keep(state.probe_new_c[at], shown)


@kernel
def _figures(i: int, row: Any, flags: Any, limits: ProbeLimits, shown: Any, out: Any) -> None:
    """Extremes of the probes that are trusted."""
    high, low, high_probe, low_probe, frozen = -np.inf, np.inf, -1, -1, 0
    for p in range(len(row)):
        if flags[p] & DEAD:
            frozen = p + 1 if frozen == 0 else frozen
            continue
        v = np.float64(row[p])
        if not (v > limits.probe_low_c and v < limits.probe_high_c):
            continue
        shown[p] = row[p]
        if v > high:
            high, high_probe = v, p
        if v < low:
            low, low_probe = v, p
    out[_FROZEN, i] = 1.0 if frozen > 0 else 0.0
    if frozen > 0:
        out[_BAD, i] = 1.0
        if np.isnan(out[_BAD_PROBE, i]):
            out[_BAD_PROBE, i] = frozen
    if high_probe < 0:
        return
    out[_MAX, i], out[_MIN, i], out[_SPREAD, i] = high, low, high - low
    out[_MAX_PROBE, i], out[_MIN_PROBE, i] = high_probe + 1, low_probe + 1
