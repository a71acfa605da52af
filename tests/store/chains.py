"""Short version chains and the events that carry them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from twinpack.fleet.events import VERSION, Event, event_id
from twinpack.twin.versions import ACCEPTED, PROTOTYPE, TwinVersion


def version(vehicle_id: str, number: int, parent: TwinVersion | None = None, reason: str = "error") -> TwinVersion:
    made = TwinVersion(
        vehicle_id=vehicle_id,
        number=number,
        kind=ACCEPTED if number > 1 else PROTOTYPE,
        sample_time_us=1_000_000 * number,
        model_hash="a" * 64,
        trip_number=number - 1,
        window_start_us=0,
        window_end_us=1_000_000 * number,
        reason=reason,
        deployed_rmse_v=0.5 / number,
        challenger_rmse_v=None,
        never_rmse_v=1.0,
        parameters=("capacity_ah", "r0_scale"),
        mean=(50.0 - 0.1 * number, 1.0),
        covariance=(1.0, 0.0, 0.01),
        evidence={"nis": 1.5},
        parent_hash=parent.hash if parent else "",
    )
    return made.sealed()


def chain(vehicle_id: str, count: int) -> list[TwinVersion]:
    made: list[TwinVersion] = []
    for number in range(1, count + 1):
        made.append(version(vehicle_id, number, made[-1] if made else None))
    return made


def version_event(body: TwinVersion, offset: int) -> Event:
    code = str(body.number)
    identity = event_id(body.vehicle_id, body.sample_time_us, VERSION, code)
    return Event(identity, body.vehicle_id, body.sample_time_us, VERSION, offset, body)


def version_events(bodies: Sequence[TwinVersion], first_offset: int) -> list[Event]:
    return [version_event(body, first_offset + place) for place, body in enumerate(bodies)]


def plain_event(vehicle_id: str, kind: str, offset: int) -> Event:
    return Event(event_id(vehicle_id, offset, kind), vehicle_id, offset, kind, offset, None)


def resealed(body: TwinVersion, reason: str) -> TwinVersion:
    return replace(body, reason=reason, hash="").sealed()
