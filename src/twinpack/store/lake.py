"""The lake: Delta tables on a local disk, appended to once for each row of the log.

Delta does not enforce application transaction ids, so each commit notes the log offset it reaches; rows before that
offset are already there and are left out. One process writes a table: the runtime, or the importer for dead letters.

Tables are not partitioned by day yet: a fleet-year of trips and predictions is a few files, and days would make them
thousands. Compaction keeps their number down.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, WriterProperties, write_deltalake
from deltalake.exceptions import DeltaError

from twinpack.errors import WorkspaceError
from twinpack.store.files import sync_folder
from twinpack.store.tables import OFFSET, TABLES, conform

Filters: TypeAlias = pc.Expression | list[tuple[str, str, Any]] | list[list[tuple[str, str, Any]]]
"""An Arrow expression, or comparisons `(column, operator, value)`: a list is "and", a list of lists "or" of them."""

_OFFSET_NOTE = "twinpack.offset"
_KEPT_HOURS = 1  # replaced files stay this long for readers that opened the table before


class Lake:
    """The tables under one folder."""

    def __init__(self, root: Path) -> None:
        """Use the folder `root`; tables are made on first use."""
        self._root = root

    def append(self, name: str, table: pa.Table, offset: int) -> int:
        """Append the rows that are not there yet.

        Args:
            name: Name of the table.
            table: Rows in its schema (see `store.tables`), each with the `offset` of its log row.
            offset: Log offset after the batch that gave these rows; all of theirs are below it.

        Returns:
            How many rows were added.

        Raises:
            ValueError: Columns are missing or unknown, or a row's offset is not below `offset`.
            WorkspaceError: The table cannot be read or written.
        """
        rows = conform(name, table)
        if rows.num_rows and pc.max(rows.column(OFFSET)).as_py() >= offset:
            raise ValueError(f"table {name!r}: a row's offset is not below {offset}, the end of its batch")
        if not rows.num_rows:
            return 0
        kept = self.recorded_offset(name)
        if pc.min(rows.column(OFFSET)).as_py() < kept:
            rows = rows.filter(pc.field(OFFSET) >= kept)
        if rows.num_rows:
            self._write(name, rows, {_OFFSET_NOTE: str(offset)})
        return int(rows.num_rows)

    def add(self, name: str, table: pa.Table) -> None:
        """Append rows of a table that does not follow the log."""
        rows = conform(name, table)
        if rows.num_rows:
            self._write(name, rows, {})

    def recorded_offset(self, name: str) -> int:
        """Log offset up to which a table is complete, 0 for a new one."""
        table = self._open(name)
        if table is None:
            return 0
        for limit in (1, 16, None):  # the last commit as a rule; others may come from other tools
            for entry in table.history(limit):
                if _OFFSET_NOTE in entry:
                    return int(entry[_OFFSET_NOTE])
        return self._end_of_rows(name)

    def read(
        self,
        name: str,
        columns: Sequence[str] | None = None,
        filters: Filters | None = None,
        vehicle: str | Sequence[str] | None = None,
    ) -> pa.Table:
        """Read rows in the order of the log.

        Args:
            name: Name of the table.
            columns: Columns wanted, all when None.
            filters: Rows wanted; see `Filters`.
            vehicle: One vehicle, or several.

        Returns:
            Rows with the declared types; none, with its columns, when the table is not there yet.

        Raises:
            WorkspaceError: The table cannot be read.
        """
        declared = TABLES[name]
        names = list(columns) if columns is not None else declared.schema.names
        schema = pa.schema([declared.schema.field(column) for column in names])
        rows = self._scan(name, {*names, *declared.order}, _condition(filters, vehicle))
        if rows is None:
            return schema.empty_table()
        rows = rows.sort_by([(column, "ascending") for column in declared.order if column in rows.column_names])
        # Columns that a later release added are missing in tables that it has not written to yet.
        found = [
            rows.column(f.name) if f.name in rows.column_names else pa.nulls(rows.num_rows, f.type) for f in schema
        ]
        return pa.Table.from_arrays(
            [column.cast(f.type) for column, f in zip(found, schema, strict=True)], schema=schema
        )

    def batches(
        self, name: str, columns: Sequence[str], filters: pc.Expression | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Rows in no particular order, a piece at a time, with the declared types; none when there is no table yet.

        Raises:
            WorkspaceError: The table cannot be read.
        """
        schema = pa.schema([TABLES[name].schema.field(column) for column in columns])
        try:
            found = self.dataset(name)
            if found is not None:
                for batch in found.to_batches(columns=list(columns), filter=filters):
                    yield batch.cast(schema)
        except (DeltaError, OSError, pa.ArrowException) as error:
            raise self._unreadable(name, error) from error

    def dataset(self, name: str) -> ds.Dataset | None:
        """The table as an Arrow dataset (for DuckDB), None when it is not there yet."""
        table = self._open(name)
        return None if table is None else table.to_pyarrow_dataset()

    def compact(self, name: str, min_files: int = 2) -> bool:
        """Join a table's small files and remove what was replaced; the recorded offset stays.

        Returns:
            Whether there were at least `min_files` of them.
        """
        table = self._open(name)
        if table is None or len(table.file_uris()) < min_files:
            return False
        note = CommitProperties(custom_metadata={_OFFSET_NOTE: str(self.recorded_offset(name))})
        properties = note if OFFSET in TABLES[name].schema.names else None
        table.optimize.compact(commit_properties=properties, writer_properties=_writer())
        table.vacuum(_KEPT_HOURS, dry_run=False, enforce_retention_duration=False, commit_properties=properties)
        return True

    def _write(self, name: str, rows: pa.Table, notes: dict[str, str]) -> None:
        path = self._root / name
        try:
            write_deltalake(
                path,
                rows,
                mode="append",
                schema_mode="merge",  # takes columns that this release added
                commit_properties=CommitProperties(custom_metadata=dict(notes)),
                writer_properties=_writer(),
            )
            _force_to_disk(path)
        except (DeltaError, OSError) as error:
            raise WorkspaceError(f"lake table {path} cannot be written: {error}") from error

    def _open(self, name: str) -> DeltaTable | None:
        path = self._root / name
        try:
            return DeltaTable(path) if DeltaTable.is_deltatable(path) else None
        except (DeltaError, OSError) as error:
            raise WorkspaceError(f"lake table {path} cannot be read: {error}") from error

    def _scan(self, name: str, names: set[str], condition: pc.Expression | None) -> pa.Table | None:
        try:
            found = self.dataset(name)
            if found is None:
                return None
            return found.to_table(
                columns=[column for column in found.schema.names if column in names], filter=condition
            )
        except (DeltaError, OSError, pa.ArrowException) as error:
            raise self._unreadable(name, error) from error

    def _unreadable(self, name: str, error: Exception) -> WorkspaceError:
        return WorkspaceError(f"lake table {self._root / name} cannot be read: {error}")

    def _end_of_rows(self, name: str) -> int:
        rows = self._scan(name, {OFFSET}, None)
        last = None if rows is None else pc.max(rows.column(OFFSET)).as_py()
        return 0 if last is None else int(last) + 1


def _condition(filters: Filters | None, vehicle: str | Sequence[str] | None) -> pc.Expression | None:
    parts: list[pc.Expression] = []
    if filters is not None:
        parts.append(filters if isinstance(filters, pc.Expression) else pq.filters_to_expression(filters))
    if vehicle is not None:
        wanted = [vehicle] if isinstance(vehicle, str) else list(vehicle)
        parts.append(pc.field("vehicle_id").isin(wanted))
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else parts[0] & parts[1]


def _writer() -> WriterProperties:
    return WriterProperties(compression="ZSTD")


def _force_to_disk(path: Path) -> None:
    """Make the last commit survive a power cut: the Delta writer leaves that to the system."""
    log = path / "_delta_log"
    last = max(log.glob("*.json"))
    actions = (json.loads(line) for line in last.read_text(encoding="utf-8").splitlines())
    added = [path / action["add"]["path"] for action in actions if "add" in action]
    for file in (*added, last):
        handle = os.open(file, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    sync_folder(path)
    sync_folder(log)
