"""Telemetry of one vehicle, wherever it lies: in the lake, or still in the log."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from twinpack.telemetry.schema import SCALAR_SIGNALS
from twinpack.views.sight import Span
from twinpack.views.spans import FAR_OFF, LONG_AGO, whole, within
from twinpack.views.tail import Tail
from twinpack.views.telemetry_files import TelemetryFiles
from twinpack.views.telemetry_rows import in_time_order
from twinpack.views.telemetry_steps import Ints, times_of, values_of

_REMEMBERED = 4_000
"""Vehicles whose newest values are remembered."""

_DAY_US = 86_400_000_000


@dataclass(frozen=True)
class NewestValues:
    """Sample time of a vehicle's newest row, None without one, and the newest value of each signal with its own."""

    at_us: int | None
    values: Mapping[str, tuple[float, int]]

    def get(self, name: str) -> float | None:
        """The newest value of a signal, None without one."""
        found = self.values.get(name)
        return None if found is None else found[0]


@dataclass(frozen=True)
class _Kept:
    """Newest values of some signals, and up to which reading of the tail."""

    serial: int
    signals: frozenset[str]
    values: NewestValues


class Samples:
    """Reads telemetry; any thread may ask."""

    def __init__(self, files: TelemetryFiles, tail: Tail, last_seen: Callable[[str], int | None]) -> None:
        """Read from the lake and the log.

        Args:
            files: The lake's telemetry.
            tail: The end of the log.
            last_seen: Sample time of a vehicle's newest row as far as is known.
        """
        self._files = files
        self._tail = tail
        self._last_seen = last_seen
        self._newest: OrderedDict[str, _Kept] = OrderedDict()
        self._lock = threading.Lock()

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

    def newest_values(self, vehicle_id: str, span: Span, signals: Sequence[str]) -> NewestValues:
        """The newest value of some signals of a vehicle within some times.

        Raises:
            WorkspaceError: They cannot be read.
        """
        if not whole(span) or not self._tail.followed:
            return _newest(self.newest_rows(vehicle_id, span, signals), signals)
        with self._lock:
            kept = self._newest.get(vehicle_id)
        if kept is None or not set(signals) <= kept.signals or self._is_behind(vehicle_id, kept.values):
            serial = self._tail.serial  # first: what comes meanwhile is read again
            wanted = frozenset(signals) if kept is None else kept.signals | set(signals)
            names = [name for name in SCALAR_SIGNALS if name in wanted]
            kept = _Kept(serial, wanted, _newest(self.newest_rows(vehicle_id, span, names), names))
            self._keep(vehicle_id, kept)
        elif kept.serial != self._tail.serial:
            serial = self._tail.serial
            names = [name for name in SCALAR_SIGNALS if name in kept.signals]
            rows = in_time_order(self._tail.rows(vehicle_id, LONG_AGO, FAR_OFF, names, since=kept.serial))
            kept = _Kept(serial, kept.signals, _later(kept.values, _newest(rows, names)))
            self._keep(vehicle_id, kept)
        return kept.values

    def _is_behind(self, vehicle_id: str, values: NewestValues) -> bool:
        """Whether something newer is known of, which may have gone to the lake without being seen here."""
        last = self._last_seen(vehicle_id)
        return last is not None and (values.at_us is None or values.at_us < last)

    def _keep(self, vehicle_id: str, kept: _Kept) -> None:
        with self._lock:
            self._newest[vehicle_id] = kept
            self._newest.move_to_end(vehicle_id)
            while len(self._newest) > _REMEMBERED:
                self._newest.popitem(last=False)


def _newest(rows: pa.Table, signals: Sequence[str]) -> NewestValues:
    """Newest values in rows by time."""
    if not rows.num_rows:
        return NewestValues(None, {})
    time_us = times_of(rows)
    return NewestValues(int(time_us[-1]), _last_of_each(rows, time_us, signals))


def _later(before: NewestValues, after: NewestValues) -> NewestValues:
    """The later of two values of each signal."""
    if after.at_us is None:
        return before
    values = dict(before.values)
    for name, (value, time_us) in after.values.items():
        if name not in values or values[name][1] <= time_us:
            values[name] = (value, time_us)
    return NewestValues(after.at_us if before.at_us is None else max(before.at_us, after.at_us), values)


def _last_of_each(rows: pa.Table, time_us: Ints, signals: Sequence[str]) -> dict[str, tuple[float, int]]:
    found = {}
    for name in signals:
        if rows.column(name).null_count < rows.num_rows:
            values = values_of(rows, name)
            known = np.flatnonzero(np.isfinite(values))
            if len(known):
                found[name] = (float(values[known[-1]]), int(time_us[known[-1]]))
    return found
