"""Events as they are sent, made once for all who listen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from pydantic import BaseModel

from twinpack.store.changes import AlarmLine, Change, Outcome, Place
from twinpack.views.moments import moment
from twinpack.views.shapes.alarms import AlarmState
from twinpack.views.shapes.events import AlarmEventData, EventKind, TripEventData, VersionEventData

if TYPE_CHECKING:
    from twinpack.views.opened import Views


@dataclass(frozen=True)
class Message:
    """An event of a vehicle.

    Attributes:
        kind: What happened.
        vehicle_id: To which vehicle.
        fleet: Its fleet.
        time_us: When, as the vehicle sees it.
        place: How far one has read with it.
        text: As it is sent.
    """

    kind: EventKind
    vehicle_id: str
    fleet: str
    time_us: int
    place: Place
    text: bytes


def messages_of(views: Views, changes: Sequence[Change]) -> Iterator[Message]:
    """What changed, as events; what is of no vehicle that is known is left out."""
    for change in changes:
        fleet = views.fleet_of(change.vehicle_id)
        if fleet is None:
            continue
        kind, body = _alarm(views, change, fleet) if isinstance(change, AlarmLine) else _outcome(change, fleet)
        text = block(kind, body, str(change.place))
        yield Message(kind, change.vehicle_id, fleet, change.sample_time_us, change.place, text)


def block(kind: str, body: BaseModel | None, place: str = "") -> bytes:
    """An event as it is sent; with its place, it is where one goes on after it."""
    data = "{}" if body is None else body.model_dump_json()
    return (f"id: {place}\n" if place else "").encode() + f"event: {kind}\ndata: {data}\n\n".encode()


def beat(place: str) -> bytes:
    """A sign of life, which moves on where one goes on after a break."""
    return f": beat\nid: {place}\n\n".encode()


def _alarm(views: Views, line: AlarmLine, fleet: str) -> tuple[EventKind, BaseModel]:
    body = AlarmEventData(
        alarm_id=line.alarm_id,
        vehicle_id=line.vehicle_id,
        fleet=fleet,
        action=line.action,
        who=line.who,
        at=moment(line.at_us),
        code=line.code,
        title=views.meanings.of(line.code).title,
        subject=line.subject,
        level=line.level,
        severity=line.severity,
        state=cast(AlarmState, line.state),
        revision=line.revision,
    )
    return "alarm", body


def _outcome(outcome: Outcome, fleet: str) -> tuple[EventKind, BaseModel]:
    at = moment(outcome.sample_time_us)
    if outcome.kind == "trip":
        return "trip", TripEventData(vehicle_id=outcome.vehicle_id, fleet=fleet, at=at)
    body = VersionEventData(
        vehicle_id=outcome.vehicle_id, fleet=fleet, at=at, number=outcome.number, kind=outcome.decision
    )
    return "version", body
