"""Findings of a batch into the registry, with the alarms they open, join and clear, in the batch's transaction.

Alarms are read and written in sets, whatever the number of findings. Those that are read are locked until the commit,
so that what a person does at the same moment comes wholly before or wholly after the batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, select

from twinpack.detect.findings import RAISED
from twinpack.fleet.events import Event
from twinpack.store import schema
from twinpack.store.alarms.joining import Joined, Step, alarm_id, join
from twinpack.store.alarms.mutes import Muted
from twinpack.store.alarms.order import next_moment
from twinpack.store.alarms.records import CLEARED, Alarm
from twinpack.store.database import execute_many, insert_into

T = TypeVar("T")

CHUNK = 5_000
"""Keys of a query: SQLite takes 32,766 bound values in a statement."""

Key = tuple[str, str, str]


@dataclass(frozen=True)
class _Kept:
    event: Event
    step: Step
    joined: Joined


def keep_findings(connection: Connection, events: Sequence[Event]) -> None:
    """Write findings that are not there yet, and what they do to alarms.

    Args:
        connection: The batch's transaction; the events themselves are not written yet.
        events: Events of kind `FINDING`; the body is a `detect.findings.Finding`.
    """
    if not events:
        return
    fresh = _fresh(connection, events)
    if not fresh:
        return
    kept = list(_joined(connection, fresh))
    _write_alarms(connection, kept)
    statement = insert_into(connection, schema.findings).on_conflict_do_nothing(index_elements=["event_id"])
    execute_many(connection, statement, [_row(one) for one in kept])


def _fresh(connection: Connection, events: Sequence[Event]) -> list[Event]:
    """Those that were not committed before, each once, in the order of their rows."""
    by_id: dict[str, Event] = {}
    for event in events:
        by_id.setdefault(event.event_id, event)
    known = schema.events.c.event_id
    for some in _chunks(list(by_id)):
        for event_id in connection.execute(select(known).where(known.in_(some))).scalars():
            del by_id[event_id]
    return sorted(by_id.values(), key=lambda event: event.offset)


def _joined(connection: Connection, events: Sequence[Event]) -> Iterator[_Kept]:
    at_us = next_moment(connection)
    raised = [event for event in events if event.body.change == RAISED]
    open_alarms = {alarm.key: alarm for alarm in _open_alarms(connection, {event.vehicle_id for event in events})}
    taken = _taken(connection, [_first_choice(event) for event in raised])
    muted = Muted.of(connection, [(event.vehicle_id, event.body.time_us) for event in raised])
    for event in events:
        found = event.body
        key = (event.vehicle_id, found.code, found.subject)
        window = muted.window(event.vehicle_id, found.time_us) if found.change == RAISED else ""
        step = Step(event.event_id, event.vehicle_id, found, window, at_us)
        joined = join(open_alarms.get(key), step, taken)
        _put(open_alarms, key, joined.alarm)
        if joined.alarm is not None:
            taken.add(joined.alarm.alarm_id)
        yield _Kept(event, step, joined)


def _put(open_alarms: dict[Key, Alarm], key: Key, alarm: Alarm | None) -> None:
    if alarm is not None and alarm.state != CLEARED:
        open_alarms[key] = alarm
    else:
        open_alarms.pop(key, None)


def _open_alarms(connection: Connection, vehicle_ids: Iterable[str]) -> Iterator[Alarm]:
    table = schema.alarms
    query = select(table).where(schema.NOT_CLEARED).order_by(table.c.alarm_id)
    for some in _chunks(sorted(vehicle_ids)):
        for row in connection.execute(query.where(table.c.vehicle_id.in_(some)).with_for_update()):
            yield Alarm(*row)


def _first_choice(event: Event) -> str:
    return alarm_id(event.vehicle_id, event.body.code, event.body.subject, event.event_id)


def _taken(connection: Connection, wanted: Sequence[str]) -> set[str]:
    column = schema.alarms.c.alarm_id
    found: set[str] = set()
    for some in _chunks(wanted):
        found.update(connection.execute(select(column).where(column.in_(some))).scalars())
    return found


def _write_alarms(connection: Connection, kept: Sequence[_Kept]) -> None:
    # In the order in which they were first met: one that was cleared goes before the next of its key is opened.
    changed = {one.joined.alarm.alarm_id: one.joined.alarm for one in kept if one.joined.effect and one.joined.alarm}
    if changed:
        statement = insert_into(connection, schema.alarms)
        renewed = {name: statement.excluded[name] for name in _ALARM_COLUMNS if name != "alarm_id"}
        statement = statement.on_conflict_do_update(index_elements=["alarm_id"], set_=renewed)
        execute_many(connection, statement, [_fields(alarm, _ALARM_COLUMNS) for alarm in changed.values()])
    actions = [asdict(one.joined.action) for one in kept if one.joined.action is not None]
    if actions:
        execute_many(connection, schema.alarm_actions.insert(), actions)


_ALARM_COLUMNS = tuple(part.name for part in fields(Alarm))


def _fields(record: Any, names: Iterable[str]) -> dict[str, Any]:
    """As `asdict`, which copies each value, and so takes ten times as long."""
    return {name: getattr(record, name) for name in names}


def _row(kept: _Kept) -> dict[str, Any]:
    event, found, joined = kept.event, kept.step.finding, kept.joined
    return {
        "event_id": event.event_id,
        "vehicle_id": event.vehicle_id,
        "code": found.code,
        "subject": found.subject,
        "category": found.category,
        "change": found.change,
        "level": found.level,
        "severity": found.severity,
        "status": found.status,
        "occurrence": found.occurrence,
        "sample_time_us": found.time_us,
        "since_us": found.since_us,
        "log_offset": event.offset,
        "alarm_id": joined.alarm.alarm_id if joined.alarm else None,
        "effect": joined.effect,
        "muted_by": kept.step.muted_by,
        "recorded_at_us": kept.step.at_us,
        "evidence": msgspec.json.encode(found.evidence, enc_hook=_plain, order="deterministic").decode(),
    }


def _plain(value: Any) -> Any:
    """Numbers and arrays of NumPy as those of Python."""
    return value.tolist()


def _chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]
