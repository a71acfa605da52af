"""The rows of a micro-batch while their columns are put together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinpack.telemetry.readings import Action, Fault, Floats, Integers, Readings

Rows = npt.NDArray[np.int64]
Told = tuple[Rows, list[str]]
"""Positions of rows that share a fault, ascending, with what is wrong with each."""

MAX_TOLD = 20
"""So many values of one field of a message are described; the rest of them shares a text."""
_MORE = "more of this in the same message"


def told(wrong: list[tuple[int, Any]], tell: Callable[[Any], str], ends: Integers) -> Told:
    """Describe values that are wrong.

    Args:
        wrong: Positions, ascending, and what is there.
        tell: Describes one value.
        ends: Where each message ends.
    """
    if not wrong:
        return np.empty(0, np.int64), []
    positions = np.array([position for position, _ in wrong], np.int64)
    message = np.searchsorted(ends, positions, "right")
    place = np.arange(len(wrong)) - np.searchsorted(message, message, "left")
    return positions, [tell(value) if nth < MAX_TOLD else _MORE for nth, (_, value) in zip(place, wrong, strict=True)]


class Table:
    """N rows that are filled signal by signal.

    Attributes:
        vehicle: Index of the vehicle of each row, -1 where there is none.
        time_us: Sample times, microseconds since the epoch.
    """

    def __init__(self, vehicle: npt.NDArray[np.int32]) -> None:
        """N rows, of each its vehicle."""
        self.vehicle = vehicle
        self.time_us = np.zeros(len(vehicle), np.int64)
        self._rows = len(vehicle)
        self._signals: dict[str, Floats] = {}
        self._lists: dict[str, list[tuple[Rows, Any]]] = defaultdict(list)
        self._faults: dict[tuple[str, Action, str], list[Told]] = defaultdict(list)

    def put(self, name: str, rows: Rows, values: Floats, scale: float) -> None:
        """Set a scalar signal in some rows, to values times a factor where they are not missing."""
        # A NaN of any kind is left out: a signalling one would raise a warning in arithmetic later on.
        there = ~np.isnan(values)
        if not there.any():
            return
        column = self._signals.get(name)
        if column is None:
            column = self._signals[name] = np.full(self._rows, np.nan)
        column[rows[there]] = values[there] if scale == 1.0 else values[there] * scale

    def put_list(self, name: str, rows: Rows, array: Any) -> None:
        """Set a signal of lists in some rows where they are not missing."""
        if array.null_count == 0:
            self._lists[name].append((rows, array))
        elif array.null_count < len(array):
            there = np.asarray(array.is_valid().to_numpy(zero_copy_only=False))
            self._lists[name].append((rows[there], array.drop_null()))

    def note(self, reason: str, action: Action, name: str, rows: Rows, found: Told) -> None:
        """Note what is wrong in some of `rows`, which are given by their position."""
        positions, details = found
        if details:
            self._faults[(reason, action, name)].append((rows[positions], details))

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


def _fault(reason: str, action: Action, found: list[Told]) -> Fault:
    rows = np.concatenate([rows for rows, _ in found])
    details = [detail for _, details in found for detail in details]
    order = np.argsort(rows, kind="stable")
    return Fault(reason, action, rows[order], [details[place] for place in order])
