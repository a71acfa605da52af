"""One who listens to live events."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

CHANGES = "alarm,trip,version"


@dataclass(frozen=True)
class Heard:
    """An event as it came."""

    kind: str
    id: str
    data: Mapping[str, Any]


class Stream:
    """The events of an answer, as they come."""

    def __init__(self, answer: httpx.Response) -> None:
        self.status = answer.status_code
        self.headers = answer.headers
        self._blocks = self._read(answer)

    def next(self, kind: str | None = None) -> Heard:
        """The next event, or the next of a kind."""
        return next(heard for heard in self._blocks if kind in (None, heard.kind))

    def rest(self) -> list[Heard]:
        """All that comes until the end."""
        return list(self._blocks)

    def _read(self, answer: httpx.Response) -> Iterator[Heard]:
        block: dict[str, str] = {}
        for line in answer.iter_lines():
            name, _, value = line.partition(": ")
            if line:
                block[name] = value
            else:
                if "data" in block:
                    yield Heard(block["event"], block.get("id", ""), json.loads(block["data"]))
                block = {}


@contextmanager
def listening(client: httpx.Client, last: str = "", kinds: str = CHANGES, **params: str) -> Iterator[Stream]:
    """Listen to what changes, or to other kinds, from after an event on."""
    headers = {"Last-Event-ID": last} if last else {}
    with client.stream("GET", "/v1/events", params={"kinds": kinds, **params}, headers=headers) as answer:
        yield Stream(answer)
