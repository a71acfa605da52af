"""The least that FastAPI can do: a handler that answers what it has at hand, and a stream that passes on what comes.

`python -m benchmarks.bare_api` serves it at a free port, which it prints.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator

import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

app = FastAPI()
_queues: set[asyncio.Queue[str]] = set()


@app.get("/bare")
def bare() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/v1/events")
async def events() -> StreamingResponse:
    return StreamingResponse(_follow(), media_type="text/event-stream")


async def _follow() -> AsyncIterator[str]:
    queue: asyncio.Queue[str] = asyncio.Queue()
    _queues.add(queue)
    yield "event: ready\ndata: {}\n\n"
    try:
        while True:
            yield await queue.get()
    finally:
        _queues.discard(queue)


@app.post("/raise/{vehicle_id}")
async def raise_alarm(vehicle_id: str) -> None:
    for queue in _queues:
        queue.put_nowait(f'event: alarm\ndata: {{"vehicle_id":"{vehicle_id}","action":"raised"}}\n\n')


def main() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=1_024) as listening:
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as where uvicorn makes the socket
        sys.stdout.write(f"http://127.0.0.1:{listening.getsockname()[1]}\n")
        sys.stdout.flush()
        uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False)).run(sockets=[listening])


if __name__ == "__main__":
    main()
