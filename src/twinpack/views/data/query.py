"""SQL over what may be seen."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from twinpack.errors import QueryError, ServiceError
from twinpack.store.query import Limits, rows_of_query
from twinpack.views.opened import Views
from twinpack.views.shapes.data import QueryRequest, QueryResult
from twinpack.views.sight import Right, Sight
from twinpack.views.spans import whole

TRUNCATED = b"truncated"
"""Key of a table's metadata that says whether there were more rows."""

NEEDS: Mapping[str, Right] = {
    "vehicles": Right.FIND,
    "telemetry": Right.TELEMETRY,
    "trips": Right.VEHICLE,
    "features": Right.VEHICLE,
    "latest": Right.TWIN,
    "version_heads": Right.TWIN,
    "health": Right.TWIN,
    "forecasts": Right.TWIN,
    "forecast_ends": Right.TWIN,
    "predictions": Right.TWIN,
    "prediction_steps": Right.TWIN,
    "alarms": Right.ALARMS,
    "alarm_actions": Right.ALARMS,
    "findings": Right.ALARMS,
    "anomaly_scores": Right.ALARMS,
    "maintenance": Right.MAINTENANCE,
    "dead_letters": Right.DATA,
}
"""What each table tells of, as the right that its views need."""

_AT_ONCE = 2
_WAIT_S = 10.0
_MOST_S = 25.0
_MEMORY_MB = 1024
_MOST_BYTES = 64_000_000
_THREADS = 2
_FREE = threading.BoundedSemaphore(_AT_ONCE)
"""So many queries of a process run at a time: each takes memory and threads."""


def asked_table(views: Views, seer: Sight, asked: QueryRequest) -> pa.Table:
    """The rows that a statement finds of the vehicles that may be seen.

    Vehicles that may be seen of some times only are left out, since not every table tells its time. A table needs the
    right that the views of what it holds need.

    Raises:
        AccessError: SQL may not be asked.
        QueryError: It is not one statement that reads, or went over a limit.
        ServiceError: Too many others ask at the moment.
        WorkspaceError: Lake or registry cannot be read.
    """
    vehicles = _vehicles(views, seer)
    seconds = min(_MOST_S, 0.8 * views.workspace.settings.api.request_s)
    limits = Limits(rows=asked.limit + 1, seconds=seconds, memory_mb=_MEMORY_MB, threads=_THREADS)
    if not _FREE.acquire(timeout=min(_WAIT_S, seconds)):
        raise ServiceError("query: other queries are running; try again in a moment")
    try:
        hidden = [name for name, right in NEEDS.items() if not seer.may(right)]
        found = _bounded(views, asked.sql, limits, vehicles, hidden)
    finally:
        _FREE.release()
    more = found.num_rows > asked.limit
    return found.slice(0, asked.limit).replace_schema_metadata({TRUNCATED: b"true" if more else b"false"})


def query_result(found: pa.Table) -> QueryResult:
    """A table as it is answered in JSON."""
    columns = [[_plain(value) for value in _values(column)] for column in found.columns]
    rows = [list(row) for row in zip(*columns, strict=True)] if columns else []
    return QueryResult(
        columns=found.column_names,
        types=[str(field.type) for field in found.schema],
        rows=rows,
        truncated=(found.schema.metadata or {}).get(TRUNCATED) == b"true",
    )


def _bounded(views: Views, sql: str, limits: Limits, vehicles: list[str] | None, hidden: list[str]) -> pa.Table:
    kept: list[pa.RecordBatch] = []
    size = 0
    with rows_of_query(views.workspace, sql, limits, vehicles, hidden) as (schema, batches):
        for batch in batches:
            size += batch.nbytes
            if size > _MOST_BYTES:
                raise QueryError(f"query: more than {_MOST_BYTES / 1e6:.0f} MB would come back: ask for less")
            kept.append(batch)
    return pa.Table.from_batches(kept, schema)


def _values(column: pa.ChunkedArray) -> list[Any]:
    """Values of a column; moments that Python does not know, such as infinity, as text."""
    try:
        return column.to_pylist()  # type: ignore[no-any-return]
    except (OverflowError, ValueError):
        return column.cast(pa.string()).to_pylist()  # type: ignore[no-any-return]


def _vehicles(views: Views, seer: Sight) -> list[str] | None:
    """Vehicles that may be seen at all times, None for all."""
    scope = seer.scope(Right.QUERY)
    if scope.fleets is None:
        return None
    table = views.fleet
    mine = [entry.vehicle_id for entry in table.entries if entry.fleet in scope.fleets]
    return mine + [name for name, span in scope.vehicles.items() if whole(span)]


def _plain(value: Any) -> Any:
    """A value as JSON has it: what is no number is null, moments are text, spans are seconds."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)
