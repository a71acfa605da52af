"""Rows of the lake to a file, some at a time, so that memory does not grow with what is written."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from deltalake.exceptions import DeltaError

from twinpack.errors import InputError, WorkspaceError
from twinpack.store.files import force_to_disk
from twinpack.store.lake import Lake
from twinpack.store.places import told
from twinpack.store.tables import (
    CONTEXT,
    DAY,
    FORECAST_ENDS,
    FORECASTS,
    MADE,
    OFFSET,
    SAMPLE_TIME,
    TABLES,
    TELEMETRY,
    TIME,
)
from twinpack.store.telemetry_pieces import ordered_pieces, stored_files
from twinpack.telemetry.bdf import BDF_COLUMNS, BDF_REQUIRED, TEST_TIME, UNIX_TIME
from twinpack.telemetry.schema import PARQUET
from twinpack.telemetry.schema import TELEMETRY as SAMPLES

Format = Literal["csv", "parquet", "bdf"]

_TIMES = {
    TELEMETRY: SAMPLE_TIME,
    "prediction_steps": SAMPLE_TIME,
    "trips": "start_us",
    "predictions": "start_us",
    "features": DAY,
    "anomaly_scores": DAY,
    "health": SAMPLE_TIME,
    FORECASTS: MADE,
    FORECAST_ENDS: MADE,
    "dead_letters": "imported_at",
}
"""By which column a table is cut in time."""


@dataclass(frozen=True)
class Wanted:
    """What is exported.

    Attributes:
        table: Name of the table.
        vehicles: The vehicles, all when empty.
        since: Time from which on rows are wanted, with its zone.
        until: Time before which rows are wanted, with its zone.
    """

    table: str = TELEMETRY
    vehicles: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None


def export(lake: Lake, wanted: Wanted, path: Path, how: Format) -> int:
    """Write rows to a file, which is there whole or not at all.

    Telemetry is in order of day, vehicle and time; other tables are in no particular order.

    Args:
        lake: Whose rows.
        wanted: Which rows.
        path: The file; one that is there is replaced.
        how: `csv`, `parquet`, or `bdf`: Battery Data Format, as CSV, or as Parquet when the name ends so.

    Returns:
        How many rows were written.

    Raises:
        InputError: The table does not exist, has no such column, BDF is asked of more than one vehicle, the times are
            in the wrong order, or the path is no ordinary file.
        WorkspaceError: The table cannot be read, or the file not written.
    """
    _check(wanted, how)
    rows = 0
    pieces = _bdf_pieces(lake, wanted) if how == "bdf" else _pieces(lake, wanted)
    schema = _BDF_SCHEMA if how == "bdf" else _schema(wanted.table)
    as_parquet = how == "parquet" or (how == "bdf" and path.suffix == ".parquet")
    with whole_file(path) as sink, (ParquetWriter if as_parquet else CsvWriter)(sink, schema) as writer:
        for piece in pieces:
            for batch in piece.to_batches(max_chunksize=100_000):
                writer.write(batch)
            rows += piece.num_rows
    return rows


class CsvWriter:
    """Writes batches as CSV: times in ISO 8601 and UTC, lists as JSON."""

    def __init__(self, sink: BinaryIO, schema: pa.Schema) -> None:
        """Write to a binary file that stays open; the header is written first."""
        self._schema = pa.schema([_written(column) for column in schema])
        self._writer = pa_csv.CSVWriter(pa.PythonFile(sink, "w"), self._schema)

    def write(self, batch: pa.RecordBatch) -> None:
        """Add rows."""
        columns = [_as_text(column) for column in batch.columns]
        self._writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=self._schema))

    def __enter__(self) -> CsvWriter:
        """Use as a context manager."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish."""
        self._writer.close()


class ParquetWriter:
    """Writes batches as Parquet."""

    def __init__(self, sink: BinaryIO, schema: pa.Schema) -> None:
        """Write to a binary file that stays open."""
        rising = {name: encoding for name, encoding in PARQUET["column_encoding"].items() if name in schema.names}
        how = PARQUET | {
            "column_encoding": rising,
            "use_dictionary": [name for name in schema.names if name not in rising],
        }
        self._writer = pq.ParquetWriter(pa.PythonFile(sink, "w"), schema, **how)

    def write(self, batch: pa.RecordBatch) -> None:
        """Add rows."""
        self._writer.write_batch(batch)

    def __enter__(self) -> ParquetWriter:
        """Use as a context manager."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish."""
        self._writer.close()


_BDF_SCHEMA = pa.schema([(name, pa.float64()) for name in (TEST_TIME, UNIX_TIME, *BDF_COLUMNS.values())])


def _check(wanted: Wanted, how: Format) -> None:
    if wanted.table not in TABLES:
        raise InputError(f"there is no table {wanted.table!r}; there are: {', '.join(TABLES)}")
    check_times(wanted)
    if how == "bdf" and (wanted.table != TELEMETRY or len(wanted.vehicles) != 1):
        raise InputError("a BDF file is the telemetry of one vehicle: name one with --vehicle")
    if wanted.vehicles and "vehicle_id" not in TABLES[wanted.table].schema.names:
        raise InputError(f"table {wanted.table!r} has no vehicles to choose")
    if (wanted.since or wanted.until) and wanted.table not in _TIMES:
        raise InputError(f"table {wanted.table!r} has no time to choose by")


def check_times(wanted: Wanted) -> None:
    """Raise when the end of what is wanted is not after its begin.

    Raises:
        InputError: It is not.
    """
    if wanted.since and wanted.until and wanted.since >= wanted.until:
        raise InputError(f"from {wanted.since.isoformat()} to {wanted.until.isoformat()} is no time at all")


def _schema(table: str) -> pa.Schema:
    """Columns written: of telemetry, those of a sample and what is known of its vehicle."""
    schema = TABLES[table].schema
    return pa.schema([schema.field(name) for name in (*SAMPLES.names, *CONTEXT)]) if table == TELEMETRY else schema


def _pieces(lake: Lake, wanted: Wanted) -> Iterator[pa.Table]:
    schema = _schema(wanted.table)
    if wanted.table == TELEMETRY:
        for piece in _telemetry(lake, wanted, [*schema.names, OFFSET]):
            yield piece.select(schema.names).cast(schema)
        return
    for batch in lake.batches(wanted.table, schema.names, _condition(wanted)):
        yield pa.Table.from_batches([batch])


def _telemetry(lake: Lake, wanted: Wanted, columns: Sequence[str]) -> Iterator[pa.Table]:
    table = lake.open(TELEMETRY)
    if table is None:
        return
    first = None if wanted.since is None else wanted.since.astimezone(UTC).date()
    last = None if wanted.until is None else wanted.until.astimezone(UTC).date()
    files = [
        file
        for file in stored_files(table)
        if (first is None or file.day >= first) and (last is None or file.day <= last)
    ]
    times = Wanted(TELEMETRY, (), wanted.since, wanted.until)
    try:
        yield from ordered_pieces(table, files, columns, _condition(times), wanted.vehicles or None)
    except (DeltaError, OSError, pa.ArrowException) as error:
        raise WorkspaceError(f"lake table {lake.place(TELEMETRY).uri} cannot be read: {told(error)}") from error


def _bdf_pieces(lake: Lake, wanted: Wanted) -> Iterator[pa.Table]:
    start: float | None = None
    for piece in _telemetry(lake, wanted, ["vehicle_id", SAMPLE_TIME, OFFSET, *BDF_COLUMNS]):
        for_battery = pc.or_(*(pc.is_valid(piece.column(name)) for name in BDF_REQUIRED))
        rows = piece.filter(for_battery)
        if rows.num_rows:
            unix = pc.divide(rows.column(SAMPLE_TIME).cast(pa.int64()).cast(pa.float64()), 1e6)
            start = unix[0].as_py() if start is None else start
            # To the microsecond, which is what a difference of such numbers is good for.
            test_time = pc.round(pc.subtract(unix, start), 6)
            yield pa.Table.from_arrays(
                [test_time, unix, *(rows.column(name) for name in BDF_COLUMNS)], schema=_BDF_SCHEMA
            )


def _condition(wanted: Wanted) -> pc.Expression | None:
    found: pc.Expression | None = None
    if wanted.vehicles:
        found = pc.field("vehicle_id").isin(list(wanted.vehicles))
    for moment, at_least in ((wanted.since, True), (wanted.until, False)):
        if moment is not None:
            column = _TIMES[wanted.table]
            limit = _limit(column, moment)
            part = pc.field(column) >= limit if at_least else pc.field(column) < limit
            found = part if found is None else found & part
    return found


def _limit(column: str, moment: datetime) -> pa.Scalar:
    utc = moment.astimezone(UTC)
    if column in (DAY, MADE):
        return pa.scalar(utc.date(), pa.date32())
    stamp = pa.scalar(utc, TIME)
    return stamp.cast(pa.int64()) if column.endswith("_us") else stamp


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file that takes its name once all of it is written."""
    if path.exists() and not path.is_file():
        # A device or a pipe would be replaced by a file of its name.
        raise InputError(f"{path} is no ordinary file: name a new one (`twinpack query --csv` writes to a pipe)")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as sink:
            yield sink
            sink.flush()
            os.fsync(sink.fileno())
        temporary.replace(path)
        force_to_disk(path.parent)
    except OSError as error:
        raise WorkspaceError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _written(column: pa.Field) -> pa.Field:
    kind = column.type
    text = pa.types.is_timestamp(kind) or pa.types.is_nested(kind) or _foreign(kind)
    return pa.field(column.name, pa.string()) if text else column


def written(value: Any) -> str:
    """A value as text: an interval in ISO 8601, such as `P0M1DT3.5S`, bytes in base 64, else as Python writes it."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if not isinstance(value, pa.MonthDayNano):
        return str(value)
    return f"P{value.months}M{value.days}DT{value.nanoseconds / 1e9:.15g}S"


def _foreign(kind: pa.DataType) -> bool:
    """Whether the CSV writer does not know a type, such as an interval, or would write bytes as they are."""
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return True
    try:
        pa_csv.write_csv(pa.table({"x": pa.nulls(1, kind)}), pa.BufferOutputStream())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return True
    return False


def _as_text(column: pa.Array) -> Any:
    if pa.types.is_timestamp(column.type):
        return pc.strftime(column, format="%Y-%m-%dT%H:%M:%SZ")
    if pa.types.is_nested(column.type):
        texts = [None if value is None else json.dumps(value, default=str) for value in column.to_pylist()]
        return pa.array(texts, pa.string())
    if _foreign(column.type):
        return pa.array([None if value is None else written(value) for value in column.to_pylist()], pa.string())
    return column
