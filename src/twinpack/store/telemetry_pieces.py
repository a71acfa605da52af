"""Telemetry in order, day after day, by vehicle and time within each, in pieces that fit into memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from deltalake import DeltaTable

from twinpack.store.tables import BUCKET, DAY, OFFSET, SAMPLE_TIME
from twinpack.store.telemetry_files import SORTED, ranked

PIECE_ROWS = 500_000
"""Rows of a piece, unless one vehicle has more on a day."""

_MOST_A_DAY = 100_000  # a sample a second, and some


@dataclass(frozen=True)
class StoredFile:
    """A file of the table.

    Attributes:
        path: Its path from the table.
        day: Its day.
        bucket: Its bucket.
        rows: Its rows.
        size: Its bytes.
        first_offset: Least log offset of its rows.
        last_offset: Greatest log offset of its rows.
    """

    path: str
    day: date
    bucket: int
    rows: int
    size: int
    first_offset: int
    last_offset: int

    @property
    def is_sorted(self) -> bool:
        """Whether compaction wrote it."""
        return self.path.rpartition("/")[2].startswith(SORTED)

    @property
    def partition_values(self) -> dict[str, str | None]:
        """Its day and bucket as a commit names them."""
        return {DAY: self.day.isoformat(), BUCKET: str(self.bucket)}


def stored_files(table: DeltaTable) -> list[StoredFile]:
    """Files of the table as it was opened, by day and bucket."""
    found = [
        StoredFile(
            path=one["path"],
            day=one[f"partition.{DAY}"],
            bucket=one[f"partition.{BUCKET}"],
            rows=one["num_records"],
            size=one["size_bytes"],
            first_offset=one[f"min.{OFFSET}"],
            last_offset=one[f"max.{OFFSET}"],
        )
        for one in pa.table(table.get_add_actions(flatten=True)).to_pylist()
    ]
    return sorted(found, key=lambda file: (file.day, file.bucket, file.path))


def ordered_pieces(
    table: DeltaTable,
    files: Sequence[StoredFile],
    columns: Sequence[str],
    condition: pc.Expression | None = None,
    vehicles: Sequence[str] | None = None,
) -> Iterator[pa.Table]:
    """Rows of whole days, by vehicle and time within one or several days.

    Args:
        table: The table as it was opened.
        files: The files whose days are wanted, by day.
        columns: Columns wanted; vehicle_id, sample_time and offset are among them.
        condition: Rows wanted, all when None.
        vehicles: Vehicles wanted, all when None.

    Yields:
        A vehicle's rows of a day are in one piece, and later days in later pieces or further down.
    """
    if vehicles is not None:
        wanted = pc.field("vehicle_id").isin(list(vehicles))
        condition = wanted if condition is None else condition & wanted
    for first, last, rows in _spans(files):
        dataset = _dataset(table, first, last)
        few = vehicles is not None and len(vehicles) * _MOST_A_DAY <= PIECE_ROWS
        if rows <= PIECE_ROWS or few:
            yield in_order(dataset.to_table(columns=list(columns), filter=condition))
        else:
            yield from _by_vehicles(dataset, columns, condition)


def in_order(rows: pa.Table) -> pa.Table:
    """Rows by day, vehicle, time and offset."""
    if not rows.num_rows:
        return rows
    code, _ = ranked(rows.column("vehicle_id"))
    time, offset = (rows.column(name).combine_chunks().cast(pa.int64()).to_numpy() for name in (SAMPLE_TIME, OFFSET))
    group = time // 86_400_000_000 * (code.max() + 1) + code
    later = np.diff(group)
    if ((later > 0) | ((later == 0) & (np.diff(time) > 0))).all():
        return rows  # as files of single batches are, and those of compaction
    order = pa.array(np.lexsort((offset, time, group)))
    # Columns without values are as they were in any order, and many are: most vehicles tell half of the signals.
    columns = [
        column if column.null_count == rows.num_rows else column.combine_chunks().take(order) for column in rows.columns
    ]
    return pa.Table.from_arrays(columns, schema=rows.schema)


def _spans(files: Sequence[StoredFile]) -> Iterator[tuple[date, date, int]]:
    """Days in a row that fit into a piece together: first and last day, rows."""
    rows_of: dict[date, int] = {}
    for file in files:
        rows_of[file.day] = rows_of.get(file.day, 0) + file.rows
    first: date | None = None
    last, total = date.min, 0
    for day, rows in rows_of.items():
        if first is not None and total + rows > PIECE_ROWS:
            yield first, last, total
            first, total = None, 0
        first, last, total = first or day, day, total + rows
    if first is not None:
        yield first, last, total


def _dataset(table: DeltaTable, first: date, last: date) -> ds.Dataset:
    """Some days of the table, in their order."""
    found = table.to_pyarrow_dataset(
        file_pruning_predicate=[(DAY, ">=", first.isoformat()), (DAY, "<=", last.isoformat())]
    )
    fragments = sorted(found.get_fragments(), key=lambda fragment: fragment.path)
    return ds.FileSystemDataset(fragments, found.schema, found.format, found.filesystem)


def _by_vehicles(dataset: ds.Dataset, columns: Sequence[str], condition: pc.Expression | None) -> Iterator[pa.Table]:
    """A full day, some vehicles at a time."""
    for first, last in _ranges(dataset, condition):
        some = (pc.field("vehicle_id") >= first) & (pc.field("vehicle_id") <= last)
        yield in_order(dataset.to_table(columns=list(columns), filter=some if condition is None else condition & some))


def _ranges(dataset: ds.Dataset, condition: pc.Expression | None) -> Iterator[tuple[str, str]]:
    """First and last of vehicles whose rows fit into a piece together."""
    counts: dict[str, int] = {}
    for batch in dataset.to_batches(columns=["vehicle_id"], filter=condition):
        for one in pc.value_counts(batch.column(0)).to_pylist():
            counts[one["values"]] = counts.get(one["values"], 0) + one["counts"]
    held: list[str] = []
    total = 0
    for name in sorted(counts):
        if held and total + counts[name] > PIECE_ROWS:
            yield held[0], held[-1]
            held, total = [], 0
        held.append(name)
        total += counts[name]
    if held:
        yield held[0], held[-1]
