"""What changes in a registry while a fleet is looked at.

It is read as plain tuples: a fleet has many vehicles, and is looked at every second.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Select, and_, func, select, text

from twinpack.fleet.events import VERSION
from twinpack.store import schema
from twinpack.store.commit import CHUNK
from twinpack.store.database import Database
from twinpack.twin.versions import REFUSED

_DEPLOYED = text(f"kind <> '{REFUSED}'")
_ALARM = text("level = 'alarm'")
_PIECE = 2_000


class Numbers(msgspec.Struct, frozen=True, gc=False):
    """What a version says in numbers: names, means and the packed lower triangle of the covariance."""

    parameters: tuple[str, ...]
    mean: tuple[float, ...]
    covariance: tuple[float, ...]


class DeployedRow(NamedTuple):
    """A version that was deployed."""

    vehicle_id: str
    number: int
    sample_time_us: int
    numbers: Numbers


class FleetWatch:
    """Reads what lists of a fleet are made of."""

    def __init__(self, database: Database) -> None:
        """Read from `database`."""
        self._database = database

    def entries(self) -> list[tuple[Any, ...]]:
        """Every vehicle that a person entered, a tuple of the fields of `VehicleEntry`."""
        return self._database.many(select(schema.vehicle_entries))

    def met(self) -> list[tuple[str, str, int]]:
        """Every vehicle that the log brought: its name, its pack, and sample time of its first row."""
        table = schema.vehicles
        return self._database.many(select(table.c.vehicle_id, table.c.pack, table.c.first_seen_us))

    def latest(self, since: int = 0) -> list[tuple[str, str]]:
        """Latest state as JSON of every vehicle whose last batch ended at an offset of the log or after it."""
        table = schema.latest_state
        query = select(table.c.vehicle_id, table.c.body)
        if since == 0:
            return self._database.many(query)
        return [(row[0], row[1]) for row in self._database.rows(query.where(table.c.log_offset >= since))]

    def open_alarms(self) -> list[tuple[str, int, int]]:
        """Vehicle, severity and number of alarms that are not cleared; what is only watched is not counted."""
        table = schema.alarms
        wanted = and_(schema.NOT_CLEARED, _ALARM)
        query = select(table.c.vehicle_id, table.c.severity, func.count()).where(wanted)
        return self._database.many(query.group_by(table.c.vehicle_id, table.c.severity))

    def deployed(self) -> Iterator[DeployedRow]:
        """Every version that was ever deployed, by vehicle and number, without loading all at once."""
        return self._rows(_deployed_query())

    def deployed_of(self, vehicle_ids: Sequence[str]) -> Iterator[DeployedRow]:
        """The same of some vehicles."""
        for start in range(0, len(vehicle_ids), CHUNK):
            chunk = vehicle_ids[start : start + CHUNK]
            yield from self._rows(_deployed_query().where(schema.twin_versions.c.vehicle_id.in_(chunk)))

    def with_new_versions(self, since: int) -> list[str]:
        """Vehicles of which rows of the log from an offset on brought a version about."""
        table = schema.events
        query = select(table.c.vehicle_id).distinct().where(table.c.kind == VERSION, table.c.log_offset >= since)
        return [row[0] for row in self._database.rows(query)]

    def _rows(self, query: Select[Any]) -> Iterator[DeployedRow]:
        decode = msgspec.json.Decoder(Numbers).decode
        with self._database.read() as connection:
            for vehicle_id, number, time_us, content in connection.execution_options(yield_per=_PIECE).execute(query):
                yield DeployedRow(vehicle_id, number, time_us, decode(content))


def _deployed_query() -> Select[Any]:
    table = schema.twin_versions
    query = select(table.c.vehicle_id, table.c.number, table.c.sample_time_us, table.c.content)
    return query.where(and_(_DEPLOYED)).order_by(table.c.vehicle_id, table.c.number)
