"""Decode a micro-batch: many messages of many vehicles become one set of arrays.

Messages that have the same fields are decoded together, column by column: a call into NumPy is made for a signal of
a micro-batch, not of a message. What a message becomes does not depend on those beside it.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinpack.ingest.messages import values as convert
from twinpack.ingest.messages.envelope import Opened, open_message
from twinpack.ingest.messages.fields import Shape, SignalField
from twinpack.ingest.messages.model import (
    MAX_MESSAGE_BYTES,
    MAX_UNKNOWN_NAMES,
    OTHER_NAMES,
    Decoded,
    Message,
    Refusal,
    Reject,
    show,
)
from twinpack.telemetry.profiles.convert import ESSENTIAL
from twinpack.telemetry.readings import ROW_REJECTED, VALUE_CLEARED, Action, Fault, Floats, Integers, Readings

Rows = npt.NDArray[np.int64]


def decode(messages: Sequence[Message], max_bytes: int = MAX_MESSAGE_BYTES) -> Decoded:
    """Decode messages of any vehicles; one that is wrong never spoils another.

    Args:
        messages: M messages as they arrived.
        max_bytes: Largest message in JSON or MessagePack.

    Returns:
        Their samples and what was turned away. It never raises for what a message holds.
    """
    vehicles: dict[str, int] = {}
    groups: dict[tuple[int, bool, tuple[str, ...]], _Group] = {}
    rejected: list[Reject] = []
    samples = np.zeros(len(messages), np.int64)
    owner = np.zeros(len(messages), np.int32)
    sequence = np.full(len(messages), -1, np.int64)
    for index, message in enumerate(messages):
        try:
            opened = open_message(message, max_bytes, vehicles)
        except Refusal as refusal:
            rejected.append(Reject(index, refusal.reason, refusal.detail))
            continue
        samples[index] = opened.samples
        owner[index] = vehicles.setdefault(opened.vehicle, len(vehicles))
        sequence[index] = opened.sequence
        key = (opened.vss, opened.batch, opened.names)
        group = groups.get(key)
        if group is None:
            group = groups[key] = _Group(opened.shape, opened.batch)
        group.add(index, opened)
    ends = np.cumsum(samples)
    table = _Table(int(samples.sum()))
    for group in groups.values():
        group.fill(table, ends - samples)
    names = tuple(map(sys.intern, vehicles))
    readings = table.readings(names, np.repeat(owner, samples))
    message_of = np.repeat(np.arange(len(messages), dtype=np.int32), samples)
    return Decoded(readings, message_of, rejected, sequence, _unknown(groups.values()))


@dataclass(slots=True)
class _Group:
    """Messages with the same fields, all of one sample or all of columns."""

    shape: Shape
    batch: bool
    messages: list[int] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)

    def add(self, index: int, opened: Opened) -> None:
        self.messages.append(index)
        self.bodies.append(opened.body)
        self.counts.append(opened.samples)

    def fill(self, table: _Table, starts: Integers) -> None:
        """Put the values of all messages into the rows that begin at `starts`, one for each message."""
        counts = np.array(self.counts, np.int64)
        first = starts[self.messages]
        rows = np.repeat(first - (np.cumsum(counts) - counts), counts) + np.arange(int(counts.sum()))
        self._fill_times(table, rows)
        for scalar in self.shape.scalars:
            self._fill_scalar(table, rows, scalar)
        for cells in self.shape.lists:
            self._fill_list(table, rows, cells)

    def _column(self, key: str) -> list[Any]:
        return list(map(itemgetter(key), self.bodies))

    def _fill_times(self, table: _Table, rows: Rows) -> None:
        given = self._column("time")
        pieces: list[Integers] = []
        bad: list[tuple[int, str]] = []
        if not self.batch:
            time, bad = convert.times(given)
        elif all(type(value) is bytes for value in given):
            time = convert.packed_times(b"".join(given))
        else:
            start = 0
            for value in given:
                piece, wrong = (convert.packed_times(value), []) if type(value) is bytes else convert.times(value)
                pieces.append(piece)
                bad += [(start + position, detail) for position, detail in wrong]
                start += len(piece)
            time = np.concatenate(pieces)
        nothing = {position for position, _ in bad}
        bad += [found for found in convert.impossible_times(time) if found[0] not in nothing]
        table.put_times(rows, time)
        table.note("time", ROW_REJECTED, "time", rows, bad)

    def _fill_scalar(self, table: _Table, rows: Rows, scalar: SignalField) -> None:
        given = self._column(scalar.key)
        flags = scalar.signal.kind == "bool"
        if self.batch:
            values, bad = convert.columns(given, self.counts, flags)
        else:
            values, bad = convert.numbers(given, flags)
        name = scalar.signal.name
        table.put(name, rows, values if scalar.scale == 1.0 else values * scalar.scale)
        action: Action = ROW_REJECTED if name in ESSENTIAL else VALUE_CLEARED
        table.note("number", action, name, rows, _not_numbers(scalar.key, bad))

    def _fill_list(self, table: _Table, rows: Rows, cells: SignalField) -> None:
        given = self._column(cells.key)
        if not self.batch:
            array, bad = convert.cells(given)
        else:
            spread: list[Any] = []
            for value, count in zip(given, self.counts, strict=True):
                spread += _spread_cells(value, count)
            array, bad = convert.cells(spread)
        table.put_list(cells.signal.name, rows, array)
        table.note("number", VALUE_CLEARED, cells.signal.name, rows, _not_numbers(cells.key, bad))


def _spread_cells(value: Any, count: int) -> list[Any]:
    if value is None:
        return [None] * count
    if type(value) is bytes:
        size = len(value) // count
        return [value[start : start + size] for start in range(0, size * count, size)] if size else [b""] * count
    return list(value)


def _not_numbers(key: str, bad: convert.Bad) -> list[tuple[int, str]]:
    return [(position, f"{key}: {show(value)} is not a number") for position, value in bad]


class _Table:
    """The rows of a micro-batch while its columns are put together."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._times = np.zeros(rows, np.int64)
        self._signals: dict[str, Floats] = {}
        self._lists: dict[str, list[tuple[Rows, Any]]] = defaultdict(list)
        self._faults: dict[tuple[str, Action, str], list[tuple[int, str]]] = defaultdict(list)

    def put_times(self, rows: Rows, times: Integers) -> None:
        self._times[rows] = times

    def put(self, name: str, rows: Rows, values: Floats) -> None:
        column = self._signals.get(name)
        if column is None:
            column = self._signals[name] = np.full(self._rows, np.nan)
        column[rows] = values

    def put_list(self, name: str, rows: Rows, array: Any) -> None:
        self._lists[name].append((rows, array))

    def note(self, reason: str, action: Action, name: str, rows: Rows, bad: list[tuple[int, str]]) -> None:
        """Note what is wrong in some of `rows`, which are given by their position."""
        if bad:
            self._faults[(reason, action, name)] += [(int(rows[position]), detail) for position, detail in bad]

    def readings(self, vehicle_ids: tuple[str, ...], vehicle: npt.NDArray[np.int32]) -> Readings:
        lists = {name: self._joined(pieces) for name, pieces in self._lists.items()}
        faults = [_fault(reason, action, found) for (reason, action, _), found in self._faults.items()]
        return Readings(vehicle_ids, vehicle, self._times, None, self._signals, lists, faults)

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


def _unknown(groups: Any) -> Mapping[str, int]:
    counts: dict[str, int] = {}
    for group in groups:
        for name in group.shape.unknown:
            key = name if name in counts or len(counts) < MAX_UNKNOWN_NAMES else OTHER_NAMES
            counts[key] = counts.get(key, 0) + len(group.messages)
    return counts
