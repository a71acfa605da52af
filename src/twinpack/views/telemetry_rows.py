"""Rows of telemetry as they are put together from files, segments and memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from twinpack.store.tables import OFFSET, SAMPLE_TIME
from twinpack.telemetry.schema import TELEMETRY


def telemetry_schema(columns: Sequence[str]) -> pa.Schema:
    """Columns of rows: sample time and log offset, then the signals that are wanted."""
    named = [TELEMETRY.field(name) for name in (SAMPLE_TIME, *columns)]
    return pa.schema([named[0], pa.field(OFFSET, pa.int64()), *named[1:]])


def of_schema(rows: pa.Table, columns: Sequence[str]) -> pa.Table:
    """Rows with all columns that are wanted; one that they do not have holds no values."""
    schema = telemetry_schema(columns)
    names = set(rows.column_names)
    found = [
        rows.column(field.name).cast(field.type) if field.name in names else pa.nulls(rows.num_rows, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(found, schema=schema)


def within_times(rows: pa.Table, start_us: int, end_us: int) -> pa.Table:
    """Rows with a sample time from `start_us` to before `end_us`, microseconds since the epoch."""
    time = rows.column(SAMPLE_TIME).cast(pa.int64())
    return rows.filter(pc.and_(pc.greater_equal(time, start_us), pc.less(time, end_us)))


def in_time_order(rows: pa.Table) -> pa.Table:
    """Rows by sample time, each time once: of several, the one with the highest log offset."""
    if rows.num_rows < 2:
        return rows
    time = rows.column(SAMPLE_TIME).cast(pa.int64()).to_numpy()
    if (time[1:] > time[:-1]).all():
        return rows
    offset = rows.column(OFFSET).to_numpy()
    order = np.lexsort((offset, time))
    time = time[order]
    last = np.append(time[1:] != time[:-1], True)
    return rows.take(pa.array(order[last]))
