"""Maintenance records in the registry: entered by people, one by one or from a file."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from sqlalchemy import Connection, Select, delete, select

from twinpack.errors import ChangedError, InputError, NotFoundError, TwinpackError
from twinpack.store import schema
from twinpack.store.database import Database
from twinpack.store.records import now_us
from twinpack.store.workshop.records import DONE, PLANNED, RESETTING, TEST_FIELDS, MaintenanceRecord

_COLUMNS = [schema.maintenance.c[part.name] for part in fields(MaintenanceRecord)]
_CHANGEABLE = frozenset(
    {"kind", "title", "status", "planned_on", "done_on", "odometer_km", "reference", "notes", "who", *TEST_FIELDS}
)
CHUNK = 5_000


@dataclass(frozen=True)
class Imported:
    """What an import did.

    Attributes:
        added: Records that were not there.
        changed: Records that were, and say something else now.
        unchanged: Lines that were imported before as they stand.
    """

    added: tuple[MaintenanceRecord, ...]
    changed: tuple[MaintenanceRecord, ...]
    unchanged: int


class Workshop:
    """The maintenance records of a registry."""

    def __init__(self, database: Database) -> None:
        """Keep them in `database`."""
        self._database = database

    # Look

    def records(
        self, vehicle: str | None = None, status: str | None = None, kind: str | None = None
    ) -> list[MaintenanceRecord]:
        """Records: what is planned by its day, then what is past, the latest first; of one vehicle when it is named."""
        query = select(*_COLUMNS)
        for column, value in (("vehicle_id", vehicle), ("status", status), ("kind", kind)):
            if value is not None:
                query = query.where(schema.maintenance.c[column] == value)
        found = [MaintenanceRecord(*row) for row in self._database.rows(query)]
        planned = sorted((r for r in found if r.status == PLANNED), key=lambda r: (r.planned_on or "~", r.record_id))
        past = sorted((r for r in found if r.status != PLANNED), key=lambda r: r.record_id)
        return planned + sorted(past, key=lambda r: r.done_on or r.planned_on, reverse=True)

    def record(self, record_id: str) -> MaintenanceRecord:
        """A record by its identity, or by the first digits of it that no other has.

        Raises:
            NotFoundError: There is none.
            InputError: There are several.
        """
        with self._database.read() as connection:
            return _found(connection, record_id)

    def repairs(self) -> dict[str, list[str]]:
        """Days on which something was repaired or replaced, by vehicle."""
        table = schema.maintenance
        query = select(table.c.vehicle_id, table.c.done_on).where(table.c.status == DONE, table.c.kind.in_(RESETTING))
        found: dict[str, list[str]] = {}
        for vehicle_id, day in self._database.rows(query):
            found.setdefault(vehicle_id, []).append(day)
        return found

    # Enter

    def add(self, record: MaintenanceRecord) -> MaintenanceRecord:
        """Enter a record; returns it as kept.

        Raises:
            InputError: A field cannot be.
            NotFoundError: The vehicle is not known.
        """
        record.check()
        at_us = now_us()
        kept = replace(record, record_id=secrets.token_hex(6), entered_at_us=at_us, changed_at_us=at_us)
        with self._database.write() as connection:
            _check_vehicles(connection, [record.vehicle_id])
            connection.execute(schema.maintenance.insert(), asdict(kept))
        return kept

    def change(self, record_id: str, revision: int | None = None, **changes: Any) -> MaintenanceRecord:
        """Change a record; returns it as kept.

        Args:
            record_id: Its identity, or the first digits of it.
            revision: `revision` of the record as the person saw it; None where it was not shown.
            changes: Fields of `MaintenanceRecord`; the vehicle is not among them.

        Raises:
            InputError: A field cannot be, or may not change any more.
            NotFoundError: There is no such record.
            ChangedError: It was changed since.
        """
        if fixed := changes.keys() - _CHANGEABLE:
            raise InputError(f"{min(fixed)} of a record does not change: remove it and enter another")
        with self._database.write() as connection:
            before = _found(connection, record_id, lock=True)
            if revision is not None and revision != before.revision:
                raise ChangedError(f"record {before.record_id} was changed meanwhile; look at it again")
            after = replace(before, **changes, revision=before.revision + 1, changed_at_us=now_us())
            _check_change(before, after)
            _put(connection, after)
        return after

    def remove(self, record_id: str) -> MaintenanceRecord:
        """Take a record away; returns it as it was.

        Raises:
            InputError: The fold has been told of it.
            NotFoundError: There is no such record.
        """
        with self._database.write() as connection:
            before = _found(connection, record_id, lock=True)
            if before.log_offset is not None:
                raise InputError(
                    f"record {before.record_id} stays: what is known of the cells of vehicle {before.vehicle_id!r} "
                    f"began anew with it (row {before.log_offset} of the log)"
                )
            if before.test_offset is not None:
                raise InputError(
                    f"record {before.record_id} stays: the twin of vehicle {before.vehicle_id!r} took its test in (row "
                    f"{before.test_offset} of the log); `twinpack rollback` undoes what it made of it"
                )
            mine = schema.maintenance.c.record_id == before.record_id
            connection.execute(delete(schema.maintenance).where(mine))
        return before

    def told(self, record_id: str, log_offset: int) -> MaintenanceRecord:
        """Keep that a row of the log tells the fold of a record."""
        with self._database.write() as connection:
            after = replace(_found(connection, record_id, lock=True), log_offset=log_offset)
            _put(connection, after)
        return after

    def told_test(self, record_id: str, log_offset: int) -> MaintenanceRecord:
        """Keep that a row of the log tells the fold of a record's test."""
        with self._database.write() as connection:
            after = replace(_found(connection, record_id, lock=True), test_offset=log_offset)
            _put(connection, after)
        return after

    # Many at once

    def judge(self, records: Sequence[MaintenanceRecord]) -> list[MaintenanceRecord | TwinpackError]:
        """Records of a file as they would be kept, each checked; in its place what is wrong with it."""
        with self._database.read() as connection:
            unknown = _unknown(connection, {record.vehicle_id for record in records})
            kept = _by_id(connection, [record.identity() for record in records])
        seen: set[str] = set()
        judged: list[MaintenanceRecord | TwinpackError] = []
        for record in records:
            identity = record.identity()
            try:
                record.check()
                if record.vehicle_id in unknown:
                    raise _not_known(record.vehicle_id)
                if identity in seen:
                    raise InputError("title: the same work stands in a line above; give each a reference of its own")
                after = _imported(record, kept.get(identity))
                if identity in kept:
                    _check_change(kept[identity], after)
                judged.append(after)
            except TwinpackError as error:
                judged.append(error)
            seen.add(identity)
        return judged

    def enter(self, records: Sequence[MaintenanceRecord]) -> Imported:
        """Enter records of a file, all or none; a line that was imported before as it stands changes nothing.

        Args:
            records: As `judge` gives them.

        Raises:
            InputError: One was changed meanwhile so that it can no longer become what the file says.
        """
        added: list[MaintenanceRecord] = []
        changed: list[MaintenanceRecord] = []
        at_us = now_us()
        with self._database.write() as connection:
            there = _by_id(connection, [record.record_id for record in records], lock=True)
            for record in records:
                before = there.get(record.record_id)
                if before is None:
                    added.append(replace(record, entered_at_us=at_us, changed_at_us=at_us))
                elif before.line_sha256 != record.line_sha256:
                    after = replace(_imported(record, before), revision=before.revision + 1, changed_at_us=at_us)
                    _check_change(before, after)
                    changed.append(after)
            if added:
                connection.execute(schema.maintenance.insert(), [asdict(record) for record in added])
            for record in changed:
                _put(connection, record)
        return Imported(tuple(added), tuple(changed), len(records) - len(added) - len(changed))


def _imported(record: MaintenanceRecord, before: MaintenanceRecord | None) -> MaintenanceRecord:
    """A line of a file as it is kept: what stands there already when it was imported before."""
    after = replace(record, record_id=record.record_id or record.identity())
    if before is None:
        return after
    if before.line_sha256 == record.line_sha256:
        return before
    kept = {name: getattr(before, name) for name in ("log_offset", "test_offset", "revision", "entered_at_us")}
    return replace(after, **kept)


def _check_change(before: MaintenanceRecord, after: MaintenanceRecord) -> None:
    after.check()
    for name in ("status", "done_on", *TEST_FIELDS) if before.test_offset is not None else ():
        if getattr(before, name) != getattr(after, name):
            raise InputError(
                f"{name} of record {before.record_id} stays {getattr(before, name)!r}: the twin took its test in (row "
                f"{before.test_offset} of the log); enter another test, or go back by `twinpack rollback`"
            )
    if before.log_offset is None:
        return
    for name in ("kind", "status"):
        if getattr(before, name) != getattr(after, name):
            raise InputError(
                f"{name} of record {before.record_id} stays {getattr(before, name)!r}: what is known of the cells "
                f"began anew with it (row {before.log_offset} of the log)"
            )


def _put(connection: Connection, record: MaintenanceRecord) -> None:
    table = schema.maintenance
    connection.execute(table.update().where(table.c.record_id == record.record_id).values(asdict(record)))


def _found(connection: Connection, record_id: str, *, lock: bool = False) -> MaintenanceRecord:
    column = schema.maintenance.c.record_id
    query: Select[Any] = select(*_COLUMNS).where(column.startswith(record_id, autoescape=True)).limit(2)
    rows = connection.execute(query.with_for_update() if lock else query) if record_id else ()
    found = [MaintenanceRecord(*row) for row in rows]
    if not found:
        raise NotFoundError(f"there is no maintenance record {record_id!r}; `twinpack maintenance list` lists them")
    if len(found) > 1:
        raise InputError(f"several records begin with {record_id!r}: write more of the one that is meant")
    return found[0]


def _by_id(connection: Connection, record_ids: Sequence[str], *, lock: bool = False) -> dict[str, MaintenanceRecord]:
    query = select(*_COLUMNS)
    found = {}
    for some in _chunks(sorted(set(record_ids))):
        those = query.where(schema.maintenance.c.record_id.in_(some))
        for row in connection.execute(those.with_for_update() if lock else those):
            record = MaintenanceRecord(*row)
            found[record.record_id] = record
    return found


def _check_vehicles(connection: Connection, vehicle_ids: Collection[str]) -> None:
    for vehicle_id in sorted(_unknown(connection, vehicle_ids)):
        raise _not_known(vehicle_id)


def _not_known(vehicle_id: str) -> NotFoundError:
    return NotFoundError(f"vehicle {vehicle_id!r} is not known here; `twinpack fleet add {vehicle_id}` enters it")


def _unknown(connection: Connection, vehicle_ids: Iterable[str]) -> set[str]:
    """Those of some vehicles that neither a person entered nor the log registered."""
    left = set(vehicle_ids)
    for table in (schema.vehicle_entries, schema.vehicles):
        for some in _chunks(sorted(left)):
            left -= set(connection.execute(select(table.c.vehicle_id).where(table.c.vehicle_id.in_(some))).scalars())
    return left


def _chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]
