"""The web app's files, as the build left them beside the package."""

from __future__ import annotations

import mimetypes
from pathlib import Path

from anyio import to_thread
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, HTMLResponse, Response
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
        self._folder = folder.resolve()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a path of the app."""
        if scope["type"] != "http":
            raise RuntimeError("only HTTP is answered here")
        path = str(scope["path"]).lstrip("/")
        if path == "v1" or path.startswith(("v1/", "problems/")):
            raise HTTPException(404)
        if scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(405, "pages can only be read", {"Allow": "GET, HEAD"})
        answer = await to_thread.run_sync(self._answer, path, Headers(scope=scope).get("accept-encoding", ""))
        await answer(scope, receive, send)

    def _answer(self, path: str, accepted: str) -> Response:
        index = self._folder / "index.html"
        if not index.is_file():
            return HTMLResponse(_NOT_BUILT, 503)
        file = self._file(path)
        if file is None and (path.startswith("assets/") or "." in path.rpartition("/")[2]):
            raise HTTPException(404)
        forever = file is not None and path.startswith("assets/")
        return _response(file or index, {"Cache-Control": _FOREVER if forever else _ASK_AGAIN}, accepted)

    def _file(self, path: str) -> Path | None:
        """A file of the folder, and of no other."""
        try:
            file = (self._folder / path).resolve()
            return file if path and file.is_file() and file.is_relative_to(self._folder) else None
        except (OSError, ValueError):  # a name that no file can have
            return None


def _response(file: Path, headers: dict[str, str], accepted: str) -> Response:
    """A file, as the build packed it for those who can unpack it."""
    packed = file.with_name(f"{file.name}.gz")
    if not packed.is_file():
        return FileResponse(file, headers=headers)
    headers["Vary"] = "Accept-Encoding"
    if "gzip" not in accepted:
        return FileResponse(file, headers=headers)
    kind = mimetypes.guess_type(file.name)[0]
    return FileResponse(packed, headers=headers | {"Content-Encoding": "gzip"}, media_type=kind)
