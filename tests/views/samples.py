"""Samples of vehicles, and the log and the lake that hold them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from twinpack.ingest.log import SegmentLog
from twinpack.runtime.features import build_features
from twinpack.runtime.lake import build_telemetry
from twinpack.store.workspace import Workspace
from twinpack.telemetry.schema import KIND_SAMPLE, LOG, TIME_TYPE
from twinpack.views.telemetry.tail import Tail

SECOND_US = 1_000_000
DAY_S = 86_400


def rows(vehicle: str, seconds: Iterable[float], kind: int = KIND_SAMPLE, **signals: Any) -> pa.Table:
    """Rows of the log of one vehicle; a signal is one value for all, or one for each."""
    times = pa.array([round(second * SECOND_US) for second in seconds], pa.int64()).cast(TIME_TYPE)
    count = len(times)
    given: dict[str, Any] = {
        "vehicle_id": [vehicle] * count,
        "sample_time": times,
        "receipt_time": times,
        "kind": [kind] * count,
    } | {name: _each(value, count) for name, value in signals.items()}
    columns = [pa.array(given[f.name], f.type) if f.name in given else pa.nulls(count, f.type) for f in LOG]
    return pa.Table.from_arrays(columns, schema=LOG)


def sealed(workspace: Workspace, *tables: pa.Table) -> None:
    """Put rows into the log as a segment."""
    SegmentLog(workspace.log_dir).append(tables)


def built(workspace: Workspace, features: bool = False) -> None:
    """Bring what is sealed to the lake."""
    with workspace.registry() as registry:
        build_telemetry(workspace, SegmentLog(workspace.log_dir), registry)
        if features:
            build_features(workspace, registry)


def seconds_of(table: pa.Table) -> list[float]:
    """Sample times of rows, seconds."""
    return [time / SECOND_US for time in table.column("sample_time").cast(pa.int64()).to_pylist()]


def _each(value: Any, count: int) -> Sequence[Any]:
    if isinstance(value, Mapping):
        raise TypeError("one value, or one for each row")
    return list(value) if isinstance(value, Sequence) and len(value) == count else [value] * count


def vehicles_since(tail: Tail, serial: int) -> set[str]:
    """Vehicles of which samples came after a reading of the end of the log."""
    return {name for piece in tail.since(serial) for name in piece.place}
