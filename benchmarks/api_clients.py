"""Those who ask an API, in processes of their own: what they cost is not the service's."""

from __future__ import annotations

import asyncio
import http.client
import multiprocessing
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Door:
    """Where to ask, and with what key."""

    url: str
    key: str = ""

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        assert parts.hostname is not None and parts.port is not None
        return parts.hostname, parts.port

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}


def ask(door: Door, path: str) -> None:
    """Ask once."""
    with closing(http.client.HTTPConnection(*door.address, timeout=120)) as connection:
        _timed(connection, door, path)


def seconds_in_turns(
    door: Door, paths: Sequence[str], beside: Door, path_beside: str
) -> tuple[list[float], list[float]]:
    """Seconds that each request took over one connection; and another one asked in turn with it."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_ask_in_turns, door, paths, beside, path_beside).result()


def requests_per_second(door: Door, paths: Sequence[str], clients: int, seconds: float) -> float:
    """Requests answered a second, by so many clients that each ask again as soon as they are answered."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(clients, context) as pool:
        list(pool.map(ask, [door] * clients, [paths[0]] * clients))  # all are there
        counts = list(pool.map(_ask_for, [door] * clients, [paths] * clients, range(clients), [seconds] * clients))
    return sum(counts) / seconds


def _ask_in_turns(door: Door, paths: Sequence[str], beside: Door, path_beside: str) -> tuple[list[float], list[float]]:
    taken: tuple[list[float], list[float]] = ([], [])
    mine, other = (http.client.HTTPConnection(*each.address, timeout=120) for each in (door, beside))
    for path in paths:
        taken[0].append(_timed(mine, door, path))
        taken[1].append(_timed(other, beside, path_beside))
    mine.close()
    other.close()
    return taken


def _ask_for(door: Door, paths: Sequence[str], first: int, seconds: float) -> int:
    connection = http.client.HTTPConnection(*door.address, timeout=120)
    end, count, at = time.perf_counter() + seconds, 0, 7 * first
    while time.perf_counter() < end:
        _timed(connection, door, paths[at % len(paths)])
        count, at = count + 1, at + 1
    connection.close()
    return count


def _timed(connection: http.client.HTTPConnection, door: Door, path: str) -> float:
    begin = time.perf_counter()
    connection.request("GET", path, headers=door.headers)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status} {body[:300]!r}")
    return time.perf_counter() - begin


# --- live events ----------------------------------------------------------------------------------------------------


def listen(door: Door, many: int, alarms: int, ready: threading.Event) -> list[tuple[str, float]]:
    """Vehicle and moment (Unix seconds) of each alarm that each of many listeners was told; `ready` once all listen."""
    return asyncio.run(_listen(door, many, alarms, ready))


async def _listen(door: Door, many: int, alarms: int, ready: threading.Event) -> list[tuple[str, float]]:
    streams = [await _open(door) for _ in range(many)]
    ready.set()
    heard = await asyncio.gather(*(_hear(reader, alarms) for reader, _ in streams))
    for _, writer in streams:
        writer.close()
    return [one for each in heard for one in each]


async def _open(door: Door) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection(*door.address)
    lines = ["GET /v1/events?kinds=alarm HTTP/1.1", f"Host: {door.address[0]}:{door.address[1]}"]
    lines += [f"{name}: {value}" for name, value in door.headers.items()]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    while b"event: ready" not in await reader.readline():
        pass
    return reader, writer


async def _hear(reader: asyncio.StreamReader, alarms: int) -> list[tuple[str, float]]:
    heard: list[tuple[str, float]] = []
    while len(heard) < alarms:
        line = await reader.readline()
        if line.startswith(b"data:") and b'"action":"raised"' in line:
            heard.append((line.partition(b'"vehicle_id":"')[2].partition(b'"')[0].decode(), time.time()))
    return heard
