"""What the token of an OIDC issuer says of an account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from twinpack.api.identity.jose import Claims
from twinpack.errors import IdentityError, InputError
from twinpack.store.identity.records import ROLES, check_username
from twinpack.store.settings import IdentitySettings


@dataclass(frozen=True)
class Told:
    """An account as a token tells it.

    Attributes:
        external_id: Issuer and subject, which never change.
        username: The name it goes by.
        role: Its role, None when none is told.
        fleets: Its fleets, None when none are told.
    """

    external_id: str
    username: str
    role: str | None
    fleets: tuple[str, ...] | None


def told(claims: Claims, settings: IdentitySettings) -> Told:
    """What a verified token tells.

    Raises:
        IdentityError: Its name or its role cannot be one here.
    """
    name = claims.all.get(settings.username_claim) or claims.subject
    try:
        username = check_username(str(name))
    except InputError as error:
        raise IdentityError(f"the token's {error}") from error
    return Told(
        f"{settings.issuer} {claims.subject}",
        username,
        _role(claims.all, settings.role_claim),
        _listed(claims.all, settings.fleets_claim),
    )


def _role(claims: Mapping[str, Any], name: str) -> str | None:
    given = _listed(claims, name)
    if given is None:
        return None
    # An issuer may list roles of other services, too; of several of ours the one that may do most is meant.
    found = [role for role in ROLES if role in given]
    if not found:
        raise IdentityError(f"claim {name} of the token names no role that is known here")
    return found[0]


def _listed(claims: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, str):
        return tuple(part for part in value.replace(",", " ").split() if part)
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return tuple(value)
    raise IdentityError(f"claim {name} of the token is neither a text nor a list of texts")
