"""Ranges that pictures of parameters share."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from twinpack.store.registry import Registry
from twinpack.twin.versions import TwinVersion
from twinpack.views.twin.parameters import common_axes

Axes = dict[str, tuple[float, float]]
_ALIKE = 40
"""Vehicles of a fleet with one pack by which the axes of parameters are set."""
_AXES_S = 600.0
"""For so long axes stay as they are, seconds."""


class SharedAxes:
    """Ranges of parameters over vehicles of one fleet with one pack, so that their pictures can be compared."""

    def __init__(self, registry: Registry, clock: Callable[[], float] = time.monotonic) -> None:
        """Look at the vehicles of a registry."""
        self._registry = registry
        self._clock = clock
        self._known: dict[tuple[str, str], tuple[float, Axes]] = {}
        self._lock = threading.Lock()

    def of(self, fleet: str, pack: str, capacity_ah: float | None) -> Axes:
        """Lowest and highest value of each parameter; vehicles of other fleets do not count."""
        known = self._known.get((fleet, pack))
        if known is None or self._clock() - known[0] > _AXES_S:
            with self._lock:
                known = (self._clock(), common_axes(self._chains(fleet, pack), capacity_ah))
                self._known[fleet, pack] = known
        return known[1]

    def _chains(self, fleet: str, pack: str) -> list[list[TwinVersion]]:
        alike = [
            name
            for name, vehicle in self._registry.fleet.known().items()
            if (vehicle.fleet, vehicle.pack_name) == (fleet, pack)
        ]
        few = -(-len(alike) // _ALIKE) or 1
        return [self._registry.versions(name) for name in alike[::few]]
