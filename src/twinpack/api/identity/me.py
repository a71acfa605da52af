"""The one who is signed in, as answered."""

from __future__ import annotations

from pydantic import ValidationError

from twinpack.api.identity.identified import Identified
from twinpack.store.identity.records import UserRecord
from twinpack.views.moments import moment_or_none
from twinpack.views.shapes.identity import Me, Preferences

_MOST_LISTED = 100


def me_of(found: Identified, user: UserRecord | None, local_preferences: str = "{}") -> Me:
    """Who is signed in.

    Args:
        found: Who asks.
        user: Its account, None for keys, for devices, and where nobody signs in.
        local_preferences: Preferences of one without an account.
    """
    sight = found.sight
    return Me(
        username=sight.who,
        display_name=user.display_name if user is not None else "",
        role=sight.role.value,
        fleets=sorted(sight.fleets or ()),
        vehicles=sorted(sight.vehicles)[:_MOST_LISTED],
        may=sorted(right.value for right in sight.rights),
        preferences=preferences_of(user.preferences if user is not None else local_preferences),
        csrf_token=found.csrf_token,
        built_in=user is not None and user.built_in,
        no_auth=found.shown == "none",
        expires_at=moment_or_none(found.expires_at_us),
    )


def preferences_of(text: str) -> Preferences:
    """Preferences as kept; those of a release that had others are forgotten."""
    try:
        return Preferences.model_validate_json(text)
    except ValidationError:
        return Preferences()
