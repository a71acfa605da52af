"""Messages that are alike become arrays together, column by column: singles of any fields, and batches of any."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np

from twinpack.ingest.messages import values as convert
from twinpack.ingest.messages.envelope import Opened
from twinpack.ingest.messages.fields import Shape, SignalField
from twinpack.ingest.messages.model import show
from twinpack.ingest.messages.table import Table, Told, told
from twinpack.ingest.messages.values import Bad, Column
from twinpack.telemetry.checks import impossible
from twinpack.telemetry.profiles.convert import ESSENTIAL
from twinpack.telemetry.readings import ROW_REJECTED, VALUE_CLEARED, Action, Flags, Floats, Integers

# Values are converted while they are still in the processor's cache, which takes half the time.
_HELD_MESSAGES = 256
_HELD_SAMPLES = 4_096


@dataclass(slots=True)
class _Piece:
    """Some messages as arrays; positions are rows among them."""

    rows: int
    time_us: Integers
    scalars: list[tuple[SignalField, Floats]] = field(default_factory=list)
    lists: list[tuple[SignalField, Any]] = field(default_factory=list)
    faults: list[tuple[str, Action, str, Told]] = field(default_factory=list)


class Group:
    """Messages of one sample each, or messages of columns, with paths of one version."""

    def __init__(self, batch: bool) -> None:
        """Take messages of columns if `batch`, else of one sample."""
        self._batch = batch
        self._messages: list[int] = []
        self._counts: list[int] = []
        self._pieces: list[_Piece] = []
        self._bodies: list[dict[str, Any]] = []
        self._held: list[int] = []
        self._held_rows = 0
        self._shape: Shape | None = None
        self._scalars: dict[str, SignalField] = {}
        self._lists: dict[str, SignalField] = {}

    def add(self, index: int, opened: Opened) -> None:
        """Take the next message."""
        self._messages.append(index)
        self._counts.append(opened.samples)
        self._bodies.append(opened.body)
        self._held.append(opened.samples)
        self._held_rows += opened.samples
        if opened.shape is not self._shape:
            self._shape = opened.shape
            self._scalars.update((used.key, used) for used in opened.shape.scalars)
            self._lists.update((used.key, used) for used in opened.shape.lists)
        if len(self._held) >= _HELD_MESSAGES or self._held_rows >= _HELD_SAMPLES:
            self.convert()

    def convert(self) -> None:
        """Turn the messages that are held into arrays, and let go of them."""
        if not self._bodies:
            return
        ends = np.cumsum(np.array(self._held, np.int64))
        given = [body["time"] for body in self._bodies]
        time_us, wrong = self._times(given) if self._batch else convert.times(given)
        outside = impossible(time_us)
        outside[[position for position, _ in wrong]] = False
        beyond = [(int(position), int(time_us[position])) for position in np.flatnonzero(outside)]
        piece = _Piece(self._held_rows, time_us)
        piece.faults.append(("time", ROW_REJECTED, "time", told(wrong, convert.time_fault, ends)))
        piece.faults.append(("time", ROW_REJECTED, "time", told(beyond, convert.outside_fault, ends)))
        for used in self._scalars.values():
            self._convert_scalar(piece, used, ends)
        for used in self._lists.values():
            self._convert_list(piece, used, ends)
        self._pieces.append(piece)
        self._bodies.clear()
        self._held.clear()
        self._held_rows = 0

    def fill(self, table: Table, starts: Integers) -> None:
        """Put all values into the rows of the messages, which begin at `starts`."""
        self.convert()
        counts = np.array(self._counts, np.int64)
        first = starts[self._messages]
        every = np.repeat(first - (np.cumsum(counts) - counts), counts) + np.arange(int(counts.sum()))
        stop = 0
        for piece in self._pieces:
            start, stop = stop, stop + piece.rows
            rows = every[start:stop]
            table.time_us[rows] = piece.time_us
            for used, values in piece.scalars:
                table.put(used.signal.name, rows, values, used.scale)
            for used, array in piece.lists:
                table.put_list(used.signal.name, rows, array)
            for reason, action, name, found in piece.faults:
                table.note(reason, action, name, rows, found)

    def _convert_scalar(self, piece: _Piece, used: SignalField, ends: Integers) -> None:
        given = [body.get(used.key) for body in self._bodies]
        flags = used.signal.kind == "bool"
        values, wrong = self._columns(given, flags) if self._batch else convert.numbers(given, flags)
        if not np.isnan(values).all():
            piece.scalars.append((used, values))
        if wrong:
            action: Action = ROW_REJECTED if used.signal.name in ESSENTIAL else VALUE_CLEARED
            piece.faults.append(("number", action, used.signal.name, self._not_numbers(used.key, wrong, ends)))

    def _convert_list(self, piece: _Piece, used: SignalField, ends: Integers) -> None:
        given = [body.get(used.key) for body in self._bodies]
        array, wrong = convert.cells(self._spread(given) if self._batch else given)
        piece.lists.append((used, array))
        if wrong:
            found = self._not_numbers(used.key, wrong, ends)
            piece.faults.append(("number", VALUE_CLEARED, used.signal.name, found))

    def _not_numbers(self, key: str, wrong: Bad, ends: Integers) -> Told:
        return told(wrong, lambda value: f"{key}: {show(value)} is not a number", ends)

    def _columns(self, given: list[Column], flags: bool) -> tuple[Floats, Bad]:
        """One signal of the batches that are held, some of which may lack it."""
        if None not in given:
            return convert.columns(given, self._held, flags)
        present: Flags = np.array([value is not None for value in given])
        values = np.full(self._held_rows, np.nan)
        if not present.any():
            return values, []
        counts = np.array(self._held, np.int64)
        places = np.flatnonzero(np.repeat(present, counts))
        found, wrong = convert.columns([value for value in given if value is not None], counts[present].tolist(), flags)
        values[places] = found
        return values, [(int(places[position]), value) for position, value in wrong]

    def _times(self, given: list[Any]) -> tuple[Integers, Bad]:
        kinds = set(map(type, given))
        if kinds == {bytes}:
            return convert.packed_times(b"".join(given)), []
        if kinds == {list}:
            return convert.times(list(chain.from_iterable(given)))
        pieces: list[Integers] = []
        bad: Bad = []
        start = 0
        for value in given:
            piece, wrong = (convert.packed_times(value), []) if type(value) is bytes else convert.times(value)
            pieces.append(piece)
            bad += [(start + position, found) for position, found in wrong]
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
