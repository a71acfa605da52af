"""Tokens of an OIDC issuer: a real one, whose keys change, which is slow or away."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.api.identity.conftest import bearing
from tests.api.identity.people import PASSWORD
from tests.servers.issuer import ALGORITHMS, Issuer, make_key, signed
from twinpack.api.identity.issuer_keys import FRESH_S, USABLE_S, WAIT_S, IssuerKeys
from twinpack.errors import ServiceError, SettingsError
from twinpack.store.identity.records import UserRecord
from twinpack.store.registry import Registry
from twinpack.store.settings import ApiSettings, IdentitySettings, Settings


@pytest.fixture
def settings(issuer: Issuer) -> Settings:
    issuer.new_key("first")
    return Settings(api=ApiSettings(port=0), identity=IdentitySettings(issuer=issuer.url))


def me(client: httpx.Client, token: str) -> httpx.Response:
    return client.get("/v1/me", headers=bearing(token))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_an_identity_makes_its_account_on_first_sight(client: httpx.Client, issuer: Issuer, algorithm: str) -> None:
    issuer.new_key("second", algorithm)
    token = issuer.token(
        "17", preferred_username="lara", twinpack_role="operator", twinpack_fleets=["north"], aud=["x", "twinpack"]
    )
    found = me(client, token).json()
    assert (found["username"], found["role"], found["fleets"], found["built_in"]) == (
        "lara",
        "operator",
        ["north"],
        False,
    )
    assert client.get("/v1/vehicles/north-1/health", headers=bearing(token)).status_code == 200
    assert client.get("/v1/vehicles/south-1/health", headers=bearing(token)).status_code == 404


def test_an_identity_without_a_role_or_an_account_is_refused(
    client: httpx.Client, issuer: Issuer, registry: Registry
) -> None:
    assert me(client, issuer.token("17")).status_code == 401
    assert me(client, issuer.token("17", twinpack_role="king")).status_code == 401
    assert me(client, issuer.token("17", twinpack_role=[["admin"]])).status_code == 401
    assert me(client, issuer.token("a b", twinpack_role="analyst")).status_code == 401
    registry.users.add(UserRecord("17", "analyst", fleets=("north",)))
    assert me(client, issuer.token("17")).json()["role"] == "analyst"


def test_of_several_roles_the_one_that_may_do_most_is_taken(client: httpx.Client, issuer: Issuer) -> None:
    token = issuer.token("17", twinpack_role="other, technician operator", twinpack_fleets="north south")
    assert (me(client, token).json()["role"], me(client, token).json()["fleets"]) == ("operator", ["north", "south"])


def test_an_identity_does_not_take_over_an_account_of_its_name(client: httpx.Client, issuer: Issuer) -> None:
    assert me(client, issuer.token("17", preferred_username="root", twinpack_role="admin")).status_code == 401
    assert me(client, issuer.token("17", preferred_username="lara", twinpack_role="analyst")).status_code == 200
    assert me(client, issuer.token("18", preferred_username="lara", twinpack_role="admin")).status_code == 401


def test_a_disabled_account_is_refused_whatever_the_issuer_says(
    client: httpx.Client, issuer: Issuer, registry: Registry
) -> None:
    token = issuer.token("17", twinpack_role="analyst")
    assert me(client, token).status_code == 200
    registry.users.change("17", disabled=True)
    assert me(client, issuer.token("17", twinpack_role="analyst", jti="2")).status_code == 401


def test_tokens_spoilt_in_any_way_are_refused(client: httpx.Client, issuer: Issuer) -> None:
    good = {"twinpack_role": "analyst"}
    assert me(client, issuer.token("17", **good)).status_code == 200
    for spoilt in (
        {"aud": "other"},
        {"exp": 5},
        {"exp": None},
        {"iss": f"{issuer.url}/"},
        {"sub": None},
        {"aud": None},
    ):
        assert me(client, issuer.token("17", **good, **spoilt)).status_code == 401, spoilt
    foreign = make_key("first", "ES256")
    assert me(client, signed(issuer.claims("17") | good, foreign, {"kid": "first"})).status_code == 401


def test_people_with_a_password_here_still_sign_in(client: httpx.Client) -> None:
    answer = client.post("/v1/auth/sign-in", json={"username": "root", "password": PASSWORD})
    assert answer.status_code == 200


def test_while_the_issuer_is_away_the_answer_is_to_try_again(client: httpx.Client, issuer: Issuer) -> None:
    issuer.broken = True
    answer = me(client, issuer.token("17", twinpack_role="analyst"))
    assert answer.status_code == 503
    assert answer.headers["retry-after"]


# The keys, with a clock of one's own


class Clock:
    s = 1_000.0

    def __call__(self) -> float:
        return self.s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(issuer: Issuer, clock: Clock) -> Iterator[IssuerKeys]:
    issuer.new_key("first")
    yield IssuerKeys(IdentitySettings(issuer=issuer.url), clock)


def names(keys: IssuerKeys, key_id: str) -> list[str | None]:
    return [key.kid for key in keys.keys(key_id).keys]


def test_keys_are_asked_for_once_and_again_when_they_are_old(issuer: Issuer, keys: IssuerKeys, clock: Clock) -> None:
    for _ in range(5):
        assert names(keys, "first") == ["first"]
    assert issuer.asked == ["/realm/.well-known/openid-configuration", "/realm/keys"]
    clock.s += FRESH_S + 1
    del issuer.keys["first"]
    issuer.new_key("second")
    assert names(keys, "first") == [], "a key that the issuer took back opens nothing"
    assert len(issuer.asked) == 4


def test_a_new_key_is_found_at_once_and_unknown_ones_do_not_make_the_issuer_busy(
    issuer: Issuer, keys: IssuerKeys, clock: Clock
) -> None:
    assert names(keys, "first") == ["first"]
    clock.s += WAIT_S + 1
    issuer.new_key("second")
    assert names(keys, "second") == ["second"]
    for number in range(20):
        assert names(keys, f"guess {number}") == []
    assert len(issuer.asked) == 4
    clock.s += WAIT_S + 1
    assert names(keys, "guess") == []
    assert len(issuer.asked) == 6


def test_a_token_that_names_no_key_is_tried_with_all(issuer: Issuer, keys: IssuerKeys) -> None:
    issuer.new_key("second", "EdDSA")
    assert names(keys, "") == ["first", "second"]


def test_an_issuer_that_is_away_is_trusted_with_its_keys_for_a_day(
    issuer: Issuer, keys: IssuerKeys, clock: Clock
) -> None:
    assert names(keys, "first") == ["first"]
    issuer.broken = True
    clock.s += USABLE_S - 1
    assert names(keys, "first") == ["first"]
    clock.s += 2
    with pytest.raises(ServiceError, match="try again"):
        names(keys, "first")
    issuer.broken = False
    clock.s += WAIT_S + 1
    assert names(keys, "first") == ["first"]


def test_an_issuer_that_does_not_answer_is_not_waited_for_long(
    issuer: Issuer, keys: IssuerKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("twinpack.api.identity.issuer_keys.TIMEOUT_S", 0.05)
    issuer.hold.clear()
    with pytest.raises(ServiceError):
        names(keys, "first")


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://other.example"},
        {"jwks_uri": "http://keys.example/"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": None},
        {"padding": "x" * 600_000},
    ],
)
def test_a_document_that_cannot_be_trusted_is_not(
    issuer: Issuer, keys: IssuerKeys, document: dict[str, object]
) -> None:
    issuer.document = document
    with pytest.raises(ServiceError):
        names(keys, "first")


def test_the_address_of_the_keys_may_be_set(issuer: Issuer, clock: Clock) -> None:
    issuer.new_key("first")
    settings = IdentitySettings(issuer="https://id.example", jwks_url=f"{issuer.url}/keys")
    assert names(IssuerKeys(settings, clock), "first") == ["first"]
    assert issuer.asked == ["/realm/keys"]


@pytest.mark.parametrize("url", ["http://id.example", "ftp://id.example", "id.example", "https://"])
def test_an_issuer_is_not_asked_over_a_line_that_others_can_change(url: str) -> None:
    for settings in (IdentitySettings(issuer=url), IdentitySettings(issuer="https://id.example", jwks_url=url)):
        with pytest.raises(SettingsError, match="https"):
            IssuerKeys(settings)


def test_weak_and_secret_keys_are_passed_over(issuer: Issuer, clock: Clock) -> None:
    issuer.new_key("good")

    class Odd(Issuer):
        def told(self, path: str) -> dict[str, object]:
            weak = {"kty": "RSA", "kid": "weak", "n": "x" * 100, "e": "AQAB"}
            odd = [weak, {"kty": "oct", "kid": "secret", "k": "AAAA"}, {"kid": "none"}, {"kty": "EC", "kid": "half"}]
            return {"keys": [*odd, *issuer.told("/realm/keys")["keys"]]} | issuer.told("/")

    odd = Odd()
    try:
        settings = IdentitySettings(issuer="https://id.example", jwks_url=f"{odd.url}/keys")
        assert names(IssuerKeys(settings, clock), "") == ["good"]
    finally:
        odd.close()
