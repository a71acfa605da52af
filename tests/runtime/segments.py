"""Small logs for the tests of what is built from them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from twinpack.ingest.log import SegmentLog
from twinpack.store.records import VehicleRecord
from twinpack.store.registry import MAIN_STREAM, Registry
from twinpack.store.workspace import Workspace
from twinpack.telemetry.schema import LOG, TELEMETRY, to_log

DAY_US = 86_400_000_000
START_US = 20_000 * DAY_US + 60_000_000


def samples(vehicle: str, times_us: list[int], **signals: Any) -> pa.Table:
    """Rows of a vehicle in the `TELEMETRY` schema; a signal is one value, or a list with one for each row."""
    rows = len(times_us)
    given: dict[str, list[Any]] = {"vehicle_id": [vehicle] * rows}
    given |= {"sample_time": times_us, "receipt_time": [time + 1_000_000 for time in times_us]}
    given |= {name: value if isinstance(value, list) else [value] * rows for name, value in signals.items()}
    columns = [
        pa.array(given[field.name], pa.int64()).cast(field.type)
        if pa.types.is_timestamp(field.type)
        else pa.array(given.get(field.name, [None] * rows), field.type)
        for field in TELEMETRY
    ]
    return pa.Table.from_arrays(columns, schema=TELEMETRY)


def of_kind(table: pa.Table, kind: int) -> pa.Table:
    """Rows of the log of another kind."""
    at = LOG.get_field_index("kind")
    return table.set_column(at, LOG.field(at), pa.array([kind] * table.num_rows, pa.int8()))


def write(home: Path, *segments: pa.Table) -> SegmentLog:
    """A log with one segment of each table, in the `TELEMETRY` or `LOG` schema."""
    log = SegmentLog(home / "log")
    for table in segments:
        log.append([table if "kind" in table.column_names else to_log(table)])
    return log


def enter(registry: Registry, *vehicles: str, pack: str = "sim_nmc_96s") -> None:
    """Enter vehicles of one pack."""
    records = [VehicleRecord(name, pack, "", START_US) for name in vehicles]
    registry.commit_batch(MAIN_STREAM, 0, 0, [], {}, records)


def all_rows(workspace: Workspace) -> list[dict[str, Any]]:
    """The telemetry table, row by row."""
    rows: list[dict[str, Any]] = workspace.lake().read("telemetry").to_pylist()
    return rows
