"""Capacity health and resistance of each version that was deployed, for every vehicle of a fleet."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from twinpack.store.fleet_watch import DeployedRow, Numbers
from twinpack.twin.figures import CAPACITY, RESISTANCE, health_naming
from twinpack.views.fleet_table import NEVER, TREND_STEPS, YEAR_US

NAN = math.nan


@dataclass
class DeployedFigures:
    """What the deployed versions of one vehicle tell.

    Attributes:
        number: The version deployed now.
        time_us: Sample time of its decision.
        health: Capacity health, its standard deviation, resistance and its standard deviation; NaN for not known.
        times_us: Sample times of all that were deployed.
        capacity_pct: Capacity health of each.
    """

    number: int = 0
    time_us: int = NEVER
    health: tuple[float, float, float, float] = (NAN, NAN, NAN, NAN)
    times_us: list[int] = field(default_factory=list)
    capacity_pct: list[float] = field(default_factory=list)

    def trend(self, last_seen_us: int) -> NDArray[np.float64]:
        """Capacity health as it was known at the ends of equal steps over the year before a time."""
        if not self.times_us or last_seen_us == NEVER:
            return np.full(TREND_STEPS, NAN)
        ends = last_seen_us - (YEAR_US / TREND_STEPS) * np.arange(TREND_STEPS - 1, -1, -1)
        at = np.searchsorted(np.array(self.times_us), ends, side="right") - 1
        return np.where(at >= 0, np.array(self.capacity_pct)[np.maximum(at, 0)], NAN)


def deployed_figures(
    rows: Iterable[DeployedRow], new_capacity_ah: Mapping[str, float | None]
) -> dict[str, DeployedFigures]:
    """Figures by vehicle, from versions by vehicle and number.

    Args:
        rows: Every version of these vehicles that was deployed.
        new_capacity_ah: Capacity of each vehicle's pack when new.
    """
    found: dict[str, DeployedFigures] = {}
    for row in rows:
        mine = found.get(row.vehicle_id)
        if mine is None:
            mine = found[row.vehicle_id] = DeployedFigures()
        mine.number, mine.time_us = row.number, row.sample_time_us
        mine.health = health_of(row.numbers, new_capacity_ah.get(row.vehicle_id))
        mine.times_us.append(row.sample_time_us)
        mine.capacity_pct.append(mine.health[0])
    return found


def health_of(numbers: Numbers, new_capacity_ah: float | None) -> tuple[float, float, float, float]:
    """As `twin.figures.health`, of many versions: capacity and resistance, each with its standard deviation."""
    capacity, resistance = _places(numbers.parameters, new_capacity_ah)
    return (*_figure(numbers, capacity), *_figure(numbers, resistance))


def _figure(numbers: Numbers, place: tuple[int, float] | None) -> tuple[float, float]:
    if place is None:
        return NAN, NAN
    at, factor = place
    variance = numbers.covariance[at * (at + 3) // 2]
    return factor * numbers.mean[at], factor * math.sqrt(max(variance, 0.0))


@lru_cache(maxsize=1024)
def _places(
    parameters: tuple[str, ...], new_capacity_ah: float | None
) -> tuple[tuple[int, float] | None, tuple[int, float] | None]:
    """Which parameters tell capacity and resistance, and what each is multiplied by."""
    named = {name: health_naming(name, new_capacity_ah) for name in parameters}
    capacity = next((name for name in CAPACITY if name in named and named[name].unit == "%"), None)
    resistance = next((name for name in RESISTANCE if name in named), None)
    return tuple(  # type: ignore[return-value]
        None if name is None else (parameters.index(name), named[name].factor) for name in (capacity, resistance)
    )
