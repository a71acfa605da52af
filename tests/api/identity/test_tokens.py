"""Access tokens: those of the built-in issuer open, and nothing that only looks like one does."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from joserfc.jwk import OKPKey

from tests.api.identity.conftest import bearing, tokens
from tests.servers.issuer import make_key, signed
from twinpack.store.identity.signing import SigningKeys
from twinpack.store.registry import Registry
from twinpack.store.workspace import Workspace

Spoil = Callable[["Forger"], str]


def encoded(part: object) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decoded(part: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


class Forger:
    """Holds a good token, all public knowledge, and, for tokens that only time or address spoils, the real key."""

    def __init__(self, token: str, key: OKPKey) -> None:
        self.token, self._key = token, key
        self.header, self.claims = (decoded(part) for part in token.split(".")[:2])
        self.public = key.as_dict(private=False)

    def re_signed(self, header: dict[str, Any] | None = None, **claims: Any) -> str:
        return signed(self.claims | claims, self._key, self.header | (header or {}))

    def foreign(self, algorithm: str = "EdDSA", **header: Any) -> str:
        key = make_key(str(self.header["kid"]), algorithm)
        return signed(self.claims, key, {"kid": key.kid} | header)

    def with_jwk(self) -> str:
        key = make_key("mine", "EdDSA")
        return signed(self.claims, key, {"jwk": key.as_dict(private=False)})

    def with_parts(self, header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
        return f"{encoded(header)}.{encoded(claims)}.{encoded(signature)}"

    def with_secret(self, secret: bytes) -> str:
        body = f"{encoded(self.header | {'alg': 'HS256'})}.{encoded(self.claims)}"
        return f"{body}.{encoded(hmac.new(secret, body.encode(), hashlib.sha256).digest())}"


NOW_S = int(time.time())
FORGED: dict[str, Spoil] = {
    "expired": lambda one: one.re_signed(exp=NOW_S - 60),
    "not yet": lambda one: one.re_signed(nbf=NOW_S + 600),
    "from the future": lambda one: one.re_signed(iat=NOW_S + 600),
    "without end": lambda one: one.re_signed(exp=None),
    "with an end in words": lambda one: one.re_signed(exp="never"),
    "for another audience": lambda one: one.re_signed(aud="other"),
    "for other audiences": lambda one: one.re_signed(aud=["other", "twinpack2"]),
    "for nobody": lambda one: one.re_signed(aud=None),
    "of another issuer": lambda one: one.re_signed(iss="https://evil.example"),
    "of no issuer": lambda one: one.re_signed(iss=None),
    "about nobody": lambda one: one.re_signed(sub=None),
    "about an empty name": lambda one: one.re_signed(sub=""),
    "about another": lambda one: one.re_signed(sub="root"),
    "of no sign-in": lambda one: one.re_signed(sid=None),
    "of a sign-in that is not there": lambda one: one.re_signed(sid="0" * 32),
    "alg none": lambda one: one.with_parts(one.header | {"alg": "none"}, one.claims),
    "alg None": lambda one: one.with_parts(one.header | {"alg": "None"}, one.claims),
    "alg none, old signature": lambda one: f"{encoded(one.header | {'alg': 'none'})}.{one.token.split('.', 1)[1]}",
    "no alg": lambda one: one.with_parts({"kid": one.header["kid"]}, one.claims),
    "alg a number": lambda one: one.with_parts(one.header | {"alg": 5}, one.claims),
    "no signature": lambda one: one.with_parts(one.header, one.claims),
    "another's signature": lambda one: one.with_parts(one.header, one.claims, b"x" * 64),
    "claims changed": lambda one: ".".join(
        [one.token.split(".")[0], encoded(one.claims | {"sub": "root"}), one.token.split(".")[2]]
    ),
    "another key of the same name": lambda one: one.foreign(),
    "another key without a name": lambda one: one.foreign(kid=None),
    "another algorithm's key of the same name": lambda one: one.foreign("ES256"),
    "RSA key of the same name": lambda one: one.foreign("RS256"),
    "a key that it brings along": lambda one: one.with_jwk(),
    "a key at an address": lambda one: one.foreign(jku="https://evil.example/keys"),
    "the public key as a secret": lambda one: one.with_secret(json.dumps(one.public).encode()),
    "the public number as a secret": lambda one: one.with_secret(base64.urlsafe_b64decode(str(one.public["x"]) + "==")),
    "an empty secret": lambda one: one.with_secret(b""),
    "extensions it does not know": lambda one: one.re_signed({"crit": ["b64"], "b64": False}),
    "too long": lambda one: one.re_signed(more="x" * 9_000),
    "two parts": lambda one: one.token.rsplit(".", 1)[0],
    "four parts": lambda one: f"{one.token}.x",
    "five parts": lambda one: f"{one.token}.x.y",
    "cut": lambda one: one.token[:-2],
    "no base 64": lambda one: "!.!.!",
    "a list": lambda one: f"{encoded([1])}.{encoded([1])}.{encoded(b'x')}",
    "deep": lambda one: f"{encoded(b'[' * 5_000)}.{encoded(b'[' * 1_000)}.x",
    "words": lambda one: "let me in",
    "a refresh token": lambda one: "twr_" + "0" * 32 + "." + "A" * 43,
    "a key": lambda one: "tpk_" + "0" * 16 + "." + "A" * 43,
    "a device's token": lambda one: "twp_" + "0" * 16 + "." + "A" * 43,
}


@pytest.fixture
def forger(client: httpx.Client, workspace: Workspace) -> Forger:
    return Forger(tokens(client, "nora")["access_token"], SigningKeys(workspace.home / "keys").signing())


def test_nothing_that_only_looks_like_a_token_opens(client: httpx.Client, forger: Forger) -> None:
    assert client.get("/v1/me", headers=bearing(forger.re_signed())).status_code == 200, "the forger can sign"
    for how, forge in FORGED.items():
        answer = client.get("/v1/me", headers=bearing(forge(forger)))
        assert answer.status_code == 401, how
        assert answer.headers["www-authenticate"] == "Bearer", how
        assert answer.headers["content-type"] == "application/problem+json", how
        for secret in (forger.token, "nora", "sid"):
            assert secret not in answer.text, how
    assert client.get("/v1/me", headers=bearing(forger.token)).status_code == 200, "and the good one still opens"


@pytest.mark.parametrize("header", ["", "Bearer", "Basic bm9yYTp4", "bearer", "Token x", "Bearer a b c"])
def test_a_header_of_another_kind_opens_nothing_even_with_a_cookie(client: httpx.Client, header: str) -> None:
    body = {"username": "nora", "password": "correct horse battery"}
    assert client.post("/v1/auth/sign-in", json=body).status_code == 200
    assert client.get("/v1/me", headers={"Authorization": header}).status_code == 401
    assert client.get("/v1/me").status_code == 200


def test_the_word_bearer_is_read_in_any_capitals(client: httpx.Client, forger: Forger) -> None:
    assert client.get("/v1/me", headers={"Authorization": f"bEARER  {forger.token}"}).status_code == 200


def test_a_token_holds_as_long_as_it_says(client: httpx.Client) -> None:
    pair = tokens(client, "nora")
    claims = decoded(pair["access_token"].split(".")[1])
    assert claims["exp"] - claims["iat"] == 15 * 60 == int(pair["expires_in"])
    assert claims["aud"] == "twinpack"


def test_a_key_of_the_issuer_is_changed_without_signing_anybody_out(
    client: httpx.Client, forger: Forger, workspace: Workspace
) -> None:
    SigningKeys(workspace.home / "keys").rotate()
    assert client.get("/v1/me", headers=bearing(forger.token)).status_code == 200
    fresh = tokens(client, "nora")["access_token"]
    kid = decoded(fresh.split(".")[0])["kid"]
    assert kid != forger.header["kid"]
    assert client.get("/v1/me", headers=bearing(fresh)).status_code == 200
    public = client.get("/.well-known/jwks.json").json()["keys"]
    assert [key["kid"] for key in public] == [kid, forger.header["kid"]]
    assert not any("d" in key for key in public)


def test_a_key_opens_what_its_scopes_say_until_it_is_revoked(client: httpx.Client, registry: Registry) -> None:
    key = registry.keys.add("robot", "analyst", "root", fleets=["north"], scopes=["vehicle.read"])
    assert client.get("/v1/me", headers=bearing(key.key)).json()["may"] == ["vehicle.read"]
    assert client.get("/v1/vehicles/north-1/health", headers=bearing(key.key)).status_code == 200
    assert client.get("/v1/vehicles/north-1/telemetry", headers=bearing(key.key)).status_code == 403
    assert client.get("/v1/vehicles/south-1/health", headers=bearing(key.key)).status_code == 404


def test_a_device_sees_its_own_telemetry_and_its_fleets_token_nothing(client: httpx.Client, registry: Registry) -> None:
    car = bearing(registry.credentials.issue("vehicle", "north-1").token)
    assert client.get("/v1/vehicles/north-1/latest", headers=car).status_code == 200
    assert client.get("/v1/vehicles/north-2/latest", headers=car).status_code == 404
    assert client.get("/v1/vehicles/north-1/health", headers=car).status_code == 403
    fleet = bearing(registry.credentials.issue("fleet", "north").token)
    assert client.get("/v1/me", headers=fleet).json()["may"] == []
    assert client.get("/v1/vehicles/north-1/latest", headers=fleet).status_code == 403
