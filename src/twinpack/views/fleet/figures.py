"""The fleet's figures in memory.

They are made of the registry, the trips and the end of the log, and made anew when one of these has changed.
One at a time makes them; who reads meanwhile is given the last ones and never waits. While `follow` runs they are at
most about a second old. Without it, whoever asks looks first whether something changed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

from twinpack.errors import TwinpackError
from twinpack.store.lake import Lake
from twinpack.store.registry import Registry
from twinpack.store.settings import ApiSettings
from twinpack.views.fleet.making import Told, aged, fleet_table, last_seen
from twinpack.views.fleet.sources import RegistryReader, TripsReader
from twinpack.views.fleet.table import FleetTable
from twinpack.views.packs import Packs
from twinpack.views.telemetry.newest import Newest

_LONGEST_S = 1.0
EVERY_S = 0.5
"""How often is looked for changes while they are followed."""


class FleetFigures:
    """Keeps a `FleetTable` up to date."""

    def __init__(
        self,
        registry: Registry,
        lake: Lake,
        packs: Packs,
        settings: ApiSettings,
        now_us: Callable[[], int],
        newest: Callable[[], Mapping[str, int]],
        newest_values: Newest,
    ) -> None:
        """Nothing is read before it is asked for.

        Args:
            registry: Entries, versions, alarms and latest state.
            lake: Trips.
            packs: Pack specifications.
            settings: When a vehicle is late, stale or overdue.
            now_us: The clock, microseconds since the epoch.
            newest: Sample time of the newest row of the log of vehicles that have rows which were not folded yet.
            newest_values: What vehicles sent last, brought up to date with the figures.
        """
        self._registry = RegistryReader(registry, packs)
        self._trips = TripsReader(lake)
        self._settings = settings
        self._now_us = now_us
        self._newest = newest
        self._newest_values = newest_values
        self._table: FleetTable | None = None
        self._told = Told({}, {})
        self._making = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.problem = ""

    def table(self) -> FleetTable:
        """The figures as they are now.

        Raises:
            WorkspaceError: They cannot be read, and never were.
        """
        table = self._table
        if table is not None and (self._thread is not None or self._making.locked()):
            return table
        return self.refresh()

    def refresh(self) -> FleetTable:
        """Look for changes now.

        Raises:
            WorkspaceError: They cannot be read.
        """
        with self._making:
            changed = self._registry.refresh()
            changed |= self._trips.refresh()
            newest = self._newest()
            changed |= self._newest_values.is_behind or newest != self._told.newest_us
            if self._table is None or changed:
                facts = self._registry.facts
                self._newest_values.refresh(last_seen(facts, newest))
                self._told = Told(newest, self._newest_values.of_signal("odometer_km"))
                self._table = fleet_table(facts, self._trips.driven, self._told, self._settings, self._now_us())
            else:
                self._table = aged(self._table, self._settings, self._now_us())
            return self._table

    def follow(self, warm: Callable[[], None], every_s: float = EVERY_S) -> None:
        """Look for changes in a thread from now on, until `close`; who asks before the first look waits for it.

        Args:
            warm: Called once after the first look: reads what will be asked for.
            every_s: Seconds between two looks.
        """
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, args=(warm, every_s), name="fleet-figures", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Follow no longer."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self, warm: Callable[[], None], every_s: float) -> None:
        cold = True
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                self.refresh()
                if cold:
                    warm()
                    cold = False
                self.problem = ""
            except (TwinpackError, OSError) as error:
                self.problem = f"the fleet's figures are old: {error}"
            except Exception as error:  # noqa: BLE001 - the edge of a thread: it tries again, and the reason is kept
                self.problem = f"the fleet's figures cannot be made: {error!r}"
            # A large fleet takes a while: as long is left to those who ask, within bounds.
            self._stop.wait(max(every_s, min(time.monotonic() - began, _LONGEST_S)))
