"""Late samples put in place: the rows of a log in the order in which they would have arrived.

A sample is late when a newer one of its vehicle came before it; the fold passes over it. In place, it follows the
sample before it in time, with the delay that one had: before any tick or command that was received later. Rows of
vehicles without late samples stay where they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinpack.battery.pack import load_pack
from twinpack.fleet.commands import REPLAY, registers
from twinpack.fleet.state import ShardState
from twinpack.runtime.run import ReadableLog
from twinpack.telemetry.arrivals import NEVER
from twinpack.telemetry.batch import SampleBatch
from twinpack.telemetry.checks import MAX_AHEAD_US
from twinpack.telemetry.schema import KIND_SAMPLE, KIND_TICK, LOG, TIME_TYPE

Ints = npt.NDArray[np.int64]

READ_ROWS = 250_000


@dataclass(frozen=True)
class LateRows:
    """Late samples of one vehicle.

    Attributes:
        rows: How many.
        first_us: Sample time of the first, microseconds since the epoch.
        last_us: Sample time of the last.
    """

    rows: int
    first_us: int
    last_us: int


@dataclass(frozen=True)
class Found:
    """What came late in a stretch of the log.

    Attributes:
        late: Late samples by vehicle, those that a replay is to put in place.
        older: Late samples from before the time asked for; they stay where they are.
        settled: Late samples whose replay was applied before.
        from_us: Time from which samples are put in place: that asked for, or that of an earlier replay of the same
            vehicles, which has to be done over with what came since.
    """

    late: Mapping[str, LateRows]
    older: int
    settled: int
    from_us: int


@dataclass(frozen=True)
class _Piece:
    """Samples of known vehicles in one table of the log, in the order of arrival; shape (N,) each.

    Attributes:
        table: The table.
        batch: The table as the fold sees it.
        row: Their rows in it.
        vehicle: Index into the scan's vehicles.
        time_us: Sample time.
        receipt_us: Receipt time.
        late: Whether a newer one came before.
        used: Whether the fold uses it: it is newer than all before.
    """

    table: pa.Table
    batch: SampleBatch
    row: Ints
    vehicle: Ints
    time_us: Ints
    receipt_us: Ints
    late: npt.NDArray[np.bool_]
    used: npt.NDArray[np.bool_]


@dataclass
class _Scan:
    """Reads a log from a state on and judges samples as the fold does.

    Attributes:
        names: Vehicles with a twin, in the order in which they became known.
        known_at: Offset of the row from which on each is known.
        before: Sample and receipt time of the newest sample before the scan, by index of the vehicle.
    """

    state: ShardState
    base: int
    end: int
    names: list[str] = field(default_factory=list)
    known_at: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._index: dict[str, int] = {}
        self._registered = set(self.state.vehicle_ids)
        self._newest: list[int] = []
        self.before: dict[int, tuple[int, int]] = {}
        newest, receipt = self.state.steps.newest_us, self.state.steps.receipt_us
        for lane in sorted(int(lane) for group in self.state.groups.values() for lane in group.members):
            if newest[lane] > NEVER:
                self.before[len(self.names)] = (int(newest[lane]), int(receipt[lane]))
            self._add(self.state.vehicle_ids[lane], self.base - 1, int(newest[lane]))

    def read(self, log: ReadableLog, signals: Sequence[str] | None) -> Iterator[_Piece]:
        """Its pieces, up to the end."""
        for first, table in log.read(self.base, READ_ROWS, signals):
            if first >= self.end:
                return
            table = table.slice(0, self.end - first)
            yield self._piece(table, SampleBatch.from_arrow(table, first))

    def _add(self, vehicle: str, known_at: int, newest_us: int) -> None:
        self._index[vehicle] = len(self.names)
        self.names.append(vehicle)
        self.known_at.append(known_at)
        self._newest.append(newest_us)

    def _piece(self, table: pa.Table, batch: SampleBatch) -> _Piece:
        for at, body in batch.commands:
            if registers(body) and body["vehicle"] not in self._registered:
                self._registered.add(body["vehicle"])
                if load_pack(body["pack"]).name in self.state.prototypes:
                    self._add(body["vehicle"], batch.first_offset + at, NEVER)
        index = np.array([self._index.get(name, -1) for name in batch.vehicle_ids], dtype=np.int64)
        row = np.flatnonzero((batch.kind == KIND_SAMPLE) & (batch.vehicle >= 0))
        vehicle = index[batch.vehicle[row]]
        known = np.array([*self.known_at, 0], dtype=np.int64)[vehicle]
        ahead = batch.sample_time_us[row] - batch.receipt_time_us[row] > MAX_AHEAD_US
        wanted = (vehicle >= 0) & (batch.first_offset + row > known) & ~ahead
        row, vehicle = row[wanted], vehicle[wanted]
        time = batch.sample_time_us[row]
        before = self._newest_before(vehicle, time)
        receipt = batch.receipt_time_us[row]
        return _Piece(table, batch, row, vehicle, time, receipt, time < before, time > before)

    def _newest_before(self, vehicle: Ints, time: Ints) -> Ints:
        """Newest time of each row's vehicle before it arrived; what is carried goes on."""
        own = np.unique(vehicle)
        carried = np.array([self._newest[at] for at in own], dtype=np.int64)
        # What is carried stands as a first row before those of its vehicle.
        whose = np.concatenate([own, vehicle])
        order = np.argsort(whose, kind="stable")
        times, rank = np.unique(np.concatenate([carried, time])[order], return_inverse=True)
        floor = whose[order] * len(times)
        running = np.maximum.accumulate(floor + rank.reshape(-1)) - floor
        before = np.empty(len(whose), dtype=np.int64)
        before[order[1:]] = times[running[:-1]]
        last = np.flatnonzero(np.append(whose[order][1:] != whose[order][:-1], True)) if len(whose) else order
        for at, newest in zip(whose[order][last].tolist(), times[running[last]].tolist(), strict=True):
            self._newest[at] = newest
        return before[len(own) :]


def find_late(log: ReadableLog, state: ShardState, base: int, end: int, from_us: int) -> Found:
    """Late samples in the rows from `base`, where `state` stands, to before `end`, dated `from_us` or later.

    A vehicle whose late samples are all settled by replays that were applied is left out.
    """
    scan = _Scan(state, base, end)
    parts: list[tuple[Ints, Ints, Ints]] = []
    older = 0
    applied: list[tuple[int, str, int]] = []
    for piece in scan.read(log, ()):
        first = piece.batch.first_offset
        wanted = piece.late & (piece.time_us >= from_us)
        older += int(np.count_nonzero(piece.late)) - int(np.count_nonzero(wanted))
        parts.append((first + piece.row[wanted], piece.vehicle[wanted], piece.time_us[wanted]))
        applied += [
            (first + row, body["vehicle"], body["from_us"]) for row, body in piece.batch.commands if _is_replay(body)
        ]
    offset, vehicle, time = (np.concatenate([np.zeros(0, np.int64), *(part[at] for part in parts)]) for at in range(3))
    settled = np.zeros(len(offset), np.bool_)
    names = {name: at for at, name in enumerate(scan.names)}
    for at, name, since_us in applied:
        settled |= (vehicle == names.get(name, -1)) & (offset < at) & (time >= since_us)
    affected = np.unique(vehicle[~settled])
    again = {scan.names[at] for at in affected}
    return Found(
        late={scan.names[at]: _late_rows(time[vehicle == at]) for at in affected.tolist()},
        older=older,
        settled=int(np.count_nonzero(settled & ~np.isin(vehicle, affected))),
        from_us=min([from_us, *(since_us for _, name, since_us in applied if name in again)]),
    )


def _is_replay(body: Mapping[str, Any]) -> bool:
    return body.get("type") == REPLAY and isinstance(body.get("vehicle"), str) and isinstance(body.get("from_us"), int)


def _late_rows(times: Ints) -> LateRows:
    return LateRows(len(times), int(times.min()), int(times.max()))


@dataclass(frozen=True)
class Order:
    """How the rows of a stretch of the log are to stand.

    Attributes:
        moved: Offsets of the rows that are moved, ascending.
        dropped: Offsets of the rows that are left out, ascending: replays that this one replaces.
        rows: The rows that are moved, as they would have arrived, by `before`.
        before: Offset of the row before which each of them is to stand, shape (moved,).
    """

    moved: Ints
    dropped: Ints
    rows: pa.Table
    before: Ints


def in_place(log: ReadableLog, state: ShardState, base: int, end: int, found: Found) -> Order:
    """Where the late samples that were found are to stand."""
    if not found.late:
        nothing = np.zeros(0, dtype=np.int64)
        return Order(nothing, nothing, LOG.empty_table(), nothing)
    scan = _Scan(state, base, end)
    timeline = _Timeline()
    moved, used = _Gathered(), _Gathered()
    tables: list[pa.Table] = []
    for piece in scan.read(log, None):
        timeline.add(piece.batch, found)
        affected = np.array([name in found.late for name in scan.names], dtype=np.bool_)[piece.vehicle]
        late = piece.late & affected & (piece.time_us >= found.from_us)
        moved.add(piece, late)
        used.add(piece, piece.used & affected)
        tables.append(piece.table.take(pa.array(piece.row[late])))
    late_vehicle, late_rows = moved.joined()
    before, receipt = _places(scan, timeline, (late_vehicle, late_rows), used.joined())
    order = np.lexsort((late_rows.offset, late_rows.time_us, late_vehicle, before))
    rows = _with_receipt(pa.concat_tables(tables), receipt).take(pa.array(order))
    return Order(late_rows.offset, np.array(sorted(timeline.dropped), dtype=np.int64), rows, before[order])


def _places(scan: _Scan, timeline: _Timeline, late: tuple[Ints, _Rows], used: tuple[Ints, _Rows]) -> tuple[Ints, Ints]:
    """Offset before which each late row is to stand, and when it would have been received; vehicles go with rows."""
    (late_vehicle, late_rows), (used_vehicle, used_rows) = late, used
    before, receipt = np.zeros_like(late_vehicle), np.zeros_like(late_vehicle)
    for at in np.unique(late_vehicle).tolist():
        mine, theirs = np.flatnonzero(late_vehicle == at), np.flatnonzero(used_vehicle == at)
        mine = mine[np.argsort(late_rows.time_us[mine], kind="stable")]
        before[mine], receipt[mine] = _placed(
            late_rows.take(mine),
            used_rows.take(theirs).after(scan.base, scan.before.get(at)),
            max(scan.known_at[at] + 1, scan.base),
            timeline.barriers(scan.names[at]),
        )
    return before, receipt


def _with_receipt(rows: pa.Table, receipt_us: Ints) -> pa.Table:
    at = rows.schema.get_field_index("receipt_time")
    return rows.set_column(at, rows.schema.field(at), pa.array(receipt_us).cast(TIME_TYPE))


class _Gathered:
    """Rows of any vehicles, gathered piece by piece."""

    def __init__(self) -> None:
        self._parts: list[tuple[Ints, Ints, Ints, Ints]] = []

    def add(self, piece: _Piece, rows: npt.NDArray[np.bool_]) -> None:
        """Take in some of a piece's rows."""
        offset = piece.batch.first_offset + piece.row[rows]
        self._parts.append((piece.vehicle[rows], offset, piece.time_us[rows], piece.receipt_us[rows]))

    def joined(self) -> tuple[Ints, _Rows]:
        """The vehicle of each, as an index into the scan's, and the rows."""
        nothing = np.zeros(0, np.int64)
        vehicle, *columns = (np.concatenate([nothing, *(part[at] for part in self._parts)]) for at in range(4))
        return vehicle, _Rows(*columns)


class _Timeline:
    """Ticks, and the commands of the vehicles that are replayed."""

    def __init__(self) -> None:
        self.dropped: list[int] = []
        self._ticks: list[tuple[int, int]] = []
        self._commands: dict[str, list[tuple[int, int]]] = {}

    def add(self, batch: SampleBatch, found: Found) -> None:
        """Take in what a batch holds."""
        for row in np.flatnonzero(batch.kind == KIND_TICK).tolist():
            self._ticks.append((batch.first_offset + row, int(batch.receipt_time_us[row])))
        for at, body in batch.commands:
            vehicle, offset = str(body.get("vehicle")), batch.first_offset + at
            if vehicle not in found.late or registers(body):
                continue
            if _is_replay(body):
                self.dropped.append(offset)
            else:
                self._commands.setdefault(vehicle, []).append((offset, int(batch.receipt_time_us[at])))

    def barriers(self, vehicle: str) -> tuple[Ints, Ints]:
        """Offset and receipt time of what a vehicle's samples must not come behind once it was received."""
        both = sorted([*self._ticks, *self._commands.get(vehicle, [])])
        table = np.array(both, dtype=np.int64).reshape(-1, 2)
        return table[:, 0], table[:, 1]


@dataclass(frozen=True)
class _Rows:
    """Rows by offset, sample time and receipt time; those of one vehicle are by time."""

    offset: Ints
    time_us: Ints
    receipt_us: Ints

    def take(self, rows: npt.NDArray[np.intp]) -> _Rows:
        """Some of them."""
        return _Rows(self.offset[rows], self.time_us[rows], self.receipt_us[rows])

    def after(self, base: int, known: tuple[int, int] | None) -> _Rows:
        """With the newest row before `base` at their head, where there is one."""
        if known is None:
            return self
        heads = (base - 1, *known)
        columns = (self.offset, self.time_us, self.receipt_us)
        return _Rows(*(np.concatenate([[head], column]) for head, column in zip(heads, columns, strict=True)))


def _placed(late: _Rows, used: _Rows, lowest: int, barriers: tuple[Ints, Ints]) -> tuple[Ints, Ints]:
    """Offset before which each late row is to stand, and when it would have been received.

    A row is late because a newer one came before it: so each has a successor among those used.
    """
    following = np.searchsorted(used.time_us, late.time_us, side="right")
    before, receipt = np.zeros_like(late.offset), np.zeros_like(late.offset)
    previous = -1
    for at, successor in enumerate(following.tolist()):
        time = int(late.time_us[at])
        if at and (successor == previous):  # the one before it was moved to the same gap
            low, last_time, last_receipt = int(before[at - 1]), int(late.time_us[at - 1]), int(receipt[at - 1])
        elif successor:
            low = int(used.offset[successor - 1]) + 1
            last_time, last_receipt = int(used.time_us[successor - 1]), int(used.receipt_us[successor - 1])
        else:
            low, last_time, last_receipt = lowest, int(used.time_us[0]), int(used.receipt_us[0])
        told = last_receipt + time - last_time
        receipt[at] = min(told, int(used.receipt_us[successor]), int(late.receipt_us[at]))
        before[at] = _first_after(barriers, low, int(used.offset[successor]), int(receipt[at]))
        previous = successor
    return before, receipt


def _first_after(barriers: tuple[Ints, Ints], low: int, high: int, receipt_us: int) -> int:
    """Offset of the first barrier from `low` to before `high` that was received after a time, else `high`."""
    start, stop = np.searchsorted(barriers[0], [low, high])
    later = np.flatnonzero(barriers[1][start:stop] > receipt_us)
    return int(barriers[0][start + later[0]]) if len(later) else high


def rearranged(log: ReadableLog, base: int, end: int, order: Order, rows: int) -> Iterator[SampleBatch]:
    """The rows of a stretch of the log as they are to stand, about so many at a time.

    Offsets count on from `base` without a gap: they are not those of the log.
    """
    offset = base
    for first, table in log.read(base, rows):
        if first >= end:
            return
        table = _with_moved(table.slice(0, end - first), first, order)
        yield SampleBatch.from_arrow(table, offset)
        offset += table.num_rows


def _with_moved(table: pa.Table, first: int, order: Order) -> pa.Table:
    own = first + np.arange(table.num_rows)
    stays = ~np.isin(own, order.moved) & ~np.isin(own, order.dropped)
    start, stop = np.searchsorted(order.before, [first, first + table.num_rows])
    if stays.all() and start == stop:
        return table
    joined = pa.concat_tables([order.rows.slice(start, stop - start), table.filter(pa.array(stays))])
    place = np.concatenate([order.before[start:stop], own[stays]])
    return joined.take(pa.array(np.argsort(place, kind="stable")))
