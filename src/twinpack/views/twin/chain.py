"""Whether a vehicle's history verifies: every hash, link and signed head of it, looked at again when it has grown."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Literal

from twinpack.errors import AuditError
from twinpack.store.audit import verify_vehicle
from twinpack.store.registry import Registry
from twinpack.store.workspace import Workspace
from twinpack.twin.words import counted

State = Literal["verified", "broken", "empty"]
_MOST = 20_000


class Chains:
    """What was verified, by vehicle and by the hash of its last version."""

    def __init__(self, workspace: Workspace, registry: Registry) -> None:
        """Verify chains of a workspace."""
        self._heads = workspace.heads()
        self._registry = registry
        self._known: OrderedDict[str, tuple[str, State, str]] = OrderedDict()
        self._lock = threading.Lock()

    def state(self, vehicle_id: str) -> tuple[State, str]:
        """Whether a vehicle's history verifies, and what was found, in words.

        Raises:
            WorkspaceError: Registry or lake cannot be read.
        """
        head = self._registry.head(vehicle_id)
        if head is None:
            return "empty", "no version yet"
        known = self._known.get(vehicle_id)
        if known is None or known[0] != head.hash:
            known = (head.hash, *self._verified(vehicle_id))
            self._keep(vehicle_id, known)
        return known[1], known[2]

    def _verified(self, vehicle_id: str) -> tuple[State, str]:
        try:
            report = verify_vehicle(self._registry, self._heads, vehicle_id)
        except AuditError as error:
            return "broken", str(error)
        if report.broken:
            return "broken", str(report.broken[0])
        return "verified", f"{counted(report.versions, 'version')}, every hash and link"

    def _keep(self, vehicle_id: str, found: tuple[str, State, str]) -> None:
        with self._lock:
            self._known[vehicle_id] = found
            self._known.move_to_end(vehicle_id)
            while len(self._known) > _MOST:
                self._known.popitem(last=False)
