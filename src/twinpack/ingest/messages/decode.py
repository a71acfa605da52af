"""Decode a micro-batch: many messages of many vehicles become one set of arrays.

Messages that have the same fields are decoded together, column by column: a call into NumPy is made for a signal of
a micro-batch, not of a message. What a message becomes does not depend on those beside it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import numpy as np

from twinpack.ingest.messages import values as convert
from twinpack.ingest.messages.arrow import ArrowRows, open_arrow
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
from twinpack.ingest.messages.table import Rows, Table
from twinpack.telemetry.profiles.convert import ESSENTIAL
from twinpack.telemetry.readings import ROW_REJECTED, VALUE_CLEARED, Action, Integers


def decode(messages: Sequence[Message], max_bytes: int = MAX_MESSAGE_BYTES) -> Decoded:
    """Decode messages of any vehicles; one that is wrong never spoils another.

    Args:
        messages: M messages as they arrived.
        max_bytes: Largest message in JSON or MessagePack.

    Returns:
        Their samples and what was turned away. It never raises for what a message holds.
    """
    batch = _Batch(len(messages))
    for index, message in enumerate(messages):
        try:
            if message.content == "arrow":
                batch.add_arrow(index, open_arrow(message))
            else:
                batch.add(index, open_message(message, max_bytes, batch.vehicles))
        except Refusal as refusal:
            batch.rejected.append(Reject(index, refusal.reason, refusal.detail))
    return batch.decoded()


class _Batch:
    """M messages while they are opened."""

    def __init__(self, messages: int) -> None:
        self.vehicles: dict[str, int] = {}
        self.rejected: list[Reject] = []
        self._samples = np.zeros(messages, np.int64)
        self._owner = np.zeros(messages, np.int32)
        self._sequence = np.full(messages, -1, np.int64)
        self._groups: dict[tuple[int, bool, tuple[str, ...]], _Group] = {}
        self._arrow: list[tuple[int, ArrowRows]] = []

    def add(self, index: int, opened: Opened) -> None:
        self._samples[index] = opened.samples
        self._owner[index] = self.vehicles.setdefault(opened.vehicle, len(self.vehicles))
        self._sequence[index] = opened.sequence
        key = (opened.vss, opened.batch, opened.names)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group(opened.shape, opened.batch)
        group.add(index, opened)

    def add_arrow(self, index: int, rows: ArrowRows) -> None:
        self._samples[index] = rows.samples
        for name in rows.vehicles:
            self.vehicles.setdefault(name, len(self.vehicles))
        self._arrow.append((index, rows))

    def decoded(self) -> Decoded:
        """All values in the order of the messages."""
        starts = np.cumsum(self._samples) - self._samples
        table = Table(np.repeat(self._owner, self._samples))
        for group in self._groups.values():
            group.fill(table, starts)
        for index, rows in self._arrow:
            _fill_arrow(table, int(starts[index]), rows, self.vehicles)
        names = tuple(map(sys.intern, self.vehicles))
        message_of = np.repeat(np.arange(len(self._samples), dtype=np.int32), self._samples)
        return Decoded(table.readings(names), message_of, self.rejected, self._sequence, self._unknown())

    def _unknown(self) -> dict[str, int]:
        shapes = [(group.shape, len(group.messages)) for group in self._groups.values()]
        shapes += [(rows.shape, 1) for _, rows in self._arrow]
        counts: dict[str, int] = {}
        for shape, messages in shapes:
            for name in shape.unknown:
                key = name if name in counts or len(counts) < MAX_UNKNOWN_NAMES else OTHER_NAMES
                counts[key] = counts.get(key, 0) + messages
        return counts


def _fill_arrow(table: Table, start: int, given: ArrowRows, vehicles: dict[str, int]) -> None:
    rows = np.arange(start, start + given.samples)
    lookup = np.array([*(vehicles[name] for name in given.vehicles), -1], np.int32)
    table.vehicle[rows] = lookup[given.codes]
    table.note("vehicle", ROW_REJECTED, "vehicle", rows, given.bad_vehicles)
    _put_times(table, rows, given.time_us, given.bad_times)
    for scalar in given.shape.scalars:
        table.put(scalar.signal.name, rows, given.signals[scalar.key], scalar.scale)
    for cells in given.shape.lists:
        table.put_list(cells.signal.name, rows, given.lists[cells.key])


def _put_times(table: Table, rows: Rows, time_us: Integers, bad: list[tuple[int, str]]) -> None:
    nothing = {position for position, _ in bad}
    bad += [found for found in convert.impossible_times(time_us) if found[0] not in nothing]
    table.time_us[rows] = time_us
    table.note("time", ROW_REJECTED, "time", rows, bad)


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

    def fill(self, table: Table, starts: Integers) -> None:
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

    def _fill_times(self, table: Table, rows: Rows) -> None:
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
        _put_times(table, rows, time, bad)

    def _fill_scalar(self, table: Table, rows: Rows, scalar: SignalField) -> None:
        given = self._column(scalar.key)
        flags = scalar.signal.kind == "bool"
        if self.batch:
            values, bad = convert.columns(given, self.counts, flags)
        else:
            values, bad = convert.numbers(given, flags)
        name = scalar.signal.name
        table.put(name, rows, values, scalar.scale)
        action: Action = ROW_REJECTED if name in ESSENTIAL else VALUE_CLEARED
        table.note("number", action, name, rows, _not_numbers(scalar.key, bad))

    def _fill_list(self, table: Table, rows: Rows, cells: SignalField) -> None:
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
