"""The table `features`: one row a vehicle and day, in a file a month, made anew where telemetry was added."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError

from twinpack.errors import WorkspaceError
from twinpack.store.lake import WRITER, Lake, at_offset
from twinpack.store.places import told
from twinpack.store.tables import DAY, FEATURES, MONTH, OFFSET, TELEMETRY, conform
from twinpack.store.telemetry_pieces import stored_files


class FeatureTable:
    """The features of a lake."""

    def __init__(self, lake: Lake) -> None:
        """Use the table of a lake."""
        self._lake = lake

    @property
    def offset(self) -> int:
        """Log offset of the telemetry that is in it."""
        return self._lake.recorded_offset(FEATURES)

    def put(self, rows: pa.Table, offset: int | None) -> None:
        """Put days in place of those that are there, in one commit.

        A day that has fewer samples than before keeps the row it had: its telemetry was removed meanwhile.

        Args:
            rows: Rows of the table, at most one a vehicle and day.
            offset: Log offset that the table has reached with them; None when more is to come.

        Raises:
            WorkspaceError: The table cannot be read or written.
        """
        place = self._lake.place(FEATURES)
        months = [month.isoformat() for month in sorted(pc.unique(rows.column(MONTH)).to_pylist())]
        with self._lake.writing(FEATURES):
            reached = self.offset if offset is None else offset
            how: dict[str, Any] = {"mode": "append"}
            if months and self._lake.open(FEATURES) is not None:
                found = self._lake.read(FEATURES, filters=pc.field(MONTH).isin([*pc.unique(rows.column(MONTH))]))
                rows = _merged(found, rows)
                listed = ", ".join(f"'{month}'" for month in months)
                how = {"mode": "overwrite", "predicate": f"{MONTH} IN ({listed})"}
            try:
                write_deltalake(
                    place.uri,
                    conform(FEATURES, rows),
                    partition_by=[MONTH],
                    schema_mode="merge",  # takes columns that this release added
                    commit_properties=at_offset(reached),
                    writer_properties=WRITER,
                    **how,
                )
                place.force_last_commit()
            except (DeltaError, OSError) as error:
                raise WorkspaceError(f"lake table {place.uri} cannot be written: {told(error)}") from error


def changed_since(table: DeltaTable, offset: int) -> dict[date, list[str] | None]:
    """Days of the telemetry that have rows from an offset on, with the vehicles they are of; None for all.

    Raises:
        WorkspaceError: It cannot be read.
    """
    files = [file for file in stored_files(table) if file.last_offset >= offset]
    days = sorted({file.day for file in files})
    if offset == 0:
        return dict.fromkeys(days)
    changed: dict[date, set[str]] = {}
    try:
        for day in days:
            dataset = table.to_pyarrow_dataset(file_pruning_predicate=[(DAY, "=", day.isoformat())])
            for batch in dataset.to_batches(columns=["vehicle_id"], filter=pc.field(OFFSET) >= offset):
                changed.setdefault(day, set()).update(pc.unique(batch.column(0)).to_pylist())
    except (DeltaError, OSError, pa.ArrowException) as error:
        raise WorkspaceError(f"lake table {TELEMETRY} cannot be read: {told(error)}") from error
    return {day: sorted(vehicles) for day, vehicles in sorted(changed.items())}


def _merged(found: pa.Table, rows: pa.Table) -> pa.Table:
    both = pa.concat_tables([conform(FEATURES, rows), found])
    newer = _keys(rows)
    samples = dict(zip(_keys(found), found.column("samples").to_pylist(), strict=True))
    given = dict(zip(newer, rows.column("samples").to_pylist(), strict=True))
    keep = [samples.get(key, 0) <= given[key] for key in newer]
    keep += [key not in given or samples[key] > given[key] for key in samples]
    return both.filter(pa.array(keep, pa.bool_()))


def _keys(rows: pa.Table) -> Sequence[tuple[str, date]]:
    return list(zip(rows.column("vehicle_id").to_pylist(), rows.column(DAY).to_pylist(), strict=True))
