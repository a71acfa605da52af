"""Write-ahead files become sealed segments, and their dead letters reach the lake; a crash in between repeats it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa

from twinpack.errors import WorkspaceBusyError, WorkspaceError
from twinpack.ingest.log.log import SegmentLog
from twinpack.ingest.log.segments import GATEWAY_LOCK, RECOVERY
from twinpack.ingest.log.wal import Wal, read_wal
from twinpack.ingest.records import DEAD_LETTERS, DeadLetterSink
from twinpack.store.files import force_to_disk
from twinpack.store.locks import Claim

_RECOVERY_WAIT_S = 120.0


def recover(log: SegmentLog, dead_letters: DeadLetterSink) -> bool:
    """Seal what a dead gateway left; a living one is left alone.

    Args:
        log: The log.
        dead_letters: Where the dead letters go that it had taken.

    Returns:
        False when a gateway lives, so that the end of the log is not sealed yet.

    Raises:
        WorkspaceError: A write-ahead file is damaged, or what it holds cannot be kept; says what to do.
    """
    if not log.listing().wals:
        return True
    claim = Claim(log.directory / GATEWAY_LOCK, RECOVERY)
    if not _take(claim):
        return False
    try:
        seal_left(log, dead_letters)
    finally:
        claim.release()
    return True


def become_gateway(claim: Claim, directory: Path) -> None:
    """Take the gateway's lock of a log, waiting for a recovery that is at work.

    Raises:
        WorkspaceBusyError: Another gateway has it; names its process.
    """
    if not _take(claim):
        role, process = claim.holder()
        raise WorkspaceBusyError(
            f"log {directory} is written by another {role} (process {process}): stop it, or use another workspace with "
            "--home"
        )


def _take(claim: Claim) -> bool:
    """Take the gateway's lock once no recovery has it; False when a gateway does."""
    until = time.monotonic() + _RECOVERY_WAIT_S
    while not claim.take():
        if claim.holder()[0] != RECOVERY or time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def seal_left(log: SegmentLog, dead_letters: DeadLetterSink) -> None:
    """Seal every write-ahead file; only by the one who holds the gateway's lock."""
    for wal in seal_rows_left(log):
        deliver(wal.path, wal.letters, dead_letters)
        remove_wal(wal.path)


def seal_rows_left(log: SegmentLog) -> list[Wal]:
    """Seal the rows of every write-ahead file; only by the one who holds the gateway's lock.

    Returns:
        The files, with their dead letters; who has delivered these removes the file.

    Raises:
        WorkspaceError: A file is damaged, or the disk is full or broken; says what to do.
    """
    found = []
    try:
        for path in log.listing().wals:
            wal = read_wal(path)
            seal_rows(log, wal.first_offset, wal.rows)
            found.append(Wal(path, letters=wal.letters))
    except OSError as error:
        raise WorkspaceError(
            f"{log.directory}: what a gateway left cannot be sealed ({error}); nothing is lost: free the disk and "
            "try again"
        ) from error
    return found


def seal_rows(log: SegmentLog, first_offset: int, tables: Sequence[pa.Table]) -> None:
    """Write tables in the `LOG` schema as the segment of an offset, unless they are sealed already.

    Raises:
        OSError: The disk is full or broken; nothing is left of it.
        WorkspaceError: The rows before them are missing.
    """
    rows = sum(table.num_rows for table in tables)
    if not rows or _is_sealed(log, first_offset, rows):
        return
    with log.new_segment() as segment:
        for table in _pieces(tables):
            segment.write(table)
        segment.finish({})
        with log.lock():
            end = log.end_offset
            if end != first_offset:
                raise WorkspaceError(
                    f"{log.directory}: the sealed log ends at {end}, the rows to seal begin at {first_offset}; restore "
                    "the log from a backup"
                )
            segment.place(first_offset)


def deliver(path: Path, tables: Sequence[pa.Table], sink: DeadLetterSink) -> None:
    """Hand over the dead letters of a write-ahead file that the sink does not have yet."""
    if not tables:
        return
    letters = pa.concat_tables(tables)
    import_id = path.stem
    place = DEAD_LETTERS.get_field_index("import_id")
    letters = letters.set_column(place, DEAD_LETTERS.field(place), pa.repeat(pa.scalar(import_id), letters.num_rows))
    fresh = letters.slice(sink.held(import_id))
    if fresh.num_rows:
        sink.append(fresh)


def remove_wal(path: Path) -> None:
    """Remove a write-ahead file of which all is kept elsewhere."""
    path.unlink(missing_ok=True)
    force_to_disk(path.parent)


def _is_sealed(log: SegmentLog, first_offset: int, rows: int) -> bool:
    listing = log.listing()
    if first_offset + rows <= listing.start_offset:
        return True
    held = [
        part for part in (*listing.segments, *listing.beyond) if part.first_offset <= first_offset < part.end_offset
    ]
    if held and held[0].end_offset < first_offset + rows:
        raise WorkspaceError(
            f"{held[0].path}: ends at row {held[0].end_offset}, the write-ahead file of the same rows at "
            f"{first_offset + rows}; move this segment away and run again: the write-ahead file has all of it"
        )
    return bool(held)


def _pieces(tables: Iterable[pa.Table]) -> Iterable[pa.Table]:
    """Many small tables joined: a row group of one row each would be costly to write and to read."""
    held: list[pa.Table] = []
    rows = 0
    for table in tables:
        held.append(table)
        rows += table.num_rows
        if rows >= 65_536:
            yield pa.concat_tables(held).combine_chunks()
            held, rows = [], 0
    if held:
        yield pa.concat_tables(held).combine_chunks()
