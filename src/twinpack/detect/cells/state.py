"""What is kept of each vehicle's cells: sums of the segment and block at hand, regressions, counters, findings.

All of a vehicle lies together (`lanes_first`), about 330 bytes a cell. Sums within a block are float32, which is good
to 1e-7 V; sums over weeks are float64.
"""

from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from twinpack.telemetry.lanes import LaneArrays, lane_array

REST, LOAD, CHARGE, UNKNOWN = range(4)
REGIMES = ("rest", "load", "charge", "without current")
"""What the pack did when a cell was judged; the last where no current is told."""

SEGMENT, BLOCK, DAY, CHARGING, DAYS, ROWS = range(6)
"""Places in `clock`: number of the segment, block and day at hand (`UNSET`: none yet), start of the charge at hand in
µs (`UNSET`: none), days with data so far, segments that the day at hand gave the regression."""
UNSET = -(2**62)

WEIGHT, SLOPE, DEPTH, SOC, CURRENT, HEATED, TEMP = range(7)
"""Places in `segment_mean` and `block_mean`: seconds, then sums over seconds of the OCV's slope, slope x depth, state
of charge (0..1), C-rate, C-rate as it would act at 25 °C, temperature."""
MEANS = 7

OFFSET, IMBALANCE, CAPACITY, LOADED, CHARGED, DRIFT = range(6)
"""Coefficients of a cell against the median one: V; charge (0..1); relative lack of capacity; V at 1 C and 25 °C under
load and in charge; charge a day."""
FEATURES = 6
STEADY = 5
"""Those without drift, by which a cell's own history is told."""

LOW, HIGH, SHIFT, WEAK, RESISTANCE, SELFDIS = range(6)
CELL_CODES = ("TP-CELL-LOW", "TP-CELL-HIGH", "TP-CELL-SHIFT", "TP-CELL-CAPACITY", "TP-CELL-RESISTANCE", "TP-SELFDIS")
OUTLIER, MOVED = range(2)
PROBE_CODES = ("TP-PROBE", "TP-PROBE")
SPREAD, COOLING = range(2)
PACK_CODES = ("TP-SPREAD", "TP-COOLING")

_CELLS, _PROBES = "cells", "probes"


def _of(dtype: Any, *rows: int | str, fill: Any = 0) -> dict[str, Any]:
    return lane_array(dtype, fill, rows)


@dataclass(frozen=True)
class CellsState(LaneArrays):
    """State of the cell anomalies of L vehicles; sizes `cells` and `probes`, shapes (L, ...).

    Attributes:
        clock: See `SEGMENT`.
        segment_mean: Sums over the segment at hand by regime, see `WEIGHT`.
        segment_v: Deviation from the median cell, sum over seconds, by regime and cell, Vs.
        block_mean: As `segment_mean`, of the block.
        block_v: As `segment_v`, of the block.
        block_s: Seconds behind it.
        block_left: What the cell's own history leaves unexplained of it, Vs.
        block_left_s: Seconds behind that.
        streak: Bad blocks in a row, signed, by gate (alarm, watch), regime and cell.
        normal: Normal matrix of the regression, the same for all cells.
        sums: Right-hand sides, by coefficient and cell.
        squares: Sum of squares, by cell.
        baseline: Right-hand sides of the cell's own history, robust.
        coefficient: Solution of that.
        scatter: Variance of blocks about it, by regime and cell, V²; NaN before any.
        scatter_blocks: Blocks behind it, by regime.
        cusum: Upward and downward, in scatters.
        onset: When they last left zero, minutes since the epoch.
        moved: Sum of the shifts since, V.
        moved_blocks: How many.
        trend: Bad days in a row, by gate, figure (capacity, resistance, self-discharge) and cell.
        history: Slow mean of capacity and resistance, by cell.
        history_days: Days behind it.
        level: 0 normal, 1 watch, 2 alarm, by code and cell.
        times: How often raised.
        since: Since when it is so, minutes since the epoch.
        good: Normal blocks since it last was so.
        probe_mean: Seconds, and sums of the probes' regressors, at rest and else.
        probe_v: Deviation from the median probe, Ks, at rest and else.
        probe_s: Seconds behind it.
        probe_streak: Bad blocks in a row, signed, at rest and else.
        probe_normal: Normal matrix of the probes' own histories.
        probe_sums: Right-hand sides.
        probe_scatter: Variance of blocks about it, K²; NaN before any.
        probe_cusum: As `cusum`, and so `probe_onset` and the rest.
        pack_level: As `level`, by code of the pack, and so the rest.
        spread: Regression of the spread of cells at rest on time, see `spread`.
        cooling: Regression of the heating and cooling, see `cooling`.
    """

    lanes_first: ClassVar[bool] = True

    clock: npt.NDArray[np.int64] = field(metadata=_of(np.int64, 6, fill=UNSET))
    segment_mean: npt.NDArray[np.float64] = field(metadata=_of(np.float64, 4, MEANS))
    segment_v: npt.NDArray[np.float32] = field(metadata=_of(np.float32, 4, _CELLS))
    block_mean: npt.NDArray[np.float64] = field(metadata=_of(np.float64, 4, MEANS))
    block_v: npt.NDArray[np.float32] = field(metadata=_of(np.float32, 4, _CELLS))
    block_s: npt.NDArray[np.float32] = field(metadata=_of(np.float32, 4, _CELLS))
    block_left: npt.NDArray[np.float32] = field(metadata=_of(np.float32, 4, _CELLS))
    block_left_s: npt.NDArray[np.float32] = field(metadata=_of(np.float32, 4, _CELLS))
    streak: npt.NDArray[np.int8] = field(metadata=_of(np.int8, 2, 4, _CELLS))
    normal: npt.NDArray[np.float64] = field(metadata=_of(np.float64, FEATURES, FEATURES))
    sums: npt.NDArray[np.float64] = field(metadata=_of(np.float64, FEATURES, _CELLS))
    squares: npt.NDArray[np.float64] = field(metadata=_of(np.float64, _CELLS))
    baseline: npt.NDArray[np.float64] = field(metadata=_of(np.float64, STEADY, _CELLS))
    coefficient: npt.NDArray[np.float32] = field(metadata=_of(np.float32, STEADY, _CELLS))
    scatter: npt.NDArray[np.float32] = field(metadata=_of(np.float32, 4, _CELLS, fill=np.nan))
    scatter_blocks: npt.NDArray[np.float64] = field(metadata=_of(np.float64, 4))
    cusum: npt.NDArray[np.float32] = field(metadata=_of(np.float32, 2, _CELLS))
    onset: npt.NDArray[np.int32] = field(metadata=_of(np.int32, 2, _CELLS))
    moved: npt.NDArray[np.float32] = field(metadata=_of(np.float32, 2, _CELLS))
    moved_blocks: npt.NDArray[np.int16] = field(metadata=_of(np.int16, 2, _CELLS))
    trend: npt.NDArray[np.int8] = field(metadata=_of(np.int8, 2, 3, _CELLS))
    history: npt.NDArray[np.float32] = field(metadata=_of(np.float32, 2, _CELLS))
    history_days: npt.NDArray[np.float64] = field(metadata=_of(np.float64))
    level: npt.NDArray[np.uint8] = field(metadata=_of(np.uint8, 6, _CELLS))
    times: npt.NDArray[np.uint8] = field(metadata=_of(np.uint8, 6, _CELLS))
    since: npt.NDArray[np.int32] = field(metadata=_of(np.int32, 6, _CELLS))
    good: npt.NDArray[np.uint8] = field(metadata=_of(np.uint8, 6, _CELLS))
    probe_mean: npt.NDArray[np.float64] = field(metadata=_of(np.float64, 2, 3))
    probe_v: npt.NDArray[np.float32] = field(metadata=_of(np.float32, 2, _PROBES))
    probe_s: npt.NDArray[np.float32] = field(metadata=_of(np.float32, 2, _PROBES))
    probe_streak: npt.NDArray[np.int8] = field(metadata=_of(np.int8, 2, _PROBES))
    probe_normal: npt.NDArray[np.float64] = field(metadata=_of(np.float64, 3, 3))
    probe_sums: npt.NDArray[np.float64] = field(metadata=_of(np.float64, 3, _PROBES))
    probe_scatter: npt.NDArray[np.float32] = field(metadata=_of(np.float32, _PROBES, fill=np.nan))
    probe_cusum: npt.NDArray[np.float32] = field(metadata=_of(np.float32, 2, _PROBES))
    probe_onset: npt.NDArray[np.int32] = field(metadata=_of(np.int32, 2, _PROBES))
    probe_moved: npt.NDArray[np.float32] = field(metadata=_of(np.float32, 2, _PROBES))
    probe_moved_blocks: npt.NDArray[np.int16] = field(metadata=_of(np.int16, 2, _PROBES))
    probe_level: npt.NDArray[np.uint8] = field(metadata=_of(np.uint8, 2, _PROBES))
    probe_times: npt.NDArray[np.uint8] = field(metadata=_of(np.uint8, 2, _PROBES))
    probe_since: npt.NDArray[np.int32] = field(metadata=_of(np.int32, 2, _PROBES))
    probe_good: npt.NDArray[np.uint8] = field(metadata=_of(np.uint8, 2, _PROBES))
    pack_level: npt.NDArray[np.uint8] = field(metadata=_of(np.uint8, 2, 1))
    pack_times: npt.NDArray[np.uint8] = field(metadata=_of(np.uint8, 2, 1))
    pack_since: npt.NDArray[np.int32] = field(metadata=_of(np.int32, 2, 1))
    pack_good: npt.NDArray[np.uint8] = field(metadata=_of(np.uint8, 2, 1))
    spread: npt.NDArray[np.float64] = field(metadata=_of(np.float64, 24))
    cooling: npt.NDArray[np.float64] = field(metadata=_of(np.float64, 32))


_named: Any = namedtuple  # its names come from the class above, which no type checker follows
CellArrays: Any = _named("CellArrays", [part.name for part in fields(CellsState)], module=__name__)
"""The arrays of a `CellsState`, as a kernel takes them."""


def arrays_of(state: CellsState) -> Any:
    """The arrays of a state for a kernel, not copied."""
    return CellArrays(**state.arrays())
