"""Sealed segments: immutable Parquet files, each named by the offset of its first row."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from twinpack.errors import WorkspaceError
from twinpack.store.files import force_to_disk
from twinpack.store.locks import locked
from twinpack.telemetry.schema import KIND_SAMPLE, KIND_TICK, LOG, PARQUET, SAMPLE_KINDS

ROW_GROUP_ROWS = 65_536
SOURCE_SHA256 = "source_sha256"
SOURCE_NAME = "source_name"
SOURCES = "sources"
LOCK = ".lock"
IMPORT_LOCK = ".import.lock"
GATEWAY_LOCK = ".gateway.lock"
TIDY_LOCK = ".tidy.lock"
GATEWAY = "gateway"
RECOVERY = "recovery"
TEMPORARY = ".tmp"
SPOOL = ".letters"

_DIGITS = 20
_SUFFIX = ".parquet"
_PREFIX = b"twinpack."
_SUMMARY = b"twinpack.summary"
_VEHICLES = b"twinpack.vehicles"
_LONG_AGO = -(2**62)


@dataclass(frozen=True)
class Segment:
    """One sealed segment.

    Attributes:
        path: Its file.
        first_offset: Offset of its first row.
        rows: Number of rows.
        metadata: What the writer noted, such as source name and hash.
        first_sample_us: Oldest sample time in it, microseconds since the epoch.
        last_sample_us: Newest sample time in it; less than the oldest when it has no sample.
        last_receipt_us: Newest receipt time of its samples, 0 without samples.
        ends_with_tick: Whether its last row is a tick.
        size: Bytes of its file.
        identity: Changes when another file takes its name.
    """

    path: Path
    first_offset: int
    rows: int
    metadata: dict[str, str]
    first_sample_us: int
    last_sample_us: int
    last_receipt_us: int
    ends_with_tick: bool
    size: int
    identity: tuple[int, int]

    @property
    def end_offset(self) -> int:
        """Offset after its last row."""
        return self.first_offset + self.rows

    @property
    def has_samples(self) -> bool:
        """Whether it has any sample."""
        return self.last_sample_us >= self.first_sample_us

    @property
    def sources(self) -> dict[str, str]:
        """SHA-256 and name of the files whose rows are in it."""
        found: dict[str, str] = json.loads(self.metadata.get(SOURCES, "{}"))
        if SOURCE_SHA256 in self.metadata:
            found[self.metadata[SOURCE_SHA256]] = self.metadata.get(SOURCE_NAME, "")
        return found


@dataclass(frozen=True)
class Bounds:
    """Vehicles with samples in a segment, and the oldest and newest time of each, microseconds since the epoch."""

    vehicle_ids: Sequence[str]
    first_us: Sequence[int]
    last_us: Sequence[int]

    @property
    def last(self) -> dict[str, int]:
        """Newest time of each vehicle."""
        return dict(zip(self.vehicle_ids, self.last_us, strict=True))


class ReplacedError(Exception):
    """A segment was merged into another, or retired, after it was listed: list again."""


def segment_path(directory: Path, first_offset: int) -> Path:
    """Where the segment that begins at an offset is."""
    return directory / f"{first_offset:0{_DIGITS}d}{_SUFFIX}"


def is_segment(name: str) -> bool:
    """Whether a file's name is that of a sealed segment."""
    stem = name.removesuffix(_SUFFIX)
    return name.endswith(_SUFFIX) and len(stem) == _DIGITS and stem.isdigit()


def inspect(path: Path, first_offset: int | None = None) -> Segment:
    """What a segment says of itself.

    Args:
        path: Its file.
        first_offset: Offset of its first row; its name tells when None.

    Raises:
        WorkspaceError: It is damaged.
        FileNotFoundError: It is not there any more.
    """
    try:
        status = path.stat()
        found = pq.read_metadata(path)
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError) as error:
        raise damaged(path, error) from error
    notes = found.metadata or {}
    summary = _decoded(notes.get(_SUMMARY, b"{}"))
    # Segments of earlier releases note the newest time of each vehicle here, and no oldest one.
    times = summary.get("last_sample_us", {}).values()
    return Segment(
        path=path,
        first_offset=int(path.name.removesuffix(_SUFFIX)) if first_offset is None else first_offset,
        rows=found.num_rows,
        metadata=_own_notes(notes),
        first_sample_us=summary.get("first_us", _LONG_AGO if times else 0),
        last_sample_us=summary.get("last_us", max(times, default=-1)),
        last_receipt_us=summary.get("last_receipt_us", 0),
        ends_with_tick=summary.get("ends_with_tick", False),
        size=status.st_size,
        identity=(status.st_ino, status.st_mtime_ns),
    )


def read_bounds(segment: Segment) -> Bounds:
    """Oldest and newest sample time of each vehicle in a segment.

    Raises:
        ReplacedError: Another file took its place.
        WorkspaceError: It is damaged.
    """
    with opened(segment) as file:
        notes = file.metadata.metadata or {}
    if _VEHICLES in notes:
        found = _decoded(notes[_VEHICLES])
        return Bounds(found["vehicle_id"], found["first_us"], found["last_us"])
    last = _decoded(notes.get(_SUMMARY, b"{}")).get("last_sample_us", {})
    return Bounds(list(last), [_LONG_AGO] * len(last), list(last.values()))


@contextmanager
def opened(segment: Segment, read_dictionary: list[str] | None = None) -> Iterator[pq.ParquetFile]:
    """The Parquet file of a segment, refusing one that is not what was listed.

    Args:
        segment: The segment.
        read_dictionary: Columns to be read as dictionaries.

    Raises:
        ReplacedError: Another file took its place, or none.
        WorkspaceError: It is damaged.
    """
    try:
        with pq.ParquetFile(segment.path, read_dictionary=read_dictionary) as file:
            if file.metadata.num_rows != segment.rows:
                raise ReplacedError
            yield file
    except FileNotFoundError as error:
        raise ReplacedError from error
    except (pa.ArrowException, OSError) as error:
        raise damaged(segment.path, error) from error


def read_rows(segment: Segment, skip: int, schema: pa.Schema) -> Iterator[pa.Table]:
    """Rows of a segment but the first `skip`, a row group at a time.

    Raises:
        ReplacedError: Another file took its place before the first rows were read.
        WorkspaceError: It is damaged.
    """
    with opened(segment) as file:
        for index in range(file.num_row_groups):
            rows = file.metadata.row_group(index).num_rows
            if skip < rows:
                yield _of_schema(file.read_row_group(index, schema.names), schema).slice(skip)
            skip = max(skip - rows, 0)


def _of_schema(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Rows with the columns of a schema; a signal that an earlier release had not yet is missing in all of them."""
    names = set(rows.column_names)
    columns = [
        rows.column(field.name).cast(field.type) if field.name in names else pa.nulls(rows.num_rows, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def read_commands(segment: Segment) -> Iterator[str]:
    """Every command of a segment as JSON text; only the column that holds them is read, where it holds any."""
    with opened(segment) as file:
        for index in range(file.num_row_groups):
            if may_hold(file.metadata.row_group(index), "command"):
                yield from file.read_row_group(index, ["command"]).column(0).drop_null().to_pylist()


def damaged(path: Path, error: Exception) -> WorkspaceError:
    """The error for a segment that cannot be read."""
    return WorkspaceError(
        f"{path}: the log segment cannot be read ({error}); restore this file from a backup. The log cannot do "
        "without it: where there is none, begin a new workspace and import the files that are left"
    )


class SegmentWriter:
    """One segment being written under a name of its own; without `commit` nothing of it stays."""

    def __init__(self, directory: Path) -> None:
        """Begin a segment whose offset is settled when it is committed."""
        self.rows = 0
        self._directory = directory
        self.path = directory / f"{os.getpid()}-{secrets.token_hex(6)}{_SUFFIX}{TEMPORARY}"
        self._alive: int | None = None
        self._writer: pq.ParquetWriter | None = None
        self._first_us: dict[str, int] = {}
        self._last_us: dict[str, int] = {}
        self._last_receipt_us = 0
        self._last_kind = KIND_SAMPLE

    def __enter__(self) -> SegmentWriter:
        """Open the temporary file, locked for as long as its writer lives."""
        with locked(self._directory / LOCK):
            self._open()
        return self

    def write(self, table: pa.Table) -> None:
        """Add rows in the `LOG` schema."""
        if self._writer is None:
            raise WorkspaceError(f"{self.path}: the segment is not open")
        if table.num_rows:
            self._writer.write_table(table, row_group_size=ROW_GROUP_ROWS)
            self._note(table)

    def finish(self, metadata: Mapping[str, str]) -> None:
        """Complete the file and force it to disk; nothing can be added any more."""
        if self._writer is not None:
            self._writer.add_key_value_metadata({f"twinpack.{key}": value for key, value in metadata.items()})
            self._writer.add_key_value_metadata(self._summary())
            self._writer.close()
            self._writer = None
            force_to_disk(self.path)

    def place(self, first_offset: int) -> tuple[int, int]:
        """Make the finished segment visible at an offset; an empty one leaves no trace.

        Only inside the log's lock, which settles the offset.

        Returns:
            Offset of the first row and offset after the last.
        """
        if self.rows:
            os.rename(self.path, segment_path(self._directory, first_offset))
            force_to_disk(self._directory)
        return first_offset, first_offset + self.rows

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file and remove what was not placed."""
        try:
            if self._writer is not None:
                self._writer.close()
        finally:
            self._writer = None
            self.path.unlink(missing_ok=True)
            if self._alive is not None:
                os.close(self._alive)

    def _open(self) -> None:
        self._alive = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
        fcntl.flock(self._alive, fcntl.LOCK_EX)
        try:
            self._writer = pq.ParquetWriter(self.path, LOG, **PARQUET)
        except OSError:
            self.__exit__(None, None, None)
            raise

    def _note(self, table: pa.Table) -> None:
        self.rows += table.num_rows
        self._last_kind = table.column("kind")[-1].as_py()
        samples = only_samples(table.select(["vehicle_id", "sample_time", "receipt_time", "kind"]))
        if not samples.num_rows:
            return
        found = samples.group_by("vehicle_id").aggregate(
            [("sample_time", "min"), ("sample_time", "max"), ("receipt_time", "max")]
        )
        vehicles = found.column("vehicle_id").to_pylist()
        for vehicle, time in zip(vehicles, _microseconds(found, "sample_time_min"), strict=True):
            self._first_us[vehicle] = min(time, self._first_us.get(vehicle, time))
        for vehicle, time in zip(vehicles, _microseconds(found, "sample_time_max"), strict=True):
            self._last_us[vehicle] = max(time, self._last_us.get(vehicle, time))
        self._last_receipt_us = max(self._last_receipt_us, *_microseconds(found, "receipt_time_max"))

    def _summary(self) -> dict[str, str]:
        content: dict[str, Any] = {
            "last_receipt_us": self._last_receipt_us,
            "ends_with_tick": self._last_kind == KIND_TICK,
        }
        if self._last_us:
            content |= {"first_us": min(self._first_us.values()), "last_us": max(self._last_us.values())}
        # Apart from the rest, as they are many and not wanted by all who open a log.
        vehicles = {
            "vehicle_id": list(self._last_us),
            "first_us": [self._first_us[name] for name in self._last_us],
            "last_us": list(self._last_us.values()),
        }
        notes = {_SUMMARY: content, _VEHICLES: vehicles}
        return {key.decode(): msgspec.json.encode(value).decode() for key, value in notes.items()}


def only_samples(table: pa.Table) -> pa.Table:
    """The rows of a table that are samples."""
    return table.filter(pc.is_in(table.column("kind"), pa.array(SAMPLE_KINDS, pa.int8())))


def remove_leftovers(directory: Path) -> None:
    """Remove temporary files whose writers are dead; only inside the log's lock.

    A living writer holds a lock on its file, which it took inside the log's lock.
    """
    for path in directory.glob(f"[!.]*{TEMPORARY}"):
        try:
            handle = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)
        except BlockingIOError:
            pass
        finally:
            os.close(handle)


def _own_notes(notes: Mapping[bytes, bytes]) -> dict[str, str]:
    return {
        key.removeprefix(_PREFIX).decode(): value.decode()
        for key, value in notes.items()
        if key.startswith(_PREFIX) and key not in (_SUMMARY, _VEHICLES)
    }


def _decoded(summary: bytes) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(summary)
    return found


def _microseconds(table: pa.Table, name: str) -> list[int]:
    times: list[int] = table.column(name).cast(pa.int64()).to_pylist()
    return times


def column_of(group: Any, name: str) -> Any:
    """What a row group's metadata says of a column, of a list of its elements; None of a signal that it has not."""
    columns = (group.column(index) for index in range(group.num_columns))
    return next((column for column in columns if column.path_in_schema.split(".")[0] == name), None)


def may_hold(group: Any, name: str) -> bool:
    """Whether a row group has values in a column, as far as the file tells without reading it."""
    column = column_of(group, name)
    if column is None:  # an earlier release wrote the segment, and had no such signal
        return False
    told = column.statistics
    return told is None or not told.has_null_count or bool(told.null_count < column.num_values)
