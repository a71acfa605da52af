"""The table `telemetry`: every sample that is meant for the lake, once, in its day.

Its files are found by day, by bucket (`zlib.crc32` of the vehicle) and by the vehicles they hold. How many buckets
there are is fixed when the table is made.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import CommitProperties, DeltaTable, Field, Schema
from deltalake.exceptions import DeltaError
from deltalake.transaction import AddAction, RemoveAction, Transaction, create_table_with_add_actions

from twinpack.errors import WorkspaceError
from twinpack.store.lake import Lake, at_offset
from twinpack.store.places import told
from twinpack.store.tables import BUCKET, DAY, OFFSET, SAMPLE_TIME, TABLES, TELEMETRY
from twinpack.store.telemetry_files import BUCKETS, VehicleContext, buckets_of, write_files

_TABLE = TABLES[TELEMETRY]


class TelemetryTable:
    """The telemetry of a lake."""

    def __init__(self, lake: Lake, buckets: int = 1) -> None:
        """Use the table of a lake; a new one has so many buckets."""
        self._lake = lake
        self._place = lake.place(TELEMETRY)
        self._buckets = buckets

    @property
    def offset(self) -> int:
        """Log offset up to which the table is complete."""
        return self._lake.recorded_offset(TELEMETRY)

    def append(self, samples: pa.Table, end: int, context: Mapping[str, VehicleContext] | None = None) -> int:
        """Add the rows that are not there yet, in one commit.

        Args:
            samples: Rows with vehicle_id (text or a dictionary), sample_time, receipt_time, offset, and the signals
                that hold values.
            end: Log offset after the rows of the log that these were chosen from; it is recorded without rows too.
            context: What is known of the vehicles.

        Returns:
            How many rows were added.

        Raises:
            WorkspaceError: The table cannot be read or written.
        """
        with self._lake.writing(TELEMETRY):
            table = self.opened()
            kept = self._lake.recorded_offset(TELEMETRY)
            if end <= kept:
                return 0
            if samples.num_rows and pc.min(samples.column(OFFSET)).as_py() < kept:
                samples = samples.filter(pc.field(OFFSET) >= kept)
            try:
                actions = write_files(self._place, samples, buckets_of(table), context or {})
                commit(table, [*actions], at_offset(end))
                self._place.force_last_commit()
            except (DeltaError, OSError) as error:
                raise WorkspaceError(f"lake table {self._place.uri} cannot be written: {told(error)}") from error
        return int(samples.num_rows)

    def opened(self) -> DeltaTable:
        """The table, made when it is not there yet, with the columns of this release."""
        table = self._lake.open(TELEMETRY)
        if table is None:
            self._make()
            table = self._lake.open(TELEMETRY)
        if table is None:
            raise WorkspaceError(f"lake table {self._place.uri} was made, and is not there: is another program at it?")
        known = {field.name for field in table.schema().fields}
        fresh = [Field.from_arrow(field) for field in _TABLE.schema if field.name not in known]
        if fresh:
            table.alter.add_columns(fresh)
        return table

    def _make(self) -> None:
        if self._place.folder is not None:
            self._place.folder.mkdir(parents=True, exist_ok=True)
        create_table_with_add_actions(
            self._place.uri,
            Schema.from_arrow(_TABLE.schema),
            [],
            mode="ignore",
            partition_by=list(_TABLE.partitions),
            configuration={"delta.dataSkippingStatsColumns": f"vehicle_id,{SAMPLE_TIME},{OFFSET}"},
            commit_properties=CommitProperties(app_transactions=[Transaction(BUCKETS, self._buckets)]),
        )


def commit(table: DeltaTable, actions: list[AddAction | RemoveAction], properties: CommitProperties) -> None:
    """Add and remove files in one commit."""
    table.create_write_transaction(
        actions, "append", Schema.from_arrow(_TABLE.schema), [DAY, BUCKET], commit_properties=properties
    )
