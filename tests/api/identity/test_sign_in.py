"""Signing in: what a browser and a program get, how it ends, and what a stranger learns."""

from __future__ import annotations

import httpx
import pytest

from tests.api.identity.conftest import bearing, tokens
from tests.api.identity.people import PASSWORD, People
from tests.waiting import until
from twinpack.api.identity.cookies import Cookies
from twinpack.api.identity.sign_ins import Slowdown
from twinpack.store.registry import Registry
from twinpack.store.settings import ApiSettings

NEW = "another horse battery"


def sign_in(client: httpx.Client, name: str, password: str) -> httpx.Response:
    return client.post("/v1/auth/sign-in", json={"username": name, "password": password})


def told(answer: httpx.Response) -> dict[str, object]:
    """A problem without the name of its request."""
    return {name: value for name, value in answer.json().items() if name != "instance"}


def test_a_browser_gets_a_cookie_that_no_page_can_read(client: httpx.Client) -> None:
    answer = sign_in(client, "nora", PASSWORD)
    assert answer.status_code == 200
    cookie = answer.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=strict", "Path=/", "Max-Age=43200"} <= set(cookie.split("; "))
    assert (answer.json()["username"], answer.json()["fleets"], answer.json()["built_in"]) == ("nora", ["north"], True)
    assert client.get("/v1/me").json() == answer.json()
    assert PASSWORD not in answer.text


def test_over_https_the_cookie_goes_over_nothing_else() -> None:
    from starlette.responses import Response

    for settings in (ApiSettings(public_url="https://twin.example"), ApiSettings(cert_file="x.pem")):
        response = Response()
        Cookies(settings).set(response, "x.y", 60)
        assert response.headers["set-cookie"].startswith("__Host-twinpack_session=x.y;")
        assert "Secure" in response.headers["set-cookie"]


def test_a_change_needs_the_sessions_own_csrf_token(client: httpx.Client, people: People) -> None:
    mine = sign_in(client, "nora", PASSWORD).json()["csrf_token"]
    body = {"distance": "mi"}
    for shown in ({}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": people["root"].csrf["X-CSRF-Token"]}):
        refused = client.put("/v1/me/preferences", json=body, headers=shown)
        assert refused.status_code == 403
        assert "CSRF" in refused.json()["detail"]
    kept = client.put("/v1/me/preferences", json=body, headers={"X-CSRF-Token": mine})
    assert kept.json()["preferences"]["distance"] == "mi"
    assert client.get("/v1/me").json()["preferences"]["distance"] == "mi"


def test_a_page_of_another_origin_changes_nothing(client: httpx.Client) -> None:
    mine = sign_in(client, "nora", PASSWORD).json()["csrf_token"]
    headers = {"X-CSRF-Token": mine, "Origin": "https://evil.example"}
    assert client.put("/v1/me/preferences", json={}, headers=headers).status_code == 403
    assert client.post("/v1/auth/sign-in", json={}, headers=headers).status_code == 403


def test_signing_out_ends_the_session_at_the_server(client: httpx.Client) -> None:
    mine = sign_in(client, "nora", PASSWORD).json()["csrf_token"]
    cookie = client.cookies["twinpack_session"]
    assert client.post("/v1/auth/sign-out", headers={"X-CSRF-Token": mine}).status_code == 204
    assert "twinpack_session" not in client.cookies
    assert client.get("/v1/me", headers={"Cookie": f"twinpack_session={cookie}"}).status_code == 401


def test_a_stranger_does_not_learn_which_accounts_there_are(client: httpx.Client, registry: Registry) -> None:
    registry.users.change("tom", disabled=True)
    wrong = [sign_in(client, name, "wrong, and again") for name in ("nora", "nobody")]
    disabled = sign_in(client, "tom", PASSWORD)
    assert {answer.status_code for answer in (*wrong, disabled)} == {401}
    assert told(wrong[0]) == told(wrong[1]) == told(disabled)
    assert wrong[0].headers.keys() == wrong[1].headers.keys() == disabled.headers.keys()


def test_a_locked_name_stays_shut_with_the_same_words(client: httpx.Client, registry: Registry) -> None:
    answers = [told(sign_in(client, name, "wrong, and again")) for _ in range(4) for name in ("nora", "nobody")]
    assert all(answer == answers[0] for answer in answers)
    assert told(sign_in(client, "nora", PASSWORD)) == answers[0]
    locked = [entry.subject for entry in registry.audit_log.entries() if entry.action == "account.locked"]
    assert sorted(locked) == ["", "nora"]
    registry.users.unlock("nora")
    assert sign_in(client, "nora", PASSWORD).status_code == 200


def test_an_address_that_guesses_waits_longer_each_time() -> None:
    clock = [0.0]
    slow = Slowdown(lambda: clock[0])
    waits = []
    for _ in range(10):
        waits.append(slow.wait_s("10.0.0.1"))
        slow.failed("10.0.0.1")
    assert waits == [0, 0, 0, 0.25, 0.5, 1, 2, 4, 4, 4]
    assert slow.wait_s("10.0.0.2") == 0
    slow.passed("10.0.0.1")
    assert slow.wait_s("10.0.0.1") == 0
    for _ in range(9):
        slow.failed("10.0.0.1")
    clock[0] = 1_000
    assert slow.wait_s("10.0.0.1") == 0
    for number in range(20_000):
        slow.failed(f"address {number}")
    assert len(slow._failed) <= Slowdown.MOST_KEPT  # noqa: SLF001


@pytest.mark.parametrize("change", [{"disabled": True}, {"role": "analyst"}, {"fleets": []}, {"password": NEW}])
def test_sessions_and_tokens_end_when_an_account_is_changed(
    client: httpx.Client, people: People, change: dict[str, object]
) -> None:
    pair = tokens(client, "nora")
    nora = people["nora"]
    assert nora.get("/v1/me").status_code == 200
    assert client.get("/v1/me", headers=bearing(pair["access_token"])).status_code == 200
    assert people["root"].patch("/v1/users/nora", **change).status_code == 200
    assert nora.get("/v1/me").status_code == 401
    assert client.get("/v1/me", headers=bearing(pair["access_token"])).status_code == 401
    assert client.post("/v1/auth/refresh", json={"refresh_token": pair["refresh_token"]}).status_code == 401


def test_what_another_process_changes_is_seen_soon(people: People, registry: Registry) -> None:
    nora = people["nora"]
    assert nora.get("/v1/me").status_code == 200
    registry.users.change("nora", disabled=True)
    until(lambda: nora.get("/v1/me").status_code == 401)


def test_a_new_password_keeps_this_session_and_ends_the_others(client: httpx.Client, people: People) -> None:
    other = tokens(client, "nora")
    nora = people["nora"]
    refused = nora.post("/v1/me/password", old="not that one at all", new=NEW)
    assert refused.status_code == 422
    assert nora.post("/v1/me/password", old=PASSWORD, new="short").status_code == 422
    assert nora.post("/v1/me/password", old=PASSWORD, new=NEW).status_code == 204
    assert nora.get("/v1/me").status_code == 200
    assert client.get("/v1/me", headers=bearing(other["access_token"])).status_code == 401
    assert sign_in(client, "nora", PASSWORD).status_code == 401
    assert sign_in(client, "nora", NEW).status_code == 200


def test_a_program_renews_its_tokens_and_a_stolen_one_ends_them(client: httpx.Client, registry: Registry) -> None:
    first = tokens(client, "nora")
    second = client.post("/v1/auth/refresh", json={"refresh_token": first["refresh_token"]}).json()
    assert client.get("/v1/me", headers=bearing(second["access_token"])).json()["username"] == "nora"
    again = client.post("/v1/auth/refresh", json={"refresh_token": first["refresh_token"]})
    assert again.status_code == 401
    for pair in (first, second):
        assert client.get("/v1/me", headers=bearing(pair["access_token"])).status_code == 401
    assert client.post("/v1/auth/refresh", json={"refresh_token": second["refresh_token"]}).status_code == 401
    assert "sign-in.ended" in [entry.action for entry in registry.audit_log.entries(who="nora")]


def test_keys_and_devices_have_no_preferences_and_no_password(client: httpx.Client, registry: Registry) -> None:
    key = registry.keys.add("robot", "analyst", "root", fleets=["north"])
    headers = bearing(key.key)
    me = client.get("/v1/me", headers=headers).json()
    assert (me["username"], me["role"], me["built_in"]) == (f"key:{key.record.key_id}", "analyst", False)
    assert client.put("/v1/me/preferences", json={}, headers=headers).status_code == 403
    body = {"old": PASSWORD, "new": NEW}
    assert client.post("/v1/me/password", json=body, headers=headers).status_code == 403


def test_signing_in_and_each_change_are_in_the_audit_log_and_no_secret_is(
    client: httpx.Client, people: People, registry: Registry
) -> None:
    pair = tokens(client, "nora")
    root = people["root"]
    made = root.post("/v1/users", username="newcomer", role="operator", fleets=["north"]).json()
    key = root.post("/v1/keys", name="robot", role="analyst", fleets=["north"]).json()
    root.patch("/v1/users/newcomer", password=NEW)
    root.put("/v1/me/preferences", theme="dark")
    entries = registry.audit_log.entries()
    assert [(entry.who, entry.action, entry.subject) for entry in entries[::-1]] == [
        ("nora", "sign-in", "nora"),
        ("root", "sign-in", "root"),
        ("root", "add_user", "newcomer"),
        ("root", "add_key", key["key"]["key_id"]),
        ("root", "change_user", "newcomer"),
    ]
    assert all(entry.request_id for entry in entries)
    for secret in (made["password"], key["secret"], NEW, PASSWORD, pair["access_token"], pair["refresh_token"]):
        assert secret not in str(entries)


def test_what_fails_is_not_in_the_audit_log(people: People, registry: Registry) -> None:
    root = people["root"]
    assert root.post("/v1/users", username="nora", role="operator").status_code == 422
    assert people["nora"].post("/v1/users", username="x", role="operator").status_code == 403
    assert {entry.action for entry in registry.audit_log.entries()} == {"sign-in"}
