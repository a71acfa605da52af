"""Live events of people who sign in: each hears what it may see, for as long as it may."""

from __future__ import annotations

import httpx
import pytest

from tests.api.events.listening import listening
from tests.api.events.test_stream import commit, trip
from tests.api.identity.people import PASSWORD, made_people, quick_hashing
from tests.store.alarms.made import finding
from twinpack.api.events import stream
from twinpack.api.service import ApiService
from twinpack.store.registry import Registry
from twinpack.store.workspace import Workspace


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    quick_hashing(monkeypatch)
    monkeypatch.setattr(stream, "LOOK_AGAIN_S", 0.1)


@pytest.fixture
def service(workspace: Workspace, registry: Registry) -> ApiService:
    made_people(registry)
    return ApiService(workspace)


def signed_in(service: ApiService, name: str) -> httpx.Client:
    known = {"username": name, "password": PASSWORD}
    token = httpx.post(f"{service.url}/v1/auth/token", json=known, timeout=60.0).json()["access_token"]
    return httpx.Client(base_url=service.url, headers={"Authorization": f"Bearer {token}"}, timeout=60.0)


def test_each_hears_of_what_it_may_see(service: ApiService, registry: Registry) -> None:
    with service, signed_in(service, "nora") as nora, signed_in(service, "tom") as tom:
        with signed_in(service, "anna") as anna, listening(nora) as north, listening(tom) as alarms:
            with listening(anna) as own:
                for each in (north, alarms, own):
                    each.next("ready")
                commit(registry, trip(0, "south-1"), trip(0, "north-2"), finding(0, vehicle="south-1"))
                us = 1_700_000_000
                commit(registry, trip(us, "north-1"), finding(us, vehicle="north-2"))
                assert [north.next().data["vehicle_id"] for _ in range(3)] == ["north-2", "north-1", "north-2"]
                assert alarms.next().kind == "alarm"
                heard = own.next()
                assert (heard.kind, heard.data["vehicle_id"]) == ("trip", "north-1")


def test_a_stream_ends_with_the_sign_in(service: ApiService, registry: Registry) -> None:
    with service, signed_in(service, "nora") as nora, listening(nora) as north:
        north.next("ready")
        registry.users.change("nora", disabled=True)
        assert [one.kind for one in north.rest()] == ["end"]


def test_nothing_is_told_of_a_vehicle_whose_grant_has_ended(service: ApiService, registry: Registry) -> None:
    with service, signed_in(service, "anna") as anna, listening(anna, vehicle_id="north-1") as own:
        own.next("ready")
        grant = next(grant for grant in registry.grants.grants() if grant.username == "anna")
        registry.grants.end(grant.grant_id)
        ended = own.next("end")
        assert "not available to you" in ended.data["reason"]
