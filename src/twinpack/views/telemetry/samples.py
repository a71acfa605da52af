"""Telemetry of one vehicle, wherever it lies: in the lake, or still in the log."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from twinpack.telemetry.schema import SCALAR_SIGNALS
from twinpack.views.sight import Span
from twinpack.views.spans import FAR_OFF, LONG_AGO, whole, within
from twinpack.views.telemetry.files import TelemetryFiles
from twinpack.views.telemetry.newest import Newest, NewestValues
from twinpack.views.telemetry.rows import in_time_order, within_times
from twinpack.views.telemetry.steps import Ints, times_of, values_of
from twinpack.views.telemetry.tail import Tail

PIECE_ROWS = 250_000
"""Rows after which a piece of a long time ends with its day."""

_DAY_US = 86_400_000_000


class Samples:
    """Reads telemetry; any thread may ask."""

    def __init__(
        self, files: TelemetryFiles, tail: Tail, newest: Newest, last_seen: Callable[[str], int | None]
    ) -> None:
        """Read from the lake and the log.

        Args:
            files: The lake's telemetry.
            tail: The end of the log.
            newest: What every vehicle sent last.
            last_seen: Sample time of a vehicle's newest row as far as is known.
        """
        self._files = files
        self._tail = tail
        self._newest = newest
        self._last_seen = last_seen

    def rows(self, vehicle_id: str, start_us: int, end_us: int, columns: Sequence[str]) -> pa.Table:
        """Rows of a vehicle with a sample time from `start_us` to before `end_us`, by time.

        Args:
            vehicle_id: The vehicle.
            start_us: Microseconds since the epoch.
            end_us: The same.
            columns: Signals wanted; `sample_time` and `offset` come with them.

        Raises:
            WorkspaceError: They cannot be read.
        """
        # The log first: what is brought to the lake meanwhile is met twice, and not never.
        fresh = self._tail.rows(vehicle_id, start_us, end_us, columns)
        stored = self._files.rows(vehicle_id, start_us, end_us, columns)
        return in_time_order(pa.concat_tables([stored, fresh])) if fresh.num_rows else stored

    def pieces(
        self, vehicle_id: str, start_us: int, end_us: int, columns: Sequence[str], most_rows: int = PIECE_ROWS
    ) -> Iterator[pa.Table]:
        """The same rows in pieces, one after the other in time, so that years of them fit into memory.

        Args:
            vehicle_id: The vehicle.
            start_us: Microseconds since the epoch.
            end_us: The same.
            columns: Signals wanted; `sample_time` and `offset` come with them.
            most_rows: Rows after which a piece ends with its day.

        Raises:
            WorkspaceError: They cannot be read.
        """
        fresh = in_time_order(self._tail.rows(vehicle_id, start_us, end_us, columns))
        at = start_us
        for until, stored in self._files.pieces(vehicle_id, start_us, end_us, columns, most_rows):
            among = within_times(fresh, at, until)
            at = until
            yield in_time_order(pa.concat_tables([stored, among])) if among.num_rows else stored

    def newest_rows(self, vehicle_id: str, span: Span, columns: Sequence[str], holding: str | None = None) -> pa.Table:
        """Rows of the last day within some times on which a vehicle sent anything, by time; none without one.

        Args:
            vehicle_id: The vehicle.
            span: The times.
            columns: Signals wanted.
            holding: Only rows that hold this signal, one of `columns`, count.

        Raises:
            WorkspaceError: They cannot be read.
        """
        start, end = within(span, LONG_AGO, FAR_OFF)
        fresh = self._tail.rows(vehicle_id, start, end, columns)
        if holding is not None:
            fresh = fresh.filter(pc.field(holding).is_valid())
        stored = self._files.newest_day(vehicle_id, start, self._end(vehicle_id, end), columns, holding)
        if not fresh.num_rows:
            return stored
        both = in_time_order(pa.concat_tables([stored, fresh]))
        time_us = times_of(both)
        return both.slice(int(np.searchsorted(time_us, time_us[-1] // _DAY_US * _DAY_US)))

    def _end(self, vehicle_id: str, end_us: int) -> int:
        """Where it is of use to begin to look backwards."""
        last = self._last_seen(vehicle_id)
        return end_us if last is None else min(end_us, last + 1)

    def last_seen_us(self, vehicle_id: str, span: Span) -> int | None:
        """Sample time of a vehicle's newest row within some times, None without one."""
        last = self._last_seen(vehicle_id)
        start, end = within(span, LONG_AGO, FAR_OFF)
        if last is not None and start <= last < end:
            return last
        rows = self.newest_rows(vehicle_id, span, ())
        return int(times_of(rows)[-1]) if rows.num_rows else None

    def newest_values(self, vehicle_id: str, span: Span) -> NewestValues:
        """The newest value of each signal of a vehicle within some times.

        Raises:
            WorkspaceError: They cannot be read.
        """
        if whole(span):
            return self._newest.of_vehicle(vehicle_id)
        return _newest(self.newest_rows(vehicle_id, span, SCALAR_SIGNALS))


def _newest(rows: pa.Table) -> NewestValues:
    """Newest values in rows by time."""
    if not rows.num_rows:
        return NewestValues(None, {})
    time_us = times_of(rows)
    return NewestValues(int(time_us[-1]), _last_of_each(rows, time_us))


def _last_of_each(rows: pa.Table, time_us: Ints) -> dict[str, tuple[float, int]]:
    found = {}
    for name in SCALAR_SIGNALS:
        if rows.column(name).null_count < rows.num_rows:
            values = values_of(rows, name)
            known = np.flatnonzero(np.isfinite(values))
            if len(known):
                found[name] = (float(values[known[-1]]), int(time_us[known[-1]]))
    return found
