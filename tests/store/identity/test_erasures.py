from __future__ import annotations

import pytest

from twinpack.errors import NotFoundError
from twinpack.store.fleet_records import VehicleEntry
from twinpack.store.identity.records import UserRecord
from twinpack.store.registry import Registry
from twinpack.store.workshop.records import MaintenanceRecord

NOW_US = 1_700_000_000_000_000
DAY_US = 86_400_000_000
FAR_US = 4_000_000_000_000_000


@pytest.fixture
def owned(registry: Registry) -> Registry:
    """Anna owns car-1, which Bert owned before her; she once owned car-2, and is shown car-3."""
    names = ("car-1", "car-2", "car-3")
    registry.fleet.enter([VehicleEntry(name, pack="sim_nmc_96s", label=f"{name} of Anna") for name in names])
    for name in ("anna", "bert"):
        registry.users.add(UserRecord(name, "owner", built_in=False))
    registry.grants.give("car-1", "bert", "root", at_us=NOW_US)
    registry.grants.give("car-1", "anna", "bert", transfer=True, at_us=NOW_US + DAY_US)
    registry.grants.end(registry.grants.give("car-2", "anna", "root", at_us=NOW_US).grant_id, NOW_US + DAY_US)
    registry.grants.give("car-3", "bert", "root", at_us=NOW_US)
    registry.grants.share("car-3", "bert", "anna", FAR_US, NOW_US)
    registry.workshop.add(
        MaintenanceRecord("car-1", "repair", "x", "done", done_on="2026-01-01", notes="Anna", who="w")
    )
    registry.sessions.begin("anna", DAY_US)
    registry.sessions.begin_tokens("anna", DAY_US)
    registry.audit_log.write("anna", "owner", "share", "car-1")
    registry.audit_log.write("root", "admin", "change_user", "anna")
    return registry


def test_an_owner_leaves_no_name_and_only_own_data_is_to_go(owned: Registry) -> None:
    asked = owned.erasures.erase_owner("anna", "person-1", NOW_US + 2 * DAY_US)
    assert [(one.vehicle_id, one.from_us, one.until_us) for one in asked] == [
        ("car-1", NOW_US + DAY_US, NOW_US + 2 * DAY_US)
    ]
    assert owned.erasures.open() == asked
    assert owned.users.find("anna") is None
    assert [entry.label for entry in owned.fleet.entries()] == ["", "car-2 of Anna", "car-3 of Anna"]
    assert [one.notes for one in owned.workshop.records()] == [""]
    told = [owned.grants.grants(), owned.audit_log.entries()]
    assert "anna" not in str(told)
    assert "person-1" in str(told)
    assert owned.grants.grants(username="bert"), "others keep theirs"


def test_an_erasure_is_open_until_it_is_done(owned: Registry) -> None:
    (asked,) = owned.erasures.erase_owner("anna", "person-1", NOW_US + 2 * DAY_US)
    owned.erasures.tried(asked.erasure_id, "the lake is away")
    assert [one.problem for one in owned.erasures.open()] == ["the lake is away"]
    owned.erasures.tried(asked.erasure_id, done_at_us=NOW_US)
    assert owned.erasures.open() == []


def test_who_is_not_there_is_not_erased(owned: Registry) -> None:
    with pytest.raises(NotFoundError):
        owned.erasures.erase_owner("nobody", "person-1")
    assert owned.erasures.open() == []
