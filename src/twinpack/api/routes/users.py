"""Accounts, grants, keys and the audit log."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from twinpack.api.audit import tell
from twinpack.api.dependencies import Asked, Known, Looked, Seer
from twinpack.api.identity import shown
from twinpack.api.problems import documented
from twinpack.errors import AccessError, InputError, NotFoundError
from twinpack.store.identity.grants import SHARED
from twinpack.store.identity.keys import COMMAND_LINE
from twinpack.store.identity.passwords import make_password
from twinpack.store.identity.records import GrantRecord, UserRecord
from twinpack.views.opened import Views
from twinpack.views.shapes.common import PageInfo, VehicleId
from twinpack.views.shapes.identity import (
    ApiKeyList,
    ApiKeyRequest,
    AuditPage,
    Grant,
    GrantList,
    GrantRequest,
    NewApiKey,
    NewUser,
    ShareRequest,
    User,
    UserChange,
    UserList,
    UserRequest,
)
from twinpack.views.sight import RIGHTS, Right, Role, Sight, hidden

router = APIRouter(tags=["identity"], responses=documented(404, 409))


@router.get("/users")
def users(seer: Seer, looked: Looked) -> UserList:
    """Accounts."""
    seer.need(Right.USERS)
    now_us = looked.now_us()
    return UserList(items=[shown.user(one, now_us) for one in looked.registry.users.users()])


@router.post("/users", status_code=201)
def add_user(body: UserRequest, request: Request, seer: Seer, looked: Looked) -> NewUser:
    """Make an account."""
    seer.need(Right.USERS)
    made = make_password() if body.password is None else None
    user = UserRecord(body.username, body.role, body.display_name, tuple(body.fleets))
    kept = looked.registry.users.add(user, body.password or made)
    tell(request, subject=kept.username, role=kept.role, fleets=kept.fleets)
    return NewUser(user=shown.user(kept, looked.now_us()), password=made)


@router.patch("/users/{username}")
def change_user(username: str, body: UserChange, request: Request, seer: Seer, known: Known, looked: Looked) -> User:
    """Change an account; its sessions end when its role, fleets or password change."""
    seer.need(Right.USERS)
    kept = looked.registry.users.change(
        username,
        role=body.role,
        display_name=body.display_name,
        fleets=body.fleets,
        disabled=body.disabled,
        password=body.password,
    )
    if body.unlock:
        looked.registry.users.unlock(username)
    known.forget()
    told = body.model_dump(exclude_unset=True, exclude={"password", "display_name"})
    tell(request, **told, **({"password": "changed"} if body.password is not None else {}))
    return shown.user(looked.registry.users.find(kept.username) or kept, looked.now_us())


@router.delete("/users/{username}", status_code=204)
def remove_user(username: str, seer: Seer, known: Known, looked: Looked) -> None:
    """Remove an account with its sessions, keys and grants."""
    seer.need(Right.USERS)
    looked.registry.users.remove(username)
    known.forget()


@router.get("/grants")
def grants(seer: Seer, looked: Looked, vehicle_id: str | None = None, username: str | None = None) -> GrantList:
    """Grants of vehicles that may be managed."""
    scope = seer.scope(Right.GRANTS)
    found = looked.registry.grants.grants(vehicle_id, username)
    fleets = {name: looked.fleet_of(name) for name in {grant.vehicle_id for grant in found}}
    now_us = looked.now_us()
    return GrantList(
        items=[shown.grant(one, now_us) for one in found if scope.holds(one.vehicle_id, fleets[one.vehicle_id] or "")]
    )


@router.post("/grants", status_code=201)
def give_grant(body: GrantRequest, request: Request, seer: Seer, known: Known, looked: Looked) -> Grant:
    """Give a vehicle to an owner."""
    if not seer.may(Right.GRANTS):
        seer.need(Right.SHARE)
        looked.reach(seer, body.vehicle_id, Right.SHARE)
        if not body.transfer or body.from_at is not None:
            raise InputError("an owner hands a vehicle on as of now: send transfer, and no from_at")
    else:
        looked.reach(seer, body.vehicle_id, Right.GRANTS)
    kept = looked.registry.grants.give(
        body.vehicle_id,
        body.username,
        seer.who,
        from_us=shown.micros("from_at", body.from_at),
        until_us=shown.micros("until_at", body.until_at),
        transfer=body.transfer,
        at_us=looked.now_us(),
    )
    known.forget()
    tell(request, subject=kept.vehicle_id, grant_id=kept.grant_id, transfer=body.transfer)
    return shown.grant(kept, looked.now_us())


@router.delete("/grants/{grant_id}", status_code=204)
def end_grant(grant_id: str, request: Request, seer: Seer, known: Known, looked: Looked) -> None:
    """End a grant now."""
    seer.need(Right.GRANTS)
    grant = _grant(looked, grant_id)
    looked.reach(seer, grant.vehicle_id, Right.GRANTS)
    looked.registry.grants.end(grant.grant_id, looked.now_us())
    known.forget()
    tell(request, subject=grant.vehicle_id, grant_id=grant.grant_id)


@router.get("/vehicles/{vehicle_id}/shares")
def shares(vehicle_id: VehicleId, seer: Seer, looked: Looked) -> GrantList:
    """With whom an owner shares a vehicle."""
    looked.reach(seer, vehicle_id, Right.SHARE)
    found = looked.registry.grants.grants(vehicle_id, given_by=seer.who)
    now_us = looked.now_us()
    return GrantList(items=[shown.grant(one, now_us) for one in found if one.kind == SHARED])


@router.post("/vehicles/{vehicle_id}/shares", status_code=201)
def share(
    vehicle_id: VehicleId, body: ShareRequest, request: Request, seer: Seer, known: Known, looked: Looked
) -> Grant:
    """Show a vehicle to another account until a moment."""
    looked.reach(seer, vehicle_id, Right.SHARE)
    until_us = shown.micros("until_at", body.until_at) or 0
    kept = looked.registry.grants.share(vehicle_id, seer.who, body.username, until_us, looked.now_us())
    known.forget()
    tell(request, grant_id=kept.grant_id)
    return shown.grant(kept, looked.now_us())


@router.delete("/vehicles/{vehicle_id}/shares/{grant_id}", status_code=204)
def end_share(vehicle_id: VehicleId, grant_id: str, seer: Seer, known: Known, looked: Looked) -> None:
    """End a share now."""
    looked.reach(seer, vehicle_id, Right.SHARE)
    grant = _grant(looked, grant_id)
    if (grant.vehicle_id, grant.given_by, grant.kind) != (vehicle_id, seer.who, SHARED):
        raise hidden()
    looked.registry.grants.end(grant.grant_id, looked.now_us())
    known.forget()


@router.get("/keys")
def keys(seer: Seer, looked: Looked) -> ApiKeyList:
    """Keys of machines."""
    seer.need(Right.KEYS)
    return ApiKeyList(items=[shown.key(one) for one in looked.registry.keys.keys()])


@router.post("/keys", status_code=201)
def add_key(body: ApiKeyRequest, request: Request, asked: Asked, looked: Looked) -> NewApiKey:
    """Make a key."""
    seer = asked.sight
    seer.need(Right.KEYS)
    if asked.shown == "key":
        raise AccessError("keys are made by people: sign in")
    _check_scopes(body, seer)
    made = looked.registry.keys.add(
        body.name,
        body.role,
        COMMAND_LINE if asked.shown == "none" else seer.who,
        fleets=body.fleets,
        scopes=body.scopes,
        days=body.days,
        at_us=looked.now_us(),
    )
    tell(request, subject=made.record.key_id, name=body.name, role=body.role, fleets=body.fleets, scopes=body.scopes)
    return NewApiKey(key=shown.key(made.record), secret=made.key)


@router.delete("/keys/{key_id}", status_code=204)
def revoke_key(key_id: str, seer: Seer, known: Known, looked: Looked) -> None:
    """Revoke a key."""
    seer.need(Right.KEYS)
    looked.registry.keys.revoke(key_id, looked.now_us())
    known.forget()


@router.get("/audit-log")
def audit_log(
    seer: Seer,
    looked: Looked,
    who: str | None = None,
    subject: str | None = None,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> AuditPage:
    """What was done, and which owners' data was read."""
    seer.need(Right.AUDIT)
    log = looked.registry.audit_log
    found = log.entries(who, subject, _before(cursor), limit + 1)
    more = str(found[limit - 1].number) if len(found) > limit else None
    total = log.count(who, subject)
    return AuditPage(items=[shown.entry(one) for one in found[:limit]], page=PageInfo(next_cursor=more, total=total))


def _grant(looked: Views, grant_id: str) -> GrantRecord:
    try:
        return looked.registry.grants.grant(grant_id)
    except NotFoundError:
        raise hidden() from None


def _check_scopes(body: ApiKeyRequest, seer: Sight) -> None:
    allowed = {right.value for right in RIGHTS[Role(body.role)] & seer.rights}
    if body.scopes and (unknown := sorted(set(body.scopes) - allowed)):
        raise InputError(f"scope {unknown[0]!r} is not one of role {body.role}: {', '.join(sorted(allowed))}")


def _before(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if not cursor.isascii() or not cursor.isdigit() or len(cursor) > 18:
        raise InputError("cursor is not one that this list gave: leave it out to begin at the newest")
    return int(cursor)
