"""Read a file in bounded pieces, whatever its format; a file that cannot be read is one clear error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from twinpack.errors import ImportFileError
from twinpack.telemetry.profiles.spec import CsvOptions

PIECE_ROWS = 65_536
_BLOCK_BYTES = 8 * 1024 * 1024
_HEADER_BYTES = 1024 * 1024
_MISSING = ["", "NA", "N/A", "NULL", "null", "None", "NaN", "nan"]
_PARQUET_MAGIC = b"PAR1"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class BadRow:
    """A line of a text file that does not have the fields its header names."""

    row: int
    detail: str
    text: str


@dataclass(frozen=True)
class Piece:
    """Consecutive rows of a file.

    Attributes:
        table: The rows, N of them.
        rows: Their numbers in the file, the first data row being 1, shape (N,).
        bad: Malformed lines among them, which are not in the table.
        share: Share of the file read so far, 0 to 1.
    """

    table: pa.Table
    rows: npt.NDArray[np.int64]
    bad: list[BadRow]
    share: float


class Reader(Protocol):
    """A file whose columns are known and whose rows come in pieces."""

    columns: list[str]
    notes: dict[str, str]

    def pieces(self, columns: list[str]) -> Iterator[Piece]:
        """The rows with the named columns."""
        ...


def open_reader(path: Path, csv: CsvOptions) -> Reader:
    """Open a CSV or Parquet file.

    Args:
        path: The file; what it holds decides, not only its name.
        csv: How text is written.

    Raises:
        ImportFileError: It is empty, damaged or neither text nor Parquet.
    """
    with _clearly(path):
        with path.open("rb") as file:
            head = file.read(4096)
        if not head:
            raise ImportFileError(f"{path}: the file is empty")
        if head.startswith(_PARQUET_MAGIC):
            return _ParquetReader.open(path)
        if path.suffix == ".parquet":
            raise ImportFileError(f"{path}: not a Parquet file (it begins with {head[:4]!r})")
        return _CsvReader.open(path, csv, head)


@contextmanager
def _clearly(path: Path) -> Iterator[None]:
    """Turn any failure to read into one line that names the file."""
    try:
        yield
    except ImportFileError:
        raise
    except UnicodeError as error:
        raise ImportFileError(f"{path}: {_encoding_advice(error)}") from error
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        if "invalid UTF8" in reason:
            raise ImportFileError(f"{path}: {_encoding_advice(error)}") from error
        raise ImportFileError(f"{path}: cannot be read: {reason[:300]}") from error


def _encoding_advice(error: Exception) -> str:
    encoding = error.encoding if isinstance(error, UnicodeDecodeError) else "utf-8"
    return f'the text is not {encoding}: set encoding under [csv] in the profile, such as "latin-1"'


@dataclass
class _ParquetReader:
    path: Path
    columns: list[str]
    notes: dict[str, str]

    @classmethod
    def open(cls, path: Path) -> _ParquetReader:
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
        notes = {key.decode(errors="replace"): value.decode(errors="replace") for key, value in _notes(schema)}
        return cls(path, list(schema.names), notes)

    def pieces(self, columns: list[str]) -> Iterator[Piece]:
        """The rows with the named columns."""
        with _clearly(self.path), pq.ParquetFile(self.path) as file:
            total = max(file.metadata.num_rows, 1)
            done = 0
            for batch in file.iter_batches(PIECE_ROWS, columns=columns):
                rows = np.arange(done + 1, done + 1 + batch.num_rows)
                done += batch.num_rows
                yield Piece(pa.Table.from_batches([batch]), rows, [], done / total)


def _notes(schema: pa.Schema) -> list[tuple[bytes, bytes]]:
    return list((schema.metadata or {}).items())


@dataclass
class _CsvReader:
    path: Path
    options: CsvOptions
    columns: list[str] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)
    _header: list[str] = field(default_factory=list)
    _bad: list[BadRow] = field(default_factory=list)

    @classmethod
    def open(cls, path: Path, options: CsvOptions, head: bytes) -> _CsvReader:
        _check_text(path, options.encoding, head)
        reader = cls(path, options)
        with reader._file() as (_, stream), reader._open(stream, None) as csv:
            reader._header = list(csv.schema.names)
        reader.columns = [name.strip() for name in reader._header]
        return reader

    def pieces(self, columns: list[str]) -> Iterator[Piece]:
        """The rows with the named columns, all as text."""
        wanted = [self._header[self.columns.index(column)] for column in columns]
        size = max(self.path.stat().st_size, 1)
        next_row = 1
        self._bad.clear()
        with _clearly(self.path), self._file() as (file, stream), self._open(stream, wanted) as csv:
            for batch in csv:
                rows, next_row = self._number(batch.num_rows, next_row)
                table = pa.Table.from_batches([batch]).rename_columns(columns)
                yield Piece(table, rows, self._take_bad(next_row), min(file.tell() / size, 1.0))
            if self._bad:
                empty = pa.table({column: pa.array([], pa.string()) for column in columns})
                yield Piece(empty, np.empty(0, np.int64), self._take_bad(None), 1.0)

    @contextmanager
    def _file(self) -> Iterator[tuple[Any, Any]]:
        """The file, whose position tells progress, and the stream of its text."""
        with pa.OSFile(str(self.path), "rb") as file:
            if self.path.suffix == ".gz":
                with pa.CompressedInputStream(file, "gzip") as stream:
                    yield file, stream
            else:
                yield file, file

    def _open(self, stream: Any, wanted: list[str] | None) -> pa_csv.CSVStreamingReader:
        # One thread: only then does the reader say which line is malformed.
        read = pa_csv.ReadOptions(
            use_threads=False,
            block_size=_HEADER_BYTES if wanted is None else _BLOCK_BYTES,
            skip_rows=self.options.skip_rows,
            encoding=self.options.encoding,
        )
        parse = pa_csv.ParseOptions(delimiter=self.options.delimiter, invalid_row_handler=self._note_bad)
        convert = pa_csv.ConvertOptions(
            include_columns=wanted or [],
            column_types=dict.fromkeys(wanted or [], pa.string()),
            null_values=_MISSING,
            strings_can_be_null=True,
        )
        return pa_csv.open_csv(stream, read, parse, convert)

    def _note_bad(self, row: Any) -> str:
        detail = f"{row.actual_columns} fields where the header names {row.expected_columns}"
        # The count takes in the header and what was skipped before it; blank lines are not counted.
        self._bad.append(BadRow(row.number - 1 - self.options.skip_rows, detail, row.text))
        return "skip"

    def _number(self, count: int, next_row: int) -> tuple[npt.NDArray[np.int64], int]:
        """Numbers of the next `count` good rows, and of the row after them."""
        malformed = np.array([bad.row for bad in self._bad], np.int64)
        candidates = np.arange(next_row, next_row + count + len(malformed))
        rows = candidates[~np.isin(candidates, malformed)][:count]
        return rows, int(rows[-1]) + 1 if count else next_row

    def _take_bad(self, before: int | None) -> list[BadRow]:
        taken = [bad for bad in self._bad if before is None or bad.row < before]
        self._bad = self._bad[len(taken) :]
        return taken


def _check_text(path: Path, encoding: str, head: bytes) -> None:
    wide = encoding.lower().replace("_", "-").startswith(("utf-16", "utf-32", "utf16", "utf32"))
    if wide or path.suffix == ".gz":
        return
    if head.startswith(_UTF16_MARKS):
        raise ImportFileError(f'{path}: the text is UTF-16: set encoding = "utf-16" under [csv] in the profile')
    if b"\0" in head:
        raise ImportFileError(f"{path}: neither text nor Parquet: it holds binary data")
