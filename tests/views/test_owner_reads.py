from __future__ import annotations

from collections.abc import Iterator

import pytest

from twinpack.store.fleet_records import VehicleEntry
from twinpack.store.identity.records import UserRecord
from twinpack.store.registry import Registry
from twinpack.views.asking import request_id
from twinpack.views.owner_reads import ONCE_S, OwnerReads
from twinpack.views.sight import RIGHTS, Right, Role, Sight, everything

NOW_US = 1_700_000_000_000_000


class Clock:
    s = 0.0

    def __call__(self) -> float:
        return self.s


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry.open("sqlite://") as opened:
        opened.upgrade()
        opened.fleet.enter([VehicleEntry("car-1", pack="sim_nmc_96s"), VehicleEntry("car-2", pack="sim_nmc_96s")])
        opened.users.add(UserRecord("anna", "owner", built_in=False))
        opened.grants.give("car-1", "anna", "root", at_us=NOW_US)
        yield opened


def one(role: Role, who: str = "someone") -> Sight:
    return Sight(who, role, RIGHTS[role], None)


def written(registry: Registry) -> list[tuple[str, str, str]]:
    return [(entry.who, entry.action, entry.subject) for entry in registry.audit_log.entries()][::-1]


def test_what_another_reads_of_an_owner_is_written_down_with_its_request(registry: Registry) -> None:
    reads = OwnerReads(registry, lambda: NOW_US)
    token = request_id.set("7c1e09")
    try:
        reads.note(one(Role.OPERATOR), "car-1", Right.TELEMETRY)
    finally:
        request_id.reset(token)
    reads.note(one(Role.OWNER, "bert"), "car-1", Right.VEHICLE)
    assert written(registry) == [("someone", "read.telemetry", "car-1"), ("bert", "read.vehicle", "car-1")]
    assert registry.audit_log.entries()[1].request_id == "7c1e09"


def test_the_owner_the_vehicle_itself_and_what_nobody_owns_are_not(registry: Registry) -> None:
    reads = OwnerReads(registry, lambda: NOW_US)
    reads.note(one(Role.OWNER, "anna"), "car-1", Right.TELEMETRY)
    reads.note(one(Role.DEVICE, "device:1"), "car-1", Right.TELEMETRY)
    reads.note(everything("root"), "car-2", Right.TELEMETRY)
    reads.note(everything("root"), "car-1", Right.GRANTS)
    assert written(registry) == []


def test_finding_is_reading_for_one_who_is_shown_figures(registry: Registry) -> None:
    reads = OwnerReads(registry, lambda: NOW_US)
    reads.note(one(Role.TECHNICIAN, "tom"), "car-1", Right.FIND)
    reads.note(one(Role.ANALYST, "ada"), "car-1", Right.FIND)
    assert written(registry) == [("ada", "read.vehicle", "car-1")]


def test_the_same_reading_is_one_entry_for_a_while(registry: Registry) -> None:
    clock = Clock()
    reads = OwnerReads(registry, lambda: NOW_US, clock)
    for _ in range(5):
        clock.s += ONCE_S / 6
        reads.note(everything("root"), "car-1", Right.TELEMETRY)
    reads.note(everything("root"), "car-1", Right.TWIN)
    assert len(written(registry)) == 2
    clock.s += ONCE_S
    reads.note(everything("root"), "car-1", Right.TELEMETRY)
    assert len(written(registry)) == 3


def test_a_grant_that_has_ended_is_seen_soon(registry: Registry) -> None:
    clock = Clock()
    reads = OwnerReads(registry, lambda: NOW_US, clock)
    registry.grants.end(registry.grants.grants()[0].grant_id, NOW_US)
    reads.note(everything("root"), "car-1", Right.TELEMETRY)
    assert written(registry) == []
