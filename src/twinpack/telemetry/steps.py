"""Samples gathered to steps: the mean of a vehicle's consecutive rows within one bin of time.

A fold: the rows of an unfinished step wait in the carry, and any split of the rows into batches gives the same steps,
bit for bit. Every sum is taken row by row with the carried sum as its first term, since a pairwise sum (`np.sum`,
`np.add.reduceat`) would depend on where a batch ends.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twinpack.telemetry.batch import Floats, SampleBatch
from twinpack.telemetry.lanes import LaneArrays, lane_array
from twinpack.telemetry.schema import KIND_SAMPLE, KIND_TICK

Ints = npt.NDArray[np.int64]
Lanes = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]

STEP_SIGNALS = (
    "pack_voltage_v",
    "pack_current_a",
    "cell_temp_avg_c",
    "soc_pct",
    "speed_kmh",
    "odometer_km",
    "ambient_temp_c",
    "elevation_m",
    "load_kg",
    "heating_power_kw",
    "is_charging",
    "planned_distance_km",
    "planned_duration_s",
)
"""Signals that steps carry."""

AHEAD_US = 300_000_000
"""A sample dated further than this after its receipt has a broken clock: five minutes."""

NEVER = int(np.iinfo(np.int64).min)
_END = int(np.iinfo(np.int64).max)


@dataclass(frozen=True)
class StepCarry(LaneArrays):
    """What is known of each vehicle between batches.

    Attributes:
        newest_us: Time of the newest row used, `NEVER` before the first.
        receipt_us: Its receipt time.
        quiet: The vehicle's silence since then has been told.
        late: Rows not used since a newer one had come.
        repeated: Rows not used since their time had come before.
        ahead: Rows not used since their time lies in the future of their receipt.
        rows: Rows in the unfinished step, 0 when there is none.
        bin: Its bin of time.
        first_us: Time of its first row.
        sums: Sums of its values, shape (signals, lanes).
        counts: Number of values in each sum, shape (signals, lanes).
    """

    newest_us: Ints = lane_array(np.int64, NEVER)
    receipt_us: Ints = lane_array(np.int64, NEVER)
    quiet: Bools = lane_array(np.bool_, False)
    late: Ints = lane_array(np.int64, 0)
    repeated: Ints = lane_array(np.int64, 0)
    ahead: Ints = lane_array(np.int64, 0)
    rows: Ints = lane_array(np.int64, 0)
    bin: Ints = lane_array(np.int64, 0)
    first_us: Ints = lane_array(np.int64, 0)
    sums: Floats = lane_array(np.float64, 0.0, rows=len(STEP_SIGNALS))
    counts: Ints = lane_array(np.int64, 0, rows=len(STEP_SIGNALS))


@dataclass(frozen=True)
class Steps:
    """Steps completed within a batch, M of them, by lane and in time order within a lane.

    Attributes:
        lane: Vehicle of each, ascending, shape (M,), int32.
        time_us: Sample time of its last row.
        first_us: Sample time of its first row.
        receipt_us: Receipt time of its last row.
        offset: Log offset of the row that completed it: the vehicle's next row or a tick; it lies in the batch.
        rows: Number of rows.
        values: Mean of the values that are not missing, by signal; NaN if there is none.
        silent_lane: Vehicles that fell silent, ascending, shape (K,), int32.
        silent_at: The silence lies before this index of the steps and after all below it, shape (K,).
        silent_offset: Log offset of the tick that told it, shape (K,).
    """

    lane: Lanes
    time_us: Ints
    first_us: Ints
    receipt_us: Ints
    offset: Ints
    rows: Ints
    values: dict[str, Floats]
    silent_lane: Lanes
    silent_at: Ints
    silent_offset: Ints

    def __len__(self) -> int:
        """Number of steps."""
        return len(self.lane)


def steps(
    carry: StepCarry,
    batch: SampleBatch,
    lane_of: Lanes,
    *,
    step_us: int,
    close_after_us: int,
    gap_us: int,
    ahead_us: int = AHEAD_US,
) -> tuple[StepCarry, Steps]:
    """Gather a batch's rows to steps.

    A step is complete when the vehicle's next row lies in a later bin, or when a tick is received more than
    `close_after_us` after the step's last row. A vehicle is silent when a tick is received more than `gap_us` after
    its last row; that is told once.

    Args:
        carry: State before the batch.
        batch: Consecutive rows of the log.
        lane_of: Lane of each of `batch.vehicle_ids`, -1 for vehicles to be passed over.
        step_us: Width of a bin.
        close_after_us: Silence that completes a step; at most `gap_us` is used.
        gap_us: Silence that is told.
        ahead_us: A row dated further than this after its receipt is not used.

    Returns:
        State after the batch, and the steps completed within it.
    """
    raise NotImplementedError
