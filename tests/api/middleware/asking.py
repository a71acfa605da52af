"""A small application, asked through what stands before it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import httpx
from starlette.types import ASGIApp, Receive, Scope, Send


class Told:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


async def plain(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the body that it was sent."""
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": body})


def ask(
    app: ASGIApp,
    path: str = "/",
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    client: tuple[str, int] = ("127.0.0.1", 5),
) -> httpx.Response:
    """The answer to one request."""

    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(app, client=client)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8765") as opened:
            return await opened.request(method, path, headers=headers, content=body)

    return asyncio.run(asked())


def with_state(app: ASGIApp, **state: object) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """The application as it is asked by a request of which something is known."""

    async def known(scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"] = dict(state)
        await app(scope, receive, send)

    return known
