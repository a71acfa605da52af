"""What a scenario's load, trips and air make of consumption."""

from __future__ import annotations

import numpy as np
import pytest

from twinpack.battery.pack import load_pack
from twinpack.forecast.scenario import Scenario, Trip
from twinpack.forecast.whatif_demand import consumption_x, demand, standard_model

PACK = load_pack("sim_nmc_96s")
MODEL = standard_model(PACK)


def ratio(scenario: Scenario, air_c: float = 15.0) -> float:
    return consumption_x(MODEL, "car", scenario, air_c, 15.0)


def test_a_usual_vehicle_takes_what_cars_take() -> None:
    usual = demand(MODEL, "car", None, 20.0, 20.0, 256)
    assert 0.12 < np.median(usual.usual.kwh_km) < 0.22
    assert usual.ride.distance_km == pytest.approx(usual.trip.distance_km)
    assert np.quantile(usual.usual.kwh_km, 0.05) > 0.08


def test_load_speed_climb_and_cold_cost_energy() -> None:
    assert ratio(Scenario("x", warmer_c=0.0)) == pytest.approx(1.0)
    assert ratio(Scenario("x", load_kg=100.0)) == pytest.approx(1.0)  # the usual one
    assert 1.03 < ratio(Scenario("x", load_kg=500.0)) < 1.3
    slow, fast = (ratio(Scenario("x", trips=(Trip(100.0, speed),))) for speed in (70.0, 130.0))
    assert fast > 1.25 * slow
    assert ratio(Scenario("x", trips=(Trip(100.0, 70.0, climb_m=1000.0),))) > slow
    assert ratio(Scenario("x", trips=(Trip(100.0, 70.0, ambient_c=-15.0),))) > slow
    assert ratio(Scenario("x", warmer_c=-20.0), air_c=-5.0) > 1.1


def test_a_list_of_trips_takes_the_sum_and_the_hardest_is_ridden() -> None:
    trips = (Trip(30.0, 50.0), Trip(200.0, 115.0), Trip(30.0, 50.0))
    asked = demand(MODEL, "car", Scenario("x", trips=trips), 15.0, 15.0, 128)
    assert asked.trip == trips[1]
    assert asked.usual.distance_km == pytest.approx(260.0)
    assert np.median(asked.ride.energy_kwh) < np.median(asked.usual.energy_kwh)
    assert asked.ambient_c == 15.0


def test_the_same_draws_meet_baseline_and_scenario() -> None:
    usual, loaded = (demand(MODEL, "car", one, 15.0, 15.0, 64) for one in (None, Scenario("x", load_kg=300.0)))
    more = loaded.usual.kwh_km / usual.usual.kwh_km
    assert np.all(more > 1.0)
    assert np.ptp(more) < 0.2 * np.ptp(usual.usual.kwh_km / np.median(usual.usual.kwh_km))
