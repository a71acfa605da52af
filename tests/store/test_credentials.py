from __future__ import annotations

import hashlib
import re

import pytest
from sqlalchemy import create_engine, text

from twinpack.errors import InputError, NotFoundError
from twinpack.store.credentials import DAY_US, Principal, may_send
from twinpack.store.fleet_records import FleetRecord, VehicleEntry
from twinpack.store.records import VehicleRecord
from twinpack.store.registry import MAIN_STREAM, Registry

NOW_US = 1_700_000_000_000_000


@pytest.fixture
def fleet(registry: Registry) -> Registry:
    registry.fleet.create_fleet(FleetRecord("north"))
    registry.fleet.enter([VehicleEntry("car-1", "north", "sim_nmc_96s"), VehicleEntry("car-2", pack="sim_nmc_96s")])
    return registry


def test_a_token_speaks_for_its_vehicle(fleet: Registry) -> None:
    issued = fleet.credentials.issue("vehicle", "car-1", note="bench")
    assert re.fullmatch(r"twp_[0-9a-f]{16}\.[A-Za-z0-9_-]{43}", issued.token)
    found = fleet.credentials.verify(issued.token)
    assert found == Principal("vehicle", "car-1", issued.record.credential_id)
    assert may_send(found, "car-1", "north")
    assert not may_send(found, "car-2", "north")


def test_a_token_of_a_fleet_speaks_for_its_vehicles_only(fleet: Registry) -> None:
    found = fleet.credentials.verify(fleet.credentials.issue("fleet", "north").token)
    assert found is not None
    assert may_send(found, "car-1", "north")
    assert not may_send(found, "car-2", "default")
    assert not may_send(found, "north", "default"), "a vehicle called like the fleet is not the fleet"


def test_two_tokens_are_never_the_same(fleet: Registry) -> None:
    tokens = {fleet.credentials.issue("vehicle", "car-1").token for _ in range(20)}
    assert len({token.split(".")[1] for token in tokens}) == 20
    assert len(fleet.credentials.records("car-1")) == 20


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"),
        lambda token: token.replace("twp_", "twp_0", 1)[:20] + token[20:],
        lambda token: "twp_" + "0" * 16 + token[20:],
        lambda token: token + " ",
        lambda token: token.upper(),
        lambda token: token.split(".")[1],
        lambda token: "",
        lambda token: "x" * 1_000_000,
        lambda token: "twp_" + "ä" * 16 + "." + "ß" * 43,
    ],
)
def test_what_is_not_the_token_opens_nothing(fleet: Registry, spoil: object) -> None:
    token = fleet.credentials.issue("vehicle", "car-1").token
    assert callable(spoil)
    assert fleet.credentials.verify(spoil(token)) is None
    assert fleet.credentials.verify(token) is not None


def test_a_token_ends_when_it_was_told_to(fleet: Registry) -> None:
    issued = fleet.credentials.issue("vehicle", "car-1", days=1.5, at_us=NOW_US)
    end_us = NOW_US + DAY_US * 3 // 2
    assert issued.record.expires_at_us == end_us
    assert fleet.credentials.verify(issued.token, end_us - 1) is not None
    assert fleet.credentials.verify(issued.token, end_us) is None
    assert fleet.credentials.verify(issued.token) is None, "it has ended long ago"


def test_a_revoked_token_opens_nothing_and_stays_listed(fleet: Registry) -> None:
    kept, gone = (fleet.credentials.issue("vehicle", "car-1", at_us=NOW_US + at) for at in (0, 1))
    fleet.credentials.revoke(gone.record.credential_id, NOW_US + 5)
    fleet.credentials.revoke(gone.record.credential_id, NOW_US + 9)
    assert fleet.credentials.verify(gone.token) is None
    assert fleet.credentials.verify(kept.token) is not None
    assert [one.revoked_at_us for one in fleet.credentials.records()] == [None, NOW_US + 5]


def test_retiring_a_vehicle_revokes_its_tokens(fleet: Registry) -> None:
    mine, others = fleet.credentials.issue("vehicle", "car-1"), fleet.credentials.issue("fleet", "north")
    fleet.fleet.change("car-1", retired=True)
    assert fleet.credentials.verify(mine.token) is None
    assert fleet.credentials.verify(others.token) is not None
    with pytest.raises(NotFoundError, match="'car-1' is retired"):
        fleet.credentials.issue("vehicle", "car-1")


def test_only_known_vehicles_and_fleets_get_tokens(fleet: Registry) -> None:
    with pytest.raises(NotFoundError, match="'car-9' is not known here; `twinpack fleet add car-9` enters it"):
        fleet.credentials.issue("vehicle", "car-9")
    with pytest.raises(NotFoundError, match="there is no fleet 'car-1'"):
        fleet.credentials.issue("fleet", "car-1")
    fleet.commit_batch(MAIN_STREAM, 0, 1, [], {}, [VehicleRecord("car-9", "sim_nmc_96s", "a" * 64, 0)])
    assert fleet.credentials.verify(fleet.credentials.issue("vehicle", "car-9").token) is not None


@pytest.mark.parametrize("days", [0, -1, 1e9, float("nan"), float("inf")])
def test_a_time_that_cannot_be_is_refused(fleet: Registry, days: float) -> None:
    with pytest.raises(InputError, match="cannot be"):
        fleet.credentials.issue("vehicle", "car-1", days=days)


def test_an_unknown_credential_cannot_be_revoked(fleet: Registry) -> None:
    with pytest.raises(NotFoundError, match="no credential 'abc'"):
        fleet.credentials.revoke("abc")


def test_the_secret_is_nowhere_but_in_the_token(fleet: Registry, registry_url: str) -> None:
    issued = fleet.credentials.issue("vehicle", "car-1")
    secret = issued.token.split(".")[1]
    assert secret not in repr(issued)
    assert secret not in repr(fleet.credentials.records())
    if registry_url == "sqlite://":
        return  # a memory database cannot be looked into from beside
    engine = create_engine(registry_url)
    with engine.connect() as connection:
        kept = connection.execute(text("SELECT * FROM device_credentials")).mappings().one()
    engine.dispose()
    assert secret not in repr(dict(kept))
    assert kept["secret_sha256"] == hashlib.sha256(secret.encode()).hexdigest()
