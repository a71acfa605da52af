"""The loop over samples: each into the sums of its vehicle, and segments and blocks closed as time passes. Compiled."""

from __future__ import annotations

from typing import Any

import numpy as np

from twinpack.detect.cells.cooling import judge_cooling
from twinpack.detect.cells.deviation import judge_deviations
from twinpack.detect.cells.history import judge_history
from twinpack.detect.cells.linear import cleared
from twinpack.detect.cells.probes import judge_probes, learn_probes
from twinpack.detect.cells.samples import (
    DT,
    LANE,
    MANY,
    MEDIAN,
    PROBE_MANY,
    PROBE_START,
    START,
    TIME,
    regime_of,
    take_cells,
    take_temperatures,
)
from twinpack.detect.cells.segments import close_segment
from twinpack.detect.cells.spread import judge_spread, take_spread
from twinpack.detect.cells.state import BLOCK, BLOCK_V, DAY, DAYS, ROWS, SEGMENT, UNSET
from twinpack.detect.cells.tracks import ROW
from twinpack.detect.cells.trends import judge_figures, pass_time
from twinpack.filters.kernels import kernel

DAY_US = 86_400_000_000
_LEAST_ROWS = 4
"""A day of samples in fewer segments is no day of data."""


@kernel
def advance(
    s: Any,
    numbers: Any,
    figures: Any,
    values: Any,
    probe_values: Any,
    gates: Any,
    table: Any,
    out: Any,
    bound: int,
    first: int,
    room: Any,
) -> tuple[int, int]:
    """Take samples from `first` on.

    Args:
        s: The arrays of the state, written in place.
        numbers: Whole numbers of each sample, see `samples.LANE`, (M, `NUMBERS`).
        figures: Figures of each, see `samples.DT`, (M, `FIGURES`).
        values: Cell voltages, V, float32.
        probe_values: Temperatures, °C, float32.
        gates: `CellSettings`.
        table: Open-circuit voltage, V, and its slope, V a unit of charge, at even steps of charge 0..1, (2, steps).
        out: Where changes are told, (rows, `WIDTH`).
        bound: The most that closing a block can tell.
        first: Sample to begin with.
        room: Working space, (3, at least cells and `FEATURES`).

    Returns:
        The sample to go on with, as many as there are when all are taken, and how many changes are told.
    """
    told = 0
    segment_us, block_us = np.int64(gates.segment_s * 1e6), np.int64(gates.block_s * 1e6)
    cells = s.cell_block.shape[2]
    for row in range(first, len(numbers)):
        lane, now = numbers[row, LANE], numbers[row, TIME]
        clock = s.clock[lane]
        segment, block = now // segment_us, now // block_us
        if clock[SEGMENT] == UNSET:
            clock[DAYS] = clock[ROWS] = 0
        elif segment != clock[SEGMENT]:
            if block != clock[BLOCK] and told + bound > len(out):
                return row, told
            close_segment(
                clock,
                s.segment_mean[lane],
                s.block_mean[lane],
                s.normal[lane],
                s.cell_block[lane],
                s.cell_fit[lane],
                s.cell_own[lane],
                gates,
                room,
            )
            clock[ROWS] += 1
            before = told
            if block != clock[BLOCK]:
                told = _close_block(s, lane, gates, out, told)
            if now // DAY_US != clock[DAY]:
                told = _close_day(s, lane, gates, now // DAY_US - clock[DAY], out, told)
            out[before:told, ROW] = row
        if segment != clock[SEGMENT]:
            clock[SEGMENT], clock[BLOCK], clock[DAY] = segment, block, now // DAY_US
        here = figures[row]
        regime = regime_of(clock, now, here, gates)
        if not here[DT] > 0.0:
            continue
        many, begin = numbers[row, PROBE_MANY], numbers[row, PROBE_START]
        if many > 0:
            temperatures = probe_values[begin : begin + many]
            take_temperatures(
                clock, s.probe_mean[lane], s.probe_block[lane], s.cooling[lane], now, temperatures, here, gates
            )
        begin = numbers[row, START]
        if regime >= 0 and numbers[row, MANY] == cells and here[MEDIAN] > 0.0:
            voltages = values[begin : begin + cells]
            take_cells(s.segment_mean[lane], s.cell_block[lane], regime, voltages, here, gates, table)
    return len(numbers), told


@kernel
def _close_block(s: Any, lane: int, gates: Any, out: Any, told: int) -> int:
    clock, totals, mean, normal = s.clock[lane], s.totals[lane], s.block_mean[lane], s.normal[lane]
    block, own, count, when = s.cell_block[lane], s.cell_own[lane], s.cell_count[lane], s.cell_when[lane]
    start = int(clock[BLOCK] * gates.block_s / 60.0)
    told = judge_deviations(mean, block, count, when, gates, start, out, told)
    told = judge_history(clock, totals, mean, normal, block, own, count, when, gates, start, out, told)
    told = judge_probes(
        clock,
        totals,
        s.probe_mean[lane],
        s.probe_normal[lane],
        s.probe_block[lane],
        s.probe_fit[lane],
        s.probe_own[lane],
        s.probe_count[lane],
        s.probe_when[lane],
        gates,
        start,
        out,
        told,
    )
    take_spread(mean, block, s.spread[lane], gates, start / 1440.0 - clock[DAY])
    cleared(mean)
    cleared(block[BLOCK_V:])
    return told


@kernel
def _close_day(s: Any, lane: int, gates: Any, passed: int, out: Any, told: int) -> int:
    clock, totals, normal = s.clock[lane], s.totals[lane], s.normal[lane]
    fit, own, count, when = s.cell_fit[lane], s.cell_own[lane], s.cell_count[lane], s.cell_when[lane]
    start = (clock[DAY] + 1) * 1440
    if clock[ROWS] >= _LEAST_ROWS:
        clock[DAYS] += 1
        if clock[DAYS] >= gates.learning_days:
            told = judge_figures(clock, totals, normal, fit, own, count, when, gates, start, out, told)
    clock[ROWS] = 0
    keep = np.exp(-min(float(passed), 1.0) / gates.forget_days)
    lasting = np.exp(-min(float(passed), 1.0) / gates.probe_forget_days)
    pack_count, pack_when = s.pack_count[lane], s.pack_when[lane]
    told = judge_spread(s.spread[lane], pack_count, pack_when, gates, passed, start, out, told)
    told = judge_cooling(s.cooling[lane], pack_count, pack_when, clock[DAYS], gates, start, out, told)
    learn_probes(s.probe_normal[lane], s.probe_fit[lane], s.probe_own[lane], lasting)
    pass_time(normal, fit, own, passed, keep)
    return told
