"""Trips with what they took of the pack, as consumption is learned from them, read from recorded signals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.learn.energy_heating import comfort_energy
from twinpack.learn.energy_terms import SUMS, Body, Course, Weather, sums_of

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

LEAST_KM = 1.0
"""Shorter trips are not learned from."""
MOST_KWH_KM = 5.0
"""No road vehicle takes more; what does is a fault of the data."""

SIGNALS = (
    *("pack_voltage_v", "pack_current_a", "speed_kmh", "elevation_m", "ambient_temp_c", "load_kg", "cell_temp_avg_c"),
    *("heating_power_kw", "aircon_power_kw"),
)
"""Signals that a trip is read from; the first three have to be there."""
NEEDED = SIGNALS[:3]


@dataclass(frozen=True)
class EnergyTrips:
    """T trips with what they took, shape (T,) each unless said otherwise.

    Attributes:
        vehicle: Whose.
        start_us: When each began, microseconds since the epoch; 0 where that is not known.
        sums: Shape (T, len(SUMS)).
        weather: What was known before.
        energy_kwh: Given by the terminals of the pack, net of what came back.
        comfort_kwh: Of it for heating and cooling; NaN where it was not measured, or cannot be true.
        mean_a: Mean current of the pack, A, positive charges.
        rms_a: Root mean square of it.
    """

    vehicle: tuple[str, ...]
    start_us: npt.NDArray[np.int64]
    sums: Floats
    weather: Weather
    energy_kwh: Floats
    comfort_kwh: Floats
    mean_a: Floats
    rms_a: Floats

    def __len__(self) -> int:
        """Number of trips."""
        return len(self.vehicle)

    def take(self, chosen: Any) -> EnergyTrips:
        """Some of them, by flags or positions."""
        at = np.flatnonzero(chosen) if np.asarray(chosen).dtype == np.bool_ else np.asarray(chosen)
        weather = Weather(*(some(one, len(self), at) for one in fields_of(self.weather)))
        arrays = (self.energy_kwh, self.comfort_kwh, self.mean_a, self.rms_a)
        names = tuple(self.vehicle[one] for one in at)
        return EnergyTrips(names, self.start_us[at], self.sums[at], weather, *(one[at] for one in arrays))

    @property
    def good(self) -> Flags:
        """Those that can be learned from: long enough, with a believable consumption."""
        km = self.sums[:, SUMS.index("distance_km")]
        with np.errstate(invalid="ignore"):
            per_km = self.energy_kwh / km
            known = np.isfinite(self.sums).all(axis=1) & np.isfinite(self.energy_kwh) & (km >= LEAST_KM)
            return np.asarray(known & (self.energy_kwh > 0.0) & (per_km < MOST_KWH_KM))


@dataclass(frozen=True)
class EnergyTrip:
    """One trip; fields as those of `EnergyTrips`; `why` says why heating is not believed, if it is not."""

    vehicle_id: str
    start_us: int
    sums: Floats
    weather: Weather
    energy_kwh: float
    comfort_kwh: float
    mean_a: float
    rms_a: float
    samples: int
    why: str = ""


def read_trip(
    vehicle: str,
    start_us: int,
    time_s: Floats,
    signals: Mapping[str, Floats],
    body: Body,
    cabin_c: float = float("nan"),
) -> EnergyTrip | None:
    """A trip from its recorded signals, None where speed, voltage and current are not known together.

    Args:
        vehicle: Whose.
        start_us: When it began.
        time_s: Of the samples, s, rising, shape (N,).
        signals: Of `SIGNALS` those there are, NaN where missing, shape (N,) each.
        body: The usual vehicle.
        cabin_c: Cabin at the start, °C.
    """
    none = np.full(len(time_s), np.nan)
    given = {name: np.asarray(signals.get(name, none), dtype=np.float64) for name in SIGNALS}
    whole = np.isfinite(np.stack([given[name] for name in NEEDED])).all(axis=0)
    if whole.sum() < 2:
        return None
    power_kw = -given["pack_voltage_v"] * given["pack_current_a"] / 1000.0
    time, power, current = time_s[whole], power_kw[whole], given["pack_current_a"][whole]
    load = _first(given["load_kg"])
    sums = sums_of(Course(time_s, given["speed_kmh"], given["elevation_m"]), body, float(np.nan_to_num(load)))
    claimed = np.nan_to_num(given["aircon_power_kw"]) + given["heating_power_kw"]
    comfort = comfort_energy(time, power, given["speed_kmh"][whole], claimed[whole])
    return EnergyTrip(
        vehicle_id=vehicle,
        start_us=start_us,
        sums=sums,
        weather=Weather(_mean(given["ambient_temp_c"]), load, _first(given["cell_temp_avg_c"]), cabin_c),
        energy_kwh=float(np.trapezoid(power, time)) / 3600.0,
        comfort_kwh=comfort.energy_kwh,
        mean_a=_over_time(current, time),
        rms_a=float(np.sqrt(_over_time(current**2, time))),
        samples=len(time_s),
        why=comfort.why,
    )


def trips_of(read: Sequence[EnergyTrip]) -> EnergyTrips:
    """Trips as one set of arrays."""
    weather = np.array([fields_of(one.weather) for one in read], dtype=np.float64).reshape(len(read), 4).T
    figures = [(one.energy_kwh, one.comfort_kwh, one.mean_a, one.rms_a) for one in read]
    energy, comfort, mean_a, rms_a = np.array(figures, dtype=np.float64).reshape(len(read), 4).T
    return EnergyTrips(
        vehicle=tuple(one.vehicle_id for one in read),
        start_us=np.array([one.start_us for one in read], dtype=np.int64),
        sums=np.array([one.sums for one in read]).reshape(len(read), len(SUMS)),
        weather=Weather(*weather),
        energy_kwh=energy,
        comfort_kwh=comfort,
        mean_a=mean_a,
        rms_a=rms_a,
    )


def _over_time(values: Floats, time_s: Floats) -> float:
    return float(np.trapezoid(values, time_s) / max(float(time_s[-1] - time_s[0]), 1e-9))


def _first(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known[0]) if len(known) else float("nan")


def _mean(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def fields_of(weather: Weather) -> tuple[Any, ...]:
    """Its fields, in order."""
    return weather.ambient_c, weather.load_kg, weather.battery_c, weather.cabin_c


def some(values: Any, count: int, at: Any) -> Floats:
    """Some of as many values, or of one that holds for all."""
    return np.asarray(np.broadcast_to(np.asarray(values, dtype=np.float64), (count,))[at])
