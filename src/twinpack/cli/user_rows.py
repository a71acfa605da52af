"""Accounts, grants, keys and entries of the audit log, as `twinpack user` shows them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from twinpack.cli import fleet_facts, times

if TYPE_CHECKING:
    from twinpack.store.identity.audit_log import AuditRecord
    from twinpack.store.identity.records import ApiKeyRecord, GrantRecord, UserRecord
    from twinpack.store.registry import Registry

_DAY_US = 86_400_000_000


def user(record: UserRecord) -> dict[str, Any]:
    """An account as JSON."""
    return {
        "username": record.username,
        "display_name": record.display_name,
        "role": record.role,
        "fleets": list(record.fleets),
        "disabled": record.disabled,
        "built_in": record.built_in,
        "locked_until": fleet_facts.moment(record.locked_until_us),
        "last_sign_in": fleet_facts.moment(record.last_sign_in_us),
        "created": fleet_facts.moment(record.created_at_us),
    }


def user_cells(record: UserRecord) -> list[str]:
    """An account as a row."""
    from twinpack.store.records import now_us

    state = "disabled" if record.disabled else "of the issuer" if not record.built_in else "open"
    if record.locked_until_us is not None and record.locked_until_us > now_us():
        state = f"locked until {times.shown(record.locked_until_us)}"
    fleets = "all" if record.role == "admin" else ", ".join(record.fleets)
    return [record.username, record.role, fleets, state, times.shown(record.last_sign_in_us)]


def grant(record: GrantRecord) -> dict[str, Any]:
    """A grant as JSON."""
    return {
        "id": record.grant_id,
        "vehicle": record.vehicle_id,
        "username": record.username,
        "kind": record.kind,
        "given_by": record.given_by,
        "from": fleet_facts.moment(record.from_us),
        "until": fleet_facts.moment(record.until_us),
        "ended": fleet_facts.moment(record.ended_at_us),
    }


def grant_cells(record: GrantRecord) -> list[str]:
    """A grant as a row."""
    end = "open" if record.end_us is None else times.shown(record.end_us)
    begin = times.shown(record.from_us)
    return [record.grant_id, record.vehicle_id, record.username, record.kind, record.given_by, begin, end]


def key(record: ApiKeyRecord) -> dict[str, Any]:
    """A key as JSON."""
    return {
        "id": record.key_id,
        "name": record.name,
        "role": record.role,
        "fleets": list(record.fleets),
        "scopes": list(record.scopes),
        "created_by": record.created_by,
        "created": fleet_facts.moment(record.created_at_us),
        "expires": fleet_facts.moment(record.expires_at_us),
        "last_used": fleet_facts.moment(record.last_used_at_us),
        "revoked": fleet_facts.moment(record.revoked_at_us),
    }


def key_cells(record: ApiKeyRecord) -> list[str]:
    """A key as a row."""
    from twinpack.store.records import now_us

    state = f"{'until' if record.holds(now_us()) else 'ended'} {fleet_facts.day(record.expires_at_us)}"
    if record.revoked_at_us is not None:
        state = f"revoked {fleet_facts.day(record.revoked_at_us)}"
    fleets = "all" if record.role == "admin" else ", ".join(record.fleets)
    return [record.key_id, record.name, record.role, fleets, record.created_by, state]


def entry(record: AuditRecord) -> dict[str, Any]:
    """An entry of the audit log as JSON."""
    return {
        "number": record.number,
        "at": fleet_facts.moment(record.at_us),
        "who": record.who,
        "role": record.role,
        "action": record.action,
        "subject": record.subject,
        "detail": record.detail,
        "request": record.request_id,
    }


def entry_cells(record: AuditRecord) -> list[str]:
    """An entry of the audit log as a row."""
    more = ", ".join(f"{name} {_text(value)}" for name, value in record.detail.items() if value not in (None, [], ""))
    return [times.shown(record.at_us), record.who or "nobody", record.action, record.subject, more]


def check_scopes(role: str, scopes: Sequence[str]) -> None:
    """Refuse a scope that is no right of a role.

    Raises:
        InputError: One is not, or there is no such role.
    """
    from twinpack.errors import InputError
    from twinpack.store.identity.records import KEY_ROLES, check_role
    from twinpack.views.sight import RIGHTS, Role

    rights = sorted(right.value for right in RIGHTS[Role(check_role(role, KEY_ROLES))])
    for scope in scopes:
        if scope not in rights:
            raise InputError(f"--scope {scope!r} is not one of role {role}: {', '.join(rights)}")


def remove_old(registry: Registry, days: float) -> int:
    """Remove entries of the audit log older than so many days; how many there were."""
    from twinpack.store.records import now_us

    return registry.audit_log.remove_before(now_us() - round(days * _DAY_US))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
