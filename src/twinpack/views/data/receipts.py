"""When rows of the log were received: how many in each minute of the last hour, and the newest of all."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from twinpack.ingest.log import Segment, SegmentLog
from twinpack.ingest.log.listing import Listing
from twinpack.ingest.log.segments import opened
from twinpack.ingest.log.wal import first_offset_of, read_rows_after
from twinpack.telemetry.schema import SAMPLE_KINDS

MINUTE_US = 60_000_000
MINUTES = 60

_KINDS = pa.array(SAMPLE_KINDS, pa.int8())


@dataclass(frozen=True)
class Received:
    """What came in up to a moment.

    Attributes:
        rows: Offset after the last row of the log, sealed or not.
        size: Bytes of the log's files.
        newest_us: Receipt of the newest sample, 0 without one.
        by_minute: Samples received, by the minute since the epoch.
    """

    rows: int
    size: int
    newest_us: int
    by_minute: Mapping[int, int]


@dataclass
class _Unsealed:
    """How far a write-ahead file was read."""

    position: int = 0
    rows: int = 0
    newest_us: int = 0
    by_minute: Counter[int] = field(default_factory=Counter)


class Receipts:
    """Counts what comes in; any thread may ask. What was counted once is not read again."""

    def __init__(self, log: SegmentLog) -> None:
        """Count the rows of a log."""
        self._log = log
        self._sealed: dict[tuple[int, int], Counter[int]] = {}
        self._unsealed: dict[Path, _Unsealed] = {}
        self._lock = threading.Lock()

    def up_to(self, now_us: int) -> Received:
        """What came in, and in each minute of the last hour.

        Raises:
            WorkspaceError: The log cannot be read.
        """
        with self._lock:
            return self._log.at_one_moment(lambda listing: self._received(listing, now_us))

    def _received(self, listing: Listing, now_us: int) -> Received:
        since = now_us // MINUTE_US - MINUTES
        fresh = [segment for segment in listing.visible if segment.last_receipt_us // MINUTE_US >= since]
        self._sealed = {one.identity: self._sealed.get(one.identity) or _of_segment(one) for one in fresh}
        self._unsealed = {path: self._read_on(path) for path in listing.wals}
        parts = [*self._sealed.values(), *(part.by_minute for part in self._unsealed.values())]
        ends = [segment.end_offset for segment in listing.visible]
        ends += [first_offset_of(path) + part.rows for path, part in self._unsealed.items()]
        newest = [segment.last_receipt_us for segment in listing.visible]
        newest += [listing.retired.last_receipt_us, *(part.newest_us for part in self._unsealed.values())]
        return Received(
            rows=max(ends, default=listing.end_offset),
            size=sum(segment.size for segment in listing.visible) + sum(_size(path) for path in listing.wals),
            newest_us=max(newest),
            by_minute=sum(parts, Counter()),
        )

    def _read_on(self, path: Path) -> _Unsealed:
        part = self._unsealed.get(path) or _Unsealed()
        try:
            tables, part.position = read_rows_after(path, part.position)
        except FileNotFoundError:  # sealed meanwhile: counted with its segment the next time
            return part
        for table in tables:
            part.rows += table.num_rows
            time_us = _receipts(table)
            part.newest_us = max([part.newest_us, *time_us[-1:].tolist()])
            part.by_minute.update(_by_minute([time_us]))
        return part


def _of_segment(segment: Segment) -> Counter[int]:
    with opened(segment) as file:
        groups = (
            file.read_row_group(index, ["receipt_time", "kind"], use_threads=False)
            for index in range(file.num_row_groups)
        )
        return _by_minute(_receipts(table) for table in groups)


def _receipts(table: pa.Table) -> np.typing.NDArray[np.int64]:
    samples = table.filter(pc.is_in(table.column("kind"), _KINDS))
    return np.sort(samples.column("receipt_time").cast(pa.int64()).to_numpy())


def _by_minute(times: Iterable[np.typing.NDArray[np.int64]]) -> Counter[int]:
    found: Counter[int] = Counter()
    for time_us in times:
        minutes, counts = np.unique(time_us // MINUTE_US, return_counts=True)
        found.update(dict(zip(minutes.tolist(), counts.tolist(), strict=True)))
    return found


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
