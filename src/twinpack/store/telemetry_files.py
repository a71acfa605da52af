"""Files of the telemetry table: rows sorted by day, bucket, vehicle and time, each day and bucket in files of its own.

They are written here rather than by the Delta library, in half the time and half the size: values come in steps, and so
repeat (dictionaries), times rise by nearly the same (differences), and a column without values is left out.
"""

from __future__ import annotations

import itertools
import json
import os
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.transaction import AddAction
from numpy.typing import NDArray

from twinpack.store.places import Place
from twinpack.store.tables import BUCKET, CONTEXT, DAY, OFFSET, SAMPLE_TIME, TABLES, TELEMETRY
from twinpack.telemetry.identifiers import shard_of

ROW_GROUP_ROWS = 32_768
"""Rows of a group: what is read at least of one vehicle."""
FILE_ROWS = 2_000_000
"""Most rows of a file."""
BUCKETS = "twinpack.buckets"
"""Name of the application transaction that holds how many buckets a table has."""
PART, SORTED = "part-", "sorted-"
"""What names of files begin with: those of one batch, and those of compaction, sorted over their day and bucket."""

_DAY_US = 86_400_000_000
_EPOCH = date(1970, 1, 1)
_RISING = (SAMPLE_TIME, "receipt_time", OFFSET)
_SCHEMA = TABLES[TELEMETRY].schema
_COLUMNS = [name for name in _SCHEMA.names if name not in (DAY, BUCKET)]
_WRITERS = min(os.cpu_count() or 1, 4)


@dataclass(frozen=True)
class VehicleContext:
    """What is known of a vehicle, None where it is not."""

    pack: str | None = None
    fleet: str | None = None
    model_year: int | None = None
    climate: str | None = None


@dataclass(frozen=True)
class _Sorted:
    """Rows in their order, and where a file begins and ends.

    Attributes:
        rows: Their columns, without those by which folders are named; `vehicle_id` apart.
        code: Of each row, which of `names`.
        names: Vehicles, in order.
        cuts: First row of each file, and the number of rows.
    """

    rows: pa.Table
    code: NDArray[np.int64]
    names: pa.Array
    cuts: NDArray[np.int64]


def write_files(
    place: Place,
    samples: pa.Table,
    buckets: int,
    context: Mapping[str, VehicleContext] | None = None,
    *,
    compacted: bool = False,
) -> list[AddAction]:
    """Write rows as files of the table; they belong to it once a commit names them.

    Args:
        place: Where the table is.
        samples: Rows with vehicle_id (a dictionary or text), times, offset and what signals hold values.
        buckets: How many buckets vehicles are put into.
        context: What is known of the vehicles; None when the columns are among the rows.
        compacted: Whether all rows of their days and buckets are among them, from files that these replace.

    Returns:
        What a commit has to add. The files are on disk.
    """
    if not samples.num_rows:
        return []
    ordered = _arrange(samples, buckets)
    rows = ordered.rows if context is None else _with_context(ordered, context)
    pieces = list(zip(ordered.cuts[:-1].tolist(), ordered.cuts[1:].tolist(), strict=True))
    folders = [_folder(rows.column(SAMPLE_TIME)[first], ordered, first, buckets) for first, _ in pieces]
    paths = [f"{folder}/{SORTED if compacted else PART}{uuid.uuid4().hex}.parquet" for folder in folders]
    place.make_folders(paths)

    def write(path: str, first: int, last: int) -> AddAction:
        table = _with_vehicles(ordered, rows, first, last)
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, **_how(table))
        data = sink.getvalue()
        place.write(path, data)
        return _action(path, data.size, table, data_change=not compacted)

    with ThreadPoolExecutor(_WRITERS) as pool:
        actions = list(pool.map(write, paths, *zip(*pieces, strict=True)))
    place.force_to_disk(paths)
    return actions


def buckets_of(table: DeltaTable) -> int:
    """How many buckets a table has."""
    return table.transaction_version(BUCKETS) or 1


def _arrange(samples: pa.Table, buckets: int) -> _Sorted:
    code, names = ranked(samples.column("vehicle_id"))
    time = samples.column(SAMPLE_TIME).combine_chunks().cast(pa.int64()).to_numpy()
    group = time // _DAY_US * buckets
    if buckets > 1:
        group += np.array([shard_of(name, buckets) for name in names.to_pylist()], dtype=np.int64)[code]
    key = (group - group.min()) * len(names) + code
    order = np.lexsort((time, key))
    group = group[order]
    rest = [name for name in _COLUMNS if name in samples.column_names and name != "vehicle_id"]
    held = [name for name in rest if samples.column(name).null_count < samples.num_rows]
    index = pa.array(order)
    rows = pa.table({name: _combined(samples.column(name)).take(index) for name in held})
    return _Sorted(rows, code[order], names, _cuts(group))


def ranked(vehicle: pa.ChunkedArray) -> tuple[NDArray[np.int64], pa.Array]:
    """Which vehicle each row is of, as its place among the vehicles in order of their names, and these."""
    if not pa.types.is_dictionary(vehicle.type):
        vehicle = vehicle.dictionary_encode()
    encoded = vehicle.unify_dictionaries().combine_chunks()
    place = pc.sort_indices(encoded.dictionary).to_numpy()
    rank = np.empty(len(place), dtype=np.int64)
    rank[place] = np.arange(len(place))
    return rank[encoded.indices.to_numpy()], encoded.dictionary.take(pa.array(place))


def _combined(column: pa.ChunkedArray) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.unify_dictionaries()
    return column.combine_chunks()


def _cuts(group: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where another day or bucket begins, or a file is full."""
    starts = np.concatenate([[0], np.flatnonzero(np.diff(group)) + 1, [len(group)]])
    full = [np.arange(first, last, FILE_ROWS) for first, last in itertools.pairwise(starts)]
    return np.concatenate([*full, [len(group)]]).astype(np.int64)


def _with_context(ordered: _Sorted, context: Mapping[str, VehicleContext]) -> pa.Table:
    known = [context.get(name, VehicleContext()) for name in ordered.names.to_pylist()]
    rows = ordered.rows
    for name in CONTEXT:
        values = pa.array([getattr(one, name) for one in known], _SCHEMA.field(name).type)
        if values.null_count < len(values):
            encoded = values.dictionary_encode()
            rows = rows.append_column(name, encoded.take(pa.array(ordered.code)))
    return rows


def _with_vehicles(ordered: _Sorted, rows: pa.Table, first: int, last: int) -> pa.Table:
    """The rows of one file, with a dictionary of the vehicles in it alone."""
    code = ordered.code[first:last]
    fresh = np.concatenate([[True], code[1:] != code[:-1]])
    found = ordered.names.take(pa.array(code[fresh]))
    index = pa.array((np.cumsum(fresh) - 1).astype(np.int32))
    vehicle = pa.DictionaryArray.from_arrays(index, found)
    return rows.slice(first, last - first).add_column(0, "vehicle_id", vehicle)


def _folder(time: pa.Scalar, ordered: _Sorted, row: int, buckets: int) -> str:
    day = _EPOCH + timedelta(days=time.cast(pa.int64()).as_py() // _DAY_US)
    bucket = shard_of(ordered.names[int(ordered.code[row])].as_py(), buckets) if buckets > 1 else 0
    return f"{DAY}={day.isoformat()}/{BUCKET}={bucket}"


def _how(table: pa.Table) -> dict[str, Any]:
    return {
        "compression": "zstd",
        "compression_level": 1,
        "row_group_size": ROW_GROUP_ROWS,
        "use_dictionary": [name for name in table.column_names if name not in _RISING],
        "column_encoding": {name: "DELTA_BINARY_PACKED" for name in table.column_names if name in _RISING},
        "store_schema": False,  # or a reader would meet dictionaries where the table has text
    }


def _action(path: str, size: int, table: pa.Table, data_change: bool) -> AddAction:
    folders = dict(part.split("=", 1) for part in path.split("/")[:-1])
    return AddAction(
        path=path,
        size=size,
        partition_values={name: folders[name] for name in (DAY, BUCKET)},
        modification_time=time.time_ns() // 1_000_000,
        data_change=data_change,
        stats=json.dumps(_statistics(table)),
    )


def _statistics(table: pa.Table) -> dict[str, Any]:
    """What leaves the file out of a search: rows are sorted by vehicle."""
    vehicle = table.column("vehicle_id")
    least, most = {"vehicle_id": vehicle[0].as_py()}, {"vehicle_id": vehicle[-1].as_py()}
    for name in (SAMPLE_TIME, OFFSET):
        found = pc.min_max(table.column(name))
        least[name], most[name] = (_as_json(found[end].as_py()) for end in ("min", "max"))
    return {
        "numRecords": table.num_rows,
        "minValues": least,
        "maxValues": most,
        "nullCount": dict.fromkeys(least, 0),
    }


def _as_json(value: Any) -> Any:
    return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if hasattr(value, "strftime") else value
