"""A workspace opened to be looked at."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

from twinpack.ingest.log import SegmentLog
from twinpack.store.records import now_us
from twinpack.store.registry import Registry
from twinpack.store.workspace import Workspace
from twinpack.views.alarms_words import Meanings
from twinpack.views.sight import Reach, Right, Sight


class Views:
    """What every view reads from; one of these serves all who look, from any thread.

    Attributes:
        workspace: The workspace.
        registry: Its registry.
        now_us: The clock, microseconds since the epoch.
        meanings: What codes mean by the rules in use.
    """

    def __init__(self, workspace: Workspace, now_us: Callable[[], int] = now_us) -> None:
        """Open what is read often."""
        self.workspace = workspace
        self.registry: Registry = workspace.registry()
        self.now_us = now_us
        self.meanings = Meanings(self.registry, SegmentLog(workspace.log_dir))

    def __enter__(self) -> Views:
        """Use as a context manager to close it at the end."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Give everything back."""
        self.registry.close()

    def reach(self, seer: Sight, vehicle_id: str, right: Right) -> Reach:
        """A vehicle that may be looked at; see `Sight.reach`."""
        return seer.reach(vehicle_id, self.fleet_of(vehicle_id), right)

    def fleet_of(self, vehicle_id: str) -> str | None:
        """The fleet of a vehicle, None when there is no such vehicle."""
        known = self.registry.fleet.known().get(vehicle_id)
        return None if known is None else known.fleet
