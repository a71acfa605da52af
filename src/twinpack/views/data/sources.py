"""Files that were imported, as the log remembers them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass

from twinpack.ingest.log import Segment, SegmentLog
from twinpack.ingest.log.segments import ReplacedError, read_bounds

_ID_DIGITS = 32


@dataclass(frozen=True)
class Import:
    """A file that was imported.

    Attributes:
        import_id: First digits of the SHA-256 of the file.
        file: Its name.
        at_us: When its segment was written, microseconds since the epoch: merging makes that later; 0 when gone.
        profile: Name of the profile.
        rows: Rows of the log, None where they are in a segment with those of others.
        segment: Where its rows are, None when they are gone.
    """

    import_id: str
    file: str
    at_us: int
    profile: str
    rows: int | None
    segment: Segment | None


class Imports:
    """Files that were imported into a log; segments are looked at once."""

    def __init__(self, log: SegmentLog) -> None:
        """Look at a log."""
        self._log = log
        self._known: dict[tuple[int, int], list[Import]] = {}
        self._vehicles: dict[tuple[int, int], frozenset[str]] = {}
        self._lock = threading.Lock()

    def all(self) -> list[Import]:
        """Every one, newest first.

        Raises:
            WorkspaceError: The log cannot be read.
        """
        with self._lock:
            listing = self._log.listing()
            known = {one.identity: self._known.get(one.identity) or list(_of(one)) for one in listing.visible}
            self._known = known
        gone = [
            Import(digest[:_ID_DIGITS], name, 0, "", None, None) for digest, name in listing.retired.sources.items()
        ]
        found = [one for listed in known.values() for one in listed]
        return sorted([*found, *gone], key=lambda one: (-one.at_us, one.import_id))

    def vehicles(self, one: Import) -> frozenset[str]:
        """Vehicles that a file told of; none where its rows are gone, or were merged a moment ago.

        Raises:
            WorkspaceError: The log cannot be read.
        """
        if one.segment is None:
            return frozenset()
        found = self._vehicles.get(one.segment.identity)
        if found is None:
            try:
                found = frozenset(read_bounds(one.segment).vehicle_ids)
            except ReplacedError:
                return frozenset()
            self._vehicles[one.segment.identity] = found
        return found


def _of(segment: Segment) -> Iterator[Import]:
    sources = segment.sources
    if not sources:
        return
    rows = segment.rows if len(sources) == 1 else None
    written_us = segment.identity[1] // 1000
    for digest, name in sources.items():
        yield Import(digest[:_ID_DIGITS], name, written_us, segment.metadata.get("profile", ""), rows, segment)
