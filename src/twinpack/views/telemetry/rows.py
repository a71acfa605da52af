"""Rows of telemetry as they are put together from files, segments and memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

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
    time = rows.column(SAMPLE_TIME).cast(pa.int64()).to_numpy()
    if (time[1:] >= time[:-1]).all():
        first, last = np.searchsorted(time, (start_us, end_us)).tolist()
        return rows.slice(first, max(last - first, 0))
    return rows.filter(pa.array((time >= start_us) & (time < end_us)))


def of_vehicle(rows: pa.Table, vehicle_id: str) -> pa.Table:
    """Rows of a vehicle; the vehicles are a column of dictionaries, as files that are sorted by vehicle give them."""
    parts, at = [], 0
    for chunk in rows.column("vehicle_id").chunks:
        code = chunk.dictionary.index(vehicle_id).as_py()
        if code >= 0:
            parts += _runs(rows.slice(at, len(chunk)), chunk.indices.to_numpy(), code)
        at += len(chunk)
    return pa.concat_tables(parts) if parts else rows.slice(0, 0)


def _runs(rows: pa.Table, codes: NDArray[np.int32], code: int) -> list[pa.Table]:
    """The rows with a code: one run as a rule."""
    mine = np.flatnonzero(codes == code)
    if not len(mine):
        return []
    if mine[-1] - mine[0] + 1 == len(mine):
        return [rows.slice(int(mine[0]), len(mine))]
    return [rows.take(pa.array(mine))]


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
