"""The end of the log: rows that the lake does not have yet, by vehicle, as soon as they are durable.

Sealed segments and the write-ahead files of a living gateway are read on from where they were read last. What the lake
has is let go. So much is held in memory at most; what is older and not in the lake yet is looked up in its segments.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from twinpack.ingest.log import Segment, SegmentLog
from twinpack.ingest.log.listing import Listing
from twinpack.ingest.log.segments import opened
from twinpack.ingest.log.wal import first_offset_of, lean, read_rows_after
from twinpack.store.tables import OFFSET, SAMPLE_TIME
from twinpack.store.telemetry_files import ranked
from twinpack.telemetry.schema import LIST_SIGNALS, SAMPLE_KINDS, SCALAR_SIGNALS
from twinpack.views.telemetry.rows import of_schema, telemetry_schema, within_times
from twinpack.views.telemetry.tail_segments import SegmentRows

MOST_BYTES = 256_000_000
"""What rows in memory may take."""

_SIGNALS = (*SCALAR_SIGNALS, *LIST_SIGNALS)
_KINDS = pa.array(SAMPLE_KINDS, pa.int8())


@dataclass(frozen=True)
class Piece:
    """Samples of one stretch of the log, by vehicle and in each by their offset.

    Attributes:
        first: Log offset of the first row of the stretch.
        end: Log offset after its last.
        serial: Which reading brought it.
        rows: Samples, with the columns that have values.
        place: First row of each vehicle, and the row after its last.
        newest_us: Sample time of the newest sample of each vehicle.
    """

    first: int
    end: int
    serial: int
    rows: pa.Table
    place: Mapping[str, tuple[int, int]]
    newest_us: Mapping[str, int]

    def of_vehicle(self, vehicle_id: str) -> pa.Table | None:
        """The samples of a vehicle, None without one."""
        found = self.place.get(vehicle_id)
        return None if found is None else self.rows.slice(found[0], found[1] - found[0])


class Tail:
    """Follows the end of a log; any thread may ask."""

    def __init__(self, log: SegmentLog, lake_end: Callable[[], int], most_bytes: int = MOST_BYTES) -> None:
        """Nothing is read before it is asked for.

        Args:
            log: The log.
            lake_end: Log offset up to which the lake has all samples.
            most_bytes: What rows in memory may take.
        """
        self._log = log
        self._lake_end = lake_end
        self._most_bytes = most_bytes
        self._segments = SegmentRows(log)
        self._pieces: tuple[Piece, ...] = ()
        self._reading: dict[Path, tuple[int, int]] = {}
        self._newest_us: dict[str, int] = {}
        self._serial = 0
        self._dropped_to = 0
        self._lock = threading.Lock()
        self.followed = False

    @property
    def serial(self) -> int:
        """Grows with each reading that brought samples."""
        return self._serial

    def newest_us(self) -> Mapping[str, int]:
        """Sample time of the newest sample of every vehicle that was seen in the tail so far."""
        return self._newest_us

    def since(self, serial: int) -> list[Piece]:
        """Pieces that came after a reading, in the order of the log."""
        return [piece for piece in self._pieces if piece.serial > serial]

    def rows(self, vehicle_id: str, start_us: int, end_us: int, columns: Sequence[str], since: int = -1) -> pa.Table:
        """Samples of a vehicle that the lake may not have, in the order of the log.

        Args:
            vehicle_id: The vehicle.
            start_us: Earliest sample time, microseconds since the epoch.
            end_us: Sample time before which rows are wanted.
            columns: Signals wanted; `sample_time` and `offset` come with them.
            since: Only rows that came after this reading, of those in memory.

        Raises:
            WorkspaceError: The log cannot be read.
        """
        if not self.followed:
            self.refresh()
        pieces, dropped_to = self._pieces, self._dropped_to
        parts = [telemetry_schema(columns).empty_table()]
        if since < 0 and self._lake_end() < dropped_to:
            parts += self._segments.rows(vehicle_id, start_us, end_us, columns, self._lake_end(), dropped_to)
        for piece in pieces:
            if piece.serial > since and piece.newest_us.get(vehicle_id, start_us - 1) >= start_us:
                found = piece.of_vehicle(vehicle_id)
                if found is not None:
                    parts.append(of_schema(within_times(found, start_us, end_us), columns))
        return pa.concat_tables(parts)

    def refresh(self) -> bool:
        """Read what was added; whether it brought samples.

        Raises:
            WorkspaceError: The log cannot be read.
        """
        with self._lock:
            lake_end = self._lake_end()
            kept = [piece for piece in self._pieces if piece.end > lake_end]
            found = self._log.at_one_moment(lambda listing: self._added(listing, kept, lake_end))
            self._pieces = self._bounded([*kept, *found])
            if found:  # told after they can be read
                self._note(found)
                self._serial += 1
            return bool(found)

    def _added(self, listing: Listing, kept: Sequence[Piece], lake_end: int) -> list[Piece]:
        pieces = list(kept)
        begin = max(lake_end, listing.start_offset, self._dropped_to)
        reading = {path: self._reading.get(path, (0, first_offset_of(path))) for path in listing.wals}
        live = [part for path in listing.wals for part in self._read_on(path, reading)]
        for segment in reversed(listing.visible):  # the newest first: what does not fit is the oldest
            if segment.end_offset > begin:
                size = sum(piece.rows.nbytes for piece in pieces)
                if size > self._most_bytes:
                    self._dropped_to = max(self._dropped_to, segment.end_offset)
                    break
                pieces += self._sealed(segment, pieces, begin)
        for first, table in live:
            pieces += self._samples(pieces, first, table, max(first, begin))
        self._reading = reading
        return pieces[len(kept) :]

    def _read_on(self, path: Path, reading: dict[Path, tuple[int, int]]) -> Iterator[tuple[int, pa.Table]]:
        position, offset = reading[path]
        try:
            tables, position = read_rows_after(path, position)
        except FileNotFoundError:  # sealed meanwhile: its rows are in a segment when the folder is listed next
            return
        if tables:
            joined = pa.concat_tables(tables, promote_options="default")
            yield offset, joined
            offset += joined.num_rows
        reading[path] = (position, offset)

    def _sealed(self, segment: Segment, pieces: Sequence[Piece], begin: int) -> Iterator[Piece]:
        gaps = list(_gaps(pieces, max(segment.first_offset, begin), segment.end_offset))
        if not gaps:
            return
        with opened(segment) as file:
            first = segment.first_offset
            for index in range(file.num_row_groups):
                end = first + file.metadata.row_group(index).num_rows
                if any(low < end and high > first for low, high in gaps):
                    table = file.read_row_group(index, use_threads=False)
                    for low, high in gaps:
                        part = table.slice(max(low - first, 0), min(high, end) - max(low, first))
                        if low < end and high > first:
                            yield self._piece(max(low, first), part)
                first = end

    def _samples(self, pieces: Sequence[Piece], first: int, table: pa.Table, begin: int) -> Iterator[Piece]:
        for low, high in _gaps(pieces, begin, first + table.num_rows):
            yield self._piece(low, table.slice(low - first, high - low))

    def _piece(self, first: int, table: pa.Table) -> Piece:
        """The samples of rows of the log from an offset on."""
        rows = table.num_rows
        offset = pa.array(np.arange(first, first + rows, dtype=np.int64))
        names = [name for name in ("vehicle_id", SAMPLE_TIME, *_SIGNALS) if name in table.column_names]
        samples = table.select(names).append_column(OFFSET, offset)
        samples = lean(samples.filter(pc.is_in(table.column("kind"), _KINDS)))
        if not samples.num_rows:
            return Piece(first, first + rows, self._serial + 1, samples, {}, {})
        code, known = ranked(samples.column("vehicle_id"))
        order = np.argsort(code, kind="stable")
        samples = samples.take(pa.array(order)).combine_chunks()
        edges = np.searchsorted(code[order], np.arange(len(known) + 1))
        time = samples.column(SAMPLE_TIME).cast(pa.int64()).to_numpy()
        listed = known.to_pylist()
        newest = np.maximum.reduceat(time, edges[:-1]).tolist()
        places = zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
        return Piece(
            first, first + rows, self._serial + 1, samples, dict(zip(listed, places, strict=True)),
            dict(zip(listed, newest, strict=True)),
        )  # fmt: skip

    def _note(self, found: Sequence[Piece]) -> None:
        newest = dict(self._newest_us)
        for piece in found:
            for name, time_us in piece.newest_us.items():
                if time_us > newest.get(name, time_us - 1):
                    newest[name] = time_us
        self._newest_us = newest

    def _bounded(self, pieces: Sequence[Piece]) -> tuple[Piece, ...]:
        """The newest pieces, as many as fit."""
        ordered = sorted(pieces, key=lambda piece: piece.first)
        first, size = len(ordered), 0
        while first and size + ordered[first - 1].rows.nbytes <= self._most_bytes:
            first -= 1
            size += ordered[first].rows.nbytes
        if first:
            self._dropped_to = max(self._dropped_to, ordered[first - 1].end)
        return tuple(ordered[first:])


def _gaps(pieces: Sequence[Piece], first: int, end: int) -> Iterator[tuple[int, int]]:
    """What of a stretch of the log none of some pieces holds."""
    at = first
    for piece in sorted(pieces, key=lambda piece: piece.first):
        if piece.end <= at:
            continue
        if piece.first >= end:
            break
        if piece.first > at:
            yield at, piece.first
        at = piece.end
    if at < end:
        yield at, end
