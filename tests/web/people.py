"""Accounts of the test fleet: one of each role, whose reach differs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from twinpack.store.fleet_records import FleetRecord
from twinpack.store.identity.records import UserRecord
from twinpack.store.registry import Registry
from twinpack.store.workspace import Workspace

FLEET, OTHER_FLEET = "harbour", "depot"
OTHERS = ("SIM-0007", "SIM-0008")
"""Vehicles of the other fleet, which nobody but the administrator sees."""
OWNED = "SIM-0003"
"""The owner's own vehicle."""
PASSWORD = "correct horse battery staple"


@dataclass(frozen=True)
class Person:
    """One who can sign in."""

    username: str
    role: str
    display_name: str
    fleets: tuple[str, ...] = ()
    vehicles: tuple[str, ...] = field(default=())


PEOPLE = {
    person.role: person
    for person in (
        Person("ada.admin", "admin", "Ada Admin"),
        Person("otto.operator", "operator", "Otto Operator", (FLEET,)),
        Person("anna.analyst", "analyst", "Anna Analyst", (FLEET,)),
        Person("tim.technician", "technician", "Tim Technician", (FLEET,)),
        Person("olga.owner", "owner", "Olga Owner", vehicles=(OWNED,)),
    )
}


def settle(home: Path) -> None:
    """Give a workspace its fleets and accounts; its vehicles, if there are any, go to their fleets."""
    with Workspace.open(home).registry() as registry:
        for name in (FLEET, OTHER_FLEET):
            registry.fleet.create_fleet(FleetRecord(name))
        known = registry.fleet.known()
        for vehicle_id in known:
            registry.fleet.change(vehicle_id, fleet=OTHER_FLEET if vehicle_id in OTHERS else FLEET)
        for person in PEOPLE.values():
            _enter(registry, person, set(known))


def _enter(registry: Registry, person: Person, known: set[str]) -> None:
    registry.users.add(UserRecord(person.username, person.role, person.display_name, person.fleets), PASSWORD)
    for vehicle_id in known.intersection(person.vehicles):
        registry.grants.give(vehicle_id, person.username, "ada.admin", from_us=0)
