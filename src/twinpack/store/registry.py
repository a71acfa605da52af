"""The registry: vehicles, models, twin versions, events, latest state and how far the log was folded, in SQL."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Select, and_, delete, func, select

from twinpack.errors import NotFoundError, WorkspaceError
from twinpack.fleet.events import TRIP, VERSION, Event
from twinpack.store import schema
from twinpack.store.alarms.mutes import Mutes
from twinpack.store.alarms.register import Alarms
from twinpack.store.changes import MAIN_STREAM as MAIN_STREAM
from twinpack.store.changes import Changes
from twinpack.store.commit import CHUNK, Batch, commit
from twinpack.store.credentials import DeviceCredentials
from twinpack.store.database import BUSY_TIMEOUT_MS, Database, current_revision
from twinpack.store.fleet import FleetRegister
from twinpack.store.fleet_watch import FleetWatch
from twinpack.store.identity.audit_log import AuditLog
from twinpack.store.identity.erasures import Erasures
from twinpack.store.identity.grants import Grants
from twinpack.store.identity.keys import ApiKeys
from twinpack.store.identity.sessions import Sessions
from twinpack.store.identity.users import Users
from twinpack.store.models import ModelActions
from twinpack.store.records import (
    LatestFigures,
    ModelRecord,
    SnapshotRecord,
    VehicleRecord,
    VersionRow,
    canonical_json,
    now_us,
)
from twinpack.store.registry_copy import copy_registry
from twinpack.store.workshop.register import Workshop
from twinpack.twin.versions import REFUSED, TwinVersion

_VERSION_COLUMNS = tuple(
    schema.twin_versions.c[name]
    for name in (
        "vehicle_id",
        "number",
        "kind",
        "trip_number",
        "sample_time_us",
        "content",
        "parent_hash",
        "hash",
        "log_offset",
    )
)


class Registry:
    """A database of the fleet. SQLite by default, `sqlite://` in memory, any other by URL.

    One process writes what the log brings about (the runtime, which holds the workspace's lock); people's entries may
    be written beside it, and any number may read meanwhile. A method that meets a registry that is locked, or away,
    raises `RegistryBusyError` and has changed nothing.

    Attributes:
        fleet: What people said of fleets, packs and vehicles.
        credentials: What devices prove themselves with.
        alarms: What was found, and what people do about it.
        mutes: Windows in which alarms give no notice.
        workshop: Maintenance, done and planned.
        users: Accounts.
        sessions: Their sign-ins.
        grants: Which persons may see which vehicles' data.
        keys: Keys of machines.
        audit_log: What was done, and which owners' data was read.
        model_actions: What was done about models.
        changes: What changes, in an order that can be followed.
        watch: What changes in it while a fleet is looked at.
    """

    def __init__(self, database: Database) -> None:
        """Take an open database; callers use `open`."""
        self._database = database
        self.fleet = FleetRegister(database)
        self.credentials = DeviceCredentials(database)
        self.alarms = Alarms(database)
        self.mutes = Mutes(database)
        self.workshop = Workshop(database)
        self.users = Users(database)
        self.sessions = Sessions(database)
        self.grants = Grants(database)
        self.keys = ApiKeys(database)
        self.audit_log = AuditLog(database)
        self.erasures = Erasures(database)
        self.model_actions = ModelActions(database)
        self.changes = Changes(database)
        self.watch = FleetWatch(database)

    @classmethod
    def open(cls, url: str, busy_timeout_ms: int = BUSY_TIMEOUT_MS) -> Registry:
        """Connect; `upgrade` must have been run once on a new database.

        Args:
            url: Where it is, as SQLAlchemy writes it.
            busy_timeout_ms: How long to wait for another writer of an SQLite file.

        Raises:
            SettingsError: The URL cannot be used.
        """
        return cls(Database.open(url, busy_timeout_ms))

    def __enter__(self) -> Registry:
        """Use as a context manager to close it at the end."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close."""
        self.close()

    def upgrade(self, revision: str = schema.HEAD_REVISION) -> None:
        """Bring the tables to this release, or to another revision ("base" drops them).

        Raises:
            WorkspaceVersionError: A later release made them.
        """
        self._database.upgrade(revision)

    def revision(self) -> str:
        """The revision the tables stand at, "" for none."""
        with self._database.read() as connection:
            return current_revision(connection)

    def copy_to(self, path: Path, snapshots: Collection[int]) -> None:
        """Write all of it, of one moment, into a new SQLite file; see `copy_registry`."""
        copy_registry(self._database, path, snapshots)

    def close(self) -> None:
        """Give all connections back."""
        self._database.close()

    # The stream

    def offset(self, stream: str = MAIN_STREAM) -> int:
        """Log offset up to which a stream has been folded and committed."""
        table = schema.stream
        return int(self._database.value(select(table.c.log_offset).where(table.c.name == stream)) or 0)

    def streams(self) -> dict[str, int]:
        """Log offset of every stream there is, by name: who has used the log up to where."""
        table = schema.stream
        return {name: offset for name, offset in self._database.rows(select(table.c.name, table.c.log_offset))}

    def commit_batch(
        self,
        stream: str,
        offset_before: int,
        offset_after: int,
        events: Sequence[Event],
        latest: Mapping[str, Mapping[str, Any]],
        vehicles: Sequence[VehicleRecord] = (),
    ) -> int:
        """Commit events, versions, latest state and offset in one transaction.

        Rows committed before may be committed again, in other batches too: nothing is added twice.

        Args:
            stream: Name of the log, `MAIN_STREAM` as a rule.
            offset_before: Offset of the batch's first row; not beyond `offset(stream)`.
            offset_after: Offset after its last row.
            events: What the fold gave back, each with an offset within the batch.
            latest: Latest state by vehicle, for those that changed.
            vehicles: Vehicles met, with their pack and model.

        Returns:
            How many events were new.

        Raises:
            WorkspaceError: The batch does not continue the stream, or repeats it with another outcome.
            AuditError: A version does not continue its vehicle's chain, or contradicts the one that is there.
        """
        batch = Batch(stream, offset_before, offset_after, events, latest, vehicles)
        with self._database.write() as connection:
            return commit(connection, batch)

    def event_counts(self) -> dict[str, int]:
        """Number of events by kind."""
        table = schema.events
        query = select(table.c.kind, func.count()).group_by(table.c.kind).order_by(table.c.kind)
        return {kind: count for kind, count in self._database.rows(query)}

    def count_trips(self, start: int, end: int) -> int:
        """How many trips were closed by rows of the log from an offset up to another."""
        table = schema.events
        query = select(func.count()).select_from(table).where(table.c.kind == TRIP, *_within(table, start, end))
        return int(self._database.value(query))

    def count_versions(self, kind: str, start: int, end: int) -> int:
        """How many versions of a kind were made by rows of the log from an offset up to another."""
        # By way of the events, which have an index of offsets: versions are as many as a fleet is old.
        events, versions = schema.events, schema.twin_versions
        places = select(events.c.vehicle_id, events.c.log_offset).distinct()
        found = places.where(events.c.kind == VERSION, *_within(events, start, end)).subquery()
        same = and_(versions.c.vehicle_id == found.c.vehicle_id, versions.c.log_offset == found.c.log_offset)
        query = select(func.count()).select_from(versions.join(found, same)).where(versions.c.kind == kind)
        return int(self._database.value(query))

    def known_events(self, event_ids: Sequence[str]) -> set[str]:
        """Those of some events that were committed."""
        table = schema.events
        found: set[str] = set()
        for start in range(0, len(event_ids), CHUNK):
            some = event_ids[start : start + CHUNK]
            found.update(
                row[0] for row in self._database.rows(select(table.c.event_id).where(table.c.event_id.in_(some)))
            )
        return found

    def events_of_rows(self, start: int, stop: int) -> dict[str, int]:
        """Number of events that the log's rows from `start` to before `stop` brought about, by vehicle."""
        table = schema.events
        query = select(table.c.vehicle_id, func.count()).where(table.c.log_offset >= start, table.c.log_offset < stop)
        return {vehicle: count for vehicle, count in self._database.rows(query.group_by(table.c.vehicle_id))}

    # Vehicles and their latest state

    def vehicles(self) -> list[VehicleRecord]:
        """Every vehicle, by name."""
        found = [VehicleRecord(*row) for row in self._database.many(select(schema.vehicles))]
        return sorted(found, key=lambda vehicle: vehicle.vehicle_id)  # databases differ in how they order names

    def vehicle(self, vehicle_id: str) -> VehicleRecord:
        """One vehicle.

        Raises:
            NotFoundError: It is not known.
        """
        query = select(schema.vehicles).where(schema.vehicles.c.vehicle_id == vehicle_id)
        for row in self._database.rows(query):
            return VehicleRecord(*row)
        raise NotFoundError(f"vehicle {vehicle_id!r} is not known here; `twinpack twins` lists those that are")

    def latest(self) -> dict[str, dict[str, Any]]:
        """Latest state of every vehicle, by name."""
        return {vehicle_id: msgspec.json.decode(body) for vehicle_id, body in self._latest_rows()}

    def latest_figures(self) -> dict[str, LatestFigures]:
        """The figures of every vehicle's latest state that lists show, by name; quicker than all of it."""
        decode = msgspec.json.Decoder(LatestFigures).decode
        return {vehicle_id: decode(body) for vehicle_id, body in self._latest_rows()}

    def latest_of(self, vehicle_id: str) -> dict[str, Any]:
        """Latest state of one vehicle, empty when there is none."""
        table = schema.latest_state
        body = self._database.value(select(table.c.body).where(table.c.vehicle_id == vehicle_id))
        return json.loads(body) if body else {}

    # Twin versions

    def versions(self, vehicle_id: str) -> list[TwinVersion]:
        """The whole chain of a vehicle, first to last; empty when it has none."""
        table = schema.twin_versions
        query = select(*_VERSION_COLUMNS).where(table.c.vehicle_id == vehicle_id).order_by(table.c.number)
        return [VersionRow(*row).version() for row in self._database.rows(query)]

    def version(self, vehicle_id: str, number: int) -> TwinVersion:
        """One version.

        Raises:
            NotFoundError: The vehicle or the version does not exist; says how many there are.
        """
        table = schema.twin_versions
        mine = table.c.vehicle_id == vehicle_id
        found = self._first_version(select(*_VERSION_COLUMNS).where(mine, table.c.number == number))
        if found is not None:
            return found
        self.vehicle(vehicle_id)
        count = self._database.value(select(func.count()).select_from(table).where(mine))
        raise NotFoundError(f"vehicle {vehicle_id!r} has no version {number}; it has versions 1 to {count}")

    def head(self, vehicle_id: str) -> TwinVersion | None:
        """The last entry of a vehicle's chain, whatever its kind."""
        table = schema.twin_versions
        mine = select(*_VERSION_COLUMNS).where(table.c.vehicle_id == vehicle_id)
        return self._first_version(mine.order_by(table.c.number.desc()))

    def heads(self, stop: int) -> dict[str, tuple[int, str]]:
        """Number and hash of the last version of every vehicle that rows of the log before `stop` brought about."""
        table = schema.twin_versions
        last = select(table.c.vehicle_id, func.max(table.c.number).label("number"))
        last_of = last.where(table.c.log_offset < stop).group_by(table.c.vehicle_id).subquery()
        same = and_(table.c.vehicle_id == last_of.c.vehicle_id, table.c.number == last_of.c.number)
        query = select(table.c.vehicle_id, table.c.number, table.c.hash).select_from(table.join(last_of, same))
        return {vehicle: (number, digest) for vehicle, number, digest in self._database.rows(query)}

    def vehicles_on_models(self) -> dict[str, int]:
        """Vehicles with a twin by the hash of the model it is of."""
        table = schema.twin_versions
        last = select(table.c.vehicle_id, func.max(table.c.number).label("number")).group_by(table.c.vehicle_id)
        last_of = last.subquery()
        same = and_(table.c.vehicle_id == last_of.c.vehicle_id, table.c.number == last_of.c.number)
        counts: dict[str, int] = {}
        for (content,) in self._database.rows(select(table.c.content).select_from(table.join(last_of, same))):
            model_hash = json.loads(content)["model_hash"]
            counts[model_hash] = counts.get(model_hash, 0) + 1
        return counts

    def deployed(self, vehicle_id: str) -> TwinVersion | None:
        """The version that is deployed: the last one that was not refused."""
        table = schema.twin_versions
        mine = select(*_VERSION_COLUMNS).where(table.c.vehicle_id == vehicle_id, table.c.kind != REFUSED)
        return self._first_version(mine.order_by(table.c.number.desc()))

    def version_rows(self, vehicle_id: str | None = None) -> Iterator[VersionRow]:
        """Every version as stored, or those of one vehicle, by vehicle and number, without loading all at once."""
        table = schema.twin_versions
        query = select(*_VERSION_COLUMNS).order_by(table.c.vehicle_id, table.c.number)
        if vehicle_id is not None:
            query = query.where(table.c.vehicle_id == vehicle_id)
        with self._database.read() as connection:
            for row in connection.execution_options(yield_per=2_000).execute(query):
                yield VersionRow(*row)

    def version_count(self) -> int:
        """How many versions there are."""
        return int(self._database.value(select(func.count()).select_from(schema.twin_versions)))

    # Models

    def add_model(self, model_hash: str, pack: str, kind: str, card: Mapping[str, Any]) -> None:
        """Enter a model artifact; entering it again makes it the latest."""
        row = {"hash": model_hash, "pack": pack, "kind": kind, "created_at_us": now_us(), "card": canonical_json(card)}
        self._database.upsert(schema.models, "hash", row)

    def models(self, pack: str | None = None) -> list[ModelRecord]:
        """Models, latest first; of one pack when it is named."""
        table = schema.models
        query = select(table.c.hash, table.c.pack, table.c.kind, table.c.created_at_us, table.c.card)
        query = query.order_by(table.c.created_at_us.desc(), table.c.hash)
        if pack is not None:
            query = query.where(table.c.pack == pack)
        return [
            ModelRecord(row.hash, row.pack, row.kind, row.created_at_us, json.loads(row.card))
            for row in self._database.rows(query)
        ]

    # Snapshots

    def add_snapshot(self, snapshot: SnapshotRecord) -> None:
        """Record a snapshot file that is on disk; it replaces one at the same offset."""
        row = {
            "log_offset": snapshot.offset,
            "file": snapshot.file,
            "sha256": snapshot.sha256,
            "created_at_us": now_us(),
        }
        self._database.upsert(schema.snapshots, "log_offset", row)

    def snapshots(self) -> list[SnapshotRecord]:
        """Recorded snapshots, newest first."""
        table = schema.snapshots
        query = select(table.c.log_offset, table.c.file, table.c.sha256).order_by(table.c.log_offset.desc())
        return [SnapshotRecord(*row) for row in self._database.rows(query)]

    def drop_snapshot(self, offset: int) -> None:
        """Forget the snapshot at an offset."""
        with self._database.write() as connection:
            connection.execute(delete(schema.snapshots).where(schema.snapshots.c.log_offset == offset))

    # What the first run fixed

    def genesis(self, key: str) -> Any:
        """A fact fixed at the beginning (JSON value), None when it is not."""
        text = self._database.value(select(schema.genesis.c.value).where(schema.genesis.c.key == key))
        return None if text is None else json.loads(text)

    def set_genesis(self, key: str, value: Any, *, replace: bool = False) -> None:
        """Fix a fact that later runs must share.

        Raises:
            WorkspaceError: It is fixed to another value and `replace` is not set.
        """
        kept = self.genesis(key)
        if kept is not None and kept != json.loads(json.dumps(value)) and not replace:
            raise WorkspaceError(
                f"this workspace was begun with {key} = {kept!r}, now it is {value!r}: "
                "set it back, or use a new workspace"
            )
        text = json.dumps(value, sort_keys=True, allow_nan=False)
        self._database.upsert(schema.genesis, "key", {"key": key, "value": text})

    def _latest_rows(self) -> list[tuple[str, str]]:
        table = schema.latest_state
        return sorted(self._database.many(select(table.c.vehicle_id, table.c.body)))

    def _first_version(self, query: Select[Any]) -> TwinVersion | None:
        rows = self._database.rows(query.limit(1))
        return VersionRow(*rows[0]).version() if rows else None


def _within(table: Any, start: int, end: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return table.c.log_offset >= start, table.c.log_offset < end
