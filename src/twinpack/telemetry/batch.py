"""The rows of the log as arrays: what one step of the fold is given."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from twinpack.telemetry.schema import KIND_REALTIME_SAMPLE, KIND_SAMPLE, LIST_SIGNALS, LOG, SCALAR_SIGNALS, SIGNALS

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ListValues:
    """What single cells or probes showed in N rows; row i has `values[start[i] : start[i] + count[i]]`.

    Attributes:
        values: The values of all rows, in the unit of the signal, float32; NaN is missing.
        start: Where the values of each row begin, shape (N,), int64.
        count: How many it has, 0 for a row without, shape (N,), int64.
    """

    values: npt.NDArray[np.float32]
    start: npt.NDArray[np.int64]
    count: npt.NDArray[np.int64]

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.start)

    @classmethod
    def none(cls, rows: int) -> ListValues:
        """Rows without any."""
        return cls(np.zeros(0, np.float32), np.zeros(rows, np.int64), np.zeros(rows, np.int64))

    def rows(self, which: npt.NDArray[Any] | slice) -> ListValues:
        """Some rows; the values are shared, not copied."""
        return ListValues(self.values, self.start[which], self.count[which])


@dataclass(frozen=True)
class SampleBatch:
    """Consecutive rows of the log, N of them.

    Attributes:
        first_offset: Log offset of row 0; row i has `first_offset + i`.
        vehicle_ids: The vehicles `vehicle` points into; it may name some that no row uses.
        vehicle: Index into `vehicle_ids`, shape (N,), int32; -1 for rows without a vehicle.
        kind: `KIND_SAMPLE`, `KIND_TICK`, `KIND_COMMAND` or, to be passed over, `KIND_LAKE_SAMPLE`, shape (N,), int8.
        sample_time_us: Microseconds since the epoch, UTC, shape (N,), int64.
        receipt_time_us: Microseconds since the epoch, UTC, shape (N,), int64.
        signals: Every scalar signal of the schema by name, shape (N,), float64, in the unit of its name; NaN is
            missing, booleans are 0 and 1.
        lists: Values of single cells and probes by name of the signal, each N rows.
        commands: Pairs of row and decoded command, in row order.
    """

    first_offset: int
    vehicle_ids: tuple[str, ...]
    vehicle: npt.NDArray[np.int32]
    kind: npt.NDArray[np.int8]
    sample_time_us: npt.NDArray[np.int64]
    receipt_time_us: npt.NDArray[np.int64]
    signals: Mapping[str, Floats]
    lists: Mapping[str, ListValues] = field(default_factory=dict)
    commands: tuple[tuple[int, dict[str, Any]], ...] = ()

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.kind)

    @property
    def end_offset(self) -> int:
        """Log offset after the last row."""
        return self.first_offset + len(self)

    @classmethod
    def from_arrow(cls, table: pa.Table, first_offset: int = 0) -> SampleBatch:
        """Decode a table in the `LOG` or the `TELEMETRY` schema.

        Args:
            table: The rows; signal columns that are absent are taken as missing.
            first_offset: Log offset of its first row.
        """
        ids, vehicle = _vehicle_index(table.column("vehicle_id"))
        rows = table.num_rows
        names = set(table.column_names)
        kind = _kinds(table) if "kind" in names else np.full(rows, KIND_SAMPLE, np.int8)
        return cls(
            first_offset=first_offset,
            vehicle_ids=ids,
            vehicle=vehicle,
            kind=kind,
            sample_time_us=_integers(table, "sample_time", np.int64),
            receipt_time_us=_integers(table, "receipt_time", np.int64),
            signals={name: _floats(table, name) if name in names else _missing(rows) for name in SCALAR_SIGNALS},
            lists={name: _lists(table, name) if name in names else ListValues.none(rows) for name in LIST_SIGNALS},
            commands=_commands(table) if "command" in names else (),
        )

    def slice(self, start: int, stop: int) -> SampleBatch:
        """Rows `start` to before `stop`, without a copy of the arrays."""
        start, stop, _ = slice(start, stop).indices(len(self))
        stop = max(start, stop)
        rows = slice(start, stop)
        return SampleBatch(
            first_offset=self.first_offset + start,
            vehicle_ids=self.vehicle_ids,
            vehicle=self.vehicle[rows],
            kind=self.kind[rows],
            sample_time_us=self.sample_time_us[rows],
            receipt_time_us=self.receipt_time_us[rows],
            signals={name: values[rows] for name, values in self.signals.items()},
            lists={name: values.rows(rows) for name, values in self.lists.items()},
            commands=tuple((row - start, body) for row, body in self.commands if start <= row < stop),
        )

    def to_arrow(self) -> pa.Table:
        """The rows in the `LOG` schema; lists of cell and probe values are null."""
        given = {
            "vehicle_id": self._vehicle_column(),
            "sample_time": pa.array(self.sample_time_us),
            "receipt_time": pa.array(self.receipt_time_us),
            "kind": pa.array(self.kind),
            "command": self._command_column(),
            **{name: pa.array(values, from_pandas=True) for name, values in self.signals.items()},
        }
        columns = [
            given[field.name].cast(field.type) if field.name in given else pa.nulls(len(self), field.type)
            for field in LOG
        ]
        return pa.Table.from_arrays(columns, schema=LOG)

    def _vehicle_column(self) -> pa.Array:
        # The empty name comes last, where index -1 is sent.
        names = pa.array([*self.vehicle_ids, ""], pa.string())
        return names.take(pa.array(np.where(self.vehicle < 0, len(self.vehicle_ids), self.vehicle)))

    def _command_column(self) -> pa.Array:
        texts: list[str | None] = [None] * len(self)
        for row, body in self.commands:
            texts[row] = json.dumps(body, separators=(",", ":"))
        return pa.array(texts, pa.string())


def _vehicle_index(column: pa.ChunkedArray) -> tuple[tuple[str, ...], npt.NDArray[np.int32]]:
    encoded = column.combine_chunks().dictionary_encode()
    names: list[str] = encoded.dictionary.to_pylist()
    kept = [name for name in names if name]
    position = {name: index for index, name in enumerate(kept)}
    lookup = np.array([position.get(name, -1) for name in names], dtype=np.int32)
    codes = encoded.indices.to_numpy(zero_copy_only=False)
    return tuple(kept), lookup[codes] if len(names) else np.zeros(0, np.int32)


def _kinds(table: pa.Table) -> npt.NDArray[np.int8]:
    """Kinds as the fold sees them: what is kept out of the lake is a sample like any other."""
    kind: npt.NDArray[np.int8] = _integers(table, "kind", np.int8)
    return np.where(kind == KIND_REALTIME_SAMPLE, np.int8(KIND_SAMPLE), kind)


def _integers(table: pa.Table, name: str, dtype: Any) -> Any:
    return table.column(name).cast(pa.from_numpy_dtype(dtype)).combine_chunks().to_numpy(zero_copy_only=False)


def _floats(table: pa.Table, name: str) -> Floats:
    column = table.column(name)
    if SIGNALS[name].kind == "bool":
        column = column.cast(pa.int8())
    column = column.cast(pa.float64()).combine_chunks()
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64)


def _lists(table: pa.Table, name: str) -> ListValues:
    column = table.column(name).combine_chunks()
    if column.null_count == len(column):
        return ListValues.none(len(column))
    # Offsets of a slice point into the whole: the values are taken as they lie, not flattened.
    offsets = column.offsets.to_numpy().astype(np.int64)
    count = np.where(column.is_valid().to_numpy(zero_copy_only=False), np.diff(offsets), 0)
    values = column.values.cast(pa.float32()).to_numpy(zero_copy_only=False)
    return ListValues(np.asarray(values, dtype=np.float32), offsets[:-1].copy(), count)


def _missing(rows: int) -> Floats:
    return np.full(rows, np.nan)


def _commands(table: pa.Table) -> tuple[tuple[int, dict[str, Any]], ...]:
    column = table.column("command")
    rows = np.flatnonzero(pc.is_valid(column).to_numpy())
    texts = column.drop_null().to_pylist()
    return tuple((int(row), json.loads(text)) for row, text in zip(rows, texts, strict=True))
