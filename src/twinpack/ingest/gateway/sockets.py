"""A socket for paho that reads and writes in bulk.

Paho reads a packet in three or four system calls and writes each acknowledgement in one. Here one call fills a buffer
with hundreds of packets and one call sends as many acknowledgements. It enters by the one public door there is, the
TLS context, whose `wrap_socket` paho calls when it connects; without TLS the socket in it is a plain one.
"""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from typing import Any

READ_BYTES = 262_144


class BulkSocket:
    """What paho takes for its socket. `recv` and `send` touch buffers only; `fill` and `flush` touch the network."""

    def __init__(self, inner: socket.socket) -> None:
        """Wrap a connected socket."""
        self._inner = inner
        self._held = b""
        self._at = 0
        self._ended = False
        self._outgoing = bytearray()

    @property
    def unread(self) -> int:
        """Bytes that were received and not read yet."""
        return len(self._held) - self._at

    @property
    def unsent(self) -> int:
        """Bytes that were written and not sent yet."""
        return len(self._outgoing)

    @property
    def ended(self) -> bool:
        """Whether the other side hung up and all it had said is read."""
        return self._ended and not self.unread

    def fill(self) -> None:
        """Receive what is there, once; only when everything before it has been read."""
        try:
            self._held = self._inner.recv(READ_BYTES)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            self._held = b""
        except OSError:
            self._held, self._ended = b"", True
        else:
            self._ended = not self._held
        self._at = 0

    def flush(self) -> None:
        """Send as much as can be sent now."""
        try:
            while self._outgoing:
                del self._outgoing[: self._inner.send(self._outgoing)]
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        except OSError:
            self._outgoing.clear()
            self._ended = True

    # What paho calls.

    def recv(self, buffer_size: int) -> bytes:
        """The next bytes that were received.

        Raises:
            BlockingIOError: There are none for now.
        """
        start = self._at
        found = self._held[start : start + buffer_size]
        if not found and not self._ended:
            raise BlockingIOError
        self._at = start + len(found)
        return found

    def send(self, buffer: bytes | bytearray) -> int:
        """Take bytes to be sent by the next `flush`."""
        self._outgoing += buffer
        return len(buffer)

    def close(self) -> None:
        """Send what can be sent and close."""
        self.flush()
        self._inner.close()

    def fileno(self) -> int:
        """Number of the open file."""
        return self._inner.fileno()

    def setblocking(self, flag: bool) -> None:
        """Whether calls wait."""
        self._inner.setblocking(flag)

    def settimeout(self, seconds: float | None) -> None:
        """How long calls wait."""
        self._inner.settimeout(seconds)

    def do_handshake(self) -> None:
        """Agree on TLS, where there is any."""
        if isinstance(self._inner, ssl.SSLSocket):
            try:
                self._inner.do_handshake()
            except BaseException:
                self._inner.close()  # nobody else would
                raise


class BulkContext(ssl.SSLContext):
    """A TLS context, or the lack of one, that gives bulk sockets."""

    encrypted = True

    def wrap_socket(self, sock: socket.socket, *args: Any, **options: Any) -> Any:
        """A bulk socket around one that is connected."""
        return BulkSocket(super().wrap_socket(sock, *args, **options) if self.encrypted else sock)


def plain_context() -> BulkContext:
    """A context that encrypts nothing."""
    context = BulkContext(ssl.PROTOCOL_TLS_CLIENT)
    context.encrypted = False
    return context


def tls_context(ca_file: Path | None, cert_file: Path | None, key_file: Path | None) -> BulkContext:
    """A context that checks the broker's certificate and name, and shows ours where we have one.

    Args:
        ca_file: Certificates that may sign the broker's; None for the system's.
        cert_file: Our certificate, None for none.
        key_file: Its key.

    Raises:
        OSError: A file cannot be read, or holds something else.
    """
    context = BulkContext(ssl.PROTOCOL_TLS_CLIENT)
    name, path = "ca_file", ca_file
    try:
        if ca_file:
            context.load_verify_locations(ca_file)
        else:
            context.load_default_certs()
        if cert_file:
            name, path = "cert_file", cert_file
            context.load_cert_chain(cert_file, key_file, password=lambda: "")  # never ask at the terminal
    except OSError as error:
        raise OSError(f"[mqtt] {name}: {path} cannot be used ({error})") from error
    return context
