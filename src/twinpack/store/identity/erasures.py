"""Erasing a person: what identifies them goes at once, what their vehicles measured is noted down to go from the lake.

The audit log keeps what was done, with a pseudonym in place of the name: whoever answers for the fleet has to be able
to tell that something was done, and not for ever by whom.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update

from twinpack.store import schema
from twinpack.store.database import Database
from twinpack.store.identity.audit_log import rename_in_log
from twinpack.store.identity.grants import OWNED
from twinpack.store.identity.records import GrantRecord
from twinpack.store.identity.users import remove_user
from twinpack.store.records import now_us

_TABLE = schema.erasures
_ID_BYTES = 6


@dataclass(frozen=True)
class Erasure:
    """Data of a vehicle that is to go from the lake.

    Attributes:
        erasure_id: Its identity.
        vehicle_id: The vehicle.
        from_us: First sample time, None is open.
        until_us: Sample time from which on data stays, None is open.
        asked_at_us: When it was asked for.
        done_at_us: When it was done for good, None before.
        problem: Why the last try failed, "" when it did not.
    """

    erasure_id: str
    vehicle_id: str
    from_us: int | None
    until_us: int | None
    asked_at_us: int
    done_at_us: int | None = None
    problem: str = ""


class Erasures:
    """What a registry knows of data to be erased."""

    def __init__(self, database: Database) -> None:
        """Keep it in `database`."""
        self._database = database

    def erase_owner(self, username: str, pseudonym: str, at_us: int | None = None) -> list[Erasure]:
        """Erase an owner: the account, its sign-ins, and what names the person in grants, vehicles and the audit log.

        The data of the vehicles that are the owner's now, of the times of the grants, is noted down to go from the
        lake. A grant that has ended is left out: it may have been given by mistake, and then the data is another's.

        Args:
            username: The account.
            pseudonym: What stands in place of its name from now on.
            at_us: Now.

        Returns:
            What is to go from the lake.

        Raises:
            NotFoundError: There is no such account.
        """
        now = now_us() if at_us is None else at_us
        with self._database.write() as connection:
            grants = schema.grants
            query = select(grants).where(grants.c.username == username, grants.c.kind == OWNED)
            own = [one for one in (GrantRecord(*row) for row in connection.execute(query)) if one.active(now)]
            asked = [
                Erasure(secrets.token_hex(_ID_BYTES), one.vehicle_id, one.from_us, min(one.until_us or now, now), now)
                for one in own
            ]
            user = remove_user(connection, username)
            if asked:
                connection.execute(_TABLE.insert(), [asdict(one) for one in asked])
            _forget_vehicles(connection, own)
            _forget_person(connection, user.username, pseudonym)
        return asked

    def open(self) -> list[Erasure]:
        """What is still to go, the oldest first."""
        query = select(_TABLE).where(_TABLE.c.done_at_us.is_(None)).order_by(_TABLE.c.asked_at_us)
        return [_record(row) for row in self._database.rows(query)]

    def tried(self, erasure_id: str, problem: str = "", done_at_us: int | None = None) -> None:
        """Keep how a try went."""
        values = {"problem": problem, "done_at_us": done_at_us}
        with self._database.write() as connection:
            connection.execute(update(_TABLE).where(_TABLE.c.erasure_id == erasure_id).values(values))


def _forget_vehicles(connection: Connection, grants: Sequence[GrantRecord]) -> None:
    """Take from vehicles what may name their owner: the VIN, the label, and what people wrote down in its time."""
    entries, work = schema.vehicle_entries, schema.maintenance
    for grant in grants:
        mine = entries.c.vehicle_id == grant.vehicle_id
        connection.execute(update(entries).where(mine).values(vin=None, label="", notes=""))
        in_its_time = (work.c.vehicle_id == grant.vehicle_id, work.c.entered_at_us >= grant.from_us)
        connection.execute(update(work).where(*in_its_time).values(notes=""))


def _forget_person(connection: Connection, username: str, pseudonym: str) -> None:
    sign_ins, refresh, grants = schema.sign_ins, schema.refresh_tokens, schema.grants
    mine = sign_ins.c.username == username
    ids = select(sign_ins.c.session_id).where(mine)
    connection.execute(delete(refresh).where(refresh.c.session_id.in_(ids)))
    connection.execute(delete(sign_ins).where(mine))
    for column in (grants.c.username, grants.c.given_by):
        connection.execute(update(grants).where(column == username).values({column.name: pseudonym}))
    rename_in_log(connection, username, pseudonym)


def _record(row: Row[Any]) -> Erasure:
    return Erasure(
        erasure_id=row.erasure_id,
        vehicle_id=row.vehicle_id,
        from_us=row.from_us,
        until_us=row.until_us,
        asked_at_us=row.asked_at_us,
        done_at_us=row.done_at_us,
        problem=row.problem,
    )
