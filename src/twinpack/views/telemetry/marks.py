"""What happened to a vehicle in a range of time, to be drawn over what it sent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Literal

from twinpack.store.alarms.records import STATES
from twinpack.store.alarms.register import Wanted
from twinpack.store.workshop.records import DONE
from twinpack.twin.versions import MEASURED, PROTOTYPE, REFUSED, ROLLBACK, TwinVersion
from twinpack.views.moments import moment
from twinpack.views.opened import Views
from twinpack.views.shapes.vehicle import Mark
from twinpack.views.sight import Reach, Right, Sight
from twinpack.views.spans import holds, within

_Kind = Literal["charge", "drive", "alarm", "recalibration", "refused", "rollback", "maintenance"]
_TRIP_MARKS: dict[str, _Kind] = {"charging": "charge", "driving": "drive"}
_TRIP_LABELS = {"charging": "Charge", "driving": "Drive"}


def marks_of(views: Views, seer: Sight, reach: Reach, start_us: int, end_us: int) -> list[Mark]:
    """Trips, alarms, versions and work that the one who looks may see, in the order of time.

    Args:
        views: The workspace.
        seer: Who looks; what it has no right to is left out.
        reach: The vehicle, and of what times it may be seen.
        start_us: Where the range begins, microseconds since the epoch.
        end_us: Where it ends.
    """
    start_us, end_us = within(reach.span, start_us, end_us)
    found: list[Mark] = []
    if start_us >= end_us:
        return found
    if seer.may(Right.VEHICLE):
        found += _trips(views, reach, start_us, end_us)
        found += _versions(views, reach, start_us, end_us)
    if seer.may(Right.ALARMS):
        found += _alarms(views, reach, start_us, end_us)
    if seer.may(Right.MAINTENANCE):
        found += _maintenance(views, reach, start_us, end_us)
    return sorted(found, key=lambda mark: mark.at)


def _trips(views: Views, reach: Reach, start_us: int, end_us: int) -> Iterator[Mark]:
    rows = views.rows.trips(reach.vehicle_id).select(["number", "kind", "start_us", "end_us"])
    for number, kind, first, last in zip(*(column.to_pylist() for column in rows.columns), strict=True):
        if kind in _TRIP_MARKS and first < end_us and last >= start_us:
            # Of a trip that began before it may be seen, or ended after, the part that may be is told.
            yield Mark(
                at=moment(first if holds(reach.span, first) else start_us),
                until=moment(last if holds(reach.span, last) else end_us),
                kind=_TRIP_MARKS[kind],
                label=f"{_TRIP_LABELS[kind]} {number}",
                ref=str(number),
            )


def _versions(views: Views, reach: Reach, start_us: int, end_us: int) -> Iterator[Mark]:
    for version in views.registry.versions(reach.vehicle_id):
        if start_us <= version.sample_time_us < end_us and version.kind != PROTOTYPE:
            kind, label = _told(version)
            yield Mark(at=moment(version.sample_time_us), kind=kind, label=label, ref=str(version.number))


def _told(version: TwinVersion) -> tuple[_Kind, str]:
    if version.kind == REFUSED:
        return "refused", f"Version {version.number} refused"
    if version.kind == ROLLBACK:
        return "rollback", f"Back to an earlier version, as version {version.number}"
    if version.kind == MEASURED:
        return "recalibration", f"Tested in a workshop, as version {version.number}"
    return "recalibration", f"Recalibrated to version {version.number}"


def _alarms(views: Views, reach: Reach, start_us: int, end_us: int) -> Iterator[Mark]:
    for alarm in views.registry.alarms.alarms(Wanted(states=STATES, vehicle=reach.vehicle_id)):
        if start_us <= alarm.last_us < end_us:
            subject = f", {alarm.subject}" if alarm.subject else ""
            yield Mark(
                at=moment(alarm.last_us),
                kind="alarm",
                label=f"{alarm.code}{subject}",
                severity=alarm.severity,
                ref=alarm.alarm_id,
            )


def _maintenance(views: Views, reach: Reach, start_us: int, end_us: int) -> Iterator[Mark]:
    for record in views.registry.workshop.records(vehicle=reach.vehicle_id):
        if record.status == DONE and record.done_on:
            at = datetime.fromisoformat(record.done_on).replace(tzinfo=UTC)
            if start_us <= at.timestamp() * 1e6 < end_us:
                yield Mark(at=at, kind="maintenance", label=record.title, ref=record.record_id)
