"""Import profiles: how the columns of a foreign file become samples."""

from __future__ import annotations

from twinpack.telemetry.profiles.convert import BoundProfile, Restarts, bind
from twinpack.telemetry.profiles.spec import (
    Profile,
    SignalSource,
    parse_profile,
    shipped_profile,
    shipped_profiles,
)

__all__ = [
    "BoundProfile",
    "Profile",
    "Restarts",
    "SignalSource",
    "bind",
    "parse_profile",
    "shipped_profile",
    "shipped_profiles",
]
