"""What scenarios do to a fleet: one row of effects a vehicle, and how those are spread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.battery.stress import MONTHS
from twinpack.battery.warranty import Warranty
from twinpack.forecast.outlook import LEVELS, Paths
from twinpack.forecast.warranty import claims
from twinpack.forecast.whatif import WhatIf, later

Floats = npt.NDArray[np.float64]

YEAR = 5
"""Years from now for which effects are told."""

MOST = 5
"""Vehicles named at either end."""

_LOW, _MIDDLE, _HIGH = 0, LEVELS.index(0.5), len(LEVELS) - 1


@dataclass(frozen=True)
class Effects:
    """What one scenario does to V vehicles, shape (V,) each.

    Attributes:
        vehicle_ids: The vehicles.
        health_low: Capacity health in `YEAR` years less the baseline's, points: its 5 % quantile.
        health: The median.
        health_high: The 95 % quantile.
        end_years: Years by which life ends later, the median; NaN where both ends usually lie beyond the horizon,
            infinite where one does.
        claim_before: Probability of the likeliest warranty claim as it is used; NaN where every warranty is over.
        claim: The same under the scenario.
        beyond: Whether it leads beyond the fleet's experience, 0 or 1.
    """

    vehicle_ids: tuple[str, ...]
    health_low: Floats
    health: Floats
    health_high: Floats
    end_years: Floats
    claim_before: Floats
    claim: Floats
    beyond: Floats

    @property
    def sound(self) -> npt.NDArray[np.bool_]:
        """Of which vehicles an effect is known at all."""
        return np.isfinite(self.health_low) & np.isfinite(self.health) & np.isfinite(self.health_high)

    def take(self, chosen: Any) -> Effects:
        """Those of some vehicles, by flags."""
        at = np.flatnonzero(chosen)
        arrays = {one.name: getattr(self, one.name)[at] for one in fields(self)[1:]}
        return Effects(tuple(self.vehicle_ids[one] for one in at), **arrays)


@dataclass(frozen=True)
class Spread:
    """How a figure is spread over vehicles; None where too few have one."""

    p5: float | None
    p25: float | None
    p50: float | None
    p75: float | None
    p95: float | None
    mean: float | None

    @classmethod
    def of(cls, values: Floats) -> Spread:
        """Of the finite ones among some values."""
        known = values[np.isfinite(values)]
        if not len(known):
            return cls(None, None, None, None, None, None)
        p5, p25, p50, p75, p95 = np.quantile(known, (0.05, 0.25, 0.5, 0.75, 0.95)).tolist()
        return cls(p5, p25, p50, p75, p95, float(known.mean()))


@dataclass(frozen=True)
class VehicleEffect:
    """One vehicle at an end of the list.

    Attributes:
        vehicle: The vehicle.
        health_pts: Effect on capacity health in `YEAR` years, points: 5 %, 50 % and 95 % quantiles.
        end_of_life_years: Years by which life ends later; None where that is not known.
    """

    vehicle: str
    health_pts: tuple[float, float, float]
    end_of_life_years: float | None


@dataclass(frozen=True)
class Summary:
    """What one scenario does to a fleet.

    Attributes:
        name: The scenario.
        vehicles: Vehicles that it was told for.
        health_pts: Effect on capacity health in `YEAR` years, over vehicles.
        helped: Vehicles that are better off with 95 % certainty.
        harmed: Vehicles that are worse off with 95 % certainty.
        end_of_life_years: Years by which life ends later, over vehicles for which that is known.
        end_of_life_known: For how many.
        claims_before: Warranty claims to be expected as the fleet is used: the likeliest claim of each vehicle, summed.
        claims: Under the scenario.
        beyond: Vehicles that it leads beyond the fleet's experience.
        most_helped: Those that gain most, the first ones.
        most_harmed: Those that lose most.
    """

    name: str
    vehicles: int
    health_pts: Spread
    helped: int
    harmed: int
    end_of_life_years: Spread
    end_of_life_known: int
    claims_before: float
    claims: float
    beyond: int
    most_helped: list[VehicleEffect]
    most_harmed: list[VehicleEffect]


def effects(
    found: WhatIf, warranties: Sequence[Warranty], age_months: Floats, driven_km: Floats, limit_pct: float
) -> list[Effects]:
    """Effects of each scenario on some vehicles, whose paths were kept.

    Args:
        found: The vehicles under their scenarios, `YEAR` years or further.
        warranties: Of their pack.
        age_months: Age of each, shape (V,).
        driven_km: What each has driven; NaN where it is not known.
        limit_pct: Health at which life ends.
    """
    if found.paths is None:
        raise ValueError("effects need the paths")
    before = _likeliest(found.paths, warranties, age_months, driven_km, found.usage.km_per_day)
    return [
        Effects(
            found.vehicle_ids,
            course.capacity_delta_pts[_LOW, YEAR * MONTHS - 1],
            course.capacity_delta_pts[_MIDDLE, YEAR * MONTHS - 1],
            course.capacity_delta_pts[_HIGH, YEAR * MONTHS - 1],
            _later(found.paths, course.paths, limit_pct),
            before,
            _likeliest(course.paths, warranties, age_months, driven_km, course.usage.km_per_day),
            course.beyond.astype(np.float64),
        )
        for course in found.courses
        if course.paths is not None
    ]


def joined(parts: Sequence[Effects]) -> Effects:
    """Effects of one scenario on vehicles that were looked at apart."""
    names = tuple(name for part in parts for name in part.vehicle_ids)
    arrays = {one.name: np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(Effects)[1:]}
    return Effects(names, **arrays)


def summary(name: str, of: Effects, most: int = MOST) -> Summary:
    """What one scenario does to a fleet."""
    some = of.take(of.sound)
    order = np.argsort(-some.health, kind="stable")
    known = np.isfinite(some.claim_before) & np.isfinite(some.claim)
    gains = [at for at in order[:most] if some.health[at] > 0.0]
    losses = [at for at in order[::-1][:most] if some.health[at] < 0.0]
    return Summary(
        name=name,
        vehicles=len(some.vehicle_ids),
        health_pts=Spread.of(some.health),
        helped=int((some.health_low > 0.0).sum()),
        harmed=int((some.health_high < 0.0).sum()),
        end_of_life_years=Spread.of(some.end_years),
        end_of_life_known=int(np.isfinite(some.end_years).sum()),
        claims_before=float(some.claim_before[known].sum()),
        claims=float(some.claim[known].sum()),
        beyond=int(some.beyond.sum()),
        most_helped=[_vehicle(some, at) for at in gains],
        most_harmed=[_vehicle(some, at) for at in losses],
    )


def _vehicle(some: Effects, at: int) -> VehicleEffect:
    figures = (float(some.health_low[at]), float(some.health[at]), float(some.health_high[at]))
    later = float(some.end_years[at])
    return VehicleEffect(some.vehicle_ids[at], figures, later if np.isfinite(later) else None)


def _later(now: Paths, then: Paths, limit: float) -> Floats:
    """Median of the years by which life ends later, (V,)."""
    return np.asarray(later(now, then, limit)[_MIDDLE] / MONTHS)


def _likeliest(
    found: Paths, warranties: Sequence[Warranty], age_months: Floats, driven_km: Floats, km_per_day: Floats
) -> Floats:
    """Probability of the likeliest claim of each vehicle, (V,); NaN where none is known."""
    told = np.stack([one.probability for one in claims(found, warranties, age_months, driven_km, km_per_day)])
    none = np.isnan(told).all(axis=0)
    return np.where(none, np.nan, np.nan_to_num(told, nan=0.0).max(axis=0))
