"""Accounts, grants, keys and the audit log."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from twinpack.api.dependencies import Seer
from twinpack.api.problems import documented
from twinpack.views.shapes.common import VehicleId
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

router = APIRouter(tags=["identity"], responses=documented(404, 409))


@router.get("/users")
def users(seer: Seer) -> UserList:
    """Accounts."""
    raise NotImplementedError


@router.post("/users", status_code=201)
def add_user(body: UserRequest, seer: Seer) -> NewUser:
    """Make an account."""
    raise NotImplementedError


@router.patch("/users/{username}")
def change_user(username: str, body: UserChange, seer: Seer) -> User:
    """Change an account; its sessions end when its role, fleets or password change."""
    raise NotImplementedError


@router.delete("/users/{username}", status_code=204)
def remove_user(username: str, seer: Seer) -> None:
    """Remove an account with its sessions, keys and grants."""
    raise NotImplementedError


@router.get("/grants")
def grants(seer: Seer, vehicle_id: str | None = None, username: str | None = None) -> GrantList:
    """Grants of vehicles that may be managed."""
    raise NotImplementedError


@router.post("/grants", status_code=201)
def give_grant(body: GrantRequest, seer: Seer) -> Grant:
    """Give a vehicle to an owner."""
    raise NotImplementedError


@router.delete("/grants/{grant_id}", status_code=204)
def end_grant(grant_id: str, seer: Seer) -> None:
    """End a grant now."""
    raise NotImplementedError


@router.get("/vehicles/{vehicle_id}/shares")
def shares(vehicle_id: VehicleId, seer: Seer) -> GrantList:
    """With whom an owner shares a vehicle."""
    raise NotImplementedError


@router.post("/vehicles/{vehicle_id}/shares", status_code=201)
def share(vehicle_id: VehicleId, body: ShareRequest, seer: Seer) -> Grant:
    """Show a vehicle to another account until a moment."""
    raise NotImplementedError


@router.delete("/vehicles/{vehicle_id}/shares/{grant_id}", status_code=204)
def end_share(vehicle_id: VehicleId, grant_id: str, seer: Seer) -> None:
    """End a share now."""
    raise NotImplementedError


@router.get("/keys")
def keys(seer: Seer) -> ApiKeyList:
    """Keys of machines."""
    raise NotImplementedError


@router.post("/keys", status_code=201)
def add_key(body: ApiKeyRequest, seer: Seer) -> NewApiKey:
    """Make a key."""
    raise NotImplementedError


@router.delete("/keys/{key_id}", status_code=204)
def revoke_key(key_id: str, seer: Seer) -> None:
    """Revoke a key."""
    raise NotImplementedError


@router.get("/audit-log")
def audit_log(
    seer: Seer,
    who: str | None = None,
    subject: str | None = None,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> AuditPage:
    """What was done, and which owners' data was read."""
    raise NotImplementedError
