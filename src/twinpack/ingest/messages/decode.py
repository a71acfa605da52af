"""Decode a micro-batch: many messages of many vehicles become one set of arrays.

Messages are decoded together, column by column, whatever fields they have: a call into NumPy is made for a signal of
some hundred messages, not of one. What a message becomes does not depend on those beside it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np

from twinpack.ingest.messages import values as convert
from twinpack.ingest.messages.arrow import ArrowRows, open_arrow, vehicle_fault
from twinpack.ingest.messages.envelope import Opened, open_message
from twinpack.ingest.messages.fields import Shape
from twinpack.ingest.messages.group import Group
from twinpack.ingest.messages.model import (
    MAX_MESSAGE_BYTES,
    MAX_UNKNOWN_NAMES,
    OTHER_NAMES,
    Decoded,
    Message,
    Refusal,
    Reject,
)
from twinpack.ingest.messages.table import Table, told
from twinpack.telemetry.checks import impossible
from twinpack.telemetry.readings import ROW_REJECTED

# Parsed messages take many times their size, so that few are held at a time.
_HELD_BYTES = 1_000_000


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
                batch.add(index, len(message.payload), open_message(message, max_bytes, batch.vehicles))
        except Refusal as refusal:
            batch.rejected.append(Reject(index, refusal.reason, refusal.detail))
    return batch.decoded()


class _Batch:
    """M messages while they are opened."""

    def __init__(self, messages: int) -> None:
        self.vehicles: dict[str, int] = {}
        self.rejected: list[Reject] = []
        self._samples = [0] * messages
        self._owner = [0] * messages
        self._sequence = [-1] * messages
        self._groups: dict[tuple[bool, int], Group] = {}
        self._held_bytes = 0
        self._unknown: dict[str, int] = {}
        self._arrow: list[tuple[int, ArrowRows]] = []

    def add(self, index: int, size: int, opened: Opened) -> None:
        self._samples[index] = opened.samples
        self._owner[index] = self.vehicles.setdefault(opened.vehicle, len(self.vehicles))
        self._sequence[index] = opened.sequence
        if opened.shape.unknown:
            self._count_unknown(opened.shape)
        key = (opened.batch, opened.vss)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = Group(opened.batch)
        group.add(index, opened)
        self._held_bytes += size
        if self._held_bytes >= _HELD_BYTES:
            self._held_bytes = 0
            for group in self._groups.values():
                group.convert()

    def add_arrow(self, index: int, rows: ArrowRows) -> None:
        self._samples[index] = rows.samples
        self._count_unknown(rows.shape)
        for name in rows.vehicles:
            self.vehicles.setdefault(name, len(self.vehicles))
        self._arrow.append((index, rows))

    def decoded(self) -> Decoded:
        """All values in the order of the messages."""
        samples = np.array(self._samples, np.int64)
        starts = np.cumsum(samples) - samples
        table = Table(np.repeat(np.array(self._owner, np.int32), samples))
        for group in self._groups.values():
            group.fill(table, starts)
        for index, rows in self._arrow:
            _fill_arrow(table, int(starts[index]), rows, self.vehicles)
        names = tuple(map(sys.intern, self.vehicles))
        message_of = np.repeat(np.arange(len(samples), dtype=np.int32), samples)
        sequence = np.array(self._sequence, np.int64)
        return Decoded(table.readings(names), message_of, self.rejected, sequence, self._unknown)

    def _count_unknown(self, shape: Shape) -> None:
        for name in shape.unknown:
            key = name if name in self._unknown or len(self._unknown) < MAX_UNKNOWN_NAMES else OTHER_NAMES
            self._unknown[key] = self._unknown.get(key, 0) + 1


def _fill_arrow(table: Table, start: int, given: ArrowRows, vehicles: dict[str, int]) -> None:
    rows = np.arange(start, start + given.samples)
    lookup = np.array([*(vehicles[name] for name in given.vehicles), -1], np.int32)
    table.vehicle[rows] = lookup[given.codes]
    outside = impossible(given.time_us)
    outside[[row for row, _ in given.bad_times]] = False
    beyond = [(int(row), int(given.time_us[row])) for row in np.flatnonzero(outside)]
    ends = np.array([given.samples])
    table.time_us[rows] = given.time_us
    table.note("vehicle", ROW_REJECTED, "vehicle", rows, told(given.bad_vehicles, vehicle_fault, ends))
    table.note("time", ROW_REJECTED, "time", rows, told(given.bad_times, convert.time_fault, ends))
    table.note("time", ROW_REJECTED, "time", rows, told(beyond, convert.outside_fault, ends))
    for scalar in given.shape.scalars:
        table.put(scalar.signal.name, rows, given.signals[scalar.key], scalar.scale)
    for cells in given.shape.lists:
        table.put_list(cells.signal.name, rows, given.lists[cells.key])
