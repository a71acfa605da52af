"""Accounts, sign-ins, grants and keys as plain records that check themselves."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from twinpack.errors import InputError

ADMIN, OWNER, DEVICE = "admin", "owner", "device"
ROLES = (ADMIN, "operator", "analyst", "technician", OWNER)
"""What an account may be for; devices have tokens of their own."""
KEY_ROLES = tuple(role for role in ROLES if role != OWNER)
"""What a key may be for: an owner's vehicles are granted to a person."""

BROWSER, TOKEN = "browser", "token"

_USERNAME = re.compile(r"[A-Za-z0-9._@+-]{1,64}")
_DISPLAY_LIMIT = 128


@dataclass(frozen=True)
class UserRecord:
    """An account; its password is not in it.

    Attributes:
        username: Its name; no other differs from it by capitals alone.
        role: What it is for, one of `ROLES`.
        display_name: What people call it.
        fleets: Fleets it may look at; an administrator sees all.
        disabled: Whether it opens nothing.
        built_in: Whether it has a password here.
        external_id: Issuer and subject of the OIDC identity it belongs to, "" for none.
        preferences: How its person likes to see things (JSON text).
        last_sign_in_us: When it last signed in, None for never.
        locked_until_us: When it opens again after wrong passwords, None when it is not locked.
        created_at_us: When it was made.
    """

    username: str
    role: str
    display_name: str = ""
    fleets: tuple[str, ...] = ()
    disabled: bool = False
    built_in: bool = True
    external_id: str = ""
    preferences: str = "{}"
    last_sign_in_us: int | None = None
    locked_until_us: int | None = None
    created_at_us: int = 0

    def check(self) -> None:
        """Raise when a field cannot be.

        Raises:
            InputError: Names the field.
        """
        check_username(self.username)
        check_role(self.role)
        if len(self.display_name) > _DISPLAY_LIMIT or not all(sign.isprintable() for sign in self.display_name):
            raise InputError(f"display_name must be at most {_DISPLAY_LIMIT} characters that can be printed")


@dataclass(frozen=True)
class SessionRecord:
    """A sign-in: of a browser, or of a program that renews its tokens.

    Attributes:
        session_id: Its identity.
        kind: `browser` or `token`.
        username: Whose.
        begun_at_us: When it began.
        expires_at_us: When it ends by itself.
        ended_at_us: When it was ended, None while it holds.
        ended_by: Why: sign-out, reuse of a token, a change of the account; "" while it holds.
    """

    session_id: str
    kind: str
    username: str
    begun_at_us: int
    expires_at_us: int
    ended_at_us: int | None = None
    ended_by: str = ""

    def holds(self, at_us: int) -> bool:
        """Whether it opens at a moment."""
        return self.ended_at_us is None and at_us < self.expires_at_us


@dataclass(frozen=True)
class GrantRecord:
    """A right of a person to a vehicle's data, for a time.

    Attributes:
        grant_id: Its identity.
        vehicle_id: The vehicle.
        username: The account that may look.
        kind: `owner`, or `shared` by an owner.
        given_by: Who gave it; the owner, of one that is shared.
        from_us: Sample time from which on its data may be seen.
        until_us: When it ends by itself, and sample time up to which its data may be seen; None is open.
        ended_at_us: When it was ended before that, None if it was not.
        given_at_us: When it was given.
    """

    grant_id: str
    vehicle_id: str
    username: str
    kind: str
    given_by: str
    from_us: int
    until_us: int | None = None
    ended_at_us: int | None = None
    given_at_us: int = 0

    def active(self, at_us: int) -> bool:
        """Whether it opens at a moment."""
        return self.ended_at_us is None and (self.until_us is None or at_us < self.until_us)

    @property
    def end_us(self) -> int | None:
        """When it ended or will end, None for open."""
        ends = [moment for moment in (self.until_us, self.ended_at_us) if moment is not None]
        return min(ends) if ends else None


@dataclass(frozen=True)
class ApiKeyRecord:
    """A key of a machine; nothing of it opens a door.

    Attributes:
        key_id: The part of the key that finds it.
        name: For people.
        role: What it is for, one of `KEY_ROLES`.
        fleets: Fleets it may look at; with role admin all.
        scopes: Rights it has, of those of its role; empty for all of them.
        created_by: Who made it; it opens nothing once that account is disabled or gone.
        created_at_us: When it was made.
        expires_at_us: When it ends.
        last_used_at_us: When it was last used, to the hour; None for never.
        revoked_at_us: When it was revoked, None if it was not.
    """

    key_id: str
    name: str
    role: str
    fleets: tuple[str, ...]
    scopes: tuple[str, ...]
    created_by: str
    created_at_us: int
    expires_at_us: int
    last_used_at_us: int | None = None
    revoked_at_us: int | None = None

    def holds(self, at_us: int) -> bool:
        """Whether it opens at a moment."""
        return self.revoked_at_us is None and at_us < self.expires_at_us


@dataclass(frozen=True)
class NewApiKey:
    """A new key; its text is told this once and is not in its `repr`."""

    record: ApiKeyRecord
    key: str = field(repr=False)


def check_username(username: str) -> str:
    """Return a name that an account may have.

    Raises:
        InputError: It may not.
    """
    if not _USERNAME.fullmatch(username):
        raise InputError(f"user name {username[:64]!r} is not allowed: 1 to 64 letters, digits and . _ @ + -")
    return username


def check_role(role: str, roles: tuple[str, ...] = ROLES) -> str:
    """Return a role that is allowed.

    Raises:
        InputError: It is not.
    """
    if role not in roles:
        raise InputError(f"role {role!r} is not allowed here: give one of {', '.join(roles)}")
    return role


def folded(username: str) -> str:
    """A name without capitals: two accounts never differ by those alone."""
    return username.lower()
