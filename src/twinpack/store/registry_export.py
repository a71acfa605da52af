"""Rows of the registry to a file: vehicles, alarms, findings, maintenance."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from twinpack.errors import InputError
from twinpack.store.export import CsvWriter, Format, ParquetWriter, Wanted, check_times, whole_file
from twinpack.store.registry import Registry
from twinpack.store.registry_tables import REGISTRY_TABLES
from twinpack.store.tables import TIME

_TIMES = {"findings": "sample_time", "alarms": "last_raised", "alarm_actions": "at"}
"""By which column a table is cut in time."""


def export_registry(registry: Registry, wanted: Wanted, path: Path, how: Format) -> int:
    """Write rows to a file, which is there whole or not at all.

    Args:
        registry: Whose rows.
        wanted: Which rows, of one of `REGISTRY_TABLES`.
        path: The file; one that is there is replaced.
        how: `csv` or `parquet`.

    Returns:
        How many rows were written.

    Raises:
        InputError: The table has no such column, the times are in the wrong order, or the path is no ordinary file.
        WorkspaceError: The registry cannot be read, or the file not written.
    """
    schema, make = REGISTRY_TABLES[wanted.table]
    if how == "bdf":
        raise InputError("a BDF file is the telemetry of one vehicle: name one with --vehicle, and no --table")
    if wanted.vehicles and "vehicle_id" not in schema.names:
        raise InputError(f"table {wanted.table!r} has no vehicles to choose")
    if (wanted.since or wanted.until) and wanted.table not in _TIMES:
        raise InputError(f"table {wanted.table!r} has no time to choose by")
    check_times(wanted)
    rows = _chosen(make(registry), wanted)
    with whole_file(path) as sink, (ParquetWriter if how == "parquet" else CsvWriter)(sink, schema) as writer:
        for batch in rows.to_batches(max_chunksize=100_000):
            writer.write(batch)
    return int(rows.num_rows)


def _chosen(rows: pa.Table, wanted: Wanted) -> pa.Table:
    if wanted.vehicles:
        rows = rows.filter(pc.is_in(rows.column("vehicle_id"), pa.array(wanted.vehicles, pa.string())))
    if wanted.since is not None:
        rows = rows.filter(pc.greater_equal(rows.column(_TIMES[wanted.table]), pa.scalar(wanted.since, TIME)))
    if wanted.until is not None:
        rows = rows.filter(pc.less(rows.column(_TIMES[wanted.table]), pa.scalar(wanted.until, TIME)))
    return rows
