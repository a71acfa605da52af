"""What is read of MQTT 3.1.1 before amqtt is handed a connection: whole packets, and the first one's contents."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from amqtt.adapters import BufferReader, ReaderAdapter
from amqtt.errors import AMQTTError, MQTTError, NoDataError
from amqtt.mqtt.connect import ConnectPacket

MAX_CONNECT_BYTES = 8_192
CONNECT, DISCONNECT = 0x10, 0xE0
ACCEPTED_LEVEL = 4
"""Protocol level of MQTT 3.1.1."""

_MOST_LENGTH_BYTES = 4


class PacketError(ConnectionError):
    """What came is no packet, or too large a one: the connection is closed."""


@dataclass(frozen=True)
class Hello:
    """The first packet of a connection.

    Attributes:
        raw: Its bytes.
        level: Protocol level; the rest is empty unless it is that of MQTT 3.1.1.
        client_id: Name of the session, "" where the client leaves it to the broker.
        user: User name.
        password: Password.
        clean: Whether the client wants no old session.
        will: Whether it leaves a message for the case that it vanishes.
    """

    raw: bytes
    level: int
    client_id: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    clean: bool = True
    will: bool = False


async def read_packet(stream: asyncio.StreamReader, head: bytearray, max_bytes: int) -> bytes:
    """Read one packet.

    Args:
        stream: Where from.
        head: Its first bytes as far as they were read, kept by the caller: a read that was cancelled goes on there.
        max_bytes: Largest packet.

    Raises:
        PacketError: It is larger, or its length is none.
        IncompleteReadError: The connection ended.
    """
    while len(head) < 2 or head[-1] & 0x80:
        if len(head) > _MOST_LENGTH_BYTES:
            raise PacketError("the length of a packet is malformed")
        head += await stream.readexactly(1)
    length = sum((byte & 0x7F) << (7 * place) for place, byte in enumerate(head[1:]))
    if length > max_bytes:
        raise PacketError(f"a packet of {length:,} bytes; at most {max_bytes:,} are taken")
    packet = bytes(head) + await stream.readexactly(length)
    head.clear()
    return packet


async def read_hello(stream: asyncio.StreamReader) -> Hello:
    """Read the packet that a connection begins with.

    Raises:
        PacketError: It is another.
        IncompleteReadError: The connection ended.
    """
    head = bytearray(await stream.readexactly(1))
    raw = await read_packet(stream, head, MAX_CONNECT_BYTES) if head[0] == CONNECT else b""
    name = raw.find(b"\x00\x04MQTT", 1, 12)
    if name < 0 or len(raw) < name + 10:
        raise PacketError("the first packet is no CONNECT of MQTT 3.1.1")
    level = raw[name + 6]
    if level != ACCEPTED_LEVEL:
        return Hello(raw, level)
    try:
        packet = await ConnectPacket.from_stream(BufferReader(raw))
    except (AMQTTError, MQTTError, NoDataError) as error:
        raise PacketError(f"the first packet is malformed: {error}") from error
    payload = packet.payload
    return Hello(
        raw,
        level,
        client_id="" if payload.client_id_is_random else payload.client_id,
        user=payload.username or "",
        password=_text(payload.password),
        clean=bool(packet.clean_session_flag),
        will=bool(packet.will_flag),
    )


def _text(value: str | bytes | None) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value or ""


class PacketReader(ReaderAdapter):
    """Hands amqtt a connection packet by packet, so that it can be held between two of them."""

    def __init__(
        self,
        hello: Hello,
        stream: asyncio.StreamReader,
        max_bytes: int,
        before: Callable[[], Awaitable[None]],
        ending: Callable[[], Awaitable[None]],
    ) -> None:
        """Begin with the first packet, which was read already.

        Args:
            hello: The first packet.
            stream: Where the others come from.
            max_bytes: Largest of them.
            before: Waited for before each packet is read.
            ending: Waited for before amqtt learns that the connection ends.
        """
        self._stream = stream
        self._max_bytes = max_bytes
        self._before = before
        self._ending = ending
        self._packet = hello.raw
        self._at = 0
        self._head = bytearray()

    async def read(self, n: int = -1) -> bytes:
        """Read `n` bytes of the packet in hand, or of the next one."""
        if self._at == len(self._packet) and n != 0:
            await self._next()
        end = len(self._packet) if n < 0 else self._at + n
        piece = self._packet[self._at : end]
        self._at += len(piece)
        return piece

    async def _next(self) -> None:
        try:
            await self._before()
            self._packet, self._at = await read_packet(self._stream, self._head, self._max_bytes), 0
        except (asyncio.IncompleteReadError, ConnectionError):
            await self._ending()
            raise
        if self._packet[0] == DISCONNECT:
            await self._ending()

    def feed_eof(self) -> None:
        """Let the connection end."""
        self._stream.feed_eof()
