"""JSON Web Tokens: signed and verified with three algorithms, and no others whatever a token says of itself."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwk import KeySet, OKPKey
from joserfc.jws import JWSRegistry

from twinpack.errors import IdentityError

ALGORITHMS = ("EdDSA", "Ed25519", "ES256", "RS256")
"""EdDSA and Ed25519 name the same one: before and after RFC 9864."""
LONGEST = 8_192
LEEWAY_S = 30
"""By how much the clocks of issuer and service may differ."""


class _Allowed(JWSRegistry):
    """The algorithms that are allowed; `none` and those of a shared secret are not among them."""

    def get_alg(self, name: str) -> Any:
        if name not in ALGORITHMS:
            raise UnsupportedAlgorithmError(f"algorithm {name!r} is not allowed")
        return self.algorithms[name]


_REGISTRY = _Allowed(strict_check_header=False)


@dataclass(frozen=True)
class Claims:
    """What a verified token says.

    Attributes:
        all: Every claim.
        subject: Whom it is about.
        expires_s: When it ends, seconds since the epoch.
    """

    all: Mapping[str, Any]
    subject: str
    expires_s: float


def sign(claims: Mapping[str, Any], key: OKPKey) -> str:
    """A token, signed with a key of the built-in issuer."""
    header = {"alg": "EdDSA", "kid": key.kid, "typ": "at+jwt"}
    return jwt.encode(header, dict(claims), key, algorithms=list(ALGORITHMS), registry=_REGISTRY)


def issuer_of(token: str) -> str:
    """The issuer that a token names, not verified: it only says whose keys to try.

    Raises:
        IdentityError: It is no token.
    """
    return str(_part(token, 1).get("iss", ""))


def key_id_of(token: str) -> str:
    """The key that a token names, not verified; "" for none.

    Raises:
        IdentityError: It is no token.
    """
    return str(_part(token, 0).get("kid", ""))


def verify(token: str, keys: KeySet, issuer: str, audience: str, now_s: int) -> Claims:
    """What a token says, once its signature, issuer, audience and times are right.

    Raises:
        IdentityError: They are not; the reason is told in a word or two.
    """
    wanted = jwt.JWTClaimsRegistry(
        now=now_s,
        leeway=LEEWAY_S,
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": audience},
        sub={"essential": True},
        exp={"essential": True},
    )
    try:
        found = jwt.decode(token, keys, registry=_REGISTRY).claims
        wanted.validate(found)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise IdentityError("the token is not genuine, is not for this service, or has ended") from error
    if not found["sub"]:
        raise IdentityError("the token is about nobody")
    return Claims(found, found["sub"], float(found["exp"]))


def _part(token: str, index: int) -> dict[str, Any]:
    parts = token.split(".")
    if len(token) > LONGEST or len(parts) != 3:
        raise IdentityError("what was shown is no token")
    text = parts[index]
    try:
        found = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, RecursionError) as error:
        raise IdentityError("what was shown is no token") from error
    if not isinstance(found, dict):
        raise IdentityError("what was shown is no token")
    return found
