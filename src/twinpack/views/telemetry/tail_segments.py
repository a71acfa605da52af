"""Samples of one vehicle in sealed segments of the log: what the lake does not have and memory does not hold."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from twinpack.ingest.log import Segment, SegmentLog
from twinpack.ingest.log.listing import Listing
from twinpack.ingest.log.segments import opened, read_bounds
from twinpack.store.tables import OFFSET, SAMPLE_TIME
from twinpack.telemetry.schema import SAMPLE_KINDS
from twinpack.views.telemetry.rows import of_schema, within_times

_REMEMBERED = 64
"""Segments of which is remembered which vehicles they hold."""

_KINDS = pa.array(SAMPLE_KINDS, pa.int8())


class SegmentRows:
    """Looks vehicles up in segments; any thread may ask."""

    def __init__(self, log: SegmentLog) -> None:
        """Look them up in a log."""
        self._log = log
        self._bounds: OrderedDict[tuple[Path, tuple[int, int]], Mapping[str, tuple[int, int]]] = OrderedDict()
        self._lock = threading.Lock()

    def rows(
        self, vehicle_id: str, start_us: int, end_us: int, columns: Sequence[str], first: int, end: int
    ) -> list[pa.Table]:
        """Samples of a vehicle from one log offset to before another, in the order of the log.

        Args:
            vehicle_id: The vehicle.
            start_us: Earliest sample time, microseconds since the epoch.
            end_us: Sample time before which rows are wanted.
            columns: Signals wanted; `sample_time` and `offset` come with them.
            first: The log offset.
            end: The other.

        Raises:
            WorkspaceError: The log cannot be read.
        """

        def look(listing: Listing) -> list[pa.Table]:
            found: list[pa.Table] = []
            for segment in listing.visible:
                if segment.end_offset > first and segment.first_offset < end:
                    oldest, newest = self._times(segment).get(vehicle_id, (1, 0))
                    if oldest <= newest and oldest < end_us and newest >= start_us:
                        found += _samples(segment, vehicle_id, columns, first, end)
            return [of_schema(within_times(part, start_us, end_us), columns) for part in found]

        return self._log.at_one_moment(look)

    def _times(self, segment: Segment) -> Mapping[str, tuple[int, int]]:
        key = (segment.path, segment.identity)
        with self._lock:
            if key in self._bounds:
                self._bounds.move_to_end(key)
                return self._bounds[key]
        bounds = read_bounds(segment)
        times = zip(bounds.first_us, bounds.last_us, strict=True)
        found = dict(zip(bounds.vehicle_ids, times, strict=True))
        with self._lock:
            self._bounds[key] = found
            while len(self._bounds) > _REMEMBERED:
                self._bounds.popitem(last=False)
        return found


def _samples(segment: Segment, vehicle_id: str, columns: Sequence[str], first: int, end: int) -> Iterator[pa.Table]:
    with opened(segment, read_dictionary=["vehicle_id"]) as file:
        known = set(file.schema_arrow.names)
        names = [name for name in ("vehicle_id", "kind", SAMPLE_TIME, *columns) if name in known]
        at = segment.first_offset
        for index in range(file.num_row_groups):
            rows = file.metadata.row_group(index).num_rows
            if at < end and at + rows > first:
                group = file.read_row_group(index, names, use_threads=False)
                offset = np.arange(at, at + rows, dtype=np.int64)
                wanted = pc.and_(
                    pc.equal(group.column("vehicle_id"), vehicle_id), pc.is_in(group.column("kind"), _KINDS)
                )
                inside = pc.and_(wanted, pa.array((offset >= first) & (offset < end)))
                yield group.append_column(OFFSET, pa.array(offset)).filter(inside)
            at += rows
