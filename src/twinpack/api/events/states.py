"""States that are told as they are, not each change of them: newest values of a vehicle, and how data comes in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Iterable

from anyio import to_thread

from twinpack.api.events.listener import Listener
from twinpack.api.events.messages import block
from twinpack.errors import TwinpackError
from twinpack.views.opened import Views
from twinpack.views.sight import Reach, Sight
from twinpack.views.vehicle_latest import latest

STATES_S = 1.0
"""No state is told more often."""


async def tell_states(views: Views, listeners: Iterable[Listener]) -> None:
    """Tell each who listens the states it wants that are others than it was told; each is read once for all."""
    by_state: dict[Hashable, tuple[Callable[[], bytes], list[Listener]]] = {}
    for listener in listeners:
        wanted = listener.wanted
        if wanted.latest is not None:
            seer, reach = wanted.seer, wanted.latest
            key = (reach.vehicle_id, reach.span, seer.rights)
            by_state.setdefault(key, (_latest(views, seer, reach), []))[1].append(listener)
    for read, some in by_state.values():
        text = await to_thread.run_sync(read)
        for listener in some:
            listener.tell_state("latest", text)
        await asyncio.sleep(0)


def _latest(views: Views, seer: Sight, reach: Reach) -> Callable[[], bytes]:
    def read() -> bytes:
        try:
            return block("latest", latest(views, seer, reach))
        except TwinpackError:
            return b""  # told again when it can be read

    return read
