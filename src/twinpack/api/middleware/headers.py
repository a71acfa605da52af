"""Headers that keep a browser from doing more with an answer than the app needs."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_CONTENT = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; connect-src 'self'; "
    "img-src 'self' data: blob:; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _CONTENT,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_STRICT_TRANSPORT = (b"strict-transport-security", b"max-age=31536000")
_NO_STORE = (b"cache-control", b"no-store")


class Headers:
    """Adds them to every answer; what says nothing of caching is not kept by anybody."""

    def __init__(self, app: ASGIApp, https: bool) -> None:
        """Stand before `app`; `https` says whether browsers come by https alone."""
        self._app = app
        self._always = [(name.lower().encode(), value.encode()) for name, value in _HEADERS.items()]
        if https:
            self._always.append(_STRICT_TRANSPORT)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the headers."""

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = list(message.get("headers", ()))
                cached = any(name == b"cache-control" for name, _ in given)
                message["headers"] = [*given, *self._always, *(() if cached else (_NO_STORE,))]
            await send(message)

        await self._app(scope, receive, send_guarded if scope["type"] == "http" else send)
