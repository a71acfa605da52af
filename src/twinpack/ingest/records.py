"""What an import tells: the outcome of each file, progress, and the rows it turned away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

import pyarrow as pa

Status = Literal["imported", "already imported", "failed"]

DEAD_LETTERS: pa.Schema = pa.schema(
    [
        pa.field("file", pa.string(), nullable=False),
        pa.field("row", pa.int64(), nullable=False),
        pa.field("vehicle_id", pa.string()),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("detail", pa.string(), nullable=False),
        pa.field("action", pa.string(), nullable=False),
        pa.field("raw", pa.string(), nullable=False),
        pa.field("profile", pa.string(), nullable=False),
        pa.field("import_id", pa.string(), nullable=False),
    ]
)
"""Rows turned away: file, data row counted from 1, vehicle where known, reason in a word and in full, what became of it
(`row rejected` or `value cleared`), the values of the source as JSON, profile, and a hash of file, profile and pack,
which is the same when the import is repeated."""


class DeadLetterSink(Protocol):
    """Where rows that were turned away go."""

    def append(self, table: pa.Table) -> None:
        """Keep rows in the `DEAD_LETTERS` schema."""
        ...

    def held(self, import_id: str) -> int:
        """How many rows of an import it has, so that one that is repeated adds none twice."""
        ...


@dataclass
class MemoryDeadLetters:
    """A sink in memory."""

    tables: list[pa.Table] = field(default_factory=list)

    @property
    def table(self) -> pa.Table:
        """All rows in one table."""
        return pa.concat_tables([DEAD_LETTERS.empty_table(), *self.tables])

    def append(self, table: pa.Table) -> None:
        """Keep rows in the `DEAD_LETTERS` schema."""
        self.tables.append(table)

    def held(self, import_id: str) -> int:
        """How many rows of an import it has."""
        ids: list[str] = self.table.column("import_id").to_pylist()
        return ids.count(import_id)


@dataclass
class FileResult:
    """What became of one file.

    Attributes:
        name: Its path below the folder that was imported, or its name.
        status: `imported`, `already imported` or `failed`.
        error: Why it failed, one line.
        rows_read: Data rows it has.
        rows_imported: Those now in the log.
        duplicates: Rows dropped because an identical one came before.
        late: Rows in the log that are older than the newest of their vehicle.
        unrouted: Good rows that no routing rule takes; they are not in the log.
        rejected: Rows turned away, by reason.
        cleared: Single values turned away, by reason.
        vehicles: Vehicles with rows in the log from it.
        first_offset: Log offset of its first row, -1 when there is none.
        end_offset: Log offset after its last row, -1 when there is none.
        notes: What looks odd in it, for people.
    """

    name: str
    status: Status = "imported"
    error: str = ""
    rows_read: int = 0
    rows_imported: int = 0
    duplicates: int = 0
    late: int = 0
    unrouted: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    cleared: Counter[str] = field(default_factory=Counter)
    vehicles: set[str] = field(default_factory=set)
    first_offset: int = -1
    end_offset: int = -1
    notes: list[str] = field(default_factory=list)

    @property
    def rows_rejected(self) -> int:
        """Rows turned away for any reason."""
        return self.rejected.total()


@dataclass
class ImportSummary:
    """What became of every file of an import."""

    files: list[FileResult] = field(default_factory=list)

    def count(self, status: Status) -> int:
        """Number of files with this outcome."""
        return sum(file.status == status for file in self.files)

    @property
    def failed(self) -> list[FileResult]:
        """Files of which nothing was imported because something is wrong with them."""
        return [file for file in self.files if file.status == "failed"]

    @property
    def rows_read(self) -> int:
        """Data rows read."""
        return sum(file.rows_read for file in self.files)

    @property
    def rows_imported(self) -> int:
        """Rows now in the log."""
        return sum(file.rows_imported for file in self.files)

    @property
    def duplicates(self) -> int:
        """Rows dropped because an identical one came before."""
        return sum(file.duplicates for file in self.files)

    @property
    def late(self) -> int:
        """Rows older than the newest of their vehicle."""
        return sum(file.late for file in self.files)

    @property
    def unrouted(self) -> int:
        """Good rows that no routing rule takes."""
        return sum(file.unrouted for file in self.files)

    @property
    def rejected(self) -> Counter[str]:
        """Rows turned away, by reason."""
        return sum((file.rejected for file in self.files), Counter())

    @property
    def cleared(self) -> Counter[str]:
        """Single values turned away, by reason."""
        return sum((file.cleared for file in self.files), Counter())

    @property
    def vehicles(self) -> set[str]:
        """Vehicles with new rows in the log."""
        return {vehicle for file in self.files for vehicle in file.vehicles}

    @property
    def exit_code(self) -> int:
        """0, or 2 when a file failed."""
        return 2 if self.failed else 0


@dataclass(frozen=True)
class ImportProgress:
    """Where an import stands.

    Attributes:
        file: File being read.
        files_done: Files finished.
        files_total: Files there are.
        bytes_done: Bytes read of all files.
        bytes_total: Bytes of all files.
    """

    file: str
    files_done: int
    files_total: int
    bytes_done: int
    bytes_total: int


OnProgress = Callable[[ImportProgress], None]
