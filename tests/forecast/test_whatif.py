"""What-if against the simulator's hidden law: the effect told is the effect that re-simulating the truth has."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import numpy.typing as npt
import pytest

from twinpack.battery.ecm import KELVIN
from twinpack.battery.laws import law_for
from twinpack.battery.pack import PackSpec, load_pack
from twinpack.battery.stress import DAYS_PER_MONTH, Stress, Usage
from twinpack.forecast.outlook import LEVELS, outlook
from twinpack.forecast.scenario import Scenario
from twinpack.forecast.whatif import WhatIf, whatif
from twinpack.forecast.whatif_experience import experience
from twinpack.learn.ageing import AgeingModel, Histories, learn_ageing
from twinpack.simulate.future import ChangedUse, true_health
from twinpack.simulate.settings import DAYS_PER_YEAR, FleetSettings
from twinpack.simulate.vehicles import draw_vehicles, lived
from twinpack.simulate.wear import DRIVEN_KWH_PER_KM

Floats = npt.NDArray[np.float64]

SETTINGS = FleetSettings(vehicles=24, trips=60, years=4.0, seed=11)
MONTHS = 48
MEDIAN = LEVELS.index(0.5)


def true_usage(settings: FleetSettings, pack: PackSpec) -> Usage:
    """What the simulated vehicles do in the mean, as the hidden law sees it."""
    vehicles = draw_vehicles(settings, pack)
    ends = np.arange(1, 13)[None] * DAYS_PER_MONTH + np.zeros((settings.vehicles, 1))
    length = np.full(ends.shape, DAYS_PER_MONTH)
    km = vehicles.yearly_km[:, None] * length / DAYS_PER_YEAR
    life = lived(vehicles, ends, length, km)
    km_per_day = vehicles.yearly_km / DAYS_PER_YEAR
    return Usage(
        temp_c=(life.temp_k - KELVIN).T,
        parked_soc=life.parked_soc[:, 0],
        cycled_soc=life.cycled_soc[:, 0],
        depth=life.depth[:, 0],
        c_rate=np.full(settings.vehicles, 30.0 / pack.energy_kwh),
        fast_share=np.full(settings.vehicles, 0.1),
        cycles_per_day=km_per_day * DRIVEN_KWH_PER_KM / pack.energy_kwh,
        km_per_day=km_per_day,
    )


@cache
def fleet(pack_name: str) -> tuple[PackSpec, AgeingModel, Histories, Usage]:
    """A fleet of known use whose health was measured each second month for four years."""
    settings = replace(SETTINGS, pack=pack_name)
    pack = load_pack(pack_name)
    usage = true_usage(settings, pack)
    _, capacity, resistance = true_health(settings, pack, 4.0)
    stress = usage.months(600, MONTHS)
    at = np.repeat(np.arange(0.0, MONTHS, 2.0)[:, None], settings.vehicles, axis=1)
    rows = at[:, 0].astype(int)
    noise = np.random.default_rng(3).standard_normal((2, *at.shape))
    histories = Histories(
        tuple(f"V{at:02d}" for at in range(settings.vehicles)),
        600,
        Stress(**{name: np.asarray(getattr(stress, name)) for name in Stress.__dataclass_fields__}),
        at,
        capacity[rows] / 100.0 + 0.004 * noise[0],
        np.full(at.shape, 0.004),
        resistance[rows] + 0.02 * noise[1],
        np.full(at.shape, 0.02),
    )
    return pack, learn_ageing(histories, pack, law_for(pack.chemistry).name), histories, usage


def told(pack_name: str, *scenarios: Scenario, months: int = 60, with_air: bool = False) -> WhatIf:
    pack, model, histories, usage = fleet(pack_name)
    rates = model.rates(histories, pack.ocv)
    air = usage.temp_c - draw_vehicles(replace(SETTINGS, pack=pack_name), pack).garage_c - 3.0 if with_air else None
    return whatif(model, rates, usage, pack.ocv, scenarios, months, air_c=air, seen=experience(histories.stress))


def true_effect(pack_name: str, changed: ChangedUse, years: float = 5.0) -> Floats:
    """Points of capacity that the change makes so many years after the sampled ones, of each vehicle."""
    settings, pack = replace(SETTINGS, pack=pack_name), load_pack(pack_name)
    usual = true_health(settings, pack, settings.years + years)[1][-1]
    return np.asarray(true_health(settings, pack, settings.years + years, changed)[1][-1] - usual)


CASES = {
    "charged to 70 %": (Scenario("x", charge_to=0.7), ChangedUse(charge_to=0.7)),
    "a wide window": (Scenario("x", charge_from=0.1, charge_to=0.95), ChangedUse(charge_to=0.95, depth=0.85)),
    "a narrow window": (Scenario("x", charge_from=0.5, charge_to=0.7), ChangedUse(charge_to=0.7, depth=0.2)),
    "parked at 40 %": (Scenario("x", parked_soc=0.4), ChangedUse(parked_soc=0.4)),
    "twice as far": (Scenario("x", distance_x=2.0), ChangedUse(distance_x=2.0)),
    "30,000 km a year": (Scenario("x", yearly_km=30_000.0), ChangedUse(yearly_km=30_000.0)),
    "8 °C cooler": (Scenario("x", warmer_c=-8.0), ChangedUse(warmer_c=-8.0)),
    "subtropical": (Scenario("x", climate="subtropical"), ChangedUse(climate="subtropical")),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("pack_name", ["sim_nmc_96s", "lfp_104s"])
def test_effect_is_within_a_quarter_of_the_truth(pack_name: str, case: str) -> None:
    """Of the fleet; where heat and cold nearly cancel out (LFP), within a third of a point."""
    scenario, changed = CASES[case]
    # what a climate changes is known where the air so far is
    (course,) = told(pack_name, scenario, with_air=scenario.climate is not None).courses
    effect, truth = course.capacity_delta_pts[MEDIAN, -1], true_effect(pack_name, changed)
    assert effect.mean() == pytest.approx(truth.mean(), rel=0.25, abs=0.33)
    if abs(truth.mean()) > 1.0:
        assert np.median(np.abs(effect / truth - 1.0)) < 0.25
    low, high = course.capacity_delta_pts[0, -1], course.capacity_delta_pts[-1, -1]
    assert np.mean((low <= truth) & (truth <= high)) >= 0.7


def test_a_climate_is_compared_with_the_air_where_that_is_known() -> None:
    pack, model, histories, usage = fleet("sim_nmc_96s")
    vehicles = draw_vehicles(SETTINGS, pack)
    air = usage.temp_c - vehicles.garage_c - 3.0
    rates = model.rates(histories, pack.ocv)
    (course,) = whatif(model, rates, usage, pack.ocv, [Scenario("x", climate="subtropical")], 60, air_c=air).courses
    truth = true_effect("sim_nmc_96s", ChangedUse(climate="subtropical"))
    assert np.median(np.abs(course.capacity_delta_pts[MEDIAN, -1] / truth - 1.0)) < 0.2


def test_no_change_is_no_effect_and_leaves_no_interval() -> None:
    (course,) = told("sim_nmc_96s", Scenario("as ever", distance_x=1.0)).courses
    assert np.abs(course.capacity_delta_pts).max() < 1e-9
    assert all(np.nanmax(np.abs(np.where(np.isfinite(one), one, 0.0))) < 1e-6 for one in course.end_delta_months)
    assert not course.beyond.any()


def test_the_interval_of_an_effect_is_far_narrower_than_that_of_two_forecasts() -> None:
    found = told("sim_nmc_96s", Scenario("a little further", distance_x=1.1))
    (course,) = found.courses
    apart = np.hypot(*(np.ptp(one.capacity_pct[[0, -1], -1], axis=0) for one in (found.baseline, course.outlook)))
    together = np.ptp(course.capacity_delta_pts[[0, -1], -1], axis=0)
    assert np.all(together < 0.25 * apart)


def test_the_baseline_is_the_outlook_itself() -> None:
    pack, model, histories, usage = fleet("sim_nmc_96s")
    rates = model.rates(histories, pack.ocv)
    plain = outlook(model, rates, usage, pack.ocv, 24)
    found = whatif(model, rates, usage, pack.ocv, [Scenario("x", warmer_c=3.0)], 24)
    assert found.baseline.capacity_pct == pytest.approx(plain.capacity_pct, abs=0.05)


def test_life_ends_later_when_less_is_asked() -> None:
    found = told("sim_nmc_96s", Scenario("cool", warmer_c=-8.0), Scenario("far", distance_x=2.0), months=360)
    cool, far = (course.end_delta_months[0][MEDIAN] for course in found.courses)
    assert np.all(cool[np.isfinite(cool)] >= 0.0)
    assert np.all(far[np.isfinite(far)] <= 0.0)
    assert np.isfinite(far).mean() > 0.9


def test_nothing_handed_in_is_changed() -> None:
    pack, model, histories, usage = fleet("sim_nmc_96s")
    before = {name: np.array(getattr(usage, name)) for name in Usage.__dataclass_fields__}
    rates = model.rates(histories, pack.ocv)
    passed = rates.passed.copy()
    whatif(model, rates, usage, pack.ocv, [Scenario("x", charge_to=0.7, distance_x=2.0, climate="nordic")], 12)
    assert all(np.array_equal(getattr(usage, name), value) for name, value in before.items())
    assert np.array_equal(rates.passed, passed)


def test_beyond_the_fleets_experience_it_says_so_and_widens() -> None:
    pack, model, histories, usage = fleet("sim_nmc_96s")
    rates = model.rates(histories, pack.ocv)
    hot = Scenario("hot", warmer_c=25.0)
    known, unknown = (
        whatif(model, rates, usage, pack.ocv, [hot], 36, seen=seen).courses[0]
        for seen in (None, experience(histories.stress))
    )
    assert unknown.beyond.any()
    assert "cell temperature of a month" in str(unknown.notes[0])
    wide = np.ptp(unknown.capacity_delta_pts[[0, -1], -1], axis=0)
    assert np.all(wide[unknown.beyond] > np.ptp(known.capacity_delta_pts[[0, -1], -1], axis=0)[unknown.beyond])
