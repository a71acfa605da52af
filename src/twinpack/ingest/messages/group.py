"""Messages with the same fields become arrays together, column by column."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import numpy as np
import pyarrow as pa

from twinpack.ingest.messages import values as convert
from twinpack.ingest.messages.envelope import Opened
from twinpack.ingest.messages.fields import Shape, SignalField
from twinpack.ingest.messages.model import show
from twinpack.ingest.messages.table import Rows, Table
from twinpack.telemetry.profiles.convert import ESSENTIAL
from twinpack.telemetry.readings import ROW_REJECTED, VALUE_CLEARED, Action, Floats, Integers

# Values are converted while they are still in the processor's cache, which takes half the time.
_HELD_MESSAGES = 256
_HELD_SAMPLES = 4_096

Bad = list[tuple[int, str]]


@dataclass(slots=True)
class Group:
    """Messages with the same fields, all of one sample or all of columns.

    Attributes:
        shape: What the fields mean.
        batch: Whether they are columns.
        messages: Positions of the messages.
    """

    shape: Shape
    batch: bool
    messages: list[int] = field(default_factory=list)
    _counts: list[int] = field(default_factory=list)
    _rows: int = 0
    _bodies: list[dict[str, Any]] = field(default_factory=list)
    _held: list[int] = field(default_factory=list)
    _held_rows: int = 0
    _times: list[Integers] = field(default_factory=list)
    _scalars: dict[str, list[Floats]] = field(default_factory=lambda: defaultdict(list))
    _lists: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    _bad: dict[str, Bad] = field(default_factory=lambda: defaultdict(list))

    def add(self, index: int, opened: Opened) -> None:
        """Take the next message."""
        self.messages.append(index)
        self._counts.append(opened.samples)
        self._bodies.append(opened.body)
        self._held.append(opened.samples)
        self._held_rows += opened.samples
        if len(self._held) >= _HELD_MESSAGES or self._held_rows >= _HELD_SAMPLES:
            self._convert()

    def fill(self, table: Table, starts: Integers) -> None:
        """Put all values into the rows of the messages, which begin at `starts`."""
        self._convert()
        counts = np.array(self._counts, np.int64)
        first = starts[self.messages]
        rows = np.repeat(first - (np.cumsum(counts) - counts), counts) + np.arange(int(counts.sum()))
        put_times(table, rows, np.concatenate(self._times), self._bad["time"])
        for scalar in self.shape.scalars:
            name = scalar.signal.name
            action: Action = ROW_REJECTED if name in ESSENTIAL else VALUE_CLEARED
            table.put(name, rows, np.concatenate(self._scalars[scalar.key]), scalar.scale)
            table.note("number", action, name, rows, self._bad[scalar.key])
        for cells in self.shape.lists:
            name = cells.signal.name
            table.put_list(name, rows, pa.concat_arrays(self._lists[cells.key]))
            table.note("number", VALUE_CLEARED, name, rows, self._bad[cells.key])

    def _convert(self) -> None:
        """Turn the bodies that are held into arrays."""
        if not self._bodies:
            return
        times, bad = self._converted_times(self._column("time"))
        self._times.append(times)
        self._note("time", bad)
        for scalar in self.shape.scalars:
            self._convert_scalar(scalar)
        for cells in self.shape.lists:
            given = self._column(cells.key)
            array, wrong = convert.cells(self._spread(given) if self.batch else given)
            self._lists[cells.key].append(array)
            self._note(cells.key, _not_numbers(cells.key, wrong))
        self._rows += self._held_rows
        self._bodies.clear()
        self._held.clear()
        self._held_rows = 0

    def _column(self, key: str) -> list[Any]:
        return list(map(itemgetter(key), self._bodies))

    def _note(self, key: str, bad: Bad) -> None:
        if bad:
            self._bad[key] += [(self._rows + position, detail) for position, detail in bad]

    def _convert_scalar(self, scalar: SignalField) -> None:
        given = self._column(scalar.key)
        flags = scalar.signal.kind == "bool"
        values, wrong = convert.columns(given, self._held, flags) if self.batch else convert.numbers(given, flags)
        self._scalars[scalar.key].append(values)
        self._note(scalar.key, _not_numbers(scalar.key, wrong))

    def _converted_times(self, given: list[Any]) -> tuple[Integers, Bad]:
        if not self.batch:
            return convert.times(given)
        kinds = set(map(type, given))
        if kinds == {bytes}:
            return convert.packed_times(b"".join(given)), []
        if kinds == {list}:
            return convert.times([time for times in given for time in times])
        pieces: list[Integers] = []
        bad: Bad = []
        start = 0
        for value in given:
            piece, wrong = (convert.packed_times(value), []) if type(value) is bytes else convert.times(value)
            pieces.append(piece)
            bad += [(start + position, detail) for position, detail in wrong]
            start += len(piece)
        return np.concatenate(pieces), bad

    def _spread(self, given: list[Any]) -> list[Any]:
        """The list of each sample from columns of lists."""
        spread: list[Any] = []
        for value, count in zip(given, self._held, strict=True):
            if type(value) is bytes:
                size = len(value) // count
                spread += [value[start * size : (start + 1) * size] for start in range(count)]
            else:
                spread += [None] * count if value is None else value
        return spread


def put_times(table: Table, rows: Rows, time_us: Integers, bad: Bad) -> None:
    """Set the sample times of some rows, and note those that cannot be."""
    nothing = {position for position, _ in bad}
    bad = bad + [found for found in convert.impossible_times(time_us) if found[0] not in nothing]
    table.time_us[rows] = time_us
    table.note("time", ROW_REJECTED, "time", rows, bad)


def _not_numbers(key: str, bad: convert.Bad) -> Bad:
    return [(position, f"{key}: {show(value)} is not a number") for position, value in bad]
