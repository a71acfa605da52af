"""What a way ahead takes: the usual driving of a vehicle or a plan, at given weather and load, as a distribution."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from twinpack.errors import InputError
from twinpack.learn.energy_model import EnergyModel, Usual
from twinpack.learn.energy_terms import SUMS, Course, Weather, sums_of

Floats = npt.NDArray[np.float64]

COARSE_S = 5.0
"""A plan with points further apart says nothing of stops and turns: the usual ones are added."""

_KM, _HOURS, _CLIMB, _BRAKED, _BRAKED_DRAG = (
    SUMS.index(name) for name in ("distance_km", "hours", "driven_climb", "braked", "braked_drag")
)
_LEAST_SHARE = 0.1
"""A way takes at least so much of its most likely energy."""


@dataclass(frozen=True)
class Consumption:
    """Energy that a way takes, S draws.

    Attributes:
        energy_kwh: Energy of it, shape (S,).
        distance_km: Its length.
        hours: How long it takes.
        ripple: Root mean square of the current over its mean.
    """

    energy_kwh: Floats
    distance_km: float
    hours: float
    ripple: float

    @property
    def middle(self) -> Consumption:
        """The median alone, as one draw."""
        return replace(self, energy_kwh=np.array([np.median(self.energy_kwh)]))

    @property
    def kwh_km(self) -> Floats:
        """Energy of a kilometre, shape (S,)."""
        return self.energy_kwh / self.distance_km


def usual_consumption(
    model: EnergyModel, vehicle: str, weather: Weather, range_km: float, generator: np.random.Generator, draws: int
) -> Consumption:
    """What a vehicle's usual trips take, on the mean over the trips of a range.

    What one trip is off by is partly so of all of them (weather, what is not known of the vehicle) and partly its own:
    `EnergyModel.together` says which part, and the other shrinks with the number of trips.

    Args:
        model: The pack's consumption.
        vehicle: The vehicle; one that is not known is driven as the fleet.
        weather: Of the trips.
        range_km: About how far it is driven.
        generator: Of the draws.
        draws: How many.
    """
    usual = model.usual_for(vehicle)
    if usual.trip_km <= 0.0:
        raise InputError("the model of consumption was learned from no trip: `twinpack learn energy` makes one")
    trips = max(range_km / usual.trip_km, 1.0)
    sums = np.array(usual.sums)[None] * usual.trip_km
    told = model.predict([vehicle], sums, weather)
    energy, size = float(told.energy_kwh[0]), float(told.size_kwh[0])
    own = 1.0 - model.together
    error = model.drawn(generator.random(draws)) * size * np.sqrt(model.together + own / trips)
    driven = usual.spread / np.sqrt(trips) * generator.standard_normal(draws)
    drawn = np.maximum((energy + error) * np.exp(driven - 0.5 * driven.var()), _LEAST_SHARE * abs(energy))
    return Consumption(drawn, float(sums[0, _KM]), float(sums[0, _HOURS]), usual.ripple)


def planned_consumption(
    model: EnergyModel,
    vehicle: str,
    plan: Course,
    weather: Weather,
    load_kg: float,
    generator: np.random.Generator,
    draws: int,
) -> Consumption:
    """What a plan takes.

    Args:
        model: The pack's consumption.
        vehicle: The vehicle.
        plan: The plan.
        weather: Of the trip.
        load_kg: Payload.
        generator: Of the draws.
        draws: How many.
    """
    usual = model.usual_for(vehicle)
    sums = sums_of(plan, model.body, load_kg)
    if is_coarse(plan):
        sums = with_usual_stops(sums, usual)
    told = model.predict([vehicle], sums[None], weather)
    energy, size = float(told.energy_kwh[0]), float(told.size_kwh[0])
    drawn = energy + model.drawn(generator.random(draws)) * size
    return Consumption(drawn, float(sums[_KM]), float(sums[_HOURS]), usual.ripple)


def is_coarse(plan: Course) -> bool:
    """Whether a plan is too coarse to hold stops and turns."""
    return len(plan.time_s) < 2 or float(np.median(np.diff(plan.time_s))) > COARSE_S


def with_usual_stops(sums: Floats, usual: Usual) -> Floats:
    """A coarse course with the stops and turns that the vehicle's kilometres usually have.

    What is braked away was gained before: both sides get what the course lacks of the usual braking a kilometre.
    """
    missing = np.array(usual.sums) * sums[_KM] - sums
    braked = min(float(missing[_BRAKED]), 0.0)
    full = sums.copy()
    full[_BRAKED] += braked
    full[_CLIMB] -= braked
    return full


__all__ = ["Consumption", "is_coarse", "planned_consumption", "usual_consumption", "with_usual_stops"]
