"""Which samples of a batch are used: in arrival order, newer than all before of their vehicle, not from the future."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twinpack.telemetry.batch import SampleBatch
from twinpack.telemetry.checks import MAX_AHEAD_US
from twinpack.telemetry.schema import KIND_SAMPLE

Ints = npt.NDArray[np.int64]
Lanes = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]

NEVER = int(np.iinfo(np.int64).min)
"""Time of the newest sample of a vehicle that has had none."""
_END = int(np.iinfo(np.int64).max)


@dataclass(frozen=True)
class Arrivals:
    """The samples of a batch that are used, M of them, by lane in arrival order, and the lanes of those that are not.

    Attributes:
        row: Row of each in the batch, shape (M,), int64.
        lane: Its vehicle, ascending, shape (M,), int32.
        before_us: Newest sample time of its vehicle before it, `NEVER` where there was none, shape (M,), int64.
        late: Lane of each sample older than the newest of its vehicle.
        repeated: Lane of each sample as old as the newest.
        ahead: Lane of each sample dated too far after its receipt.
    """

    row: Ints
    lane: Lanes
    before_us: Ints
    late: Lanes
    repeated: Lanes
    ahead: Lanes

    def __len__(self) -> int:
        """Number of samples that are used."""
        return len(self.row)


def arrivals(batch: SampleBatch, lane_of: Lanes, newest_us: Ints, ahead_us: int = MAX_AHEAD_US) -> Arrivals:
    """Find the samples that are used.

    Args:
        batch: Consecutive rows of the log.
        lane_of: Lane of each of `batch.vehicle_ids`, -1 for vehicles to be passed over.
        newest_us: Newest sample time of each lane before the batch, `NEVER` before the first.
        ahead_us: A row dated further than this after its receipt is not used.
    """
    row, lane, ahead = _samples(batch, lane_of, len(newest_us), ahead_us)
    time = batch.sample_time_us[row]
    before = _newest_before(lane, time, newest_us)
    used = time > before
    return Arrivals(row[used], lane[used], before[used], lane[time < before], lane[time == before], ahead)


def _samples(batch: SampleBatch, lane_of: Lanes, lanes: int, ahead_us: int) -> tuple[Ints, Lanes, Lanes]:
    """Rows with a sample of a lane, by lane in arrival order; their lanes; the lane of each row with a broken clock."""
    rows = np.flatnonzero((batch.kind == KIND_SAMPLE) & (batch.vehicle >= 0))
    lane = np.asarray(lane_of, dtype=np.int32)[batch.vehicle[rows]]
    rows, lane = rows[lane >= 0], lane[lane >= 0]
    ahead = batch.sample_time_us[rows] - batch.receipt_time_us[rows] > ahead_us
    broken = lane[ahead]
    rows, lane = rows[~ahead], lane[~ahead]
    order = by_lane(lane, lanes)
    return rows[order], lane[order], broken


def _newest_before(lane: Lanes, time: Ints, carried: Ints) -> Ints:
    """Newest time of each row's vehicle before the row arrived."""
    first = lane_starts(lane)
    before = np.empty_like(time)
    before[1:] = time[:-1]
    before[first] = carried[lane[first]]
    return before if bool(np.all(time > before)) else _running_newest(first, time, before)


def _running_newest(first: Bools, time: Ints, before: Ints) -> Ints:
    """The same when rows are out of order: `before` is right only where a lane begins."""
    own = np.where(first, np.maximum(time, before), time)
    lane = np.cumsum(first)
    low = own.min()
    span = int(own.max()) - int(low) + 1
    if (int(lane[-1]) + 1) * span < _END:
        rank, known = own - low, None
    else:  # lane and time together do not fit 64 bits
        known, rank = np.unique(own, return_inverse=True)
        span = len(known)
    base = lane * span
    newest = np.maximum.accumulate(base + rank) - base
    result = before.copy()
    result[1:] = np.where(first[1:], before[1:], (newest + low if known is None else known[newest])[:-1])
    return result


def by_lane(lane: Lanes, lanes: int) -> Ints:
    """Order that puts lanes together, each in the order given."""
    # numpy sorts 16-bit keys by radix, several times faster than wider ones.
    return np.argsort(lane.astype(np.uint16) if lanes <= 2**16 else lane, kind="stable")


def lane_starts(lane: Lanes) -> Bools:
    """Where a lane's entries begin in an array grouped by lane."""
    first = np.ones(len(lane), dtype=np.bool_)
    first[1:] = lane[1:] != lane[:-1]
    return first
