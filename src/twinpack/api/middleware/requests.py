"""Names each request, writes it to the log, and answers for a handler that broke."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from twinpack.api.middleware.identity import GUARDED
from twinpack.api.problems import problem
from twinpack.ingest.logs import Events
from twinpack.views.asking import request_id

API_LOGGER = "twinpack.api"


class Requests:
    """Gives a request its name, and one line of the log: no query, no header and no body, which may hold secrets."""

    def __init__(self, app: ASGIApp, observe: Callable[[str, str, int, float], None]) -> None:
        """Stand before `app`.

        Args:
            app: What answers.
            observe: Told of each request: its method, its route, the status and the seconds it took.
        """
        self._app, self._observe = app, observe
        self._events = Events("requests", API_LOGGER)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and tell."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        name = scope.setdefault("state", {})["request_id"] = secrets.token_hex(6)
        request_id.set(name)
        began, status = time.monotonic(), 0

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", name.encode())]
            await send(message)

        try:
            await self._app(scope, receive, send_named)
        except Exception as error:  # noqa: BLE001 - the boundary of a request: the service goes on without it
            self._events.error("request_broke", trace=True, request=name, path=scope["path"], error=str(error))
            if not status:
                words = f"this could not be done; the server's log says why, at request {name}"
                await problem(scope, 500, words)(scope, receive, send_named)
        finally:
            self._tell(scope, name, status, time.monotonic() - began)

    def _tell(self, scope: Scope, name: str, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "")
        if route and scope["path"].startswith(GUARDED):
            route = GUARDED + route.lstrip("/")  # a router knows its routes without the prefix it is under
        self._observe(scope["method"], route, status, seconds)
        seer = scope["state"].get("sight")
        self._events.info(
            "request",
            request=name,
            method=scope["method"],
            path=scope["path"],
            status=status,
            ms=round(1_000 * seconds, 1),
            who=getattr(seer, "who", ""),
        )
