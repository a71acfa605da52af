"""Telemetry of one vehicle, wherever it lies: in the lake, or still in the log."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa

from twinpack.telemetry.schema import SCALAR_SIGNALS
from twinpack.views.sight import Span
from twinpack.views.spans import FAR_OFF, LONG_AGO, within
from twinpack.views.telemetry_files import TelemetryFiles
from twinpack.views.telemetry_steps import Ints, times_of, values_of


class Samples:
    """Reads telemetry; any thread may ask."""

    def __init__(self, files: TelemetryFiles, last_seen: Callable[[str], int | None]) -> None:
        """Read from files of the lake.

        Args:
            files: The lake's telemetry.
            last_seen: Sample time of a vehicle's newest row as far as is known.
        """
        self._files = files
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
        return self._files.rows(vehicle_id, start_us, end_us, columns)

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
        last = self._last_seen(vehicle_id)
        if last is not None:
            end = min(end, last + 1)
        return self._files.newest_day(vehicle_id, start, end, columns, holding)

    def last_seen_us(self, vehicle_id: str, span: Span) -> int | None:
        """Sample time of a vehicle's newest row within some times, None without one."""
        last = self._last_seen(vehicle_id)
        start, end = within(span, LONG_AGO, FAR_OFF)
        if last is not None and start <= last < end:
            return last
        rows = self.newest_rows(vehicle_id, span, ())
        return int(times_of(rows)[-1]) if rows.num_rows else None

    def newest_values(self, vehicle_id: str, span: Span) -> tuple[int | None, dict[str, tuple[float, int]]]:
        """Sample time of a vehicle's newest row within some times, and the newest value of each signal with its own.

        Raises:
            WorkspaceError: They cannot be read.
        """
        rows = self.newest_rows(vehicle_id, span, SCALAR_SIGNALS)
        if not rows.num_rows:
            return None, {}
        time_us = times_of(rows)
        return int(time_us[-1]), _last_of_each(rows, time_us)


def _last_of_each(rows: pa.Table, time_us: Ints) -> dict[str, tuple[float, int]]:
    found = {}
    for name in SCALAR_SIGNALS:
        if rows.column(name).null_count < rows.num_rows:
            values = values_of(rows, name)
            known = np.flatnonzero(np.isfinite(values))
            if len(known):
                found[name] = (float(values[known[-1]]), int(time_us[known[-1]]))
    return found
