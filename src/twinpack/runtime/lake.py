"""The lake's `telemetry`, built from the sealed segments of the log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from twinpack.errors import WorkspaceError
from twinpack.ingest.log import Segment, SegmentLog
from twinpack.ingest.log.listing import Listing
from twinpack.ingest.log.segments import may_hold, opened
from twinpack.store.registry import Registry
from twinpack.store.tables import OFFSET
from twinpack.store.tables import TELEMETRY as TELEMETRY_TABLE
from twinpack.store.telemetry import TelemetryTable
from twinpack.store.telemetry_files import VehicleContext
from twinpack.store.workspace import Workspace
from twinpack.telemetry.schema import KIND_LAKE_SAMPLE, KIND_SAMPLE, TELEMETRY, TIME_TYPE

BATCH_ROWS = 500_000
"""Rows of the log that are sorted and committed at once."""
BATCH_BYTES = 128_000_000
"""Bytes of them after which no more are read. Sorting and writing take several times as much: a process that builds
holds 0.5 GB, and 1 GB where vehicles tell 96 cells."""

_LAKE_KINDS = pa.array([KIND_SAMPLE, KIND_LAKE_SAMPLE], pa.int8())


@dataclass(frozen=True)
class Built:
    """What building the telemetry table has done.

    Attributes:
        rows: Samples added.
        first_offset: Log offset it began at; above what the table had reached when retention has taken segments.
        end_offset: Log offset the table has reached.
    """

    rows: int
    first_offset: int
    end_offset: int


def build_telemetry(workspace: Workspace, log: SegmentLog, registry: Registry, until: int | None = None) -> Built:
    """Bring the samples of sealed segments that are not there yet into the table, each once.

    It may be killed at any moment, and two may run: what was committed is not added again.

    Args:
        workspace: Whose lake it is.
        log: Its log.
        registry: Tells what is known of the vehicles, which is put beside each sample.
        until: Log offset to stop at; the end of the sealed segments when left out.

    Raises:
        WorkspaceError: Log or lake cannot be used, or do not belong together.
    """
    lake = workspace.lake()
    table = TelemetryTable(lake, workspace.settings.lake.vehicle_buckets)
    reached, known = table.offset, log.end_offset
    if reached > known:
        raise WorkspaceError(
            f"lake table {lake.place(TELEMETRY_TABLE).uri} has reached row {reached:,} of a log that ends at "
            f"{known:,}: it is another workspace's, or the log was set back. Restore the log, or move the table away: "
            "it is built anew"
        )
    start = max(reached, log.start_offset)
    end, rows = start, 0
    context = context_of(registry)

    def add(listing: Listing) -> None:
        nonlocal end, rows
        for after, samples in sealed_samples(listing.segments, end, until):
            rows += table.append(samples, after, context)
            end = after

    log.at_one_moment(add)  # where segments are merged meanwhile, it goes on in those that have their rows
    return Built(rows, start, end)


def context_of(registry: Registry) -> dict[str, VehicleContext]:
    """What the registry knows of each vehicle that stands beside its samples."""
    return {
        name: VehicleContext(one.pack_name or None, one.fleet or None, one.model_year, one.climate or None)
        for name, one in registry.fleet.known().items()
    }


def sealed_samples(segments: list[Segment], start: int, until: int | None) -> Iterator[tuple[int, pa.Table]]:
    """Samples for the lake with their offsets, and the log offset after the rows they were chosen from."""
    held: list[pa.Table] = []
    seen = size = 0
    end = start
    for segment in segments:
        for first, piece in _row_groups(segment, start, until):
            held.append(_for_the_lake(first, piece))
            seen += piece.num_rows
            size += piece.nbytes
            end = first + piece.num_rows
            if seen >= BATCH_ROWS or size >= BATCH_BYTES:
                yield end, pa.concat_tables(held, promote_options="default")
                held, seen, size = [], 0, 0
    if held:
        yield end, pa.concat_tables(held, promote_options="default")


def _row_groups(segment: Segment, start: int, until: int | None) -> Iterator[tuple[int, pa.Table]]:
    """Row groups of a segment from an offset up to another, columns without values left out."""
    stop = segment.end_offset if until is None else min(until, segment.end_offset)
    if segment.end_offset <= start or segment.first_offset >= stop:
        return
    with opened(segment, read_dictionary=["vehicle_id"]) as file:
        first = segment.first_offset
        for index in range(file.num_row_groups):
            group = file.metadata.row_group(index)
            skip, last = max(start - first, 0), min(stop - first, group.num_rows)
            if skip < last:
                piece = file.read_row_group(index, _columns_with_values(group), use_threads=False)
                yield first + skip, piece.slice(skip, last - skip)
            first += group.num_rows


def _columns_with_values(group: pq.RowGroupMetaData) -> list[str]:
    return ["kind", *(name for name in TELEMETRY.names if may_hold(group, name))]


def _for_the_lake(first: int, piece: pa.Table) -> pa.Table:
    offset = pa.array(np.arange(first, first + piece.num_rows, dtype=np.int64))
    wanted = pc.is_in(piece.column("kind"), _LAKE_KINDS)
    rows = piece.drop_columns(["kind"]).append_column(OFFSET, offset)
    for name in ("sample_time", "receipt_time"):
        at = rows.column_names.index(name)
        rows = rows.set_column(at, name, rows.column(name).cast(TIME_TYPE))
    return rows if pc.all(wanted).as_py() else rows.filter(wanted)
