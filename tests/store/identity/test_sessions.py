from __future__ import annotations

import pytest
from sqlalchemy import select

from twinpack.store import schema
from twinpack.store.database import Database
from twinpack.store.registry import Registry

NOW_US = 1_700_000_000_000_000
HOUR_US = 3_600_000_000


def test_a_cookie_opens_its_session_until_it_ends(registry: Registry) -> None:
    begun, cookie = registry.sessions.begin("m.kern", HOUR_US, NOW_US)
    assert registry.sessions.of_cookie(cookie, NOW_US) == begun
    assert registry.sessions.of_cookie(cookie, NOW_US + HOUR_US) is None
    registry.sessions.end(begun.session_id, at_us=NOW_US + 1)
    assert registry.sessions.of_cookie(cookie, NOW_US + 2) is None


@pytest.mark.parametrize("spoil", ["", ".", "{id}.", "{id}.wrong", "{id}x.{secret}", "{secret}", "{id}.{secret} "])
def test_another_cookie_opens_nothing(registry: Registry, spoil: str) -> None:
    _, cookie = registry.sessions.begin("m.kern", HOUR_US, NOW_US)
    identity, secret = cookie.split(".")
    assert registry.sessions.of_cookie(spoil.format(id=identity, secret=secret), NOW_US) is None
    _, other = registry.sessions.begin("root", HOUR_US, NOW_US)
    assert registry.sessions.of_cookie(f"{identity}.{other.split('.')[1]}", NOW_US) is None


def test_a_refresh_token_is_replaced_each_time(registry: Registry) -> None:
    begun, first = registry.sessions.begin_tokens("m.kern", HOUR_US, NOW_US)
    seen = {first}
    token = first
    for minute in range(1, 4):
        found = registry.sessions.refresh(token, NOW_US + minute)
        assert isinstance(found, tuple)
        assert found[0] == begun
        token = found[1]
        seen.add(token)
    assert len(seen) == 4


def test_a_refresh_token_that_comes_twice_ends_the_sign_in(registry: Registry) -> None:
    begun, first = registry.sessions.begin_tokens("m.kern", HOUR_US, NOW_US)
    found = registry.sessions.refresh(first, NOW_US + 1)
    assert isinstance(found, tuple)
    assert registry.sessions.refresh(first, NOW_US + 2) == begun
    assert registry.sessions.refresh(found[1], NOW_US + 3) is None, "the one that replaced it opens nothing either"
    kept = registry.sessions.find(begun.session_id)
    assert kept is not None
    assert (kept.ended_by, kept.ended_at_us) == ("reuse", NOW_US + 2)


def test_a_guessed_refresh_token_ends_nothing(registry: Registry) -> None:
    begun, token = registry.sessions.begin_tokens("m.kern", HOUR_US, NOW_US)
    assert registry.sessions.refresh(f"twr_{begun.session_id}.{'A' * 43}", NOW_US) is None
    _, other = registry.sessions.begin_tokens("root", HOUR_US, NOW_US)
    assert registry.sessions.refresh(f"twr_{begun.session_id}.{other.split('.')[1]}", NOW_US) is None
    assert registry.sessions.refresh("twr_", NOW_US) is None
    assert isinstance(registry.sessions.refresh(token, NOW_US), tuple)


def test_a_refresh_token_is_no_cookie_and_ends_in_time(registry: Registry) -> None:
    _, token = registry.sessions.begin_tokens("m.kern", HOUR_US, NOW_US)
    assert registry.sessions.of_cookie(token.removeprefix("twr_"), NOW_US) is None
    assert registry.sessions.refresh(token, NOW_US + HOUR_US) is None


def test_no_secret_is_kept(registry: Registry, registry_url: str) -> None:
    _, cookie = registry.sessions.begin("m.kern", HOUR_US, NOW_US)
    _, token = registry.sessions.begin_tokens("m.kern", HOUR_US, NOW_US)
    database: Database = registry.sessions._database  # noqa: SLF001
    kept = str([database.rows(select(table)) for table in (schema.sign_ins, schema.refresh_tokens)])
    assert cookie.split(".")[1] not in kept
    assert token.split(".")[1] not in kept


def test_what_has_expired_is_forgotten(registry: Registry) -> None:
    registry.sessions.begin("m.kern", HOUR_US, NOW_US)
    registry.sessions.begin_tokens("m.kern", HOUR_US, NOW_US)
    later, _ = registry.sessions.begin("m.kern", 3 * HOUR_US, NOW_US)
    assert registry.sessions.tidy(NOW_US + 2 * HOUR_US) == 2
    assert registry.sessions.find(later.session_id) == later
