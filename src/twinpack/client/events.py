"""Live events, and going on after the last one when the connection is lost."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import httpx

_AGAIN_S = 2.0
_READY, _BEAT, _END = "ready", "", "end"


@dataclass(frozen=True)
class Event:
    """Something that happened.

    Attributes:
        kind: alarm, latest, trip, version or ingest; or reset, when too much was missed for all of it to be told.
        data: What it is about.
        event_id: Its place, to go on from: `client.events(after=event.event_id)`. Empty when it has none.
    """

    kind: str
    data: dict[str, Any]
    event_id: str = ""


class Following:
    """Events without an end; a lost connection is made again, and goes on after the last event that was given.

    Use as a context manager to close it at the end.
    """

    def __init__(self, listen: Callable[[str], httpx.Response | None], after: str) -> None:
        """Begin to listen: what happens from now on is given, whenever it is looked at.

        Args:
            listen: Opens a stream that goes on after a place; None while the service has to be waited for.
            after: The place.
        """
        self._listen, self._after = listen, after
        self._stream: httpx.Response | None = None
        self._events: Iterator[Event] = iter(())
        self._closed = False
        self._open()

    def __iter__(self) -> Iterator[Event]:
        """The events."""
        return self

    def __next__(self) -> Event:
        """The next one; waits for it."""
        while not self._closed:
            event = self._next()
            if event is None or event.kind == _END:
                self._leave()
                time.sleep(_AGAIN_S)
                self._open()
            elif event.kind not in (_READY, _BEAT):
                return event
        raise StopIteration

    def __enter__(self) -> Following:
        """Use as a context manager."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Listen no longer."""
        self._closed = True
        self._leave()

    def _open(self) -> None:
        self._stream = self._listen(self._after)
        if self._stream is not None:
            self._events = events_of(self._stream.iter_lines())
            self._next()  # says that one is listened for, or what was missed

    def _next(self) -> Event | None:
        """The next event of this connection, None when it is lost."""
        try:
            event = next(self._events, None)
        except httpx.TransportError:
            return None
        if event is not None:
            self._after = event.event_id or self._after
        return event

    def _leave(self) -> None:
        if self._stream is not None:
            self._stream.close()
        self._stream, self._events = None, iter(())


def events_of(lines: Iterable[str]) -> Iterator[Event]:
    """The events of a stream of lines (https://html.spec.whatwg.org/multipage/server-sent-events.html).

    What moves on the place alone is an event without a kind.
    """
    kind, event_id, data, moved = "", "", list[str](), False
    for line in lines:
        if not line:
            if data:
                yield Event(kind or "message", json.loads("\n".join(data)), event_id)
            elif moved:
                yield Event(_BEAT, {}, event_id)
            kind, data, moved = "", [], False
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "event":
                kind = value
            case "data":
                data.append(value)
            case "id":
                event_id, moved = value, True
            case _:  # "" begins a comment, "retry" is for browsers
                pass
