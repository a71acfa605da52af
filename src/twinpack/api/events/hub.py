"""Tells all who listen what changes: one reader of the registry, however many there are."""

from __future__ import annotations

import asyncio
from itertools import count

from anyio import to_thread

from twinpack.api.events.listener import Listener
from twinpack.api.events.messages import Message, block, messages_of
from twinpack.api.events.states import STATES_S, tell_states
from twinpack.api.events.wanted import Wanted
from twinpack.api.metrics import Metrics
from twinpack.api.middleware.requests import API_LOGGER
from twinpack.errors import ServiceError, TwinpackError
from twinpack.ingest.logs import Events
from twinpack.store.changes import Place
from twinpack.views.opened import Views
from twinpack.views.shapes.events import ResetEventData

LOOK_S = 0.1
"""Between two looks at the registry."""
MOST_MISSED = 5_000
"""Changes that are told again to one who comes back; after more, it reads anew what it shows."""

_AT_A_TIME = 20  # events told before others of the loop have their turn
_TROUBLED_S = 1.0
_MISSED = ResetEventData(reason=f"more than {MOST_MISSED:,} changes were missed, or they are no longer known")


class Hub:
    """Follows the registry while anybody listens. All but `close` is for the loop that answers requests."""

    def __init__(self, views: Views, metrics: Metrics, most: int) -> None:
        """Tell of a workspace, `most` listeners at once."""
        self.views = views
        self.closed = False
        self._metrics, self._most = metrics, most
        self._events = Events("events", API_LOGGER)
        self._listeners: set[Listener] = set()
        self._place = Place(0)
        self._following: asyncio.Task[None] | None = None
        self._telling: asyncio.Task[None] | None = None
        self._beginning = asyncio.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def place(self) -> Place:
        """How far changes were told."""
        return self._place

    @property
    def listeners(self) -> frozenset[Listener]:
        """All who listen."""
        return frozenset(self._listeners)

    def check_room(self) -> None:
        """Refuse one who comes too many.

        Raises:
            ServiceError: Too many listen.
        """
        if len(self._listeners) >= self._most or self.closed:
            raise ServiceError(f"no further event stream can be held open: there are {len(self._listeners):,}")

    async def join(self, wanted: Wanted) -> Listener:
        """Begin to listen; what changes from now on is told.

        Raises:
            ServiceError: Too many listen.
            RegistryBusyError: The registry is locked or away.
        """
        self.check_room()
        async with self._beginning:
            if self._following is None or self._following.done():
                self._loop = asyncio.get_running_loop()
                self._place = await to_thread.run_sync(self.views.registry.changes.end)
                self._following = asyncio.create_task(self._follow())
                self._telling = asyncio.create_task(self._tell_states())
            listener = Listener(wanted, self._place)
            self._listeners.add(listener)
        self._metrics.subscribers.set(len(self._listeners))
        return listener

    def leave(self, listener: Listener) -> None:
        """Listen no longer."""
        self._listeners.discard(listener)
        self._metrics.subscribers.set(len(self._listeners))
        if listener.too_slow:
            self._metrics.dropped.inc()

    async def missed(self, listener: Listener, place: Place) -> bytes:
        """What a listener is told that comes back from a place, up to where it began to listen anew."""
        found = await to_thread.run_sync(self._read, place, listener.start)
        if found is None:
            return block("reset", _MISSED, str(listener.start))
        return b"".join(one.text for one in found[0] if listener.wanted.tells(one))

    def close(self) -> None:
        """End all streams; from any thread."""
        self.closed = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        for listener in self._listeners:
            listener.wake()

    async def _follow(self) -> None:
        while self._listeners and not self.closed:
            await asyncio.sleep(LOOK_S)
            try:
                found = await to_thread.run_sync(self._read, self._place)
                if found is None:
                    await self._begin_anew()
                else:
                    await self._tell(*found)
            except TwinpackError as error:
                self._events.warning("registry_not_read", error=str(error))
                await asyncio.sleep(_TROUBLED_S)

    async def _tell_states(self) -> None:
        for turn in count():
            if self.closed or not self._listeners:
                return
            await tell_states(self.views, self.listeners, turn)
            await asyncio.sleep(STATES_S)

    def _read(self, place: Place, until: Place | None = None) -> tuple[list[Message], Place] | None:
        found = self.views.registry.changes.after(place, MOST_MISSED, until)
        return None if found is None else (list(messages_of(self.views, found[0])), found[1])

    async def _tell(self, messages: list[Message], end: Place) -> None:
        for number, message in enumerate(messages, 1):
            for listener in self._listeners:
                if listener.wanted.tells(message):
                    listener.tell(message.text)
            self._place = message.place
            if number % _AT_A_TIME == 0:
                await asyncio.sleep(0)
        self._place = end

    async def _begin_anew(self) -> None:
        self._place = await to_thread.run_sync(self.views.registry.changes.end)
        for listener in self._listeners:
            listener.tell(block("reset", _MISSED, str(self._place)))
