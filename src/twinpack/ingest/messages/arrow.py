"""Bodies in Arrow IPC: many samples of many vehicles in the columns of the telemetry schema.

The body is not trusted: types are checked before any data is read, compressed buffers are refused (their size is
not known before they are expanded), and what is read is validated in full.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinpack.ingest.messages.fields import ENVELOPE, VSS_DEFAULT, Shape, SignalField, shape_of
from twinpack.ingest.messages.model import MAX_CELLS, Message, Refusal, show
from twinpack.ingest.messages.values import list_array
from twinpack.telemetry.identifiers import is_vehicle_id
from twinpack.telemetry.readings import Floats, Integers

MAX_ARROW_ROWS = 1_000_000
"""Most samples in one body in Arrow IPC."""

_VEHICLE = "vehicle_id"
_TIME = "sample_time"
_IGNORED = ("receipt_time",)
"""The gateway notes its own."""
_MICROSECONDS = {"s": 1_000_000, "ms": 1_000, "us": 1}
_LARGEST = 9_000_000_000_000_000_000
_DICTIONARY, _BATCH = 2, 3


@dataclass(frozen=True, slots=True)
class ArrowRows:
    """The N rows of a body.

    Attributes:
        samples: N.
        vehicles: Names that `codes` points into, all of them allowed.
        codes: Vehicle of each row, -1 where it has none that is allowed.
        time_us: Sample times, microseconds since the epoch, 0 where there is none.
        signals: Columns of scalar signals as they stand, NaN where missing.
        lists: Columns of lists, as list<float32>.
        shape: What the columns mean.
        bad_vehicles: Rows whose vehicle is missing or not allowed, with what is there.
        bad_times: The same of the time.
    """

    samples: int
    vehicles: list[str]
    codes: npt.NDArray[np.int64]
    time_us: Integers
    signals: dict[str, Floats]
    lists: dict[str, Any]
    shape: Shape
    bad_vehicles: list[tuple[int, Any]] = field(default_factory=list)
    bad_times: list[tuple[int, Any]] = field(default_factory=list)


def open_arrow(message: Message) -> ArrowRows:
    """Read an Arrow IPC stream.

    Raises:
        Refusal: It is none, lacks a column, has one of the wrong type, or too many rows.
    """
    try:
        _refuse_compression(message.payload)
        with pa.ipc.open_stream(pa.BufferReader(message.payload)) as reader:
            shape, wanted = _columns(reader.schema)
        options = pa.ipc.IpcReadOptions(included_fields=wanted, use_threads=False)
        with pa.ipc.open_stream(pa.BufferReader(message.payload), options=options) as reader:
            table = pa.Table.from_batches(_batches(reader), reader.schema)
        table.validate(full=True)
        table = table.unify_dictionaries().combine_chunks()
        rows = _rows(table, shape)
    except (pa.ArrowException, OSError, ValueError, struct.error) as error:
        raise Refusal("arrow", f"the body is no Arrow IPC stream: {str(error)[:200]}") from error
    if message.topic_vehicle is not None and rows.vehicles != [message.topic_vehicle]:
        raise Refusal("topic", f"it has other vehicles than that of the topic, {show(message.topic_vehicle)}")
    return rows


def _batches(reader: Any) -> Iterator[Any]:
    rows = 0
    for batch in reader:
        rows += batch.num_rows
        if rows > MAX_ARROW_ROWS:
            raise Refusal("size", f"more than {MAX_ARROW_ROWS:,} rows in one body; send them in parts")
        yield batch
    if rows == 0:
        raise Refusal("arrow", "the stream has no rows")


# --- types ----------------------------------------------------------------------------------------------------------


def _columns(schema: pa.Schema) -> tuple[Shape, list[int]]:
    """What the columns mean, and the positions of those that are read."""
    names = schema.names
    for name, right, what in (
        (_VEHICLE, _is_text, "text"),
        (_TIME, _is_time, "a timestamp with a zone"),
    ):
        if names.count(name) != 1:
            raise Refusal("arrow", f"there must be one column {name}, not {names.count(name)}")
        if not right(schema.field(name).type):
            raise Refusal("arrow", f"column {name} holds {str(schema.field(name).type)[:80]}, not {what}")
    given = shape_of(tuple(names), VSS_DEFAULT)
    own = (_VEHICLE, _TIME, *_IGNORED)
    unknown = [name for name in given.unknown if name not in own] + [name for name in names if name in ENVELOPE]
    shape = Shape(given.scalars, given.lists, tuple(unknown))
    for scalar in shape.scalars:
        _check_type(schema, scalar, _is_number(schema.field(scalar.key).type, scalar.signal.kind == "bool"), "numbers")
    for cells in shape.lists:
        _check_type(schema, cells, _is_list(schema.field(cells.key).type), "lists of numbers")
    wanted = [_VEHICLE, _TIME, *(used.key for used in (*shape.scalars, *shape.lists))]
    return shape, sorted(map(names.index, wanted))


def _check_type(schema: pa.Schema, used: SignalField, right: bool, what: str) -> None:
    if not right:
        raise Refusal("arrow", f"column {used.key} holds {str(schema.field(used.key).type)[:80]}, not {what}")


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_time(kind: pa.DataType) -> bool:
    return bool(pa.types.is_timestamp(kind) and kind.tz is not None)


def _is_number(kind: pa.DataType, flags: bool = False) -> bool:
    plain = pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_null(kind)
    return bool(plain or (flags and pa.types.is_boolean(kind)))


def _is_list(kind: pa.DataType) -> bool:
    if pa.types.is_null(kind):
        return True
    if pa.types.is_fixed_size_list(kind) and kind.list_size > MAX_CELLS:
        raise Refusal("size", f"a list of {kind.list_size:,}; at most {MAX_CELLS:,} cells are taken")
    listed = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    return bool(listed and _is_number(kind.value_type))


# --- values ---------------------------------------------------------------------------------------------------------


def _rows(table: pa.Table, shape: Shape) -> ArrowRows:
    vehicles, codes, bad_vehicles = _vehicles(_one(table, _VEHICLE))
    time_us, bad_times = _times(_one(table, _TIME))
    signals = {used.key: _scalar(_one(table, used.key)) for used in shape.scalars}
    lists = {used.key: _list(_one(table, used.key), used.key) for used in shape.lists}
    return ArrowRows(table.num_rows, vehicles, codes, time_us, signals, lists, shape, bad_vehicles, bad_times)


def _one(table: pa.Table, name: str) -> Any:
    column = table.column(name)
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _vehicles(array: Any) -> tuple[list[str], npt.NDArray[np.int64], list[tuple[int, Any]]]:
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    names: list[str | None] = array.dictionary.to_pylist()
    indices = np.asarray(array.indices.cast(pa.int64()).fill_null(len(names)).to_numpy(zero_copy_only=False))
    good: dict[str, int] = {}
    lookup = np.full(len(names) + 1, -1, np.int64)
    for index in np.unique(indices).tolist():
        name = names[index] if index < len(names) else None
        if name is not None and is_vehicle_id(name):
            lookup[index] = good.setdefault(name, len(good))
    codes = lookup[indices]
    shown = [*names, None]
    bad = [(int(row), shown[indices[row]]) for row in np.flatnonzero(codes < 0)]
    return list(good), codes, bad


def vehicle_fault(name: str | None) -> str:
    """What is wrong with the vehicle of a row."""
    return "the vehicle id is missing" if name is None else f"{show(name)} is not an allowed vehicle id"


def _times(array: Any) -> tuple[Integers, list[tuple[int, Any]]]:
    unit = array.type.unit
    missing = np.asarray(array.is_null().to_numpy(zero_copy_only=False))
    whole = np.asarray(array.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False))
    factor = _MICROSECONDS.get(unit, 1)
    impossible = np.abs(whole // 2) > _LARGEST // factor // 2
    scaled = whole // 1000 if unit == "ns" else np.where(impossible, 0, whole) * factor
    bad: list[tuple[int, Any]] = [(int(row), None) for row in np.flatnonzero(missing)]
    if unit != "ns":
        bad += [(int(row), f"{whole[row]} {unit}") for row in np.flatnonzero(impossible)]
    return scaled.astype(np.int64), bad


def _scalar(array: Any) -> Floats:
    return np.array(array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), np.float64)


def _list(array: Any, key: str) -> Any:
    rows = len(array)
    if pa.types.is_null(array.type):
        return list_array(np.empty(0), np.zeros(rows, np.int32), np.ones(rows, bool))
    missing = np.asarray(array.is_null().to_numpy(zero_copy_only=False))
    lengths = np.asarray(array.value_lengths().fill_null(0).to_numpy(zero_copy_only=False))
    if rows and lengths.max() > MAX_CELLS:
        raise Refusal("size", f"{key} has more than {MAX_CELLS:,} cells")
    return list_array(_scalar(array.flatten()), np.where(missing, 0, lengths), missing)


# --- compression ----------------------------------------------------------------------------------------------------


def _refuse_compression(body: bytes) -> None:
    """Refuse batches whose buffers are compressed: a few bytes could expand to any size."""
    for message in pa.ipc.MessageReader.open_stream(pa.BufferReader(body)):
        if _is_compressed(memoryview(message.metadata)):
            raise Refusal("arrow", "buffers inside the stream are compressed: use Content-Encoding instead")


def _is_compressed(metadata: memoryview) -> bool:
    """Whether the header of a message (Message.fbs of Apache Arrow) names a codec for its buffers."""
    root = struct.unpack_from("<I", metadata)[0]
    slot = _slot(metadata, root, 1)
    kind = metadata[slot] if slot else 0
    header = _table(metadata, root, 2)
    if header and kind == _DICTIONARY:
        header = _table(metadata, header, 1)
    return bool(header and kind in (_DICTIONARY, _BATCH) and _slot(metadata, header, 3))


def _slot(metadata: memoryview, table: int, number: int) -> int:
    """Position of a field of a flatbuffer table, 0 when it is not there."""
    vtable = table - struct.unpack_from("<i", metadata, table)[0]
    if 4 + 2 * number + 2 > struct.unpack_from("<H", metadata, vtable)[0]:
        return 0
    offset: int = struct.unpack_from("<H", metadata, vtable + 4 + 2 * number)[0]
    return table + offset if offset else 0


def _table(metadata: memoryview, table: int, number: int) -> int:
    """Position of the table that a field points to, 0 when it is not there."""
    slot = _slot(metadata, table, number)
    return slot + int(struct.unpack_from("<I", metadata, slot)[0]) if slot else 0
