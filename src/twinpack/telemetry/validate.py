"""Validation of samples against physical ranges and the limits of a pack, and the search for duplicates.

A row is rejected when its vehicle, time, voltage or current cannot be true; any other impossible value is cleared,
that is, becomes missing. A missing value is no fault. Nothing is dropped without being counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinpack.telemetry.checks import (
    Ledger,
    Limits,
    check_times,
    in_range,
    list_in_range,
    physical_limits,
    samples_table,
    taken,
)
from twinpack.telemetry.duplicates import DUPLICATE, FIRST, DuplicateWindow, Hashes, Verdict, row_hashes
from twinpack.telemetry.profiles.convert import ESSENTIAL
from twinpack.telemetry.readings import Fault, Flags, Floats, Index, Integers, Readings
from twinpack.telemetry.schema import SIGNALS
from twinpack.telemetry.sign_check import SignCheck
from twinpack.telemetry.units import Conversion, units_for

_SAMPLED = 2000
_SHARES = ("soc_pct", "soc_displayed_pct")
_ENOUGH_ROWS = 20
_EMPTY_PCT = 0.02
_NOT_AVAILABLE = (215.0, 254.0, 255.0, 65534.0, 65535.0)
"""What a bus says for "no value" (215 is 255 less the usual offset of a temperature): no sign of another unit."""


@dataclass(frozen=True)
class UnitHint:
    """A signal that is out of range in most rows of a file and would fit in another unit.

    Attributes:
        signal: The signal.
        present: Rows that have a value.
        outside: Those out of range.
        unit: The unit that would fit.
    """

    signal: str
    present: int
    outside: int
    unit: str

    def __str__(self) -> str:
        """What is wrong and what to do."""
        share = f"all {self.present:,}" if self.outside == self.present else f"{self.outside:,} of {self.present:,}"
        advice = f'looks like {self.unit}, set unit = "{self.unit}" in the profile'
        return f"{share} rows: {self.signal} is out of range: {advice}"


@dataclass(frozen=True)
class Checked:
    """What validation made of a table.

    Attributes:
        samples: Good rows in arrival order, in the `TELEMETRY` schema.
        faults: What was rejected or cleared; positions are those of the table that was checked.
        duplicates: Rows dropped because an identical one came before.
        late: Good rows older than the newest of their vehicle.
    """

    samples: pa.Table
    faults: list[Fault]
    duplicates: int
    late: int


class Earlier(Protocol):
    """What is known of samples that came before this file."""

    def newest_us(self, vehicle_ids: Sequence[str]) -> Integers:
        """Newest sample time of each vehicle, microseconds since the epoch; before every time where there is none."""
        ...

    def judge(self, vehicle_ids: Sequence[str], vehicle: Index, time_us: Integers, hashes: Hashes) -> Verdict:
        """Say of N samples whether each is the first of its vehicle and time, a repeat, or contradicts an earlier one.

        Args:
            vehicle_ids: The vehicles that `vehicle` points into.
            vehicle: Index into them, shape (N,).
            time_us: Sample time, shape (N,).
            hashes: Of all values, by `row_hashes`, shape (N,).
        """
        ...


@dataclass
class Validator:
    """Checks the tables of one file one after the other.

    Attributes:
        limits: Lowest and highest value of each signal.
        latest_us: Moment of the import where the file has clock times but no receipt times: nothing can have been
            sampled after it. Microseconds since the epoch.
        stated: Scale and offset with which values of a signal came from the unit its profile states.
        earlier: Samples that came before this file, with which its rows are compared.
    """

    limits: Limits = field(default_factory=physical_limits)
    latest_us: int | None = None
    stated: Mapping[str, Conversion] = field(default_factory=dict)
    earlier: Earlier | None = None
    _codes: dict[str, int] = field(default_factory=dict)
    _newest: dict[int, int] = field(default_factory=dict)
    _window: DuplicateWindow = field(default_factory=DuplicateWindow)
    _rows: int = 0
    _sign: SignCheck = field(default_factory=SignCheck)
    _present: Counter[str] = field(default_factory=Counter)
    _outside: Counter[str] = field(default_factory=Counter)
    _sampled: dict[str, Floats] = field(default_factory=dict)

    def check(self, readings: Readings) -> Checked:
        """Validate the next N rows of the file."""
        self._rows += len(readings)
        ledger = Ledger(len(readings), list(readings.faults))
        check_times(readings.sample_time_us, readings.receipt_time_us, self.latest_us, ledger)
        signals = {name: self._in_range(name, values, ledger) for name, values in readings.signals.items()}
        lists = {
            name: list_in_range(name, values, self.limits[name], ledger) for name, values in readings.lists.items()
        }
        kept = np.flatnonzero(~ledger.rejected)
        kept, duplicates = self._drop_repeats(readings, signals, lists, kept, ledger)
        self._compare_signs(readings, signals, kept)
        receipt, late = self._arrival(readings, kept)
        samples = samples_table(readings, signals, lists, kept, receipt)
        return Checked(samples, ledger.faults, duplicates, late)

    def hints(self) -> list[UnitHint]:
        """Signals that seem to be in another unit, over all rows checked so far."""
        found = (self._hint(name) for name in self._outside)
        return [hint for hint in found if hint is not None]

    def current_opposes_charge(self) -> bool:
        """Whether the current seems to have the wrong sign: the charge fell when it says it rose, or the reverse."""
        return self._sign.wrong()

    def _compare_signs(self, readings: Readings, signals: Mapping[str, Floats], kept: npt.NDArray[np.intp]) -> None:
        current, soc = signals.get("pack_current_a"), signals.get("soc_pct")
        if current is not None and soc is not None:
            codes = self._global_codes(readings)[kept]
            self._sign.add(codes, readings.sample_time_us[kept], current[kept], soc[kept])

    def _in_range(self, name: str, values: Floats, ledger: Ledger) -> Floats:
        cleaned, outside = in_range(name, values, *self.limits[name], ledger)
        self._remember(name, values, np.isfinite(values), outside)
        return cleaned

    def _remember(self, name: str, values: Floats, finite: Flags, outside: Flags) -> None:
        self._present[name] += int(finite.sum())
        if name in _SHARES and name not in self.stated:
            # A charge that never exceeds 1 % in a whole file is a fraction of 1.
            outside = outside | (finite & (values >= 0) & (values <= 1))
        count = int(outside.sum())
        if not count:
            return
        self._outside[name] += count
        held = self._sampled.get(name, np.empty(0))
        self._sampled[name] = np.concatenate([held, values[outside][: _SAMPLED - len(held)]])

    def _hint(self, name: str) -> UnitHint | None:
        present, outside = self._present[name], self._outside[name]
        sampled = self._sampled[name]
        if name in _SHARES and sampled.max() <= 1:
            sure = outside == present >= _ENOUGH_ROWS and sampled.max() > _EMPTY_PCT
            return UnitHint(name, present, outside, "fraction") if sure else None
        if 2 * outside <= present:
            return None
        if name not in ESSENTIAL and outside < min(_ENOUGH_ROWS, self._rows):
            return None
        low, high = self.limits[name]
        scale, offset = self.stated.get(name, (1.0, 0.0))
        raw = (sampled - offset) / scale
        raw = raw[~np.isin(raw, _NOT_AVAILABLE)]
        if not len(raw):
            return None
        for unit, (scale, offset) in units_for(SIGNALS[name].unit).items():
            fits = (raw * scale + offset >= low) & (raw * scale + offset <= high)
            if fits.mean() >= 0.95:
                return UnitHint(name, present, outside, unit)
        return None

    def _drop_repeats(
        self,
        readings: Readings,
        signals: Mapping[str, Floats],
        lists: Mapping[str, Any],
        kept: npt.NDArray[np.intp],
        ledger: Ledger,
    ) -> tuple[npt.NDArray[np.intp], int]:
        codes = self._global_codes(readings)[kept]
        times = readings.sample_time_us[kept]
        hashes = row_hashes({name: values[kept] for name, values in signals.items()}, taken(lists, kept), len(kept))
        verdict = np.full(len(kept), FIRST, np.int8)
        if self.earlier is not None:
            verdict = self.earlier.judge(readings.vehicle_ids, readings.vehicle[kept], times, hashes)
        fresh = np.flatnonzero(verdict == FIRST)
        verdict[fresh] = self._window.judge(codes[fresh], times[fresh], hashes[fresh])
        conflict = np.zeros(len(readings), bool)
        conflict[kept[(verdict != FIRST) & (verdict != DUPLICATE)]] = True
        ledger.reject(
            "conflict", conflict, lambda row: "another row of this vehicle has the same time and other values"
        )
        return kept[verdict == FIRST], int((verdict == DUPLICATE).sum())

    def _global_codes(self, readings: Readings) -> npt.NDArray[np.int64]:
        codes = [self._codes.setdefault(name, len(self._codes)) for name in readings.vehicle_ids]
        return np.array([*codes, -1], np.int64)[readings.vehicle]

    def _arrival(self, readings: Readings, kept: npt.NDArray[np.intp]) -> tuple[Integers, int]:
        """Receipt times of the kept rows, and how many of them are late."""
        codes = self._global_codes(readings)[kept]
        times = readings.sample_time_us[kept]
        newest = self._running_newest(codes, times)
        late = times < newest
        if self.earlier is not None:
            late |= times < self.earlier.newest_us(readings.vehicle_ids)[readings.vehicle[kept]]
        # A row that comes after a newer one cannot have been received before it.
        receipt = newest if readings.receipt_time_us is None else readings.receipt_time_us[kept]
        return receipt, int(late.sum())

    def _running_newest(self, codes: npt.NDArray[np.int64], times: Integers) -> Integers:
        order = np.argsort(codes, kind="stable")
        newest = np.empty_like(times)
        starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
        for start, stop in zip(starts, [*starts[1:], len(order)], strict=False):
            rows = order[start:stop]
            code = int(codes[rows[0]])
            running = np.maximum.accumulate(times[rows])
            newest[rows] = np.maximum(running, self._newest.get(code, 0))
            self._newest[code] = int(newest[rows[-1]])
        return newest
