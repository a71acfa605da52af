"""Sockets that services listen at."""

from __future__ import annotations

import socket

_BACKLOG = 1_024


def listening_socket(host: str, port: int) -> socket.socket:
    """A TCP socket that listens.

    Raises:
        OSError: The address cannot be listened at.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    # asyncio sets it only for sockets that it made: the second packet of an answer would wait for the first one's
    # acknowledgement, which a client may hold back for 40 ms. Accepted connections have it from here.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening
