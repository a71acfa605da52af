"""The small web server behind `twinpack serve`: one folder, read only, for this machine's browser only."""

from __future__ import annotations

import errno
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from twinpack.errors import InputError

ADDRESS = "127.0.0.1"
SECURITY_HEADERS = {
    # The report is one page with its style and script inside; it needs nothing else, so nothing else is allowed.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}


def make_server(folder: Path, port: int) -> ThreadingHTTPServer:
    """A server of `folder`, bound to the loopback address."""

    class Handler(ReportHandler):
        root = folder

    try:
        return ThreadingHTTPServer((ADDRESS, port), Handler)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise InputError(f"port {port} is in use by another program; choose one with --port") from error
        if error.errno == errno.EACCES:
            raise InputError(f"port {port} needs more rights than yours; choose one above 1023 with --port") from error
        raise


class ReportHandler(SimpleHTTPRequestHandler):
    """Files of one folder, read only, without listings, for this machine's browser only."""

    root: Path
    server_version = "twinpack"
    sys_version = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """As the base class, but for the class's own folder."""
        super().__init__(*args, directory=str(self.root), **kwargs)

    def send_head(self) -> Any:
        """Refuses a foreign host name (a page elsewhere may have been pointed at this address) and folders."""
        host = self.headers.get("Host", "").rpartition(":")[0] or self.headers.get("Host", "")
        if host not in (ADDRESS, "localhost"):
            return self.send_error(421, "Ask for 127.0.0.1 or localhost")
        if self.path == "/favicon.ico" and not (self.root / "favicon.ico").is_file():
            self.send_response(204)
            return self.end_headers()
        return super().send_head()

    def list_directory(self, path: Any) -> None:
        """Never lists a folder."""
        self.send_error(404, "Not found")

    def end_headers(self) -> None:
        """Adds the security headers to every answer, errors too."""
        for name, value in SECURITY_HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Keeps the terminal quiet."""
