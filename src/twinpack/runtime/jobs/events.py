"""What has happened in a workspace, counted from its log and registry: nothing has to tell, and nothing is missed."""

from __future__ import annotations

from twinpack.ingest.log import SegmentLog
from twinpack.store.registry import Registry
from twinpack.store.triggers import MODEL_PROMOTED, SEGMENT_SEALED, TRIP_CLOSED, VERSION_ACCEPTED
from twinpack.store.workspace import Workspace
from twinpack.twin.versions import ACCEPTED, PROMOTED

_VERSION_KINDS = {VERSION_ACCEPTED: ACCEPTED, MODEL_PROMOTED: PROMOTED}


class WorkspaceEvents:
    """Counts events between two offsets of the log.

    A sealed segment counts at the offset of its first row, others at that of the row that brought them about; they are
    committed with the stream's offset, so a count up to it is final.
    """

    def __init__(self, workspace: Workspace) -> None:
        """Count in a workspace; its registry is opened at the first look."""
        self._workspace = workspace
        self._log = SegmentLog(workspace.log_dir)
        self._registry: Registry | None = None

    def position(self, event: str) -> int:
        """Log offset up to which all events of a kind are known.

        Raises:
            WorkspaceError: Log or registry do not answer.
        """
        return self._log.end_offset if event == SEGMENT_SEALED else self._open().offset()

    def count(self, event: str, start: int, end: int) -> int:
        """How many there are from an offset up to another.

        Raises:
            WorkspaceError: Log or registry do not answer.
        """
        if event == SEGMENT_SEALED:
            return sum(start <= segment.first_offset < end for segment in self._log.segments())
        if event == TRIP_CLOSED:
            return self._open().count_trips(start, end)
        return self._open().count_versions(_VERSION_KINDS[event], start, end)

    def close(self) -> None:
        """Give the registry back."""
        if self._registry is not None:
            self._registry.close()
            self._registry = None

    def _open(self) -> Registry:
        if self._registry is None:
            self._registry = self._workspace.registry()
        return self._registry
