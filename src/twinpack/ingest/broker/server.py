"""Run the embedded broker until it is told to stop."""

from __future__ import annotations

import asyncio
import errno
import logging
import threading
from collections.abc import Callable

from amqtt.broker import Broker
from amqtt.contexts import BrokerConfig, ListenerConfig, ListenerType

from twinpack.errors import InputError
from twinpack.ingest.broker.access import Access, password_path
from twinpack.ingest.broker.door import LISTENER, Door
from twinpack.ingest.broker.guard import Guard, Judge
from twinpack.store.settings import BrokerSettings
from twinpack.store.workspace import Workspace

DRAIN_S = 5.0
"""How long it waits at its end for the gateway to take what devices were told is taken."""

_SESSION_S = 86_400
"""How long the session of a client that went away is kept."""

Ready = Callable[[str], None]
"""Told the address once it can be connected to."""


def run_broker(
    workspace: Workspace, settings: BrokerSettings, ready: Ready, tell: Callable[[str], None], stopped: threading.Event
) -> None:
    """Run the broker in this thread until `stopped` is set.

    Args:
        workspace: Where credentials and the gateway's password are; `become_broker` made it.
        settings: Where to listen.
        ready: Told the address.
        tell: Told what people should know.
        stopped: Set to end it.

    Raises:
        InputError: The address cannot be listened at.
    """
    password = password_path(workspace.home).read_text(encoding="utf-8").strip()
    with workspace.registry() as registry:
        access = Access(registry, workspace.settings.workspace.shards, password)
        most = round(workspace.settings.gateway.max_message_kb * 1_000) + 1_000
        # amqtt tells of each connection that breaks; what people should know is told here.
        logging.getLogger("amqtt").setLevel(logging.CRITICAL)
        asyncio.run(_run(Judge(access, tell), settings, most, ready, stopped))


async def _run(judge: Judge, settings: BrokerSettings, most: int, ready: Ready, stopped: threading.Event) -> None:
    broker = Broker(
        BrokerConfig(
            listeners={LISTENER: ListenerConfig(type=ListenerType.EXTERNAL, bind="door")},
            session_expiry_interval=_SESSION_S,
            # Named one by one: what amqtt takes when none is named lets anybody in and publishes $SYS.
            plugins={f"{Guard.__module__}.{Guard.__name__}": {"judge": judge}},
        )
    )
    await broker.start()
    door = Door(broker, judge, most)
    try:
        server = await _listen(door, settings)
        host, port = server.sockets[0].getsockname()[:2]
        ready(f"mqtt://{f'[{host}]' if ':' in host else host}:{port}")
        await asyncio.to_thread(stopped.wait)
        server.close()
        await door.close(DRAIN_S)
    finally:
        await broker.shutdown()


async def _listen(door: Door, settings: BrokerSettings) -> asyncio.Server:
    try:
        return await asyncio.start_server(door.came, settings.host, settings.port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise InputError(
                f"port {settings.port} is in use by another program; choose one under [broker] in settings.toml"
            ) from error
        raise InputError(f"the broker cannot listen at {settings.host}:{settings.port}: {error.strerror}") from error
