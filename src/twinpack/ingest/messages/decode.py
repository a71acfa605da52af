"""Decode a micro-batch: many messages of many vehicles become one set of arrays.

Messages that have the same fields are decoded together, column by column: a call into NumPy is made for a signal of
a micro-batch, not of a message. What a message becomes does not depend on those beside it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np

from twinpack.ingest.messages.arrow import ArrowRows, open_arrow
from twinpack.ingest.messages.envelope import Opened, open_message
from twinpack.ingest.messages.group import Group, put_times
from twinpack.ingest.messages.model import (
    MAX_MESSAGE_BYTES,
    MAX_UNKNOWN_NAMES,
    OTHER_NAMES,
    Decoded,
    Message,
    Refusal,
    Reject,
)
from twinpack.ingest.messages.table import Table
from twinpack.telemetry.readings import ROW_REJECTED


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
        self._samples = [0] * messages
        self._owner = [0] * messages
        self._sequence = [-1] * messages
        self._groups: dict[tuple[int, bool, tuple[str, ...]], Group] = {}
        self._arrow: list[tuple[int, ArrowRows]] = []

    def add(self, index: int, opened: Opened) -> None:
        self._samples[index] = opened.samples
        self._owner[index] = self.vehicles.setdefault(opened.vehicle, len(self.vehicles))
        self._sequence[index] = opened.sequence
        key = (opened.vss, opened.batch, opened.names)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = Group(opened.shape, opened.batch)
        group.add(index, opened)

    def add_arrow(self, index: int, rows: ArrowRows) -> None:
        self._samples[index] = rows.samples
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
        return Decoded(table.readings(names), message_of, self.rejected, sequence, self._unknown())

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
    put_times(table, rows, given.time_us, given.bad_times)
    for scalar in given.shape.scalars:
        table.put(scalar.signal.name, rows, given.signals[scalar.key], scalar.scale)
    for cells in given.shape.lists:
        table.put_list(cells.signal.name, rows, given.lists[cells.key])
