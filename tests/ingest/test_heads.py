"""Heads of requests that never end, or never come, are given up; what is right is answered, one after the other."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from tests.waiting import until
from twinpack.ingest.heads import HEAD_BYTES, BoundedHeads
from twinpack.ingest.listening import listening_socket

WAIT_S = 20.0


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


class Hasty(BoundedHeads):
    head_s = 0.5


@pytest.fixture(params=[BoundedHeads, Hasty])
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    listening = listening_socket("127.0.0.1", 0)
    config = uvicorn.Config(app, http=request.param, log_config=None, lifespan="off", timeout_keep_alive=60)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    until(lambda: server.started)
    yield listening.getsockname()[1]
    server.should_exit = True
    thread.join()
    listening.close()


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), WAIT_S)


def everything(line: socket.socket) -> bytes:
    """What comes until the other side ends the connection."""
    found = b""
    try:
        while part := line.recv(65_536):
            found += part
    except ConnectionResetError:  # what it had not read yet is thrown away
        pass
    return found


@pytest.mark.parametrize("port", [BoundedHeads], indirect=True)
def test_a_head_that_does_not_end_is_refused(port: int) -> None:
    with connected(port) as line:
        line.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n")
        try:
            for _ in range(40):
                line.sendall(b"x-more: " + b"a" * 8_000 + b"\r\n")
        except (BrokenPipeError, ConnectionResetError):
            return
        assert everything(line)[:12] in (b"HTTP/1.1 431", b"")


def test_a_large_head_below_the_limit_and_a_large_body_are_taken(port: int) -> None:
    body = b"b" * (3 * HEAD_BYTES)
    with connected(port) as line:
        for _ in range(3):
            head = b"POST / HTTP/1.1\r\nhost: a\r\nx-long: " + b"a" * (HEAD_BYTES // 2)
            line.sendall(head + b"\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
            answer = b""
            while not answer.endswith(b"ok"):
                answer += line.recv(65_536)
            assert answer.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("port", [Hasty], indirect=True)
@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\nhost:"])
def test_a_head_that_does_not_come_is_given_up(port: int, begun: bytes) -> None:
    with connected(port) as line:
        line.sendall(begun)
        assert everything(line).startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize("port", [Hasty], indirect=True)
def test_a_connection_that_waits_for_its_next_request_is_kept(port: int) -> None:
    with connected(port) as line:
        for pause in (0.0, 2.0 * Hasty.head_s):
            threading.Event().wait(pause)
            line.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            answer = b""
            while not answer.endswith(b"ok"):
                answer += line.recv(65_536)
            assert answer.startswith(b"HTTP/1.1 200")
