"""Rows of one write-ahead file in memory, from when they are durable until they are in a sealed segment."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from twinpack.ingest.log.log import SegmentLog
from twinpack.ingest.log.wal import LETTERS, ROWS, first_offset_of, lean, restore
from twinpack.telemetry.schema import LOG

_LOOSE = 256
"""Tables after which small ones are joined: each costs a few kilobytes, whatever it holds."""


class Part:
    """One write-ahead file and what is in it.

    Attributes:
        path: The file.
        first_offset: Log offset of its first row.
        began: When it was begun, on the monotonic clock, seconds.
        letters: Its dead letters.
        letter_rows: How many they are.
        sealed: Whether its rows are in a segment; then they are not held here any more.
    """

    def __init__(self, path: Path, first_offset: int) -> None:
        """Begin with an empty file."""
        self.path = path
        self.first_offset = first_offset
        self.began = time.monotonic()
        self.letters: list[pa.Table] = []
        self.letter_rows = 0
        self.sealed = False
        self.rows = 0
        self._tables: list[pa.Table] = []
        self._starts: list[int] = []
        self._joined = 0  # tables before this one were joined

    @classmethod
    def sealed_before(cls, path: Path, letters: list[pa.Table]) -> Part:
        """A file whose rows are in a segment already, and whose dead letters are not delivered."""
        part = cls(path, first_offset_of(path))
        part.sealed = True
        part.letters = letters
        part.letter_rows = sum(table.num_rows for table in letters)
        return part

    @property
    def end_offset(self) -> int:
        """Log offset after its last row."""
        return self.first_offset + self.rows

    @property
    def empty(self) -> bool:
        """Whether nothing was written to it."""
        return not self.rows and not self.letter_rows

    def add(self, frames: list[tuple[int, pa.Table]]) -> None:
        """Hold what is durable now: the frames as they were written."""
        for kind, table in frames:
            if kind == ROWS:
                self._starts.append(self.end_offset)
                self._tables.append(table)
                self.rows += table.num_rows
            elif kind == LETTERS:
                self.letters.append(table)
                self.letter_rows += table.num_rows
        if len(self._tables) - self._joined >= _LOOSE:
            self._join()

    def tables(self, start: int = 0) -> list[tuple[int, pa.Table]]:
        """First offset and rows (columns that have values) of each table, from the one on that holds `start`."""
        index = max(bisect_right(self._starts, start) - 1, 0)
        return list(zip(self._starts[index:], self._tables[index:], strict=True))

    def whole_tables(self) -> list[pa.Table]:
        """All rows in the `LOG` schema."""
        return [restore(table, LOG) for table in self._tables]

    def let_go(self) -> None:
        """Its rows are in a segment: hold them no longer."""
        self.sealed = True
        self._tables, self._starts = [], []

    def _join(self) -> None:
        loose = self._tables[self._joined :]
        joined = pa.concat_tables(loose, promote_options="default").combine_chunks()
        self._tables[self._joined :] = [joined]
        self._starts[self._joined + 1 :] = []
        self._joined += 1


def frames_of(rows: pa.Table, letters: pa.Table | None) -> list[tuple[int, pa.Table]]:
    """Frames to write: type and lean table, none for an empty table."""
    frames = [(ROWS, lean(rows))] if rows.num_rows else []
    if letters is not None and letters.num_rows:
        frames.append((LETTERS, lean(letters)))
    return frames


def spliced(
    log: SegmentLog, held: list[tuple[int, pa.Table]], start: int, stop: int, schema: pa.Schema
) -> Iterator[pa.Table]:
    """Rows from an offset to before another: those held in memory, and sealed ones where these leave gaps.

    Args:
        log: Where the rows are that are sealed.
        held: Log offset and rows of tables in memory, by offset.
        start: Offset of the first row.
        stop: Offset after the last.
        schema: Columns wanted.
    """
    at = start
    for first, table in held:
        if first + table.num_rows <= at:
            continue
        if first > at:
            yield from log.sealed(at, first, schema)
            at = first
        yield restore(table.slice(at - first), schema)
        at = first + table.num_rows
    if at < stop:
        yield from log.sealed(at, stop, schema)
