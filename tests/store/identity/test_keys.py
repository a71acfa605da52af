from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from twinpack.errors import InputError, NotFoundError
from twinpack.store import schema
from twinpack.store.fleet_records import FleetRecord
from twinpack.store.identity.keys import COMMAND_LINE
from twinpack.store.identity.records import UserRecord
from twinpack.store.registry import Registry

NOW_US = 1_700_000_000_000_000
DAY_US = 86_400_000_000


@pytest.fixture
def filled(registry: Registry) -> Registry:
    registry.fleet.create_fleet(FleetRecord("north"))
    for name in ("root", "second"):
        registry.users.add(UserRecord(name, "admin", built_in=False))
    return registry


def test_a_key_opens_until_it_ends(filled: Registry) -> None:
    made = filled.keys.add(
        "night report", "analyst", "root", fleets=["north"], scopes=["fleet.read"], days=2, at_us=NOW_US
    )
    assert re.fullmatch(r"tpk_[0-9a-f]{16}\.[A-Za-z0-9_-]{43}", made.key)
    assert filled.keys.verify(made.key, NOW_US) == made.record
    assert filled.keys.keys() == [made.record]
    assert filled.keys.verify(made.key, NOW_US + 2 * DAY_US) is None
    assert made.key not in repr(made)


def test_a_key_is_kept_as_a_hash_alone(filled: Registry) -> None:
    made = filled.keys.add("x", "analyst", "root")
    kept = str(filled.keys._database.rows(select(schema.api_keys)))  # noqa: SLF001
    assert made.key.split(".")[1] not in kept


@pytest.mark.parametrize(
    "spoil", ["", "tpk_", "{id}.{secret}x", "{id}.", "{other}.{secret}", "twp_{secret}", "{id}. {secret}"]
)
def test_another_key_opens_nothing(filled: Registry, spoil: str) -> None:
    identity, secret = filled.keys.add("x", "analyst", "root").key.split(".")
    other = filled.keys.add("y", "analyst", "root").key.split(".")[0]
    assert filled.keys.verify(spoil.format(id=identity, secret=secret, other=other)) is None


def test_a_revoked_key_opens_nothing(filled: Registry) -> None:
    made = filled.keys.add("x", "analyst", "root", at_us=NOW_US)
    filled.keys.revoke(made.record.key_id, NOW_US + 1)
    filled.keys.revoke(made.record.key_id, NOW_US + 2)
    assert filled.keys.verify(made.key, NOW_US + 2) is None
    assert filled.keys.keys()[0].revoked_at_us == NOW_US + 1
    with pytest.raises(NotFoundError):
        filled.keys.revoke("nothing")


def test_a_key_opens_nothing_once_its_maker_may_not(filled: Registry) -> None:
    made = filled.keys.add("x", "analyst", "second", at_us=NOW_US)
    local = filled.keys.add("y", "analyst", COMMAND_LINE, at_us=NOW_US)
    filled.users.change("second", disabled=True)
    assert filled.keys.verify(made.key, NOW_US) is None
    filled.users.change("second", disabled=False)
    assert filled.keys.verify(made.key, NOW_US) is not None
    filled.users.remove("second")
    assert filled.keys.verify(made.key, NOW_US) is None
    assert filled.keys.verify(local.key, NOW_US) is not None


def test_when_it_was_used_is_kept_to_the_hour(filled: Registry) -> None:
    made = filled.keys.add("x", "analyst", "root", at_us=NOW_US)
    filled.keys.used(made.record, NOW_US + 5)
    filled.keys.used(filled.keys.keys()[0], NOW_US + 6)
    assert filled.keys.keys()[0].last_used_at_us == NOW_US + 5


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"role": "owner"}, "role"),
        ({"role": "device"}, "role"),
        ({"days": 0}, "holds"),
        ({"days": 400}, "holds"),
        ({"days": float("nan")}, "holds"),
        ({"name": " "}, "name"),
        ({"fleets": ["south"]}, "no fleet 'south'"),
    ],
)
def test_what_cannot_be_is_refused(filled: Registry, change: dict[str, object], wrong: str) -> None:
    with pytest.raises(InputError, match=wrong):
        filled.keys.add(**{"name": "x", "role": "analyst", "by": "root"} | change)  # type: ignore[arg-type]
    assert filled.keys.keys() == []
