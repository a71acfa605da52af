"""Requests for another host, or of another origin."""

from __future__ import annotations

import pytest

from tests.api.middleware.asking import ask, plain
from twinpack.api.middleware.hosts import LOOPBACK, Hosts, allowed_hosts
from twinpack.store.settings import ApiSettings


@pytest.mark.parametrize(
    ("settings", "no_auth", "names"),
    [
        (ApiSettings(), True, LOOPBACK),
        (ApiSettings(public_url="https://twin.example"), True, LOOPBACK),
        (ApiSettings(), False, LOOPBACK),
        (ApiSettings(public_url="https://twin.example:8443/"), False, LOOPBACK | {"twin.example"}),
        (ApiSettings(host="0.0.0.0"), False, None),
        (ApiSettings(host="0.0.0.0", public_url="https://twin.example"), False, LOOPBACK | {"twin.example", "0.0.0.0"}),
        (ApiSettings(host="fleet.lan"), False, LOOPBACK | {"fleet.lan"}),
    ],
)
def test_the_names_that_are_answered_to(settings: ApiSettings, no_auth: bool, names: frozenset[str] | None) -> None:
    assert allowed_hosts(settings, no_auth) == names


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost", "LOCALHOST:1", "[::1]:8765"])
def test_this_machine_is_answered_to(host: str) -> None:
    assert ask(Hosts(plain, LOOPBACK), headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8765", "127.0.0.1.evil.example", "", "["])
def test_another_name_is_not(host: str) -> None:
    assert ask(Hosts(plain, LOOPBACK), headers={"Host": host}).status_code == 421


def test_probes_may_ask_under_any_name() -> None:
    assert ask(Hosts(plain, LOOPBACK), "/livez", headers={"Host": "10.0.0.7"}).status_code == 200


@pytest.mark.parametrize(
    ("method", "origin", "status"),
    [
        ("POST", "http://127.0.0.1:8765", 200),
        ("POST", None, 200),
        ("POST", "https://ally.example", 200),
        ("POST", "http://evil.example", 403),
        ("POST", "http://127.0.0.1:9999", 403),
        ("POST", "null", 403),
        ("POST", "http://[", 403),
        ("DELETE", "http://evil.example", 403),
        ("GET", "http://evil.example", 200),
    ],
)
def test_a_page_of_another_origin_changes_nothing(method: str, origin: str | None, status: int) -> None:
    headers = {"Origin": origin} if origin else {}
    app = Hosts(plain, None, ["https://ally.example"])
    assert ask(app, method=method, headers=headers).status_code == status
