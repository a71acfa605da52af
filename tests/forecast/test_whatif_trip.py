"""Voltage and heat on a trip: energy and heat are conserved, and everything moves them the way it must."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from tests.learn.drives import TRUTH
from twinpack.battery.pack import load_pack
from twinpack.battery.thevenin import Thevenin
from twinpack.filters.simulate import Simulator
from twinpack.forecast.outlook import LEVELS
from twinpack.forecast.whatif_trip import COOLS_S, HEAT_J_K_KWH, Ridden, Ride, lanes_of, quantiles, ride

Floats = npt.NDArray[np.float64]

PACK = load_pack("sim_nmc_96s")
OHM = 0.05 / PACK.series / sum((1.5, 0.5, 0.6))  # the whole pack has about 50 mOhm
CELL = replace(
    TRUTH,
    series=PACK.series,
    capacity_ah=PACK.capacity_ah,
    r0_ohm=tuple(OHM * one for one in (1.8, 1.6, 1.5, 1.4, 1.4)),
    pairs_ohm=(
        tuple(OHM * one for one in (0.6, 0.5, 0.5, 0.4, 0.4)),
        tuple(OHM * one for one in (0.9, 0.7, 0.6, 0.6, 0.5)),
    ),
)
MODEL = Thevenin(CELL)
SIMULATOR = Simulator(MODEL)
MEAN = np.array([0.9, 1.2, 1.1, 0.0])
SURE, UNSURE = np.zeros((4, 4)), np.diag([0.01, 0.05, 0.08, 0.001]) ** 2


def driven(kwh: float = 12.0, lanes: int = 2, covariance: Floats = SURE, mean: Floats = MEAN, **asked: float) -> Ridden:
    found = lanes_of(MODEL, PACK, mean, covariance, lanes)
    values = {"hours": 0.7, "air_c": 15.0, "start_soc": 0.85, "charge_to": 0.85, "c_rate": 0.3, "ripple": 1.8} | asked
    return ride(SIMULATOR, PACK, found, Ride(np.full(lanes, kwh), **values))


def test_the_drive_gives_the_energy_that_is_asked_and_the_charge_brings_it_back() -> None:
    done = driven()
    dt = np.diff(done.time_s, prepend=0.0)
    current = np.diff(done.soc[:, 0], prepend=0.85) * PACK.capacity_ah * 0.9 * 3600.0 / dt
    given = -(current * done.voltage_v[:, 0] * dt)[done.driving].sum() / 3.6e6
    assert given == pytest.approx(12.0, rel=0.01)
    assert done.soc[-1] == pytest.approx(0.85)
    assert not done.short_kwh.any()
    assert not done.power_cut.any()


def test_a_steady_current_warms_by_the_closed_form() -> None:
    done = driven(kwh=16.0, ripple=1.0, hours=1.0)
    end = np.flatnonzero(done.driving)[-1]
    dt = done.time_s[0]
    amps = float(-(done.soc[end, 0] - done.soc[end - 1, 0]) * PACK.capacity_ah * 0.9 * 3600.0 / dt)
    heat_w = amps**2 * 0.05 * 1.15  # R0 and pairs worn by about so much, all settled
    capacity = HEAT_J_K_KWH * PACK.energy_kwh
    final = heat_w / (capacity / COOLS_S)
    expected = 15.0 + final * (1.0 - np.exp(-3600.0 / COOLS_S))
    assert done.temp_c[end, 0] - 15.0 == pytest.approx(expected - 15.0, rel=0.35)


def test_more_load_and_cold_pull_the_voltage_down_and_faster_charging_heats() -> None:
    usual = driven()
    assert driven(kwh=16.0).lowest_v[0] < usual.lowest_v[0] - 1.0
    assert driven(air_c=-10.0).lowest_v[0] < usual.lowest_v[0] - 1.0
    fast = driven(c_rate=0.9)
    assert fast.highest_c[0] > usual.highest_c[0] + 1.0
    assert fast.highest_v[0] > usual.highest_v[0]
    worn = driven(mean=np.array([0.9, 2.0, 2.0, 0.0]))
    assert worn.lowest_v[0] < usual.lowest_v[0]
    assert worn.highest_c[0] > usual.highest_c[0]


def test_too_long_a_trip_does_not_arrive_and_stays_above_the_lowest_voltage() -> None:
    done = driven(kwh=80.0, hours=3.0)
    assert np.all(done.short_kwh > 10.0)
    assert done.power_cut.all()
    assert np.all(done.arrival_soc < 0.1)
    assert np.all(done.lowest_v >= PACK.voltage_min_v - 1e-6)


def test_a_fast_charge_to_full_tapers_below_the_highest_voltage() -> None:
    done = driven(c_rate=2.0, charge_to=1.0)
    assert done.tapers.all()
    assert done.highest_v[0] <= PACK.voltage_max_v + 1e-6


def test_no_charge_where_more_is_left_than_is_charged_to() -> None:
    done = driven(kwh=2.0, charge_to=0.5)
    assert done.soc[-1] == pytest.approx(done.arrival_soc)


def test_what_is_not_known_makes_a_band_and_the_same_each_time() -> None:
    one, other = driven(lanes=32, covariance=UNSURE), driven(lanes=32, covariance=UNSURE)
    assert np.array_equal(one.voltage_v, other.voltage_v)
    spread = quantiles(one.lowest_v)
    assert spread.shape == (len(LEVELS),)
    assert 0.5 < spread[-1] - spread[0] < 20.0
    assert spread[0] <= driven(lanes=1).lowest_v[0] <= spread[-1]


def test_a_model_of_routes_is_refused() -> None:
    class Other:
        model = None

    with pytest.raises(TypeError, match="not driven by its current"):
        ride(Other(), PACK, lanes_of(MODEL, PACK, MEAN, SURE, 1), Ride(np.ones(1), 1.0, 20.0, 0.8, 0.8, 0.3))  # type: ignore[arg-type]
