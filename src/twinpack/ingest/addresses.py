"""Addresses of MQTT brokers."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from twinpack.errors import InputError

_PORTS = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True)
class Address:
    """Where a broker is and how to speak to it.

    Attributes:
        host: Its name or address.
        port: Its port.
        secure: Whether by TLS.
    """

    host: str
    port: int
    secure: bool


def parse_address(url: str) -> Address:
    """Read `mqtt://host:port` or `mqtts://host:port`.

    Raises:
        InputError: It is none of them; no password that it may hold is told.
    """
    if "@" in url:
        raise InputError(
            "user name and password do not belong into the address of a broker; there are settings and options for them"
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InputError(f"{url!r} is no address of a broker: {error}") from error
    if parts.scheme not in _PORTS or not parts.hostname or port == 0 or parts.path not in ("", "/") or parts.query:
        raise InputError(f"{url!r} is no address of a broker; write mqtt://host:1883 or mqtts://host:8883")
    return Address(parts.hostname, port or _PORTS[parts.scheme], parts.scheme == "mqtts")
