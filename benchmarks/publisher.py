"""A small, fast MQTT 3.1.1 publisher: packets are made beforehand, and sent as the broker acknowledges them."""

from __future__ import annotations

import selectors
import socket
import ssl
import struct
from collections.abc import Iterable, Sequence

Pair = tuple[str, bytes]
"""Topic and payload."""

_CONNECT_FLAGS = 0x02
_PACKET_IDS = 65_535
_AT_ONCE = 20_000
"""Messages on their way without an acknowledgement, at most."""


def publish_packet(topic: str, payload: bytes, packet_id: int) -> bytes:
    """A PUBLISH packet with QoS 1."""
    name = topic.encode()
    body = struct.pack("!H", len(name)) + name + struct.pack("!H", packet_id) + payload
    return b"\x32" + _length(len(body)) + body


def packets(pairs: Iterable[Pair]) -> list[bytes]:
    """Packets of messages, numbered as they are sent."""
    return [publish_packet(topic, payload, at % _PACKET_IDS + 1) for at, (topic, payload) in enumerate(pairs)]


def connect(
    port: int,
    client_id: str = "publisher",
    user: str = "",
    password: str = "",
    context: ssl.SSLContext | None = None,
) -> socket.socket:
    """A connected socket at which packets may be published."""
    link = socket.create_connection(("127.0.0.1", port))
    if context is not None:
        link = context.wrap_socket(link, server_hostname="127.0.0.1")
    flags = _CONNECT_FLAGS | (0xC0 if user else 0)
    body = struct.pack("!H4sBBH", 4, b"MQTT", 4, flags, 0) + _text(client_id)
    if user:
        body += _text(user) + _text(password)
    link.sendall(b"\x10" + _length(len(body)) + body)
    answer = received(link, 4)
    if len(answer) != 4 or answer[3] != 0:
        raise ConnectionError(f"the broker refused the publisher: {answer.hex()}")
    return link


def received(link: socket.socket, size: int) -> bytes:
    """So many bytes, or fewer when the other side hangs up."""
    found = b""
    while len(found) < size and (part := link.recv(size - len(found))):
        found += part
    return found


def send(port: int, given: Sequence[bytes], client_id: str = "publisher", user: str = "", password: str = "") -> None:
    """Publish packets and wait until the broker has acknowledged each of them.

    Raises:
        ConnectionError: The broker hung up.
    """
    with connect(port, client_id, user, password) as link, selectors.DefaultSelector() as selector:
        link.setblocking(False)
        selector.register(link, selectors.EVENT_READ | selectors.EVENT_WRITE)
        sent = acknowledged = 0
        waiting = b""
        while acknowledged < 4 * len(given):
            room = sent - acknowledged // 4 < _AT_ONCE
            if not waiting and room and sent < len(given):
                waiting = b"".join(given[sent : sent + 200])
                sent = min(sent + 200, len(given))
            selector.modify(link, selectors.EVENT_READ | (selectors.EVENT_WRITE if waiting else 0))
            for _, ready in selector.select(30):
                if ready & selectors.EVENT_WRITE:
                    waiting = waiting[link.send(waiting) :]
                if ready & selectors.EVENT_READ:
                    answer = link.recv(65_536)
                    if not answer:
                        raise ConnectionError("the broker hung up")
                    acknowledged += len(answer)


def _text(text: str) -> bytes:
    return struct.pack("!H", len(text.encode())) + text.encode()


def _length(size: int) -> bytes:
    encoded = bytearray()
    while True:
        size, digit = divmod(size, 128)
        encoded.append(digit | (0x80 if size else 0))
        if not size:
            return bytes(encoded)
