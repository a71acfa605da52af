"""Finds out who asks, before any route of the API is looked for."""

from __future__ import annotations

from typing import Protocol

from anyio import to_thread
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from twinpack.api.problems import problem_of
from twinpack.errors import TwinpackError
from twinpack.views.sight import Sight, everything

GUARDED = "/v1/"
OPEN = frozenset({"/v1/auth/sign-in", "/v1/auth/token", "/v1/auth/refresh"})
"""Where one becomes known; nobody can be known before."""


class Authenticator(Protocol):
    """Knows who asks."""

    def sight(self, request: Request) -> Sight:
        """Who asks, and what may be seen and done.

        Raises:
            IdentityError: Nobody that is known.
            AccessError: One that is known, by a request that may have been forged.
        """
        ...


class NoSignIn:
    """Lets everybody see all: for the one person at this machine."""

    def sight(self, request: Request) -> Sight:
        """The owner of the workspace."""
        return everything("no-auth")


class Identity:
    """Puts the `Sight` of the one who asks into the request's state; a path that is not there needs one, too."""

    def __init__(self, app: ASGIApp, authenticator: Authenticator) -> None:
        """Stand before `app`."""
        self._app, self._authenticator = app, authenticator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer those that are known."""
        if scope["type"] == "http" and scope["path"].startswith(GUARDED) and scope["path"] not in OPEN:
            try:
                request = Request(scope, receive)
                scope.setdefault("state", {})["sight"] = await to_thread.run_sync(self._authenticator.sight, request)
            except TwinpackError as error:
                await problem_of(scope, error)(scope, receive, send)
                return
        await self._app(scope, receive, send)
