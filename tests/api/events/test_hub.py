"""Who listens, and for how long."""

from __future__ import annotations

import asyncio

import pytest

from tests.api.events.test_stream import commit, trip
from tests.views.conftest import views as views
from tests.views.conftest import workspace as workspace
from tests.views.seers import LEAD
from twinpack.api.events.hub import Hub
from twinpack.api.events.listener import Listener
from twinpack.api.events.stream import stream
from twinpack.api.events.wanted import kinds_of, wanted_by
from twinpack.api.metrics import Metrics
from twinpack.errors import ServiceError
from twinpack.store.changes import Place
from twinpack.views.opened import Views


def test_one_who_does_not_read_is_let_go_and_told_why(views: Views) -> None:
    wanted = wanted_by(views, LEAD, kinds_of("trip"), None)

    async def listened() -> bytes:
        hub = Hub(views, Metrics(), 5)
        reading = stream(hub, wanted, None, lambda: wanted)
        await anext(reading)
        for listener in hub.listeners:
            for _ in range(1_001):
                listener.tell(b"event: trip\n\n")
        rest = b"".join([text async for text in reading])
        assert not hub.listeners
        return rest

    assert b"too slow to follow" in asyncio.run(listened())


def test_more_than_so_many_cannot_listen(views: Views) -> None:
    wanted = wanted_by(views, LEAD, kinds_of("trip"), None)

    async def joined() -> None:
        hub = Hub(views, Metrics(), 2)
        first = await hub.join(wanted)
        await hub.join(wanted)
        with pytest.raises(ServiceError, match="no further event stream can be held open: there are 2"):
            await hub.join(wanted)
        hub.leave(first)
        await hub.join(wanted)
        hub.close()
        with pytest.raises(ServiceError):
            hub.check_room()

    asyncio.run(joined())


def test_all_that_waits_comes_as_one_piece(views: Views) -> None:
    async def heard() -> tuple[bytes, bytes]:
        listener = Listener(wanted_by(views, LEAD, kinds_of("trip"), None), Place(0))
        listener.tell(b"a")
        listener.tell(b"b")
        listener.tell_state("latest", b"c")
        listener.tell_state("latest", b"c")  # as it was told
        return await listener.next(60.0), await listener.next(0.0)

    assert asyncio.run(heard()) == (b"abc", b"")


def test_one_who_joins_later_hears_what_comes_later(views: Views) -> None:
    wanted = wanted_by(views, LEAD, kinds_of("trip"), None)

    async def heard() -> list[bytes]:
        hub = Hub(views, Metrics(), 5)
        early = await hub.join(wanted)
        commit(views.registry, trip(0))
        first = await early.next(60.0)
        late = await hub.join(wanted)
        commit(views.registry, trip(1))
        told = [first, await early.next(60.0), await late.next(60.0)]
        hub.close()
        return told

    first, second, of_late = asyncio.run(heard())
    assert second == of_late != first
