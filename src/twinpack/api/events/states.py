"""States that are told as they are, not each change of them: newest values of a vehicle, and how data comes in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Iterable, Iterator
from functools import partial

from anyio import to_thread
from pydantic import BaseModel

from twinpack.api.events.listener import Listener
from twinpack.api.events.messages import block
from twinpack.api.events.wanted import Wanted
from twinpack.errors import TwinpackError
from twinpack.views.data.ingest import ingest_state
from twinpack.views.opened import Views
from twinpack.views.shapes.events import EventKind
from twinpack.views.vehicle.latest import latest

STATES_S = 1.0
"""No state is told more often."""
INGEST_TURNS = 5
"""How data comes in is told every so many turns."""

Reading = Callable[[], BaseModel]


async def tell_states(views: Views, listeners: Iterable[Listener], turn: int) -> None:
    """Tell each who listens the states it wants that are others than it was told; each is read once for all."""
    by_state: dict[Hashable, tuple[EventKind, Reading, list[Listener]]] = {}
    for listener in listeners:
        for key, kind, read in _wanted(views, listener.wanted, turn):
            by_state.setdefault(key, (kind, read, []))[2].append(listener)
    for kind, read, some in by_state.values():
        text = await to_thread.run_sync(_text, kind, read)
        for listener in some:
            listener.tell_state(kind, text)
        await asyncio.sleep(0)


def _wanted(views: Views, wanted: Wanted, turn: int) -> Iterator[tuple[Hashable, EventKind, Reading]]:
    """The states that one wants, each with what makes it the same for another."""
    seer, reach = wanted.seer, wanted.latest
    if reach is not None:
        yield ("latest", reach.vehicle_id, reach.span, seer.rights), "latest", partial(latest, views, seer, reach)
    if wanted.ingest and turn % INGEST_TURNS == 0:
        yield (
            ("ingest", seer.rights, seer.fleets, frozenset(seer.vehicles)),
            "ingest",
            partial(ingest_state, views, seer),
        )


def _text(kind: EventKind, read: Reading) -> bytes:
    try:
        return block(kind, read())
    except TwinpackError:
        return b""  # told again when it can be read
