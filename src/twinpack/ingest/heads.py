"""Heads of HTTP requests: bounded in size and in time, for every service that listens.

The parser itself bounds neither: a client that never ends its headers would fill the memory, or hold a connection for
ever.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES = 65_536
"""Largest head of a request: its first line and its headers."""
HEAD_S = 30.0
"""Longest that a head may take to arrive, seconds."""


class BoundedHeads(HttpToolsProtocol):
    """Ends a connection whose head of a request is too large or takes too long."""

    head_s: ClassVar[float] = HEAD_S
    _in_head = True
    _head_bytes = 0
    _since_s = 0.0
    _look: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first head."""
        super().connection_made(transport)
        self._since_s = self.loop.time()
        self._look = self.loop.call_later(self.head_s, self._check)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        if self._look is not None:
            self._look.cancel()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """A request begins; what came before it on this connection was idleness, which has a limit of its own."""
        self._in_head, self._head_bytes, self._since_s = True, 0, self.loop.time()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._in_head = False
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Take what came, unless it is too much of a head."""
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > HEAD_BYTES:
            self._refuse(b"431 Request Header Fields Too Large")

    def _check(self) -> None:
        """One timer a connection, not one a request: it looks again when the head at hand would be late."""
        waited_s = self.loop.time() - self._since_s if self._in_head else 0.0
        if waited_s >= self.head_s:
            self._refuse(b"408 Request Timeout")
        else:
            self._look = self.loop.call_later(self.head_s - waited_s, self._check)

    def _refuse(self, status: bytes) -> None:
        self._in_head = False
        if not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 " + status + b"\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
            self.transport.close()
