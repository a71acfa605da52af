"""Rows that were sent twice, and rows that contradict an earlier one of the same time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinpack.telemetry.readings import Floats, Integers
from twinpack.telemetry.schema import LIST_SIGNALS, SIGNALS

Hashes = npt.NDArray[np.uint64]
Verdict = npt.NDArray[np.int8]

FIRST = 0
DUPLICATE = 1
CONFLICT = 2

_PRIME = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xBF58476D1CE4E5B9)
_PLACES = {name: place for place, name in enumerate(SIGNALS, 1)}


def row_hashes(signals: Mapping[str, Floats], lists: Mapping[str, Any], rows: int) -> Hashes:
    """A 64-bit hash of all values of each row; rows with equal values have equal hashes.

    A missing value adds nothing: a signal that is absent, NaN or null, and a list that is null or empty, are the same.
    So a row has one hash, whether it has just arrived or is read back from the log.

    Args:
        signals: Scalar signals, shape (N,), NaN where missing.
        lists: Arrow arrays of list<float32>, N long.
        rows: N.
    """
    total = np.zeros(rows, np.uint64)
    for name, values in signals.items():
        # A flag is kept as true or false, whatever number it came as.
        flag = SIGNALS[name].kind == "bool"
        total ^= _mixed(np.where(values == 0, 0.0, np.where(np.isnan(values), np.nan, 1.0)) if flag else values, name)
    for name, array in lists.items():
        total ^= _mixed_lists(array, name)
    return total


def table_hashes(table: pa.Table) -> Hashes:
    """`row_hashes` of samples in the `TELEMETRY` or the `LOG` schema; columns that have no value may be absent."""
    rows = table.num_rows
    found = {name: table.column(name) for name in table.column_names if name in SIGNALS}
    found = {name: column for name, column in found.items() if column.null_count < rows}
    lists = {name: found[name].combine_chunks() for name in LIST_SIGNALS if name in found}
    signals = {name: _floats(column) for name, column in found.items() if name not in lists}
    return row_hashes(signals, {name: _one(array) for name, array in lists.items()}, rows)


def _floats(column: pa.ChunkedArray) -> Floats:
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    return np.asarray(column.cast(pa.float64()).to_numpy(), np.float64)


def _one(array: Any) -> Any:
    return pa.concat_arrays(array.chunks) if isinstance(array, pa.ChunkedArray) else array


def _mixed(values: Floats, name: str) -> Hashes:
    # Adding zero turns -0.0 into 0.0.
    bits = _scrambled((values + 0.0).view(np.uint64), _PLACES[name])
    bits[np.isnan(values)] = 0
    return bits


def _scrambled(bits: Hashes, place: int) -> Hashes:
    """Bits of values, scrambled in place in the way of one signal."""
    with np.errstate(over="ignore"):
        bits += np.uint64(place) * _PRIME
        bits *= _MIX
        bits ^= bits >> np.uint64(29)
        bits *= _PRIME
    return bits


def _mixed_lists(array: Any, name: str) -> Hashes:
    lengths = np.asarray(array.value_lengths().fill_null(0).to_numpy(zero_copy_only=False), np.int64)
    flat = np.asarray(array.flatten().to_numpy(zero_copy_only=False), np.float32)
    total: Hashes = _scrambled(lengths.astype(np.uint64), _PLACES[name])
    total[lengths == 0] = 0
    if not len(flat):
        return total
    held = np.flatnonzero(lengths)
    starts = (np.cumsum(lengths) - lengths)[held]
    # Every position is scrambled in its own way, so that cells that swap their values make another hash.
    bits = np.arange(len(flat), dtype=np.uint64)
    bits -= np.repeat(starts.astype(np.uint64), lengths[held])
    with np.errstate(over="ignore"):
        bits *= _MIX
        bits += (flat + np.float32(0)).view(np.uint32)
        bits = _scrambled(bits, _PLACES[name])
        bits[np.isnan(flat)] = 0
        total[held] += np.add.reduceat(bits, starts)
    return total


class DuplicateWindow:
    """Remembers the latest rows, so that a repeat in the next table of a file is found too.

    Memory is bounded: a repeat more than `rows` good rows later passes as a late row, which changes no twin.
    """

    def __init__(self, rows: int = 100_000) -> None:
        """Make a window of a number of rows."""
        self._rows = rows
        self._vehicle = np.empty(0, np.int64)
        self._time = np.empty(0, np.int64)
        self._hash = np.empty(0, np.uint64)

    def judge(self, vehicle: npt.NDArray[np.int64], time: Integers, hashes: Hashes) -> Verdict:
        """Say of each of N rows whether it is the first of its vehicle and time, an identical repeat or a conflict.

        Args:
            vehicle: Vehicle number, shape (N,).
            time: Sample time, shape (N,).
            hashes: Of all values, shape (N,).

        Returns:
            `FIRST`, `DUPLICATE` or `CONFLICT`, shape (N,).
        """
        held = len(self._time)
        vehicle, time = np.concatenate([self._vehicle, vehicle]), np.concatenate([self._time, time])
        hashes = np.concatenate([self._hash, hashes])
        verdict = _judged(vehicle, time, hashes)
        kept = np.flatnonzero(verdict == FIRST)[-self._rows :]
        self._vehicle, self._time, self._hash = vehicle[kept], time[kept], hashes[kept]
        return verdict[held:]


def _judged(vehicle: npt.NDArray[np.int64], time: Integers, hashes: Hashes) -> Verdict:
    verdict = np.full(len(time), FIRST, np.int8)
    # lexsort is stable: within a group the earliest arrival comes first.
    order = np.lexsort((time, vehicle))
    new = np.ones(len(time), bool)
    new[1:] = (np.diff(vehicle[order]) != 0) | (np.diff(time[order]) != 0)
    first = order[np.maximum.accumulate(np.where(new, np.arange(len(order)), 0))]
    repeat = order[~new]
    same = hashes[repeat] == hashes[first[~new]]
    verdict[repeat] = np.where(same, DUPLICATE, CONFLICT)
    return verdict
