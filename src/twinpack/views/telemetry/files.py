"""Which files of the lake hold a vehicle's telemetry, and their rows: only what holds the vehicle is read."""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, TypeAlias, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable

from twinpack.errors import WorkspaceError
from twinpack.store.lake import APPLICATION, Lake
from twinpack.store.places import Place, told
from twinpack.store.tables import BUCKET, DAY, OFFSET, SAMPLE_TIME, TELEMETRY
from twinpack.store.telemetry_files import buckets_of, ranked
from twinpack.telemetry.identifiers import shard_of
from twinpack.views.lake_tables import OpenTable
from twinpack.views.telemetry.rows import in_time_order, of_schema, of_vehicle, telemetry_schema, within_times

T = TypeVar("T")

_DAY_US = 86_400_000_000
_EPOCH = date(1970, 1, 1)
_FOOTERS = 512
"""Footers of files that are remembered: files never change."""
_TRIES = 3
_GROUPS = 8
"""Row groups that are read at once."""

Take: TypeAlias = Callable[[pa.Table, list[str], list[int]], None]


@dataclass(frozen=True)
class _File:
    path: str
    first_vehicle: str
    last_vehicle: str
    first_us: int
    last_us: int


@dataclass(frozen=True)
class _Listing:
    """The files of one version of the table, by day and bucket."""

    version: int
    buckets: int
    files: dict[tuple[date, int], list[_File]]
    days: list[date]
    end_offset: int


@dataclass(frozen=True)
class _Group:
    """A row group: the vehicles in it, and its sample times."""

    first_vehicle: str
    last_vehicle: str
    first_us: int
    last_us: int


@dataclass(frozen=True)
class _Footer:
    metadata: pq.FileMetaData
    groups: tuple[_Group, ...]
    columns: frozenset[str]


class TelemetryFiles:
    """The telemetry of a lake, read a vehicle at a time from any thread."""

    def __init__(self, lake: Lake) -> None:
        """Use the table of a lake."""
        self._place: Place = lake.place(TELEMETRY)
        self._table = OpenTable(lake, TELEMETRY)
        self._listed: _Listing | None = None
        self._footers: OrderedDict[str, _Footer] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def end_offset(self) -> int:
        """Log offset up to which the table is complete.

        Raises:
            WorkspaceError: It cannot be read.
        """
        listing = self._listing()
        return 0 if listing is None else listing.end_offset

    def rows(self, vehicle_id: str, start_us: int, end_us: int, columns: Sequence[str]) -> pa.Table:
        """Rows of a vehicle with a sample time from `start_us` to before `end_us`, by time and offset.

        Args:
            vehicle_id: The vehicle.
            start_us: Microseconds since the epoch.
            end_us: The same.
            columns: Signals wanted; `sample_time` and `offset` come with them.

        Raises:
            WorkspaceError: They cannot be read.
        """

        def read(listing: _Listing) -> pa.Table:
            files = self._files(listing, vehicle_id, start_us, end_us)
            parts = [part for file in files for part in self._parts(file, vehicle_id, start_us, end_us, columns)]
            return in_time_order(pa.concat_tables([telemetry_schema(columns).empty_table(), *parts]))

        return self._with_listing(read, telemetry_schema(columns).empty_table())

    def pieces(
        self, vehicle_id: str, start_us: int, end_us: int, columns: Sequence[str], most_rows: int
    ) -> Iterator[tuple[int, pa.Table]]:
        """The same rows some days at a time, so that years of them fit into memory.

        Args:
            vehicle_id: The vehicle.
            start_us: Microseconds since the epoch.
            end_us: The same.
            columns: Signals wanted; `sample_time` and `offset` come with them.
            most_rows: Rows after which a piece ends with its day.

        Yields:
            Sample time before which all rows were given, and rows by time and offset.

        Raises:
            WorkspaceError: They cannot be read.
        """
        empty = telemetry_schema(columns).empty_table()
        at = start_us
        while at < end_us:

            def read(listing: _Listing, begin: int = at) -> tuple[int, pa.Table]:
                parts, rows = [empty], 0
                for day in _days_within(listing.days, _day(begin), _day(end_us - 1)):
                    midnight = (day - _EPOCH).days * _DAY_US
                    low, high = max(midnight, begin), min(midnight + _DAY_US, end_us)
                    for file in self._files(listing, vehicle_id, low, high):
                        for part in self._parts(file, vehicle_id, low, high, columns):
                            parts.append(part)
                            rows += part.num_rows
                    if rows >= most_rows:
                        return high, in_time_order(pa.concat_tables(parts))
                return end_us, in_time_order(pa.concat_tables(parts))

            at, found = self._with_listing(read, (end_us, empty))
            yield at, found

    def newest_day(
        self, vehicle_id: str, from_us: int, before_us: int, columns: Sequence[str], holding: str | None = None
    ) -> pa.Table:
        """Rows of the last day before a time on which a vehicle sent anything, by time and offset; none without one.

        Args:
            vehicle_id: The vehicle.
            from_us: Rows from this sample time on are wanted, microseconds since the epoch.
            before_us: Rows before this one are wanted.
            columns: Signals wanted.
            holding: Only rows that hold this signal, one of `columns`, count.

        Raises:
            WorkspaceError: They cannot be read.
        """
        empty = telemetry_schema(columns).empty_table()

        def read(listing: _Listing) -> pa.Table:
            for day in reversed(_days_within(listing.days, _day(from_us), _day(before_us - 1))):
                midnight = (day - _EPOCH).days * _DAY_US
                start, end = max(midnight, from_us), min(midnight + _DAY_US, before_us)
                files = self._files(listing, vehicle_id, start, end)
                parts = [part for file in files for part in self._parts(file, vehicle_id, start, end, columns)]
                if holding is not None:
                    parts = [part.filter(pc.field(holding).is_valid()) for part in parts]
                if any(part.num_rows for part in parts):
                    return in_time_order(pa.concat_tables(parts))
            return empty

        return self._with_listing(read, empty)

    def take_day(self, day_us: int, vehicle_ids: Sequence[str], columns: Sequence[str], take: Take) -> None:
        """Go through the rows of a day in the row groups that hold some vehicles, by vehicle and time.

        Args:
            day_us: The day's midnight, microseconds since the epoch.
            vehicle_ids: The vehicles; others may be among the rows too.
            columns: Signals wanted, of which those are given that a file has.
            take: Given some rows, the vehicles in their order, and the row after the last of each. It may be given the
                same rows again, where files were replaced meanwhile.

        Raises:
            WorkspaceError: They cannot be read.
        """
        wanted = sorted(vehicle_ids)

        def read(listing: _Listing) -> None:
            for bucket in range(listing.buckets):
                for file in listing.files.get((_day(day_us), bucket), ()):
                    footer = self._footer(file.path)
                    groups = [n for n, group in enumerate(footer.groups) if _any_within(wanted, group)]
                    for first in range(0, len(groups), _GROUPS):
                        rows = self._groups(file, footer, groups[first : first + _GROUPS], columns)
                        code, names = ranked(rows.column("vehicle_id"))
                        last = np.flatnonzero(np.append(code[1:] != code[:-1], True))
                        listed = names.take(pa.array(code[last])).to_pylist()
                        take(rows.drop_columns(["vehicle_id"]), listed, (last + 1).tolist())

        self._with_listing(read, None)

    def _groups(self, file: _File, footer: _Footer, groups: Sequence[int], columns: Sequence[str]) -> pa.Table:
        names = [name for name in ("vehicle_id", SAMPLE_TIME, OFFSET, *columns) if name in footer.columns]
        with pq.ParquetFile(self._open(file.path), metadata=footer.metadata, read_dictionary=["vehicle_id"]) as opened:
            return opened.read_row_groups(list(groups), names, use_threads=False)

    def _with_listing(self, read: Callable[[_Listing], T], nothing: T) -> T:
        """Read by the list of files; where files were replaced meanwhile and are gone, by a new one."""
        for attempt in range(_TRIES):
            listing = self._listing()
            if listing is None:
                return nothing
            try:
                return read(listing)
            except FileNotFoundError as error:
                self._table.forget()
                if attempt + 1 == _TRIES:
                    raise self._unreadable(error) from error
            except (pa.ArrowException, OSError) as error:
                raise self._unreadable(error) from error
        return nothing

    def _unreadable(self, error: Exception) -> WorkspaceError:
        return WorkspaceError(f"lake table {self._place.uri} cannot be read: {told(error)}")

    def _listing(self) -> _Listing | None:
        table = self._table.now()
        if table is None:
            return None
        listed = self._listed
        if listed is None or listed.version != table.version():
            with self._lock:
                listed = self._listed
                if listed is None or listed.version != table.version():
                    listed = self._listed = _listing_of(table)
        return listed

    def _files(self, listing: _Listing, vehicle_id: str, start_us: int, end_us: int) -> Iterator[_File]:
        bucket = shard_of(vehicle_id, listing.buckets) if listing.buckets > 1 else 0
        first, last = _day(start_us), _day(max(end_us - 1, start_us))
        for day in _days_within(listing.days, first, last):
            for file in listing.files.get((day, bucket), ()):
                named = file.first_vehicle <= vehicle_id <= file.last_vehicle
                if named and file.first_us < end_us and file.last_us >= start_us:
                    yield file

    def _parts(
        self, file: _File, vehicle_id: str, start_us: int, end_us: int, columns: Sequence[str]
    ) -> Iterator[pa.Table]:
        footer = self._footer(file.path)
        wanted = [
            number
            for number, group in enumerate(footer.groups)
            if group.first_vehicle <= vehicle_id <= group.last_vehicle
            and group.first_us < end_us
            and group.last_us >= start_us
        ]
        if not wanted:
            return
        rows = self._groups(file, footer, wanted, columns)
        yield of_schema(within_times(of_vehicle(rows, vehicle_id), start_us, end_us), columns)

    def _open(self, path: str) -> Any:
        if self._place.folder is not None:
            return self._place.folder / path
        return self._place.filesystem().open_input_file(path)

    def _footer(self, path: str) -> _Footer:
        with self._lock:
            if path in self._footers:
                self._footers.move_to_end(path)
                return self._footers[path]
        found = _footer_of(pq.read_metadata(self._open(path)))
        with self._lock:
            self._footers[path] = found
            while len(self._footers) > _FOOTERS:
                self._footers.popitem(last=False)
        return found


def _any_within(names: Sequence[str], group: _Group) -> bool:
    """Whether any of some vehicles, in order, may be in a row group."""
    place = bisect_left(names, group.first_vehicle)
    return place < len(names) and names[place] <= group.last_vehicle


def _listing_of(table: DeltaTable) -> _Listing:
    actions = pa.table(table.get_add_actions(flatten=True))
    names = ("path", f"partition.{DAY}", f"partition.{BUCKET}", "min.vehicle_id", "max.vehicle_id")
    columns = [actions.column(name).to_pylist() for name in names]
    times = [_micros(actions.column(f"{end}.{SAMPLE_TIME}")) for end in ("min", "max")]
    files: dict[tuple[date, int], list[_File]] = {}
    for path, day, bucket, first, last, first_us, last_us in zip(*columns, *times, strict=True):
        files.setdefault((day, bucket), []).append(_File(path, first, last, first_us, last_us))
    end = table.transaction_version(APPLICATION) or 0
    return _Listing(table.version(), buckets_of(table), files, sorted({day for day, _ in files}), end)


def _micros(column: pa.ChunkedArray) -> list[int]:
    found: list[int] = column.cast(pa.timestamp("us", column.type.tz)).cast(pa.int64()).to_pylist()
    return found


def _footer_of(metadata: pq.FileMetaData) -> _Footer:
    names = [metadata.schema.column(place).path.split(".")[0] for place in range(metadata.num_columns)]
    vehicle, time = names.index("vehicle_id"), names.index(SAMPLE_TIME)
    groups = []
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        who, when = group.column(vehicle).statistics, group.column(time).statistics
        groups.append(_Group(who.min, who.max, when.min_raw, when.max_raw))
    return _Footer(metadata, tuple(groups), frozenset(names))


def _day(time_us: int) -> date:
    return _EPOCH + timedelta(days=min(max(time_us // _DAY_US, -700_000), 2_900_000))


def _days_within(days: Sequence[date], first: date, last: date) -> Sequence[date]:
    return days[bisect_left(days, first) : bisect_right(days, last)]
