"""The web app's files, as the build left them beside the package."""

from __future__ import annotations

from mimetypes import guess_type
from pathlib import Path

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

WEB = Path(__file__).parent.parent / "_web"
_FOREVER = "public, max-age=31536000, immutable"  # their names change with what they hold
_ASK_AGAIN = "no-cache"
_NOT_BUILT = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>twinpack</title></head>
<body>
<h1>The web app is not built</h1>
<p>This copy of twinpack was installed without it. In a clone, <code>make serve</code> builds it; a released package has
it inside. The API answers at <a href="/v1/me">/v1</a>.</p>
</body>
</html>
"""


class WebApp:
    """Serves the app: a file where there is one of that name, and its one page for every other path."""

    def __init__(self, folder: Path = WEB) -> None:
        """Serve a folder."""
        self._folder = folder
        self._files = StaticFiles(directory=folder, check_dir=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a path of the app."""
        if scope["type"] != "http":
            raise RuntimeError("only HTTP is answered here")
        if scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(405, "pages can only be read", {"Allow": "GET, HEAD"})
        answer = await self._answer(scope)
        await answer(scope, receive, send)

    async def _answer(self, scope: Scope) -> Response:
        path = str(scope["path"]).lstrip("/")
        if path.startswith(("v1/", "problems/")) or path == "v1":
            raise HTTPException(404)
        if not (self._folder / "index.html").is_file():
            return HTMLResponse(_NOT_BUILT, 503)
        if path and (self._folder / path).is_file():
            return await self._file(path, scope)
        if path.startswith("assets/") or "." in path.rpartition("/")[2]:
            raise HTTPException(404)
        return await self._file("index.html", scope)

    async def _file(self, path: str, scope: Scope) -> Response:
        """A file; as its build compressed it, where that is there and taken."""
        squeezed = f"{path}.gz"
        taken = "gzip" in Headers(scope=scope).get("accept-encoding", "")
        if taken and (self._folder / squeezed).is_file():
            answer = await self._files.get_response(squeezed, scope)
            answer.headers["Content-Encoding"] = "gzip"
            answer.headers["Content-Type"] = guess_type(path)[0] or "application/octet-stream"
        else:
            answer = await self._files.get_response(path, scope)
        answer.headers["Vary"] = "Accept-Encoding"
        answer.headers["Cache-Control"] = _FOREVER if path.startswith("assets/") else _ASK_AGAIN
        return answer
