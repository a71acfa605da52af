"""Who looks, and what they may see and do: the one place where access is decided.

A view of a vehicle is asked for with a `Reach`, and a list with a `Scope`. Both come from a `Sight` alone, which looks
the right up and bounds what is seen, so that a view cannot be called around it. What may not be seen is told exactly as
what does not exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from twinpack.errors import AccessError, NotFoundError


class Role(StrEnum):
    """What an account is for."""

    ADMIN = "admin"
    OPERATOR = "operator"
    ANALYST = "analyst"
    TECHNICIAN = "technician"
    OWNER = "owner"
    DEVICE = "device"


class Right(StrEnum):
    """Something that may be done."""

    FIND = "vehicle.find"  # that a vehicle is there: its name, pack and when it was last seen
    FLEET = "fleet.read"  # lists with figures, and those of a whole fleet
    VEHICLE = "vehicle.read"  # figures, trips, health, cells
    TELEMETRY = "telemetry.read"
    TWIN = "twin.read"  # versions, predictions, parameters
    ROLLBACK = "twin.rollback"
    ALARMS = "alarms.read"
    ALARMS_ACT = "alarms.act"
    MAINTENANCE = "maintenance.read"
    MAINTENANCE_WRITE = "maintenance.write"
    DATA = "data.read"  # ingest, imports, dead letters
    QUERY = "query"  # SQL
    VIN = "vin.read"
    SHARE = "share"  # show an own vehicle to another person, or hand it on
    GRANTS = "grants.manage"  # give and end owners' grants
    USERS = "users.manage"
    KEYS = "keys.manage"
    AUDIT = "audit.read"


_READ = {Right.FIND, Right.FLEET, Right.VEHICLE, Right.TELEMETRY, Right.TWIN, Right.ALARMS, Right.MAINTENANCE}
RIGHTS: Mapping[Role, frozenset[Right]] = {
    Role.ADMIN: frozenset(Right) - {Right.SHARE},
    Role.OPERATOR: frozenset(
        _READ
        | {Right.ROLLBACK, Right.ALARMS_ACT, Right.MAINTENANCE_WRITE, Right.DATA, Right.QUERY, Right.VIN, Right.GRANTS}
    ),
    Role.ANALYST: frozenset(_READ | {Right.QUERY}),
    Role.TECHNICIAN: frozenset(
        {Right.FIND, Right.ALARMS, Right.ALARMS_ACT, Right.MAINTENANCE, Right.MAINTENANCE_WRITE}
    ),
    Role.OWNER: frozenset({Right.FIND, Right.VEHICLE, Right.TELEMETRY, Right.MAINTENANCE, Right.SHARE}),
    Role.DEVICE: frozenset({Right.TELEMETRY}),
}
"""What each role may do, where it may look at all."""


@dataclass(frozen=True)
class Span:
    """Sample times that may be seen, microseconds since the epoch; None is open."""

    from_us: int | None = None
    until_us: int | None = None


@dataclass(frozen=True)
class Reach:
    """A vehicle that may be looked at, for a right, and of what times.

    Attributes:
        vehicle_id: The vehicle.
        fleet: Its fleet.
        right: For what.
        span: Sample times that may be seen.
        who: Who looks.
    """

    vehicle_id: str
    fleet: str
    right: Right
    span: Span
    who: str


@dataclass(frozen=True)
class Scope:
    """Which vehicles a list may hold.

    Attributes:
        right: For what.
        fleets: Fleets whose vehicles may be seen, None for all.
        vehicles: Vehicles that may be seen whatever their fleet, with the times.
    """

    right: Right
    fleets: frozenset[str] | None = frozenset()
    vehicles: Mapping[str, Span] = field(default_factory=dict)

    def holds(self, vehicle_id: str, fleet: str) -> bool:
        """Whether a vehicle may be in the list."""
        return self.fleets is None or fleet in self.fleets or vehicle_id in self.vehicles


@dataclass(frozen=True)
class Sight:
    """One who looks.

    Attributes:
        who: The account, the key or the device, for audit logs.
        role: Its role.
        rights: What it may do: those of the role, or fewer.
        fleets: Fleets it may look at, None for all.
        vehicles: Vehicles granted to it, with the times; it may look at these whatever their fleet.
        shared: Of those, the ones that were only shared with it.
    """

    who: str
    role: Role
    rights: frozenset[Right]
    fleets: frozenset[str] | None = frozenset()
    vehicles: Mapping[str, Span] = field(default_factory=dict)
    shared: frozenset[str] = frozenset()

    def may(self, right: Right) -> bool:
        """Whether it has a right at all."""
        return right in self.rights

    def need(self, right: Right) -> None:
        """Refuse one who does not have a right at all.

        Raises:
            AccessError: It does not; the same for what exists and what does not.
        """
        if right not in self.rights:
            raise AccessError(f"{self.role.value} accounts may not do this: it needs the right {right.value}")

    def scope(self, right: Right) -> Scope:
        """What a list may hold.

        Raises:
            AccessError: It does not have the right.
        """
        self.need(right)
        return Scope(right, self.fleets, self._granted(right))

    def reach(self, vehicle_id: str, fleet: str | None, right: Right) -> Reach:
        """A vehicle that may be looked at.

        Args:
            vehicle_id: The vehicle.
            fleet: Its fleet, None when there is no such vehicle.
            right: For what.

        Raises:
            AccessError: It does not have the right for any vehicle.
            NotFoundError: There is no such vehicle, or it may not be seen.
        """
        scope = self.scope(right)
        if fleet is None or not scope.holds(vehicle_id, fleet):
            raise hidden()
        span = Span() if scope.fleets is None or fleet in scope.fleets else scope.vehicles[vehicle_id]
        return Reach(vehicle_id, fleet, right, span, self.who)

    def _granted(self, right: Right) -> Mapping[str, Span]:
        if right is Right.SHARE:
            return {name: span for name, span in self.vehicles.items() if name not in self.shared}
        return self.vehicles


def hidden() -> NotFoundError:
    """What is told of a thing that is not there, and of one that may not be seen."""
    return NotFoundError("this is not available to you: it may not exist, or it belongs to another fleet")


def everything(who: str) -> Sight:
    """One who sees all and may do all: the owner of a workspace on disk."""
    return Sight(who, Role.ADMIN, RIGHTS[Role.ADMIN], None)
