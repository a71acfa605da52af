"""What a scenario makes of a usage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinpack.battery.stress import Usage
from twinpack.errors import ScenarioError
from twinpack.forecast.scenario import FAST_C_RATE, Scenario
from twinpack.forecast.scenario_usage import BY_DAY_C, changed_usage, climate_air_c, window_top, yearly_air_c


def usage(**changed: float) -> Usage:
    values = {"parked_soc": 0.66, "cycled_soc": 0.6, "depth": 0.4, "c_rate": 0.3, "fast_share": 0.2}
    values |= {"cycles_per_day": 0.25, "km_per_day": 40.0} | changed
    return Usage(np.full((12, 1), 12.0), **{name: np.array([value]) for name, value in values.items()})


def test_charging_to_less_moves_the_window_and_keeps_its_depth() -> None:
    changed = changed_usage(usage(), Scenario("x", charge_to=0.7))
    assert changed.depth == pytest.approx([0.4])
    assert changed.cycled_soc == pytest.approx([0.5])
    assert changed.parked_soc == pytest.approx([0.56])  # as far below the top as before
    assert changed.cycles_per_day == pytest.approx([0.25])


def test_a_window_that_would_go_below_empty_gets_shallower() -> None:
    changed = changed_usage(usage(), Scenario("x", charge_to=0.3))
    assert changed.depth == pytest.approx([0.25])
    assert changed.cycled_soc == pytest.approx([0.175])


def test_charging_from_more_makes_cycles_shallower_and_parks_fuller() -> None:
    changed = changed_usage(usage(), Scenario("x", charge_from=0.6))
    assert changed.depth == pytest.approx([0.2])
    assert changed.cycled_soc == pytest.approx([0.7])
    assert changed.parked_soc == pytest.approx([0.73])


def test_a_parked_charge_that_is_given_is_taken_alone() -> None:
    changed = changed_usage(usage(), Scenario("x", parked_soc=0.5))
    assert changed.parked_soc == pytest.approx([0.5])
    assert changed.cycled_soc == pytest.approx([0.6])


def test_distance_and_consumption_scale_the_cycles() -> None:
    changed = changed_usage(usage(), Scenario("x", yearly_km=2 * 40.0 * 365.25), consumption_x=1.1)
    assert changed.cycles_per_day == pytest.approx([0.55])
    assert changed.km_per_day == pytest.approx([80.0])
    assert changed.depth == pytest.approx([0.4])


def test_a_yearly_distance_needs_a_known_one() -> None:
    with pytest.raises(ScenarioError, match="give distance_x"):
        changed_usage(usage(km_per_day=np.nan), Scenario("x", yearly_km=10_000.0))
    assert changed_usage(usage(km_per_day=np.nan), Scenario("x", distance_x=2.0)).cycles_per_day == pytest.approx([0.5])


def test_a_climate_keeps_how_much_warmer_the_battery_is_than_the_air() -> None:
    air = np.full((12, 1), 5.0)
    changed = changed_usage(usage(), Scenario("x", climate="nordic", warmer_c=1.0), air)
    assert changed.temp_c[:, 0] == pytest.approx(climate_air_c("nordic") + 7.0 + 1.0)
    assert np.argmin(changed.temp_c[:, 0]) == 0
    assert np.argmax(changed.temp_c[:, 0]) in (6, 7)


def test_less_fast_charging_lowers_the_mean_rate_and_back() -> None:
    slower = changed_usage(usage(), Scenario("x", fast_share=0.0))
    assert slower.c_rate[0] < 0.3
    back = changed_usage(usage(), Scenario("x", c_rate=float(slower.c_rate[0])))
    assert back.fast_share == pytest.approx([0.0], abs=1e-9)


def test_faster_charging_warms_by_what_it_loses() -> None:
    changed = changed_usage(usage(), Scenario("x", c_rate=1.3))
    # a quarter of a full charge a day, 4 % of it lost for each C more, through 6500 J/K over 4 hours, a kWh
    expected = 0.25 * 0.04 * 1000.0 / 24.0 / (6500.0 / (4.0 * 3600.0))
    assert changed.temp_c - 12.0 == pytest.approx(np.full((12, 1), expected), rel=0.02)
    assert changed_usage(usage(), Scenario("x", distance_x=2.0)).temp_c == pytest.approx(np.full((12, 1), 12.0))


shares = st.floats(0.0, 1.0)


@given(charge_to=st.floats(0.1, 1.0), depth=st.floats(0.02, 0.9), cycled=st.floats(0.1, 0.9), parked=shares)
def test_a_window_stays_within_the_battery(charge_to: float, depth: float, cycled: float, parked: float) -> None:
    changed = changed_usage(
        usage(depth=depth, cycled_soc=cycled, parked_soc=parked), Scenario("x", charge_to=charge_to)
    )
    assert 0.0 <= changed.parked_soc[0] <= 1.0
    assert 0.0 <= changed.cycled_soc[0] <= 1.0
    assert 0.0 < changed.depth[0] <= charge_to + 1e-9
    if depth >= 0.05 and depth / 2 <= cycled <= 1.0 - depth / 2:  # both can be true
        assert changed.cycled_soc[0] + changed.depth[0] / 2 == pytest.approx(charge_to)


@given(now=st.floats(0.02, 2.0), share=shares, wanted=shares)
def test_fast_share_and_rate_go_together(now: float, share: float, wanted: float) -> None:
    one = usage(c_rate=now, fast_share=share)
    changed = changed_usage(one, Scenario("x", fast_share=wanted))
    assert (changed.c_rate[0] - now) * (wanted - share) >= -1e-9
    assert changed_usage(one, Scenario("x", fast_share=share)).c_rate == pytest.approx([now])
    assert 0.0 <= changed_usage(one, Scenario("x", c_rate=FAST_C_RATE)).fast_share[0] <= 1.0


def test_where_charging_ended_is_taken_from_what_was_seen() -> None:
    seen = np.array([0.9])
    assert window_top(usage()) == pytest.approx([0.8])
    assert window_top(usage(), seen) == pytest.approx([0.9])
    assert window_top(usage(), np.array([np.nan])) == pytest.approx([0.8])
    changed = changed_usage(usage(), Scenario("x", charge_to=0.7), charged_to=seen)
    assert changed.parked_soc == pytest.approx([0.46])
    assert changed.cycled_soc == pytest.approx([0.4])
    assert changed.depth == pytest.approx([0.4])
    assert window_top(usage(), seen, Scenario("x", charge_to=0.7)) == pytest.approx([0.7])
    same = changed_usage(usage(), Scenario("x", charge_to=0.9), charged_to=seen)
    assert same.parked_soc == pytest.approx([0.66])


def test_the_air_of_a_year_is_a_wave_through_its_days() -> None:
    day = np.arange(0.0, 730.0, 9.0)
    wave = 10.0 - 8.0 * np.cos(2.0 * np.pi * (day - 15.0) / 365.25)
    told = yearly_air_c(day, np.where(day % 2 == 0, wave, np.nan))
    middle = (np.arange(12) + 0.5) * 365.25 / 12
    assert told + BY_DAY_C == pytest.approx(10.0 - 8.0 * np.cos(2.0 * np.pi * (middle - 15.0) / 365.25), abs=1.0)
    assert np.isnan(yearly_air_c(day[:5], wave[:5])).all()
