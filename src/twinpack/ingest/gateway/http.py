"""The HTTP source: `POST /v1/telemetry`, answered once it is durable; `/metrics` and `/healthz` beside it."""

from __future__ import annotations

import asyncio
import errno
import resource
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST

from twinpack.errors import BodyError, RegistryBusyError, SettingsError
from twinpack.ingest.gateway.intake import Intake
from twinpack.ingest.gateway.letters import MAX_RAW
from twinpack.ingest.gateway.metrics import Metrics
from twinpack.ingest.gateway.parcels import Outcome, Parcel, Refused
from twinpack.ingest.heads import BoundedHeads
from twinpack.ingest.listening import listening_socket
from twinpack.ingest.logs import Events
from twinpack.ingest.messages import Message, expand, split_body
from twinpack.ingest.named_files import named_certificate
from twinpack.store.credentials import DeviceCredentials, Principal
from twinpack.store.settings import HttpSettings

BODY_S = 30.0
"""Longest that the body of a request may take to arrive, seconds."""
ANSWER_S = 30.0
"""Longest that a request waits to become durable, seconds."""

_MEGABYTE = 1_000_000
_EXPANDING = 2
_BODIES = 4  # of the largest size are held at once
_CONNECTIONS = 10_000
_STATUS = {"size": 413, "type": 415, "encoding": 415, "body": 400}


class OtherAnswer(Exception):
    """A request that gets another answer than the one it hoped for."""

    def __init__(self, status: int, detail: str, **headers: str) -> None:
        """The status, why, and headers."""
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, {k.replace("_", "-"): v for k, v in headers.items()}


@dataclass
class Held:
    """Bytes of bodies that are being read or expanded."""

    bytes: int = 0


class Door:
    """The routes, as an ASGI application."""

    def __init__(
        self,
        intake: Intake,
        credentials: DeviceCredentials,
        settings: HttpSettings,
        metrics: Metrics,
        health: Callable[[], dict[str, Any]],
        now_us: Callable[[], int],
    ) -> None:
        """Name the way in and who may use it."""
        self._intake, self._credentials, self._metrics = intake, credentials, metrics
        self._health, self._now_us = health, now_us
        self._most, self._most_expanded = (
            round(size * _MEGABYTE) for size in (settings.max_body_mb, settings.max_expanded_mb)
        )
        self._held = Held()
        self._expanding = asyncio.Semaphore(_EXPANDING)
        self._events = Events("http")
        self.app = FastAPI(openapi_url=None)
        self.app.add_api_route("/v1/telemetry", self.telemetry, methods=["POST"])
        self.app.add_api_route("/metrics", self.metrics, methods=["GET"])
        self.app.add_api_route("/healthz", self.healthz, methods=["GET"])

    async def telemetry(self, request: Request) -> Response:
        """Take the messages of a body."""
        try:
            answer = await self._take(request)
        except OtherAnswer as refusal:
            answer = JSONResponse({"detail": refusal.detail}, refusal.status, refusal.headers)
        except RegistryBusyError:
            answer = JSONResponse({"detail": "credentials cannot be checked now"}, 503, {"Retry-After": "2"})
        self._metrics.requests.labels(str(answer.status_code)).inc()
        return answer

    async def metrics(self) -> Response:
        """What is measured, for Prometheus."""
        return Response(self._metrics.text(), media_type=CONTENT_TYPE_LATEST)

    async def healthz(self) -> Response:
        """Whether telemetry is taken and kept."""
        state = self._health()
        return JSONResponse(state, 200 if state["status"] == "ok" else 503)

    # --- a request ------------------------------------------------------------------------------------------------

    async def _take(self, request: Request) -> Response:
        sender = await self._sender(request)
        self._check_room()
        content_type, encoding = (request.headers.get(name, "") for name in ("content-type", "content-encoding"))
        body = await self._body(request)
        try:
            messages, refused, status = await self._open(body, content_type, encoding)
            if not messages and not refused:
                return JSONResponse(_answer(Outcome()))
            outcome = await self._make_durable(messages, refused, sender)
        finally:
            self._held.bytes -= len(body)
        return JSONResponse(_answer(outcome), status or _status(outcome))

    async def _sender(self, request: Request) -> Principal:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        problem = "a device token is needed, as `Authorization: Bearer TOKEN`: `twinpack token issue` makes one"
        if scheme.lower() == "bearer" and token.strip():
            found = await run_in_threadpool(self._credentials.verify, token.strip())
            if found is not None:
                return found
            problem = "this token is wrong, was revoked or has ended: `twinpack token list` shows those that hold"
        raise OtherAnswer(401, problem, WWW_Authenticate="Bearer")

    def _check_room(self) -> None:
        if not self._intake.writable:
            raise OtherAnswer(503, "the log cannot be written now; nothing was taken", Retry_After="5")
        if not self._intake.pending.has_room() or self._held.bytes >= _BODIES * self._most:
            raise self._no_room()

    def _no_room(self) -> OtherAnswer:
        return OtherAnswer(429, "too much waits to be written; nothing was taken", Retry_After="1")

    async def _body(self, request: Request) -> bytes:
        told = request.headers.get("content-length", "0")
        too_large = OtherAnswer(413, f"the body is larger than {self._most:,} bytes: send it in parts")
        if not told.isdigit() or int(told) > self._most:
            raise too_large
        parts, size = [], 0
        try:
            async with asyncio.timeout(BODY_S):
                async for part in request.stream():
                    parts.append(part)
                    size += len(part)
                    self._held.bytes += len(part)
                    if size > self._most:
                        raise too_large
                    if self._held.bytes > _BODIES * self._most:  # many that began when there was room
                        raise self._no_room()
        except TimeoutError:
            self._held.bytes -= size
            raise OtherAnswer(408, f"the body took longer than {BODY_S:.0f} s") from None
        except BaseException:
            self._held.bytes -= size
            raise
        return b"".join(parts)

    async def _open(self, body: bytes, content_type: str, encoding: str) -> tuple[list[Message], list[Refused], int]:
        """Messages of a body; a body that has none is a dead letter itself, and brings its status."""
        async with self._expanding:
            try:
                return await run_in_threadpool(self._split, body, content_type, encoding), [], 0
            except BodyError as error:
                refused = Refused(Message(body[:MAX_RAW]), "body", error.reason, str(error))
                return [], [refused], _STATUS[error.reason]

    def _split(self, body: bytes, content_type: str, encoding: str) -> list[Message]:
        return split_body(expand(body, encoding, self._most_expanded), content_type)

    async def _make_durable(self, messages: list[Message], refused: list[Refused], sender: Principal) -> Outcome:
        loop = asyncio.get_running_loop()
        durable: asyncio.Future[None] = loop.create_future()
        parcel = Parcel(
            "http",
            messages,
            [sender],
            self._now_us(),
            partial(_settle, loop, durable),
            refused,
            wants_outcome=True,
        )
        for one in refused:
            parcel.outcome.reject(0, one.reason, one.detail)
        self._metrics.received.labels("http").inc(parcel.count)
        if not self._intake.pending.put(parcel):
            raise OtherAnswer(503, "the gateway is stopping; nothing was taken", Retry_After="5")
        try:
            async with asyncio.timeout(ANSWER_S):
                await durable
        except TimeoutError:
            raise OtherAnswer(503, "it is not known to be durable: send it again", Retry_After="5") from None
        return parcel.outcome


def _settle(loop: asyncio.AbstractEventLoop, durable: asyncio.Future[None], parcel: Parcel) -> None:
    """Called from the committer's thread; the request may have been given up, and the loop with it."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(_finish, durable)


def _finish(durable: asyncio.Future[None]) -> None:
    if not durable.done():
        durable.set_result(None)


def _answer(outcome: Outcome) -> dict[str, Any]:
    return {
        "accepted": outcome.accepted,
        "duplicates": outcome.duplicates,
        "late": outcome.late,
        "unrouted": outcome.unrouted,
        "rejected_count": outcome.rejected,
        "rejected": [{"index": one.message, "reason": one.reason, "detail": one.detail} for one in outcome.reasons],
    }


def _status(outcome: Outcome) -> int:
    """200 when anything was good; what was turned away is a dead letter, and need not be sent again."""
    if outcome.accepted or outcome.duplicates or outcome.unrouted or not outcome.rejected:
        return HTTPStatus.OK
    only_forbidden = all(one.reason == "forbidden" for one in outcome.reasons)
    return HTTPStatus.FORBIDDEN if only_forbidden else HTTPStatus.BAD_REQUEST


class HttpSource:
    """Serves a door from a thread of its own."""

    def __init__(self, door: Door, settings: HttpSettings, home: Path) -> None:
        """Take the port.

        Raises:
            SettingsError: It is taken or is not ours to have, or the certificate cannot be used.
        """
        cert, key = named_certificate("http", settings.cert_file, settings.key_file, home)
        self._socket = _listening(settings.host, settings.port)
        self._secure = cert is not None
        self._host = settings.host
        config = uvicorn.Config(
            door.app,
            http=BoundedHeads,
            log_config=None,
            access_log=False,
            lifespan="off",
            limit_concurrency=most_connections(),
            timeout_keep_alive=30,
            timeout_graceful_shutdown=20,
            server_header=False,
            ssl_certfile=cert,
            ssl_keyfile=key,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=partial(self._server.run, sockets=[self._socket]), name="http", daemon=True
        )

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"{'https' if self._secure else 'http'}://{self._host}:{self._socket.getsockname()[1]}"

    @property
    def alive(self) -> bool:
        """Whether it answers, once it was started."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Take no new requests; those that wait are still answered."""
        self._server.should_exit = True

    def close(self) -> None:
        """End."""
        self.stop()
        if self._thread.ident is not None:
            self._thread.join()
        self._socket.close()


def _listening(host: str, port: int) -> socket.socket:
    try:
        return listening_socket(host, port)
    except OSError as error:
        why = "the port is in use" if error.errno == errno.EADDRINUSE else error.strerror or error
        raise SettingsError(
            f"the gateway cannot listen at {host}:{port}: {why}; choose another address under [http] in settings.toml"
        ) from error


def most_connections() -> int:
    """Connections held at once, idle ones too: half of the files that this process may open, for the log needs some."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _CONNECTIONS if files == resource.RLIM_INFINITY else min(_CONNECTIONS, files // 2)
