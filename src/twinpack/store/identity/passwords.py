"""Passwords: hashed slowly, with argon2id, so that whoever reads the registry cannot guess them in numbers."""

from __future__ import annotations

import secrets
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

from twinpack.errors import InputError

if TYPE_CHECKING:  # loading it takes a while, and few commands need it
    from argon2 import PasswordHasher

SHORTEST, LONGEST = 12, 256
_WORD_BYTES = 15


def check_password(password: str, username: str) -> None:
    """Raise when a password cannot be taken.

    Raises:
        InputError: Says why; never what was given.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise InputError(f"a password has {SHORTEST} to {LONGEST} characters; a few words in a row are easy to keep")
    if username.lower() in password.lower() and len(password) < len(username) + SHORTEST:
        raise InputError("the password is the user name, or hardly more: choose another")
    if len(set(password)) < 4:
        raise InputError("the password has hardly any different characters: choose another")


def make_password() -> str:
    """A random one, 120 bits, in letters that are hard to mistake."""
    text = secrets.token_bytes(_WORD_BYTES).hex()
    return "-".join(text[start : start + 6] for start in range(0, len(text), 6))


def hash_password(password: str) -> str:
    """The hash to be kept; takes about 50 ms on purpose."""
    return _hasher().hash(_normal(password))


def is_password(kept: str, password: str) -> bool:
    """Whether a password is the one of a kept hash; without a hash as slow, and never."""
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        _hasher().verify(kept or _no_password(), _normal(password))
    except (VerificationError, InvalidHashError):
        return False
    return bool(kept)


def is_outdated(kept: str) -> bool:
    """Whether a hash was made in a way that is no longer used."""
    return _hasher().check_needs_rehash(kept)


def _normal(password: str) -> str:
    # The same signs may be typed in several ways: an accent with its letter, or after it.
    return unicodedata.normalize("NFKC", password)


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=3, memory_cost=32_768, parallelism=1)


@cache
def _no_password() -> str:
    """A hash that no password has, so that an account that is not there takes as long as one that is."""
    return _hasher().hash(secrets.token_urlsafe())
