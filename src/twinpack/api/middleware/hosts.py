"""Refuses requests that were made for another host, or by the page of another origin."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from twinpack.api.problems import problem
from twinpack.store.settings import ApiSettings

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_EVERYWHERE = ("0.0.0.0", "::", "")
_CHANGES_NOTHING = ("GET", "HEAD", "OPTIONS")
_PROBES = ("/livez", "/readyz")
"""Asked by what looks after the service, under any name; they tell nothing."""


def allowed_hosts(settings: ApiSettings, no_auth: bool) -> frozenset[str] | None:
    """Host names that the service answers to; None for any.

    Without sign-in they are those of this machine alone: a page elsewhere may have had its own name pointed here.
    """
    public = urlsplit(settings.public_url).hostname or ""
    if no_auth:
        return LOOPBACK
    if settings.host in _EVERYWHERE and not public:
        return None
    return LOOPBACK | {name.strip("[]").lower() for name in (public, settings.host) if name}


class Hosts:
    """Checks the Host header of each request, and the Origin of those that change something."""

    def __init__(self, app: ASGIApp, hosts: Collection[str] | None, origins: Collection[str] = ()) -> None:
        """Stand before `app`.

        Args:
            app: What answers.
            hosts: Names that it answers to; None for any.
            origins: Other origins whose pages may change something.
        """
        self._app, self._hosts, self._origins = app, hosts, frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer those that were meant for here."""
        if scope["type"] == "http" and scope["path"] not in _PROBES:
            headers = Headers(scope=scope)
            refused = self._refuse(scope["method"], headers)
            if refused:
                await problem(scope, refused[0], refused[1])(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _refuse(self, method: str, headers: Headers) -> tuple[int, str] | None:
        host = headers.get("host", "")
        if self._hosts is not None and _name(host) not in self._hosts:
            return 421, f"this service does not answer to that name; ask for {', '.join(sorted(self._hosts))}"
        origin = headers.get("origin")
        if method in _CHANGES_NOTHING or origin is None or origin in self._origins:
            return None
        scheme, _, place = origin.partition("://")
        if scheme in ("http", "https") and place.lower() == host.lower():
            return None
        return 403, "a page of another origin may not change anything here"


def _name(host: str) -> str:
    """The name in a Host header, without its port."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
