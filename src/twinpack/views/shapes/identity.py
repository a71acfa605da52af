"""Who signs in, what they may do, and what was done."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from twinpack.views.shapes.common import At, PageInfo, Shape, VehicleId

RoleName = Literal["admin", "operator", "analyst", "technician", "owner", "device"]
UserName = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._@+-]+$", examples=["m.kern"])]
Password = Annotated[str, Field(min_length=1, max_length=256)]
NewPassword = Annotated[str, Field(min_length=12, max_length=256)]


class SignIn(Shape):
    """A user name and its password."""

    username: UserName
    password: Password


class TokenPair(Shape):
    """An access token, and a refresh token that is good once."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"
    expires_in: int = Field(description="Seconds.")
    refresh_token: str


class PublicKey(Shape):
    """A public key as a JSON Web Key."""

    kty: str = Field(examples=["OKP"])
    crv: str = Field(examples=["Ed25519"])
    x: str
    kid: str
    use: Literal["sig"] = "sig"
    alg: str = Field(examples=["EdDSA"])


class PublicKeys(Shape):
    """A JSON Web Key Set."""

    keys: list[PublicKey]


class RefreshRequest(Shape):
    """A refresh token; it is replaced, and using it twice ends the whole family."""

    refresh_token: Annotated[str, Field(max_length=512)]


class Preferences(Shape):
    """How one likes to see things."""

    distance: Literal["km", "mi"] = "km"
    temperature: Literal["c", "f"] = "c"
    theme: Literal["system", "light", "dark"] = "system"
    keys: bool = Field(default=True, description="Whether single keys do things.")


class Me(Shape):
    """The one who is signed in."""

    username: str
    display_name: str
    role: RoleName
    fleets: list[str] = Field(description="Fleets that may be seen; empty for all, with role admin.")
    vehicles: list[str] = Field(description="Own vehicles, with role owner; at most 100 are listed.")
    may: list[str] = Field(description="What may be done.", examples=[["alarms.act", "twin.rollback"]])
    preferences: Preferences
    csrf_token: str = Field(default="", description="Goes with every change as X-CSRF-Token, in a browser.")
    built_in: bool = Field(description="Whether the account is of the built-in issuer: its password can be changed.")
    no_auth: bool = Field(default=False, description="Whether the server runs without sign-in, on this machine only.")
    expires_at: At | None = None


class PasswordChange(Shape):
    """The password that is, and the one that shall be."""

    old: Password
    new: NewPassword


class User(Shape):
    """An account."""

    username: str
    display_name: str
    role: RoleName
    fleets: list[str]
    disabled: bool
    locked_until: At | None
    last_sign_in_at: At | None
    created_at: At


class UserList(Shape):
    """Accounts, by name."""

    items: list[User]


class UserRequest(Shape):
    """An account to make, or what of it to change."""

    username: UserName
    display_name: Annotated[str, Field(max_length=128)] = ""
    role: RoleName
    fleets: list[str] = Field(default_factory=list)
    password: NewPassword | None = Field(default=None, description="Left out: one is made and answered once.")


class UserChange(Shape):
    """What of an account to change; what is left out stays."""

    display_name: Annotated[str, Field(max_length=128)] | None = None
    role: RoleName | None = None
    fleets: list[str] | None = None
    disabled: bool | None = None
    unlock: bool = False
    password: NewPassword | None = None


class NewUser(Shape):
    """An account that was made."""

    user: User
    password: str | None = Field(description="The password that was made; it is not shown again.")


class Grant(Shape):
    """A right of a person to a vehicle's data, for a time."""

    grant_id: str
    vehicle_id: VehicleId
    username: str
    kind: Literal["owner", "shared"]
    given_by: str
    from_at: At
    until_at: At | None
    ended_at: At | None
    active: bool


class GrantList(Shape):
    """Grants, newest first."""

    items: list[Grant]


class GrantRequest(Shape):
    """A vehicle for an owner: given by its fleet, or handed on by its owner, whose own grant then ends."""

    vehicle_id: Annotated[str, Field(max_length=64)]
    username: UserName
    from_at: At | None = Field(
        default=None,
        description="Since when the owner has had it, and so may see its data; now when left out. Never before the "
        "last owner's grant ended.",
    )
    until_at: At | None = None
    transfer: bool = Field(default=False, description="End the grants of earlier owners now.")


class ShareRequest(Shape):
    """Show a vehicle to another person until a moment."""

    username: UserName
    until_at: At


class ApiKey(Shape):
    """A key of a machine; nothing here opens a door."""

    key_id: str
    name: str
    role: RoleName
    fleets: list[str]
    scopes: list[str] = Field(description="What it may do, at most what its role may.")
    created_by: str
    created_at: At
    expires_at: At
    last_used_at: At | None
    revoked_at: At | None


class ApiKeyList(Shape):
    """Keys, newest first."""

    items: list[ApiKey]


class ApiKeyRequest(Shape):
    """A key to make."""

    name: Annotated[str, Field(min_length=1, max_length=64)]
    role: RoleName
    fleets: list[str] = Field(default_factory=list)
    scopes: list[str] = Field(default_factory=list, description="Empty for all that the role may.")
    days: Annotated[float, Field(gt=0, le=366)] = 90.0


class NewApiKey(Shape):
    """A key that was made."""

    key: ApiKey
    secret: str = Field(description="Send it as `Authorization: Bearer`; it is not shown again.")


class AuditEntry(Shape):
    """Something that was done, or an owner's data that was read."""

    number: int
    at: At
    who: str
    role: str
    action: str = Field(examples=["alarm.acknowledge"])
    subject: str = Field(description="What it was done to.")
    detail: dict[str, Any]
    request_id: str


class AuditPage(Shape):
    """The audit log, newest first."""

    items: list[AuditEntry]
    page: PageInfo
