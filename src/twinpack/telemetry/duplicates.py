"""Rows that were sent twice, and rows that contradict an earlier one of the same time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.telemetry.readings import Floats, Integers

Hashes = npt.NDArray[np.uint64]
Verdict = npt.NDArray[np.int8]

FIRST = 0
DUPLICATE = 1
CONFLICT = 2

_PRIME = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xBF58476D1CE4E5B9)


def row_hashes(signals: Mapping[str, Floats], lists: Mapping[str, Any], rows: int) -> Hashes:
    """A 64-bit hash of all values of each row; rows with equal values, missing ones included, have equal hashes.

    Args:
        signals: Scalar signals, shape (N,).
        lists: Arrow list arrays, N long.
        rows: N.
    """
    total = np.zeros(rows, np.uint64)
    for place, name in enumerate(sorted(signals)):
        total ^= _mixed(signals[name], place + 1)
    for place, name in enumerate(sorted(lists)):
        total ^= _mixed_lists(lists[name], place + 1001)
    return total


def _mixed(values: Floats, place: int) -> Hashes:
    # Adding zero turns -0.0 into 0.0; every NaN is made the same one.
    bits = np.where(np.isnan(values), np.nan, values + 0.0).view(np.uint64)
    with np.errstate(over="ignore"):
        bits = (bits + np.uint64(place) * _PRIME) * _MIX
        bits ^= bits >> np.uint64(29)
        return bits * _PRIME


def _mixed_lists(array: Any, place: int) -> Hashes:
    lengths = np.asarray(array.value_lengths().fill_null(0).to_numpy(zero_copy_only=False), np.int64)
    flat = np.asarray(array.flatten().to_numpy(zero_copy_only=False), np.float64)
    owner = np.repeat(np.arange(len(lengths)), lengths)
    starts = np.concatenate([[0], np.cumsum(lengths)])[:-1]
    position = np.arange(len(flat)) - starts[owner]
    total = _mixed(lengths.astype(np.float64), place)
    with np.errstate(over="ignore"):
        np.add.at(total, owner, _mixed(flat, place) * (position.astype(np.uint64) * _MIX + np.uint64(1)))
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
