"""How a battery was used, from what is kept of its sessions and days: the typical year, and the stress of each month.

Histories may be thin: of a vehicle that told a drive a month, most drives were never seen. So the throughput is that of
the odometer where the seen sessions do not account for it, the charge of a parked battery is that at the end of one
session and the begin of the next, and temperatures of months without samples follow a yearly wave.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from twinpack.battery.stress import DAYS_PER_MONTH, MONTHS, Stress, Usage

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

PARKED_AT_MOST_DAYS = 7.0
"""A pause between sessions counts as parked at their charge for so long at most: of a longer one little is known."""

LEAST_CHARGE_DEPTH = 0.05
"""Charging sessions that bring less than this tell no depth of a cycle."""

MOST_YEARS_BEFORE = 15.0
"""A battery that came with a used vehicle lived before it was seen: as long as its odometer tells, at most so long."""

WAVE_COUNT, YEARLY_COUNT = 3.0, 8.0
"""Days of a month that its temperature must show before it counts as much as the yearly wave; sessions of a year
before its charge counts as much as that of all years."""

USUAL = {"temp_c": 20.0, "parked_soc": 0.6, "cycled_soc": 0.55, "depth": 0.4, "c_rate": 0.2, "fast_share": 0.0}
"""Taken where nothing is told."""

_YEAR_DAYS = 365.25
_WAVE_RIDGE = 2.0  # days' worth of a flat year
_EPOCH_MONTH = np.datetime64("1970-01")


@dataclass(frozen=True)
class Life:
    """What is kept of one vehicle, in time order; NaN where it is not known.

    Attributes:
        vehicle_id: The vehicle.
        start_d: Begin of each session, days since the epoch, shape (S,).
        end_d: Its end.
        charging: Whether it was one of charging.
        resting: Whether it was one of rest.
        soc_start: Charge at its begin, 0 to 1.
        soc_end: Charge at its end.
        ah_in: Charge brought in, Ah.
        day_d: Days with telemetry, days since the epoch, shape (D,).
        odometer_km: Odometer at the end of each.
        distance_km: Distance driven on it.
        temp_c: Lowest mean cell temperature told on it, near that of the parked battery.
        day_ah_in: Charge brought in on it, Ah.
        day_ah_out: Charge taken out on it, Ah.
        net_kwh: Energy taken out of the battery by its drives, less what they brought in.
        fast_share: Share of its charge from outside that went in fast.
    """

    vehicle_id: str
    start_d: Floats
    end_d: Floats
    charging: Bools
    resting: Bools
    soc_start: Floats
    soc_end: Floats
    ah_in: Floats
    day_d: Floats
    odometer_km: Floats
    distance_km: Floats
    temp_c: Floats
    day_ah_in: Floats
    day_ah_out: Floats
    net_kwh: Floats
    fast_share: Floats

    @property
    def driven_km(self) -> float:
        """Distance driven by the odometer, or in what was seen; NaN where neither is told."""
        known = self.odometer_km[np.isfinite(self.odometer_km)]
        if len(known):
            return float(known[-1])
        seen = self.distance_km[np.isfinite(self.distance_km)]
        return float(seen.sum()) if len(seen) else float("nan")


@dataclass(frozen=True)
class _Typical:
    """The typical year of one vehicle; its wave is mean, cosine and sine over the year."""

    wave: Floats
    parked_soc: float
    cycled_soc: float
    depth: float
    c_rate: float
    fast_share: float
    cycles_per_day: float
    km_per_day: float


def month_of(day_d: Floats | float) -> npt.NDArray[np.int64]:
    """Months since January 1970 of days since the epoch."""
    days = np.floor(np.asarray(day_d)).astype("datetime64[D]")
    return np.asarray(days.astype("datetime64[M]") - _EPOCH_MONTH).astype(np.int64)


def month_start_d(month: npt.NDArray[np.int64] | int) -> Floats:
    """Days since the epoch at which months begin."""
    begins = (_EPOCH_MONTH + np.asarray(month).astype("timedelta64[M]")).astype("datetime64[D]")
    return np.asarray(begins.astype(np.int64), dtype=np.float64)


def usage_of(lives: Sequence[Life], rated_ah: float, rated_kwh: float) -> Usage:
    """The typical year of each vehicle.

    Args:
        lives: The vehicles.
        rated_ah: Rated capacity of their pack, Ah.
        rated_kwh: Rated energy of their pack, kWh.
    """
    told = [_typical(life, rated_ah, rated_kwh) for life in lives]
    middle: Floats = (np.arange(MONTHS, dtype=np.float64) + 0.5) * DAYS_PER_MONTH
    temps = [np.asarray(np.dot(one.wave, _waves(middle))) for one in told]
    rest = {
        part.name: np.array([getattr(one, part.name) for one in told], dtype=np.float64)
        for part in fields(Usage)
        if part.name != "temp_c"
    }
    return Usage(temp_c=np.array(temps, dtype=np.float64).reshape(len(told), MONTHS).T, **rest)


def lived(
    lives: Sequence[Life], rated_ah: float, rated_kwh: float, end_month: int | None = None
) -> tuple[Stress, int, Floats]:
    """The stress of each vehicle's months so far.

    Args:
        lives: The vehicles.
        rated_ah: Rated capacity of their pack, Ah.
        rated_kwh: Rated energy of their pack, kWh.
        end_month: The month after the last; when None, the one after the last that any of them was seen in.

    Returns:
        Stress of shape (N, V), the first of the N months counted from January 1970, and the distance driven in each,
        km, shape (N, V), NaN where it is not known.
    """
    told = [_typical(life, rated_ah, rated_kwh) for life in lives]
    before = [_days_before(life, one) for life, one in zip(lives, told, strict=True)]
    begins = [_first_day(life) - early for life, early in zip(lives, before, strict=True)]
    first = int(month_of(min(begins)))
    end = end_month if end_month is not None else max(int(month_of(_last_day(life))) for life in lives) + 1
    months = np.arange(first, max(end, first + 1))
    parts = [_months(life, one, begin, months) for life, one, begin in zip(lives, told, begins, strict=True)]
    columns = {name: np.stack([part[name] for part in parts], axis=1) for name in parts[0]}
    km = columns.pop("km")
    return Stress(**columns), first, km


def _typical(life: Life, rated_ah: float, rated_kwh: float) -> _Typical:
    parked, cycled, depth, _ = _charges(life, np.ones(len(life.start_d), dtype=np.bool_))
    hours = 24.0 * (life.end_d - life.start_d)
    charge = life.charging & (life.ah_in > 0) & (hours > 0)
    moved = life.ah_in[charge]
    rate = float((moved**2 / hours[charge]).sum() / moved.sum() / rated_ah) if charge.any() else np.nan
    fast = np.isfinite(life.fast_share) & (life.day_ah_in > 0)
    share = float(np.average(life.fast_share[fast], weights=life.day_ah_in[fast])) if fast.any() else np.nan
    km = _km_per_day(life)
    return _Typical(
        _wave(life),
        _or_usual("parked_soc", parked),
        _or_usual("cycled_soc", cycled),
        _or_usual("depth", depth),
        _or_usual("c_rate", rate),
        _or_usual("fast_share", share),
        _cycles_per_day(life, km, rated_ah, rated_kwh),
        km,
    )


def _or_usual(name: str, value: float) -> float:
    return value if np.isfinite(value) else USUAL[name]


def _charges(life: Life, some: Bools) -> tuple[float, float, float, int]:
    """Mean charge parked and cycled, mean depth of a cycle, over some sessions, and how many tell it."""
    known = np.isfinite(life.soc_start) & np.isfinite(life.soc_end)
    use = some & known
    pause = np.zeros(len(life.start_d))
    pause[:-1] = np.clip(life.start_d[1:] - life.end_d[:-1], 0.0, PARKED_AT_MOST_DAYS)
    after = np.append(life.soc_start[1:], np.nan)
    between = np.where(np.isfinite(after), 0.5 * (life.soc_end + after), life.soc_end)
    own = np.where(life.resting, np.clip(life.end_d - life.start_d, 0.0, PARKED_AT_MOST_DAYS), 0.0)
    still = 0.5 * (life.soc_start + life.soc_end)
    weight, value = np.concatenate([pause[use], own[use]]), np.concatenate([between[use], still[use]])
    parked = float(np.average(value, weights=weight)) if weight.sum() > 0 else np.nan
    moved = np.abs(life.soc_end - life.soc_start)
    active = use & ~life.resting & (moved > 0)
    cycled = float(np.average(still[active], weights=moved[active])) if active.any() else np.nan
    full = use & life.charging & (life.soc_end - life.soc_start >= LEAST_CHARGE_DEPTH)
    depth = float((life.soc_end - life.soc_start)[full].mean()) if full.any() else np.nan
    return parked, cycled, min(depth, 1.0), int(use.sum())


def _first_day(life: Life) -> float:
    return float(min([*life.start_d[:1], *life.day_d[:1]]))


def _last_day(life: Life) -> float:
    return float(max([*life.end_d[-1:], *life.day_d[-1:]]))


def _span_days(life: Life) -> float:
    return max(_last_day(life) - _first_day(life), 1.0)


def _km_per_day(life: Life) -> float:
    """By the odometer over the whole of what was seen, else by what was driven in it."""
    known = np.flatnonzero(np.isfinite(life.odometer_km))
    if len(known) > 1 and life.day_d[known[-1]] > life.day_d[known[0]]:
        driven = life.odometer_km[known[-1]] - life.odometer_km[known[0]]
        if driven >= 0:
            return float(driven / (life.day_d[known[-1]] - life.day_d[known[0]]))
    seen = life.distance_km[np.isfinite(life.distance_km)]
    return float(seen.sum() / _span_days(life)) if len(seen) else np.nan


def _cycles_per_day(life: Life, km_per_day: float, rated_ah: float, rated_kwh: float) -> float:
    """What was seen, or what the odometer asks for by the energy that a seen kilometre took, whichever is more."""
    through = np.nansum(life.day_ah_in) + np.nansum(life.day_ah_out)
    seen = float(through / (2.0 * rated_ah) / _span_days(life))
    drive = np.isfinite(life.net_kwh) & (life.distance_km > 0)
    if not drive.any() or not np.isfinite(km_per_day):
        return seen
    per_km = max(float(life.net_kwh[drive].sum() / life.distance_km[drive].sum()), 0.0)
    return max(seen, km_per_day * per_km / rated_kwh)


def _wave(life: Life) -> Floats:
    """Mean, cosine and sine of the battery's temperature over the year; a flat year where few days tell it."""
    known = np.isfinite(life.temp_c)
    if not known.any():
        return np.array([USUAL["temp_c"], 0.0, 0.0])
    basis = _waves(life.day_d[known])
    left = basis @ basis.T + np.diag([1e-9, _WAVE_RIDGE, _WAVE_RIDGE])
    # What is seen of one season alone tells little of the year's mean: the wave is held small, not the mean.
    return np.asarray(np.linalg.solve(left, basis @ life.temp_c[known]))


def _waves(day: Floats) -> Floats:
    """Rows of the wave's parts at days of any year, shape (3, N)."""
    turn = 2.0 * np.pi * day / _YEAR_DAYS
    return np.stack([np.ones_like(turn), np.cos(turn), np.sin(turn)])


def _days_before(life: Life, typical: _Typical) -> float:
    """How long it was driven before it was first seen, by its odometer; less than a month is none."""
    known = life.odometer_km[np.isfinite(life.odometer_km)]
    if not len(known) or not typical.km_per_day > 0:
        return 0.0
    days = float(known[0] / typical.km_per_day)
    return 0.0 if days < 2.0 * DAYS_PER_MONTH else min(days, MOST_YEARS_BEFORE * _YEAR_DAYS)


def _months(life: Life, typical: _Typical, begin_d: float, months: npt.NDArray[np.int64]) -> dict[str, Floats]:
    """Stress and distance of one vehicle, month by month."""
    starts, ends = month_start_d(months), month_start_d(months + 1)
    days = np.clip(ends - np.maximum(starts, begin_d), 0.0, None)
    cycles, km = days * typical.cycles_per_day, days * typical.km_per_day
    driven = _driven(life, starts, ends)
    if driven is not None and typical.km_per_day > 0:
        known = np.isfinite(driven) & (days > 0)
        km = np.where(known, driven, km)
        cycles = np.where(known, cycles * driven / np.maximum(days * typical.km_per_day, 1e-9), cycles)
    parked, cycled, depth = _yearly(life, typical, 0.5 * (starts + ends))
    return {
        "days": days,
        "cycles": cycles,
        "temp_c": _temps(life, typical, starts, months),
        "parked_soc": parked,
        "cycled_soc": cycled,
        "depth": depth,
        "c_rate": np.full(len(months), typical.c_rate),
        "fast_share": np.full(len(months), typical.fast_share),
        "km": km,
    }


def _driven(life: Life, starts: Floats, ends: Floats) -> Floats | None:
    """Distance of each month by the odometer, NaN beyond what it tells."""
    known = np.isfinite(life.odometer_km)
    day, km = life.day_d[known], np.maximum.accumulate(life.odometer_km[known])
    if len(day) < 2:
        return None
    ahead = np.interp(ends, day, km) - np.interp(starts, day, km)
    return np.where((starts >= day[0]) & (ends <= day[-1]), ahead, np.nan)


def _temps(life: Life, typical: _Typical, starts: Floats, months: npt.NDArray[np.int64]) -> Floats:
    """The yearly wave, and what a month's own days say beside it."""
    expected = typical.wave @ _waves(starts + 0.5 * DAYS_PER_MONTH)
    known = np.isfinite(life.temp_c)
    off = life.temp_c[known] - typical.wave @ _waves(life.day_d[known])
    at = month_of(life.day_d[known]) - months[0]
    inside = (at >= 0) & (at < len(months))
    count = np.bincount(at[inside], minlength=len(months))
    total = np.bincount(at[inside], off[inside], minlength=len(months))
    return np.asarray(expected + total / (count + WAVE_COUNT))


def _yearly(life: Life, typical: _Typical, middle_d: Floats) -> tuple[Floats, Floats, Floats]:
    """Charge parked and cycled and depth of the year around each month, drawn to those of all years."""
    first = _first_day(life)
    year = np.clip(np.floor((middle_d - first) / _YEAR_DAYS), 0, None)
    of_session = np.floor((life.start_d - first) / _YEAR_DAYS)
    found = np.array([[typical.parked_soc, typical.cycled_soc, typical.depth]] * len(middle_d)).T
    for one in np.unique(year):
        told = np.array(_charges(life, of_session == one))
        share = told[3] / (told[3] + YEARLY_COUNT)
        rows = year == one
        for at in range(3):
            if np.isfinite(told[at]):
                found[at, rows] += share * (told[at] - found[at, rows])
    return found[0], found[1], found[2]
