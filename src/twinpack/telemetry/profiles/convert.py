"""Apply a profile to the tables of one file."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from twinpack.errors import ImportFileError, ProfileError
from twinpack.telemetry.identifiers import check_vehicle_id, is_vehicle_id
from twinpack.telemetry.profiles.spec import NUMBER, Names, Profile, SignalSource
from twinpack.telemetry.profiles.values import is_text, matches, microseconds, numbers, plain, times_us
from twinpack.telemetry.readings import ROW_REJECTED, VALUE_CLEARED, Fault, Flags, Floats, Integers, Readings
from twinpack.telemetry.schema import LIST_SIGNALS, SIGNALS
from twinpack.telemetry.units import Conversion, conversion, signal_conversion

ESSENTIAL = ("pack_voltage_v", "pack_current_a")
"""Signals without which a row says nothing: one that is wrong rejects the row."""

StartOf = Callable[[str], int]


class Restarts:
    """Elapsed time of each vehicle that starts again within a file, from one piece of the file to the next."""

    def __init__(self) -> None:
        """Nothing has been read."""
        self._last: dict[str, tuple[int, int]] = {}

    def follow(self, vehicle: str, elapsed_us: Integers, gap_us: int) -> Integers:
        """Elapsed time that only rises: where it falls back, it goes on a gap after the row before.

        Args:
            vehicle: Whose.
            elapsed_us: Its rows in the order of the file, shape (N,).
            gap_us: The gap.
        """
        if not len(elapsed_us):
            return elapsed_us
        raw_us, added_us = self._last.get(vehicle, (int(elapsed_us[0]), 0))
        fall = -np.diff(elapsed_us, prepend=np.int64(raw_us))
        added = added_us + np.cumsum(np.where(fall > 0, fall + gap_us, 0))
        self._last[vehicle] = int(elapsed_us[-1]), int(added[-1])
        return np.asarray(elapsed_us + added, np.int64)


@dataclass(frozen=True)
class BoundProfile:
    """A profile whose columns have been found in a file.

    Attributes:
        profile: The profile.
        vehicle_id: The vehicle of all rows, or None when a column tells.
        vehicle_column: Column of the vehicle id.
        clock_column: Column of the sample time, or None when the file has elapsed time only.
        receipt_column: Column of the receipt time.
        elapsed_column: Column of the elapsed time where there is no clock.
        signal_columns: Columns found for each signal, one but for lists; none for a constant. An empty name stands for
            a cell or probe whose number the file leaves out.
        notes: What people should know of the columns.
    """

    profile: Profile
    vehicle_id: str | None
    vehicle_column: str | None
    clock_column: str | None
    receipt_column: str | None
    elapsed_column: str | None
    signal_columns: dict[str, tuple[str, ...]]
    notes: tuple[str, ...] = ()

    @property
    def columns(self) -> list[str]:
        """Every column the profile needs of this file, in a fixed order."""
        single = [self.vehicle_column, self.clock_column, self.receipt_column, self.elapsed_column]
        listed = [name for names in self.signal_columns.values() for name in names if name]
        return list(dict.fromkeys([*(name for name in single if name is not None), *listed]))

    @property
    def stated_units(self) -> dict[str, Conversion]:
        """Scale and offset from the unit the profile states, for each signal that has one."""
        signals = self.profile.signals
        return {
            name: signal_conversion(name, unit, name)
            for name in self.signal_columns
            if (unit := signals[name].unit) is not None
        }

    def convert(self, table: pa.Table, start_of: StartOf, restarts: Restarts | None = None) -> Readings:
        """Read the columns of N rows.

        Args:
            table: Rows of the file with at least `columns`.
            start_of: Start time of a vehicle's elapsed seconds, microseconds since the epoch.
            restarts: Where elapsed time stands after the rows before; None at the start of a file.

        Raises:
            ProfileError: A column is of a type the profile cannot mean.
        """
        faults: list[Fault] = []
        vehicle_ids, vehicle = self._vehicles(table, faults)
        if self.clock_column is not None:
            sample_time = self._clock(table, self.clock_column, faults)
        else:
            sample_time = self._elapsed(table, vehicle_ids, vehicle, start_of, restarts or Restarts(), faults)
        signals: dict[str, Floats] = {}
        lists: dict[str, Any] = {}
        for name, columns in self.signal_columns.items():
            if name in LIST_SIGNALS:
                lists[name] = self._list(table, name, columns)
            else:
                signals[name] = self._scalar(table, name, columns, faults)
        return Readings(
            vehicle_ids, vehicle, sample_time, self._receipt(table, sample_time, faults), signals, lists, faults
        )

    def _vehicles(self, table: pa.Table, faults: list[Fault]) -> tuple[tuple[str, ...], npt.NDArray[np.int32]]:
        rows = table.num_rows
        if self.vehicle_column is None:
            return (self.vehicle_id or "",), np.zeros(rows, np.int32)
        encoded = plain(_text(plain(table.column(self.vehicle_column)))).dictionary_encode()
        names: list[str] = encoded.dictionary.to_pylist()
        good = tuple(name for name in names if is_vehicle_id(name))
        position = {name: index for index, name in enumerate(good)}
        lookup = np.array([*(position.get(name, -1) for name in names), -1], np.int32)
        codes = encoded.indices.fill_null(len(names)).to_numpy(zero_copy_only=False)
        vehicle = lookup[codes]
        bad = np.flatnonzero(vehicle < 0)
        shown = [*names, None]
        details = [_vehicle_detail(shown[codes[row]]) for row in bad]
        _add(faults, "vehicle", ROW_REJECTED, bad, details)
        return good, vehicle

    def _clock(self, table: pa.Table, column: str, faults: list[Fault]) -> Integers:
        time = self.profile.time
        values = plain(table.column(column))
        result, missing, bad = times_us(values, column, time.format, time.timezone)
        _time_faults(faults, values, column, missing, bad)
        return result

    def _elapsed(
        self,
        table: pa.Table,
        vehicle_ids: tuple[str, ...],
        vehicle: npt.NDArray[np.int32],
        start_of: StartOf,
        restarts: Restarts,
        faults: list[Fault],
    ) -> Integers:
        column = self.elapsed_column or ""
        time = self.profile.time
        values = plain(table.column(column))
        raw, bad = numbers(values, column, SignalSource(), self.profile.csv.decimal)
        scale, _ = conversion(time.elapsed_unit, "s", "elapsed_unit")
        elapsed, missing, bad = microseconds(raw, scale * 1e6, bad)
        _time_faults(faults, values, column, missing, bad)
        if time.restart_gap_s is not None:
            gap_us = round(time.restart_gap_s * 1e6)
            for at, name in enumerate(vehicle_ids):
                rows = np.flatnonzero((vehicle == at) & ~missing & ~bad)
                elapsed[rows] = restarts.follow(name, elapsed[rows], gap_us)
        starts = np.array([*(start_of(name) for name in vehicle_ids), 0], np.int64)
        return np.where(missing | bad, 0, starts[vehicle] + elapsed)

    def _receipt(self, table: pa.Table, sample_time: Integers, faults: list[Fault]) -> Integers | None:
        if self.receipt_column is None:
            return None
        time = self.profile.time
        values = plain(table.column(self.receipt_column))
        result, missing, bad = times_us(values, self.receipt_column, time.format, time.timezone)
        _time_faults(faults, values, self.receipt_column, np.zeros(len(bad), bool), bad)
        return np.where(missing, sample_time, result)

    def _scalar(self, table: pa.Table, name: str, columns: tuple[str, ...], faults: list[Fault]) -> Floats:
        source = self.profile.signals[name]
        if source.constant is not None:
            return np.full(table.num_rows, source.constant)
        column = columns[0]
        values = plain(table.column(column))
        if source.equals is not None:
            return matches(values, column, source, self.profile.csv.decimal)
        raw, bad = numbers(values, column, source, self.profile.csv.decimal)
        rows = np.flatnonzero(bad)
        action = ROW_REJECTED if name in ESSENTIAL else VALUE_CLEARED
        texts = values.take(pa.array(rows)).to_pylist() if len(rows) else []
        _add(faults, "number", action, rows, [f"{column}: {text!r} is not a number" for text in texts])
        return _to_unit(raw, name, source)

    def _list(self, table: pa.Table, name: str, columns: tuple[str, ...]) -> Any:
        source = self.profile.signals[name]
        if source.columns is not None or source.numbered is not None:
            decimal = self.profile.csv.decimal
            nothing = np.full(table.num_rows, np.nan)
            parts = [
                numbers(plain(table.column(column)), column, source, decimal)[0] if column else nothing
                for column in columns
            ]
            flat = _to_unit(np.stack(parts, axis=1).ravel(), name, source)
            offsets = np.arange(table.num_rows + 1, dtype=np.int32) * len(columns)
            return pa.ListArray.from_arrays(offsets, pa.array(flat.astype(np.float32), from_pandas=True))
        return _list_column(plain(table.column(columns[0])), columns[0], name, source)


def bind(profile: Profile, present: Sequence[str], file_name: str) -> BoundProfile:
    """Find the columns of a profile in a file.

    Args:
        profile: The profile.
        present: Columns the file has.
        file_name: Name of the file without its folder.

    Raises:
        ProfileError: A column the profile needs is absent; the message names it and those present.
        ImportFileError: The file name does not give a vehicle id.
    """
    vehicle, time = profile.vehicle, profile.time
    vehicle_column = _find(vehicle.column, present)
    if vehicle.column is not None and vehicle_column is None:
        raise _absent("the vehicle", _all(vehicle.column), present, file_name)
    clock = _find(time.clock, present)
    elapsed = _find(time.elapsed, present) if clock is None else None
    if clock is None and elapsed is None:
        raise _absent("the time", [*_all(time.clock), *_all(time.elapsed)], present, file_name)
    signal_columns = {
        name: found
        for name, source in profile.signals.items()
        if (found := _signal_columns(name, source, present, file_name)) is not None
    }
    bound = BoundProfile(
        profile,
        _vehicle_of_file(profile, file_name),
        vehicle_column,
        clock,
        _find(time.receipt, present),
        elapsed,
        signal_columns,
        _left_out(signal_columns),
    )
    _check_once(bound.columns, present, file_name)
    return bound


def _vehicle_of_file(profile: Profile, file_name: str) -> str | None:
    pattern = profile.vehicle.file_pattern
    if pattern is None:
        return profile.vehicle.constant
    match = re.search(pattern, file_name)
    if match is None or match["vehicle"] is None:
        raise ImportFileError(f"{file_name}: the name does not match vehicle.file_pattern of profile {profile.name!r}")
    if not is_vehicle_id(match["vehicle"]):
        raise ImportFileError(f"{file_name}: the name gives vehicle {_vehicle_detail(match['vehicle'])}")
    return check_vehicle_id(match["vehicle"])


def _signal_columns(name: str, source: SignalSource, present: Sequence[str], file: str) -> tuple[str, ...] | None:
    if source.constant is not None:
        return ()
    if source.columns is not None:
        absent = [column for column in source.columns if column not in present]
        found = None if absent else tuple(source.columns)
    elif source.numbered is not None:
        absent = [source.numbered.replace(NUMBER, "1")]
        found = _numbered(source.numbered, present, f"{file}: {name}")
    else:
        absent = _all(source.column)
        column = _find(source.column, present)
        found = None if column is None else (column,)
    if found is None and source.required:
        raise _absent(name, absent, present, file)
    return found


def _numbered(pattern: str, present: Sequence[str], where: str) -> tuple[str, ...] | None:
    """The columns of a pattern by their number, from 0 or 1, "" where one is left out; None if there is none."""
    before, after = (re.escape(part) for part in pattern.split(NUMBER))
    matches = ((re.fullmatch(rf"{before}(\d+){after}", column), column) for column in dict.fromkeys(present))
    numbered: dict[int, str] = {}
    for match, column in matches:
        if match is None:
            continue
        other = numbered.setdefault(int(match[1]), column)
        if other != column:
            raise ProfileError(f"{where}: the columns {other!r} and {column!r} have the same number")
    if not numbered:
        return None
    places = range(min(1, *numbered), max(numbered) + 1)
    if len(places) > 2 * len(numbered):
        first = min(set(places) - set(numbered))
        raise ProfileError(
            f"{where}: {len(numbered)} columns are numbered up to {max(numbered)}: "
            f"most are missing, the first of them {pattern.replace(NUMBER, str(first))!r}"
        )
    return tuple(numbered.get(number, "") for number in places)


def _left_out(signal_columns: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Notes on numbers that a file leaves out: what has them is unknown, and the others keep their place."""
    notes = []
    for name, columns in signal_columns.items():
        missing = [place for place, column in enumerate(columns, 1) if not column]
        if missing:
            listed = ", ".join(map(str, missing[:5])) + (", ..." if len(missing) > 5 else "")
            notes.append(f"{name}: no column for number {listed} of {len(columns)}, which stay unknown")
    return tuple(notes)


def _all(names: Names | None) -> list[str]:
    if names is None:
        return []
    return [names] if isinstance(names, str) else names


def _find(names: Names | None, present: Sequence[str]) -> str | None:
    return next((name for name in _all(names) if name in present), None)


def _absent(what: str, names: list[str], present: Sequence[str], file_name: str) -> ProfileError:
    wanted = " or ".join(repr(name) for name in names)
    shown = ", ".join(present[:40]) + (", ..." if len(present) > 40 else "")
    return ProfileError(f"{file_name}: no column {wanted} for {what}; the file has: {shown}")


def _check_once(columns: list[str], present: Sequence[str], file_name: str) -> None:
    for column in columns:
        if list(present).count(column) > 1:
            raise ImportFileError(f"{file_name}: column {column!r} is there more than once")


def _to_unit(raw: Floats, name: str, source: SignalSource) -> Floats:
    scale, offset = signal_conversion(name, source.unit, name) if source.unit is not None else (1.0, 0.0)
    values = raw
    if (source.scale, source.offset) != (1.0, 0.0):
        values = values * source.scale + source.offset
    if (scale, offset) != (1.0, 0.0):
        values = values * scale + offset
    return values if source.sign == 1 else -values


def _list_column(array: Any, column: str, name: str, source: SignalSource) -> Any:
    if is_text(array.type):
        bare = pc.replace_substring_regex(array, r"[\[\]\s]", "")
        array = pc.split_pattern(bare, source.separator)
    if not (pa.types.is_list(array.type) or pa.types.is_large_list(array.type)):
        raise ProfileError(f"column {column!r} holds {array.type}, not a list of {SIGNALS[name].unit}")
    array = array.cast(pa.list_(array.type.value_type))
    flat, _ = numbers(plain(array.flatten()), column, source)
    lengths = pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    values = pa.array(_to_unit(flat, name, source).astype(np.float32), from_pandas=True)
    return pa.ListArray.from_arrays(pa.array(offsets), values, mask=array.is_null())


def _text(array: Any) -> Any:
    return array if is_text(array.type) else array.cast(pa.string())


def _vehicle_detail(name: str | None) -> str:
    return "the vehicle id is missing" if name is None else f"{name[:80]!r} is not an allowed vehicle id"


def _time_faults(faults: list[Fault], values: Any, column: str, missing: Flags, bad: Flags) -> None:
    rows = np.flatnonzero(missing)
    _add(faults, "time", ROW_REJECTED, rows, [f"{column}: the time is missing"] * len(rows))
    rows = np.flatnonzero(bad)
    texts = values.take(pa.array(rows)).to_pylist() if len(rows) else []
    _add(faults, "time", ROW_REJECTED, rows, [f"{column}: {str(text)!r} is not a time" for text in texts])


def _add(faults: list[Fault], reason: str, action: Any, rows: npt.NDArray[np.intp], details: list[str]) -> None:
    if len(rows):
        faults.append(Fault(reason, action, rows.astype(np.int64), details))
