"""One who asks, as found by what was shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from twinpack.views.sight import Sight, everything

Shown = Literal["none", "token", "key", "device", "session"]


@dataclass(frozen=True)
class Identified:
    """Who asks, and by what it is known.

    Attributes:
        sight: What it may see and do; `sight.who` names it.
        shown: What it showed: an access token, a key, a device's token or a browser session; `none` without sign-in.
        username: The account, None for keys and devices.
        session_id: The sign-in behind it, "" without one.
        expires_at_us: When what was shown ends, None for never.
        secret: What was shown, to look again later; never logged.
        csrf_token: What a change must carry as X-CSRF-Token; "" where none is needed.
    """

    sight: Sight
    shown: Shown
    username: str | None = None
    session_id: str = ""
    expires_at_us: int | None = None
    secret: str = field(default="", repr=False)
    csrf_token: str = field(default="", repr=False)


NOBODY = Identified(everything("no-auth"), "none")
"""Who asks where the service runs without sign-in, on this machine only."""
