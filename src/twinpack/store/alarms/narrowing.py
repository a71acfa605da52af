"""Which alarms a list may hold, and which of them a search finds, as conditions of a query."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, and_, false, func, or_, select, true

from twinpack.store import schema
from twinpack.store.fleet_records import DEFAULT_FLEET

Times = tuple[int | None, int | None]
"""From a sample time up to before another, microseconds since the epoch; None is open."""


@dataclass(frozen=True)
class Within:
    """Whose alarms may be seen at all.

    Attributes:
        fleets: Of the vehicles of these fleets; None for all.
        vehicles: Of these vehicles too, whatever their fleet, where first raised within a time.
    """

    fleets: Collection[str] | None = None
    vehicles: Mapping[str, Times] = field(default_factory=dict)

    def condition(self) -> ColumnElement[bool]:
        """What an alarm must fulfil."""
        if self.fleets is None:
            return true()
        return or_(false(), *(in_fleet(fleet) for fleet in sorted(self.fleets)), *self._granted())

    def _granted(self) -> Iterator[ColumnElement[bool]]:
        table = schema.alarms
        for vehicle, (start, end) in self.vehicles.items():
            after = [table.c.first_us >= start] if start is not None else []
            before = [table.c.first_us < end] if end is not None else []
            yield and_(table.c.vehicle_id == vehicle, *after, *before)


def in_fleet(fleet: str) -> ColumnElement[bool]:
    """Of the vehicles of a fleet; the default fleet has those that were put into no other."""
    entries = schema.vehicle_entries
    inside = schema.alarms.c.vehicle_id.in_(select(entries.c.vehicle_id).where(entries.c.fleet == fleet))
    if fleet != DEFAULT_FLEET:
        return inside
    return or_(inside, schema.alarms.c.vehicle_id.not_in(select(entries.c.vehicle_id)))


def found_by(text: str) -> ColumnElement[bool]:
    """A text is in the vehicle's name or label, in code or subject, or begins the alarm's identity."""
    table, entries = schema.alarms, schema.vehicle_entries
    sought = text.strip().lower()
    labelled = select(entries.c.vehicle_id).where(func.lower(entries.c.label).contains(sought, autoescape=True))
    named = (table.c.vehicle_id, table.c.code, table.c.subject)
    return or_(
        *(func.lower(column).contains(sought, autoescape=True) for column in named),
        table.c.alarm_id.startswith(sought, autoescape=True),
        table.c.vehicle_id.in_(labelled),
    )


def behind(severity: int, last_us: int, alarm_id: str) -> ColumnElement[bool]:
    """What follows an alarm in the order of lists: severity, then the last raised first."""
    table = schema.alarms
    return or_(
        table.c.severity < severity,
        and_(table.c.severity == severity, table.c.last_us < last_us),
        and_(table.c.severity == severity, table.c.last_us == last_us, table.c.alarm_id > alarm_id),
    )
