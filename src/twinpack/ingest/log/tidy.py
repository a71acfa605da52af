"""What keeps a log small: its oldest segments are retired, and small ones merged. Offsets never change."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from twinpack.ingest.log.listing import Listing
from twinpack.ingest.log.log import SegmentLog, raise_to, rechunked
from twinpack.ingest.log.retired import RETIRED, Retired, RetiredFile
from twinpack.ingest.log.segments import ROW_GROUP_ROWS, SOURCES, TEMPORARY, Segment, read_bounds, read_commands
from twinpack.store.files import force_to_disk
from twinpack.telemetry.schema import LOG


def retain(
    log: SegmentLog, keep_from_offset: int, *, older_than_us: int | None = None, max_bytes: int | None = None
) -> list[Path]:
    """Retire the oldest segments that are too old, or too many.

    What later work needs of them is kept: the files that were imported, every vehicle's newest sample time, and all
    commands. It is written before a segment goes, so that a crash in between loses nothing.

    Args:
        log: The log.
        keep_from_offset: Segments that hold this row or a later one stay: whoever reads the log is not further yet.
        older_than_us: Those whose newest sample was received before this go, microseconds since the epoch.
        max_bytes: The oldest go while all sealed segments are larger than this together.

    Returns:
        The files that are gone.

    Raises:
        WorkspaceError: A segment is missing or damaged.
        OSError: The disk is full or broken; nothing is gone that is not remembered.
    """
    with log.tidying():
        listing = _swept(log)
        going = list(_going(listing, keep_from_offset, older_than_us, max_bytes))
        if not going:
            return []
        log.touch()
        RetiredFile(log.directory).write(_remembered(listing.retired, going))
        return _removed(log.directory, going)


def merge(log: SegmentLog, min_rows: int) -> int:
    """Join adjacent small segments, so that a year of a gateway is not half a million files.

    A row is copied once: segments are joined when they have `min_rows` together, or lie between larger ones. Whoever
    reads the log meanwhile sees no difference.

    Args:
        log: The log.
        min_rows: Segments with fewer rows are small.

    Returns:
        How many segments were joined into others.

    Raises:
        WorkspaceError: A segment is missing or damaged.
        OSError: The disk is full or broken; the segments stay as they were.
    """
    with log.tidying():
        groups = list(_groups(_swept(log).segments, min_rows))
        for group in groups:
            _join(log, group)
        return sum(len(group) for group in groups)


def _swept(log: SegmentLog) -> Listing:
    """What there is, once files are gone that an earlier call was cut off from removing."""
    for leftover in log.directory.glob(f".{RETIRED}.*{TEMPORARY}"):
        leftover.unlink(missing_ok=True)
    listing = log.listing()
    if listing.covered:
        _removed(log.directory, listing.covered)
    return listing


def _removed(directory: Path, segments: Sequence[Segment]) -> list[Path]:
    for segment in segments:
        segment.path.unlink(missing_ok=True)
    force_to_disk(directory)
    return [segment.path for segment in segments]


def _going(
    listing: Listing, keep_from_offset: int, older_than_us: int | None, max_bytes: int | None
) -> Iterator[Segment]:
    size = sum(segment.size for segment in listing.visible)
    for segment in listing.segments:
        old = older_than_us is not None and segment.last_receipt_us < older_than_us
        large = max_bytes is not None and size > max_bytes
        if segment.end_offset > keep_from_offset or not (old or large):
            return
        size -= segment.size
        yield segment


def _remembered(before: Retired, going: Sequence[Segment]) -> Retired:
    sources, newest, commands = dict(before.sources), dict(before.last_sample_us), list(before.commands)
    needs_tick = before.needs_tick
    for segment in going:
        sources |= segment.sources
        raise_to(newest, read_bounds(segment).last)
        commands += read_commands(segment)
        needs_tick = not segment.ends_with_tick and (needs_tick or segment.has_samples)
    return Retired(
        start_offset=going[-1].end_offset,
        sources=sources,
        last_sample_us=newest,
        last_receipt_us=max(before.last_receipt_us, *(segment.last_receipt_us for segment in going)),
        needs_tick=needs_tick,
        commands=commands,
    )


def _groups(segments: Sequence[Segment], min_rows: int) -> Iterator[list[Segment]]:
    group: list[Segment] = []
    for segment in segments:
        small = segment.rows < min_rows
        if small:
            group.append(segment)
        if not small or sum(part.rows for part in group) >= min_rows:
            if len(group) > 1:
                yield group
            group = []


def _join(log: SegmentLog, group: Sequence[Segment]) -> None:
    first, end = group[0].first_offset, group[-1].end_offset
    sources: dict[str, str] = {}
    for part in group:
        sources |= part.sources
    with log.new_segment() as segment:
        for _, table in rechunked(log.sealed(first, end, LOG), first, ROW_GROUP_ROWS):
            segment.write(table)
        segment.finish({SOURCES: json.dumps(sources)} if sources else {})
        with log.lock():
            log.touch()
            segment.place(first)  # takes the place of the first; the others are covered by it from here on
    _removed(log.directory, group[1:])
