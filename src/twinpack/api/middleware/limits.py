"""Bounds what one request may send, and how long it may take."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from twinpack.api.problems import problem

ENDLESS = frozenset({"/v1/events"})
"""Answers that go on for as long as somebody listens."""


class Limits:
    """Refuses bodies that are too large, and answers in place of what takes too long."""

    def __init__(self, app: ASGIApp, max_bytes: int, seconds: float) -> None:
        """Stand before `app`."""
        self._app, self._max_bytes, self._seconds = app, max_bytes, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer within the limits."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        told = headers.get("content-length", "0")
        if not told.isdigit() or int(told) > self._max_bytes:
            await problem(scope, 413, self._too_large())(scope, receive, send)
            return
        bodiless = int(told) == 0 and "transfer-encoding" not in headers
        await self._within(scope, _Bounded(receive, send, self._max_bytes, self._too_large(), read=bodiless))

    async def _within(self, scope: Scope, request: _Bounded) -> None:
        if scope["path"] in ENDLESS:
            await self._app(scope, request.receive, request.through)
            return
        loop = asyncio.get_running_loop()
        late: list[asyncio.Task[None]] = []
        timer = loop.call_later(self._seconds, lambda: late.append(loop.create_task(self._give_up(scope, request))))
        try:
            await self._app(scope, request.receive, request.send)
        finally:
            timer.cancel()
            for task in late:
                await task

    async def _give_up(self, scope: Scope, request: _Bounded) -> None:
        """Answer for a handler that is still at it: a thread cannot be stopped, but nobody has to wait for it."""
        if request.started:
            return
        request.given_up = True
        status, what = (503, "was not done") if request.read else (408, "did not arrive")
        answer = problem(scope, status, f"the request {what} within {self._seconds:g} s; ask for less, or again later")
        await answer(scope, request.receive, request.through)

    def _too_large(self) -> str:
        return f"a request may have {self._max_bytes:,} bytes; send less at once"


@dataclass
class _Bounded:
    """The two ends of a request."""

    came: Receive
    through: Send
    max_bytes: int
    too_large: str
    bytes: int = 0
    read: bool = False
    started: bool = False
    given_up: bool = False

    async def receive(self) -> Message:
        message = await self.came()
        if message["type"] == "http.request":
            self.bytes += len(message.get("body", b""))
            self.read = self.read or not message.get("more_body", False)
            if self.bytes > self.max_bytes:
                raise HTTPException(413, self.too_large)
        return message

    async def send(self, message: Message) -> None:
        if self.given_up:
            return  # it has been answered
        self.started = True
        await self.through(message)
