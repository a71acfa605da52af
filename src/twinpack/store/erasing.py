"""Removing what the lake holds of one vehicle and some time.

Telemetry is rewritten day by day without the rows, each day in one commit, so that others write in between. Files that
were replaced stay for readers that began before, as after a compaction, until they are cleaned up.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from deltalake.exceptions import DeltaError
from deltalake.transaction import AddAction, RemoveAction

from twinpack.errors import WorkspaceError
from twinpack.store.lake import Lake, at_offset
from twinpack.store.places import Place, told
from twinpack.store.tables import (
    ANOMALY_SCORES,
    BUCKET,
    DAY,
    DEAD_LETTERS,
    FEATURES,
    FORECAST_ENDS,
    FORECASTS,
    HEALTH,
    MADE,
    OFFSET,
    PREDICTION_STEPS,
    PREDICTIONS,
    SAMPLE_TIME,
    TABLES,
    TELEMETRY,
    TIME,
    TRIPS,
)
from twinpack.store.telemetry import commit
from twinpack.store.telemetry_files import buckets_of, write_files
from twinpack.store.telemetry_pieces import StoredFile, ordered_pieces, stored_files
from twinpack.telemetry.identifiers import shard_of

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STORED = [name for name in TABLES[TELEMETRY].schema.names if name not in TABLES[TELEMETRY].partitions]
_TIMES = {
    TRIPS: "start_us",
    PREDICTIONS: "start_us",
    PREDICTION_STEPS: SAMPLE_TIME,
    FEATURES: DAY,
    ANOMALY_SCORES: DAY,
    HEALTH: SAMPLE_TIME,
    FORECASTS: MADE,
    FORECAST_ENDS: MADE,
    DEAD_LETTERS: "imported_at",
}
"""By which column a table other than telemetry is cut."""


@dataclass(frozen=True)
class Erased:
    """What was removed: rows of telemetry, of how many days, and rows of the other tables."""

    samples: int
    days: int
    others: int


def erase(lake: Lake, vehicle_id: str, from_us: int | None, until_us: int | None) -> Erased:
    """Remove a vehicle's rows of some time from every table.

    Args:
        lake: The lake.
        vehicle_id: The vehicle.
        from_us: First sample time, None for the oldest. Of days, the whole first day goes.
        until_us: Sample time from which on rows stay, None for none. Of days, the whole last day goes.

    Raises:
        WorkspaceError: A table cannot be read or written; what is done stays done, and it may be repeated.
    """
    begin, end = _moment(from_us), _moment(until_us)
    samples, days = 0, _days(lake, vehicle_id, begin, end)
    for day in days:
        with lake.writing(TELEMETRY):
            samples += _erase_day(lake, vehicle_id, day, begin, end)
    others = sum(_erase_rows(lake, name, vehicle_id, begin, end) for name in _TIMES)
    return Erased(samples, len(days), others)


def _days(lake: Lake, vehicle_id: str, begin: datetime | None, end: datetime | None) -> list[date]:
    rows = lake.read(TELEMETRY, [DAY, SAMPLE_TIME], vehicle=vehicle_id, since=begin, until=end)
    return sorted(set(rows.column(DAY).unique().to_pylist()))


def _erase_day(lake: Lake, vehicle_id: str, day: date, begin: datetime | None, end: datetime | None) -> int:
    table, place = lake.open(TELEMETRY), lake.place(TELEMETRY)
    if table is None:
        return 0
    buckets = buckets_of(table)
    bucket = shard_of(vehicle_id, buckets) if buckets > 1 else 0
    files = [file for file in stored_files(table) if (file.day, file.bucket) == (day, bucket)]
    kept = (ds.field(BUCKET) == bucket) & ~_wanted(vehicle_id, begin, end)
    actions: list[AddAction | RemoveAction] = [_removed(file) for file in files]
    rows = 0
    try:
        for piece in ordered_pieces(table, files, _STORED, kept):
            rows += piece.num_rows
            actions += write_files(place, piece, buckets)
        commit(table, actions, at_offset(lake.recorded_offset(TELEMETRY)))
        place.force_last_commit()
    except (DeltaError, OSError, pa.ArrowException) as error:
        raise WorkspaceError(f"lake table {place.uri} cannot be written: {told(error)}") from error
    return sum(file.rows for file in files) - rows


def _wanted(vehicle_id: str, begin: datetime | None, end: datetime | None) -> ds.Expression:
    found = ds.field("vehicle_id") == vehicle_id
    if begin is not None:
        found &= ds.field(SAMPLE_TIME) >= pa.scalar(begin, TIME)
    if end is not None:
        found &= ds.field(SAMPLE_TIME) < pa.scalar(end, TIME)
    return found


def _removed(file: StoredFile) -> RemoveAction:
    moment = time.time_ns() // 1_000_000
    return RemoveAction(file.path, True, moment, size=file.size, partition_values=file.partition_values)


def _erase_rows(lake: Lake, name: str, vehicle_id: str, begin: datetime | None, end: datetime | None) -> int:
    """Rewrite the files of a table that hold such rows, without them, in one commit."""
    wanted, place = _rows_wanted(name, vehicle_id, begin, end), lake.place(name)
    with lake.writing(name):
        table, dataset = lake.open(name), lake.dataset(name)
        if table is None or dataset is None:
            return 0
        properties = at_offset(lake.recorded_offset(name)) if OFFSET in TABLES[name].schema.names else None
        actions: list[AddAction | RemoveAction] = []
        partitions, rows = table.metadata().partition_columns, 0
        try:
            held = {action["path"]: action for action in pa.table(table.get_add_actions(flatten=True)).to_pylist()}
            for fragment in dataset.get_fragments(wanted):
                found = fragment.count_rows(filter=wanted)
                if found:
                    rows += found
                    actions += _rewritten(name, place, fragment, held, partitions, wanted)
            if rows:
                table.create_write_transaction(
                    actions, "append", table.schema(), partitions, commit_properties=properties
                )
                place.force_last_commit()
        except (DeltaError, OSError, pa.ArrowException) as error:
            raise WorkspaceError(f"lake table {place.uri} cannot be written: {told(error)}") from error
    return rows


def _rewritten(
    name: str,
    place: Place,
    fragment: ds.Fragment,
    held: Mapping[str, Mapping[str, Any]],
    partitions: Sequence[str],
    wanted: ds.Expression,
) -> Iterator[AddAction | RemoveAction]:
    """What takes the place of a file: one with the other rows, if there are any."""
    path = next(one for one in held if unquote(fragment.path).endswith(unquote(one)))
    values = {column: _written(held[path][f"partition.{column}"]) for column in partitions}
    moment = time.time_ns() // 1_000_000
    yield RemoveAction(path, True, moment, size=held[path]["size_bytes"], partition_values=values)
    columns = [column for column in fragment.physical_schema.names if column not in values]
    schema = pa.schema([TABLES[name].schema.field(column) for column in columns])
    sink, rows = pa.BufferOutputStream(), 0
    with pq.ParquetWriter(sink, schema, compression="zstd") as writer:
        for batch in fragment.to_batches(columns=columns, filter=~wanted):
            if batch.num_rows:
                writer.write_batch(batch.cast(schema))
                rows += batch.num_rows
    if rows:
        data = sink.getvalue()
        fresh = f"{path.rpartition('/')[0]}/part-{uuid.uuid4().hex}.parquet".lstrip("/")
        place.write(fresh, data)
        place.force_to_disk([fresh])
        yield AddAction(fresh, data.size, values, moment, True, json.dumps({"numRecords": rows}))


def _written(value: object) -> str | None:
    """A partition's value as a commit names it."""
    return None if value is None else value.isoformat() if isinstance(value, date) else str(value)


def _rows_wanted(name: str, vehicle_id: str, begin: datetime | None, end: datetime | None) -> ds.Expression:
    column, found = ds.field(_TIMES[name]), ds.field("vehicle_id") == vehicle_id
    if begin is not None:
        found &= column >= _limit(name, begin)
    # A forecast rests on all that came before: one made after the erased time goes too.
    if end is not None and _TIMES[name] != MADE:
        found &= column <= _limit(name, end) if _TIMES[name] == DAY else column < _limit(name, end)
    return found


def _limit(name: str, moment: datetime) -> pa.Scalar:
    if _TIMES[name] in (DAY, MADE):
        return pa.scalar(moment.date(), pa.date32())
    stamp = pa.scalar(moment, TIME)
    return stamp.cast(pa.int64()) if _TIMES[name].endswith("_us") else stamp


def _moment(at_us: int | None) -> datetime | None:
    return None if at_us is None else _EPOCH + timedelta(microseconds=at_us)
