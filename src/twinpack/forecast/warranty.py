"""How likely health falls short of what law and warranties ask for, before their years or kilometres are over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twinpack.battery.health import REFERENCE_LOSS_SHARE, usable_energy_x
from twinpack.battery.stress import DAYS_PER_MONTH, MONTHS
from twinpack.battery.warranty import ENERGY, Warranty
from twinpack.forecast.outlook import Paths, reached

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Claims:
    """How one warranty stands for V vehicles.

    Attributes:
        warranty: What is asked for.
        months_left: Months until it ends by age or distance, whichever comes first, shape (V,); 0 where it is over.
        probability: That health falls below what is asked for before it ends, shape (V,); NaN where it is over, or
            where it ends beyond the outlook.
    """

    warranty: Warranty
    months_left: Floats
    probability: Floats


def claims(
    found: Paths,
    warranties: Sequence[Warranty],
    age_months: Floats,
    driven_km: Floats,
    km_per_day: Floats,
    loss_share: float = REFERENCE_LOSS_SHARE,
) -> tuple[Claims, ...]:
    """How each warranty stands.

    Args:
        found: Paths of V vehicles.
        warranties: What is asked for.
        age_months: Age of each vehicle, months, shape (V,).
        driven_km: What each has driven, km, shape (V,); NaN where it is not known: then age alone counts.
        km_per_day: What each drives a day, km, shape (V,); NaN where it is not known.
        loss_share: As for `battery.health.usable_energy_x`.
    """
    energy = energy_paths(found, loss_share)
    horizon = found.capacity_pct.shape[0] - 1
    told = []
    for one in warranties:
        left = _months_left(one, age_months, driven_km, km_per_day)
        health = energy if one.health == ENERGY else found.capacity_pct
        below = reached(health, one.least_pct) <= left[:, None]
        known = (left > 0) & (left <= horizon)
        told.append(Claims(one, left, np.where(known, below.mean(axis=1), np.nan)))
    return tuple(told)


def energy_paths(found: Paths, loss_share: float = REFERENCE_LOSS_SHARE) -> Floats:
    """State of certified energy along paths, % of new, shape (H + 1, V, S)."""
    return 100.0 * usable_energy_x(found.capacity_pct / 100.0, found.resistance_x, loss_share)


def _months_left(one: Warranty, age_months: Floats, driven_km: Floats, km_per_day: Floats) -> Floats:
    by_age = one.years * MONTHS - age_months
    with np.errstate(divide="ignore", invalid="ignore"):
        by_km = (one.km - driven_km) / (km_per_day * DAYS_PER_MONTH)
    return np.maximum(np.fmin(by_age, np.where(np.isnan(by_km), np.inf, by_km)), 0.0)
