"""Capacity health and resistance of each version that was deployed, for every vehicle of a fleet."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import lru_cache

from twinpack.store.fleet_watch import DeployedRow, Numbers
from twinpack.twin.figures import CAPACITY, RESISTANCE, health_naming
from twinpack.views.fleet.table import DeployedFigures

NAN = math.nan


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
