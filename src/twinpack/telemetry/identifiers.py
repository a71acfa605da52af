"""Names of vehicles and fleets: they become topics, paths and HTML, so their characters and length are fixed."""

from __future__ import annotations

import re
import zlib

from twinpack.errors import IdentifierError

VEHICLE_ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
_VEHICLE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def is_vehicle_id(text: str) -> bool:
    """Whether a text may name a vehicle."""
    return _VEHICLE_ID.fullmatch(text) is not None


def check_vehicle_id(text: str) -> str:
    """Return a vehicle id unchanged.

    Raises:
        IdentifierError: It holds other characters, starts with a mark, is empty or longer than 64 characters.
    """
    return _checked(text, "vehicle id")


def check_fleet_name(text: str) -> str:
    """Return the name of a fleet unchanged; it is a level of a topic like a vehicle id.

    Raises:
        IdentifierError: It holds other characters, starts with a mark, is empty or longer than 64 characters.
    """
    return _checked(text, "fleet name")


def shard_of(vehicle_id: str, shards: int) -> int:
    """The virtual shard of a vehicle, and its bucket in the lake: CRC-32 of its id, modulo how many there are."""
    return zlib.crc32(vehicle_id.encode()) % shards


def _checked(text: str, what: str) -> str:
    if is_vehicle_id(text):
        return text
    shown = text if len(text) <= 80 else f"{text[:77]}..."
    raise IdentifierError(
        f"{what} {shown!r} is not allowed: use 1 to 64 letters, digits, '_', '.' or '-', the first a letter or a digit"
    )
