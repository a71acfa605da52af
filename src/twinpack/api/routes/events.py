"""Live events."""

from __future__ import annotations

from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse

from twinpack.api.dependencies import Asked, Looked
from twinpack.api.events.hub import Hub
from twinpack.api.events.stream import stream
from twinpack.api.events.wanted import Wanted, kinds_of, wanted_by
from twinpack.api.problems import documented
from twinpack.store.changes import Place

router = APIRouter(tags=["events"], responses=documented(404, 503))

_EXAMPLE = (
    "id: 118204.0-1795770126085246.a1b2c3d4e5f6.3\nevent: alarm\n"
    'data: {"alarm_id":"a1b2c3d4e5f6","vehicle_id":"HF-0417","action":"acknowledged", …}\n\n'
)


@router.get(
    "/events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}, "example": _EXAMPLE}}}},
)
async def events(
    request: Request,
    asked: Asked,
    looked: Looked,
    kinds: Annotated[
        str | None, Query(max_length=64, description="Of alarm, trip, version, latest, ingest; commas between.")
    ] = None,
    vehicle_id: Annotated[
        str | None, Query(max_length=64, description="Of this vehicle alone; needed for latest.")
    ] = None,
    last_event_id: Annotated[str | None, Header(max_length=128, description="Go on after this event.")] = None,
) -> StreamingResponse:
    """Server-sent events: alarms raised and changed, trips closed, versions decided, newest values of a vehicle.

    Kinds that the role may not see are left out. A stream that was cut goes on where it ended; `reset` says that too
    much was missed for that, and `end` that it ends, and why.
    """
    hub: Hub = request.app.state.hub
    chosen = kinds_of(kinds)
    after = Place.of(last_event_id) if last_event_id else None
    authenticator = request.app.state.authenticator

    def look_again() -> Wanted:
        return wanted_by(looked, authenticator.again(asked).sight, chosen, vehicle_id)

    wanted = await to_thread.run_sync(wanted_by, looked, asked.sight, chosen, vehicle_id)
    hub.check_room()
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(stream(hub, wanted, after, look_again), media_type="text/event-stream", headers=headers)
