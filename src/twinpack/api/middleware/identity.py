"""Finds out who asks, before any route of the API is looked for."""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from twinpack.api.identity.authenticator import Authenticator
from twinpack.api.problems import problem_of
from twinpack.errors import TwinpackError

GUARDED = "/v1/"
OPEN = frozenset({"/v1/auth/sign-in", "/v1/auth/token", "/v1/auth/refresh"})
"""Where one becomes known; nobody can be known before."""


class Identity:
    """Puts the `Sight` of the one who asks into the request's state; a path that is not there needs one, too."""

    def __init__(self, app: ASGIApp, authenticator: Authenticator) -> None:
        """Stand before `app`."""
        self._app, self._authenticator = app, authenticator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer those that are known."""
        if scope["type"] == "http" and scope["path"].startswith(GUARDED) and scope["path"] not in OPEN:
            try:
                found = await self._authenticator.identified(Request(scope, receive))
                scope.setdefault("state", {}).update(identified=found, sight=found.sight)
            except TwinpackError as error:
                await problem_of(scope, error)(scope, receive, send)
                return
        await self._app(scope, receive, send)
