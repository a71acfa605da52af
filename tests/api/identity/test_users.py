"""Accounts, grants, shares and keys over HTTP."""

from __future__ import annotations

import httpx
import pytest

from tests.api.identity.conftest import bearing
from tests.api.identity.people import PASSWORD, People
from twinpack.store.registry import Registry


def test_an_account_is_made_changed_and_removed(people: People, client: httpx.Client) -> None:
    root = people["root"]
    made = root.post("/v1/users", username="lara", role="analyst", fleets=["north"], display_name="Lara")
    assert made.status_code == 201
    password = made.json()["password"]
    body = {"username": "LARA", "password": password}
    assert client.post("/v1/auth/sign-in", json=body).json()["fleets"] == ["north"]
    listed = {user["username"]: user for user in root.get("/v1/users").json()["items"]}
    assert (listed["lara"]["display_name"], listed["lara"]["disabled"]) == ("Lara", False)
    assert listed["lara"]["last_sign_in_at"] is not None
    changed = root.patch("/v1/users/lara", role="technician", fleets=["south"], disabled=True).json()
    assert (changed["role"], changed["fleets"], changed["disabled"]) == ("technician", ["south"], True)
    assert root.delete("/v1/users/lara").status_code == 204
    assert root.delete("/v1/users/lara").status_code == 404
    given = root.post("/v1/users", username="lara", role="analyst", password=PASSWORD).json()
    assert given["password"] is None


def test_a_locked_account_is_shown_and_unlocked(people: People, client: httpx.Client) -> None:
    for _ in range(3):
        client.post("/v1/auth/sign-in", json={"username": "tom", "password": "wrong, and again"})
    root = people["root"]
    listed = {user["username"]: user for user in root.get("/v1/users").json()["items"]}
    assert listed["tom"]["locked_until"] is not None
    assert root.patch("/v1/users/tom", unlock=True).json()["locked_until"] is None


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"username": "a b", "role": "analyst"}, "username"),
        ({"username": "lara", "role": "king"}, "role"),
        ({"username": "lara", "role": "device"}, "role 'device'"),
        ({"username": "lara", "role": "analyst", "fleets": ["west"]}, "no fleet 'west'"),
        ({"username": "lara", "role": "analyst", "password": "short"}, "password"),
        ({"username": "Nora", "role": "analyst"}, "already"),
    ],
)
def test_an_account_that_cannot_be_is_refused_in_words(people: People, body: dict[str, object], wrong: str) -> None:
    refused = people["root"].post("/v1/users", **body)
    assert refused.status_code == 422
    assert wrong in refused.json()["detail"]
    assert "short" not in refused.json()["detail"]


def test_the_last_administrator_stays(people: People) -> None:
    refused = people["root"].delete("/v1/users/root")
    assert (refused.status_code, "last administrator" in refused.text) == (422, True)


def test_an_operator_gives_vehicles_of_its_own_fleet(people: People) -> None:
    nora, root = people["nora"], people["root"]
    given = nora.post("/v1/grants", vehicle_id="north-2", username="bert", from_at="2026-01-01T00:00:00Z")
    assert given.status_code == 201
    assert (given.json()["given_by"], given.json()["active"]) == ("nora", True)
    assert nora.post("/v1/grants", vehicle_id="south-1", username="anna").status_code == 404
    assert {one["vehicle_id"] for one in nora.get("/v1/grants").json()["items"]} == {"north-1", "north-2"}
    assert {one["vehicle_id"] for one in root.get("/v1/grants").json()["items"]} >= {"south-1"}
    assert people["bert"].get("/v1/me").json()["vehicles"] == ["north-2"]
    assert nora.delete(f"/v1/grants/{given.json()['grant_id']}").status_code == 204
    assert people["bert"].get("/v1/me").json()["vehicles"] == []


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"username": "nora"}, "no account 'nora' with role owner"),
        ({"username": "nobody"}, "no account 'nobody' with role owner"),
        ({"username": "bert"}, "has an owner"),
        ({"username": "bert", "transfer": True, "from_at": "2021-01-01T00:00:00Z"}, "another owner's"),
        ({"username": "bert", "transfer": True, "from_at": "2090-01-01T00:00:00Z"}, "later"),
        ({"username": "bert", "transfer": True, "until_at": "2000-01-01T00:00:00Z"}, "passed"),
        ({"username": "bert", "transfer": True, "until_at": "9999-01-01T00:00:00Z"}, "from 1970"),
        ({"username": "bert", "transfer": True, "from_at": "0001-01-01T00:00:00+14:00"}, "from 1970"),
    ],
)
def test_a_grant_that_cannot_be_is_refused_in_words(people: People, body: dict[str, object], wrong: str) -> None:
    refused = people["nora"].post("/v1/grants", vehicle_id="north-1", **body)
    assert refused.status_code == 422
    assert wrong in refused.json()["detail"]
    assert people["anna"].get("/v1/me").json()["vehicles"] == ["north-1"]


def test_an_owner_shares_until_a_day_and_ends_it(people: People) -> None:
    anna = people["anna"]
    before = anna.get("/v1/vehicles/north-1/shares").json()["items"]
    assert [one["username"] for one in before] == ["cleo"]
    share = anna.post("/v1/vehicles/north-1/shares", username="bert", until_at="2090-01-01T00:00:00Z")
    assert share.status_code == 201
    bert = people["bert"]
    assert bert.get("/v1/vehicles/north-1/health").status_code == 200
    assert bert.get("/v1/vehicles/north-1/shares").status_code == 404, "what is shared is not shared on"
    assert anna.delete(f"/v1/vehicles/north-1/shares/{share.json()['grant_id']}").status_code == 204
    assert bert.get("/v1/vehicles/north-1/health").status_code == 404
    mine = people["root"].get("/v1/grants", username="anna").json()["items"][0]["grant_id"]
    assert anna.delete(f"/v1/vehicles/north-1/shares/{mine}").status_code == 404, "the own grant is no share"
    nobody = anna.post("/v1/vehicles/north-1/shares", username="nobody", until_at="2090-01-01T00:00:00Z")
    assert nobody.status_code == 201, "which accounts there are is not told to owners"


def test_an_owner_hands_a_vehicle_on_as_of_now_alone(people: People) -> None:
    anna = people["anna"]
    assert anna.post("/v1/grants", vehicle_id="north-1", username="bert").status_code == 422
    early = anna.post(
        "/v1/grants", vehicle_id="north-1", username="bert", transfer=True, from_at="2026-01-01T00:00:00Z"
    )
    assert early.status_code == 422
    assert anna.post("/v1/grants", vehicle_id="north-2", username="bert", transfer=True).status_code == 404
    assert anna.post("/v1/grants", vehicle_id="north-1", username="bert", transfer=True).status_code == 201
    assert (anna.get("/v1/me").json()["vehicles"], people["bert"].get("/v1/me").json()["vehicles"]) == ([], ["north-1"])


def test_keys_are_made_by_people_listed_without_secrets_and_revoked(people: People, client: httpx.Client) -> None:
    root = people["root"]
    made = root.post("/v1/keys", name="robot", role="admin", scopes=["keys.manage", "users.manage"]).json()
    key = bearing(made["secret"])
    assert client.get("/v1/users", headers=key).status_code == 200
    body = {"name": "child", "role": "analyst"}
    assert client.post("/v1/keys", json=body, headers=key).status_code == 403, "a key makes no keys"
    assert made["secret"] not in root.get("/v1/keys").text
    assert root.get("/v1/keys").json()["items"][0]["last_used_at"] is not None
    assert root.delete(f"/v1/keys/{made['key']['key_id']}").status_code == 204
    assert client.get("/v1/users", headers=key).status_code == 401
    refused = root.post("/v1/keys", name="robot", role="analyst", scopes=["users.manage"])
    assert (refused.status_code, "users.manage" in refused.text) == (422, True)


def test_the_audit_log_is_read_page_by_page(people: People, registry: Registry) -> None:
    for number in range(7):
        registry.audit_log.write("nora", "operator", "act", f"{number}")
    root = people["root"]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        more: dict[str, str] = {} if cursor is None else {"cursor": cursor}
        page = root.get("/v1/audit-log", who="nora", limit="3", **more).json()
        seen += [entry["subject"] for entry in page["items"]]
        assert page["page"]["total"] == 7
        cursor = page["page"]["next_cursor"]
        if cursor is None:
            break
    assert seen == ["6", "5", "4", "3", "2", "1", "0"]
    for wrong in ("x", "-1", "1" * 30, "\u0661"):
        assert root.get("/v1/audit-log", cursor=wrong).status_code == 422
