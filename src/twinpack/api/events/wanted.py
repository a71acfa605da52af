"""Which events one who listens is told: those asked for, of what may be seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from twinpack.api.events.messages import Message
from twinpack.errors import AccessError, InputError
from twinpack.views.opened import Views
from twinpack.views.shapes.events import EventKind
from twinpack.views.sight import Reach, Right, Scope, Sight
from twinpack.views.spans import holds

RIGHT_OF: Mapping[EventKind, Right] = {
    "alarm": Right.ALARMS,
    "trip": Right.VEHICLE,
    "version": Right.TWIN,
    "latest": Right.TELEMETRY,
    "ingest": Right.DATA,
}
"""What each kind of event needs."""


@dataclass(frozen=True)
class Wanted:
    """What one who listens is told.

    Attributes:
        seer: Who listens.
        scopes: By kind of event, whose.
        vehicle_id: Of this vehicle alone, None for all.
        latest: Of which vehicle newest values are told, and of what times.
        ingest: Whether the state of the ingest is told.
    """

    seer: Sight
    scopes: Mapping[EventKind, Scope] = field(default_factory=dict)
    vehicle_id: str | None = None
    latest: Reach | None = None
    ingest: bool = False

    def tells(self, message: Message) -> bool:
        """Whether an event is told."""
        scope = self.scopes.get(message.kind)
        if scope is None or self.vehicle_id not in (None, message.vehicle_id):
            return False
        if scope.fleets is None or message.fleet in scope.fleets:
            return True
        span = scope.vehicles.get(message.vehicle_id)
        return span is not None and holds(span, message.time_us)


def kinds_of(text: str | None) -> frozenset[EventKind]:
    """The kinds that were asked for.

    Raises:
        InputError: One is not known.
    """
    asked = {name.strip() for name in (text or "").split(",") if name.strip()}
    for name in sorted(asked - RIGHT_OF.keys()):
        raise InputError(f"kinds: there is no {name[:40]!r}; there are {', '.join(RIGHT_OF)}")
    return frozenset(kind for kind in RIGHT_OF if not asked or kind in asked)


def wanted_by(views: Views, seer: Sight, kinds: frozenset[EventKind], vehicle_id: str | None) -> Wanted:
    """What is told of what was asked for; kinds that the role may not see are left out.

    Raises:
        AccessError: It may see none of them.
        NotFoundError: The vehicle is not there, or may not be seen.
    """
    seen = {kind for kind in kinds if seer.may(RIGHT_OF[kind])}
    if vehicle_id is None:
        seen.discard("latest")
    if not seen:
        raise AccessError(f"{seer.role.value} accounts see none of these events")
    reaches = {} if vehicle_id is None else {k: views.reach(seer, vehicle_id, RIGHT_OF[k]) for k in seen - {"ingest"}}
    told = {kind: seer.scope(RIGHT_OF[kind]) for kind in sorted(seen) if kind not in ("latest", "ingest")}
    return Wanted(seer, told, vehicle_id, reaches.get("latest"), "ingest" in seen)
