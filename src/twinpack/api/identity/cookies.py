"""The cookie of a browser's session, and the token that goes with every change made by it."""

from __future__ import annotations

import hashlib
import hmac

from starlette.requests import HTTPConnection
from starlette.responses import Response

from twinpack.errors import AccessError
from twinpack.store.settings import ApiSettings

PLAIN, HOST_ONLY = "twinpack_session", "__Host-twinpack_session"
CSRF_HEADER = "x-csrf-token"
_CHANGES_NOTHING = ("GET", "HEAD", "OPTIONS")


class Cookies:
    """Sets, reads and ends the cookie, as the settings say how browsers reach the service."""

    def __init__(self, settings: ApiSettings) -> None:
        """Over https, the cookie goes over nothing else, and no other host can have set it."""
        self._secure = bool(settings.cert_file) or settings.public_url.startswith("https://")

    @property
    def name(self) -> str:
        """Its name; browsers hold one with the prefix to what it promises."""
        return HOST_ONLY if self._secure else PLAIN

    def read(self, request: HTTPConnection) -> str:
        """Its value, "" without one."""
        return request.cookies.get(self.name, "")

    def set(self, response: Response, value: str, lasts_s: int) -> None:
        """Have the browser keep it."""
        response.set_cookie(
            self.name, value, max_age=lasts_s, path="/", secure=self._secure, httponly=True, samesite="strict"
        )

    def end(self, response: Response) -> None:
        """Have the browser forget it."""
        response.delete_cookie(self.name, path="/", secure=self._secure, httponly=True, samesite="strict")


def csrf_token(cookie: str) -> str:
    """The token of a session: made of its secret, which no page can read."""
    return hmac.new(cookie.encode(), b"twinpack csrf", hashlib.sha256).hexdigest()


def check_csrf(request: HTTPConnection, token: str) -> None:
    """Refuse a change that does not carry the session's token: a page elsewhere may have made it.

    Raises:
        AccessError: It does not.
    """
    method = request.scope.get("method", "GET")
    shown = request.headers.get(CSRF_HEADER, "")
    if method not in _CHANGES_NOTHING and not hmac.compare_digest(shown.encode(), token.encode()):
        raise AccessError("a change from a browser needs its CSRF token as X-CSRF-Token; `GET /v1/me` tells it")
