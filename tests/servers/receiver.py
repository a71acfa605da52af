"""An HTTP server that notes what is posted to it and answers as it is told."""

from __future__ import annotations

import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class Receiver:
    """Listens at 127.0.0.1, with TLS where it has a certificate.

    Attributes:
        statuses: What the next posts are answered with, in their order.
        answer: What is answered after these.
        hold: While it is not set, nothing is answered.
        posts: Bodies of the posts that were answered with 200.
        bodies: Bodies of all posts, as they came.
        headers: Headers of all posts.
        paths: Their paths.
    """

    def __init__(self, port: int = 0, certificate: tuple[Path, Path] | None = None) -> None:
        self.statuses: list[int] = []
        self.answer = 200
        self.hold = threading.Event()
        self.hold.set()
        self.posts: list[dict[str, Any]] = []
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.hold.wait()
                status = receiver.statuses.pop(0) if receiver.statuses else receiver.answer
                if status == 200:
                    receiver.posts.append(json.loads(body))
                receiver.headers.append(dict(self.headers))
                receiver.paths.append(self.path)
                receiver.bodies.append(body)
                try:
                    self.send_response(status)
                    if status in (301, 302, 307):
                        self.send_header("Location", "/elsewhere")
                    self.end_headers()
                except OSError:  # the other side waited no longer
                    self.close_connection = True

            do_GET = do_POST

            def log_message(self, format: str, *args: object) -> None:
                pass

            def finish(self) -> None:
                if not self.wfile.closed:
                    try:
                        super().finish()
                    except OSError:
                        pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.scheme = "https" if certificate else "http"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=lambda: self._server.serve_forever(0.01))
        self._thread.start()

    def url(self, path: str = "hook", host: str = "127.0.0.1") -> str:
        """An address of it."""
        return f"{self.scheme}://{host}:{self.port}/{path}"

    def close(self) -> None:
        self.hold.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
