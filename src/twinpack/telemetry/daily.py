"""What a vehicle's day comes to: energy, charge, temperatures, distance, charging, and how far its cells are apart.

Sums over time are trapezoids between samples of the same day that are at most `GAP_S` apart; what happened in a longer
silence is not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]

GAP_S = 60.0
"""Longest time between two samples over which is summed, seconds."""

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
    "cell_voltage_v",
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
    step_s = np.diff(time_us, prepend=time_us[0]) / 1e6
    step_s[first | (step_s > GAP_S)] = 0.0
    some = rows.take(pa.array(starts))
    figures = _Groups(rows, starts, step_s, first).figures(_capacity(some, capacity_ah))
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
    charges = figures.pop("charges")
    columns |= {name: pa.array(values, pa.float64(), from_pandas=True) for name, values in figures.items()}
    columns["charges"] = pa.array(charges, pa.float64(), from_pandas=True).cast(pa.int32())
    return pa.table(columns)


class _Groups:
    """Samples in groups that begin at `starts`; `step_s` is the time since the one before, or 0 to leave it out."""

    def __init__(self, rows: pa.Table, starts: Ints, step_s: Floats, first: NDArray[np.bool_]) -> None:
        self._rows, self._starts, self._step_s, self._first = rows, starts, step_s, first

    def figures(self, capacity_ah: Floats) -> dict[str, Floats]:
        """Every figure, one value a group."""
        volts, amps = self._signal("pack_voltage_v"), self._signal("pack_current_a")
        average, soc = self._signal("cell_temp_avg_c"), self._signal("soc_pct")
        coldest = np.fmin(self._signal("cell_temp_min_c"), average)
        hottest = np.fmax(self._signal("cell_temp_max_c"), average)
        energy_in, energy_out = self._both_ways(volts * amps / 3.6e6)
        ah_in, ah_out = self._both_ways(amps / 3600.0)
        spread = self._spread()
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
            "cell_spread_mean_v": self._mean(spread),
            "cell_spread_max_v": self._most(spread),
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

    def _spread(self) -> Floats:
        """Greatest minus least cell voltage of each sample, V; NaN without cells."""
        found = np.full(self._rows.num_rows, np.nan)
        cells = self._rows.column("cell_voltage_v").combine_chunks()
        flat = cells.flatten().to_numpy(zero_copy_only=False)
        counts = np.nan_to_num(cells.value_lengths().to_numpy(zero_copy_only=False)).astype(np.int64)
        have = counts > 0
        if have.any():
            at = np.concatenate([[0], np.cumsum(counts[have])[:-1]])
            found[have] = np.fmax.reduceat(flat, at) - np.fmin.reduceat(flat, at)
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


def _capacity(some: pa.Table, capacity_ah: Mapping[str, float]) -> Floats:
    return np.array([capacity_ah.get(name, np.nan) for name in some.column("pack").to_pylist()], dtype=np.float64)
