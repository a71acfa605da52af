"""The lake: Delta tables in a folder or an object store, appended to once for each row of the log.

Each commit records the log offset it reaches, as an application transaction and in its notes; rows before that offset
are already there and are left out. Delta stores such a transaction but would take it twice, so the offset is looked up
before a table is appended to, and one process at a time does that (`Lake.writing`).

`telemetry` is cut into days (see `store.telemetry`). The other tables are not: a fleet-year of trips and predictions is
a few files, and days would make them thousands. Compaction keeps their number down.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from functools import reduce
from operator import and_
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, WriterProperties, write_deltalake
from deltalake.exceptions import DeltaError
from deltalake.transaction import Transaction

from twinpack.errors import WorkspaceError
from twinpack.store.locks import locked
from twinpack.store.places import Place, told
from twinpack.store.tables import BUCKET, DAY, OFFSET, SAMPLE_TIME, TABLES, TIME, conform
from twinpack.store.telemetry_files import buckets_of
from twinpack.telemetry.identifiers import shard_of

Filters: TypeAlias = pc.Expression | list[tuple[str, str, Any]] | list[list[tuple[str, str, Any]]]
"""An Arrow expression, or comparisons `(column, operator, value)`: a list is "and", a list of lists "or" of them."""

APPLICATION = "twinpack"
"""Name of the application transaction that holds the log offset a table has reached."""

WRITER = WriterProperties(compression="ZSTD")
"""How tables other than telemetry are written."""

_OFFSET_NOTE = "twinpack.offset"
_KEPT_HOURS = 1  # replaced files stay this long for readers that opened the table before


class Lake:
    """The tables under one folder or URL."""

    def __init__(self, root: Path | str, locks: Path | None = None) -> None:
        """Use a folder or URL; tables are made on first use.

        Args:
            root: The folder, or a URL with one of `places.SCHEMES`.
            locks: Where the lock files of writers are; the folder itself when left out, and none for a URL.

        Raises:
            SettingsError: The URL has a scheme that is not known.
        """
        self._root = Place.of(root)
        self._locks = locks if locks is not None else self._root.folder

    @property
    def uri(self) -> str:
        """Its folder or URL."""
        return self._root.uri

    def place(self, name: str) -> Place:
        """Where a table lies."""
        return self._root.below(name)

    def writing(self, name: str) -> AbstractContextManager[None]:
        """Be the one writer of a table, waiting for another one; not to be taken twice."""
        if self._locks is None:
            return nullcontext()
        self._locks.mkdir(parents=True, exist_ok=True)
        return locked(self._locks / f".{name}.lock")

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
        with self.writing(name):
            kept = self.recorded_offset(name)
            if pc.min(rows.column(OFFSET)).as_py() < kept:
                rows = rows.filter(pc.field(OFFSET) >= kept)
            if rows.num_rows:
                self._write(name, rows, at_offset(offset))
        return int(rows.num_rows)

    def add(self, name: str, table: pa.Table) -> None:
        """Append rows of a table that does not follow the log."""
        rows = conform(name, table)
        if rows.num_rows:
            with self.writing(name):
                self._write(name, rows, CommitProperties())

    def replace(self, name: str, table: pa.Table, predicate: str, offset: int) -> None:
        """Put rows in place of those that a condition holds of, in one commit.

        Args:
            name: Name of the table.
            table: Rows in its schema, for all of which the condition holds.
            predicate: The condition in SQL, over columns that the table is partitioned by or has.
            offset: Log offset that is reached with them.

        Raises:
            ValueError: Columns are missing or unknown.
            WorkspaceError: The table cannot be read or written.
        """
        rows, place = conform(name, table), self.place(name)
        with self.writing(name):
            there = self.open(name) is not None
            if not there and not rows.num_rows:
                return
            how: dict[str, Any] = {"mode": "overwrite", "predicate": predicate} if there else {"mode": "append"}
            try:
                write_deltalake(
                    place.uri,
                    rows,
                    partition_by=list(TABLES[name].partitions) or None,
                    schema_mode="merge",
                    commit_properties=at_offset(offset),
                    writer_properties=WRITER,
                    **how,
                )
                place.force_last_commit()
            except (DeltaError, OSError) as error:
                raise WorkspaceError(f"lake table {place.uri} cannot be written: {told(error)}") from error

    def recorded_offset(self, name: str) -> int:
        """Log offset up to which a table is complete, 0 for a new one.

        Raises:
            WorkspaceError: The table cannot be read.
        """
        table = self.open(name)
        try:
            return 0 if table is None else self._offset_of(name, table)
        except (DeltaError, OSError) as error:
            raise self._unreadable(name, error) from error

    def read(
        self,
        name: str,
        columns: Sequence[str] | None = None,
        filters: Filters | None = None,
        vehicle: str | Sequence[str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> pa.Table:
        """Read rows in the order that `store.tables` gives for the table.

        Args:
            name: Name of the table.
            columns: Columns wanted, all when None.
            filters: Rows wanted; see `Filters`.
            vehicle: One vehicle, or several.
            since: Earliest sample time wanted, of a table that has one.
            until: Sample time before which rows are wanted.

        Returns:
            Rows with the declared types; none, with its columns, when the table is not there yet.

        Raises:
            WorkspaceError: The table cannot be read.
        """
        declared = TABLES[name]
        names = list(columns) if columns is not None else declared.schema.names
        schema = pa.schema([declared.schema.field(column) for column in names])
        condition = _condition(filters, vehicle, since, until)
        rows = self._scan(name, {*names, *declared.order}, condition, _file_predicate(name, vehicle, since, until))
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

    def dataset(self, name: str, files: list[tuple[str, str, Any]] | None = None) -> ds.Dataset | None:
        """The table as an Arrow dataset (for DuckDB), None when it is not there yet.

        Args:
            name: Name of the table.
            files: Conditions by which files are left out before any is opened: `(column, operator, value)`, all hold;
                on `vehicle_id` only `=` is known.

        Raises:
            WorkspaceError: The table cannot be read.
        """
        table = self.open(name)
        return None if table is None else self.dataset_of(name, table, files)

    def dataset_of(self, name: str, table: DeltaTable, files: list[tuple[str, str, Any]] | None = None) -> ds.Dataset:
        """The same of a table that is open already."""
        wanted = list(files or ())
        if BUCKET in TABLES[name].partitions:
            buckets = buckets_of(table)
            wanted += [(BUCKET, "=", str(shard_of(each[2], buckets))) for each in wanted if each[0] == "vehicle_id"]
        # A folder's files are read without Python: threads that read ahead for a query that ended early would wait for
        # the interpreter while it exits.
        place = self.place(name)
        return table.to_pyarrow_dataset(
            filesystem=None if place.folder is None else place.filesystem(), file_pruning_predicate=wanted or None
        )

    def open(self, name: str) -> DeltaTable | None:
        """The table as it is now, None when it is not there yet.

        Raises:
            WorkspaceError: It cannot be read.
        """
        uri = self.place(name).uri
        try:
            return DeltaTable(uri) if DeltaTable.is_deltatable(uri) else None
        except (DeltaError, OSError) as error:
            raise self._unreadable(name, error) from error

    def compact(self, name: str, min_files: int = 2, keep_hours: float = _KEPT_HOURS) -> bool:
        """Join a table's small files and remove what was replaced; the recorded offset stays.

        Args:
            name: Name of the table.
            min_files: How many files it must have to be worth it.
            keep_hours: How long files that were replaced stay for readers that began before.

        Returns:
            Whether there were at least `min_files` of them.

        Raises:
            WorkspaceError: The table cannot be read or written.
        """
        with self.writing(name):
            table = self.open(name)
            if table is None or len(table.file_uris()) < min_files:
                return False
            properties = at_offset(self._offset_of(name, table)) if OFFSET in TABLES[name].schema.names else None
            hours = math.ceil(keep_hours)
            try:
                table.optimize.compact(commit_properties=properties, writer_properties=WRITER)
                table.vacuum(hours, dry_run=False, enforce_retention_duration=False, commit_properties=properties)
            except (DeltaError, OSError) as error:
                raise WorkspaceError(f"lake table {self.place(name).uri} cannot be compacted: {told(error)}") from error
        return True

    def _write(self, name: str, rows: pa.Table, properties: CommitProperties) -> None:
        place = self.place(name)
        try:
            write_deltalake(
                place.uri,
                rows,
                mode="append",
                schema_mode="merge",  # takes columns that this release added
                commit_properties=properties,
                writer_properties=WRITER,
            )
            place.force_last_commit()
        except (DeltaError, OSError) as error:
            raise WorkspaceError(f"lake table {place.uri} cannot be written: {told(error)}") from error

    def _offset_of(self, name: str, table: DeltaTable) -> int:
        recorded = table.transaction_version(APPLICATION)
        # The last commit as a rule; others may come from other tools, and earlier releases left no transaction.
        for limit in (1,) if recorded is not None else (1, 16, None):
            for entry in table.history(limit):
                if _OFFSET_NOTE in entry:
                    return max(int(entry[_OFFSET_NOTE]), recorded or 0)
        return self._end_of_rows(name) if recorded is None else recorded

    def _scan(
        self,
        name: str,
        names: set[str],
        condition: pc.Expression | None,
        files: list[tuple[str, str, Any]] | None = None,
    ) -> pa.Table | None:
        try:
            found = self.dataset(name, files)
            if found is None:
                return None
            return found.to_table(
                columns=[column for column in found.schema.names if column in names], filter=condition
            )
        except (DeltaError, OSError, pa.ArrowException) as error:
            raise self._unreadable(name, error) from error

    def _unreadable(self, name: str, error: Exception) -> WorkspaceError:
        return WorkspaceError(f"lake table {self.place(name).uri} cannot be read: {told(error)}")

    def _end_of_rows(self, name: str) -> int:
        rows = self._scan(name, {OFFSET}, None)
        last = None if rows is None else pc.max(rows.column(OFFSET)).as_py()
        return 0 if last is None else int(last) + 1


def at_offset(offset: int) -> CommitProperties:
    """What a commit says of the log offset that its table has reached with it."""
    return CommitProperties(
        custom_metadata={_OFFSET_NOTE: str(offset)}, app_transactions=[Transaction(APPLICATION, offset)]
    )


def _condition(
    filters: Filters | None,
    vehicle: str | Sequence[str] | None,
    since: datetime | None,
    until: datetime | None,
) -> pc.Expression | None:
    parts: list[pc.Expression] = []
    if filters is not None:
        parts.append(filters if isinstance(filters, pc.Expression) else pq.filters_to_expression(filters))
    if isinstance(vehicle, str):
        parts.append(pc.field("vehicle_id") == vehicle)
    elif vehicle is not None:
        parts.append(pc.field("vehicle_id").isin(list(vehicle)))
    if since is not None:
        parts.append(pc.field(SAMPLE_TIME) >= pa.scalar(since, TIME))
    if until is not None:
        parts.append(pc.field(SAMPLE_TIME) < pa.scalar(until, TIME))
    return reduce(and_, parts) if parts else None


def _file_predicate(
    name: str, vehicle: str | Sequence[str] | None, since: datetime | None, until: datetime | None
) -> list[tuple[str, str, Any]] | None:
    """What leaves files of a table cut into days out, before their statistics are looked at in Python."""
    if DAY not in TABLES[name].partitions:
        return None
    found: list[tuple[str, str, Any]] = []
    if isinstance(vehicle, str):
        found += [("vehicle_id", "=", vehicle)]
    if since is not None:
        found += [(DAY, ">=", since.astimezone(UTC).date().isoformat())]
    if until is not None:
        found += [(DAY, "<=", until.astimezone(UTC).date().isoformat())]
    return found or None
