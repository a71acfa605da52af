"""Maintenance of the vehicles that may be seen: done and planned."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from twinpack.errors import InputError, NotFoundError
from twinpack.runtime.repairs import tell_repairs
from twinpack.store.workshop.records import DONE, PLANNED, MaintenanceRecord, check_past, today
from twinpack.views.cursors import Place, place_of
from twinpack.views.moments import micros_of, moment
from twinpack.views.opened import Views
from twinpack.views.shapes.common import PageInfo
from twinpack.views.shapes.workshop import Maintenance, MaintenancePage, MaintenanceRequest
from twinpack.views.sight import Reach, Right, Scope, Sight, hidden
from twinpack.views.spans import holds

_ORDER = "maintenance"
_RECORD_ID = re.compile(r"[0-9a-f]{12}")
_LAST = "~"
"""Behind every day: where work without a day stands among what is planned."""


def maintenance_page(
    views: Views,
    seer: Sight,
    vehicle_id: str | None = None,
    status: str | None = None,
    cursor: str | None = None,
    limit: int = 100,
) -> MaintenancePage:
    """Maintenance of the vehicles that may be seen: what is planned by its day, then what is past, the latest first.

    Raises:
        AccessError: No maintenance may be seen at all.
        InputError: The cursor is none of this list.
    """
    scope = seer.scope(Right.MAINTENANCE)
    found = [record for record in views.registry.workshop.records(vehicle_id, status) if _seen(views, scope, record)]
    rest = found if not cursor else _behind(found, cursor)
    shown = rest[:limit]
    following = _cursor(shown[-1]) if len(rest) > limit else None
    return MaintenancePage(
        items=[_shape(record) for record in shown], page=PageInfo(next_cursor=following, total=len(found))
    )


def add_maintenance(views: Views, reach: Reach, asked: MaintenanceRequest) -> Maintenance:
    """Enter maintenance; a repair that is done is told to the twin with a row of the log.

    Raises:
        InputError: A field is missing or cannot be.
        WorkspaceError: Registry or log cannot be written.
    """
    given = _fields(asked)
    for name in ("kind", "title"):
        if not given.get(name):
            raise InputError(f"{name} is missing: say what kind of work it is, and what it is in a line")
    done_on = given.get("done_on", "")
    status = given.pop("status", "") or (DONE if done_on else PLANNED)
    if status == DONE and not done_on:
        given["done_on"] = today()
    record = MaintenanceRecord(vehicle_id=reach.vehicle_id, status=status, who=reach.who, **given)
    check_past(record)
    return _shape(_told(views, views.registry.workshop.add(record)))


def change_maintenance(views: Views, seer: Sight, record_id: str, asked: MaintenanceRequest) -> Maintenance:
    """Change a record; what is left out stays, null takes a day or a figure away.

    Raises:
        AccessError: No maintenance may be changed at all.
        NotFoundError: There is no such record, or it may not be seen.
        InputError: A field cannot be, or may not change any more.
        ChangedError: It was changed since the revision that was seen.
        WorkspaceError: Registry or log cannot be written.
    """
    before, reach = _seen_record(views, seer, record_id)
    changes = _fields(asked)
    if changes.get("status", before.status) == DONE and not changes.get("done_on", before.done_on):
        changes["done_on"] = today()
    elif changes.get("status", DONE) != DONE and "done_on" not in changes:
        changes["done_on"] = ""
    if changes.get("status") == DONE != before.status:
        changes["who"] = reach.who
    if not changes:
        return _shape(before)
    check_past(replace(before, **changes))
    return _shape(_told(views, views.registry.workshop.change(before.record_id, asked.revision, **changes)))


def remove_maintenance(views: Views, seer: Sight, record_id: str) -> str:
    """Take a record away that was entered by mistake; returns whose it was. Errors as of `change_maintenance`."""
    before, _ = _seen_record(views, seer, record_id)
    return views.registry.workshop.remove(before.record_id).vehicle_id


def _seen(views: Views, scope: Scope, record: MaintenanceRecord) -> bool:
    fleet = views.fleet_of(record.vehicle_id)
    if fleet is None:
        return False
    if scope.fleets is None or fleet in scope.fleets:
        return True
    span = scope.vehicles.get(record.vehicle_id)
    return span is not None and holds(span, _day_us(record))


def _seen_record(views: Views, seer: Sight, record_id: str) -> tuple[MaintenanceRecord, Reach]:
    seer.need(Right.MAINTENANCE_WRITE)
    if not _RECORD_ID.fullmatch(record_id):
        raise hidden()
    try:
        record = views.registry.workshop.record(record_id)
    except NotFoundError:
        raise hidden() from None
    reach = views.reach(seer, record.vehicle_id, Right.MAINTENANCE_WRITE)
    if not holds(reach.span, _day_us(record)):
        raise hidden()
    return record, reach


def _day_us(record: MaintenanceRecord) -> int:
    """When it was done, else is planned, else was entered: by that an owner sees it or not."""
    day = record.done_on or record.planned_on
    return micros_of(datetime.fromisoformat(day).replace(tzinfo=UTC)) if day else record.entered_at_us


def _told(views: Views, record: MaintenanceRecord) -> MaintenanceRecord:
    return next(iter(tell_repairs(views.workspace, views.registry, [record])), record)


def _fields(asked: MaintenanceRequest) -> dict[str, Any]:
    """What was given, as records have it: days as text, whole kilometres, "" for nothing."""
    given = asked.model_dump(exclude_unset=True, exclude={"revision"})
    return {name: _plain(name, value) for name, value in given.items() if not (name == "status" and value is None)}


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if name == "odometer_km":
        return None if value is None else round(value)
    return "" if value is None else value


def _shape(record: MaintenanceRecord) -> Maintenance:
    return Maintenance(
        record_id=record.record_id,
        vehicle_id=record.vehicle_id,
        kind=record.kind,
        status=record.status,
        title=record.title,
        planned_on=_day(record.planned_on),
        done_on=_day(record.done_on),
        odometer_km=record.odometer_km,
        reference=record.reference,
        notes=record.notes,
        who=record.who,
        entered_at=moment(record.entered_at_us),
        changed_at=moment(record.changed_at_us),
        revision=record.revision,
    )


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


# --- pages ----------------------------------------------------------------------------------------------------------


def _key(record: MaintenanceRecord) -> str:
    """Where a record stands: `planned` or `past`, and its day."""
    if record.status == PLANNED:
        return f"planned {record.planned_on or _LAST}"
    return f"past {record.done_on or record.planned_on}"


def _cursor(record: MaintenanceRecord) -> str:
    return Place(_ORDER, _key(record), record.record_id).cursor()


def _behind(records: list[MaintenanceRecord], cursor: str) -> list[MaintenanceRecord]:
    place = place_of(cursor, _ORDER)
    group, _, day = str(place.value).partition(" ")
    return [record for record in records if _follows(record, group, day, place.name)]


def _follows(record: MaintenanceRecord, group: str, day: str, name: str) -> bool:
    mine, _, at = _key(record).partition(" ")
    if mine != group:
        return mine == "past"
    if at != day:
        return at > day if group == "planned" else at < day
    return record.record_id > name
