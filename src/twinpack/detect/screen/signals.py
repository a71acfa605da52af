"""Pack voltage, current, state of charge and temperature over time: frozen ones, jumps, rest."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from twinpack.detect.screen.lookback import NEW, NONE, look, renews
from twinpack.filters.kernels import kernel
from twinpack.telemetry.arrivals import NEVER

SIGNAL_FIGURES = ("rest_s", "soc_jump_pct", "temp_rate_k_s", "pack_v_frozen", "current_frozen", "soc_frozen")
"""What the kernel writes, in the order of its rows."""
(_REST, _JUMP, _RATE, _PACK, _CURRENT, _SOC) = range(6)

_OHM_C = 0.05
"""By how much 1 C moves a cell at least, V."""
_FULL, _EMPTY = 99.0, 1.0
"""Where a state of charge may stay although charge flows: there is a little beyond."""


class SignalTracks(NamedTuple):
    """The arrays of `ScreenState` that the kernel reads and writes, of the same names."""

    used_us: Any
    temp_old_us: Any
    temp_new_us: Any
    temp_old_c: Any
    temp_new_c: Any
    current_us: Any
    current_a: Any
    rest_us: Any
    soc_us: Any
    soc_pct: Any
    soc_moved_pct: Any
    soc_flow_pct: Any
    odometer_km: Any
    pack_us: Any
    pack_v: Any
    pack_ref_v: Any
    pack_low_c: Any
    pack_high_c: Any
    pack_s: Any
    still_v: Any
    still_low_v: Any
    still_high_v: Any
    still_fall_v: Any
    still_rise_v: Any
    still_s: Any


class SignalLimits(NamedTuple):
    """The thresholds of `ScreenSettings` that it needs, of the same names, and two figures of the pack."""

    gap_s: float
    rate_s: float
    frozen_s: float
    frozen_v: float
    pack_frozen_c_rate: float
    pack_step_v: float
    current_frozen_v: float
    current_frozen_pack_v: float
    current_frozen_s: float
    soc_frozen_pct: float
    soc_step_pct: float
    rest_c_rate: float
    odometer_step_km: float
    capacity_ah: float
    series: float


class SignalRows(NamedTuple):
    """M frames in time order within a lane, each array of shape (M,); NaN where missing or set aside."""

    lane: Any
    time_us: Any
    aside: Any
    current_a: Any
    pack_v: Any
    median_v: Any
    soc_pct: Any
    odometer_km: Any
    temp_c: Any
    probe_max_c: Any
    probe_rate_k_s: Any


@kernel
def screen_signals(rows: SignalRows, state: SignalTracks, limits: SignalLimits, out: Any) -> None:
    """Follow the scalar signals; frames set aside are passed over.

    Args:
        rows: The frames.
        state: What is known of each lane; written.
        limits: Thresholds.
        out: `SIGNAL_FIGURES`, NaN before; written, shape (6, M).
    """
    for i in range(len(rows.lane)):
        if rows.aside[i]:
            continue
        at, now = rows.lane[i], rows.time_us[i]
        if not np.isnan(rows.probe_max_c[i]):
            out[_RATE, i] = rows.probe_rate_k_s[i]
            state.temp_new_us[at] = NEVER  # a probe and what the BMS calls the highest are not compared
        elif not np.isnan(rows.temp_c[i]):
            out[_RATE, i] = _temperature(at, now, rows.temp_c[i], state, limits)
        if not np.isnan(rows.current_a[i]):
            _flow(at, now, rows.current_a[i], state, limits)
            out[_REST, i] = _rest(at, now, rows.current_a[i], rows.soc_pct[i], rows.odometer_km[i], state, limits)
            cell_v, least_v = rows.median_v[i], limits.current_frozen_v
            if np.isnan(cell_v) and state.used_us[at] == NEVER:
                cell_v, least_v = rows.pack_v[i] / limits.series, limits.current_frozen_pack_v
            out[_CURRENT, i] = _current(at, now, rows.current_a[i], cell_v, least_v, state, limits)
            state.current_us[at] = now
            state.current_a[at] = rows.current_a[i]
        if not np.isnan(rows.pack_v[i]):
            c_rate = rows.current_a[i] / limits.capacity_ah
            out[_PACK, i] = _pack(at, now, rows.pack_v[i], rows.median_v[i], c_rate, state, limits)
        if not np.isnan(rows.soc_pct[i]):
            out[_JUMP, i] = _soc_jump(at, now, rows.soc_pct[i], state, limits)
            out[_SOC, i] = _soc(at, now, rows.soc_pct[i], state, limits)
        if not np.isnan(rows.odometer_km[i]):
            state.odometer_km[at] = rows.odometer_km[i]


@kernel
def _since(now: int, before: int) -> float:
    """Seconds since a moment; infinite if there was none."""
    return np.inf if before == NEVER else (now - before) / 1e6


@kernel
def _temperature(at: int, now: int, temp_c: float, state: SignalTracks, limits: SignalLimits) -> float:
    """Rise of the highest temperature told, where there are no probes."""
    new_us = state.temp_new_us[at]
    which = look(now, state.temp_old_us[at], new_us, limits.rate_s, limits.gap_s)
    base_c = state.temp_new_c[at] if which == NEW else state.temp_old_c[at]
    base_us = new_us if which == NEW else state.temp_old_us[at]
    rate = np.nan if which == NONE else (temp_c - base_c) / ((now - base_us) / 1e6)
    if renews(which, now, new_us, limits.gap_s):
        state.temp_old_us[at] = new_us if which == NEW else NEVER
        state.temp_old_c[at] = state.temp_new_c[at]
        state.temp_new_us[at], state.temp_new_c[at] = now, temp_c
    return rate


@kernel
def _flow(at: int, now: int, current_a: float, state: SignalTracks, limits: SignalLimits) -> None:
    """Add the charge that has flowed since the current was last known."""
    since_s = _since(now, state.current_us[at])
    if since_s > limits.gap_s:
        state.soc_moved_pct[at] = 0.0
        state.soc_flow_pct[at] = np.nan
        return
    moved = 0.5 * (current_a + state.current_a[at]) * since_s / 36.0 / limits.capacity_ah
    state.soc_flow_pct[at] += moved
    if (state.soc_pct[at] < _FULL or moved < 0) and (state.soc_pct[at] > _EMPTY or moved > 0):
        state.soc_moved_pct[at] += moved


@kernel
def _rest(
    at: int, now: int, current_a: float, soc: float, odometer: float, state: SignalTracks, limits: SignalLimits
) -> float:
    """Seconds without load. A gap counts as rest if charge and odometer are afterwards where they were."""
    if abs(current_a) > limits.rest_c_rate * limits.capacity_ah:
        state.rest_us[at] = now
    elif _since(now, state.current_us[at]) > limits.gap_s:
        same = abs(soc - state.soc_pct[at]) <= limits.soc_step_pct
        driven = abs(odometer - state.odometer_km[at]) > limits.odometer_step_km
        if driven or not same:
            state.rest_us[at] = now
    rest_s: float = (now - state.rest_us[at]) / 1e6
    return rest_s


@kernel
def _current(
    at: int, now: int, current_a: float, cell_v: float, least_v: float, state: SignalTracks, limits: SignalLimits
) -> float:
    """Whether the current stays while the voltage goes to and fro: in a steady charge it goes one way."""
    since_s = _since(now, state.current_us[at])
    if current_a != state.current_a[at] or since_s > limits.gap_s or np.isnan(state.still_v[at]):
        state.still_low_v[at], state.still_high_v[at] = cell_v, cell_v
        state.still_fall_v[at], state.still_rise_v[at], state.still_s[at] = 0.0, 0.0, 0.0
        state.still_v[at] = cell_v
        return 0.0
    if not np.isnan(cell_v):
        state.still_low_v[at] = min(state.still_low_v[at], cell_v)
        state.still_high_v[at] = max(state.still_high_v[at], cell_v)
        state.still_fall_v[at] = max(state.still_fall_v[at], state.still_high_v[at] - cell_v)
        state.still_rise_v[at] = max(state.still_rise_v[at], cell_v - state.still_low_v[at])
        moving = abs(cell_v - state.still_v[at]) > 0.25 * least_v
        if moving and min(state.still_fall_v[at], state.still_rise_v[at]) > least_v:
            state.still_s[at] += since_s
        state.still_v[at] = cell_v
    return 1.0 if state.still_s[at] >= limits.current_frozen_s else 0.0


@kernel
def _pack(
    at: int, now: int, pack_v: float, median: float, c_rate: float, state: SignalTracks, limits: SignalLimits
) -> float:
    """Whether the pack voltage stays while the cells move or, where they are unknown, the current does."""
    since_s = _since(now, state.pack_us[at])
    moved = pack_v != state.pack_v[at]
    if moved or since_s > limits.gap_s:
        state.pack_ref_v[at] = median
        state.pack_low_c[at], state.pack_high_c[at] = c_rate, c_rate
    elif np.isnan(state.pack_ref_v[at]):
        state.pack_ref_v[at] = median
    if moved:
        state.pack_s[at] = 0.0
    if not np.isnan(c_rate):
        low, high = state.pack_low_c[at], state.pack_high_c[at]
        state.pack_low_c[at] = c_rate if np.isnan(low) else min(low, c_rate)
        state.pack_high_c[at] = c_rate if np.isnan(high) else max(high, c_rate)
    # What one step of the reading is in a cell: it must have moved by more.
    step_v = 1.5 * limits.pack_step_v / limits.series
    stuck = abs(median - state.pack_ref_v[at]) > max(limits.frozen_v, step_v)
    if np.isnan(state.pack_ref_v[at]):
        swing = state.pack_high_c[at] - state.pack_low_c[at]
        stuck = swing > max(limits.pack_frozen_c_rate, step_v / _OHM_C)
    if stuck:
        state.pack_s[at] += min(since_s, limits.gap_s)
    state.pack_us[at] = now
    state.pack_v[at] = pack_v
    return 1.0 if state.pack_s[at] >= limits.frozen_s else 0.0


@kernel
def _soc_jump(at: int, now: int, soc: float, state: SignalTracks, limits: SignalLimits) -> float:
    """How far the state of charge moved beside the charge that flowed, beyond its steps, %."""
    jump = np.nan
    if _since(now, state.soc_us[at]) <= limits.gap_s:
        jump = max(0.0, abs(soc - state.soc_pct[at] - state.soc_flow_pct[at]) - limits.soc_step_pct)
    state.soc_flow_pct[at] = 0.0
    return jump


@kernel
def _soc(at: int, now: int, soc: float, state: SignalTracks, limits: SignalLimits) -> float:
    """Whether the state of charge stays while charge flows."""
    if soc != state.soc_pct[at]:
        state.soc_moved_pct[at] = 0.0
    state.soc_us[at] = now
    state.soc_pct[at] = soc
    return 1.0 if abs(state.soc_moved_pct[at]) > limits.soc_frozen_pct else 0.0
