"""Accounts: who may sign in, and with what."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select, update

from twinpack.errors import IdentityError, InputError, NotFoundError
from twinpack.store import schema
from twinpack.store.database import Database, insert_into
from twinpack.store.identity import passwords
from twinpack.store.identity.grants import end_grants
from twinpack.store.identity.records import ADMIN, UserRecord, check_role, folded
from twinpack.store.identity.sessions import end_sessions
from twinpack.store.records import now_us

_MINUTE_US = 60_000_000
_TABLE = schema.users
_FAILURES = schema.sign_in_failures


@dataclass(frozen=True)
class Attempt:
    """How trying a password went.

    Attributes:
        user: The account, None when it may not sign in, for whatever reason.
        locked: Whether this attempt locked the name.
        known: Whether there is an account of this name, for the audit log alone.
    """

    user: UserRecord | None
    locked: bool = False
    known: bool = False


class Users:
    """The accounts of a registry."""

    def __init__(self, database: Database) -> None:
        """Keep them in `database`."""
        self._database = database

    # Looking up

    def users(self) -> list[UserRecord]:
        """Every account, by name."""
        with self._database.read() as connection:
            locked = {row.name_sha256: row.locked_until_us for row in connection.execute(select(_FAILURES))}
            found = [_record(row, locked.get(_digest(row.username))) for row in connection.execute(select(_TABLE))]
        return sorted(found, key=lambda user: user.username)

    def find(self, username: str) -> UserRecord | None:
        """An account by name, None when there is none."""
        with self._database.read() as connection:
            return _find(connection, username)

    def user(self, username: str) -> UserRecord:
        """An account by name.

        Raises:
            NotFoundError: There is none.
        """
        with self._database.read() as connection:
            return _user(connection, username)

    def external(self, external_id: str) -> UserRecord | None:
        """The account of an OIDC identity, None when there is none."""
        rows = self._database.rows(select(_TABLE).where(_TABLE.c.external_id == external_id))
        return _record(rows[0], None) if rows and external_id else None

    def any(self) -> bool:
        """Whether there is an account at all."""
        return self._database.value(select(_TABLE.c.username).limit(1)) is not None

    # Making and changing

    def add(self, user: UserRecord, password: str | None = None) -> UserRecord:
        """Make an account; returns it as kept.

        Args:
            user: What it is; without a password it is of the OIDC issuer.
            password: Its password.

        Raises:
            InputError: A field cannot be, the name is taken, or a fleet is not known.
        """
        user.check()
        kept_hash = ""
        if password is not None:
            passwords.check_password(password, user.username)
            kept_hash = passwords.hash_password(password)
        kept = replace(user, built_in=bool(kept_hash), created_at_us=now_us())
        with self._database.write() as connection:
            _check_fleets(connection, user.fleets)
            if _find(connection, user.username) is not None:
                raise InputError(f"there is an account {user.username!r} already, in these or other capitals")
            # A grant that waited for nobody must not open to whoever gets the name.
            end_grants(connection, username=user.username, at_us=kept.created_at_us)
            connection.execute(_TABLE.insert(), _row(kept) | {"password_hash": kept_hash})
        return kept

    def change(
        self,
        username: str,
        *,
        role: str | None = None,
        display_name: str | None = None,
        fleets: Sequence[str] | None = None,
        disabled: bool | None = None,
        password: str | None = None,
        keep_session: str = "",
    ) -> UserRecord:
        """Change an account; what is None stays. Returns it as kept.

        Its sign-ins end when role, fleets or password change, or it is disabled; but for `keep_session`.

        Raises:
            InputError: A field cannot be, a fleet is not known, or nobody would be left to manage accounts.
            NotFoundError: There is none.
        """
        if password is not None:
            passwords.check_password(password, username)
        made = None if password is None else passwords.hash_password(password)
        with self._database.write() as connection:
            before = _user(connection, username)
            after = replace(
                before,
                role=before.role if role is None else role,
                display_name=before.display_name if display_name is None else display_name,
                fleets=before.fleets if fleets is None else tuple(fleets),
                disabled=before.disabled if disabled is None else disabled,
            )
            after.check()
            _check_fleets(connection, after.fleets)
            if before.role == ADMIN and (after.role != ADMIN or after.disabled):
                _check_other_admin(connection, before.username)
            values = _row(after) | ({} if made is None else {"password_hash": made})
            mine = _TABLE.c.username == before.username
            connection.execute(update(_TABLE).where(mine).values(values | {"changed_at_us": now_us()}))
            reach = ("role", "fleets", "disabled")
            if made is not None or any(getattr(before, name) != getattr(after, name) for name in reach):
                end_sessions(connection, before.username, "changed", but=keep_session)
        return after if made is None else replace(after, built_in=True)

    def unlock(self, username: str) -> None:
        """Let a name that wrong passwords locked try again.

        Raises:
            NotFoundError: There is no such account.
        """
        with self._database.write() as connection:
            user = _user(connection, username)
            connection.execute(delete(_FAILURES).where(_FAILURES.c.name_sha256 == _digest(user.username)))

    def remove(self, username: str) -> None:
        """Remove an account; its sign-ins, keys and grants end.

        Raises:
            InputError: Nobody would be left to manage accounts.
            NotFoundError: There is none.
        """
        with self._database.write() as connection:
            remove_user(connection, username)

    def set_preferences(self, username: str, preferences: str) -> None:
        """Keep how a person likes to see things, as JSON."""
        with self._database.write() as connection:
            mine = _TABLE.c.username == username
            connection.execute(update(_TABLE).where(mine).values(preferences=preferences))

    # Signing in

    def try_password(
        self, username: str, password: str, *, failures: int, locked_minutes: float, at_us: int | None = None
    ) -> Attempt:
        """Try a password. Neither the answer nor the time it takes tells whether there is such an account.

        Args:
            username: The name, in any capitals.
            password: The password.
            failures: Wrong passwords in a row that lock the name, whether an account has it or not.
            locked_minutes: For how long.
            at_us: Now.
        """
        now = now_us() if at_us is None else at_us
        digest = _digest(username)
        with self._database.read() as connection:
            rows = list(connection.execute(select(_TABLE).where(_TABLE.c.folded == folded(username))))
            until = connection.execute(
                select(_FAILURES.c.locked_until_us).where(_FAILURES.c.name_sha256 == digest)
            ).scalar()
        kept = rows[0].password_hash if rows else ""
        right = passwords.is_password(kept, password)
        if until is not None and now < until:
            return Attempt(None, known=bool(rows))
        with self._database.write() as connection:
            if right and not rows[0].disabled:
                return Attempt(_signed_in(connection, rows[0], password, now), known=True)
            locked = _count_failure(connection, digest, failures, round(locked_minutes * _MINUTE_US), now)
        return Attempt(None, locked, bool(rows))

    def sight_external(
        self, external_id: str, username: str, role: str | None, fleets: Sequence[str] | None
    ) -> UserRecord:
        """The account of an OIDC identity, made or brought up to date by what its token says.

        An account that was made for it without a password is taken by the first identity of that name, for good.

        Args:
            external_id: Issuer and subject.
            username: The name it goes by.
            role: Its role by the token, None when that says none.
            fleets: Its fleets by the token, None when that says none.

        Raises:
            IdentityError: There is no account, and the token does not say what one would be for; or the name is
                another's.
        """
        found = self.external(external_id)
        if found is None:
            return self._take(external_id, username, role, fleets)
        wanted = replace(
            found, role=found.role if role is None else role, fleets=found.fleets if fleets is None else tuple(fleets)
        )
        if wanted == found:
            return found
        check_role(wanted.role)
        with self._database.write() as connection:
            mine = _TABLE.c.username == found.username
            values = {"role": wanted.role, "fleets": json.dumps(wanted.fleets), "changed_at_us": now_us()}
            connection.execute(update(_TABLE).where(mine).values(values))
            end_sessions(connection, found.username, "changed")
        return wanted

    def _take(self, external_id: str, username: str, role: str | None, fleets: Sequence[str] | None) -> UserRecord:
        with self._database.write() as connection:
            there = _find(connection, username)
            if there is not None and (there.built_in or there.external_id):
                raise IdentityError("the account of this name belongs to another identity; ask an administrator")
            if there is None and role is None:
                raise IdentityError("there is no account for this identity; ask an administrator to make one")
            now = now_us()
            user = there or UserRecord(username, str(role), built_in=False, created_at_us=now)
            user = replace(
                user,
                role=user.role if role is None else role,
                fleets=user.fleets if fleets is None else tuple(fleets),
                external_id=external_id,
            )
            user.check()
            if there is None:
                end_grants(connection, username=username, at_us=now)
                connection.execute(_TABLE.insert(), _row(user) | {"password_hash": ""})
            else:
                connection.execute(update(_TABLE).where(_TABLE.c.username == user.username).values(_row(user)))
        return user


def remove_user(connection: Connection, username: str) -> UserRecord:
    """Remove an account within the transaction at hand; see `Users.remove`."""
    user = _user(connection, username)
    if user.role == ADMIN:
        _check_other_admin(connection, user.username)
    now = now_us()
    end_sessions(connection, user.username, "removed")
    end_grants(connection, username=user.username, at_us=now)
    keys = schema.api_keys
    revoked = update(keys).where(keys.c.created_by == user.username, keys.c.revoked_at_us.is_(None))
    connection.execute(revoked.values(revoked_at_us=now))
    connection.execute(delete(_FAILURES).where(_FAILURES.c.name_sha256 == _digest(user.username)))
    connection.execute(delete(_TABLE).where(_TABLE.c.username == user.username))
    return user


def _find(connection: Connection, username: str) -> UserRecord | None:
    row = connection.execute(select(_TABLE).where(_TABLE.c.folded == folded(username))).first()
    if row is None:
        return None
    locked = select(_FAILURES.c.locked_until_us).where(_FAILURES.c.name_sha256 == _digest(username))
    return _record(row, connection.execute(locked).scalar())


def _user(connection: Connection, username: str) -> UserRecord:
    found = _find(connection, username)
    if found is None:
        raise NotFoundError(f"there is no account {username!r}; `twinpack user list` lists them")
    return found


def _check_fleets(connection: Connection, fleets: Sequence[str]) -> None:
    known = set(connection.execute(select(schema.fleets.c.name)).scalars())
    for name in fleets:
        if name not in known:
            raise InputError(f"there is no fleet {name!r}; `twinpack fleet fleets` lists them")


def _check_other_admin(connection: Connection, username: str) -> None:
    others = select(func.count()).where(
        _TABLE.c.role == ADMIN, _TABLE.c.disabled.is_(False), _TABLE.c.username != username
    )
    if not connection.execute(others).scalar():
        raise InputError(f"{username} is the last administrator: make another one first")


def _signed_in(connection: Connection, row: Row[Any], password: str, now: int) -> UserRecord:
    values: dict[str, Any] = {"last_sign_in_us": now}
    if passwords.is_outdated(row.password_hash):
        values["password_hash"] = passwords.hash_password(password)
    connection.execute(update(_TABLE).where(_TABLE.c.username == row.username).values(values))
    connection.execute(delete(_FAILURES).where(_FAILURES.c.name_sha256 == _digest(row.username)))
    return replace(_record(row, None), last_sign_in_us=now)


def _count_failure(connection: Connection, digest: str, most: int, locked_us: int, now: int) -> bool:
    """Count a wrong password; whether it was the one that locks."""
    row = connection.execute(select(_FAILURES).where(_FAILURES.c.name_sha256 == digest)).first()
    # Failures far apart are slips; those of a lock that has passed are done with.
    fresh = row is None or now - row.last_us > max(locked_us, _MINUTE_US) or row.locked_until_us is not None
    failures = 1 if row is None or fresh else row.failures + 1
    locked = failures >= most
    values = {"failures": failures, "last_us": now, "locked_until_us": now + locked_us if locked else None}
    statement = insert_into(connection, _FAILURES).values(name_sha256=digest, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["name_sha256"], set_=values))
    # Names that nobody has are counted too, and must not pile up.
    connection.execute(delete(_FAILURES).where(_FAILURES.c.last_us < now - 10 * max(locked_us, _MINUTE_US)))
    return locked


def _digest(username: str) -> str:
    return hashlib.sha256(folded(username).encode()).hexdigest()


def _row(user: UserRecord) -> dict[str, Any]:
    return {
        "username": user.username,
        "folded": folded(user.username),
        "display_name": user.display_name,
        "role": user.role,
        "fleets": json.dumps(user.fleets),
        "external_id": user.external_id,
        "disabled": user.disabled,
        "preferences": user.preferences,
        "last_sign_in_us": user.last_sign_in_us,
        "created_at_us": user.created_at_us,
        "changed_at_us": user.created_at_us,
    }


def _record(row: Row[Any], locked_until_us: int | None) -> UserRecord:
    return UserRecord(
        username=row.username,
        role=row.role,
        display_name=row.display_name,
        fleets=tuple(json.loads(row.fleets)),
        disabled=row.disabled,
        built_in=bool(row.password_hash),
        external_id=row.external_id,
        preferences=row.preferences,
        last_sign_in_us=row.last_sign_in_us,
        locked_until_us=locked_until_us,
        created_at_us=row.created_at_us,
    )
