"""An application in this process answers as one over a network would."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.client.conftest import Ask


async def echo(request: Request) -> Response:
    body = (await request.body()).decode()
    told = {
        "path": request.url.path,
        "query": dict(request.query_params),
        "body": body,
        "name": request.headers.get("x-name"),
    }
    return JSONResponse(told, 201, {"X-Told": "yes"})


def test_what_is_asked_arrives_and_what_is_answered_comes_back(ask: Ask) -> None:
    http = ask(Starlette(routes=[Route("/echo/{name}", echo, methods=["POST"])]))

    answer = http.post("/echo/a%20b", params={"q": "ä b"}, content="body", headers={"X-Name": "me"})

    assert answer.status_code == 201
    assert answer.headers["x-told"] == "yes"
    assert answer.json() == {"path": "/echo/a b", "query": {"q": "ä b"}, "body": "body", "name": "me"}


def test_many_threads_may_ask_at_once(ask: Ask) -> None:
    met = asyncio.Barrier(4)

    async def meet(request: Request) -> Response:
        await met.wait()
        return Response("all here")

    http = ask(Starlette(routes=[Route("/", meet)]))
    with ThreadPoolExecutor(4) as pool:
        assert [answer.text for answer in pool.map(lambda _: http.get("/"), range(4))] == ["all here"] * 4


def test_a_stream_comes_as_it_is_made_and_ends_when_it_is_left(ask: Ask) -> None:
    ended: list[str] = []

    async def numbers() -> AsyncIterator[str]:
        try:
            for number in range(1_000_000):
                yield f"{number}\n"
                await asyncio.sleep(0)
        finally:
            ended.append("left")

    async def stream(request: Request) -> Response:
        return StreamingResponse(numbers())

    async def after(request: Request) -> Response:
        while not ended:
            await asyncio.sleep(0.001)
        return Response(ended[0])

    http = ask(Starlette(routes=[Route("/stream", stream), Route("/after", after)]))
    with http.stream("GET", "/stream") as answer:
        lines = answer.iter_lines()
        assert [next(lines) for _ in range(3)] == ["0", "1", "2"]

    assert http.get("/after").text == "left"


def test_an_application_that_breaks_before_it_answers_is_a_broken_connection(ask: Ask) -> None:
    async def broken(scope: object, receive: object, send: object) -> None:
        raise ValueError("broken")

    with pytest.raises(httpx.RemoteProtocolError, match="broken"):
        ask(broken).get("/")
