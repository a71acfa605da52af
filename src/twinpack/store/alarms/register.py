"""Alarms as people see and handle them; findings open and join them in `keeping`.

Each change is one transaction that locks the alarm, so that of two people at once the second meets what the first did.
Whoever shows an alarm before changing it hands its `revision` back: a change made meanwhile by another person is then
refused with `ChangedError`. What findings do to an alarm meanwhile refuses nobody.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select

from twinpack.detect.findings import LEVELS
from twinpack.detect.words import moment
from twinpack.errors import ChangedError, InputError, NotFoundError
from twinpack.store import schema
from twinpack.store.alarms.found import History, found_by_id
from twinpack.store.alarms.narrowing import Within, behind, found_by, in_fleet
from twinpack.store.alarms.order import next_moment
from twinpack.store.alarms.people import check_who
from twinpack.store.alarms.records import (
    ACKNOWLEDGED,
    ACTIVE,
    CLEARED,
    CONFIRMED,
    OPEN_STATES,
    REFUTED,
    STATES,
    Action,
    Alarm,
    FindingRecord,
)
from twinpack.store.database import Database
from twinpack.store.fleet_records import check_text
from twinpack.store.records import now_us

CHUNK = 5_000
"""Keys of a query: SQLite takes 32,766 bound values in a statement."""


@dataclass(frozen=True)
class Wanted:
    """Which alarms a list shows; None and "" are for any.

    Attributes:
        states: In these states.
        vehicle: Of this vehicle.
        fleet: Of the vehicles of this fleet.
        code: With this code.
        category: `battery`, `sensor` or `data`.
        min_severity: Of at least this severity.
        min_level: Of at least this level.
        assignee: Assigned to this person; "" for nobody.
        snoozed: Whether they are snoozed now.
        present: Whether they are so at the moment.
        since_us: Raised at this sample time or later.
        limit: How many at most.
        severities: Of these severities.
        level: Of this level.
        text: What a search finds: in vehicle, label, code or subject.
        within: Whose may be seen at all; None for everybody's.
        after: Severity, last raise and identity of the alarm that these follow in the list; counts pass over it.
    """

    states: tuple[str, ...] = OPEN_STATES
    vehicle: str | None = None
    fleet: str | None = None
    code: str | None = None
    category: str | None = None
    min_severity: int = 0
    min_level: str = LEVELS[0]
    assignee: str | None = None
    snoozed: bool | None = None
    present: bool | None = None
    since_us: int | None = None
    limit: int | None = None
    severities: tuple[int, ...] | None = None
    level: str | None = None
    text: str = ""
    within: Within | None = None
    after: tuple[int, int, str] | None = None

    def check(self) -> None:
        """Raise when nothing could ever be asked for so.

        Raises:
            InputError: Names the filter.
        """
        for state in self.states:
            if state not in STATES:
                raise InputError(f"state {state!r} is none of {', '.join(STATES)}")
        if self.min_level not in LEVELS:
            raise InputError(f"level {self.min_level!r} is none of {', '.join(LEVELS)}")
        if not 0 <= self.min_severity <= 3:
            raise InputError(f"severity {self.min_severity} is not from 0 to 3")
        if self.level is not None and self.level not in LEVELS:
            raise InputError(f"level {self.level!r} is none of {', '.join(LEVELS)}")


class Alarms:
    """The alarms of a registry."""

    def __init__(self, database: Database) -> None:
        """Keep them in `database`."""
        self._database = database

    # Look

    def alarms(self, wanted: Wanted = Wanted()) -> list[Alarm]:
        """Alarms, the most severe first, of these the last raised first.

        Raises:
            InputError: A filter cannot be.
        """
        wanted.check()
        table = schema.alarms
        query = select(table).where(*_conditions(wanted))
        if wanted.after is not None:
            query = query.where(behind(*wanted.after))
        query = query.order_by(table.c.severity.desc(), table.c.last_us.desc(), table.c.alarm_id)
        return [Alarm(*row) for row in self._database.rows(query.limit(wanted.limit))]

    def counts(self, wanted: Wanted = Wanted()) -> dict[int, int]:
        """Number of alarms by severity, 0 to 3.

        Raises:
            InputError: A filter cannot be.
        """
        wanted.check()
        table = schema.alarms
        query = select(table.c.severity, func.count()).where(*_conditions(wanted)).group_by(table.c.severity)
        return dict.fromkeys(range(4), 0) | {severity: count for severity, count in self._database.rows(query)}

    def alarm(self, alarm_id: str) -> Alarm:
        """An alarm by its identity, or by the first digits of it that no other has.

        Raises:
            NotFoundError: There is none.
            InputError: Several begin so; names them.
        """
        with self._database.read() as connection:
            return found_by_id(connection, alarm_id)

    def history(self, alarm_id: str) -> list[Action]:
        """What was done about an alarm, by whom, first to last."""
        table = schema.alarm_actions
        query = select(table).where(table.c.alarm_id == alarm_id).order_by(table.c.number)
        return [Action(*row) for row in self._database.rows(query)]

    def actions(self) -> list[Action]:
        """What was done about any alarm, in the order of the clock."""
        table = schema.alarm_actions
        query = select(table).order_by(table.c.at_us, table.c.alarm_id, table.c.number)
        return [Action(*row) for row in self._database.rows(query)]

    def findings_of(self, alarm_id: str, limit: int | None = None) -> list[FindingRecord]:
        """The findings that an alarm is made of, the last ones first."""
        table = schema.findings
        query = select(table).where(table.c.alarm_id == alarm_id)
        query = query.order_by(table.c.log_offset.desc(), table.c.sample_time_us.desc(), table.c.event_id)
        return _findings(self._database.rows(query.limit(limit)))

    def findings_of_vehicle(self, vehicle_id: str, limit: int | None = None) -> list[FindingRecord]:
        """What was found of a vehicle, the last first."""
        table = schema.findings
        query = select(table).where(table.c.vehicle_id == vehicle_id)
        query = query.order_by(table.c.sample_time_us.desc(), table.c.log_offset.desc(), table.c.event_id)
        return _findings(self._database.rows(query.limit(limit)))

    def newest_findings(self, vehicle_id: str) -> list[FindingRecord]:
        """The newest finding of each code and subject of a vehicle, however long ago it was."""
        table = schema.findings
        place = func.row_number().over(
            partition_by=(table.c.code, table.c.subject),
            order_by=(table.c.log_offset.desc(), table.c.sample_time_us.desc(), table.c.event_id),
        )
        ranked = select(table.c.event_id, place.label("place")).where(table.c.vehicle_id == vehicle_id).subquery()
        newest = select(ranked.c.event_id).where(ranked.c.place == 1)
        return _findings(self._database.rows(select(table).where(table.c.event_id.in_(newest))))

    def findings_of_rows(self, start: int, stop: int, limit: int | None = None) -> list[FindingRecord]:
        """What rows of the log from `start` to before `stop` brought about, in their order; for those who follow it.

        With a limit, the last row told of may have brought about more: ask again from that row on.
        """
        table = schema.findings
        query = select(table).where(table.c.log_offset >= start, table.c.log_offset < stop)
        return _findings(self._database.rows(query.order_by(table.c.log_offset, table.c.event_id).limit(limit)))

    def finding(self, event_id: str) -> FindingRecord:
        """One finding.

        Raises:
            NotFoundError: There is none.
        """
        table = schema.findings
        for found in _findings(self._database.rows(select(table).where(table.c.event_id == event_id))):
            return found
        raise NotFoundError(f"there is no finding {event_id!r}")

    def verdicts(self, code: str) -> dict[str, bool]:
        """Alarms of a code of which a person said whether there was such a fault, and what they said."""
        table, alarms = schema.alarm_actions, schema.alarms
        mine = select(alarms.c.alarm_id).where(alarms.c.code == code)
        query = select(table.c.alarm_id, table.c.action).where(
            table.c.action.in_((CONFIRMED, REFUTED)), table.c.alarm_id.in_(mine)
        )
        return {alarm_id: action == CONFIRMED for alarm_id, action in self._database.rows(query)}

    def findings(self, event_ids: Sequence[str]) -> dict[str, FindingRecord]:
        """Some findings by their events; those that are not there are left out."""
        table = schema.findings
        found: dict[str, FindingRecord] = {}
        for start in range(0, len(event_ids), CHUNK):
            some = select(table).where(table.c.event_id.in_(event_ids[start : start + CHUNK]))
            found |= {one.event_id: one for one in _findings(self._database.rows(some))}
        return found

    # Handle

    def acknowledge(self, alarm_id: str, who: str, comment: str = "", revision: int | None = None) -> Alarm:
        """Say that a person has seen it; returns it as it is then.

        Args:
            alarm_id: Its identity, or the first digits of it.
            who: The person.
            comment: What to say of it.
            revision: `revision` of the alarm as the person saw it; None where it was not shown.

        Raises:
            NotFoundError: There is no such alarm.
            InputError: It is not active, or a text cannot be kept.
            ChangedError: Another person has changed it since.
        """

        def acknowledged(alarm: Alarm, history: History) -> Alarm:
            if alarm.state == ACKNOWLEDGED:
                raise InputError(
                    f"alarm {alarm.alarm_id} was acknowledged before, {history.told('acknowledged')}; "
                    f"`twinpack alarms comment {alarm.alarm_id}` adds to it"
                )
            return replace(alarm, state=ACKNOWLEDGED)

        return self._act(alarm_id, who, "acknowledged", comment, revision, acknowledged)

    def unacknowledge(self, alarm_id: str, who: str, comment: str = "", revision: int | None = None) -> Alarm:
        """Take the acknowledgement back: nobody sees to it yet; arguments and errors as of `acknowledge`."""

        def active(alarm: Alarm, _: History) -> Alarm:
            if alarm.state != ACKNOWLEDGED:
                raise InputError(f"alarm {alarm.alarm_id} is not acknowledged")
            return replace(alarm, state=ACTIVE)

        return self._act(alarm_id, who, "unacknowledged", comment, revision, active)

    def assign(self, alarm_id: str, assignee: str, who: str, comment: str = "", revision: int | None = None) -> Alarm:
        """Give it to a person, or with "" to nobody; arguments and errors as of `acknowledge`."""
        assignee = check_who(assignee, "assignee") if assignee.strip() else ""

        def assigned(alarm: Alarm, _: History) -> Alarm:
            if alarm.assignee == assignee:
                raise InputError(f"alarm {alarm.alarm_id} is assigned to {assignee or 'nobody'} already")
            return replace(alarm, assignee=assignee)

        text = f"to {assignee or 'nobody'}" + (f": {comment}" if comment else "")
        return self._act(alarm_id, who, "assigned", text, revision, assigned)

    def comment(self, alarm_id: str, comment: str, who: str) -> Alarm:
        """Say something of it, cleared ones too; arguments and errors as of `acknowledge`."""
        if not comment.strip():
            raise InputError("the comment is empty")
        return self._act(alarm_id, who, "commented", comment, None, lambda alarm, _: alarm, cleared_too=True)

    def snooze(self, alarm_id: str, until_us: int, who: str, comment: str = "", revision: int | None = None) -> Alarm:
        """Leave it alone until a wall-clock time: lists and notices pass over it; else as `acknowledge`."""
        if until_us <= now_us():
            raise InputError("an alarm is snoozed until a time that is to come; that one has passed")

        def snoozed(alarm: Alarm, _: History) -> Alarm:
            return replace(alarm, snoozed_until_us=until_us)

        text = f"until {moment(until_us)}" + (f": {comment}" if comment else "")
        return self._act(alarm_id, who, "snoozed", text, revision, snoozed)

    def unsnooze(self, alarm_id: str, who: str, comment: str = "", revision: int | None = None) -> Alarm:
        """Leave it alone no longer; arguments and errors as of `acknowledge`."""

        def woken(alarm: Alarm, _: History) -> Alarm:
            if not alarm.snoozed(now_us()):
                raise InputError(f"alarm {alarm.alarm_id} is not snoozed")
            return replace(alarm, snoozed_until_us=None)

        return self._act(alarm_id, who, "woken", comment, revision, woken)

    def clear(
        self, alarm_id: str, who: str, reason: str, revision: int | None = None, real: bool | None = None
    ) -> Alarm:
        """End it, seen before or not; raised again, another opens. Arguments and errors as of `acknowledge`.

        `real` says whether there was such a fault, None where nobody knows: a rule is judged by that.
        """
        if not reason.strip():
            raise InputError("the reason is empty: say why the alarm is over")

        def cleared(alarm: Alarm, _: History) -> Alarm:
            return replace(alarm, state=CLEARED, present=False, snoozed_until_us=None)

        verdict = () if real is None else (CONFIRMED if real else REFUTED,)
        return self._act(alarm_id, who, "cleared", reason, revision, cleared, also=verdict)

    def _act(
        self,
        alarm_id: str,
        who: str,
        action: str,
        comment: str,
        revision: int | None,
        change: Callable[[Alarm, History], Alarm],
        *,
        cleared_too: bool = False,
        also: Sequence[str] = (),
    ) -> Alarm:
        who = check_who(who)
        check_text("comment", comment)
        table = schema.alarms
        with self._database.write() as connection:
            at_us = next_moment(connection)
            before = found_by_id(connection, alarm_id, lock=True)
            history = History(connection, before.alarm_id)
            if revision is not None and revision != before.revision:
                raise ChangedError(f"alarm {before.alarm_id} was changed meanwhile, {history.told()}; look at it again")
            if before.state == CLEARED and not cleared_too:
                raise InputError(
                    f"alarm {before.alarm_id} was cleared, {history.told('cleared', 'gone')}; it stays so, and opens "
                    "as another when it is raised again"
                )
            changed = change(before, history)
            lines = [
                Action(before.alarm_id, before.actions + place, at_us, None, who, what, comment if place == 1 else "")
                for place, what in enumerate((action, *also), 1)
            ]
            number = before.actions + len(lines)
            after = replace(changed, actions=number, revision=before.revision + 1, changed_at_us=at_us)
            connection.execute(table.update().where(table.c.alarm_id == after.alarm_id).values(asdict(after)))
            connection.execute(schema.alarm_actions.insert(), [asdict(line) for line in lines])
        return after


def _conditions(wanted: Wanted) -> Iterable[ColumnElement[bool]]:
    table = schema.alarms
    if set(wanted.states) == set(OPEN_STATES):
        yield and_(schema.NOT_CLEARED)  # what the index of open alarms is asked by
    else:
        yield table.c.state.in_(wanted.states)
    if wanted.fleet is not None:
        yield in_fleet(wanted.fleet)
    for name in ("code", "category", "assignee", "present", "level"):
        if (value := getattr(wanted, name)) is not None:
            yield table.c[name] == value
    if wanted.vehicle is not None:
        yield table.c.vehicle_id == wanted.vehicle
    if wanted.min_severity:
        yield table.c.severity >= wanted.min_severity
    if wanted.min_level != LEVELS[0]:
        yield table.c.level.in_(LEVELS[LEVELS.index(wanted.min_level) :])
    if wanted.since_us is not None:
        yield table.c.last_us >= wanted.since_us
    if wanted.snoozed is not None:
        yield _snoozed(wanted.snoozed)
    if wanted.severities is not None:
        yield table.c.severity.in_(wanted.severities)
    if wanted.text.strip():
        yield found_by(wanted.text)
    if wanted.within is not None:
        yield wanted.within.condition()


def _snoozed(snoozed: bool) -> ColumnElement[bool]:
    until = schema.alarms.c.snoozed_until_us
    return until > now_us() if snoozed else or_(until.is_(None), until <= now_us())


def _findings(rows: Iterable[Any]) -> list[FindingRecord]:
    return [FindingRecord(*(*row[:-1], json.loads(row[-1]))) for row in rows]


UNHANDLED = Wanted(states=(ACTIVE,), min_level=LEVELS[1], snoozed=False)
"""What nobody has seen yet: for a number beside a bell."""
