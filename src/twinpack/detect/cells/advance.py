"""The loop over samples: each into the sums of its vehicle, and segments and blocks closed as time passes. Compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from twinpack.detect.cells.deviation import judge_deviations
from twinpack.detect.cells.segments import close_segment
from twinpack.detect.cells.state import (
    BLOCK,
    CHARGE,
    CHARGING,
    CURRENT,
    DAY,
    DAYS,
    DEPTH,
    HEATED,
    LOAD,
    REST,
    ROWS,
    SEGMENT,
    SLOPE,
    SOC,
    TEMP,
    UNKNOWN,
    UNSET,
    WEIGHT,
)
from twinpack.detect.cells.tracks import ROW

MINUTE_US = 60_000_000
DAY_US = 86_400_000_000
ACTIVATION_K = 2500.0
"""Resistance follows exp(K / T): about 2 per 25 K, as of lithium-ion cells between -10 and 40 °C."""


@njit(cache=True, nogil=True, error_model="numpy")
def advance(s: Any, f: Any, gates: Any, table: Any, out: Any, bound: int, first: int, room: Any) -> tuple[int, int]:
    """Take samples from `first` on.

    Args:
        s: The arrays of the state, written in place.
        f: The samples, see `Samples`.
        gates: `CellSettings`.
        table: Open-circuit voltage, V, and its slope, V a unit of charge, by charge 0..1, and that, (3, steps).
        out: Where changes are told, (rows, `WIDTH`).
        bound: The most that closing a block can tell.
        first: Sample to begin with.
        room: Working space, (5, at least cells and probes).

    Returns:
        The sample to go on with, as many as there are when all are taken, and how many changes are told.
    """
    told = 0
    segment_us = np.int64(gates.segment_s * 1e6)
    block_us = np.int64(gates.block_s * 1e6)
    for row in range(first, len(f.lane)):
        lane = f.lane[row]
        now = f.time_us[row]
        clock = s.clock[lane]
        segment, block = now // segment_us, now // block_us
        if clock[SEGMENT] == UNSET:
            clock[SEGMENT], clock[BLOCK], clock[DAY] = segment, block, now // DAY_US
            clock[DAYS] = clock[ROWS] = 0
        elif segment != clock[SEGMENT]:
            if block != clock[BLOCK] and told + bound > len(out):
                return row, told
            close_segment(s, lane, gates, room)
            if block != clock[BLOCK]:
                before = told
                told = _close_block(s, lane, gates, out, told, room)
                out[before:told, ROW] = row
            clock[SEGMENT], clock[BLOCK], clock[DAY] = segment, block, now // DAY_US
        _take(s, lane, f, row, gates, table)
    return len(f.lane), told


@njit(cache=True, nogil=True, error_model="numpy")
def _close_block(s: Any, lane: int, gates: Any, out: Any, told: int, room: Any) -> int:
    start = np.int64(s.clock[lane, BLOCK] * gates.block_s / 60.0)
    told = judge_deviations(s, lane, gates, start, out, told, room)
    s.block_mean[lane] = 0.0
    s.block_v[lane] = 0.0
    s.block_s[lane] = 0.0
    return told


@njit(cache=True, nogil=True, error_model="numpy")
def _take(s: Any, lane: int, f: Any, row: int, gates: Any, table: Any) -> None:
    """One sample into the sums of its segment."""
    regime = _regime(s, lane, f, row, gates)
    cells = s.segment_v.shape[2]
    median = f.median_v[row]
    if regime < 0 or f.aside[row] or f.many[row] != cells or not median > 0.0:
        return
    seconds = min(f.dt_s[row], gates.hold_rest_s if regime == REST else gates.hold_active_s)
    if not seconds > 0.0:
        return
    _means(s.segment_mean[lane, regime], f, row, regime, seconds, table)
    sums, begin = s.segment_v[lane, regime], f.start[row]
    values = f.values[begin : begin + cells]
    for cell in range(cells):
        sums[cell] += seconds * (values[cell] - median)


@njit(cache=True, nogil=True, error_model="numpy")
def _regime(s: Any, lane: int, f: Any, row: int, gates: Any) -> int:
    """What the pack does; -1 where it has not settled."""
    rate, now, clock = f.c_rate[row], f.time_us[row], s.clock[lane]
    if rate != rate:
        return UNKNOWN
    if not rate >= gates.active_c_rate:
        clock[CHARGING] = UNSET
    elif clock[CHARGING] == UNSET or not f.dt_s[row] <= 3.0 * gates.hold_active_s:
        clock[CHARGING] = now
    if abs(rate) <= gates.rest_c_rate:
        return REST if f.rest_s[row] >= gates.rest_settle_s else -1
    if rate <= -gates.active_c_rate:
        return LOAD
    if rate >= gates.active_c_rate and now - clock[CHARGING] >= gates.charge_settle_s * 1e6:
        return CHARGE
    return -1


@njit(cache=True, nogil=True, error_model="numpy")
def _means(mean: Any, f: Any, row: int, regime: int, seconds: float, table: Any) -> None:
    """Add what a sample tells of its conditions."""
    soc, rate, temp = f.soc[row], f.c_rate[row], f.temp_c[row]
    if soc != soc and regime == REST:
        soc = np.interp(f.median_v[row], table[0], table[2])
    slope = np.interp(soc, table[2], table[1]) if soc == soc else np.nan
    warm = min(max(temp, -20.0), 50.0) if temp == temp else 25.0
    mean[WEIGHT] += seconds
    mean[SLOPE] += seconds * slope
    mean[DEPTH] += seconds * slope * (soc - 0.5)
    mean[SOC] += seconds * soc
    mean[CURRENT] += seconds * rate
    mean[HEATED] += seconds * rate * np.exp(ACTIVATION_K * (1.0 / (warm + 273.15) - 1.0 / 298.15))
    mean[TEMP] += seconds * temp
