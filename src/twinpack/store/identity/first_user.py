"""The first account of a workspace, so that somebody can sign in and make the others."""

from __future__ import annotations

from twinpack.errors import InputError
from twinpack.store.identity.passwords import make_password
from twinpack.store.identity.records import ADMIN, UserRecord
from twinpack.store.registry import Registry

FIRST_USER = "admin"


def ensure_first_user(registry: Registry) -> tuple[str, str] | None:
    """Make an administrator where there is no account at all.

    Returns:
        Its name and its password, which is told this once; None when there was an account.
    """
    if registry.users.any():
        return None
    password = make_password()
    try:
        registry.users.add(UserRecord(FIRST_USER, ADMIN, "Administrator"), password)
    except InputError:
        return None  # another process was quicker
    return FIRST_USER, password
