"""`twinpack serve`: the report of a workspace, in a browser on this machine."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from twinpack.cli import output
from twinpack.cli.options import DEFAULT_HOME, Home
from twinpack.errors import NotFoundError


def command(
    home: Home = DEFAULT_HOME,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = 8765,
) -> None:
    """Serve the workspace's report to a browser on this machine.

    It answers on 127.0.0.1 only, and stops with Ctrl-C or SIGTERM.
    """
    from twinpack.cli import report_server

    folder = report_folder(home)
    with report_server.make_server(folder, port) as server, stop_signal() as stopped:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        output.note(f"Serving {folder} at http://{report_server.ADDRESS}:{server.server_port}/ (Ctrl-C stops it)")
        stopped.wait()
        server.shutdown()
    output.note("Stopped.")


def report_folder(home: Path) -> Path:
    """The folder of the workspace's report; it is an error when none was written yet."""
    folder = home / "report"
    if not (folder / "index.html").is_file():
        raise NotFoundError(f"there is no report in {folder}; write it with `twinpack report --home {home}`")
    return folder


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
