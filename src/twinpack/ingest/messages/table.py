"""The rows of a micro-batch while their columns are put together."""

from __future__ import annotations

from collections import defaultdict
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinpack.telemetry.readings import Action, Fault, Floats, Readings

Rows = npt.NDArray[np.int64]


class Table:
    """The rows of a micro-batch while its columns are put together."""

    def __init__(self, vehicle: npt.NDArray[np.int32]) -> None:
        """N rows, of each its vehicle."""
        self.vehicle = vehicle
        self.time_us = np.zeros(len(vehicle), np.int64)
        self._rows = len(vehicle)
        self._signals: dict[str, Floats] = {}
        self._lists: dict[str, list[tuple[Rows, Any]]] = defaultdict(list)
        self._faults: dict[tuple[str, Action, str], list[tuple[int, str]]] = defaultdict(list)

    def put(self, name: str, rows: Rows, values: Floats, scale: float = 1.0) -> None:
        """Set a scalar signal in some rows, to values times a factor."""
        column = self._signals.get(name)
        if column is None:
            column = self._signals[name] = np.full(self._rows, np.nan)
        # A NaN of any other kind is missing too; a signalling one would raise a warning in arithmetic later on.
        column[rows] = np.where(np.isnan(values), np.nan, values)
        if scale != 1.0:
            column[rows] *= scale

    def put_list(self, name: str, rows: Rows, array: Any) -> None:
        """Set a signal of lists in some rows."""
        self._lists[name].append((rows, array))

    def note(self, reason: str, action: Action, name: str, rows: Rows, bad: list[tuple[int, str]]) -> None:
        """Note what is wrong in some of `rows`, which are given by their position."""
        if bad:
            self._faults[(reason, action, name)] += [(int(rows[position]), detail) for position, detail in bad]

    def readings(self, vehicle_ids: tuple[str, ...]) -> Readings:
        """The rows; `vehicle_ids` are what `vehicle` points into."""
        lists = {name: self._joined(pieces) for name, pieces in self._lists.items()}
        faults = [_fault(reason, action, found) for (reason, action, _), found in self._faults.items()]
        return Readings(vehicle_ids, self.vehicle, self.time_us, None, self._signals, lists, faults)

    def _joined(self, pieces: list[tuple[Rows, Any]]) -> Any:
        """Lists in the order of their rows, null for rows that have none."""
        rows = np.concatenate([rows for rows, _ in pieces])
        arrays = pa.concat_arrays([array for _, array in pieces])
        if len(rows) == self._rows and bool(np.all(np.diff(rows) == 1)):
            return arrays
        source = np.full(self._rows, -1, np.int64)
        source[rows] = np.arange(len(rows))
        return arrays.take(pa.array(source, mask=source < 0))


def _fault(reason: str, action: Action, found: list[tuple[int, str]]) -> Fault:
    found.sort(key=itemgetter(0))
    return Fault(reason, action, np.array([row for row, _ in found], np.int64), [detail for _, detail in found])
