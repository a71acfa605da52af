"""What accounts, keys and devices may see: from what the registry says of them to a `Sight`."""

from __future__ import annotations

from twinpack.store.credentials import Principal
from twinpack.store.identity.grants import Granted
from twinpack.store.identity.records import ApiKeyRecord, UserRecord
from twinpack.views.sight import RIGHTS, Right, Role, Sight, Span

KEY, DEVICE = "key:", "device:"
"""What stands before the name of one who is no person; no account has such a name."""


def of_user(user: UserRecord, granted: Granted) -> Sight:
    """What an account may see."""
    role = Role(user.role)
    if role is Role.OWNER:
        vehicles = {name: Span(*span) for name, span in granted.spans.items()}
        return Sight(user.username, role, RIGHTS[role], frozenset(), vehicles, granted.shared)
    return Sight(user.username, role, RIGHTS[role], _fleets(role, user.fleets))


def of_key(key: ApiKeyRecord) -> Sight:
    """What a key may see: no more than its role may, whatever its scopes say."""
    role = Role(key.role)
    rights = RIGHTS[role] & {Right(scope) for scope in key.scopes} if key.scopes else RIGHTS[role]
    return Sight(f"{KEY}{key.key_id}", role, rights, _fleets(role, key.fleets))


def of_device(principal: Principal, owner_since_us: int | None) -> Sight:
    """What a device may see: telemetry of its own vehicle, of none of its earlier owners.

    The token of a fleet is for sending alone.
    """
    who = f"{DEVICE}{principal.credential_id}"
    if principal.scope != "vehicle":
        return Sight(who, Role.DEVICE, frozenset())
    return Sight(who, Role.DEVICE, RIGHTS[Role.DEVICE], frozenset(), {principal.name: Span(owner_since_us)})


def _fleets(role: Role, fleets: tuple[str, ...]) -> frozenset[str] | None:
    return None if role is Role.ADMIN else frozenset(fleets)
