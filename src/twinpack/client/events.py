"""Live events, and going on after the last one when the connection is lost."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Event:
    """Something that happened.

    Attributes:
        kind: alarm, latest, trip, version or ingest; or reset, when what came in between is no longer kept.
        data: What it is about.
        event_id: Its place, to go on from: `client.events(after=event.event_id)`. Empty when it has none.
    """

    kind: str
    data: dict[str, Any]
    event_id: str = ""


def events_of(lines: Iterable[str]) -> Iterator[Event]:
    """The events of a stream of lines (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""
    kind, event_id, data = "", "", list[str]()
    for line in lines:
        if not line:
            if data:
                yield Event(kind or "message", json.loads("\n".join(data)), event_id)
            kind, data = "", []
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "event":
                kind = value
            case "data":
                data.append(value)
            case "id":
                event_id = value
            case _:  # "" begins a comment, by which the service shows that it is there
                pass
