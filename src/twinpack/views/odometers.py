"""What the odometer of each vehicle says: looked up on the last day it sent anything, then followed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from twinpack.views.tail import Tail
from twinpack.views.telemetry_files import TelemetryFiles

NAME = "odometer_km"

_DAY_US = 86_400_000_000


class Odometers:
    """Keeps the newest odometer of every vehicle; one thread at a time asks."""

    def __init__(self, files: TelemetryFiles, tail: Tail) -> None:
        """Read them in the lake's telemetry and at the end of the log."""
        self._files = files
        self._tail = tail
        self._serial = -1
        self._km: dict[str, float] = {}
        self._looked_us: dict[str, int] = {}

    def refresh(self, last_seen_us: Mapping[str, int]) -> Mapping[str, float]:
        """Kilometres by vehicle, of those that tell them.

        Args:
            last_seen_us: Sample time of each vehicle's newest sample.

        Raises:
            WorkspaceError: Telemetry cannot be read.
        """
        behind = {name: time for name, time in last_seen_us.items() if time > self._looked_us.get(name, time - 1)}
        days: dict[int, list[str]] = {}
        for name, time_us in behind.items():
            days.setdefault(time_us // _DAY_US, []).append(name)
        found: dict[str, float] = {}
        for day, names in sorted(days.items()):
            found |= self._files.last_of_day(day * _DAY_US, names, NAME)
        # The log after the lake: what is in both is newer there.
        for piece in self._tail.since(self._serial):
            self._serial = max(self._serial, piece.serial)
            found |= last_by_vehicle(piece.rows, [*piece.place], [end for _, end in piece.place.values()], NAME)
        self._looked_us |= behind
        if found:
            self._km = self._km | found
        return self._km


def last_by_vehicle(rows: pa.Table, names: Sequence[str], ends: Sequence[int], column: str) -> dict[str, float]:
    """The last value of a column that each vehicle told.

    Args:
        rows: Rows by vehicle, then by time.
        names: The vehicles in that order.
        ends: Row after the last one of each.
        column: The column; there may be none.
    """
    if column not in rows.column_names or not rows.num_rows:
        return {}
    values = rows.column(column).cast(pa.float64()).to_numpy()
    known = np.flatnonzero(np.isfinite(values))
    last = np.searchsorted(known, np.array(ends), side="left") - 1
    starts = np.concatenate([[0], np.array(ends)[:-1]])
    found = {}
    for name, place, start in zip(names, last.tolist(), starts.tolist(), strict=True):
        if place >= 0 and known[place] >= start:
            found[name] = float(values[known[place]])
    return found
