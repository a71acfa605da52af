"""An alarm by its identity, and what was done about it, within a transaction at hand."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Connection, Select, select

from twinpack.detect.words import moment
from twinpack.errors import InputError, NotFoundError
from twinpack.store import schema
from twinpack.store.alarms.records import Action, Alarm

_PREFIX = re.compile(r"[0-9a-f]{1,12}")


class History:
    """What was done about an alarm, for messages; read only when it is told."""

    def __init__(self, connection: Connection, alarm_id: str) -> None:
        """Name the alarm."""
        self._connection = connection
        self._alarm_id = alarm_id

    def told(self, *actions: str) -> str:
        """By whom and when the last of some actions was done; by people, when none is named."""
        table = schema.alarm_actions
        kind = table.c.action.in_(actions) if actions else table.c.sample_time_us.is_(None)
        query = select(table).where(table.c.alarm_id == self._alarm_id, kind).order_by(table.c.number.desc()).limit(1)
        for row in self._connection.execute(query):
            line = Action(*row)
            what = "" if actions else f"{line.action} "
            return f"{what}by {line.who} on {moment(line.at_us)}"
        return "at a time not recorded"


def found_by_id(connection: Connection, alarm_id: str, *, lock: bool = False) -> Alarm:
    """The alarm; its row is locked for the transaction where it is to be changed.

    Raises:
        NotFoundError: There is none.
        InputError: Several begin so.
    """
    table = schema.alarms
    if not _PREFIX.fullmatch(alarm_id):
        raise NotFoundError(
            f"there is no alarm {alarm_id!r}: its identity has up to 12 digits of 0-9 and a-f; `twinpack alarms` "
            "lists those there are"
        )
    whole = len(alarm_id) == 12
    begins = table.c.alarm_id == alarm_id if whole else table.c.alarm_id.startswith(alarm_id)
    query: Select[Any] = select(table).where(begins).order_by(table.c.alarm_id).limit(4)
    found = [Alarm(*row) for row in connection.execute(query.with_for_update() if lock else query)]
    if len(found) == 1:
        return found[0]
    if found:
        listed = ", ".join(alarm.alarm_id for alarm in found[:3]) + (", ..." if len(found) > 3 else "")
        raise InputError(f"several alarms begin with {alarm_id!r}: {listed}; write more of the one that is meant")
    if connection.execute(select(table.c.alarm_id).limit(1)).first() is None:
        raise NotFoundError(f"there is no alarm {alarm_id!r}, nor any other: nothing was found so far")
    raise NotFoundError(f"there is no alarm {alarm_id!r}; `twinpack alarms --all` lists those there are")
