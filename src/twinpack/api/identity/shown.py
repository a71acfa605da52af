"""Records of accounts, grants, keys and the audit log as they are answered."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

from twinpack.errors import InputError
from twinpack.store.identity.audit_log import AuditRecord
from twinpack.store.identity.records import ApiKeyRecord, GrantRecord, UserRecord
from twinpack.views.shapes.identity import ApiKey, AuditEntry, Grant, RoleName, User


def moment(at_us: int) -> datetime:
    """A moment, in UTC."""
    return datetime.fromtimestamp(at_us / 1e6, UTC)


def moment_or_none(at_us: int | None) -> datetime | None:
    """A moment, None for none."""
    return None if at_us is None else moment(at_us)


def micros(name: str, at: datetime | None) -> int | None:
    """Microseconds since the epoch of a moment that was given.

    Raises:
        InputError: It has no zone, or lies beyond what can be kept.
    """
    if at is None:
        return None
    if at.tzinfo is None:
        raise InputError(f"{name} has no time zone: end it with Z for UTC")
    return round(at.timestamp() * 1e6)


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
