"""Coefficients of consumption are found again, vehicles are held to their fleet, and intervals cover."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from twinpack.errors import LearningError
from twinpack.learn.energy import learn_energy, left_out_errors, part_of
from twinpack.learn.energy_model import EnergyModel, interval_of
from twinpack.learn.energy_terms import COMFORT, LEAST, PRIOR_MEAN, TERMS, TRACTION, Body, Weather, terms_of
from twinpack.learn.energy_trips import EnergyTrips, read_trip, trips_of

Floats = npt.NDArray[np.float64]

BODY = Body(1600.0, 0.65)
TRUE = np.array([1.2, 0.9, 1.1, 0.9, 1.5, 0.3, 0.05, 0.2, 0.6, 0.8, 0.9, 1.0])


def made(
    trips: int,
    vehicles: int = 1,
    seed: int = 0,
    noise: float = 0.03,
    spread: float = 0.0,
    measured: bool = True,
    true: Floats = TRUE,
) -> EnergyTrips:
    """Trips of a fleet of known coefficients, each vehicle's off by `spread`, each trip's energy by `noise`."""
    rng = np.random.default_rng(seed)
    count = trips * vehicles
    km, kmh = rng.uniform(5.0, 40.0, count), rng.uniform(25.0, 110.0, count)
    braked = -rng.uniform(0.01, 0.05, count) * km
    sums = np.stack(
        [
            km / kmh,
            km,
            0.8 * km,
            -braked + 0.01 * km * rng.standard_normal(count),
            0.013 * (kmh / 50.0) ** 2 * km * rng.uniform(0.8, 1.2, count),
            braked,
            0.15 * 0.013 * (kmh / 50.0) ** 2 * km,
        ],
        axis=1,
    )
    air = rng.uniform(-10.0, 35.0, count)
    weather = Weather(air, rng.uniform(0.0, 300.0, count), air + rng.uniform(0.0, 8.0, count), np.full(count, np.nan))
    number = np.arange(count) % vehicles
    own = true * (1.0 + spread * rng.standard_normal((vehicles, len(true))))
    parts = terms_of(sums, weather, BODY) * own[number]
    cabin = parts[:, len(TRACTION) :].sum(axis=1)
    driven = parts[:, : len(TRACTION)].sum(axis=1) * (1.0 + noise * rng.standard_normal(count))
    return EnergyTrips(
        vehicle=tuple(f"car-{one:03d}" for one in number),
        start_us=np.arange(count, dtype=np.int64) * 3_600_000_000,
        sums=sums,
        weather=weather,
        energy_kwh=driven + cabin,
        comfort_kwh=cabin if measured else np.full(count, np.nan),
        mean_a=np.full(count, -30.0),
        rms_a=np.full(count, 50.0),
    )


def test_coefficients_are_found_again_from_many_trips() -> None:
    mean = learn_energy(made(600), "p", BODY, folds=0).of("car-000").mean
    for name in ("rolling", "drag", "climbing", "recuperation", *COMFORT):
        at = TERMS.index(name)
        assert mean[at] == pytest.approx(TRUE[at], rel=0.15), name


def test_without_any_measured_heating_the_sum_tells_it() -> None:
    trips = made(600, measured=False)
    model = learn_energy(trips, "p", BODY)
    assert model.card["mape_pct"] < 6.0 and model.card["heating_measured"] == 0
    assert "mape_measured_heating_pct" not in model.card
    cold = model.predict(["car-000"], trips.sums[:1], Weather(-10.0))
    assert cold.comfort_kwh[0] > 0.2


def test_few_trips_stay_near_physics_and_beat_the_mean() -> None:
    trips = made(16, seed=4)
    model = learn_energy(trips, "p", BODY)
    assert model.card["mape_pct"] < 0.7 * model.card["mape_mean_per_km_pct"]
    assert np.abs(model.fleet.mean - PRIOR_MEAN).max() < 1.0


def test_no_term_gets_an_impossible_sign() -> None:
    odd = TRUE.copy()
    odd[TERMS.index("electronics")] = -2.0
    assert (learn_energy(made(300, true=odd), "p", BODY, folds=0).fleet.mean >= LEAST - 0.05).all()


def test_a_vehicle_with_few_trips_is_held_to_its_fleet_and_one_with_many_is_not() -> None:
    fleet = made(40, vehicles=12, spread=0.08, seed=1)
    heavy = replace(fleet, energy_kwh=np.where(np.array(fleet.vehicle) == "car-003", 1.25, 1.0) * fleet.energy_kwh)
    at = TERMS.index("rolling")
    many = learn_energy(heavy, "p", BODY, folds=0)
    few = learn_energy(heavy.take(_first_of(heavy, "car-003", 2)), "p", BODY, folds=0)
    whole = [one.of("car-003").mean[at] - one.fleet.mean[at] for one in (few, many)]
    assert 0.0 < whole[0] < whole[1]
    assert (few.of("car-003").mean == few.vehicles["car-003"].mean).all()
    assert few.of("stranger") is few.fleet
    sd = [np.sqrt(one.covariance[at, at]) for one in (many.of("car-003"), few.of("car-003"), few.fleet)]
    assert sd == sorted(sd), "the less is known, the less certain"


def _first_of(trips: EnergyTrips, vehicle: str, count: int) -> npt.NDArray[np.bool_]:
    mine = np.array(trips.vehicle) == vehicle
    return np.asarray(~mine | (np.cumsum(mine) <= count))


def test_intervals_of_trips_left_out_cover_what_they_claim() -> None:
    trips = made(400, vehicles=10, spread=0.05, noise=0.08, seed=2)
    half = np.arange(len(trips)) // 10 % 2 == 0  # of every vehicle
    teach, judge = trips.take(half), trips.take(~half)
    model = learn_energy(teach, "p", BODY)
    for comfort in (None, judge.comfort_kwh):
        told = model.predict(judge.vehicle, judge.sums, judge.weather, comfort)
        low, high = model.quantiles(told, (0.05, 0.95))
        covered = np.mean((low <= judge.energy_kwh) & (judge.energy_kwh <= high))
        assert 0.86 < covered < 0.94


def test_conformal_quantiles_lie_further_out_the_fewer_errors_there_are() -> None:
    errors = np.random.default_rng(0).standard_normal(2000)
    low, high = interval_of(errors, 0.9)
    assert low == pytest.approx(-1.645, abs=0.12) and high == pytest.approx(1.645, abs=0.12)
    few = errors[:10]
    assert interval_of(few, 0.9) == (few.min(), few.max())


def test_errors_that_neighbours_share_are_seen() -> None:
    trips = made(300, noise=0.02)
    slow = 1.0 + 0.15 * np.sin(np.arange(300) / 8.0)
    assert learn_energy(trips, "p", BODY).together < 0.3
    assert learn_energy(replace(trips, energy_kwh=trips.energy_kwh * slow), "p", BODY).together > 0.6


def test_a_trip_is_judged_by_parts_without_its_neighbours() -> None:
    trips = made(40, vehicles=2)
    part = part_of(trips, 4)
    mine = part[np.array(trips.vehicle) == "car-001"]
    assert mine.tolist() == [0] * 10 + [1] * 10 + [2] * 10 + [3] * 10
    spoiled = replace(trips, energy_kwh=np.where(part == 2, 3.0 * trips.energy_kwh, trips.energy_kwh))
    planned = left_out_errors(spoiled, BODY, 4)[2]
    assert (planned[part == 2] / trips.energy_kwh[part == 2]).mean() == pytest.approx(1.0, abs=0.1)


def test_it_is_the_same_after_json() -> None:
    trips = made(60, vehicles=3)
    model = learn_energy(trips, "p", BODY)
    again = EnergyModel.from_dict(json.loads(json.dumps(model.to_dict())))
    told, once_more = (one.predict(trips.vehicle, trips.sums, trips.weather) for one in (model, again))
    assert once_more.energy_kwh == pytest.approx(told.energy_kwh, rel=1e-5)
    assert again.usual_for("car-001") == model.usual_for("car-001") and again.usual_for("nobody") == model.usual
    assert again.to_dict() == EnergyModel.from_dict(again.to_dict()).to_dict()
    with pytest.raises(ValueError, match="learn it again"):
        EnergyModel.from_dict({**again.to_dict(), "terms": ["another"]})


def test_trips_beyond_belief_are_left_out_and_too_few_are_refused() -> None:
    trips = made(20)
    energy = trips.energy_kwh.copy()
    energy[0], energy[1], energy[2] = -1.0, 1e6, np.nan
    assert replace(trips, energy_kwh=energy).good.sum() == 17
    with pytest.raises(LearningError, match="5 trips of pack 'p' tell consumption, at least 8"):
        learn_energy(trips.take(np.arange(5)), "p", BODY)


def test_a_recorded_trip_is_read_with_what_it_took() -> None:
    time = np.arange(0.0, 601.0)
    none = np.full(len(time), np.nan)
    signals = {
        "pack_voltage_v": np.full(len(time), 400.0),
        "pack_current_a": np.full(len(time), -25.0),
        "speed_kmh": np.full(len(time), 60.0),
        "elevation_m": none,
        "ambient_temp_c": np.full(len(time), 5.0),
        "load_kg": none,
        "heating_power_kw": np.full(len(time), 2.0),
    }
    trip = read_trip("car", 7, time, signals, BODY, cabin_c=12.0)
    assert trip is not None
    assert trip.energy_kwh == pytest.approx(10.0 / 6.0) and trip.comfort_kwh == pytest.approx(2.0 / 6.0)
    assert trip.mean_a == pytest.approx(-25.0) and trip.rms_a == pytest.approx(25.0)
    assert trip.weather.ambient_c == 5.0 and trip.weather.cabin_c == 12.0 and np.isnan(trip.weather.load_kg)
    assert trips_of([trip, trip]).vehicle == ("car", "car") and len(trips_of([])) == 0
    assert read_trip("car", 7, time, {**signals, "speed_kmh": none}, BODY) is None
