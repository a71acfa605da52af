"""One stream of events, from its first byte to its last."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable

from anyio import to_thread

from twinpack.api.events.hub import Hub
from twinpack.api.events.listener import Listener
from twinpack.api.events.messages import beat, block
from twinpack.api.events.wanted import Wanted
from twinpack.errors import TwinpackError
from twinpack.store.changes import Place
from twinpack.views.shapes.events import EndEventData

BEAT_S = 15.0
"""Longest silence of a stream: a line that says nothing for longer is dead."""
LOOK_AGAIN_S = 5.0
"""How long one who may no longer see something is told it at most."""

_COME_BACK = b"retry: 2000\n\n"


async def stream(
    hub: Hub, wanted: Wanted, after: Place | None, look_again: Callable[[], Wanted]
) -> AsyncIterator[bytes]:
    """What is sent to one who listens.

    Args:
        hub: Tells what changes.
        wanted: What is told.
        after: Where it comes back from.
        look_again: What it may be told now; refuses one who may not listen any longer. May wait for the registry.
    """
    listener: Listener | None = None
    try:
        listener = await hub.join(wanted)
        place = listener.start
        missed = b"" if after is None else await hub.missed(listener, after)
        yield _COME_BACK + missed + block("ready", None, str(place))
        spoke = looked = time.monotonic()
        while not (hub.closed or listener.too_slow):
            texts = await listener.next(LOOK_AGAIN_S)
            now = time.monotonic()
            if now - looked >= LOOK_AGAIN_S:
                looked = now
                listener.wanted = await to_thread.run_sync(look_again)
            if not texts and now - spoke >= BEAT_S:
                texts = beat(str(hub.place))
            if texts:
                spoke = now
                yield texts
        yield _end("the service stops" if hub.closed else "this reader is too slow to follow")
    except TwinpackError as error:
        yield _end(str(error))
    finally:
        if listener is not None:
            hub.leave(listener)


def _end(reason: str) -> bytes:
    return block("end", EndEventData(reason=reason))
