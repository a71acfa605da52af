"""The audit log: what was done, and by whom an owner's data was read. Entries are added, never changed.

Two things alone take away from it: retention, by age, and the erasure of a person, which puts a pseudonym in place of
the name and leaves what was done.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, func, select, text, update

from twinpack.store import schema
from twinpack.store.database import Database
from twinpack.store.records import now_us

READ = "read"
"""First word of the action of an entry that tells of reading."""

_NUMBERING = 7_237_711_905_551_027_202
"""Key of PostgreSQL's advisory lock under which an entry gets its number; SQLite has one writer anyway."""

_WHO, _ACTION, _SUBJECT, _REQUEST = 128, 64, 128, 64


@dataclass(frozen=True)
class AuditRecord:
    """An entry.

    Attributes:
        number: Its place in the log, counted from 1.
        at_us: When, microseconds since the epoch.
        who: The account, the key or the device; `""` for one that is not known.
        role: Its role then.
        action: What was done, such as `alarm.acknowledge`.
        subject: What it was done to: a vehicle, an alarm, an account.
        detail: More of it (JSON values); never a secret.
        request_id: The request, as in the service's log.
    """

    number: int
    at_us: int
    who: str
    role: str
    action: str
    subject: str
    detail: dict[str, Any]
    request_id: str


class AuditLog:
    """The log of a registry."""

    def __init__(self, database: Database) -> None:
        """Keep it in `database`."""
        self._database = database

    def write(
        self,
        who: str,
        role: str,
        action: str,
        subject: str = "",
        detail: Mapping[str, Any] | None = None,
        request_id: str = "",
        at_us: int | None = None,
    ) -> int:
        """Add an entry; returns its number. Texts longer than their column are cut.

        Raises:
            RegistryBusyError: The registry is locked or away; nothing was written.
        """
        row = {
            "at_us": now_us() if at_us is None else at_us,
            "who": who[:_WHO],
            "role": role,
            "action": action[:_ACTION],
            "subject": subject[:_SUBJECT],
            "detail": json.dumps(dict(detail or {}), sort_keys=True, default=str),
            "request_id": request_id[:_REQUEST],
        }
        table = schema.audit_log
        with self._database.write() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text(f"SELECT pg_advisory_xact_lock({_NUMBERING})"))
            number = (connection.execute(select(func.max(table.c.number))).scalar() or 0) + 1
            connection.execute(table.insert(), row | {"number": number})
        return int(number)

    def entries(
        self, who: str | None = None, subject: str | None = None, before: int | None = None, limit: int = 100
    ) -> list[AuditRecord]:
        """Entries, the newest first.

        Args:
            who: Only those of this account.
            subject: Only those about this.
            before: Only those with a smaller number.
            limit: At most so many.
        """
        table = schema.audit_log
        query = _chosen(select(table), who, subject).order_by(table.c.number.desc()).limit(limit)
        if before is not None:
            query = query.where(table.c.number < before)
        return [_record(row) for row in self._database.rows(query)]

    def count(self, who: str | None = None, subject: str | None = None) -> int:
        """How many entries there are in all that match."""
        counted = select(func.count()).select_from(schema.audit_log)
        return int(self._database.value(_chosen(counted, who, subject)))

    def remove_before(self, at_us: int) -> int:
        """Remove entries older than a moment, as retention asks; returns how many.

        The newest stays, so that no number is given twice.
        """
        table = schema.audit_log
        newest = select(func.max(table.c.number)).scalar_subquery()
        with self._database.write() as connection:
            return connection.execute(delete(table).where(table.c.at_us < at_us, table.c.number < newest)).rowcount


def rename_in_log(connection: Connection, name: str, pseudonym: str) -> int:
    """Put a pseudonym in place of a person who was erased, within the transaction at hand; returns in how many."""
    table = schema.audit_log
    changed = 0
    for column in (table.c.who, table.c.subject):
        done = connection.execute(update(table).where(column == name).values({column.name: pseudonym}))
        changed += done.rowcount
    return changed


def _chosen(query: Select[Any], who: str | None, subject: str | None) -> Select[Any]:
    table = schema.audit_log
    if who is not None:
        query = query.where(table.c.who == who)
    if subject is not None:
        query = query.where(table.c.subject == subject)
    return query


def _record(row: Row[Any]) -> AuditRecord:
    return AuditRecord(
        number=row.number,
        at_us=row.at_us,
        who=row.who,
        role=row.role,
        action=row.action,
        subject=row.subject,
        detail=json.loads(row.detail),
        request_id=row.request_id,
    )
