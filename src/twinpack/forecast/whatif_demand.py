"""What a kilometre and a trip take under a scenario, by what its vehicle was seen to take.

The same draws of what is not known of the consumption meet the baseline and each scenario.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twinpack.battery.pack import PackSpec
from twinpack.forecast.energy import Consumption, is_coarse, planned_consumption, usual_consumption, with_usual_stops
from twinpack.forecast.scenario import Scenario, Trip
from twinpack.learn.energy_model import STANDARD, EnergyModel, Estimate, Usual
from twinpack.learn.energy_terms import PRIOR_MEAN, PRIOR_SD, SUMS, Course, Weather, body_of, sums_of

Floats = npt.NDArray[np.float64]

_TOGETHER = 0.3
_USUAL_TRIP_KM, _USUAL_SPREAD, _USUAL_RIPPLE = 25.0, 0.15, 1.8
_LOAD_KG = 100.0
_STOPS = ((0.25, 45.0, 1.2), (0.35, 75.0, 6.0), (0.40, 110.0, 25.0))
"""Of a usual drive, in town, country and motorway: share of its distance, speed (km/h), km from stop to stop."""
_ACCELERATES_MS2 = 1.0


@dataclass(frozen=True)
class Demand:
    """What is asked of a battery under a scenario.

    Attributes:
        usual: What its usual driving takes, S draws.
        ride: What the trip takes that voltage and heat are told on, S draws.
        trip: That trip.
        ambient_c: Temperature of the air on it, °C.
        ripple: Root mean square of the power of a drive over its mean.
    """

    usual: Consumption
    ride: Consumption
    trip: Trip
    ambient_c: float
    ripple: float


def demand(
    model: EnergyModel, vehicle: str, scenario: Scenario | None, air_c: float, air_x_c: float, draws: int
) -> Demand:
    """What a scenario, or None for the usual, asks.

    Args:
        model: Consumption of the pack's vehicles.
        vehicle: The vehicle.
        scenario: The scenario.
        air_c: Mean temperature of the air under it, °C.
        air_x_c: That of the trip where it tells none.
        draws: How many.
    """
    load = _load(model, vehicle, scenario)
    trips = scenario.trips if scenario else ()
    usual = model.usual_for(vehicle)
    weather = Weather(air_c, load)
    if trips:
        taken = _list(model, vehicle, trips, load, air_c, draws)
        hardest = max(trips, key=lambda one: _of_trip(model, vehicle, one, load, air_x_c, 1).energy_kwh[0])
        ride = _of_trip(model, vehicle, hardest, load, air_x_c, draws)
    else:
        taken = usual_consumption(model, vehicle, weather, 300.0, np.random.default_rng(1), draws)
        hours = usual.sums[SUMS.index("hours")] * usual.trip_km
        hardest = Trip(usual.trip_km, usual.trip_km / max(hours, 1e-6))
        ride = usual_consumption(model, vehicle, Weather(air_x_c, load), usual.trip_km, np.random.default_rng(1), draws)
    ambient = air_x_c if hardest.ambient_c is None else hardest.ambient_c
    return Demand(taken, ride, hardest, ambient, usual.ripple)


def consumption_x(model: EnergyModel, vehicle: str, scenario: Scenario, air_c: float, air_now_c: float) -> float:
    """Energy a kilometre under a scenario by what it is now, from its load, its trips and the air it is driven in."""
    usual = model.usual_for(vehicle)
    sums = np.array(usual.sums)[None] * usual.trip_km
    km = usual.trip_km
    now = float(model.predict([vehicle], sums, Weather(air_now_c, usual.load_kg)).energy_kwh[0]) / km
    load = _load(model, vehicle, scenario)
    if scenario.trips:
        energy = [_expected(model, vehicle, one, load, air_c) for one in scenario.trips]
        then = sum(energy) / sum(one.distance_km for one in scenario.trips)
    else:
        then = float(model.predict([vehicle], sums, Weather(air_c, load)).energy_kwh[0]) / km
    return float(np.clip(then / max(now, 1e-6), 0.1, 10.0))


def course_of(trip: Trip) -> Course:
    """A trip at its steady speed, climbing evenly."""
    count = max(round(trip.hours * 3600.0 / 60.0), 2)
    share = np.linspace(0.0, 1.0, count)
    return Course(share * trip.hours * 3600.0, np.full(count, trip.speed_kmh), share * trip.climb_m)


def standard_model(pack: PackSpec) -> EnergyModel:
    """Consumption of a usual vehicle of a pack, where none was learned: physics, with wide uncertainty."""
    body = body_of(pack.energy_kwh)
    sums = sums_of(_usual_drive(), body, _LOAD_KG)
    per_km = sums / sums[SUMS.index("distance_km")]
    usual = Usual(tuple(per_km.tolist()), _USUAL_TRIP_KM, _USUAL_SPREAD, _LOAD_KG, _USUAL_RIPPLE, 0)
    fleet = Estimate(PRIOR_MEAN, np.diag((0.5 * PRIOR_SD) ** 2))
    return EnergyModel(pack.name, body, fleet, {}, usual, {}, STANDARD, STANDARD, _TOGETHER, 0)


def _usual_drive(length_km: float = 60.0) -> Course:
    """Town, country road and motorway, each from stop to stop."""
    pieces: list[Floats] = []
    for share, speed_kmh, apart_km in _STOPS:
        speed = speed_kmh / 3.6
        ramp_s = speed / _ACCELERATES_MS2
        steady_s = max(apart_km * 1000.0 / speed - ramp_s, 1.0)
        ramp = np.linspace(0.0, speed, max(int(ramp_s), 2))
        once = np.concatenate([ramp, np.full(int(steady_s), speed), ramp[::-1], np.zeros(8)])
        pieces += [once] * max(round(share * length_km / apart_km), 1)
    speeds = 3.6 * np.concatenate(pieces)
    return Course(np.arange(len(speeds), dtype=np.float64), speeds, np.full(len(speeds), np.nan))


def _load(model: EnergyModel, vehicle: str, scenario: Scenario | None) -> float:
    if scenario is not None and scenario.load_kg is not None:
        return scenario.load_kg
    return model.usual_for(vehicle).load_kg


def _weather(trip: Trip, load: float, air_c: float) -> Weather:
    return Weather(air_c if trip.ambient_c is None else trip.ambient_c, load if trip.load_kg is None else trip.load_kg)


def _of_trip(model: EnergyModel, vehicle: str, trip: Trip, load: float, air_c: float, draws: int) -> Consumption:
    weather = _weather(trip, load, air_c)
    return planned_consumption(
        model, vehicle, course_of(trip), weather, float(weather.load_kg), np.random.default_rng(1), draws
    )


def _expected(model: EnergyModel, vehicle: str, trip: Trip, load: float, air_c: float) -> float:
    """Most likely energy of a trip, kWh."""
    weather, course = _weather(trip, load, air_c), course_of(trip)
    sums = sums_of(course, model.body, float(weather.load_kg))
    if is_coarse(course):
        sums = with_usual_stops(sums, model.usual_for(vehicle))
    return float(model.predict([vehicle], sums[None], weather).energy_kwh[0])


def _list(
    model: EnergyModel, vehicle: str, trips: tuple[Trip, ...], load: float, air_c: float, draws: int
) -> Consumption:
    """What a list of trips takes in all: what is off of one is partly off of all."""
    first = _of_trip(model, vehicle, trips[0], load, air_c, draws)
    expected = np.array([_expected(model, vehicle, one, load, air_c) for one in trips])
    whole = float(expected.sum())
    relative = first.energy_kwh / max(float(expected[0]), 1e-6) - 1.0
    shrunk = relative * np.sqrt(model.together + (1.0 - model.together) / len(trips))
    energy = np.maximum(whole * (1.0 + shrunk), 0.1 * abs(whole))
    km, hours = sum(one.distance_km for one in trips), sum(one.hours for one in trips)
    return Consumption(energy, km, hours, first.ripple)
