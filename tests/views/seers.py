"""People who look."""

from __future__ import annotations

from collections.abc import Mapping

from twinpack.views.sight import RIGHTS, Role, Sight, Span, everything

LEAD = everything("lead")


def seer(role: Role, *fleets: str, vehicles: Mapping[str, Span] | None = None) -> Sight:
    """One who may see some fleets, and some vehicles for a time."""
    return Sight(f"{role.value}@{'+'.join(fleets)}", role, RIGHTS[role], frozenset(fleets), dict(vehicles or {}))


NORTH = seer(Role.OPERATOR, "north")
MECHANIC = seer(Role.TECHNICIAN, "north")
READER = seer(Role.ANALYST, "north")
OWNER = seer(Role.OWNER, vehicles={"north-1": Span()})
