"""Keys of machines: `tpk_ID.SECRET`. Of the secret, 256 random bits, only the SHA-256 is kept."""

from __future__ import annotations

import hmac
import json
import re
import secrets
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select, update

from twinpack.errors import InputError, NotFoundError
from twinpack.store import schema
from twinpack.store.database import Database
from twinpack.store.identity.records import KEY_ROLES, ApiKeyRecord, NewApiKey, check_role
from twinpack.store.identity.sessions import digest_of
from twinpack.store.records import now_us

COMMAND_LINE = "(command line)"
"""Who makes a key at the machine itself."""

_TABLE = schema.api_keys
_DAY_US = 86_400_000_000
_HOUR_US = 3_600_000_000
_LONGEST_DAYS = 366
_ID_BYTES, _SECRET_BYTES = 8, 32
_KEY = re.compile(r"tpk_([0-9a-f]{16})\.([A-Za-z0-9_-]{43})")
_NO_HASH = "0" * 64


class ApiKeys:
    """The keys of a registry."""

    def __init__(self, database: Database) -> None:
        """Keep them in `database`."""
        self._database = database

    def keys(self) -> list[ApiKeyRecord]:
        """Every key, the newest first."""
        found = [_record(row) for row in self._database.rows(select(_TABLE))]
        return sorted(found, key=lambda key: (-key.created_at_us, key.key_id))

    def add(
        self,
        name: str,
        role: str,
        by: str,
        *,
        fleets: Sequence[str] = (),
        scopes: Sequence[str] = (),
        days: float = 90.0,
        at_us: int | None = None,
    ) -> NewApiKey:
        """Make a key.

        Args:
            name: For people.
            role: What it is for.
            by: Who makes it.
            fleets: Fleets it may look at.
            scopes: Rights it has, of those of its role; none for all.
            days: Days it holds.
            at_us: Now.

        Raises:
            InputError: A field cannot be, or a fleet is not known.
        """
        check_role(role, KEY_ROLES)
        if not 0 < days <= _LONGEST_DAYS:
            raise InputError(f"a key that holds for {days:g} days cannot be: give 0 to {_LONGEST_DAYS}")
        if not name.strip() or len(name) > 64 or not name.isprintable():
            raise InputError("a key has a name of 1 to 64 characters, which says what it is for")
        now = now_us() if at_us is None else at_us
        identity, secret = secrets.token_hex(_ID_BYTES), secrets.token_urlsafe(_SECRET_BYTES)
        ends = now + round(days * _DAY_US)
        record = ApiKeyRecord(identity, name.strip(), role, tuple(fleets), tuple(scopes), by, now, ends)
        with self._database.write() as connection:
            known = set(connection.execute(select(schema.fleets.c.name)).scalars())
            if unknown := [fleet for fleet in fleets if fleet not in known]:
                raise InputError(f"there is no fleet {unknown[0]!r}; `twinpack fleet fleets` lists them")
            connection.execute(_TABLE.insert(), _row(record) | {"secret_sha256": digest_of(secret)})
        return NewApiKey(record, f"tpk_{identity}.{secret}")

    def verify(self, key: str, at_us: int | None = None) -> ApiKeyRecord | None:
        """What a key is for; None when it is malformed, unknown, wrong, revoked or has ended, or its maker has gone."""
        parts = _KEY.fullmatch(key)
        if parts is None:
            return None
        users = schema.users
        made = _TABLE.outerjoin(users, users.c.username == _TABLE.c.created_by)
        query = select(_TABLE, users.c.disabled).select_from(made).where(_TABLE.c.key_id == parts[1])
        rows = self._database.rows(query)
        kept = rows[0].secret_sha256 if rows else _NO_HASH
        if not hmac.compare_digest(kept, digest_of(parts[2])) or not rows:
            return None
        row = rows[0]
        gone = row.created_by != COMMAND_LINE and (row.disabled is None or row.disabled)
        record = _record(row)
        now = now_us() if at_us is None else at_us
        if gone or not record.holds(now):
            return None
        return record

    def used(self, key: ApiKeyRecord, at_us: int) -> None:
        """Keep when a key was used, to the hour."""
        if key.last_used_at_us is not None and at_us - key.last_used_at_us < _HOUR_US:
            return
        with self._database.write() as connection:
            connection.execute(update(_TABLE).where(_TABLE.c.key_id == key.key_id).values(last_used_at_us=at_us))

    def revoke(self, key_id: str, at_us: int | None = None) -> None:
        """Make a key open nothing from now on; revoking it again changes nothing.

        Raises:
            NotFoundError: There is none.
        """
        mine = _TABLE.c.key_id == key_id
        with self._database.write() as connection:
            if connection.execute(select(_TABLE.c.key_id).where(mine)).scalar() is None:
                raise NotFoundError(f"there is no key {key_id!r}; `twinpack user keys` lists them")
            ended = now_us() if at_us is None else at_us
            connection.execute(update(_TABLE).where(mine, _TABLE.c.revoked_at_us.is_(None)).values(revoked_at_us=ended))


def _row(record: ApiKeyRecord) -> dict[str, Any]:
    return {
        "key_id": record.key_id,
        "name": record.name,
        "role": record.role,
        "fleets": json.dumps(record.fleets),
        "scopes": json.dumps(record.scopes),
        "created_by": record.created_by,
        "created_at_us": record.created_at_us,
        "expires_at_us": record.expires_at_us,
    }


def _record(row: Row[Any]) -> ApiKeyRecord:
    return ApiKeyRecord(
        key_id=row.key_id,
        name=row.name,
        role=row.role,
        fleets=tuple(json.loads(row.fleets)),
        scopes=tuple(json.loads(row.scopes)),
        created_by=row.created_by,
        created_at_us=row.created_at_us,
        expires_at_us=row.expires_at_us,
        last_used_at_us=row.last_used_at_us,
        revoked_at_us=row.revoked_at_us,
    )
