"""Samples gathered to steps: the mean of a vehicle's consecutive rows within one bin of time.

A fold: the rows of an unfinished step wait in the carry, and any split of the rows into batches gives the same steps,
bit for bit. Every sum is taken row by row with the carried sum as its first term, since a pairwise sum (`np.sum`,
`np.add.reduceat`) would depend on where a batch ends.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from twinpack.telemetry.arrivals import NEVER, Arrivals, Bools, Ints, Lanes, by_lane, lane_starts
from twinpack.telemetry.batch import Floats, SampleBatch
from twinpack.telemetry.lanes import LaneArrays, lane_array
from twinpack.telemetry.schema import KIND_TICK

STEP_SIGNALS = (
    "pack_voltage_v",
    "pack_current_a",
    "cell_temp_avg_c",
    "soc_pct",
    "speed_kmh",
    "odometer_km",
    "is_charging",
    "load_kg",
)
"""Signals that steps carry: those that sessions are cut by and twins learn from."""

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

    newest_us: Ints = field(metadata=lane_array(np.int64, NEVER))
    receipt_us: Ints = field(metadata=lane_array(np.int64, NEVER))
    quiet: Bools = field(metadata=lane_array(np.bool_, False))
    late: Ints = field(metadata=lane_array(np.int64, 0))
    repeated: Ints = field(metadata=lane_array(np.int64, 0))
    ahead: Ints = field(metadata=lane_array(np.int64, 0))
    rows: Ints = field(metadata=lane_array(np.int64, 0))
    bin: Ints = field(metadata=lane_array(np.int64, 0))
    first_us: Ints = field(metadata=lane_array(np.int64, 0))
    sums: Floats = field(metadata=lane_array(np.float64, 0.0, rows=len(STEP_SIGNALS)))
    counts: Ints = field(metadata=lane_array(np.int64, 0, rows=len(STEP_SIGNALS)))


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
    arrived: Arrivals,
    *,
    step_us: int,
    close_after_us: int,
    gap_us: int,
) -> tuple[StepCarry, Steps]:
    """Gather a batch's rows to steps.

    A step is complete when the vehicle's next row lies in a later bin, or when a tick is received more than
    `close_after_us` after the step's last row. A vehicle is silent when a tick is received more than `gap_us` after
    its last row; that is told once.

    Args:
        carry: State before the batch.
        batch: Consecutive rows of the log.
        arrived: The samples in it that are used, found with `carry.newest_us`.
        step_us: Width of a bin.
        close_after_us: Silence that completes a step; at most `gap_us` is used.
        gap_us: Silence that is told.

    Returns:
        State after the batch, and the steps completed within it.
    """
    width = min(close_after_us, gap_us)
    ticks = _Ticks.of(batch)
    items = _items(carry, batch, arrived.row, arrived.lane, len(ticks.offset) > 0, step_us)
    following = _following_offset(items)
    closing = ticks.first_after(items.offset, following, items.receipt_us, width)
    telling = ticks.first_after(items.offset, following, items.receipt_us, gap_us)
    groups = _group(items, following, closing)
    sums, counts = _sums(carry, batch, items, groups)
    counted = _counted(carry, arrived)
    after = _carried(counted, items, groups, telling, sums, counts)
    return after, _completed(items, groups, telling, sums, counts)


@dataclass(frozen=True)
class _Ticks:
    """Tick rows of the batch, in log order."""

    offset: Ints
    receipt_us: Ints

    @classmethod
    def of(cls, batch: SampleBatch) -> _Ticks:
        rows = np.flatnonzero(batch.kind == KIND_TICK)
        return cls(batch.first_offset + rows, batch.receipt_time_us[rows])

    def first_after(self, after: Ints, before: Ints, receipt_us: Ints, silence_us: int) -> Ints:
        """Offset of the first tick between two offsets received more than `silence_us` after a receipt, else `_END`."""
        limit = receipt_us + silence_us
        # Ticks of an import of older data may go back in time, so the running maximum only tells where to begin.
        soonest = np.searchsorted(np.maximum.accumulate(self.receipt_us), limit, side="right")
        at = np.maximum(np.searchsorted(self.offset, after, side="right"), soonest)
        stop = np.searchsorted(self.offset, before)
        found = np.full(len(after), _END)
        open_ = np.flatnonzero(at < stop)
        while len(open_):
            hit = self.receipt_us[at[open_]] > limit[open_]
            found[open_[hit]] = self.offset[at[open_[hit]]]
            open_ = open_[~hit]
            at[open_] += 1
            open_ = open_[at[open_] < stop[open_]]
        return found


@dataclass(frozen=True)
class _Items:
    """Rows used, by lane in arrival order; before those of a lane, what the carry knows of it counts as one row.

    `row` is -1 for that item, whose `rows` is the number in the unfinished step (0 when there is none).
    """

    lane: Lanes
    row: Ints
    offset: Ints
    time_us: Ints
    receipt_us: Ints
    bin: Ints
    first_us: Ints
    rows: Ints


@dataclass(frozen=True)
class _Groups:
    """Items gathered to steps, the unfinished ones among them.

    Attributes:
        of_item: Group of each item.
        start: First item of each group.
        last: Last item of each group.
        offset: Offset of what completed it, `_END` when it is unfinished.
        rows: Number of rows; 0 for the trace of a step that an earlier batch completed.
    """

    of_item: Ints
    start: Ints
    last: Ints
    offset: Ints
    rows: Ints

    @property
    def complete(self) -> Bools:
        return (self.offset < _END) & (self.rows > 0)


def _items(carry: StepCarry, batch: SampleBatch, rows: Ints, lane: Lanes, ticked: bool, step_us: int) -> _Items:
    touched = np.zeros(carry.lanes, dtype=np.bool_)
    touched[lane] = True
    held = np.flatnonzero((carry.newest_us > NEVER) & ~carry.quiet & (touched | ticked)).astype(np.int32)
    lanes = np.concatenate([held, lane])
    order = by_lane(lanes, carry.lanes)
    time = batch.sample_time_us[rows]

    def joined(known: Ints, new: Ints) -> Ints:
        return np.concatenate([known[held], new])[order]

    return _Items(
        lane=lanes[order],
        row=np.concatenate([np.full(len(held), -1), rows])[order],
        offset=np.concatenate([np.full(len(held), batch.first_offset - 1), batch.first_offset + rows])[order],
        time_us=joined(carry.newest_us, time),
        receipt_us=joined(carry.receipt_us, batch.receipt_time_us[rows]),
        bin=joined(carry.bin, time // step_us),
        first_us=joined(carry.first_us, time),
        rows=joined(carry.rows, np.ones(len(rows), dtype=np.int64)),
    )


def _following_offset(items: _Items) -> Ints:
    following = np.full(len(items.lane), _END)
    following[:-1] = np.where(items.lane[1:] == items.lane[:-1], items.offset[1:], _END)
    return following


def _group(items: _Items, following: Ints, closing: Ints) -> _Groups:
    first = lane_starts(items.lane)
    ended = (closing < _END) | (items.rows == 0)
    first[1:] |= (items.bin[1:] != items.bin[:-1]) | ended[:-1]
    start = np.flatnonzero(first)
    last = np.append(start[1:], len(first)) - 1 if len(start) else start
    rows = np.zeros(len(start), dtype=np.int64)
    of_item = np.cumsum(first) - 1
    np.add.at(rows, of_item, items.rows)
    return _Groups(of_item, start, last, np.minimum(closing[last], following[last]), rows)


def _sums(carry: StepCarry, batch: SampleBatch, items: _Items, groups: _Groups) -> tuple[Floats, Ints]:
    """Sum and number of the values that are not missing, shape (signals, groups)."""
    held = items.row < 0
    row, group = items.row[~held], groups.of_item[~held]
    # Carried sums come first: `bincount` adds in the order given.
    order = np.concatenate([groups.of_item[held], group])
    size = len(groups.start)
    sums = np.empty((len(STEP_SIGNALS), size))
    counts = np.empty((len(STEP_SIGNALS), size), dtype=np.int64)
    for index, name in enumerate(STEP_SIGNALS):
        value = batch.signals[name][row]
        known = ~np.isnan(value)
        carried = items.lane[held]
        weights = np.concatenate([carry.sums[index, carried], np.where(known, value, 0.0)])
        sums[index] = np.bincount(order, weights, minlength=size)
        counts[index] = np.bincount(group[known], minlength=size)
        counts[index, groups.of_item[held]] += carry.counts[index, carried]
    return sums, counts


def _counted(carry: StepCarry, arrived: Arrivals) -> StepCarry:
    after = carry.copied()
    np.add.at(after.late, arrived.late, 1)
    np.add.at(after.repeated, arrived.repeated, 1)
    np.add.at(after.ahead, arrived.ahead, 1)
    return after


def _carried(after: StepCarry, items: _Items, groups: _Groups, telling: Ints, sums: Floats, counts: Ints) -> StepCarry:
    """State with what the last item and the last step of each lane say; `after` is written."""
    lane = items.lane[groups.last]
    final = np.append(lane[1:] != lane[:-1], True)[: len(lane)]
    lane, last, start = lane[final], groups.last[final], groups.start[final]
    open_ = groups.offset[final] == _END
    after.newest_us[lane] = items.time_us[last]
    after.receipt_us[lane] = items.receipt_us[last]
    after.quiet[lane] = telling[last] < _END
    after.rows[lane] = np.where(open_, groups.rows[final], 0)
    open_ &= groups.rows[final] > 0
    after.bin[lane] = np.where(open_, items.bin[last], 0)
    after.first_us[lane] = np.where(open_, items.first_us[start], 0)
    after.sums[:, lane] = np.where(open_, sums[:, final], 0.0)
    after.counts[:, lane] = np.where(open_, counts[:, final], 0)
    return after


def _completed(items: _Items, groups: _Groups, telling: Ints, sums: Floats, counts: Ints) -> Steps:
    complete = np.flatnonzero(groups.complete)
    last, start = groups.last[complete], groups.start[complete]
    told = np.flatnonzero(telling < _END)
    return Steps(
        lane=items.lane[last],
        time_us=items.time_us[last],
        first_us=items.first_us[start],
        receipt_us=items.receipt_us[last],
        offset=groups.offset[complete],
        rows=groups.rows[complete],
        values={name: _means(sums[index], counts[index], complete) for index, name in enumerate(STEP_SIGNALS)},
        silent_lane=items.lane[told],
        silent_at=np.cumsum(groups.complete, dtype=np.int64)[groups.of_item[told]],
        silent_offset=telling[told],
    )


def _means(sums: Floats, counts: Ints, of: Ints) -> Floats:
    """Mean of some steps' values, NaN where there is none."""
    count = counts[of]
    means: Floats = sums[of] / np.where(count > 0, count, np.nan)
    return means
