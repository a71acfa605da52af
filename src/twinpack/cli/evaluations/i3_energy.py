"""Energy of the recorded trips of one car, trips left out: what is known beforehand, and with measured heating."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from twinpack.learn.energy_terms import Body
    from twinpack.learn.energy_trips import EnergyTrip, EnergyTrips

Metrics = dict[str, Any]
Floats = npt.NDArray[np.float64]

FOLDS = 10
"""Parts that trips are left out in: neighbours in time go together."""

COLUMNS = {
    "pack_voltage_v": "pack_voltage_V",
    "pack_current_a": "pack_current_A",
    "speed_kmh": "speed_kmh",
    "elevation_m": "elevation_m",
    "ambient_temp_c": "ambient_temp_C",
    "cell_temp_avg_c": "batt_temp_C",
    "heating_power_kw": "heating_power_kW",
    "aircon_power_kw": "aircon_power_kW",
}
"""Columns of the files by signal; the sign of the current is ours already."""
_SUMMER = "A"
_FIRST_SAMPLES = 50


def energy_metrics(data: Path) -> Metrics:
    """Errors and intervals of the energy of each trip by a model that was learned from the others.

    Beforehand are known: speed and height as driven (as if planned), the outside temperature, and those of battery and
    cabin at the start. Baselines are the mean energy a kilometre of the other trips, and that of those of the season.
    """
    from twinpack.battery.pack import load_pack
    from twinpack.learn.energy import LEAST_TRIPS, left_out_errors
    from twinpack.learn.energy_terms import SUMS, body_of
    from twinpack.learn.energy_trips import trips_of

    body = body_of(load_pack("bmw_i3_60ah").energy_kwh)
    files = sorted(data.glob("*.parquet"))
    read = [one for at, file in enumerate(files) if (one := _trip(file, at, body)) is not None]
    trips = trips_of(read)
    good = trips.good
    trips, names = trips.take(good), [files[one.start_us].stem for one, kept in zip(read, good, strict=True) if kept]
    if len(trips) < LEAST_TRIPS:
        return {}
    folds = min(FOLDS, len(trips))
    summer = np.array([name.startswith(_SUMMER) for name in names])
    planned_z, measured_z, planned, measured = left_out_errors(trips, body, folds)
    without = left_out_errors(_without_cabin(trips), body, folds)[2]
    truth, km = trips.energy_kwh, trips.sums[:, SUMS.index("distance_km")]
    believed = np.isfinite(trips.comfort_kwh)
    return {
        "energy_mape_pct": _mape(planned, truth),
        "energy_mape_summer_pct": _mape(planned[summer], truth[summer]),
        "energy_mape_winter_pct": _mape(planned[~summer], truth[~summer]),
        "energy_mape_without_cabin_pct": _mape(without, truth),
        "energy_mape_measured_heating_pct": _mape(measured, truth),
        "energy_mape_measured_heating_summer_pct": _mape(measured[summer], truth[summer]),
        "energy_mape_measured_heating_winter_pct": _mape(measured[~summer], truth[~summer]),
        "energy_mape_believed_heating_pct": _mape(measured[believed], truth[believed]),
        "energy_mape_mean_per_km_pct": _mape(_others_mean(truth, km, np.zeros(len(km))), truth),
        "energy_mape_season_mean_pct": _mape(_others_mean(truth, km, summer), truth),
        "energy_coverage_90_pct": _coverage(planned_z, 0.90),
        "energy_coverage_50_pct": _coverage(planned_z, 0.50),
        "energy_coverage_90_measured_heating_pct": _coverage(measured_z, 0.90),
        "energy_trips": len(trips),
        "energy_heating_disbelieved": [name for name, kept in zip(names, believed, strict=True) if not kept],
        "energy_split": f"{folds} parts of neighbouring trips left out in turn; heating known only where it says so",
    }


def _trip(file: Path, number: int, body: Body) -> EnergyTrip | None:
    """A trip of a file; its number stands for its time, since there is no clock."""
    import pyarrow.parquet as pq

    from twinpack.learn.energy_trips import read_trip

    table = pq.read_table(file)

    def column(name: str) -> Floats:
        if name not in table.column_names:
            return np.full(table.num_rows, np.nan)
        return np.asarray(table.column(name).to_numpy(zero_copy_only=False), dtype=np.float64)

    time = column("time_s")
    once = np.concatenate([[True], np.diff(time) > 0.0]) if len(time) else np.zeros(0, dtype=np.bool_)
    signals = {signal: column(name)[once] for signal, name in COLUMNS.items()}
    cabin = column("cabin_temp_C")[:_FIRST_SAMPLES]
    known = cabin[np.isfinite(cabin)]
    return read_trip("i3", number, time[once], signals, body, float(known.mean()) if len(known) else float("nan"))


def _without_cabin(trips: EnergyTrips) -> EnergyTrips:
    """The same where the temperature of the cabin is not known."""
    from dataclasses import replace

    return replace(trips, weather=replace(trips.weather, cabin_c=np.full(len(trips), np.nan)))


def _others_mean(truth: Floats, km: Floats, group: Any) -> Floats:
    """Energy of each trip by the mean a kilometre of the others of its group."""
    guess = np.full(len(truth), np.nan)
    for one in range(len(truth)):
        others = (np.asarray(group) == group[one]) & (np.arange(len(truth)) != one)
        guess[one] = truth[others].sum() / km[others].sum() * km[one]
    return guess


def _mape(guess: Floats, truth: Floats) -> float | None:
    return 100.0 * float(np.mean(np.abs(guess / truth - 1.0))) if len(truth) else None


def _coverage(errors: Floats, share: float) -> float | None:
    """Share of trips inside the interval that the errors of the others give."""
    from twinpack.learn.energy_model import interval_of

    known = errors[np.isfinite(errors)]
    if len(known) < 2:
        return None
    inside = []
    for at, error in enumerate(known):
        low, high = interval_of(np.delete(known, at), share)
        inside.append(low <= error <= high)
    return 100.0 * float(np.mean(inside))
