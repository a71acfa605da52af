"""Vehicles beside others like them: the running median of capacity health over distance or age, with p10 to p90.

A cohort is every vehicle with the same pack, in any fleet. It is told to all as figures over several vehicles, never
over fewer than `LEAST`, so that none can be read from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEAST = 5
"""Vehicles below which there is no cohort."""
RUNNING_LEAST = 20
"""Vehicles below which one median holds for all distances."""

_NEAR_SHARE, _NEAR_LEAST, _NEAR_MOST = 0.15, 30, 300
"""How many of a cohort's vehicles a point rests on."""
_POINTS, _PER_WINDOW = 41, 4
_LEVELS = (10.0, 50.0, 90.0)


@dataclass(frozen=True)
class Band:
    """Health of one cohort, over P points of distance or age.

    Attributes:
        x: The points, ascending, shape (P,).
        low_pct: Health below which a tenth of the vehicles near the point lie, shape (P,).
        median_pct: Median of their health, shape (P,).
        high_pct: Health above which a tenth lie, shape (P,).
        vehicles: How many vehicles each point rests on.
    """

    x: NDArray[np.float64]
    low_pct: NDArray[np.float64]
    median_pct: NDArray[np.float64]
    high_pct: NDArray[np.float64]
    vehicles: int

    def median_at(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """The median at some places; what lies beyond the ends has that of the end."""
        return np.interp(x, self.x, self.median_pct)

    def median_within(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """The same, but NaN where no vehicle of the cohort is near."""
        return np.where((x >= self.x[0]) & (x <= self.x[-1]), self.median_at(x), np.nan)

    def at(self, x: float) -> tuple[float, float, float]:
        """p10, median and p90 at a place."""
        low, median, high = (float(np.interp(x, self.x, y)) for y in (self.low_pct, self.median_pct, self.high_pct))
        return low, median, high


@dataclass(frozen=True)
class Cohorts:
    """Bands by name of the pack."""

    by_distance: Mapping[str, Band]
    by_age: Mapping[str, Band]


def cohorts(
    pack: NDArray[np.object_],
    health_pct: NDArray[np.float64],
    distance_km: NDArray[np.float64],
    age_years: NDArray[np.float64],
) -> Cohorts:
    """The cohorts of a fleet; all arrays have shape (N,), NaN where a figure is not known."""
    by_distance: dict[str, Band] = {}
    by_age: dict[str, Band] = {}
    for name in sorted(set(pack[np.isfinite(health_pct)].tolist())):
        mine = pack == name
        for found, x in ((by_distance, distance_km), (by_age, age_years)):
            band = band_of(x[mine], health_pct[mine])
            if band is not None:
                found[name] = band
    return Cohorts(by_distance, by_age)


def band_of(x: NDArray[np.float64], health_pct: NDArray[np.float64]) -> Band | None:
    """The band of one cohort, None where too few vehicles are known."""
    known = np.isfinite(x) & np.isfinite(health_pct)
    count = int(known.sum())
    if count < LEAST:
        return None
    order = np.argsort(x[known], kind="stable")
    place, health = x[known][order], health_pct[known][order]
    if count < RUNNING_LEAST:
        ends = np.array([place[0], place[-1]])
        low, median, high = (np.full(2, value) for value in np.percentile(health, _LEVELS))
        return Band(ends, low, median, high, count)
    near = min(max(_NEAR_LEAST, round(_NEAR_SHARE * count)), _NEAR_MOST, count)
    # Points nearer to each other would rest on nearly the same vehicles.
    points = min(_POINTS, 2 + _PER_WINDOW * (count - near) // near)
    first = np.unique(np.linspace(0, count - near, points).astype(np.int64))
    windows = first[:, None] + np.arange(near)
    low, median, high = np.percentile(health[windows], _LEVELS, axis=1)
    at = np.median(place[windows], axis=1)
    kept = np.concatenate([[True], np.diff(at) > 0])  # several windows may lie at one place
    return Band(at[kept], low[kept], median[kept], high[kept], near)


def deviations(
    bands: Mapping[str, Band],
    pack: NDArray[np.object_],
    health_pct: NDArray[np.float64],
    x: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Health of each vehicle less its cohort's median at its place; NaN where either is not known."""
    found = np.full(len(health_pct), np.nan)
    for name, band in bands.items():
        mine = pack == name
        found[mine] = health_pct[mine] - band.median_at(x[mine])
    return found
