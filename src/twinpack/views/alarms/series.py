"""Telemetry around a fault as detection saw it: quantities over time, and one cell or probe beside its fellows.

It is read a few hours at a time and screened as the fold does; of a long time only so many samples are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from twinpack.battery.pack import PackSpec
from twinpack.detect.frames import Frames
from twinpack.detect.screen import Screened, ScreenState, screen
from twinpack.store.tables import DAY, TELEMETRY
from twinpack.telemetry.arrivals import NEVER, Ints, arrivals
from twinpack.telemetry.batch import Floats, SampleBatch
from twinpack.telemetry.schema import TELEMETRY as SAMPLES
from twinpack.telemetry.schema import TIME_TYPE

if TYPE_CHECKING:
    from twinpack.store.lake import Lake
    from twinpack.store.workspace import Workspace

PIECE_S = 6 * 3600
LOG_ROWS = 400_000
"""Rows of the log that are looked through where the lake does not have them yet."""
SLOWLY_US = 30_000_000
"""One sample in this time is enough for what changes over hours."""
MOST_ROWS = 400_000
"""Samples of which quantities are kept; of more, every so-manyth."""

_COLUMNS = SAMPLES.names
_FEW = 3


@dataclass(frozen=True)
class Window:
    """A stretch of sample time, microseconds since the epoch; the end is not in it."""

    start_us: int
    end_us: int

    def contains(self, time_us: Ints) -> npt.NDArray[np.bool_]:
        """Which moments lie in it."""
        inside: npt.NDArray[np.bool_] = (time_us >= self.start_us) & (time_us < self.end_us)
        return inside


@dataclass(frozen=True)
class Seen:
    """A piece of telemetry, M samples in time order.

    Attributes:
        frames: As it came.
        screened: What is left of it, with its quantities.
    """

    frames: Frames
    screened: Screened


@dataclass(frozen=True)
class RawSignal:
    """A signal as it came, data faults and all."""

    name: str


@dataclass(frozen=True)
class RawChannel:
    """A cell or probe as it came; `kind` is `cell` or `probe`, `number` counts from 1."""

    kind: str
    number: int


Column: TypeAlias = str | RawSignal | RawChannel
"""What is wanted of telemetry; a text is a quantity as conditions name it."""


@dataclass(frozen=True)
class Channel:
    """One cell or probe beside its fellows at S moments.

    Attributes:
        time_us: The moments, shape (S,).
        deviation: Of the channel from the median of all, in the unit of the signal, shape (S,), NaN where unknown.
        low: Deviation below which a tenth of the others lie, shape (S,).
        high: Deviation above which a tenth of the others lie, shape (S,).
        c_rate: Current over capacity, positive charges, shape (S,).
        fellows: How many channels there are.
    """

    time_us: Ints
    deviation: Floats
    low: Floats
    high: Floats
    c_rate: Floats
    fellows: int


def seen(
    workspace: Workspace, vehicle: str, pack: PackSpec, window: Window, offset: int, every_us: int = 0
) -> Iterator[Seen]:
    """The telemetry of a vehicle in a window, a piece after the other, screened.

    Args:
        workspace: Whose lake and log.
        vehicle: The vehicle.
        pack: Its pack.
        window: Sample times wanted.
        offset: Log offset of a row in or near the window, where the lake does not have it yet.
        every_us: Take one sample in each such span of time; 0 takes all.

    Raises:
        WorkspaceError: Lake or log cannot be read.
    """
    return screened(_tables(workspace, vehicle, window, offset, every_us), pack)


def screened(tables: Iterable[pa.Table], pack: PackSpec) -> Iterator[Seen]:
    """Telemetry of one vehicle, a table after the other in time order, screened as the fold does."""
    state = ScreenState.empty(1, cells=pack.series, probes=0)
    newest = np.array([NEVER])
    for table in tables:
        batch = SampleBatch.from_arrow(table)
        arrived = arrivals(batch, np.zeros(len(batch.vehicle_ids), np.int32), newest)
        if not len(arrived):
            continue
        frames = Frames.of(batch, arrived)
        newest = frames.time_us[-1:]
        state, found = screen(state, frames, pack)
        yield Seen(frames, found)


def columns_of(pieces: Iterator[Seen], wanted: Sequence[Column]) -> tuple[Ints, dict[Column, Floats]]:
    """Figures over time, shape (S,) each; what is not known is NaN.

    Args:
        pieces: The telemetry; it is gone through once.
        wanted: The columns.
    """
    times: list[Ints] = []
    parts: dict[Column, list[Floats]] = {column: [] for column in wanted}
    for piece in pieces:
        times.append(piece.frames.time_us)
        for column, found in parts.items():
            found.append(_column(piece, column))
    time_us = np.concatenate([np.empty(0, np.int64), *times])
    step = -(-len(time_us) // MOST_ROWS) or 1
    joined = {column: np.concatenate([np.empty(0), *found])[::step] for column, found in parts.items()}
    return time_us[::step], joined


def _column(piece: Seen, column: Column) -> Floats:
    if isinstance(column, RawChannel):
        lists = piece.frames.cells if column.kind == "cell" else piece.frames.probes
        values = np.full(len(lists), np.nan)
        has = np.flatnonzero(lists.count >= column.number)
        values[has] = lists.values[lists.start[has] + column.number - 1]
        return values
    unknown = np.full(len(piece.frames), np.nan)
    if isinstance(column, RawSignal):
        return piece.frames.signals.get(column.name, unknown)
    return piece.screened.quantities.get(column, unknown)


def channel(pieces: Iterator[Seen], kind: str, number: int) -> Channel:
    """A cell or a probe beside the others of its pack.

    Args:
        pieces: The telemetry.
        kind: `cell` or `probe`.
        number: Which one, from 1.
    """
    parts = [_beside(piece, kind, number) for piece in pieces]
    known = [part for part in parts if len(part.time_us)]
    return Channel(
        time_us=np.concatenate([np.empty(0, np.int64), *(part.time_us for part in known)]),
        **{
            name: np.concatenate([np.empty(0), *(getattr(part, name) for part in known)])
            for name in ("deviation", "low", "high", "c_rate")
        },
        fellows=max((part.fellows for part in known), default=0),
    )


def _beside(piece: Seen, kind: str, number: int) -> Channel:
    lists = piece.screened.cells if kind == "cell" else piece.screened.probes
    fellows = int(lists.count.max(initial=0))
    whole = np.flatnonzero((lists.count == fellows) & (lists.count >= max(number, _FEW)))
    values = lists.values[lists.start[whole][:, None] + np.arange(fellows)].astype(np.float64)
    some = whole[(good := np.isfinite(values).sum(axis=1) >= _FEW)]
    values = values[good]
    if not len(some):
        nothing = np.empty(0)
        return Channel(np.empty(0, np.int64), nothing, nothing, nothing, nothing, fellows)
    deviation = values - np.nanmedian(values, axis=1, keepdims=True)
    others = np.delete(deviation, number - 1, axis=1)
    low, high = _tenths(others)
    c_rate = piece.screened.quantities["c_rate"][some]
    return Channel(piece.frames.time_us[some], deviation[:, number - 1], low, high, c_rate, fellows)


def _tenths(values: Floats) -> tuple[Floats, Floats]:
    """Below and above which a tenth of each row lies; rows without gaps go all at once."""
    low, high = np.full(len(values), np.nan), np.full(len(values), np.nan)
    whole = np.isfinite(values).all(axis=1)
    low[whole], high[whole] = np.percentile(values[whole], [10.0, 90.0], axis=1)
    if not whole.all():
        low[~whole], high[~whole] = np.nanpercentile(values[~whole], [10.0, 90.0], axis=1)
    return low, high


def _tables(workspace: Workspace, vehicle: str, window: Window, offset: int, every_us: int) -> Iterator[pa.Table]:
    """Rows of the vehicle in the window, in time order: from the lake, then what only the log has yet."""
    lake = workspace.lake()
    end, piece = _moment(window.end_us), timedelta(seconds=PIECE_S)
    start = _moment(window.start_us)
    while start < end:
        until = min(start + piece, end)
        rows = _from_lake(lake, vehicle, start, until, every_us)
        if rows.num_rows:
            yield rows
        start = until
    first = max(lake.recorded_offset(TELEMETRY), offset - LOG_ROWS // 2)
    for rows in _from_log(workspace, vehicle, window, first):
        yield _one_each(rows, every_us)


def _from_lake(lake: Lake, vehicle: str, start: datetime, until: datetime, every_us: int) -> pa.Table:
    """Rows of the lake in time order; where few are wanted, the others are let go as they are read."""
    if not every_us:
        return lake.read(TELEMETRY, _COLUMNS, None, vehicle, start, until)
    days = [(DAY, ">=", start.date().isoformat()), (DAY, "<=", until.date().isoformat())]
    found = lake.dataset(TELEMETRY, [("vehicle_id", "=", vehicle), *days])
    if found is None:
        return SAMPLES.empty_table()
    time = pc.field("sample_time")
    inside = (time >= pa.scalar(start, TIME_TYPE)) & (time < pa.scalar(until, TIME_TYPE))
    batches = found.to_batches(
        columns=[name for name in _COLUMNS if name in found.schema.names],
        filter=(pc.field("vehicle_id") == vehicle) & inside,
        batch_size=8_192,
        batch_readahead=2,
        fragment_readahead=1,
    )
    kept = [_one_each(pa.Table.from_batches([batch]), every_us) for batch in batches if batch.num_rows]
    if not kept:
        return SAMPLES.empty_table()
    return _one_each(pa.concat_tables(kept).sort_by("sample_time"), every_us)


def _one_each(rows: pa.Table, every_us: int) -> pa.Table:
    """The first row of each span of time, of rows in time order."""
    if not every_us:
        return rows
    slot = rows.column("sample_time").cast(pa.int64()).to_numpy() // every_us
    return rows.take(pa.array(np.unique(slot, return_index=True)[1]))


def _from_log(workspace: Workspace, vehicle: str, window: Window, first: int) -> Iterator[pa.Table]:
    from twinpack.ingest.log import SegmentLog

    log = SegmentLog(workspace.log_dir)
    end = min(log.end_offset, first + LOG_ROWS)
    first = max(first, log.start_offset)
    if first >= end:
        return
    for at, table in log.read(first, 50_000):
        of_vehicle = pc.equal(table.column("vehicle_id"), vehicle)
        time = table.column("sample_time").cast(pa.int64())
        inside = pc.and_(pc.greater_equal(time, window.start_us), pc.less(time, window.end_us))
        rows = table.filter(pc.and_(of_vehicle, inside)).sort_by("sample_time")
        if rows.num_rows:
            yield rows
        if at + table.num_rows >= end:
            return


def _moment(time_us: int) -> datetime:
    return datetime.fromtimestamp(time_us / 1e6, UTC)
