"""What one request may send, and how long it may take."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
from starlette.types import Receive, Scope, Send

from tests.api.middleware.asking import ask, plain
from twinpack.api.middleware.limits import Limits


def test_a_body_within_the_limit_arrives() -> None:
    assert ask(Limits(plain, 10, 60.0), method="POST", body=b"0123456789").content == b"0123456789"


def test_a_body_that_says_it_is_too_large_is_refused_unread() -> None:
    answer = ask(Limits(plain, 10, 60.0), method="POST", body=b"0123456789a")
    assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")
    assert "10 bytes" in answer.json()["detail"]


def test_a_length_that_is_no_number_is_refused() -> None:
    assert ask(Limits(plain, 10, 60.0), headers={"Content-Length": "-1"}).status_code == 413


def test_an_answer_that_takes_too_long_is_given_up() -> None:
    async def never(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await asyncio.sleep(0.2)
        await plain(scope, receive, send)  # too late: it has been answered

    answer = ask(Limits(never, 10, 0.05))
    assert (answer.status_code, answer.json()["title"]) == (503, "Not possible now")


def test_a_body_that_comes_too_slowly_is_given_up() -> None:
    async def slowly() -> AsyncIterator[bytes]:
        yield b"0"
        await asyncio.sleep(0.2)
        yield b"1"

    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(Limits(plain, 10, 0.05))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.post("/", content=slowly())

    assert asyncio.run(asked()).status_code == 408


def test_live_events_may_take_as_long_as_they_like() -> None:
    async def late(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(0.1)
        await plain(scope, receive, send)

    assert ask(Limits(late, 10, 0.01), "/v1/events").status_code == 200
