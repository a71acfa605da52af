"""Rows for tests of the log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from twinpack.errors import WorkspaceError
from twinpack.ingest.log import LiveLog, SegmentLog
from twinpack.ingest.records import DEAD_LETTERS, MemoryDeadLetters
from twinpack.telemetry.schema import KIND_SAMPLE, LOG, TIME_TYPE

SECOND_US = 1_000_000


def samples(seconds: Iterable[int], vehicle: str = "car-1", kind: int = KIND_SAMPLE, volt: float = 380.0) -> pa.Table:
    """Rows of one vehicle; the sample time is so many seconds after 1970."""
    times = pa.array([second * SECOND_US for second in seconds], pa.int64()).cast(TIME_TYPE)
    rows = len(times)
    given = {
        "vehicle_id": pa.array([vehicle] * rows),
        "sample_time": times,
        "receipt_time": times,
        "pack_voltage_v": pa.array([volt] * rows),
        "kind": pa.array([kind] * rows, pa.int8()),
    }
    return pa.Table.from_arrays([given.get(f.name, pa.nulls(rows, f.type)) for f in LOG], schema=LOG)


def letters(count: int, reason: str = "json") -> pa.Table:
    row = {name: "x" for name in DEAD_LETTERS.names} | {"reason": reason}
    return pa.Table.from_pylist([row | {"row": index} for index in range(count)], schema=DEAD_LETTERS)


def seconds_of(parts: Iterable[tuple[int, pa.Table]]) -> list[int]:
    """Sample times of rows that were read, seconds."""
    return [
        time // SECOND_US for _, table in parts for time in table.column("sample_time").cast(pa.int64()).to_pylist()
    ]


def names(directory: Path, suffix: str) -> list[str]:
    return sorted(path.name for path in directory.iterdir() if path.name.endswith(suffix))


class BrokenSink(MemoryDeadLetters):
    """A lake that does not answer until it is mended."""

    broken = True

    def append(self, table: pa.Table) -> None:
        if self.broken:
            raise WorkspaceError("the lake is down")
        super().append(table)


@contextmanager
def opened(directory: Path, sink: Any = None, **options: Any) -> Iterator[LiveLog]:
    """A live log that seals only when it is told to."""
    given = {"segment_rows": 1_000_000, "segment_age_s": 3600.0} | options
    with LiveLog(SegmentLog(directory), sink or MemoryDeadLetters(), **given) as live:
        yield live
