"""What a vehicle's day comes to: energy, charge, temperatures, distance, charging, and how its cells differ.

Sums over time are trapezoids between samples of the same day that are at most `GAP_S` apart; what happened in a longer
silence is not known. Sentinels of temperatures, cells and probes are left out of every figure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from twinpack.telemetry.daily_cells import CELLS, PROBES, Deviations, deviations
from twinpack.telemetry.daily_charge import anchored

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]

GAP_S = 60.0
"""Longest time between two samples over which is summed, seconds."""

PARKED_GAP_S = 3700.0
"""Longest time between two samples at rest that counts as parked, seconds: parked vehicles tell little."""

REST_C, LOAD_C, CHARGE_C, FAST_C = 0.02, 0.1, 0.05, 0.4
"""Current by the rated capacity, 1/h: up to the first is rest; from the others on load, charging, and charging fast."""

REGIMES = ("rest", "load", "charge")
"""What a pack does in a frame, as far as its cells are compared."""

_LEAST_CHARGE = 0.05  # of the capacity, moved in a day: below it, the heating by energy is noise

DAILY_SIGNALS = (
    "pack_voltage_v",
    "pack_current_a",
    "cell_temp_avg_c",
    "cell_temp_min_c",
    "cell_temp_max_c",
    "soc_pct",
    "speed_kmh",
    "odometer_km",
    "ambient_temp_c",
    "is_charging",
    "isolation_resistance_kohm",
    "cell_voltage_v",
    "cell_temp_c",
)
"""Signals that `daily` looks at."""

_DAY_US = 86_400_000_000


def daily(rows: pa.Table, capacity_ah: Mapping[str, float]) -> pa.Table:
    """One row a vehicle and day.

    Args:
        rows: Samples by day, vehicle and time, all of a vehicle's day among them, with vehicle_id, sample_time, pack
            and `DAILY_SIGNALS`.
        capacity_ah: Rated capacity of each pack, Ah.

    Returns:
        vehicle_id, day, pack and the figures, null where nothing tells them.
    """
    if not rows.num_rows:
        return rows.select(["vehicle_id", "pack"])
    time_us = rows.column("sample_time").combine_chunks().cast(pa.int64()).to_numpy()
    vehicle = rows.column("vehicle_id").combine_chunks().dictionary_encode()
    day = time_us // _DAY_US
    code = vehicle.indices.to_numpy()
    first = np.concatenate([[True], (code[1:] != code[:-1]) | (day[1:] != day[:-1])])
    starts = np.flatnonzero(first)
    silence_s = np.diff(time_us, prepend=time_us[0]) / 1e6
    silence_s[first] = 0.0
    some = rows.take(pa.array(starts))
    figures = _Groups(rows, starts, silence_s, first, time_us).figures(_capacity(some, capacity_ah))
    last = np.concatenate([starts[1:], [len(time_us)]]) - 1
    stamp = rows.schema.field("sample_time").type
    columns: dict[str, Any] = {
        "vehicle_id": some.column("vehicle_id"),
        "day": pa.array(day[starts].astype(np.int32)).cast(pa.date32()),
        "pack": some.column("pack"),
        "samples": pa.array(last - starts + 1, pa.int64()),
        "first_sample": pa.array(time_us[starts]).cast(stamp),
        "last_sample": pa.array(time_us[last]).cast(stamp),
    }
    for name, values in figures.items():
        column = pa.array(values, pa.float64(), from_pandas=True)
        columns[name] = column.cast(pa.int32()) if name in WHOLE else column
    return pa.table(columns)


_OF_REGIME = ("low_v", "low", "high_v", "high", "sigma_v", "frames")
CELL_FIGURES = tuple(f"cell_{regime}_{name}" for regime in REGIMES for name in _OF_REGIME)
"""Figures of cells in each regime."""

WHOLE = frozenset(
    {"charges", "cell_frames", "cell_sag", "probe_low", "probe_high"}
    | {name for name in CELL_FIGURES if name.rpartition("_")[2] in ("low", "high", "frames")}
)
"""Figures that are whole numbers."""


class _Groups:
    """Samples in groups that begin at `starts`; `silence_s` is the time since the one before, 0 for a group's first."""

    def __init__(self, rows: pa.Table, starts: Ints, silence_s: Floats, first: Bools, time_us: Ints) -> None:
        self._rows, self._starts, self._first, self._time_us = rows, starts, first, time_us
        self._silence_s = silence_s
        self._step_s = np.where(silence_s > GAP_S, 0.0, silence_s)
        self._group = np.cumsum(first) - 1

    def figures(self, capacity_ah: Floats) -> dict[str, Floats]:
        """Every figure, one value a group."""
        volts, amps = self._signal("pack_voltage_v"), self._signal("pack_current_a")
        average, soc = self._temperature("cell_temp_avg_c"), self._signal("soc_pct")
        coldest = np.fmin(self._temperature("cell_temp_min_c"), average)
        hottest = np.fmax(self._temperature("cell_temp_max_c"), average)
        energy_in, energy_out = self._both_ways(volts * amps / 3.6e6)
        ah_in, ah_out = self._both_ways(amps / 3600.0)
        rate = amps / capacity_ah[self._group]
        charging = self._charging(rate)
        cells = self._deviations("cell_voltage_v", self._regime(rate, charging), len(REGIMES), CELLS)
        probes = self._deviations("cell_temp_c", np.zeros(len(rate), np.int64), 1, PROBES)
        degrees = np.where(np.isfinite(average), average, hottest)
        return {
            "observed_s": self._sum(self._step_s),
            "energy_out_kwh": energy_out,
            "energy_in_kwh": energy_in,
            "ah_out": ah_out,
            "ah_in": ah_in,
            "soc_min_pct": self._least(soc),
            "soc_max_pct": self._most(soc),
            "temp_min_c": self._least(coldest),
            "temp_max_c": self._most(hottest),
            "temp_mean_c": self._mean(average),
            "ambient_mean_c": self._mean(self._signal("ambient_temp_c")),
            "voltage_min_v": self._least(volts),
            "voltage_max_v": self._most(volts),
            "distance_km": self._distance(),
            "c_rate_max": self._most(np.abs(amps)) / capacity_ah,
            "charges": self._charges(),
            "cell_spread_mean_v": cells.spread_mean,
            "cell_spread_max_v": cells.spread_max,
            "silence_max_s": self._most(self._silence_s),
            "parked_h": self._parked(rate, charging),
            "c_rate_rms": np.sqrt(self._mean(rate**2)),
            "charge_fast_share": self._fast_share(rate, charging),
            "charge_end_v": self._last(np.where(charging, volts, np.nan)),
            "temp_rise_k_kwh": self._heating(degrees, volts, amps, rate, charging),
            "odometer_km": self._last(self._signal("odometer_km")),
            "isolation_min_kohm": self._least(_steadied(self._signal("isolation_resistance_kohm"), self._group)),
            **anchored(self._time_us, self._silence_s, volts, amps, rate, charging, REST_C, self._starts, self._first),
            **_of_cells(cells),
            **_of_probes(probes),
        }

    def _signal(self, name: str) -> Floats:
        column = self._rows.column(name).combine_chunks()
        values = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
        return np.asarray(values, dtype=np.float64)

    def _both_ways(self, rate: Floats) -> tuple[Floats, Floats]:
        """Integral of a rate a second, what is above zero and what is below; NaN without two samples in a row."""
        mean = np.concatenate([[np.nan], (rate[1:] + rate[:-1]) / 2])
        part = mean * self._step_s
        known = self._sum((np.isfinite(mean) & (self._step_s > 0)).astype(np.float64)) > 0
        part = np.nan_to_num(part)
        into, out_of = self._sum(np.maximum(part, 0.0)), self._sum(np.maximum(-part, 0.0))
        return np.where(known, into, np.nan), np.where(known, out_of, np.nan)

    def _distance(self) -> Floats:
        odometer = self._signal("odometer_km")
        driven = self._most(odometer) - self._least(odometer)
        by_speed, backwards = self._both_ways(self._signal("speed_kmh") / 3600.0)
        return np.where(np.isfinite(driven), driven, by_speed + backwards)

    def _charges(self) -> Floats:
        told = self._signal("is_charging")
        charging = told == 1.0
        begins = charging & (self._first | ~np.concatenate([[False], charging[:-1]]))
        known = np.isfinite(self._most(told))
        return np.where(known, self._sum(begins.astype(np.float64)), np.nan)

    def _temperature(self, name: str) -> Floats:
        """A temperature, NaN where a broken sensor's is told."""
        values = self._signal(name)
        return np.where((values > PROBES.low) & (values < PROBES.high), values, np.nan)

    def _charging(self, rate: Floats) -> Bools:
        """Whether it charges from outside: as told, else by a current into a pack that is not driven."""
        told = self._signal("is_charging")
        standing = ~(self._signal("speed_kmh") > 1.0)
        charging: Bools = np.where(np.isfinite(told), told == 1.0, standing & (rate >= CHARGE_C))
        return charging

    def _regime(self, rate: Floats, charging: Bools) -> Ints:
        """Index into `REGIMES`, -1 for none; braking is none."""
        found = np.full(len(rate), -1, dtype=np.int64)
        found[np.abs(rate) <= REST_C] = 0
        found[rate <= -LOAD_C] = 1
        found[charging & (rate >= CHARGE_C)] = 2
        return found

    def _deviations(self, name: str, regime: Ints, regimes: int, by: Any) -> Deviations:
        return deviations(self._rows.column(name), self._group, len(self._starts), regime, regimes, by)

    def _both(self, holds: Bools) -> Bools:
        """Where something holds at a sample and at the one before it in the group."""
        before: Bools = np.concatenate([[False], holds[:-1]])
        return holds & before & ~self._first

    def _parked(self, rate: Floats, charging: Bools) -> Floats:
        still = (np.abs(rate) <= REST_C) & ~charging & ~(np.abs(self._signal("speed_kmh")) > 1.0)
        seconds = np.where(self._both(still) & (self._silence_s <= PARKED_GAP_S), self._silence_s, 0.0)
        return np.where(self._sum(np.isfinite(rate)) > 0, self._sum(seconds) / 3600.0, np.nan)

    def _fast_share(self, rate: Floats, charging: Bools) -> Floats:
        """Share of what was charged that went in fast."""
        moved = np.where(self._both(charging & np.isfinite(rate)), np.maximum(rate, 0.0) * self._step_s, 0.0)
        whole, fast = self._sum(moved), self._sum(np.where(rate >= FAST_C, moved, 0.0))
        return np.where(whole > 0, fast / np.where(whole > 0, whole, 1.0), np.nan)

    def _heating(self, degrees: Floats, volts: Floats, amps: Floats, rate: Floats, charging: Bools) -> Floats:
        """Rise of temperature while driven, K, by the energy that went out and in, kWh."""
        known = np.isfinite(degrees) & np.isfinite(volts) & np.isfinite(rate)
        driven = self._both(known & (np.abs(rate) > REST_C) & ~charging) & (self._step_s > 0)
        rise = self._sum(np.where(driven, np.diff(degrees, prepend=np.nan), 0.0))
        energy = self._sum(np.where(driven, np.abs(volts * amps) * self._step_s / 3.6e6, 0.0))
        moved = self._sum(np.where(driven, np.abs(rate) * self._step_s / 3600.0, 0.0))
        return np.where(moved >= _LEAST_CHARGE, rise / np.where(energy > 0, energy, 1.0), np.nan)

    def _last(self, values: Floats) -> Floats:
        """The last value of each group that is known."""
        at = np.flatnonzero(np.isfinite(values))
        found = np.full(len(self._starts), np.nan)
        found[self._group[at]] = values[at]  # a later one is written over an earlier one
        return found

    def _sum(self, values: Floats) -> Floats:
        return np.asarray(np.add.reduceat(values, self._starts))

    def _mean(self, values: Floats) -> Floats:
        known = np.isfinite(values)
        count = self._sum(known.astype(np.float64))
        return np.where(count > 0, self._sum(np.where(known, values, 0.0)) / np.maximum(count, 1.0), np.nan)

    def _least(self, values: Floats) -> Floats:
        return np.asarray(np.fmin.reduceat(values, self._starts))

    def _most(self, values: Floats) -> Floats:
        return np.asarray(np.fmax.reduceat(values, self._starts))


def _of_cells(cells: Deviations) -> dict[str, Floats]:
    """Figures of cells by the names of their columns."""
    by_regime = (cells.low, cells.low_at, cells.high, cells.high_at, cells.sigma)
    found = {"cell_frames": np.where(cells.told > 0, cells.told, np.nan), "cell_invalid_share": cells.aside}
    for index, regime in enumerate(REGIMES):
        values = [part[index] for part in by_regime]
        values.append(np.where(cells.told > 0, cells.frames[index], np.nan))
        found |= {f"cell_{regime}_{name}": one for name, one in zip(_OF_REGIME, values, strict=True)}
    return found | {"cell_sag_v": cells.sag, "cell_sag": cells.sag_at}


def _of_probes(probes: Deviations) -> dict[str, Floats]:
    return {
        "probe_invalid_share": probes.aside,
        "probe_spread_mean_k": probes.spread_mean,
        "probe_low_k": probes.low[0],
        "probe_low": probes.low_at[0],
        "probe_high_k": probes.high[0],
        "probe_high": probes.high_at[0],
    }


def _steadied(values: Floats, group: Ints) -> Floats:
    """The median of each value with those known before and after it in its group: one that stands alone is no trend."""
    found = np.full(len(values), np.nan)
    at = np.flatnonzero(np.isfinite(values))
    known, of = values[at], group[at]
    if len(at) > 2:
        middle = np.median([known[:-2], known[1:-1], known[2:]], axis=0)
        inner = (of[:-2] == of[1:-1]) & (of[1:-1] == of[2:])
        found[at[1:-1][inner]] = middle[inner]
    few = np.bincount(of, minlength=int(of.max(initial=0)) + 1) < 3
    found[at[few[of]]] = known[few[of]]
    return found


def _capacity(some: pa.Table, capacity_ah: Mapping[str, float]) -> Floats:
    return np.array([capacity_ah.get(name, np.nan) for name in some.column("pack").to_pylist()], dtype=np.float64)
