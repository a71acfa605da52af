"""One batch into the registry: events, versions, findings, alarms, latest state and offset, all or nothing.

A batch whose rows were committed before (a restart folds on from the last snapshot) adds nothing, but it must say the
same as it did then: what it brings for those rows has to be there already.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, and_, func, select, tuple_

from twinpack.errors import AuditError, WorkspaceError
from twinpack.fleet.events import FINDING, STEPS, VERSION, Event
from twinpack.store import schema
from twinpack.store.alarms.keeping import keep_findings
from twinpack.store.database import execute_many, insert_into
from twinpack.store.records import VehicleRecord, canonical_json, now_us, sha256_text
from twinpack.twin.versions import TwinVersion

T = TypeVar("T")

# SQLite takes 32,766 bound values in a statement; keys have one or two columns.
CHUNK = 5_000


@dataclass(frozen=True)
class Batch:
    """What one step of the runtime commits.

    Attributes:
        stream: Name of the log that was folded.
        offset_before: Offset of the batch's first row.
        offset_after: Offset after its last row.
        events: What the fold gave back; those of kind `STEPS` are not for the registry.
        latest: Latest state by vehicle (JSON values, NaN becomes null), for the vehicles that changed.
        vehicles: Vehicles met for the first time, or whose pack or model changed.
    """

    stream: str
    offset_before: int
    offset_after: int
    events: Sequence[Event]
    latest: Mapping[str, Mapping[str, Any]]
    vehicles: Sequence[VehicleRecord] = ()


@dataclass(frozen=True)
class Head:
    """The last version of a vehicle's chain."""

    number: int
    hash: str


def commit(connection: Connection, batch: Batch) -> int:
    """Write a batch in the transaction at hand.

    Returns:
        How many events were new.

    Raises:
        WorkspaceError: The batch does not continue the stream, or repeats it with other events.
        AuditError: A version does not continue its vehicle's chain.
    """
    _check_offsets(batch)
    stored = _stream_offset(connection, batch.stream)
    if batch.offset_before > stored:
        raise WorkspaceError(
            f"stream {batch.stream!r} stands at offset {stored}, this batch begins at {batch.offset_before}: "
            "another run has changed the workspace, or rows were skipped; run again"
        )
    events = [event for event in batch.events if event.kind != STEPS]
    _check_replayed(connection, batch.stream, stored, events)
    _put_vehicles(connection, batch.vehicles)
    _append_versions(connection, [event for event in events if event.kind == VERSION])
    keep_findings(connection, [event for event in events if event.kind == FINDING])
    added = _put_events(connection, events)
    _put_latest(connection, batch)
    if batch.offset_after > stored or not stored:
        _put_offset(connection, batch.stream, max(stored, batch.offset_after))
    return added


def _check_offsets(batch: Batch) -> None:
    before, after = batch.offset_before, batch.offset_after
    if not 0 <= before <= after:
        raise ValueError(f"a batch from offset {before} to {after} cannot be")
    stray = next((event for event in batch.events if not before <= event.offset < after), None)
    if stray is not None:
        raise ValueError(f"event {stray.event_id} at offset {stray.offset} is not of the batch {before} to {after}")


def _stream_offset(connection: Connection, stream: str) -> int:
    table = schema.stream
    return connection.execute(select(table.c.log_offset).where(table.c.name == stream)).scalar() or 0


def _check_replayed(connection: Connection, stream: str, stored: int, events: Sequence[Event]) -> None:
    """Events of rows folded before must be known."""
    replayed = {event.event_id for event in events if event.offset < stored}
    for known in _chunks(sorted(replayed)):
        found = connection.execute(select(schema.events.c.event_id).where(schema.events.c.event_id.in_(known)))
        replayed.difference_update(found.scalars())
    if replayed:
        first = next(event for event in events if event.event_id in replayed)
        raise WorkspaceError(
            f"folding again the rows of stream {stream!r} before offset {stored} gives another outcome than was "
            f"recorded (vehicle {first.vehicle_id}, {first.kind} at offset {first.offset}): run with the release and "
            "settings that recorded it"
        )


def _put_vehicles(connection: Connection, vehicles: Sequence[VehicleRecord]) -> None:
    if vehicles:
        statement = insert_into(connection, schema.vehicles)
        renewed = {name: statement.excluded[name] for name in ("pack", "model_hash")}
        statement = statement.on_conflict_do_update(index_elements=["vehicle_id"], set_=renewed)
        execute_many(connection, statement, [asdict(vehicle) for vehicle in vehicles])


def _append_versions(connection: Connection, events: Sequence[Event]) -> None:
    if not events:
        return
    _put_unknown_vehicles(connection, [event.body for event in events if event.body.number == 1])
    heads = read_heads(connection, {event.vehicle_id for event in events})
    kept = _kept_hashes(connection, [event.body for event in events if _is_old(event.body, heads)])
    recorded_at_us = now_us()
    rows = [
        _version_row(event, recorded_at_us)
        for event in events
        if _continues(event.body, heads, kept.get((event.vehicle_id, event.body.number)))
    ]
    if rows:
        execute_many(connection, schema.twin_versions.insert(), rows)


def _is_old(version: TwinVersion, heads: Mapping[str, Head]) -> bool:
    head = heads.get(version.vehicle_id)
    return head is not None and version.number <= head.number


def _continues(version: TwinVersion, heads: dict[str, Head], kept: str | None) -> bool:
    """Whether a version is to be added: it is the next of its chain; False when the very same row is there."""
    where = f"vehicle {version.vehicle_id}, version {version.number}"
    head = heads.get(version.vehicle_id, Head(0, ""))
    if version.number <= head.number:
        # Two in one batch with the same number leave `kept` empty: the second is judged by the head it met.
        if (kept or head.hash) != version.hash:
            raise AuditError(f"{where}: the registry holds another version with this number; versions never change")
        return False
    if version.number != head.number + 1:
        raise AuditError(f"{where}: the chain ends at version {head.number}, so {head.number + 1} is missing")
    if version.parent_hash != head.hash:
        raise AuditError(f"{where}: its parent hash is not that of version {head.number}")
    heads[version.vehicle_id] = Head(version.number, version.hash)
    return True


def _version_row(event: Event, recorded_at_us: int) -> dict[str, Any]:
    version: TwinVersion = event.body
    content = canonical_json(version.content())
    if sha256_text(content) != version.hash or version.vehicle_id != event.vehicle_id:
        raise AuditError(f"vehicle {event.vehicle_id}, version {version.number}: its hash is not that of its content")
    return {
        "vehicle_id": version.vehicle_id,
        "number": version.number,
        "kind": version.kind,
        "trip_number": version.trip_number,
        "sample_time_us": version.sample_time_us,
        "content": content,
        "parent_hash": version.parent_hash,
        "hash": version.hash,
        "log_offset": event.offset,
        "recorded_at_us": recorded_at_us,
    }


def _put_unknown_vehicles(connection: Connection, firsts: Sequence[TwinVersion]) -> None:
    rows = [
        {"vehicle_id": v.vehicle_id, "pack": "", "model_hash": v.model_hash, "first_seen_us": v.sample_time_us}
        for v in firsts
    ]
    if rows:
        statement = insert_into(connection, schema.vehicles).on_conflict_do_nothing(index_elements=["vehicle_id"])
        execute_many(connection, statement, rows)


def read_heads(connection: Connection, vehicle_ids: Iterable[str]) -> dict[str, Head]:
    """The last version of each vehicle that has one."""
    vehicles, versions, other = schema.vehicles, schema.twin_versions, schema.twin_versions.alias()
    last = select(func.max(other.c.number)).where(other.c.vehicle_id == vehicles.c.vehicle_id)
    same = and_(
        versions.c.vehicle_id == vehicles.c.vehicle_id,
        versions.c.number == last.correlate(vehicles).scalar_subquery(),
    )
    query = select(vehicles.c.vehicle_id, versions.c.number, versions.c.hash)
    query = query.select_from(vehicles.join(versions, same))
    found: dict[str, Head] = {}
    for chunk in _chunks(sorted(vehicle_ids)):
        rows = connection.execute(query.where(vehicles.c.vehicle_id.in_(chunk)))
        found.update({vehicle_id: Head(number, digest) for vehicle_id, number, digest in rows})
    return found


def _kept_hashes(connection: Connection, versions: Sequence[TwinVersion]) -> dict[tuple[str, int], str]:
    table = schema.twin_versions
    key = tuple_(table.c.vehicle_id, table.c.number)
    found: dict[tuple[str, int], str] = {}
    for chunk in _chunks([(version.vehicle_id, version.number) for version in versions]):
        rows = connection.execute(select(table.c.vehicle_id, table.c.number, table.c.hash).where(key.in_(chunk)))
        found.update({(vehicle_id, number): digest for vehicle_id, number, digest in rows})
    return found


def _put_events(connection: Connection, events: Sequence[Event]) -> int:
    if not events:
        return 0
    rows = [
        {
            "event_id": event.event_id,
            "vehicle_id": event.vehicle_id,
            "sample_time_us": event.sample_time_us,
            "kind": event.kind,
            "log_offset": event.offset,
        }
        for event in events
    ]
    return execute_many(
        connection, insert_into(connection, schema.events).on_conflict_do_nothing(index_elements=["event_id"]), rows
    )


def _put_latest(connection: Connection, batch: Batch) -> None:
    rows = [
        {"vehicle_id": vehicle_id, "log_offset": batch.offset_after, "body": msgspec.json.encode(body).decode()}
        for vehicle_id, body in batch.latest.items()
    ]
    if rows:
        table = schema.latest_state
        statement = insert_into(connection, table)
        statement = statement.on_conflict_do_update(
            index_elements=["vehicle_id"],
            set_={name: statement.excluded[name] for name in ("log_offset", "body")},
            where=table.c.log_offset <= statement.excluded.log_offset,  # a replay never sets it back
        )
        execute_many(connection, statement, rows)


def _put_offset(connection: Connection, stream: str, offset: int) -> None:
    statement = insert_into(connection, schema.stream)
    statement = statement.on_conflict_do_update(
        index_elements=["name"], set_={"log_offset": statement.excluded.log_offset}
    )
    connection.execute(statement, {"name": stream, "log_offset": offset})


def _chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]
