"""Live events."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse

from twinpack.api.dependencies import Seer
from twinpack.api.problems import documented

router = APIRouter(tags=["events"], responses=documented(503))


@router.get("/events", response_class=StreamingResponse, responses={200: {"content": {"text/event-stream": {}}}})
def events(
    seer: Seer,
    kinds: Annotated[str | None, Query(description="Of alarm, latest, trip, version, ingest; commas between.")] = None,
    vehicle_id: Annotated[str | None, Query(description="Of this vehicle alone; needed for latest.")] = None,
    last_event_id: Annotated[str | None, Header(description="Go on after this event.")] = None,
) -> StreamingResponse:
    """Server-sent events: alarms raised and changed, trips closed, versions decided, newest values of a vehicle."""
    raise NotImplementedError
