"""The service as it is asked over the network."""

from __future__ import annotations

import socket
import ssl
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from tests.servers.certificates import authority, signed
from twinpack.api.service import ApiService
from twinpack.errors import InputError, SettingsError
from twinpack.store.identity.keys import COMMAND_LINE
from twinpack.store.settings import ApiSettings
from twinpack.store.workspace import Workspace


def with_settings(workspace: Workspace, api: ApiSettings) -> Workspace:
    return replace(workspace, settings=replace(workspace.settings, api=api))


def test_every_answer_has_its_guards(client: httpx.Client) -> None:
    for path in ("/", "/v1/me", "/v1/nothing", "/livez", "/v1/vehicles?limit=0"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert len(headers["x-request-id"]) == 12
        assert "server" not in headers
        assert "strict-transport-security" not in headers
    assert client.get("/v1/me").headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", "/v1/nothing", 404, "there is no /v1/nothing here"),
        ("GET", "/v1/vehicles/west-1", 404, "not available"),
        ("DELETE", "/v1/fleets", 405, "Method Not Allowed"),
        ("GET", "/v1/vehicles?limit=0", 422, "query.limit: Input should be greater than or equal to 1"),
        ("POST", "/fleet", 405, "pages can only be read"),
    ],
)
def test_every_refusal_is_a_problem(client: httpx.Client, method: str, path: str, status: int, words: str) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    told = answer.json()
    assert words in told["detail"]
    assert (told["status"], told["instance"]) == (status, answer.headers["x-request-id"])


def test_what_was_given_is_not_echoed(client: httpx.Client) -> None:
    answer = client.post("/v1/auth/token", json={"username": "kim", "password": 12345, "more": "s3cret"})
    assert answer.status_code == 422
    assert "12345" not in answer.text and "s3cret" not in answer.text


def test_a_body_that_is_no_json_is_refused(client: httpx.Client) -> None:
    answer = client.post("/v1/query", content=b"{", headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert client.post("/v1/query", content=b"x" * 2_000_000).status_code == 413


def test_those_who_look_after_it_are_answered(client: httpx.Client) -> None:
    assert client.get("/livez").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ok"}
    client.get("/v1/vehicles/north-1")
    text = client.get("/metrics").text
    assert 'twinpack_api_requests_total{method="GET",route="/v1/vehicles/{vehicle_id}",status="200"} 1.0' in text
    assert "twinpack_api_request_seconds_bucket" in text


def test_the_figures_are_for_administrators_and_its_own_machine(
    workspace: Workspace, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("twinpack.api.health.LOOPBACK", frozenset())
    assert client.get("/metrics").status_code == 200
    with workspace.registry() as registry:
        key, other = (registry.keys.add(role, role, COMMAND_LINE).key for role in ("admin", "operator"))
    with ApiService(workspace) as service, httpx.Client(base_url=service.url) as asking:
        assert asking.get("/metrics").status_code == 401
        assert asking.get("/metrics", headers={"Authorization": f"Bearer {key}"}).status_code == 200
        assert asking.get("/metrics", headers={"Authorization": f"Bearer {other}"}).status_code == 403


def test_methods_that_nobody_knows_are_counted_as_one(client: httpx.Client) -> None:
    for method in ("PROPFIND", "MKCOL"):
        client.request(method, "/livez")
    text = client.get("/metrics").text
    assert 'method="other",route="other"' in text or 'method="other",route="/livez"' in text
    assert "PROPFIND" not in text and "MKCOL" not in text


def test_no_other_protocol_is_spoken(client: httpx.Client) -> None:
    asked = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    asked["Sec-WebSocket-Key"] = "dGhlIHNhbXBsZSBub25jZQ=="
    assert client.get("/livez", headers=asked).json() == {"status": "ok"}


def test_the_description_is_complete(client: httpx.Client) -> None:
    document = client.get("/v1/openapi.json").json()
    assert len(document["paths"]) > 40
    for path, methods in document["paths"].items():
        for operation in methods.values():
            assert operation.get("description"), path
            assert "security" in operation, path
            assert {"429", "500", "503"} <= operation["responses"].keys(), path


def test_nobody_is_answered_who_is_not_known(workspace: Workspace) -> None:
    with ApiService(workspace) as service, httpx.Client(base_url=service.url) as client:
        for path in ("/v1/me", "/v1/vehicles/north-1", "/v1/vehicles/west-1", "/v1/nothing", "/v1/openapi.json"):
            answer = client.get(path)
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer"), path
        assert client.get("/livez").status_code == 200
        assert client.get("/metrics").status_code == 200  # from this machine


def test_pages_of_an_origin_that_is_allowed_may_ask(workspace: Workspace) -> None:
    api = replace(workspace.settings.api, cors_origins="https://ally.example, https://other.example")
    asks = {"Origin": "https://ally.example", "Access-Control-Request-Method": "GET"}
    with (
        ApiService(with_settings(workspace, api), no_auth=True) as service,
        httpx.Client(base_url=service.url) as client,
    ):
        answer = client.options("/v1/me", headers=asks)
        assert answer.headers["access-control-allow-origin"] == "https://ally.example"
        assert "access-control-allow-credentials" not in answer.headers
        refused = client.options("/v1/me", headers={**asks, "Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in refused.headers


def test_no_page_of_another_origin_may_ask_by_default(client: httpx.Client) -> None:
    answer = client.get("/v1/me", headers={"Origin": "https://ally.example"})
    assert "access-control-allow-origin" not in answer.headers
    assert client.post("/v1/auth/sign-out", headers={"Origin": "https://ally.example"}).status_code == 403


def test_one_who_asks_too_often_waits(workspace: Workspace) -> None:
    api = replace(workspace.settings.api, requests_per_minute=5)
    with (
        ApiService(with_settings(workspace, api), no_auth=True) as service,
        httpx.Client(base_url=service.url) as client,
    ):
        answers = [client.get("/v1/fleets") for _ in range(8)]
    assert [answer.status_code for answer in answers].count(429) >= 2
    assert int(answers[-1].headers["retry-after"]) >= 1


def test_it_speaks_https_with_a_certificate(workspace: Workspace, tmp_path: Path) -> None:
    trusted = ssl.create_default_context(cafile=authority(tmp_path))
    cert, key = signed(tmp_path, "service")
    api = replace(workspace.settings.api, cert_file=str(cert), key_file=str(key))
    with ApiService(with_settings(workspace, api), no_auth=True) as service:
        assert service.url.startswith("https://127.0.0.1:")
        answer = httpx.get(f"{service.url}/livez", verify=trusted)
        assert answer.headers["strict-transport-security"].startswith("max-age=")


def test_a_certificate_that_cannot_be_used_is_named(workspace: Workspace) -> None:
    api = replace(workspace.settings.api, cert_file="none.pem")
    with pytest.raises(SettingsError, match=r"\[api\] cert_file: .*none.pem"):
        ApiService(with_settings(workspace, api))
    with pytest.raises(SettingsError, match="cert_file is not"):
        ApiService(with_settings(workspace, replace(api, cert_file="", key_file="key.pem")))


def test_a_port_in_use_is_named(workspace: Workspace) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(InputError, match="is in use by another"):
        ApiService(workspace, port=taken.getsockname()[1])


def test_without_sign_in_it_listens_at_this_machine_only(workspace: Workspace) -> None:
    with pytest.raises(InputError, match="--no-auth works on this machine alone"):
        ApiService(with_settings(workspace, ApiSettings(host="0.0.0.0", port=0)), no_auth=True)
