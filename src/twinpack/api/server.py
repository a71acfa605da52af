"""Serves an application over HTTP or HTTPS until it is told to stop."""

from __future__ import annotations

import errno
import resource
import socket
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from twinpack.errors import InputError, SettingsError
from twinpack.ingest.heads import BoundedHeads
from twinpack.ingest.listening import listening_socket
from twinpack.ingest.named_files import named_certificate
from twinpack.store.settings import ApiSettings

_STOP_S = 10
_FILES = 16_384
_KEEP_ALIVE_S = 75  # longer than a proxy keeps an idle connection, so that it never sends into one that closes


class ApiServer:
    """Serves from a thread of its own."""

    def __init__(self, app: ASGIApp, settings: ApiSettings, home: Path, port: int | None = None) -> None:
        """Take the port.

        Args:
            app: What answers.
            settings: Where to listen, and the certificate.
            home: What relative paths in the settings are of.
            port: A port in place of that of the settings.

        Raises:
            InputError: The port is taken, or not ours to have.
            SettingsError: The certificate cannot be used.
        """
        self._cert, key = named_certificate("api", settings.cert_file, settings.key_file, home)
        self._host = settings.host
        self._socket = _listening(settings.host, settings.port if port is None else port)
        config = uvicorn.Config(
            app,
            http=BoundedHeads,
            ws="none",
            log_config=None,
            access_log=False,
            lifespan="off",
            limit_concurrency=_most_connections(),
            # Only a proxy that the settings tell of may say for whom it asks.
            proxy_headers=bool(settings.public_url),
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_STOP_S,
            server_header=False,
            ssl_certfile=self._cert,
            ssl_keyfile=key,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=partial(self._server.run, sockets=[self._socket]), name="api")

    @property
    def url(self) -> str:
        """Where it answers."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{'https' if self._cert else 'http'}://{host}:{self._socket.getsockname()[1]}"

    @property
    def alive(self) -> bool:
        """Whether it answers, once it was started."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def close(self, let_go: Callable[[], None] = lambda: None) -> None:
        """Take no new requests, call `let_go` to end streams that would go on, and wait for the rest to be answered."""
        self._server.should_exit = True
        let_go()
        if self._thread.ident is not None:
            self._thread.join()
        self._socket.close()


def _most_connections() -> int:
    """Connections held at once, idle ones too: this process may open more files than most are given to begin with."""
    files, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if most == resource.RLIM_INFINITY else min(_FILES, most)
    if files != resource.RLIM_INFINITY and files < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
        files = wanted
    return _FILES // 2 if files == resource.RLIM_INFINITY else files // 2


def _listening(host: str, port: int) -> socket.socket:
    try:
        return listening_socket(host, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise InputError(f"port {port} is in use by another program; choose one with --port") from error
        if error.errno == errno.EACCES:
            raise InputError(f"port {port} needs more rights than yours; choose one above 1023 with --port") from error
        why = error.strerror or error
        raise SettingsError(f"the API cannot listen at {host}:{port}: {why}; choose another [api] host") from error
