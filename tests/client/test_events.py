"""Live events: how they are read, and that a lost connection goes on where it was lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import islice

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.client.conftest import Ask
from twinpack.client.client import Client
from twinpack.client.events import Event, events_of
from twinpack.errors import AccessError


def test_events_are_read_line_by_line() -> None:
    told = [": here", "", "id: 7", "event: alarm", 'data: {"a":', "data: 1}", "", "event: trip", "data: {}", ""]
    text = [*told, "id:", "data:{}", "", ": beat", "id: 9", "", 'data: {"cut']

    events = list(events_of(text))

    assert events == [
        Event("alarm", {"a": 1}, "7"),
        Event("trip", {}, "7"),
        Event("message", {}, ""),
        Event("", {}, "9"),
    ]


def test_a_lost_connection_goes_on_after_the_last_event(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twinpack.client.events._AGAIN_S", 0.0)
    asked: list[tuple[str | None, str]] = []

    async def two(after: int) -> AsyncIterator[str]:
        yield f"id: {after}\nevent: ready\ndata: {{}}\n\n"
        for number in (after + 1, after + 2):
            yield f'id: {number}\nevent: trip\ndata: {{"number": {number}}}\n\n'

    async def events(request: Request) -> Response:
        asked.append((request.headers.get("last-event-id"), request.url.query))
        if len(asked) == 2:
            return Response(status_code=503)
        return StreamingResponse(two(int(request.headers.get("last-event-id", "0"))))

    client = Client(ask(Starlette(routes=[Route("/v1/events", events)])))

    got = list(islice(client.events(["trip", "alarm"], vehicle_id="HF-1"), 5))

    assert [event.data["number"] for event in got] == [1, 2, 3, 4, 5]
    assert [last for last, _ in asked] == [None, "2", "2", "4"]
    assert asked[0][1] == "kinds=trip%2Calarm&vehicle_id=HF-1"


def test_one_that_may_not_listen_is_told(ask: Ask) -> None:
    async def events(request: Request) -> Response:
        return JSONResponse({"title": "Not allowed", "status": 403, "detail": "not for you"}, 403)

    client = Client(ask(Starlette(routes=[Route("/v1/events", events)])))

    with pytest.raises(AccessError, match="not for you"):
        client.events()
