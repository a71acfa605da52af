"""Grants: which person may see which vehicle's data, and of what times.

A fleet gives a vehicle to its owner; the owner shows it to others, or hands it on. Nobody sees what was measured while
it was another's: a grant begins no earlier than the last owner's ended.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select, update

from twinpack.errors import InputError, NotFoundError
from twinpack.store import schema
from twinpack.store.database import Database
from twinpack.store.identity.records import OWNER, GrantRecord, folded
from twinpack.store.records import now_us

OWNED, SHARED = "owner", "shared"
_TABLE = schema.grants
_ID_BYTES = 6


@dataclass(frozen=True)
class Granted:
    """What an account was granted, at a moment.

    Attributes:
        spans: First and last sample time that may be seen, by vehicle; None is open.
        shared: Those that were only shared with it.
    """

    spans: Mapping[str, tuple[int | None, int | None]]
    shared: frozenset[str]


NOTHING = Granted({}, frozenset())
"""What one was granted who is no owner."""


class Grants:
    """The grants of a registry."""

    def __init__(self, database: Database) -> None:
        """Keep them in `database`."""
        self._database = database

    def grants(
        self, vehicle_id: str | None = None, username: str | None = None, given_by: str | None = None
    ) -> list[GrantRecord]:
        """Grants, the newest first; those that ended too."""
        query = select(_TABLE)
        for column, value in (
            (_TABLE.c.vehicle_id, vehicle_id),
            (_TABLE.c.username, username),
            (_TABLE.c.given_by, given_by),
        ):
            if value is not None:
                query = query.where(column == value)
        found = [GrantRecord(*row) for row in self._database.rows(query)]
        return sorted(found, key=lambda grant: (-grant.given_at_us, grant.grant_id))

    def grant(self, grant_id: str) -> GrantRecord:
        """A grant.

        Raises:
            NotFoundError: There is none.
        """
        for row in self._database.rows(select(_TABLE).where(_TABLE.c.grant_id == grant_id)):
            return GrantRecord(*row)
        raise NotFoundError(f"there is no grant {grant_id!r}")

    def granted(self, username: str, at_us: int) -> Granted:
        """What an account may see at a moment."""
        query = select(_TABLE).where(_TABLE.c.username == username, *_open(at_us))
        spans: dict[str, tuple[int | None, int | None]] = {}
        owned: set[str] = set()
        for grant in sorted((GrantRecord(*row) for row in self._database.rows(query)), key=lambda one: one.kind):
            if grant.kind == OWNED:
                owned.add(grant.vehicle_id)
            spans.setdefault(grant.vehicle_id, (grant.from_us, grant.until_us))  # an own one comes first
        return Granted(spans, frozenset(spans.keys() - owned))

    def owner(self, vehicle_id: str, at_us: int) -> GrantRecord | None:
        """The grant of the owner that a vehicle has at a moment, None when it has none."""
        mine = (_TABLE.c.vehicle_id == vehicle_id, _TABLE.c.kind == OWNED)
        rows = self._database.rows(select(_TABLE).where(*mine, *_open(at_us)))
        return GrantRecord(*rows[0]) if rows else None

    def give(
        self,
        vehicle_id: str,
        username: str,
        by: str,
        *,
        from_us: int | None = None,
        until_us: int | None = None,
        transfer: bool = False,
        at_us: int | None = None,
    ) -> GrantRecord:
        """Give a vehicle to an owner.

        Args:
            vehicle_id: A vehicle that is known.
            username: An account with role owner.
            by: Who gives it.
            from_us: Sample time from which on its data may be seen, now by default.
            until_us: When it ends by itself; one that its owner hands on never ends later than the owner's own.
            transfer: End the grants of the owner it has now, and what that one shares.
            at_us: Now.

        Returns:
            The grant as kept.

        Raises:
            InputError: There is no such owner, the vehicle has one, or the times cannot be.
        """
        now = now_us() if at_us is None else at_us
        begins = now if from_us is None else from_us
        _check_end(begins, until_us, now)  # first: who tries names with times that cannot be learns of no account
        with self._database.write() as connection:
            query = select(_TABLE).where(_TABLE.c.vehicle_id == vehicle_id, _TABLE.c.kind == OWNED)
            earlier = [GrantRecord(*row) for row in connection.execute(query)]
            active = [grant for grant in earlier if grant.active(now)]
            until_us = _no_later([grant for grant in active if grant.username == by], until_us)
            username = _owner(connection, username)
            if any(grant.username == username for grant in active):
                raise InputError(f"{username} has this vehicle already: end that grant first to give another")
            if active and not transfer:
                raise InputError("the vehicle has an owner: end that grant first, or hand it on with transfer")
            end_grants(connection, vehicle_id=vehicle_id, at_us=now)
            _check_begin(begins, [grant for grant in earlier if grant.username != username], now)
            grant = _new(vehicle_id, username, OWNED, by, begins, until_us, now)
            connection.execute(_TABLE.insert(), asdict(grant))
        return grant

    def share(self, vehicle_id: str, owner: str, username: str, until_us: int, at_us: int | None = None) -> GrantRecord:
        """Show an owner's vehicle to another account until a moment; returns the grant as kept.

        Whether there is such an account is not told: the grant then opens to nobody.

        Raises:
            InputError: The times cannot be, or it is the owner's own name.
            NotFoundError: The vehicle is not this owner's.
        """
        now = now_us() if at_us is None else at_us
        with self._database.write() as connection:
            query = select(_TABLE).where(
                _TABLE.c.vehicle_id == vehicle_id, _TABLE.c.username == owner, _TABLE.c.kind == OWNED, *_open(now)
            )
            row = connection.execute(query).first()
            if row is None:
                raise NotFoundError(f"vehicle {vehicle_id!r} is not one of {owner}")
            own = GrantRecord(*row)
            if folded(username) == folded(owner):
                raise InputError("it is your own already: name another account")
            _no_later([own], until_us)
            _check_end(now, until_us, now)
            known = select(schema.users.c.username).where(schema.users.c.folded == folded(username))
            spelled = connection.execute(known).scalar() or username
            grant = _new(vehicle_id, spelled, SHARED, owner, own.from_us, until_us, now)
            mine = and_(_TABLE.c.vehicle_id == vehicle_id, _TABLE.c.username == spelled, _TABLE.c.given_by == owner)
            renewed = update(_TABLE).where(mine, _TABLE.c.kind == SHARED, _TABLE.c.ended_at_us.is_(None))
            connection.execute(renewed.values(ended_at_us=now))
            connection.execute(_TABLE.insert(), asdict(grant))
        return grant

    def end(self, grant_id: str, at_us: int | None = None) -> GrantRecord:
        """End a grant now; an owner's takes with it what that one shares. One that has ended stays as it is.

        Raises:
            NotFoundError: There is none.
        """
        now = now_us() if at_us is None else at_us
        grant = self.grant(grant_id)
        with self._database.write() as connection:
            mine = (_TABLE.c.grant_id == grant_id, _TABLE.c.ended_at_us.is_(None))
            connection.execute(update(_TABLE).where(*mine).values(ended_at_us=now))
            if grant.kind == OWNED:
                _end_shares(connection, grant.vehicle_id, grant.username, now)
        return self.grant(grant_id)


def end_grants(
    connection: Connection, *, at_us: int, vehicle_id: str | None = None, username: str | None = None
) -> None:
    """End the grants of a vehicle or an account, and what it shares, within the transaction at hand."""
    query = update(_TABLE).where(_TABLE.c.ended_at_us.is_(None), or_(_TABLE.c.until_us.is_(None), _later(at_us)))
    if vehicle_id is not None:
        query = query.where(_TABLE.c.vehicle_id == vehicle_id)
    if username is not None:
        # In any capitals: a share may wait for a name that nobody had, and a later account spells otherwise.
        given = and_(_TABLE.c.kind == SHARED, func.lower(_TABLE.c.given_by) == folded(username))
        query = query.where(or_(func.lower(_TABLE.c.username) == folded(username), given))
    connection.execute(query.values(ended_at_us=at_us))


def _later(at_us: int) -> Any:
    return _TABLE.c.until_us > at_us


def _open(at_us: int) -> tuple[Any, ...]:
    return _TABLE.c.ended_at_us.is_(None), or_(_TABLE.c.until_us.is_(None), _later(at_us))


def _end_shares(connection: Connection, vehicle_id: str, owner: str, at_us: int) -> None:
    shares = (_TABLE.c.vehicle_id == vehicle_id, _TABLE.c.given_by == owner, _TABLE.c.kind == SHARED)
    connection.execute(update(_TABLE).where(*shares, _TABLE.c.ended_at_us.is_(None)).values(ended_at_us=at_us))


def _owner(connection: Connection, username: str) -> str:
    users = schema.users
    query = select(users.c.username).where(users.c.folded == folded(username), users.c.role == OWNER)
    found: str | None = connection.execute(query).scalar()
    if found is None:
        raise InputError(f"there is no account {username!r} with role owner; an administrator makes it")
    return found


def _check_begin(begins: int, others: list[GrantRecord], now: int) -> None:
    if begins > now:
        raise InputError("a grant cannot begin later: give it then")
    last = max((min(grant.end_us or now, now) for grant in others), default=None)
    if last is not None and begins < last:
        raise InputError("from_at is while it was another owner's, whose data stays theirs: give a later one")


def _check_end(begins: int, until_us: int | None, now: int) -> None:
    if until_us is not None and until_us <= max(begins, now):
        raise InputError("until_at has passed: give a later one")


def _no_later(own: list[GrantRecord], until_us: int | None) -> int | None:
    """When what an owner gives ends: not after its own right does."""
    last = next((grant.until_us for grant in own), None)
    if last is not None and until_us is not None and until_us > last:
        raise InputError("that is after your own right to it ends")
    return last if until_us is None else until_us


def _new(
    vehicle_id: str, username: str, kind: str, by: str, from_us: int, until_us: int | None, now: int
) -> GrantRecord:
    identity = secrets.token_hex(_ID_BYTES)
    return GrantRecord(identity, vehicle_id, username, kind, by, from_us, until_us, None, now)
