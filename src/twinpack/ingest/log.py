"""The durable log: immutable, numbered Parquet segments in one folder.

A segment's name is the offset of its first row. It is written beside its place, forced to disk and renamed, so that a
reader sees whole segments only, and a writer that died leaves nothing but a temporary file, which the next one removes.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from twinpack.errors import WorkspaceError
from twinpack.telemetry.schema import KIND_SAMPLE, KIND_TICK, LOG, PARQUET, SIGNALS

ROW_GROUP_ROWS = 65_536
SOURCE_SHA256 = "source_sha256"
SOURCE_NAME = "source_name"

_DIGITS = 20
_SUFFIX = ".parquet"
_TEMPORARY = ".tmp"
_PREFIX = b"twinpack."
_SUMMARY = b"twinpack.summary"


@dataclass(frozen=True)
class Segment:
    """One sealed segment.

    Attributes:
        path: Its file.
        first_offset: Offset of its first row.
        rows: Number of rows.
        metadata: What the writer noted, such as source name and hash.
        last_sample_us: Newest sample time of each vehicle in it, microseconds since the epoch.
        last_receipt_us: Newest receipt time of its samples, 0 without samples.
        ends_with_tick: Whether its last row is a tick.
    """

    path: Path
    first_offset: int
    rows: int
    metadata: dict[str, str]
    last_sample_us: dict[str, int]
    last_receipt_us: int
    ends_with_tick: bool

    @property
    def end_offset(self) -> int:
        """Offset after its last row."""
        return self.first_offset + self.rows


class SegmentLog:
    """A log in a folder; many may read it, writers take turns."""

    def __init__(self, directory: Path) -> None:
        """Open the log, making the folder when it is not there."""
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self._known: dict[str, Segment] = {}

    def segments(self) -> list[Segment]:
        """Every sealed segment in order of offset.

        Raises:
            WorkspaceError: A segment is missing or cannot be read.
        """
        names = sorted(name for name in os.listdir(self.directory) if _is_segment(name))
        for name in names:
            if name not in self._known:
                self._known[name] = _inspect(self.directory / name)
        found = [self._known[name] for name in names]
        _check_gapless(found)
        return found

    @property
    def end_offset(self) -> int:
        """Offset the next row will have."""
        segments = self.segments()
        return segments[-1].end_offset if segments else 0

    def sources(self) -> dict[str, str]:
        """SHA-256 of every file imported, with the name it had."""
        noted = (segment.metadata for segment in self.segments())
        return {note[SOURCE_SHA256]: note.get(SOURCE_NAME, "") for note in noted if SOURCE_SHA256 in note}

    def last_sample_us(self) -> dict[str, int]:
        """Newest sample time of every vehicle that has samples in the log, microseconds since the epoch."""
        newest: dict[str, int] = {}
        for segment in self.segments():
            for vehicle, time in segment.last_sample_us.items():
                newest[vehicle] = max(time, newest.get(vehicle, time))
        return newest

    def last_receipt_us(self) -> int:
        """Newest receipt time of any sample, microseconds since the epoch; 0 in an empty log."""
        return max((segment.last_receipt_us for segment in self.segments()), default=0)

    def needs_tick(self) -> bool:
        """Whether samples follow the last tick: nothing has told yet that silence came after them."""
        for segment in reversed(self.segments()):
            if segment.ends_with_tick:
                return False
            if segment.last_sample_us:
                return True
        return False

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Be the only writer, waiting for another one to finish; leftovers of a dead writer are removed."""
        descriptor = os.open(self.directory / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            for leftover in self.directory.glob(f"*{_TEMPORARY}"):
                leftover.unlink(missing_ok=True)
            yield
        finally:
            os.close(descriptor)

    def new_segment(self) -> SegmentWriter:
        """A segment to be written; only inside `lock`."""
        return SegmentWriter(self.directory, self.end_offset)

    def append(self, tables: Iterable[pa.Table], metadata: Mapping[str, str] | None = None) -> tuple[int, int]:
        """Write tables in the `LOG` schema as one segment.

        Args:
            tables: The rows; nothing is written when there are none.
            metadata: Kept with the segment.

        Returns:
            Offset of the first row and offset after the last.
        """
        with self.lock(), self.new_segment() as segment:
            for table in tables:
                segment.write(table)
            return segment.commit(metadata or {})

    def commands(self) -> Iterator[str]:
        """Every command as JSON text; only the column that holds them is read, where it holds any.

        Raises:
            WorkspaceError: A segment is missing or damaged.
        """
        for segment in self.segments():
            with _plainly(segment), pq.ParquetFile(segment.path) as file:
                for index in range(file.num_row_groups):
                    if _may_hold(file.metadata.row_group(index), "command"):
                        yield from file.read_row_group(index, ["command"]).column(0).drop_null().to_pylist()

    def read(
        self, start: int = 0, max_rows: int = ROW_GROUP_ROWS, signals: Sequence[str] | None = None
    ) -> Iterator[tuple[int, pa.Table]]:
        """Rows from an offset to the end the log has now.

        Args:
            start: Offset of the first row wanted.
            max_rows: Most rows of a table.
            signals: The signals wanted, all when None.

        Yields:
            Offset of the first row of a table, and the table in the `LOG` schema, without the signals that are not
            wanted. Tables span segments, and all but the last are full.

        Raises:
            WorkspaceError: `start` is past the end, or a segment is missing or damaged.
        """
        segments = self.segments()
        end = segments[-1].end_offset if segments else 0
        if not 0 <= start <= end:
            raise WorkspaceError(f"{self.directory}: offset {start} is outside the log, which ends at {end}")
        schema = LOG if signals is None else _with_signals(signals)
        held: list[pa.Table] = []
        rows = 0
        for piece in _pieces(segments, start, schema):
            held.append(piece)
            rows += piece.num_rows
            while rows >= max_rows:
                joined = pa.concat_tables(held)
                yield start, joined.slice(0, max_rows)
                start, rows = start + max_rows, rows - max_rows
                held = [joined.slice(max_rows)]
        if rows:
            yield start, pa.concat_tables(held)


class SegmentWriter:
    """One segment being written; without `commit` nothing of it stays."""

    def __init__(self, directory: Path, first_offset: int) -> None:
        """Begin a segment at an offset."""
        self.first_offset = first_offset
        self.rows = 0
        self._directory = directory
        name = f"{first_offset:0{_DIGITS}d}{_SUFFIX}"
        self._final = directory / name
        self._temporary = directory / f"{name}{_TEMPORARY}"
        self._writer: pq.ParquetWriter | None = None
        self._last_sample_us: dict[str, int] = {}
        self._last_receipt_us = 0
        self._last_kind = KIND_SAMPLE

    def __enter__(self) -> SegmentWriter:
        """Open the temporary file."""
        self._writer = pq.ParquetWriter(self._temporary, LOG, **PARQUET)
        return self

    def write(self, table: pa.Table) -> None:
        """Add rows in the `LOG` schema."""
        if self._writer is None:
            raise WorkspaceError(f"{self._final}: the segment is not open")
        if table.num_rows:
            self._writer.write_table(table, row_group_size=ROW_GROUP_ROWS)
            self._note(table)

    def commit(self, metadata: Mapping[str, str]) -> tuple[int, int]:
        """Seal the segment and make it visible; an empty one leaves no trace.

        Returns:
            Offset of the first row and offset after the last.
        """
        if self.rows and self._writer is not None:
            self._writer.add_key_value_metadata({f"twinpack.{key}": value for key, value in metadata.items()})
            self._writer.add_key_value_metadata({_SUMMARY.decode(): self._summary()})
            self._writer.close()
            self._writer = None
            _force_to_disk(self._temporary)
            os.rename(self._temporary, self._final)
            _force_to_disk(self._directory)
        return self.first_offset, self.first_offset + self.rows

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file and remove what was not committed."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        self._temporary.unlink(missing_ok=True)

    def _note(self, table: pa.Table) -> None:
        self.rows += table.num_rows
        self._last_kind = table.column("kind")[-1].as_py()
        samples = table.select(["vehicle_id", "sample_time", "receipt_time"]).filter(
            pc.equal(table.column("kind"), KIND_SAMPLE)
        )
        if not samples.num_rows:
            return
        newest = samples.group_by("vehicle_id").aggregate([("sample_time", "max"), ("receipt_time", "max")])
        times = newest.column("sample_time_max").cast(pa.int64()).to_pylist()
        for vehicle, time in zip(newest.column("vehicle_id").to_pylist(), times, strict=True):
            self._last_sample_us[vehicle] = max(time, self._last_sample_us.get(vehicle, time))
        receipt = pc.max(newest.column("receipt_time_max").cast(pa.int64())).as_py()
        self._last_receipt_us = max(self._last_receipt_us, receipt)

    def _summary(self) -> str:
        content: dict[str, Any] = {
            "last_sample_us": self._last_sample_us,
            "last_receipt_us": self._last_receipt_us,
            "ends_with_tick": self._last_kind == KIND_TICK,
        }
        return json.dumps(content, separators=(",", ":"))


def _is_segment(name: str) -> bool:
    stem = name.removesuffix(_SUFFIX)
    return name.endswith(_SUFFIX) and len(stem) == _DIGITS and stem.isdigit()


def _inspect(path: Path) -> Segment:
    try:
        found = pq.read_metadata(path)
    except (pa.ArrowException, OSError) as error:
        raise WorkspaceError(f"{path}: the log segment cannot be read ({error}); restore it from a backup") from error
    notes = found.metadata or {}
    summary = json.loads(notes.get(_SUMMARY, b"{}"))
    metadata = {
        key.removeprefix(_PREFIX).decode(): value.decode()
        for key, value in notes.items()
        if key.startswith(_PREFIX) and key != _SUMMARY
    }
    return Segment(
        path=path,
        first_offset=int(path.name.removesuffix(_SUFFIX)),
        rows=found.num_rows,
        metadata=metadata,
        last_sample_us=summary.get("last_sample_us", {}),
        last_receipt_us=summary.get("last_receipt_us", 0),
        ends_with_tick=summary.get("ends_with_tick", False),
    )


def _check_gapless(segments: list[Segment]) -> None:
    expected = 0
    for segment in segments:
        if segment.first_offset != expected:
            raise WorkspaceError(
                f"{segment.path.parent}: the log has no row {expected}, its next segment is {segment.path.name}; "
                "restore the missing segment from a backup"
            )
        expected = segment.end_offset


def _with_signals(signals: Sequence[str]) -> pa.Schema:
    return pa.schema([field for field in LOG if field.name not in SIGNALS or field.name in signals])


def _pieces(segments: list[Segment], start: int, schema: pa.Schema) -> Iterator[pa.Table]:
    """Row groups from an offset on, the first one cut to it."""
    for segment in segments:
        if segment.end_offset > start:
            with _plainly(segment):
                yield from _row_groups(segment, max(start - segment.first_offset, 0), schema)


@contextmanager
def _plainly(segment: Segment) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise WorkspaceError(f"{segment.path}: the log segment cannot be read ({error})") from error


def _row_groups(segment: Segment, skip: int, schema: pa.Schema) -> Iterator[pa.Table]:
    with pq.ParquetFile(segment.path) as file:
        for index in range(file.num_row_groups):
            rows = file.metadata.row_group(index).num_rows
            if skip < rows:
                yield file.read_row_group(index, schema.names).cast(schema).slice(skip)
            skip = max(skip - rows, 0)


def _may_hold(group: Any, name: str) -> bool:
    """Whether a row group has values in a column, as far as the file tells without reading it."""
    columns = (group.column(index) for index in range(group.num_columns))
    told = next(column.statistics for column in columns if column.path_in_schema == name)
    return told is None or not told.has_null_count or bool(told.null_count < group.num_rows)


def _force_to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
