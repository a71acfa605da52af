"""What live events say."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from twinpack.views.shapes.alarms import AlarmState
from twinpack.views.shapes.common import At, Shape, VehicleId

EventKind = Literal["alarm", "trip", "version", "latest", "ingest"]


class AlarmEventData(Shape):
    """`alarm`: one was raised, changed, or acted on."""

    alarm_id: str = Field(examples=["a1b2c3d4e5f6"])
    vehicle_id: VehicleId
    fleet: str
    action: str = Field(description="raised, risen, again, passed, gone; acknowledged, assigned, commented, and so on.")
    who: str = Field(description="The person; empty for the detector.")
    at: At
    code: str = Field(examples=["P0BBE"])
    title: str
    subject: str
    level: str
    severity: int = Field(ge=0, le=3)
    state: AlarmState
    revision: int


class TripEventData(Shape):
    """`trip`: one was closed."""

    vehicle_id: VehicleId
    fleet: str
    at: At = Field(description="Its time as the vehicle sees it.")


class VersionEventData(Shape):
    """`version`: one was decided."""

    vehicle_id: VehicleId
    fleet: str
    at: At = Field(description="Its time as the vehicle sees it.")
    number: int
    kind: str = Field(description="prototype, accepted, refused or rollback.")


class ResetEventData(Shape):
    """`reset`: more was missed than is told again; read anew what is shown, then follow."""

    reason: str


class EndEventData(Shape):
    """`end`: the stream ends and why; a browser comes back by itself."""

    reason: str
