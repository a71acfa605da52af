"""Values of messages become arrays: numbers, lists of cells, packed columns and times."""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa

from twinpack.ingest.messages.model import show
from twinpack.telemetry.checks import EARLIEST_US, LATEST_US
from twinpack.telemetry.readings import Floats, Integers

Column = list[Any] | bytes | None
"""One signal of a batch: a list with a value a sample, packed numbers, or nothing."""
Bad = list[tuple[int, Any]]
"""Positions of what is no number, with what is there."""

_NUMBERS = frozenset((float, int, type(None)))
_FLAGS = frozenset((float, int, type(None), bool))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,12})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_NOT_ZONED = "give RFC 3339 with a zone, as in 2025-03-01T06:00:00Z, or microseconds since 1970"
# Any 64-bit integer is a time here; whether it can be true is asked later, for all at once.
_LARGEST_US = 9_000_000_000_000_000_000
_OTHER_UNITS = (("seconds", 1, 1_000_000), ("milliseconds", 1_000, 1_000), ("nanoseconds", 1_000_000_000, 0))


def numbers(values: Sequence[Any], flags: bool = False) -> tuple[Floats, Bad]:
    """Numbers as an array.

    Args:
        values: What messages hold, N long.
        flags: Whether true and false are numbers too, 1 and 0.

    Returns:
        The numbers, shape (N,), NaN where there is none and infinite where one is too large; and what is no number.
    """
    kinds = _FLAGS if flags else _NUMBERS
    quick = _plain_numbers(values, flags)
    if quick is not None:
        return quick, []
    if set(map(type, values)) <= kinds:
        try:
            return np.array(values, np.float64), []
        except OverflowError:
            pass
    bad = [(position, value) for position, value in enumerate(values) if type(value) not in kinds]
    return np.array([_number(value) if type(value) in kinds else np.nan for value in values], np.float64), bad


def _plain_numbers(values: Sequence[Any], flags: bool) -> Floats | None:
    """The numbers if there is nothing else among them, in half the time."""
    try:
        found = np.frombuffer(array("d", values))
    except (TypeError, OverflowError):
        return None
    # It takes a flag for a number; only where there is a 0 or a 1 can one be.
    may_be_flag = not flags and bool(((found == 0) | (found == 1)).any())
    return None if may_be_flag and bool in set(map(type, values)) else found


def _number(value: Any) -> float:
    try:
        return np.nan if value is None else float(value)
    except OverflowError:
        return np.inf if value > 0 else -np.inf


def columns(values: Sequence[Column], counts: Sequence[int], flags: bool = False) -> tuple[Floats, Bad]:
    """One signal of several batches, one after the other.

    Args:
        values: The column of each batch.
        counts: Samples of each, which agree with the columns.
        flags: Whether true and false are numbers too.

    Returns:
        As `numbers`.
    """
    kinds = set(map(type, values))
    if kinds == {list}:
        return numbers(list(chain.from_iterable(values)), flags)  # type: ignore[arg-type]
    if kinds == {bytes}:
        return _packed(values, counts), []  # type: ignore[arg-type]
    pieces, bad, start = [], [], 0
    for value, count in zip(values, counts, strict=True):
        piece, wrong = _column(value, count, flags)
        pieces.append(piece)
        bad += [(start + position, found) for position, found in wrong]
        start += count
    return np.concatenate(pieces), bad


def _column(value: Column, count: int, flags: bool) -> tuple[Floats, Bad]:
    if value is None:
        return np.full(count, np.nan), []
    return (_packed([value], [count]), []) if isinstance(value, bytes) else numbers(value, flags)


def _packed(values: Sequence[bytes], counts: Sequence[int]) -> Floats:
    size = sum(map(len, values))
    if size == 8 * sum(counts):
        raw = np.frombuffer(b"".join(values), "<f8").copy()
    elif size == 4 * sum(counts):
        # A signalling NaN is missing like any other.
        with np.errstate(invalid="ignore"):
            raw = np.frombuffer(b"".join(values), "<f4").astype(np.float64)
    else:
        return np.concatenate([_packed([value], [count]) for value, count in zip(values, counts, strict=True)])
    return raw


def cells(values: Sequence[Any]) -> tuple[Any, Bad]:
    """Lists of cells or probes, one a sample.

    Args:
        values: A list of numbers, packed float32, or None for each of N samples.

    Returns:
        Arrow array of list<float32>, N long, null where there is no list; and what is no list, or the first thing in
        it that is no number, which is missing then.
    """
    if any(type(value) is bytes for value in values):
        values = [_unpacked_cells(value) if type(value) is bytes else value for value in values]
    bad = [(row, value) for row, value in enumerate(values) if type(value) is not list and value is not None]
    lists = [value if type(value) is list else None for value in values]
    lengths = np.array([0 if value is None else len(value) for value in lists], np.int32)
    flat, wrong = numbers(list(chain.from_iterable(value for value in lists if value is not None)))
    if wrong:
        owner = np.repeat(np.arange(len(lists)), lengths)
        first = {int(owner[position]): value for position, value in reversed(wrong)}
        bad = sorted([*bad, *first.items()], key=lambda item: item[0])
    missing = np.array([value is None for value in lists], bool)
    return list_array(flat, lengths, missing), bad


def _unpacked_cells(value: bytes) -> list[float]:
    with np.errstate(invalid="ignore"):
        unpacked: list[float] = np.frombuffer(value, "<f4").astype(np.float64).tolist()
    return unpacked


def list_array(flat: Floats, lengths: Any, missing: Any) -> Any:
    """Arrow array of list<float32> from all numbers in a row, the length of each list, and which lists are null."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        narrow = flat.astype(np.float32)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    mask = pa.array(missing) if missing.any() else None
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(narrow, from_pandas=True), mask=mask)


def times(values: Sequence[Any]) -> tuple[Integers, Bad]:
    """Times as microseconds since the epoch, UTC.

    Args:
        values: Texts, numbers of microseconds or moments, N long.

    Returns:
        The times, shape (N,), 0 where there is none; and what is none.
    """
    kinds = set(map(type, values))
    if kinds == {int}:
        try:
            return np.array(values, np.int64), []
        except OverflowError:
            pass
    found = [_time(value) for value in values]
    bad = [(position, values[position]) for position, time in enumerate(found) if time is None]
    return np.array([time or 0 for time in found], np.int64), bad


def _time(value: Any) -> int | None:
    kind = type(value)
    if kind is str:
        return _text_time(value)
    if kind is int or (kind is float and abs(value) < _LARGEST_US):
        return round(value) if abs(value) < _LARGEST_US else None
    return (value - _EPOCH) // _MICROSECOND if kind is datetime else None


def _text_time(text: str) -> int | None:
    if _RFC_3339.fullmatch(text) is None:
        return None
    try:
        return (datetime.fromisoformat(text.upper()) - _EPOCH) // _MICROSECOND
    except (ValueError, OverflowError):
        return None


def time_fault(value: Any) -> str:
    """What is wrong with something that is no time."""
    return "the time is missing" if value is None else f"time: {show(value)} is not a time: {_NOT_ZONED}"


def packed_times(value: bytes) -> Integers:
    """Packed int64 microseconds."""
    return np.frombuffer(value, "<i8").astype(np.int64)


def outside_fault(time_us: int) -> str:
    """What is wrong with a time outside 1990 to 2100: often its unit."""
    detail = f"the sample time {time_us} is not between 1990 and 2100 in microseconds since 1970"
    for unit, a_second, factor in _OTHER_UNITS:
        if EARLIEST_US <= time_us * 1_000_000 // a_second < LATEST_US:
            what = f"multiply by {factor:,}" if factor else "divide by 1,000"
            return f"{detail}: it looks like {unit}, {what}"
    return detail
