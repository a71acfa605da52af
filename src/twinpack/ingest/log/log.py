"""The durable log: sealed segments, and the write-ahead files of a gateway that are not sealed yet, in one folder.

A segment's name is the offset of its first row. It is written under a name of its own, forced to disk and renamed, so
that a reader sees whole segments only. Four locks keep writers apart:

    .gateway.lock   held by a gateway for its life, and while the files of a dead one are sealed: who has it owns the
                    write-ahead files
    .import.lock    held while a file is imported: importers take turns
    .tidy.lock      held while segments are merged or retired
    .lock           held for moments only: one append, one renaming. Offsets are settled inside it

A segment may be placed behind rows that are not sealed yet: `segments` ends before the gap until they are.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pyarrow as pa

from twinpack.errors import WorkspaceError
from twinpack.ingest.log.listing import Listing, arranged
from twinpack.ingest.log.retired import RetiredFile
from twinpack.ingest.log.segments import (
    GATEWAY_LOCK,
    IMPORT_LOCK,
    LOCK,
    RECOVERY,
    ROW_GROUP_ROWS,
    SPOOL,
    TIDY_LOCK,
    ReplacedError,
    Segment,
    SegmentWriter,
    inspect,
    is_segment,
    read_bounds,
    read_commands,
    read_rows,
    remove_leftovers,
)
from twinpack.ingest.log.wal import count_rows, first_offset_of, is_wal
from twinpack.store.locks import Claim, locked
from twinpack.telemetry.schema import LOG, SIGNALS

T = TypeVar("T")

_LISTINGS = 20
"""How often a folder is listed again that changed while it was."""


class SegmentLog:
    """A log in a folder; many may read it, writers take turns."""

    def __init__(self, directory: Path) -> None:
        """Open the log, making the folder when it is not there."""
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self._known: dict[str, Segment] = {}
        self._retired = RetiredFile(directory)
        self._newest: dict[str, int] = {}
        self._newest_to = 0
        self._counting = threading.Lock()

    def segments(self) -> list[Segment]:
        """Every sealed segment in order of offset, up to the first row that is not sealed.

        Raises:
            WorkspaceError: A segment is missing or cannot be read.
        """
        return self.listing().segments

    def listing(self) -> Listing:
        """What the folder holds now.

        Raises:
            WorkspaceError: A segment is missing or cannot be read.
        """
        for attempt in range(_LISTINGS):
            try:
                return self._list()
            except ReplacedError:  # a file was renamed or removed while the folder was listed
                continue
            except WorkspaceError:
                if attempt >= 2:
                    raise
        raise self._restless()

    def at_one_moment(self, look: Callable[[Listing], T]) -> T:
        """What a function makes of the folder; called again when segments were merged or retired meanwhile.

        Raises:
            WorkspaceError: A segment is missing or cannot be read.
        """
        for _ in range(_LISTINGS):
            try:
                return look(self.listing())
            except ReplacedError:
                continue
        raise self._restless()

    @property
    def start_offset(self) -> int:
        """Offset of the first row that is left."""
        return self.listing().start_offset

    @property
    def end_offset(self) -> int:
        """Offset after the last row that can be read: the first that is not sealed."""
        return self.listing().end_offset

    def next_offset(self) -> int:
        """Offset the next row will have, behind all that is not sealed yet; it stays so only inside `lock`."""
        listing = self.listing()
        at = listing.end_offset
        # Segments and write-ahead files follow each other without a gap.
        for first, rows in sorted(
            [(segment.first_offset, segment.rows) for segment in listing.beyond]
            + [(first_offset_of(path), _rows_in(path)) for path in listing.wals]
        ):
            if first > at:
                raise WorkspaceError(f"{self.directory}: the log has no row {at}; restore the log from a backup")
            at = max(at, first + rows)
        return at

    def sources(self) -> dict[str, str]:
        """SHA-256 of every file imported, with the name it had."""
        listing = self.listing()
        found = dict(listing.retired.sources)
        for segment in listing.visible:
            found |= segment.sources
        return found

    def last_sample_us(self) -> dict[str, int]:
        """Newest sample time of every vehicle that has samples in sealed segments, microseconds since the epoch."""
        with self._counting:
            return self.at_one_moment(self._newest_in)

    def _newest_in(self, listing: Listing) -> dict[str, int]:
        for segment in listing.segments:
            if segment.end_offset > self._newest_to:
                raise_to(self._newest, read_bounds(segment).last)
                self._newest_to = segment.end_offset
        newest = dict(self._newest)
        raise_to(newest, listing.retired.last_sample_us)
        for segment in listing.beyond:
            raise_to(newest, read_bounds(segment).last)
        return newest

    def newest_from(self, offset: int) -> dict[str, int]:
        """Newest sample times in sealed segments that reach beyond an offset, and in what was retired from there on."""

        def look(listing: Listing) -> dict[str, int]:
            newest = dict(listing.retired.last_sample_us) if listing.start_offset > offset else {}
            for segment in listing.visible:
                if segment.end_offset > offset:
                    raise_to(newest, read_bounds(segment).last)
            return newest

        return self.at_one_moment(look)

    def last_receipt_us(self) -> int:
        """Newest receipt time of any sample, microseconds since the epoch; 0 in an empty log."""
        listing = self.listing()
        times = [segment.last_receipt_us for segment in listing.visible]
        return max([listing.retired.last_receipt_us, *times])

    def needs_tick(self) -> bool:
        """Whether samples follow the last tick: nothing has told yet that silence came after them."""
        listing = self.listing()
        for segment in reversed(listing.visible):
            if segment.ends_with_tick:
                return False
            if segment.has_samples:
                return True
        return listing.retired.needs_tick

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Settle offsets, for a moment; leftovers of dead writers are removed. Open `new_segment` before it."""
        with locked(self.directory / LOCK):
            remove_leftovers(self.directory)
            yield

    @contextmanager
    def import_lock(self) -> Iterator[None]:
        """Be the only importer, for as long as a file takes; nobody else waits for this lock."""
        with locked(self.directory / IMPORT_LOCK):
            for leftover in self.directory.glob(f"*{SPOOL}"):  # of an importer that died
                leftover.unlink(missing_ok=True)
            yield

    def has_unsealed(self) -> bool:
        """Whether there are write-ahead files, of a living or of a dead gateway."""
        return any(is_wal(name) for name in os.listdir(self.directory))

    def gateway_lives(self) -> bool:
        """Whether a gateway appends to this log now."""
        claim = Claim(self.directory / GATEWAY_LOCK, RECOVERY)
        free = claim.take()
        claim.release()
        return not free

    def generation(self) -> int:
        """Grows when segments were merged or retired: a name that is not there may have been, a moment ago."""
        try:
            return (self.directory / TIDY_LOCK).stat().st_size
        except FileNotFoundError:
            return 0

    @contextmanager
    def tidying(self) -> Iterator[None]:
        """Be the only one to merge and retire segments."""
        with locked(self.directory / TIDY_LOCK):
            yield

    def touch(self) -> None:
        """Let `generation` grow; only inside `tidying`, before a segment goes."""
        with (self.directory / TIDY_LOCK).open("ab") as file:
            file.write(b".")

    def new_segment(self) -> SegmentWriter:
        """A segment to be written; `place` puts it into the log."""
        return SegmentWriter(self.directory)

    def append(self, tables: Iterable[pa.Table], metadata: Mapping[str, str] | None = None) -> tuple[int, int]:
        """Write tables in the `LOG` schema as one segment.

        Args:
            tables: The rows; nothing is written when there are none.
            metadata: Kept with the segment.

        Returns:
            Offset of the first row and offset after the last.
        """
        with self.new_segment() as segment:
            for table in tables:
                segment.write(table)
            segment.finish(metadata or {})
            with self.lock():
                return segment.place(self.next_offset())

    def commands(self) -> Iterator[str]:
        """Every command as JSON text, those of retired rows first.

        Raises:
            WorkspaceError: A segment is missing or damaged.
        """
        listing = self.listing()
        yield from listing.retired.commands
        at = listing.start_offset
        while at < listing.end_offset:
            try:
                for segment in self._covering(at, listing.end_offset):
                    found = list(read_commands(segment))
                    at = segment.end_offset
                    yield from found
            except ReplacedError:  # goes on in the segment that has these rows now
                continue

    def read(
        self, start: int = 0, max_rows: int = ROW_GROUP_ROWS, signals: Sequence[str] | None = None
    ) -> Iterator[tuple[int, pa.Table]]:
        """Rows from an offset to the end the log has now.

        Args:
            start: Offset of the first row wanted.
            max_rows: Most rows of a table.
            signals: The signals wanted, all when None.

        Yields:
            Offset of the first row of a table, and the table in the `LOG` schema, without the signals that are not
            wanted. Tables span segments, and all but the last are full.

        Raises:
            WorkspaceError: `start` is past the end or its row was retired, or a segment is missing or damaged.
        """
        listing = self.listing()
        check_start(self.directory, start, listing.start_offset, listing.end_offset)
        return rechunked(self.sealed(start, listing.end_offset, schema_of(signals)), start, max_rows)

    def sealed(self, start: int, stop: int, schema: pa.Schema) -> Iterator[pa.Table]:
        """Sealed rows from an offset to before another, in pieces as they lie; merging in between does not show.

        Raises:
            WorkspaceError: A segment is missing, damaged, or was retired meanwhile.
        """
        at = start
        for _ in range(_LISTINGS):
            try:
                for segment in self._covering(at, stop):
                    for piece in read_rows(segment, at - segment.first_offset, schema):
                        kept = piece.slice(0, stop - at)
                        at += kept.num_rows
                        yield kept
                if at >= stop:
                    return
            except ReplacedError:  # goes on in the segment that has these rows now
                continue
        raise self._restless()

    def _covering(self, start: int, stop: int) -> Iterator[Segment]:
        listing = self.listing()
        check_start(self.directory, start, listing.start_offset, max(listing.end_offset, stop))
        for segment in listing.visible:
            if segment.end_offset > start and segment.first_offset < stop:
                if segment.first_offset > start:
                    raise ReplacedError  # listed while a file was put into its place
                start = segment.end_offset
                yield segment

    def _restless(self) -> WorkspaceError:
        return WorkspaceError(f"{self.directory}: segments keep vanishing while they are read; try again")

    def _list(self) -> Listing:
        segments, wals = [], []
        with os.scandir(self.directory) as entries:
            for entry in entries:
                if is_segment(entry.name):
                    segments.append(self._inspected(entry))
                elif is_wal(entry.name):
                    wals.append(self.directory / entry.name)
        self._known = {segment.path.name: segment for segment in segments}
        retired = self._retired.read()
        segments.sort(key=lambda segment: segment.first_offset)
        return arranged(self.directory, retired, segments, sorted(wals))

    def _inspected(self, entry: os.DirEntry[str]) -> Segment:
        try:
            status = entry.stat()
            known = self._known.get(entry.name)
            if known is None or known.identity != (status.st_ino, status.st_mtime_ns):
                known = self._known[entry.name] = inspect(self.directory / entry.name)
            return known
        except FileNotFoundError as error:
            raise ReplacedError from error


def schema_of(signals: Sequence[str] | None) -> pa.Schema:
    """The `LOG` schema without the signals that are not wanted."""
    if signals is None:
        return LOG
    return pa.schema([field for field in LOG if field.name not in SIGNALS or field.name in signals])


def check_start(directory: Path, start: int, first: int, end: int) -> None:
    """Refuse an offset outside the log.

    Raises:
        WorkspaceError: It is past the end, or its row was retired.
    """
    if 0 <= start < first:
        raise WorkspaceError(
            f"{directory}: rows {start} to {first - 1} were retired by the settings retention_days or retention_gb of "
            f"[log]; the log begins at {first}"
        )
    if not first <= start <= end:
        raise WorkspaceError(f"{directory}: offset {start} is outside the log, which ends at {end}")


def rechunked(pieces: Iterator[pa.Table], start: int, max_rows: int) -> Iterator[tuple[int, pa.Table]]:
    """The same rows in tables that are full, but for the last, each with the offset of its first row."""
    held: list[pa.Table] = []
    rows = 0
    for piece in pieces:
        held.append(piece)
        rows += piece.num_rows
        while rows >= max_rows:
            joined = pa.concat_tables(held)
            yield start, joined.slice(0, max_rows)
            start, rows = start + max_rows, rows - max_rows
            held = [joined.slice(max_rows)]
    if rows:
        yield start, pa.concat_tables(held)


def _rows_in(path: Path) -> int:
    try:
        return count_rows(path)
    except FileNotFoundError:
        return 0  # sealed since: its rows are in a segment that was listed


def raise_to(newest: dict[str, int], times: Mapping[str, int]) -> None:
    """Let each vehicle's newest time be no older than another."""
    for vehicle, time in times.items():
        newest[vehicle] = max(time, newest.get(vehicle, time))
