"""What a log's folder holds at one moment: which rows are sealed, which are not yet, and which are gone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from twinpack.errors import WorkspaceError
from twinpack.ingest.log.retired import Retired
from twinpack.ingest.log.segments import Segment
from twinpack.ingest.log.wal import first_offset_of


@dataclass(frozen=True)
class Listing:
    """What a log's folder held at one moment.

    Attributes:
        retired: What is remembered of rows that are gone.
        segments: Sealed segments without a gap from the first row that is left.
        beyond: Segments behind rows that are not sealed yet.
        wals: Write-ahead files, by offset.
        covered: Segments that are retired, or wholly in a merged one, and not removed yet.
    """

    retired: Retired
    segments: list[Segment]
    beyond: list[Segment]
    wals: list[Path]
    covered: list[Segment]

    @property
    def visible(self) -> list[Segment]:
        """All segments that hold rows of their own."""
        return [*self.segments, *self.beyond]

    @property
    def start_offset(self) -> int:
        """Offset of the first row that is left."""
        return self.retired.start_offset

    @property
    def end_offset(self) -> int:
        """Offset after the last row sealed without a gap."""
        return self.segments[-1].end_offset if self.segments else self.start_offset


def arranged(directory: Path, retired: Retired, segments: list[Segment], wals: list[Path]) -> Listing:
    """Put what was found into order.

    Args:
        directory: The folder.
        retired: What is remembered of rows that are gone.
        segments: Every segment, by offset.
        wals: Every write-ahead file, by offset.

    Raises:
        WorkspaceError: Rows are missing.
    """
    found = Listing(retired, [], [], wals, [])
    at = retired.start_offset
    unsealed = [first_offset_of(path) for path in wals]
    for segment in segments:
        if segment.end_offset <= at:
            found.covered.append(segment)
            continue
        if segment.first_offset < at:
            raise WorkspaceError(
                f"{segment.path}: begins before row {at}, where the rows before it end; move it away if "
                "it was copied here, or restore the log from a backup"
            )
        # Rows that are not sealed yet lie between; a gap that they do not explain is a loss.
        if segment.first_offset > at and not any(at <= first < segment.first_offset for first in unsealed):
            raise WorkspaceError(
                f"{directory}: the log has no row {at}, its next segment is {segment.path.name}; "
                "restore the missing segment from a backup"
            )
        (found.beyond if found.beyond or segment.first_offset > at else found.segments).append(segment)
        at = segment.end_offset
    return found
