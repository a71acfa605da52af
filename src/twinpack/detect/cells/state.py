"""What is kept of each vehicle's cells: sums of the segment and block at hand, regressions, counters, findings.

All of a vehicle lies together (`lanes_first`), about 300 bytes a cell. Rows of one type and size share an array, so
that compiled code is handed few of them; the constants say which row is what. Sums within a block are float32, which
is good to 1e-7 V; sums over weeks are float64.
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
µs (`UNSET`: none), days with data so far, segments with samples of the day at hand."""
UNSET = -(2**62)

WEIGHT, SLOPE, DEPTH, SOC, CURRENT, HEATED, TEMP = range(7)
"""Places in the means of a segment or block: seconds, then sums over seconds of the OCV's slope, slope x depth, state
of charge (0..1), C-rate, C-rate as it would act at 25 °C, temperature."""
MEANS = 7

OFFSET, IMBALANCE, CAPACITY, LOADED, CHARGED, DRIFT = range(6)
"""Coefficients of a cell against the median one: V; charge (0..1); relative lack of capacity; V at 1 C and 25 °C under
load and in charge; charge a day."""
FEATURES = 6
STEADY = 5
"""Those without drift, by which a cell's own history is told."""

PROBE_WEIGHT, OVER_AIR, OVER_COOLANT, WARMED = range(4)
"""Places in `probe_mean`: seconds, then sums over seconds of the pack's temperature over the air and, in use, over the
coolant, in 10 K, and of the squared C-rate."""
PROBE_MEANS = 4
PROBE_FEATURES = 4

# Rows of `cell_block`, float32, by regime: the segment's deviation from the median cell (Vs), the block's, its seconds,
# what a cell's own history leaves unexplained of it (Vs) and the seconds of that.
SEGMENT_V, BLOCK_V, BLOCK_S, LEFT_V, LEFT_S = 0, 4, 8, 12, 16
# Rows of `cell_fit`, float64: right-hand sides, those of the robust own history, sum of squares.
SUMS, BASELINE, SQUARES = 0, 6, 11
# Rows of `cell_own`, float32: solution of the own history, variance of blocks about it by regime (V², 0 before any),
# upward and downward CUSUM (scatters), size of the shift since its onset (V), slow mean of capacity and resistance,
# size of the shift when it was first told (V).
COEFFICIENT, SCATTER, CUSUM, MOVED, HISTORY, FIRST_MOVED = 0, 5, 9, 11, 13, 15
# Rows of `cell_when`, int32, minutes since the epoch: onset of the CUSUMs, since when findings hold, when the shift was
# first told.
ONSET, SINCE, FIRST_TOLD = 0, 2, 8
# Rows of `cell_count`, int8: bad blocks in a row (signed) by gate and regime, blocks since the onset, bad days in a row
# by gate and figure, level of findings, how often raised, normal blocks in a row.
STREAK, SINCE_ONSET, TREND, LEVELS, TIMES_RAISED, GOOD = 0, 8, 10, 16, 22, 28

# Rows of the same of probes, at rest and else where there are two.
PROBE_V, PROBE_S = 0, 2
PROBE_COEFFICIENT, PROBE_SCATTER, PROBE_CUSUM, PROBE_MOVED = 0, 4, 5, 7
PROBE_ONSET, PROBE_SINCE = 0, 2
PROBE_STREAK, PROBE_SINCE_ONSET, PROBE_LEVELS, PROBE_TIMES, PROBE_GOOD = 0, 2, 4, 6, 8

# Places in `totals`: blocks behind the scatter by regime, days behind the slow means, blocks behind probes' scatter.
SCATTER_BLOCKS, HISTORY_DAYS, PROBE_BLOCKS = 0, 4, 5

LOW, HIGH, SHIFT, WEAK, RESISTANCE, SELFDIS = range(6)
CELL_CODES = ("TP-CELL-LOW", "TP-CELL-HIGH", "TP-CELL-SHIFT", "TP-CELL-CAPACITY", "TP-CELL-RESISTANCE", "TP-SELFDIS")
OUTLIER, SHIFTED = range(2)
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
        totals: See `SCATTER_BLOCKS`.
        segment_mean: Conditions of the segment at hand by regime, see `WEIGHT`.
        block_mean: The same of the block.
        normal: Normal matrix of the cells' regressions, the same for all.
        cell_block: Sums of the segment and block at hand, see `SEGMENT_V`.
        cell_fit: Sums of the regressions, see `SUMS`.
        cell_own: What is known of each cell's history, see `COEFFICIENT`.
        cell_when: See `ONSET`.
        cell_count: See `STREAK`.
        probe_mean: Conditions of the probes' block at rest and else, see `PROBE_WEIGHT`.
        probe_normal: Normal matrix of the probes' regressions.
        probe_block: Deviation from the mean probe, Ks, and seconds behind it.
        probe_fit: Right-hand sides.
        probe_own: As `cell_own`, in K.
        probe_when: As `cell_when`.
        probe_count: As `cell_count`.
        pack_when: Since when findings of the pack hold, minutes since the epoch.
        pack_count: Level, times raised and normal days of those.
        spread: Regression of the spread at rest on time, see `spread`.
        cooling: Regressions of heating and cooling, see `cooling`.
    """

    lanes_first: ClassVar[bool] = True

    clock: npt.NDArray[np.int64] = field(metadata=_of(np.int64, 6, fill=UNSET))
    totals: npt.NDArray[np.float64] = field(metadata=_of(np.float64, 6))
    segment_mean: npt.NDArray[np.float64] = field(metadata=_of(np.float64, 4, MEANS))
    block_mean: npt.NDArray[np.float64] = field(metadata=_of(np.float64, 4, MEANS))
    normal: npt.NDArray[np.float64] = field(metadata=_of(np.float64, FEATURES, FEATURES))
    cell_block: npt.NDArray[np.float32] = field(metadata=_of(np.float32, 20, _CELLS))
    cell_fit: npt.NDArray[np.float64] = field(metadata=_of(np.float64, 12, _CELLS))
    cell_own: npt.NDArray[np.float32] = field(metadata=_of(np.float32, 16, _CELLS))
    cell_when: npt.NDArray[np.int32] = field(metadata=_of(np.int32, 9, _CELLS))
    cell_count: npt.NDArray[np.int8] = field(metadata=_of(np.int8, 34, _CELLS))
    probe_mean: npt.NDArray[np.float64] = field(metadata=_of(np.float64, 2, PROBE_MEANS))
    probe_normal: npt.NDArray[np.float64] = field(metadata=_of(np.float64, PROBE_FEATURES, PROBE_FEATURES))
    probe_block: npt.NDArray[np.float32] = field(metadata=_of(np.float32, 4, _PROBES))
    probe_fit: npt.NDArray[np.float64] = field(metadata=_of(np.float64, PROBE_FEATURES, _PROBES))
    probe_own: npt.NDArray[np.float32] = field(metadata=_of(np.float32, 9, _PROBES))
    probe_when: npt.NDArray[np.int32] = field(metadata=_of(np.int32, 4, _PROBES))
    probe_count: npt.NDArray[np.int8] = field(metadata=_of(np.int8, 10, _PROBES))
    pack_when: npt.NDArray[np.int32] = field(metadata=_of(np.int32, 2, 1))
    pack_count: npt.NDArray[np.int8] = field(metadata=_of(np.int8, 6, 1))
    spread: npt.NDArray[np.float64] = field(metadata=_of(np.float64, 28))
    cooling: npt.NDArray[np.float64] = field(metadata=_of(np.float64, 48))


_named: Any = namedtuple  # its names come from the class above, which no type checker follows
CellArrays: Any = _named("CellArrays", [part.name for part in fields(CellsState)], module=__name__)
"""The arrays of a `CellsState`, as a kernel takes them."""


def arrays_of(state: CellsState) -> Any:
    """The arrays of a state for a kernel, not copied."""
    return CellArrays(**state.arrays())
