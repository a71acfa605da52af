"""Columns of Arrow tables as arrays: times as microseconds, missing figures as NaN or None."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

FloatColumn = NDArray[np.float64]


def micros(table: pa.Table, name: str) -> NDArray[np.int64]:
    """A column of times as int64 microseconds since the epoch."""
    column = table.column(name)
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us", column.type.tz)).cast(pa.int64())
    return np.asarray(column.to_numpy(), dtype=np.int64)


def numbers(table: pa.Table, name: str) -> FloatColumn:
    """A column of figures; null is NaN."""
    return np.asarray(table.column(name).cast(pa.float64()).to_numpy(), dtype=np.float64)


def records(table: pa.Table) -> list[dict[str, Any]]:
    """Rows as dictionaries; times are int64 microseconds, NaN and null are None."""
    columns = {name: _values(table, name) for name in table.column_names}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def by_vehicle(table: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """The rows of each vehicle, in their order."""
    if table.num_rows == 0:
        return
    coded = pc.dictionary_encode(table.column("vehicle_id")).combine_chunks()
    codes = np.asarray(coded.indices)
    order = np.argsort(codes, kind="stable")
    edges = np.searchsorted(codes[order], np.arange(len(coded.dictionary) + 1))
    grouped = table.take(pa.array(order))
    for code, vehicle_id in enumerate(coded.dictionary.to_pylist()):
        yield vehicle_id, grouped.slice(int(edges[code]), int(edges[code + 1] - edges[code]))


def _values(table: pa.Table, name: str) -> list[Any]:
    kind = table.schema.field(name).type
    if pa.types.is_timestamp(kind):
        return list(micros(table, name).tolist())
    values = table.column(name).to_pylist()
    return [None if value != value else value for value in values] if pa.types.is_floating(kind) else values
