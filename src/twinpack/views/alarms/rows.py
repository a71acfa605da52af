"""Alarms as lists show them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, cast

from twinpack.store.alarms.records import Alarm
from twinpack.store.fleet_records import VehicleEntry
from twinpack.views.moments import moment, moment_or_none
from twinpack.views.shapes.alarms import AlarmRow, AlarmState

if TYPE_CHECKING:
    from twinpack.views.opened import Views


def rows_of(views: Views, alarms: Sequence[Alarm]) -> list[AlarmRow]:
    """Alarms that may be seen, with what their vehicles are called and what their codes mean."""
    entries = _entries(views, {alarm.vehicle_id for alarm in alarms})
    return [_row(views, alarm, entries.get(alarm.vehicle_id) or VehicleEntry(alarm.vehicle_id)) for alarm in alarms]


def _entries(views: Views, names: set[str]) -> dict[str, VehicleEntry]:
    """What people said of some vehicles: of those that the figures of the fleet hold, without asking the registry."""
    table = views.fleet
    found = {name: table.entries[at] for name in names if (at := table.at.get(name)) is not None}
    missing = names - found.keys()
    return found | views.registry.fleet.entries_of(sorted(missing)) if missing else found


def row_of(views: Views, alarm: Alarm) -> AlarmRow:
    """One of them."""
    return next(iter(rows_of(views, [alarm])))


def _row(views: Views, alarm: Alarm, entry: VehicleEntry) -> AlarmRow:
    snoozed = alarm.snoozed(views.now_us())
    return AlarmRow(
        alarm_id=alarm.alarm_id,
        vehicle_id=alarm.vehicle_id,
        vehicle_label=entry.label,
        fleet=entry.fleet,
        code=alarm.code,
        title=views.meanings.of(alarm.code).title,
        subject=alarm.subject,
        category=alarm.category,
        level=alarm.level,
        severity=alarm.severity,
        state=cast(AlarmState, alarm.state),
        present=alarm.present,
        count=alarm.count,
        first_at=moment(alarm.first_us),
        last_at=moment(alarm.last_us),
        raised_at=moment(alarm.raised_at_us),
        assignee=alarm.assignee,
        snoozed_until=moment_or_none(alarm.snoozed_until_us) if snoozed else None,
        muted_by=alarm.muted_by,
        revision=alarm.revision,
    )


def by_severity(counts: Iterable[tuple[int, int]]) -> list[int]:
    """Numbers of severity 0 to 3."""
    found = dict(counts)
    return [found.get(severity, 0) for severity in range(4)]
