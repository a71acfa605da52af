"""Records of accounts, grants, keys and the audit log as they are answered."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

from twinpack.errors import InputError
from twinpack.store.identity.audit_log import AuditRecord
from twinpack.store.identity.records import ApiKeyRecord, GrantRecord, UserRecord
from twinpack.views.moments import micros_of, moment, moment_or_none
from twinpack.views.shapes.identity import ApiKey, AuditEntry, Grant, RoleName, User

FIRST, LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(3000, 1, 1, tzinfo=UTC)
"""Moments that a grant may have."""


def micros(name: str, at: datetime | None) -> int | None:
    """Microseconds since the epoch of a moment that was given; one without a zone is UTC.

    Raises:
        InputError: It lies beyond what a grant may have.
    """
    if at is None:
        return None
    found = at if at.tzinfo else at.replace(tzinfo=UTC)
    if not FIRST <= found < LAST:
        raise InputError(f"{name} must be from {FIRST:%Y} to {LAST:%Y}")
    return micros_of(found)


def user(record: UserRecord, now_us: int) -> User:
    """An account."""
    locked = record.locked_until_us
    return User(
        username=record.username,
        display_name=record.display_name,
        role=cast(RoleName, record.role),
        fleets=list(record.fleets),
        disabled=record.disabled,
        locked_until=None if locked is None or locked <= now_us else moment(locked),
        last_sign_in_at=moment_or_none(record.last_sign_in_us),
        created_at=moment(record.created_at_us),
    )


def grant(record: GrantRecord, now_us: int) -> Grant:
    """A grant."""
    return Grant(
        grant_id=record.grant_id,
        vehicle_id=record.vehicle_id,
        username=record.username,
        kind="owner" if record.kind == "owner" else "shared",
        given_by=record.given_by,
        from_at=moment(record.from_us),
        until_at=moment_or_none(record.until_us),
        ended_at=moment_or_none(record.ended_at_us),
        active=record.active(now_us),
    )


def key(record: ApiKeyRecord) -> ApiKey:
    """A key."""
    return ApiKey(
        key_id=record.key_id,
        name=record.name,
        role=cast(RoleName, record.role),
        fleets=list(record.fleets),
        scopes=list(record.scopes),
        created_by=record.created_by,
        created_at=moment(record.created_at_us),
        expires_at=moment(record.expires_at_us),
        last_used_at=moment_or_none(record.last_used_at_us),
        revoked_at=moment_or_none(record.revoked_at_us),
    )


def entry(record: AuditRecord) -> AuditEntry:
    """An entry of the audit log."""
    return AuditEntry(
        number=record.number,
        at=moment(record.at_us),
        who=record.who,
        role=record.role,
        action=record.action,
        subject=record.subject,
        detail=record.detail,
        request_id=record.request_id,
    )
