"""The write-ahead file of a gateway: what has arrived and is not in a sealed segment yet.

A file holds frames, each forced to disk before its rows are acknowledged:

    magic (4) | position in the file (8) | type (1) | 3 spare | rows (4) | length (4) | CRC-32 (4) | payload

The CRC covers the header before it and the payload, an Arrow IPC stream of the columns that have values. The position
is in the header so that no payload can hold what looks like a frame. The name of a file is the log offset of its first
row and a random part: several files may begin at one offset when all but one of them hold dead letters only.
"""

from __future__ import annotations

import os
import secrets
import struct
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from twinpack.errors import WorkspaceError
from twinpack.ingest.records import DEAD_LETTERS
from twinpack.store.files import force_to_disk
from twinpack.telemetry.schema import LOG

ROWS = 1
LETTERS = 2

_SUFFIX = ".wal"
_DIGITS = 20
_MAGIC = b"\xf5\xfeTW"  # never part of UTF-8 text
_HEADER = struct.Struct("<4sQB3xIII")
_TO_CRC = _HEADER.size - 4
_force = getattr(os, "fdatasync", os.fsync)  # not every system has the first
_SCHEMAS = {ROWS: LOG, LETTERS: DEAD_LETTERS}


def new_wal(directory: Path, first_offset: int) -> Path:
    """A name for a new file whose first row has an offset."""
    return directory / f"{first_offset:0{_DIGITS}d}-{secrets.token_hex(4)}{_SUFFIX}"


def is_wal(name: str) -> bool:
    """Whether a file's name is that of a write-ahead file."""
    digits, dash, rest = name.removesuffix(_SUFFIX).partition("-")
    return name.endswith(_SUFFIX) and len(digits) == _DIGITS and digits.isdigit() and bool(dash and rest)


def first_offset_of(path: Path) -> int:
    """Log offset of the first row of a write-ahead file."""
    return int(path.name[:_DIGITS])


def lean(table: pa.Table) -> pa.Table:
    """The columns that have values, each in one piece."""
    rows = table.num_rows
    kept = [index for index, column in enumerate(table.columns) if column.null_count < rows]
    return table.select(kept).combine_chunks()


def restore(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """A table in its whole schema again, from the columns that had values."""
    place = {name: index for index, name in enumerate(table.column_names)}
    columns = [
        table.column(place[field_.name]) if field_.name in place else pa.nulls(table.num_rows, field_.type)
        for field_ in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


class WalWriter:
    """One write-ahead file that grows; whatever `append` returned from survives a power cut."""

    def __init__(self, path: Path) -> None:
        """Begin a file; its entry in the folder is forced to disk too.

        Raises:
            OSError: The disk is full or broken; nothing is left.
        """
        self.path = path
        self._length = 0
        self._torn = False
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            force_to_disk(path.parent)
        except OSError:
            self.discard()
            raise

    @property
    def length(self) -> int:
        """Bytes that are written and on disk."""
        return self._length

    @property
    def torn(self) -> bool:
        """Whether a failed write may have left something behind its end that could not be cut off yet."""
        return self._torn

    def append(self, frames: list[tuple[int, pa.Table]]) -> float:
        """Write frames (type and lean table) and force them to disk.

        Returns:
            Seconds it took to force them.

        Raises:
            OSError: They are not in the file, which is as it was before.
        """
        self.mend()
        pieces: list[bytes | pa.Buffer] = []
        end = self._length
        for kind, table in frames:
            payload = _serialised(table)
            pieces += [_header(end, kind, table.num_rows, payload), payload]
            end += _HEADER.size + payload.size
        self._torn = True
        try:
            _write_all(self._handle, pieces, self._length)
            began = time.perf_counter()
            _force(self._handle)
        except OSError:
            self._try_to_mend()
            raise
        self._length, self._torn = end, False
        return time.perf_counter() - began

    def mend(self) -> None:
        """Cut off what a failed write may have left.

        Raises:
            OSError: The disk does not let it.
        """
        if self._torn:
            os.ftruncate(self._handle, self._length)
            _force(self._handle)
            self._torn = False

    def close(self) -> None:
        """Close the file, which stays."""
        os.close(self._handle)

    def discard(self) -> None:
        """Close the file and remove it."""
        self.close()
        self.path.unlink(missing_ok=True)

    def _try_to_mend(self) -> None:
        try:
            self.mend()
        except OSError:
            pass  # the next append tries again before it writes; the error that matters is the first


@dataclass
class Wal:
    """What is in a write-ahead file.

    Attributes:
        path: The file.
        rows: Log rows, tables as they were appended, in the `LOG` schema.
        letters: Dead letters, in their schema.
        torn_bytes: Bytes at the end that are not a whole frame; they were never acknowledged.
    """

    path: Path
    rows: list[pa.Table] = field(default_factory=list)
    letters: list[pa.Table] = field(default_factory=list)
    torn_bytes: int = 0

    @property
    def first_offset(self) -> int:
        """Log offset of its first row."""
        return first_offset_of(self.path)

    @property
    def end_offset(self) -> int:
        """Log offset after its last row."""
        return self.first_offset + sum(int(table.num_rows) for table in self.rows)


def read_wal(path: Path) -> Wal:
    """Everything whole in a write-ahead file; a torn end is passed over.

    Raises:
        WorkspaceError: A frame is damaged and whole ones follow it; says what to do.
        FileNotFoundError: It is not there, because it was sealed.
    """
    found = Wal(path)
    data = _content(path)
    end = 0
    for start, kind, payload in _frames(data):
        table = restore(_parsed(path, start, payload), _SCHEMAS[kind])
        (found.rows if kind == ROWS else found.letters).append(table)
        end = start + _HEADER.size + len(payload)
    found.torn_bytes = len(data) - end
    if found.torn_bytes:
        _refuse_if_rotten(path, data, end)
    return found


def read_rows_after(path: Path, position: int) -> tuple[list[pa.Table], int]:
    """Log rows of the whole frames from a position on, and the position after them.

    The file may be growing. Tables have the columns that have values.

    Raises:
        FileNotFoundError: It is not there, because it was sealed.
    """
    tables = []
    for start, kind, payload in _frames(_content(path, position), position):
        position = start + _HEADER.size + len(payload)
        if kind == ROWS:
            tables.append(_parsed(path, start, payload))
    return tables, position


def count_rows(path: Path) -> int:
    """Log rows in a write-ahead file, as `read_wal` would find them.

    Raises:
        WorkspaceError: A frame is damaged and whole ones follow it; says what to do.
    """
    data = _content(path)
    rows = end = 0
    for start, kind, payload in _frames(data):
        rows += int(_HEADER.unpack_from(data, start)[3]) if kind == ROWS else 0
        end = start + _HEADER.size + len(payload)
    _refuse_if_rotten(path, data, end)
    return rows


def _serialised(table: pa.Table) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def _header(position: int, kind: int, rows: int, payload: pa.Buffer) -> bytes:
    start = _HEADER.pack(_MAGIC, position, kind, rows, payload.size, 0)[:_TO_CRC]
    return start + zlib.crc32(payload, zlib.crc32(start)).to_bytes(4, "little")


def _write_all(handle: int, pieces: list[bytes | pa.Buffer], at: int) -> None:
    for piece in pieces:
        view = memoryview(piece)
        while view:
            written = os.pwrite(handle, view, at)
            at += written
            view = view[written:]


def _content(path: Path, position: int = 0) -> memoryview:
    """What a file holds from a position on."""
    try:
        with path.open("rb") as file:
            file.seek(position)
            return memoryview(file.read())
    except FileNotFoundError:
        raise
    except OSError as error:
        raise WorkspaceError(
            f"{path}: the write-ahead file cannot be read ({error}); restore it from a backup"
        ) from error


def _frames(data: memoryview, begin: int = 0) -> Iterator[tuple[int, int, memoryview]]:
    """Position, type and payload of the whole frames, up to the first that is not.

    Args:
        data: What the file holds from a position on.
        begin: That position.
    """
    at = 0
    while (payload := _whole(data, at, begin)) is not None:
        yield begin + at, data[at + 12], payload
        at += _HEADER.size + len(payload)


def _whole(data: memoryview, at: int, begin: int = 0) -> memoryview | None:
    """Payload of the frame at a place of what a file holds from `begin` on, None when there is no whole one."""
    if at + _HEADER.size > len(data):
        return None
    magic, position, kind, _, length, crc = _HEADER.unpack_from(data, at)
    start = at + _HEADER.size
    if magic != _MAGIC or position != begin + at or kind not in _SCHEMAS or start + length > len(data):
        return None
    payload = data[start : start + length]
    return payload if zlib.crc32(payload, zlib.crc32(data[at : at + _TO_CRC])) == crc else None


def _parsed(path: Path, start: int, payload: memoryview) -> pa.Table:
    try:
        with pa.ipc.open_stream(pa.py_buffer(payload)) as stream:
            return stream.read_all()
    except pa.ArrowException as error:
        raise WorkspaceError(f"{path}: the frame at byte {start} cannot be read ({error}){_ADVICE}") from error


_ADVICE = (
    "; what follows it was acknowledged. Restore the file from a backup, or move it away to lose its rows: the senders "
    "that still have them may send them again"
)


def _refuse_if_rotten(path: Path, data: memoryview, end: int) -> None:
    """A bad end was never acknowledged; a bad frame with good ones behind it was, and is another matter."""
    rest = bytes(data[end:])
    at = rest.find(_MAGIC, 1)
    while at >= 0:
        if _whole(data, end + at) is not None:
            raise WorkspaceError(f"{path}: the frame at byte {end} is damaged{_ADVICE}")
        at = rest.find(_MAGIC, at + 1)
