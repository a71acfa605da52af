"""Tables of the lake as they are now, without opening them anew each time.

A Delta table is a chain of commits, and whether another one was added is soon seen.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from twinpack.store.lake import Lake

_LOOK_EVERY_S = 2.0
"""How often an object store is asked for new commits; a folder is looked at each time."""


class OpenTable:
    """One table, opened when it is there and kept up to date."""

    def __init__(self, lake: Lake, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        """Name the table; it is opened when it is asked for."""
        self.name = name
        self._lake = lake
        self._folder = lake.place(name).folder
        self._clock = clock
        self._table: DeltaTable | None = None
        self._looked = -1e18
        self._lock = threading.Lock()

    def now(self) -> DeltaTable | None:
        """The table with all its commits, None when there is none yet.

        A table that was given is never changed: another one is given once there are more commits.

        Raises:
            WorkspaceError: It cannot be read.
        """
        with self._lock:
            if self._table is None or self._has_more(self._table.version()):
                self._table = self._lake.open(self.name)
            return self._table

    def forget(self) -> None:
        """Open it anew: files that it named are gone."""
        with self._lock:
            self._table = None

    def _has_more(self, version: int) -> bool:
        if self._folder is not None:
            return (self._folder / "_delta_log" / f"{version + 1:020d}.json").exists()
        if self._clock() - self._looked < _LOOK_EVERY_S:
            return False
        self._looked = self._clock()
        try:
            return bool(DeltaTable(self._lake.place(self.name).uri).version() != version)
        except DeltaError:
            return True
