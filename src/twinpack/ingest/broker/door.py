"""The door before amqtt: it asks who is there before amqtt knows of a connection, and holds senders back.

amqtt alone would end the session of a client whose id a stranger names, pass on a last will unchecked, take a packet of
any size, and acknowledge faster than the gateway does until memory is full. Here nobody gets that far: a stranger is
turned away, a client id belongs to the user who has it, wills are not taken, and devices wait while the gateway is away
or behind.
"""

from __future__ import annotations

import asyncio
from functools import partial

from amqtt.adapters import StreamWriterAdapter
from amqtt.broker import Broker, RetainedApplicationMessage
from amqtt.session import Session

from twinpack.errors import RegistryBusyError
from twinpack.ingest.broker.access import GATEWAY_USER
from twinpack.ingest.broker.guard import Judge
from twinpack.ingest.broker.packets import ACCEPTED_LEVEL, Hello, PacketError, PacketReader, read_hello

LISTENER = "default"
MOST_OUTSTANDING = 2_000
"""Messages that the gateway has not acknowledged, beyond which devices wait."""

_HELLO_S = 10.0
_LISTENER_S = 30.0
_PAUSE_S = 0.02
_END_S = 2.0
_MOST_CONNECTIONS = 1_000
_BAD_VERSION, _BAD_CLIENT_ID, _UNAVAILABLE, _BAD_LOGIN, _FORBIDDEN = 1, 2, 3, 4, 5
_VERSION_5_REFUSAL = b"\x20\x03\x00\x84\x00"


class Door:
    """Accepts connections and hands amqtt those that may be."""

    def __init__(self, broker: Broker, judge: Judge, max_message_bytes: int) -> None:
        """Stand before a broker.

        Args:
            broker: It has one external listener, named `LISTENER`.
            judge: Who may do what.
            max_message_bytes: Largest packet.
        """
        self._broker = broker
        self._judge = judge
        self._max_bytes = max_message_bytes
        self._connections: dict[asyncio.Task[None], asyncio.StreamReader] = {}
        self._closing = False
        self._over = False

    async def came(self, stream: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until it ends."""
        task = asyncio.current_task()
        if task is None or self._closing or len(self._connections) >= _MOST_CONNECTIONS:
            if not self._closing:
                self._judge.say(f"turned away: there are {_MOST_CONNECTIONS:,} connections")
            writer.close()
            return
        self._connections[task] = stream
        try:
            await self._serve(stream, writer)
        except (asyncio.IncompleteReadError, OSError, TimeoutError, asyncio.CancelledError):
            pass  # it went away, never said who it is, or the broker ends
        finally:
            del self._connections[task]
            writer.close()

    async def close(self, wait_s: float) -> None:
        """Take nothing more in, hand on what was taken, and end all connections."""
        self._closing = True
        until = asyncio.get_running_loop().time() + wait_s
        while self._listening() and self._outstanding() and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(_PAUSE_S)
        self._over = True
        # amqtt ends a connection by cancelling what reads it, which Python 3.11 may swallow; an end of input it cannot.
        for stream in self._connections.values():
            stream.feed_eof()
        if self._connections:
            await asyncio.wait(self._connections, timeout=_END_S)
        for task in list(self._connections):
            task.cancel()

    async def _serve(self, stream: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            hello = await asyncio.wait_for(read_hello(stream), _HELLO_S)
        except PacketError as error:
            self._judge.say(f"turned away: {error}")
            return
        refusal = await self._refusal(hello)
        if refusal:
            writer.write(_VERSION_5_REFUSAL if hello.level > ACCEPTED_LEVEL else bytes((0x20, 2, 0, refusal)))
            await writer.drain()
            return
        gateway = hello.user == GATEWAY_USER
        if gateway:
            self._judge.between = 0
            if hello.clean:
                self._judge.listeners.discard(hello.client_id)
        reader = PacketReader(
            hello,
            stream,
            self._max_bytes,
            before=_at_once if gateway else self._gate,
            ending=partial(self._rescue, hello.client_id)
            if gateway
            else partial(self._settle, hello.client_id, writer),
        )
        await self._broker.external_connected(reader, StreamWriterAdapter(writer), LISTENER)

    async def _refusal(self, hello: Hello) -> int:
        """Why it may not come in, as a code of MQTT 3.1.1; 0 when it may."""
        if hello.level != ACCEPTED_LEVEL:
            self._judge.say("turned away: the embedded broker speaks MQTT 3.1.1 only")
            return _BAD_VERSION
        if not hello.user or not hello.password:
            return _BAD_LOGIN
        try:
            known = await asyncio.to_thread(self._judge.access.may_connect, hello.user, hello.password)
        except RegistryBusyError as error:
            self._judge.say(f"devices wait: {error}")
            return _UNAVAILABLE
        if not known:
            self._judge.say(f"turned away: wrong user name or token for {hello.user[:80]!r}")
            return _BAD_LOGIN
        if hello.will:
            self._judge.say(f"turned away: {hello.user!r} leaves a last will, which is not taken here")
            return _FORBIDDEN
        held = self._session(hello.client_id)
        if held is not None and held.username != hello.user:
            self._judge.say(f"turned away: the client id of {hello.user!r} is another user's")
            return _BAD_CLIENT_ID
        return 0 if hello.user == GATEWAY_USER or await self._heard() else _UNAVAILABLE

    async def _heard(self) -> bool:
        """Wait for the gateway: what came before it listens would be acknowledged and lost."""
        until = asyncio.get_running_loop().time() + _LISTENER_S
        while not self._listening() and not self._closing:
            if asyncio.get_running_loop().time() > until:
                self._judge.say("devices wait for a gateway that listens")
                return False
            await asyncio.sleep(_PAUSE_S)
        return not self._closing

    async def _gate(self) -> None:
        """Hold a device back while the gateway is away or behind."""
        while self._closing or not self._listening() or self._outstanding() > MOST_OUTSTANDING:
            if self._over:
                raise ConnectionResetError
            await asyncio.sleep(_PAUSE_S)

    def _session(self, client_id: str) -> Session | None:
        found = self._broker.sessions.get(client_id)
        return None if found is None else found[0]

    def _heard_by(self) -> list[Session]:
        sessions = [self._session(client_id) for client_id in self._judge.listeners]
        return [session for session in sessions if session is not None and session.username == GATEWAY_USER]

    def _listening(self) -> bool:
        return any(
            session.transitions.is_connected() and not session.retained_messages_count for session in self._heard_by()
        )

    def _outstanding(self) -> int:
        return self._judge.between + sum(len(session.inflight_out) for session in self._heard_by())

    async def _settle(self, client_id: str, writer: asyncio.StreamWriter) -> None:
        """Let amqtt pass on what a device sent before it learns that the device has gone: it would drop the rest."""
        peer = writer.get_extra_info("peername")[:2]
        session = self._session(client_id) or next(
            (each for each, _ in self._broker.sessions.values() if (each.remote_address, each.remote_port) == peer),
            None,
        )
        empty = 0
        while session is not None and empty < 2 and not self._over:
            await asyncio.sleep(_PAUSE_S)
            empty = empty + 1 if session.delivered_message_queue.empty() else 0

    async def _rescue(self, client_id: str) -> None:
        """Keep what the gateway did not acknowledge for its return; amqtt drops it."""
        session = self._session(client_id)
        if session is None or session.clean_session:
            return
        for message in session.inflight_out.values():
            session.retained_messages.put_nowait(
                RetainedApplicationMessage(None, message.topic, message.data, message.qos)
            )


async def _at_once() -> None:
    """The gateway is never held back: it could not acknowledge."""
