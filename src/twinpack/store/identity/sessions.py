"""Sign-ins: of browsers, which show a cookie, and of programs, which renew their tokens with one that is good once.

Of a cookie and of a refresh token only the SHA-256 is kept; each holds 256 random bits. A refresh token that comes a
second time was stolen, or its replacement was: the sign-in ends, for both.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update

from twinpack.store import schema
from twinpack.store.database import Database
from twinpack.store.identity.records import BROWSER, TOKEN, SessionRecord
from twinpack.store.records import now_us

_TABLE = schema.sign_ins
_REFRESH = schema.refresh_tokens
_ID_BYTES, _SECRET_BYTES = 16, 32
_COOKIE = re.compile(r"([0-9a-f]{32})\.([A-Za-z0-9_-]{43})")
_REFRESH_TOKEN = re.compile(r"twr_([0-9a-f]{32})\.([A-Za-z0-9_-]{43})")
_NO_HASH = "0" * 64


class Sessions:
    """The sign-ins of a registry."""

    def __init__(self, database: Database) -> None:
        """Keep them in `database`."""
        self._database = database

    def begin(self, username: str, lasts_us: int, at_us: int | None = None) -> tuple[SessionRecord, str]:
        """Begin a browser's session; returns it and the value of its cookie."""
        record, secret = _new(BROWSER, username, lasts_us, at_us)
        with self._database.write() as connection:
            connection.execute(_TABLE.insert(), _row(record) | {"secret_sha256": digest_of(secret)})
        return record, f"{record.session_id}.{secret}"

    def begin_tokens(self, username: str, lasts_us: int, at_us: int | None = None) -> tuple[SessionRecord, str]:
        """Begin a program's sign-in; returns it and its first refresh token."""
        record, secret = _new(TOKEN, username, lasts_us, at_us)
        with self._database.write() as connection:
            connection.execute(_TABLE.insert(), _row(record) | {"secret_sha256": ""})
            _put_refresh(connection, record, secret, record.begun_at_us)
        return record, f"twr_{record.session_id}.{secret}"

    def of_cookie(self, value: str, at_us: int | None = None) -> SessionRecord | None:
        """The session of a cookie; None when it is malformed, unknown, wrong or has ended."""
        parts = _COOKIE.fullmatch(value)
        if parts is None:
            return None
        rows = self._database.rows(select(_TABLE).where(_TABLE.c.session_id == parts[1], _TABLE.c.kind == BROWSER))
        kept = rows[0].secret_sha256 if rows else _NO_HASH
        if not hmac.compare_digest(kept, digest_of(parts[2])) or not rows:
            return None
        record = _record(rows[0])
        return record if record.holds(now_us() if at_us is None else at_us) else None

    def find(self, session_id: str) -> SessionRecord | None:
        """A sign-in, None when there is none."""
        rows = self._database.rows(select(_TABLE).where(_TABLE.c.session_id == session_id))
        return _record(rows[0]) if rows else None

    def refresh(self, token: str, at_us: int | None = None) -> tuple[SessionRecord, str] | SessionRecord | None:
        """Replace a refresh token.

        Returns:
            The sign-in and its next refresh token; the sign-in alone, ended now, when the token came a second time;
            None when it is malformed, unknown or the sign-in had ended.
        """
        parts = _REFRESH_TOKEN.fullmatch(token)
        if parts is None:
            return None
        now = now_us() if at_us is None else at_us
        mine = _REFRESH.c.secret_sha256 == digest_of(parts[2])
        with self._database.write() as connection:
            shown = connection.execute(select(_REFRESH).where(mine, _REFRESH.c.session_id == parts[1])).first()
            row = connection.execute(select(_TABLE).where(_TABLE.c.session_id == parts[1])).first()
            if shown is None or row is None or not _record(row).holds(now):
                return None
            record = _record(row)
            if shown.used_at_us is not None:
                _end(connection, record.session_id, "reuse", now)
                return record
            secret = secrets.token_urlsafe(_SECRET_BYTES)
            connection.execute(update(_REFRESH).where(mine).values(used_at_us=now))
            _put_refresh(connection, record, secret, now)
        return record, f"twr_{record.session_id}.{secret}"

    def end(self, session_id: str, why: str = "sign-out", at_us: int | None = None) -> None:
        """End a sign-in; one that has ended stays as it is."""
        with self._database.write() as connection:
            _end(connection, session_id, why, now_us() if at_us is None else at_us)

    def tidy(self, at_us: int | None = None) -> int:
        """Forget sign-ins that have expired; returns how many."""
        now = now_us() if at_us is None else at_us
        over = _TABLE.c.expires_at_us < now
        with self._database.write() as connection:
            ids = select(_TABLE.c.session_id).where(over)
            connection.execute(delete(_REFRESH).where(_REFRESH.c.session_id.in_(ids)))
            return connection.execute(delete(_TABLE).where(over)).rowcount


def end_sessions(connection: Connection, username: str, why: str, but: str = "") -> None:
    """End every sign-in of an account but one, within the transaction at hand."""
    mine = (_TABLE.c.username == username, _TABLE.c.ended_at_us.is_(None), _TABLE.c.session_id != but)
    connection.execute(update(_TABLE).where(*mine).values(ended_at_us=now_us(), ended_by=why))


def digest_of(secret: str) -> str:
    """What is kept of a secret of many random bits."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _new(kind: str, username: str, lasts_us: int, at_us: int | None) -> tuple[SessionRecord, str]:
    begun = now_us() if at_us is None else at_us
    record = SessionRecord(secrets.token_hex(_ID_BYTES), kind, username, begun, begun + lasts_us)
    return record, secrets.token_urlsafe(_SECRET_BYTES)


def _put_refresh(connection: Connection, record: SessionRecord, secret: str, at_us: int) -> None:
    row = {"secret_sha256": digest_of(secret), "session_id": record.session_id, "issued_at_us": at_us}
    connection.execute(_REFRESH.insert(), row)


def _end(connection: Connection, session_id: str, why: str, at_us: int) -> None:
    mine = (_TABLE.c.session_id == session_id, _TABLE.c.ended_at_us.is_(None))
    connection.execute(update(_TABLE).where(*mine).values(ended_at_us=at_us, ended_by=why))


def _row(record: SessionRecord) -> dict[str, Any]:
    return {
        "session_id": record.session_id,
        "kind": record.kind,
        "username": record.username,
        "begun_at_us": record.begun_at_us,
        "expires_at_us": record.expires_at_us,
        "ended_at_us": record.ended_at_us,
        "ended_by": record.ended_by,
    }


def _record(row: Row[Any]) -> SessionRecord:
    return SessionRecord(
        session_id=row.session_id,
        kind=row.kind,
        username=row.username,
        begun_at_us=row.begun_at_us,
        expires_at_us=row.expires_at_us,
        ended_at_us=row.ended_at_us,
        ended_by=row.ended_by,
    )
