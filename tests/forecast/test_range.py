"""Usable energy and range against integrals done by hand, and in which way everything must move them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from tests.battery.test_thevenin import FLAT
from twinpack.battery.pack import load_pack
from twinpack.battery.thevenin import Thevenin
from twinpack.errors import InputError
from twinpack.forecast.energy import Consumption, usual_consumption, with_usual_stops
from twinpack.forecast.range import Arrival, Battery, Conditions, RangeAt, arrival, discharge, range_at
from twinpack.learn.energy_model import EnergyModel, Estimate, Usual
from twinpack.learn.energy_terms import PRIOR_MEAN, SUMS, Body, Course, Weather

Floats = npt.NDArray[np.float64]

CELL = replace(FLAT, series=96, capacity_ah=150.0, r0_ohm=(0.001, 0.001), pairs_ohm=((5e-4, 5e-4), (5e-4, 5e-4)))
PACK = replace(load_pack("sim_nmc_96s"), capacity_ah=150.0, energy_kwh=53.0)
SD = np.array([0.01, 0.03, 0.05, 0.001])
BATTERY = Battery(Thevenin(CELL), PACK, [1.0, 1.0, 1.0, 0.0], np.diag(SD**2))
BODY = Body(1800.0, 0.65)
USUAL = Usual((0.018, 1.0, 0.8, 0.03, 0.07, -0.025, 0.015), 20.0, 0.10, 100.0, 1.6, 40)
ERRORS = tuple(float(one) for one in np.linspace(-2.0, 2.0, 41))
MODEL = EnergyModel(
    pack="p",
    body=BODY,
    fleet=Estimate(PRIOR_MEAN, np.diag(np.full(len(PRIOR_MEAN), 0.05**2))),
    vehicles={"car": Estimate(PRIOR_MEAN, np.diag(np.full(len(PRIOR_MEAN), 0.01**2)))},
    usual=USUAL,
    usual_of={"car": USUAL},
    planned=ERRORS,
    measured=ERRORS,
    together=0.2,
    trips=40,
)
NOW = Conditions(soc_pct=80.0, ambient_c=20.0)


def found(conditions: Conditions = NOW, battery: Battery = BATTERY, vehicle: str = "car") -> RangeAt:
    return range_at("today", battery, MODEL, vehicle, conditions)


def median_km(conditions: Conditions = NOW, battery: Battery = BATTERY, vehicle: str = "car") -> float:
    km = found(conditions, battery, vehicle).km
    assert km is not None
    return km.p50


def steady(power_kw: float, ripple: float = 1.0) -> Consumption:
    return Consumption(np.array([power_kw]), 1.0, 1.0, ripple)


def given(power_kw: float, ripple: float = 1.0, reserve: float = 0.0, air: float = 25.0) -> float:
    living = np.array(BATTERY.mean)[:, None]
    done = discharge(BATTERY, living, np.array([1.0]), reserve, (air, air), steady(power_kw, ripple))
    return float(done.usable_kwh[0])


def test_slowly_it_gives_all_the_energy_of_its_open_circuit_voltage() -> None:
    z = np.linspace(0.0, 1.0, 2001)
    stored = float(np.trapezoid(96 * np.interp(z, CELL.soc, CELL.ocv_v), z)) * 150.0 / 1000.0
    assert given(0.01) == pytest.approx(stored, rel=1e-3)
    assert given(0.01, reserve=0.5) == pytest.approx(
        float(np.trapezoid(96 * np.interp(z[1000:], CELL.soc, CELL.ocv_v), z[1000:])) * 150.0 / 1000.0, rel=2e-3
    )


def test_a_load_loses_what_its_current_does_in_resistance() -> None:
    stored, loaded = given(0.01), given(15.0)
    amps = 15_000.0 / (96 * 3.6)
    lost = amps * 96 * 0.002 * 150.0 / 1000.0  # I R Q, with every pair settled
    assert stored - loaded == pytest.approx(lost, rel=0.35)  # the pack warms, and its resistance falls
    assert given(15.0, ripple=1.8) < loaded, "ripple loses more for the same mean"
    assert given(15.0, air=-10.0) < given(15.0, air=35.0)


def test_where_the_voltage_no_longer_holds_the_energy_ends() -> None:
    weak = replace(PACK, cell_voltage_min_v=3.5)
    living = np.array(BATTERY.mean)[:, None]
    battery = replace(BATTERY, pack=weak)
    done = discharge(battery, living, np.array([1.0]), 0.0, (25.0, 25.0), steady(15.0))
    # the open-circuit voltage is 3.5 V at 36 %; under load it is reached sooner
    assert 0.36 < float(done.least[0]) < 0.60
    assert float(done.usable_kwh[0]) < given(15.0)


def test_range_falls_with_everything_that_takes_it() -> None:
    base = median_km()
    # the lower half has the lower voltage
    assert 0.43 * base < median_km(replace(NOW, soc_pct=40.0)) < 0.50 * base
    assert 0.75 * base < median_km(replace(NOW, reserve_pct=20.0)) < 0.82 * base
    assert median_km(replace(NOW, load_kg=600.0)) < base
    assert median_km(replace(NOW, ambient_c=-10.0)) < 0.95 * base
    assert median_km(battery=BATTERY.worn(capacity_x=0.8)) == pytest.approx(0.8 * base, rel=0.02)
    assert 0.9 * base < median_km(battery=BATTERY.worn(resistance_x=2.0)) < base
    assert median_km(replace(NOW, soc_pct=0.0)) == pytest.approx(0.0, abs=5.0)


def test_what_is_less_certain_has_the_wider_range() -> None:
    def width(one: RangeAt) -> float:
        assert one.km is not None
        return one.km.p95 - one.km.p5

    sure = width(found(replace(NOW, soc_sd_pct=0.5)))
    assert width(found(replace(NOW, soc_sd_pct=5.0))) > sure
    assert width(found(vehicle="stranger")) > width(found())
    told = found()
    assert told.km is not None
    levels = [getattr(told.km, name) for name in ("p5", "p10", "p25", "p50", "p75", "p90", "p95")]
    assert levels == sorted(levels)
    assert found() == told, "the same question has the same answer"


def test_without_a_consumption_energy_and_power_are_told_and_no_range() -> None:
    told = range_at("today", BATTERY, None, "car", NOW)
    assert told.km is None and told.kwh_km is None
    assert told.usable_kwh.p50 > 30.0 and len(told.power) == 4


def test_errors_of_trips_average_but_for_what_they_share() -> None:
    def sd(model: EnergyModel, far: float) -> float:
        taken = usual_consumption(model, "car", Weather(20.0), far, np.random.default_rng(3), 4000)
        return float(taken.kwh_km.std() / taken.kwh_km.mean())

    assert sd(MODEL, 400.0) < sd(MODEL, 20.0)
    assert sd(replace(MODEL, together=1.0), 400.0) > sd(replace(MODEL, together=0.0), 400.0)


def flat_plan(km: float, kmh: float = 60.0) -> Course:
    time = np.linspace(0.0, 3600.0 * km / kmh, int(3600.0 * km / kmh) + 1)
    return Course(time, np.full(len(time), kmh), np.full(len(time), np.nan))


def ends(km: float, conditions: Conditions = NOW) -> Arrival:
    return arrival(BATTERY, MODEL, "car", flat_plan(km), conditions)


def test_a_plan_ends_with_less_the_longer_it_is_and_some_are_too_long() -> None:
    short, middle, far = ends(20.0), ends(100.0), ends(900.0)
    assert short.distance_km == pytest.approx(20.0) and short.hours == pytest.approx(1.0 / 3.0)
    assert 80.0 > short.soc_pct.p50 > middle.soc_pct.p50 > far.soc_pct.p50 == pytest.approx(0.0, abs=0.5)
    assert short.arrives == 1.0 and far.arrives == 0.0
    assert ends(100.0, replace(NOW, reserve_pct=60.0)).arrives < middle.arrives
    assert not short.coarse


def test_the_charge_at_the_end_is_that_of_the_energy_taken() -> None:
    told = ends(50.0)
    mean_v = 96 * 3.75
    used = 100.0 * told.energy_kwh.p50 * 1000.0 / (mean_v * 150.0)
    assert 80.0 - told.soc_pct.p50 == pytest.approx(used, rel=0.08)


def test_down_a_mountain_it_ends_with_more() -> None:
    time = np.arange(0.0, 1801.0)
    plan = Course(time, np.full(len(time), 40.0), np.linspace(2000.0, 200.0, len(time)))
    told = arrival(BATTERY, MODEL, "car", plan, NOW)
    assert told.energy_kwh.p50 < 0.0 and told.soc_pct.p50 > 80.0 and told.arrives == 1.0


def test_a_coarse_plan_gets_the_usual_stops() -> None:
    sums = np.array([0.5, 30.0, 30.0, 0.0, 2.0, 0.0, 0.0])
    full = with_usual_stops(sums, USUAL)
    braked, climb = (SUMS.index(name) for name in ("braked", "driven_climb"))
    assert full[braked] == pytest.approx(30.0 * USUAL.sums[braked]) and full[climb] == pytest.approx(-full[braked])
    assert (with_usual_stops(full, USUAL) == full).all(), "what has them gets no more"
    coarse = Course(np.array([0.0, 1800.0]), np.array([60.0, 60.0]), np.array([np.nan, np.nan]))
    told = arrival(BATTERY, MODEL, "car", coarse, NOW)
    assert told.coarse and told.energy_kwh.p50 > ends(30.0).energy_kwh.p50


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"soc_pct": 150.0}, "state of charge is 150 %"),
        ({"soc_pct": float("nan")}, "state of charge is nan"),
        ({"ambient_c": 400.0}, "outside temperature is 400 °C"),
        ({"load_kg": -1.0}, "the load is -1 kg"),
        ({"reserve_pct": 95.0}, "the reserve is 95 %"),
    ],
)
def test_what_cannot_be_is_refused_by_name(changes: dict[str, float], named: str) -> None:
    with pytest.raises(InputError, match=named):
        Conditions(**changes)


def test_a_range_needs_charge_and_weather() -> None:
    with pytest.raises(InputError, match="outside temperature is not known"):
        found(Conditions(soc_pct=50.0))
    with pytest.raises(InputError, match="state of charge is not known"):
        found(Conditions(ambient_c=20.0))
