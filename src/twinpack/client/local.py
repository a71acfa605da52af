"""The service inside this process: the same routes and the same answers, without a network or a port."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import httpx
from starlette.types import ASGIApp, Message, Scope

HOST = "localhost"
_END = None
_LEAVE_S = 2.0


class InProcess(httpx.BaseTransport):
    """Hands requests to an application that runs in a thread of its own."""

    def __init__(self, app: ASGIApp, let_go: Callable[[], None] = lambda: None) -> None:
        """Start the application; `let_go` ends streams that would go on."""
        self._app, self._let_go = app, let_go
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="twinpack-local", daemon=True)
        self._thread.start()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request; its body comes as it is made."""
        exchange = _Exchange(self._loop, request.read())
        running = asyncio.run_coroutine_threadsafe(self._answer(_scope(request), exchange), self._loop)
        start = exchange.take()
        if start is _END:
            raise httpx.RemoteProtocolError(f"no answer: {running.exception()}", request=request)
        return httpx.Response(start["status"], headers=start["headers"], stream=_Body(exchange), request=request)

    def close(self) -> None:
        """Stop the application."""
        if self._loop.is_closed():
            return
        self._let_go()
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _answer(self, scope: Scope, exchange: _Exchange) -> None:
        try:
            await self._app(scope, exchange.receive, exchange.send)
        finally:
            exchange.parts.put(_END)

    async def _stop(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if others:
            # What has been answered may still have files to close.
            _, others = await asyncio.wait(others, timeout=_LEAVE_S)
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._loop.shutdown_default_executor()


@dataclass
class _Exchange:
    """One request and its answer, between two threads."""

    loop: asyncio.AbstractEventLoop
    body: bytes
    parts: queue.Queue[Message | None] = field(default_factory=queue.Queue)
    asked: bool = False
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    async def receive(self) -> Message:
        """The request, once; then that it is over, when it is."""
        if not self.asked:
            self.asked = True
            return {"type": "http.request", "body": self.body, "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """A part of the answer."""
        self.parts.put(message)

    def take(self) -> Message | None:
        """The next part, None at the end."""
        return self.parts.get()

    def leave(self) -> None:
        """Say that nobody waits for the rest."""
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.gone.set)


class _Body(httpx.SyncByteStream):
    def __init__(self, exchange: _Exchange) -> None:
        self._exchange = exchange

    def __iter__(self) -> Iterator[bytes]:
        while (part := self._exchange.take()) is not _END:
            yield part.get("body", b"")
            if not part.get("more_body", False):
                return

    def close(self) -> None:
        self._exchange.leave()


def _scope(request: httpx.Request) -> Scope:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.url.scheme,
        "path": request.url.path,
        "raw_path": request.url.raw_path.split(b"?")[0],
        "query_string": request.url.query,
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "client": ("127.0.0.1", 0),
        "server": (HOST, None),
        "state": {},
    }
