"""Columns of any type become numbers, times and texts; what does not is flagged, not raised."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from twinpack.errors import ProfileError
from twinpack.telemetry.profiles.spec import SignalSource, TimeFormat
from twinpack.telemetry.readings import Flags, Floats, Integers

_NUMBER = r"(?i)^([+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?inf(inity)?|nan)$"
_EPOCH_FACTOR_US = {"s": 1e6, "ms": 1e3, "us": 1.0, "ns": 1e-3}
_FALSE_TRUE = ["false", "no", "off", "f", "n", "true", "yes", "on", "t", "y"]
_SECOND_US = 1_000_000
_US = pa.timestamp("us", tz="UTC")


def plain(column: Any) -> Any:
    """One Arrow array without dictionary encoding; texts are trimmed."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    return pc.utf8_trim_whitespace(array.cast(pa.string())) if is_text(array.type) else array


def is_text(kind: pa.DataType) -> bool:
    """Whether an Arrow type holds text."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def numbers(array: Any, name: str, source: SignalSource, decimal: str = ".") -> tuple[Floats, Flags]:
    """Raw numbers of a column, markers of missing values turned to NaN.

    Args:
        array: Plain Arrow array of text, flags or numbers, N long.
        name: Name of the column, for errors.
        source: Says which values mean "missing".
        decimal: Decimal mark of texts.

    Returns:
        The numbers, shape (N,), NaN where missing, and which rows hold something that is no number.

    Raises:
        ProfileError: The column is of a type that cannot hold numbers.
    """
    markers = [marker for marker in source.invalid if isinstance(marker, str)]
    if is_text(array.type):
        raw, bad = _parse(array, markers, decimal)
        narrow = False
    else:
        raw, bad, narrow = _cast(array, name), np.zeros(len(array), bool), pa.types.is_float32(array.type)
    return _without_markers(raw, source, narrow), bad


def matches(array: Any, name: str, source: SignalSource, decimal: str = ".") -> Floats:
    """Whether each value of a column is one of those that the profile says mean "yes".

    Returns:
        1 or 0, shape (N,); NaN where the value is missing or marked as missing.

    Raises:
        ProfileError: The column is of a type that cannot hold numbers.
    """
    raw, bad = numbers(array, name, source, decimal)
    wanted = source.equals or []
    yes = np.isin(raw, [value for value in wanted if not isinstance(value, str)])
    if is_text(array.type):
        words = pa.array([value for value in wanted if isinstance(value, str)], pa.string())
        spelled = np.asarray(pc.is_in(array, words).to_numpy(zero_copy_only=False), bool)
        yes, bad = yes | spelled, bad | spelled
    return np.where(np.isnan(raw) & ~bad, np.nan, yes.astype(np.float64))


def _cast(array: Any, name: str) -> Floats:
    kind = array.type
    if pa.types.is_boolean(kind):
        array = array.cast(pa.int8())
    elif not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind)):
        if not pa.types.is_null(kind):
            raise ProfileError(f"column {name!r} holds {kind}, not numbers")
    return _floats(array)


def _floats(array: Any) -> Floats:
    # A whole number beyond 2**53 is rounded; no signal reaches it. The copy may be written to.
    return np.array(array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=np.float64)


def _parse(array: Any, markers: list[str], decimal: str) -> tuple[Floats, Flags]:
    if markers:
        array = pc.if_else(pc.is_in(array, pa.array(markers, pa.string())), pa.scalar(None, pa.string()), array)
    array = pc.if_else(pc.equal(array, ""), pa.scalar(None, pa.string()), array)
    if decimal != ".":
        array = pc.replace_substring(array, decimal, ".")
    try:
        return _floats(array), np.zeros(len(array), bool)
    except pa.ArrowInvalid:
        return _parse_carefully(array)


def _parse_carefully(array: Any) -> tuple[Floats, Flags]:
    """The same where some text is no number: flags are understood, the rest is marked."""
    flag = pc.index_in(pc.utf8_lower(array), pa.array(_FALSE_TRUE))
    half = len(_FALSE_TRUE) // 2
    array = pc.if_else(pc.is_valid(flag), pc.if_else(pc.greater_equal(flag, half), "1", "0"), array)
    fits = pc.fill_null(pc.match_substring_regex(array, _NUMBER), True)
    cleaned = pc.replace_substring(pc.if_else(fits, array, pa.scalar(None, pa.string())), "+", "")
    return _floats(cleaned), ~fits.to_numpy(zero_copy_only=False)


def _without_markers(raw: Floats, source: SignalSource, narrow: bool) -> Floats:
    for marker in source.invalid:
        if not isinstance(marker, str):
            raw[raw == (np.float64(np.float32(marker)) if narrow else marker)] = np.nan
    if source.invalid_below is not None:
        raw[raw < source.invalid_below] = np.nan
    if source.invalid_above is not None:
        raw[raw > source.invalid_above] = np.nan
    return raw


def times_us(array: Any, name: str, form: TimeFormat, timezone: str) -> tuple[Integers, Flags, Flags]:
    """Times of a column as microseconds since the epoch, UTC.

    Args:
        array: Plain Arrow array of timestamps, texts or numbers, N long.
        name: Name of the column, for errors.
        form: How texts and numbers are to be read.
        timezone: Zone of times that name none.

    Returns:
        Times, shape (N,), 0 where there is none; which rows are missing; which hold something that is no time.

    Raises:
        ProfileError: The column holds numbers and the profile does not say in which unit.
    """
    kind = array.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return _split(
            _to_utc(array.cast(pa.timestamp("us", tz=kind.tz)) if kind != _US and _aware(kind) else array, timezone)
        )
    if form == "iso":
        if not is_text(kind) and not pa.types.is_null(kind):
            raise ProfileError(f'column {name!r} holds {kind}: set format = "s", "ms", "us" or "ns" under [time]')
        return _iso(array.cast(pa.string()), timezone)
    return _epoch(array, name, _EPOCH_FACTOR_US[form])


def _aware(kind: pa.DataType) -> bool:
    return pa.types.is_timestamp(kind) and kind.tz is not None


def _epoch(array: Any, name: str, factor: float) -> tuple[Integers, Flags, Flags]:
    if pa.types.is_integer(array.type):
        # Whole numbers stay exact: nanoseconds do not fit a float.
        missing = array.is_null().to_numpy(zero_copy_only=False)
        whole = np.asarray(array.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False))
        sane = np.abs(whole) < 8e18 / max(factor, 1.0)
        scaled = whole // 1000 if factor < 1 else np.where(sane, whole, 0) * int(factor)
        return scaled.astype(np.int64), missing, ~sane
    raw, bad = numbers(array, name, SignalSource())
    return microseconds(raw, factor, bad)


def microseconds(raw: Floats, factor: float, bad: Flags) -> tuple[Integers, Flags, Flags]:
    """Numbers times a factor as whole microseconds; missing and impossible ones are 0 and flagged."""
    missing = np.isnan(raw) & ~bad
    scaled = raw * factor
    impossible = bad | (~missing & ~(np.abs(scaled) < 9e18))
    return np.rint(np.where(missing | impossible, 0.0, scaled)).astype(np.int64), missing, impossible


def _iso(texts: Any, timezone: str) -> tuple[Integers, Flags, Flags]:
    texts = pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)
    zoned = pc.fill_null(pc.match_substring_regex(texts, r"(Z|[+-]\d\d:?\d\d)$"), False)
    date_only = pc.fill_null(pc.match_substring_regex(texts, r"^\d{4}-\d\d-\d\d$"), False)
    zoned = pc.and_(zoned, pc.invert(date_only))
    nothing = pa.scalar(None, pa.string())
    try:
        aware = pc.if_else(zoned, texts, nothing).cast(pa.timestamp("ns", tz="UTC"))
        local = _to_utc(pc.if_else(zoned, nothing, texts).cast(pa.timestamp("ns")), timezone)
    except pa.ArrowInvalid:
        return _iso_one_by_one(texts, timezone)
    return _split(pc.coalesce(aware.cast(_US, safe=False), local))


def _iso_one_by_one(texts: Any, timezone: str) -> tuple[Integers, Flags, Flags]:
    """Slow path for a table in which at least one text is no time."""
    zone = UTC if timezone == "UTC" else ZoneInfo(timezone)
    values = [_one_iso(text, zone) if text is not None else 0 for text in texts.to_pylist()]
    bad = np.array([value is None for value in values], dtype=bool)
    return np.array([value or 0 for value in values], np.int64), texts.is_null().to_numpy(zero_copy_only=False), bad


def _one_iso(text: str, zone: tzinfo) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
        aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
        delta = aware.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return (delta.days * 86_400 + delta.seconds) * _SECOND_US + delta.microseconds


def _to_utc(array: Any, timezone: str) -> Any:
    if _aware(array.type):
        return array.cast(_US, safe=False)
    local = array.cast(pa.timestamp("us"), safe=False)
    if timezone == "UTC":
        return local.cast(_US)
    # An hour that the clock change repeats or leaves out is read one fixed way, so imports repeat exactly.
    return pc.assume_timezone(local, timezone, ambiguous="earliest", nonexistent="earliest").cast(_US)


def _split(times: Any) -> tuple[Integers, Flags, Flags]:
    missing = times.is_null().to_numpy(zero_copy_only=False)
    values = times.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    return np.asarray(values, np.int64), missing, np.zeros(len(values), bool)
