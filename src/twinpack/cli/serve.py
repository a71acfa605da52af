"""`twinpack serve`: the report of a workspace, in a browser on this machine."""

from __future__ import annotations

import errno
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Annotated, Any

import typer

from twinpack.cli import output
from twinpack.cli.options import DEFAULT_HOME, Home
from twinpack.errors import InputError, NotFoundError

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


def command(
    home: Home = DEFAULT_HOME,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = 8765,
) -> None:
    """Serve the workspace's report to a browser on this machine.

    It answers on 127.0.0.1 only, and stops with Ctrl-C or SIGTERM.
    """
    folder = report_folder(home)
    with make_server(folder, port) as server, stop_signal() as stopped:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        output.note(f"Serving {folder} at http://{ADDRESS}:{server.server_port}/ (Ctrl-C stops it)")
        stopped.wait()
        server.shutdown()
    output.note("Stopped.")


def report_folder(home: Path) -> Path:
    """The folder of the workspace's report; it is an error when none was written yet."""
    folder = home / "report"
    if not (folder / "index.html").is_file():
        raise NotFoundError(f"there is no report in {folder}; write it with `twinpack report --home {home}`")
    return folder


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


@contextmanager
def stop_signal() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set, in place of their usual effect."""
    stopped = threading.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, lambda *_: stopped.set())
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


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
