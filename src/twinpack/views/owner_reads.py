"""Reads of an owner's data by anyone else, into the audit log; asked from the one place that gives vehicles out."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from twinpack.store.identity.audit_log import READ
from twinpack.store.registry import Registry
from twinpack.views.asking import request_id
from twinpack.views.sight import Right, Role, Sight

ONCE_S = 600.0
"""Within so long the same reading, by the same one, is one entry: a page that is open asks again each second."""
_OWNERS_S = 2.0
_MOST_KEPT = 50_000
_DATA = frozenset({Right.VEHICLE, Right.TELEMETRY, Right.TWIN, Right.ALARMS, Right.MAINTENANCE})
"""Rights that show what an owner's vehicle told."""


class OwnerReads:
    """Writes down who reads which owner's data. Safe for many threads."""

    def __init__(
        self, registry: Registry, now_us: Callable[[], int], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Nothing was read yet."""
        self._registry, self._now_us, self._clock = registry, now_us, clock
        self._lock = Lock()
        self._told: OrderedDict[tuple[str, str, Right], float] = OrderedDict()
        self._owners: OrderedDict[str, tuple[float, str | None]] = OrderedDict()

    def note(self, seer: Sight, vehicle_id: str, right: Right) -> None:
        """Write down that one who looks is given a vehicle, when it has an owner and that is another.

        Raises:
            RegistryBusyError: It cannot be written down now, so it must not be read.
        """
        if right is Right.FIND and seer.may(Right.VEHICLE):
            right = Right.VEHICLE  # who finds a vehicle and may see its figures is shown them
        if right not in _DATA or seer.role is Role.DEVICE:
            return
        owner = self._owner(vehicle_id)
        if owner is None or owner == seer.who or not self._is_first((seer.who, vehicle_id, right)):
            return
        action = f"{READ}.{right.value.partition('.')[0]}"
        log = self._registry.audit_log
        log.write(seer.who, seer.role.value, action, vehicle_id, {}, request_id.get(), self._now_us())

    def _owner(self, vehicle_id: str) -> str | None:
        now = self._clock()
        kept = self._owners.get(vehicle_id)
        if kept is not None and now < kept[0]:
            return kept[1]
        found = self._registry.grants.owner(vehicle_id, self._now_us())
        owner = None if found is None else found.username
        with self._lock:
            self._owners.pop(vehicle_id, None)
            self._owners[vehicle_id] = (now + _OWNERS_S, owner)
            if len(self._owners) > _MOST_KEPT:
                self._owners.popitem(last=False)
        return owner

    def _is_first(self, reading: tuple[str, str, Right]) -> bool:
        now = self._clock()
        with self._lock:
            at = self._told.get(reading)
            if at is not None and now - at < ONCE_S:
                return False
            self._told.pop(reading, None)
            self._told[reading] = now
            if len(self._told) > _MOST_KEPT:
                self._told.popitem(last=False)
        return True
