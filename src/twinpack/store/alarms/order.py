"""One order of all that is done about alarms, by whoever and from whichever process: it can be followed by its time."""

from __future__ import annotations

from sqlalchemy import Connection, func, select, text

from twinpack.store import schema
from twinpack.store.records import now_us

_WRITING = 7_237_711_905_551_027_202
"""Key of PostgreSQL's advisory lock under which one transaction at a time adds to histories; SQLite has but one."""


def next_moment(connection: Connection) -> int:
    """The wall-clock time of a transaction that adds to alarms' histories, later than that of all committed before.

    Taken before any alarm is locked. Other transactions that do the same wait until this one ends, so that who has read
    up to a time has read all that there will be.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_WRITING})"))
    last = connection.execute(select(func.max(schema.alarm_actions.c.at_us))).scalar()
    return max(now_us(), (last or 0) + 1)
