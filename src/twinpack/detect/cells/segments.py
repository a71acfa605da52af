"""The end of a segment: its means go into the block, and are one row of the regressions of every cell. Compiled.

A cell's deviation from the median cell, V, is

    offset + OCV'(s) (imbalance + lack of capacity (s - 1/2) + drift t) + resistance x rate

with the rate as it would act at 25 °C, of load and charge apart. All cells share the conditions, so they share the
normal matrix; each has right-hand sides of its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from twinpack.detect.cells.cusum import suspect
from twinpack.detect.cells.linear import add_row
from twinpack.detect.cells.state import (
    BASELINE,
    BLOCK_S,
    BLOCK_V,
    CAPACITY,
    CHARGE,
    CHARGED,
    COEFFICIENT,
    CUSUM,
    DAY,
    DAYS,
    DEPTH,
    DRIFT,
    FEATURES,
    HEATED,
    IMBALANCE,
    LEFT_S,
    LEFT_V,
    LOAD,
    LOADED,
    MEANS,
    OFFSET,
    REST,
    SCATTER,
    SEGMENT,
    SEGMENT_V,
    SLOPE,
    SQUARES,
    STEADY,
    SUMS,
    UNKNOWN,
    WEIGHT,
)
from twinpack.filters.kernels import kernel

DAY_S = 86_400.0
LEARNED_DAYS = 3
"""From then on a cell's own history is believed enough to weigh what contradicts it down."""
_REST_WEIGHT = 0.2
"""Segments at rest repeat each other: half a day of them is as good as an hour under current."""
_FULL_S = 600.0
_STEEP_V = 2.0
"""Where the open-circuit voltage is steeper than this, V a unit of charge, tables are wrong."""
_CLIP = 3.0


@kernel
def close_segment(
    clock: Any, segment_mean: Any, block_mean: Any, normal: Any, block: Any, fit: Any, own: Any, gates: Any, room: Any
) -> None:
    """Add the segment of a vehicle to its block and its regressions, and begin another.

    Args:
        clock: `clock` of the vehicle.
        segment_mean: `segment_mean`; it and the next five are written in place.
        block_mean: `block_mean`.
        normal: `normal`.
        block: `cell_block`.
        fit: `cell_fit`.
        own: `cell_own`.
        gates: `CellSettings`.
        room: Working space, (at least 3, at least cells and `FEATURES`).
    """
    cells = block.shape[1]
    value, expected, features = room[0, :cells], room[1, :cells], room[2, :FEATURES]
    for regime in range(4):
        mean = segment_mean[regime]
        seconds = mean[WEIGHT]
        if not seconds > 0.0:
            continue
        for cell in range(cells):
            value[cell] = block[SEGMENT_V + regime, cell] / seconds
        explained = regime != UNKNOWN and conditions(mean, regime, features)
        if explained:
            day = (clock[SEGMENT] + 0.5) * gates.segment_s / DAY_S - clock[DAY]
            features[DRIFT] = features[IMBALANCE] * day
            _expect(own, features, expected)
        _into_block(block, regime, seconds, value, expected, explained)
        if explained:
            weight = min(1.0, seconds / _FULL_S) * (_REST_WEIGHT if regime == REST else 1.0)
            most = own[SCATTER + regime] if clock[DAYS] >= LEARNED_DAYS else own[SCATTER][:0]
            _learn(normal, fit, own, most, features, weight, value, expected, gates)
        for place in range(MEANS):
            block_mean[regime, place] += mean[place]
            mean[place] = 0.0
        for cell in range(cells):
            block[SEGMENT_V + regime, cell] = 0.0


@kernel
def conditions(mean: Any, regime: int, features: Any) -> bool:
    """What explains the deviations of a segment or block, without drift; False where it is not known or no use."""
    seconds = mean[WEIGHT]
    slope, heated = mean[SLOPE] / seconds, mean[HEATED] / seconds
    features[OFFSET] = 1.0
    features[IMBALANCE] = slope
    features[CAPACITY] = mean[DEPTH] / seconds
    features[LOADED] = heated if regime == LOAD else 0.0
    features[CHARGED] = heated if regime == CHARGE else 0.0
    return bool(slope <= _STEEP_V and heated == heated)


@kernel
def _expect(own: Any, features: Any, expected: Any) -> None:
    """Deviation of each cell by its own history, V."""
    for cell in range(len(expected)):
        expected[cell] = 0.0
    for place in range(STEADY):
        scale, coefficient = features[place], own[COEFFICIENT + place]
        if scale != 0.0:
            for cell in range(len(expected)):
                expected[cell] += scale * coefficient[cell]


@kernel
def _into_block(block: Any, regime: int, seconds: float, value: Any, expected: Any, explained: bool) -> None:
    """A cell that was masked for one sample is left out of the segment."""
    sums, behind = block[BLOCK_V + regime], block[BLOCK_S + regime]
    left, left_behind = block[LEFT_V + regime], block[LEFT_S + regime]
    for cell in range(len(value)):
        known = value[cell] == value[cell]
        sums[cell] += seconds * value[cell] if known else 0.0
        behind[cell] += seconds if known else 0.0
        if explained:
            left[cell] += seconds * (value[cell] - expected[cell]) if known else 0.0
            left_behind[cell] += seconds if known else 0.0


@kernel
def _learn(
    normal: Any, fit: Any, own: Any, variance: Any, features: Any, weight: float, value: Any, expected: Any, gates: Any
) -> None:
    """One row more. A masked cell shows what it is expected to: the normal matrix counts the row for all."""
    add_row(normal, features, weight)
    squares, cusum = fit[SQUARES], own[CUSUM : CUSUM + 2]
    floor = gates.shift_floor_v * gates.shift_floor_v
    for cell in range(len(value)):
        shown = value[cell] if value[cell] == value[cell] else expected[cell]
        value[cell] = shown
        squares[cell] += weight * shown * shown
        if len(variance) == 0:
            expected[cell] = shown
        elif not suspect(cusum, cell, gates):
            most = _CLIP * np.sqrt(max(variance[cell], floor)) if variance[cell] > 0.0 else np.inf
            expected[cell] += min(max(shown - expected[cell], -most), most)
    for place in range(FEATURES):
        scale = weight * features[place]
        if scale == 0.0:
            continue
        sums = fit[SUMS + place]
        for cell in range(len(value)):
            sums[cell] += scale * value[cell]
        if place < STEADY:
            own_sums = fit[BASELINE + place]
            for cell in range(len(value)):
                own_sums[cell] += scale * expected[cell]
