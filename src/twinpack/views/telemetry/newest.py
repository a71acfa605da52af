"""The newest value of each signal of every vehicle, in memory.

What a vehicle sent last is looked up once, on the last day it sent anything; from then on the end of the log is
followed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from twinpack.store.tables import SAMPLE_TIME
from twinpack.telemetry.schema import SCALAR_SIGNALS
from twinpack.views.telemetry.files import TelemetryFiles
from twinpack.views.telemetry.steps import values_of
from twinpack.views.telemetry.tail import Tail

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]

_AT = {name: place for place, name in enumerate(SCALAR_SIGNALS)}
_DAY_US = 86_400_000_000
_LONG_AGO = -(2**62)


@dataclass(frozen=True)
class NewestValues:
    """Sample time of a vehicle's newest row, None without one, and the newest value of each signal with its own."""

    at_us: int | None
    values: Mapping[str, tuple[float, int]]

    def get(self, name: str) -> float | None:
        """The newest value of a signal, None without one."""
        found = self.values.get(name)
        return None if found is None else found[0]


class Newest:
    """Keeps the newest values; one thread refreshes them, any may read."""

    def __init__(self, files: TelemetryFiles, tail: Tail) -> None:
        """Read them in the lake's telemetry and at the end of the log."""
        self._files = files
        self._tail = tail
        self._serial = 0
        self._places: dict[str, int] = {}
        self._value: Floats = np.full((0, len(_AT)), np.nan)
        self._time_us: Ints = np.full((0, len(_AT)), _LONG_AGO)
        self._at_us: Ints = np.full(0, _LONG_AGO)
        self._looked_us: dict[str, int] = {}

    def of_vehicle(self, vehicle_id: str) -> NewestValues:
        """The newest values of a vehicle."""
        place = self._places.get(vehicle_id)
        if place is None or place >= len(self._at_us) or self._at_us[place] == _LONG_AGO:
            return NewestValues(None, {})
        time_us, value = self._time_us[place].tolist(), self._value[place].tolist()
        known = {name: (value[at], time_us[at]) for name, at in _AT.items() if time_us[at] != _LONG_AGO}
        return NewestValues(int(self._at_us[place]), known)

    def of_signal(self, name: str) -> Mapping[str, float]:
        """The newest value of a signal of every vehicle that told it."""
        values = self._value[:, _AT[name]].tolist()
        return {vehicle: values[place] for vehicle, place in self._places.items() if values[place] == values[place]}

    @property
    def is_behind(self) -> bool:
        """Whether the log has brought samples that were not taken in."""
        return self._tail.serial != self._serial

    def refresh(self, last_seen_us: Mapping[str, int]) -> None:
        """Look up those who were seen since the last time, and follow the log.

        Args:
            last_seen_us: Sample time of each vehicle's newest sample.

        Raises:
            WorkspaceError: Telemetry cannot be read.
        """
        serial = self._tail.serial  # first: what comes meanwhile is taken in the next time
        pieces = self._tail.since(self._serial)
        self._make_room([*last_seen_us, *(name for piece in pieces for name in piece.place)])
        for piece in pieces:
            if piece.place:
                self._take(piece.rows, list(piece.place), [end for _, end in piece.place.values()])
        self._serial = serial
        # What the log has brought by now is known; who was seen later than that sent it another way.
        behind: dict[int, list[str]] = {}
        for name, time_us in last_seen_us.items():
            known = max(int(self._at_us[self._places[name]]), self._looked_us.get(name, _LONG_AGO))
            if time_us > known or name not in self._looked_us:
                behind.setdefault(time_us // _DAY_US, []).append(name)
                self._looked_us[name] = time_us
        for day, names in behind.items():
            self._files.take_day(day * _DAY_US, names, SCALAR_SIGNALS, self._take)

    def _make_room(self, names: Sequence[str]) -> None:
        before = len(self._places)
        for name in names:
            self._places.setdefault(name, len(self._places))
        more = len(self._places) - before
        if more:
            self._value = np.concatenate([self._value, np.full((more, len(_AT)), np.nan)])
            self._time_us = np.concatenate([self._time_us, np.full((more, len(_AT)), _LONG_AGO)])
            self._at_us = np.concatenate([self._at_us, np.full(more, _LONG_AGO)])

    def _take(self, rows: pa.Table, names: Sequence[str], ends: Sequence[int]) -> None:
        """Take in rows that lie by vehicle, and within a vehicle in the order they came.

        Args:
            rows: The rows.
            names: The vehicles in their order; those that are not known are passed over.
            ends: Row after the last of each.
        """
        time_us = rows.column(SAMPLE_TIME).cast(pa.int64()).to_numpy()
        end = np.array(ends, dtype=np.int64)
        start = np.concatenate([[0], end[:-1]])
        place = np.array([self._places.get(name, -1) for name in names], dtype=np.int64)
        late = len(time_us) > 1 and bool(
            ((time_us[1:] < time_us[:-1]) & ~np.isin(np.arange(1, len(time_us)), end)).any()
        )
        if late:
            vehicle = np.repeat(np.arange(len(end)), end - start)
            order = np.lexsort((time_us, vehicle))
            rows, time_us = rows.take(pa.array(order)), time_us[order]
        known = (place >= 0) & (end > start)
        place, start, end = place[known], start[known], end[known]
        self._at_us[place] = np.maximum(self._at_us[place], time_us[end - 1])
        for name in SCALAR_SIGNALS:
            if name in rows.column_names and rows.column(name).null_count < rows.num_rows:
                self._take_signal(_AT[name], values_of(rows, name), time_us, place, start, end)

    def _take_signal(self, at: int, values: Floats, time_us: Ints, place: Ints, start: Ints, end: Ints) -> None:
        told = np.flatnonzero(np.isfinite(values))
        last = np.searchsorted(told, end) - 1
        row = told[np.maximum(last, 0)] if len(told) else np.zeros(len(last), dtype=np.int64)
        later = (last >= 0) & (row >= start)
        later &= time_us[row] >= self._time_us[place, at]
        self._value[place[later], at] = values[row[later]]
        self._time_us[place[later], at] = time_us[row[later]]
