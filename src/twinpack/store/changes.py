"""What changes in the registry, in one order that can be followed from any place in it: for those who look on live.

Two orders are joined: outcomes of the fold by the offset of their row, which are committed with the stream's offset,
and lines of alarms' histories by their time, of which a later one is never committed before an earlier one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select

from twinpack.errors import InputError
from twinpack.fleet.events import TRIP, VERSION
from twinpack.store import schema
from twinpack.store.alarms.records import ITSELF
from twinpack.store.database import Database

MAIN_STREAM = "main"
_PLACE = re.compile(r"(\d{1,18})\.(\d{1,9})-(\d{1,18})\.([0-9a-f]{0,12})\.(\d{1,9})")


@dataclass(frozen=True)
class Place:
    """How far changes were read.

    Attributes:
        offset: Outcomes of all rows of the log before this one.
        count: And so many of this one's.
        at_us: Lines of alarms' histories of all times before this one.
        alarm_id: And of this one, those of alarms before this one.
        number: And of this alarm, those up to this one.
    """

    offset: int
    count: int = 0
    at_us: int = 0
    alarm_id: str = ""
    number: int = 0

    @property
    def row(self) -> tuple[int, int]:
        """How far outcomes were read."""
        return self.offset, self.count

    @property
    def line(self) -> tuple[int, str, int]:
        """How far lines of alarms' histories were read."""
        return self.at_us, self.alarm_id, self.number

    def __str__(self) -> str:
        """As one word, for those who come back."""
        return f"{self.offset}.{self.count}-{self.at_us}.{self.alarm_id}.{self.number}"

    @classmethod
    def of(cls, text: str) -> Place:
        """The place that `str` wrote.

        Raises:
            InputError: It did not.
        """
        found = _PLACE.fullmatch(text)
        if found is None:
            raise InputError(f"{text[:40]!r} is no place in the order of events; leave it out to begin anew")
        offset, count, at_us, alarm_id, number = found.groups()
        return cls(int(offset), int(count), int(at_us), alarm_id, int(number))


@dataclass(frozen=True)
class Outcome:
    """A trip that was closed or a version that was decided.

    Attributes:
        vehicle_id: The vehicle.
        kind: `TRIP` or `VERSION`.
        sample_time_us: When, in the vehicle's time.
        number: The version's number, 0 for a trip.
        decision: The version's kind, "" for a trip.
        place: How far one has read with it.
    """

    vehicle_id: str
    kind: str
    sample_time_us: int
    number: int
    decision: str
    place: Place


@dataclass(frozen=True)
class AlarmLine:
    """Something that was done about an alarm, and how the alarm is now.

    Attributes:
        alarm_id: The alarm.
        vehicle_id: Its vehicle.
        action: What was done; see `store.alarms.records.Action`.
        who: By which person, "" for none.
        at_us: When, wall clock.
        code: Its trouble code.
        subject: What of the pack it is about.
        level: Its level.
        severity: Its severity.
        state: Its state.
        revision: Its revision.
        sample_time_us: Sample time at which it was last raised.
        place: How far one has read with it.
    """

    alarm_id: str
    vehicle_id: str
    action: str
    who: str
    at_us: int
    code: str
    subject: str
    level: str
    severity: int
    state: str
    revision: int
    sample_time_us: int
    place: Place


Change = Outcome | AlarmLine


class Changes:
    """Reads what changed, in order."""

    def __init__(self, database: Database) -> None:
        """Read from a database."""
        self._database = database

    def end(self) -> Place:
        """The place after all that has changed so far."""
        with self._database.moment() as connection:
            return _end(connection)

    def after(self, place: Place, most: int, until: Place | None = None) -> tuple[list[Change], Place] | None:
        """What changed since a place, and the place after it.

        Args:
            place: Where one has read to.
            most: So many changes at most are read.
            until: Where to stop, for one who is told the rest by another; None for all.

        Returns:
            None when there were more, or when the registry does not reach to this place: it is another, or an older
            copy.
        """
        with self._database.moment() as connection:
            end = until or _end(connection)
            if place == end:
                return [], end
            if place.row > end.row or place.line > end.line:
                return None
            outcomes = _outcomes(connection, place, end, most + 1)
            lines = _lines(connection, replace(place, offset=end.offset, count=end.count), end, most + 1)
        changes: list[Change] = [*outcomes, *lines]
        return None if len(changes) > most else (changes, end)


def _end(connection: Connection) -> Place:
    stream, actions = schema.stream, schema.alarm_actions
    offset = connection.execute(select(stream.c.log_offset).where(stream.c.name == MAIN_STREAM)).scalar() or 0
    last = select(actions.c.at_us, actions.c.alarm_id, actions.c.number)
    last = last.where(actions.c.at_us == select(func.max(actions.c.at_us)).scalar_subquery())
    row = connection.execute(last.order_by(actions.c.alarm_id.desc(), actions.c.number.desc()).limit(1)).first()
    return Place(offset, 0, *(row or (0, "", 0)))


def _outcomes(connection: Connection, place: Place, end: Place, most: int) -> list[Outcome]:
    table = schema.events
    query = select(table.c.vehicle_id, table.c.kind, table.c.sample_time_us, table.c.log_offset)
    query = query.where(table.c.log_offset >= place.offset, table.c.log_offset <= end.offset)
    query = query.where(table.c.kind.in_((TRIP, VERSION))).order_by(table.c.log_offset, table.c.event_id)
    query = query.limit(most + place.count)
    rows = list(connection.execute(query))
    decided = _decided(connection, [(row[0], row[3]) for row in rows if row[1] == VERSION])
    found: list[Outcome] = []
    offset, count = place.offset, 0
    for vehicle, kind, time_us, row_offset in rows:
        count = count + 1 if row_offset == offset else 1
        offset = row_offset
        number, decision = decided.get((vehicle, row_offset, time_us), (0, "")) if kind == VERSION else (0, "")
        here = replace(place, offset=offset, count=count)
        if place.row < here.row <= end.row:
            found.append(Outcome(vehicle, kind, time_us, number, decision, here))
    return found


def _decided(connection: Connection, made: Sequence[tuple[str, int]]) -> dict[tuple[str, int, int], tuple[int, str]]:
    """Number and kind of the versions of some vehicles that some rows of the log brought about."""
    if not made:
        return {}
    table = schema.twin_versions
    query = select(table.c.vehicle_id, table.c.log_offset, table.c.sample_time_us, table.c.number, table.c.kind)
    first, last = made[0][1], made[-1][1]
    found: dict[tuple[str, int, int], tuple[int, str]] = {}
    for some in _chunks(sorted({vehicle for vehicle, _ in made})):
        rows = connection.execute(
            query.where(table.c.vehicle_id.in_(some), table.c.log_offset >= first, table.c.log_offset <= last)
        )
        found |= {(vehicle, offset, time_us): (number, kind) for vehicle, offset, time_us, number, kind in rows}
    return found


def _lines(connection: Connection, place: Place, end: Place, most: int) -> list[AlarmLine]:
    actions, alarms = schema.alarm_actions, schema.alarms
    same = actions.c.at_us == place.at_us
    after = or_(
        actions.c.at_us > place.at_us,
        and_(same, actions.c.alarm_id > place.alarm_id),
        and_(same, actions.c.alarm_id == place.alarm_id, actions.c.number > place.number),
    )
    query = select(
        *(actions.c[name] for name in ("alarm_id", "number", "at_us", "action", "who")),
        *(alarms.c[name] for name in ("vehicle_id", "code", "subject", "level", "severity", "state", "revision")),
        alarms.c.last_us,
    )
    query = query.select_from(actions.join(alarms, actions.c.alarm_id == alarms.c.alarm_id))
    # The time alone is said first: it is what the index is asked by.
    query = query.where(actions.c.at_us >= place.at_us, actions.c.at_us <= end.at_us, after)
    query = query.order_by(actions.c.at_us, actions.c.alarm_id, actions.c.number).limit(most)
    lines = [_line(place, tuple(row)) for row in connection.execute(query)]
    return [line for line in lines if line.place.line <= end.line]


def _line(place: Place, row: Sequence[Any]) -> AlarmLine:
    alarm_id, number, at_us, action, who, vehicle, code, subject, level, severity, state, revision, last_us = row
    here = replace(place, at_us=at_us, alarm_id=alarm_id, number=number)
    who = "" if who == ITSELF else who
    return AlarmLine(
        alarm_id, vehicle, action, who, at_us, code, subject, level, severity, state, revision, last_us, here
    )


def _chunks(names: Sequence[str]) -> Iterable[Sequence[str]]:
    for start in range(0, len(names), 5_000):
        yield names[start : start + 5_000]
