"""Scalar signals: rest, jumps of the charge, rates, frozen ones, and what follows from one frame."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from tests.detect.screen.day import Day, a_day
from tests.detect.screen.made import Array, frames_of, pack_of, screened
from twinpack.detect.screen.settings import DEFAULTS

PERIODS = pytest.mark.parametrize("every_s", [1, 10, 30, 60])
PACK = pack_of(4, capacity_ah=100.0)


@cache
def _day(every_s: int) -> Day:
    return a_day(every_s)


def quantity(name: str, time_s: object, **given: object) -> Array:
    frames = frames_of(np.asarray(time_s, np.float64), **given)  # type: ignore[arg-type]
    return screened(frames, PACK).quantities[name]


def test_rest_counts_from_the_last_load_and_over_gaps_without_one() -> None:
    time = [0, 10, 20, 30, 40, 4000, 4010, 9000, 9010]
    current = [0, -5, -1.9, 0, np.nan, 0.5, 0, 0, 0]
    soc = [50, 50, 50, 50, 50, 49.5, 49, 40, 40]
    rest = quantity("rest_s", time, pack_current_a=current, soc_pct=soc, odometer_km=7.0)
    np.testing.assert_allclose(rest, [0, 0, 10, 20, np.nan, 3990, 4000, 0, 10])


def test_rest_over_a_gap_ends_where_the_vehicle_was_driven_or_nothing_tells() -> None:
    driven = quantity("rest_s", [0, 60, 9000], pack_current_a=0.0, soc_pct=50.0, odometer_km=[1, 1, 30])
    assert driven.tolist() == [0, 60, 0]
    unknown = quantity("rest_s", [0, 60, 9000], pack_current_a=0.0)
    assert unknown.tolist() == [0, 60, 0]


@PERIODS
def test_the_rest_of_a_day(every_s: int) -> None:
    day = _day(every_s)
    rest = screened(day.frames(), day.pack).quantities["rest_s"]
    load = np.abs(day.current) > DEFAULTS.rest_c_rate * 120.0
    last = np.maximum.accumulate(np.where(load, day.time_s, 0.0))
    np.testing.assert_allclose(rest, day.time_s - last)


def test_a_jump_of_the_charge_is_what_no_current_explains() -> None:
    time = [0, 60, 120, 180, 1000, 1060]
    soc = [50, 51, 60, np.nan, 70, 70]
    jump = quantity("soc_jump_pct", time, pack_current_a=120.0, soc_pct=soc)
    # 120 A into 100 Ah are 2 % a minute; 1 % is a step of the display.
    np.testing.assert_allclose(jump, [np.nan, 0, 6, np.nan, np.nan, 1], atol=1e-9)


def test_the_charge_between_two_told_ones_counts_also_where_one_is_missing() -> None:
    jump = quantity("soc_jump_pct", [0, 30, 60, 90], pack_current_a=120.0, soc_pct=[50, np.nan, np.nan, 57])
    assert jump[3] == pytest.approx(7 - 3 - 1)


@PERIODS
def test_a_jump_of_the_charge_in_a_day(every_s: int) -> None:
    day = _day(every_s).copy()
    day.soc[day.time_s >= 9000] -= 12
    jump = screened(day.frames(), day.pack).quantities["soc_jump_pct"]
    assert jump[np.searchsorted(day.time_s, 9000)] == pytest.approx(11, abs=0.1)
    assert (np.delete(jump, np.searchsorted(day.time_s, 9000))[1:] < 1).all()


def test_the_rate_is_that_of_the_probe_that_warms_fastest() -> None:
    probes = [[20, 30], [25, 30], [26, 31], [90, 31], [np.nan, 32], [40, 32]]
    rate = quantity("temp_rate_k_s", [0, 10, 20, 200, 210, 220], probes=probes)
    np.testing.assert_allclose(rate, [np.nan, 0.5, 0.1, np.nan, 0.1, 0.0])


def test_a_step_of_a_coarse_probe_is_no_fast_rise_at_any_period() -> None:
    """One degree within a second would be 1 K/s, which is a battery on fire."""
    time = np.arange(0, 600, 1.0)
    warm = np.stack([20 + (time + shift) // 40 for shift in range(24)], axis=1)
    rate = quantity("temp_rate_k_s", time, probes=warm)
    assert np.nanmax(rate) <= 1 / 5
    assert np.isnan(rate[:5]).all()
    assert not np.isnan(rate[5:]).any()


@PERIODS
def test_a_fast_rise_is_seen_within_seconds_and_at_its_size(every_s: int) -> None:
    time = np.arange(0, 600, every_s)
    hot = 30 + 2.0 * np.clip(time - 300, 0, None)
    probes = np.stack([np.full(len(time), 30.0), np.minimum(hot, 119)], axis=1)
    rate = quantity("temp_rate_k_s", time, probes=probes)
    assert np.nanmax(rate[time <= 300]) == 0
    rising = (time >= 310) & (time < 340)
    if rising.any():
        assert (rate[rising] >= 1).all()
    assert np.nanmax(rate) <= 2.0


def test_without_probes_the_rate_is_that_of_the_highest_temperature_told() -> None:
    rate = quantity("temp_rate_k_s", [0, 10, 20, 200, 205, 206], cell_temp_max_c=[20, 25, np.nan, 50, 55, 57])
    np.testing.assert_allclose(rate, [np.nan, 0.5, np.nan, np.nan, 1.0, 7 / 6])


def test_the_highest_temperature_is_of_probes_or_else_what_the_bms_tells() -> None:
    frames = frames_of(
        [0, 1, 2, 3],
        probes=[[20, 25], [], [], []],
        cell_temp_max_c=[99, 31, -40, np.nan],
        cell_temp_min_c=[1, 19, 125, np.nan],
        cell_temp_avg_c=[50, 50, 30, np.nan],
    )
    found = screened(frames, PACK).quantities
    np.testing.assert_array_equal(found["temp_max_c"], [25, 31, 30, np.nan])
    np.testing.assert_array_equal(found["temp_min_c"], [20, 19, 30, np.nan])
    np.testing.assert_array_equal(found["cell_temp_max_c"], [99, 31, np.nan, np.nan])


def test_what_follows_from_one_frame() -> None:
    frames = frames_of(
        [0, 10, 10.5],
        pack_current_a=[50, -200, 3],
        pack_voltage_v=[10, 40, np.nan],
        isolation_resistance_kohm=17.0,
        contactors_closed=[1, 0, np.nan],
    )
    found = screened(frames, PACK).quantities
    np.testing.assert_allclose(found["c_rate"], [0.5, -2, 0.03])
    np.testing.assert_allclose(found["dt_s"], [np.nan, 10, 0.5])
    np.testing.assert_allclose(found["isolation_ohm_per_v"], [1000, 425, 1000])
    np.testing.assert_array_equal(found["current_offset_a"], [np.nan, 200, np.nan])


@PERIODS
def test_a_pack_voltage_that_freezes_while_driving_is_found_masked_and_forgiven(every_s: int) -> None:
    day = _day(every_s).copy()
    frozen = (day.time_s >= 1800) & (day.time_s < 5000)
    day.pack_v[frozen] = day.pack_v[np.argmax(frozen)]
    found = screened(day.frames(), day.pack).quantities
    flagged = found["pack_v_frozen"] == 1
    assert 1800 + DEFAULTS.frozen_s <= day.time_s[np.argmax(flagged)] < 1800 + 1800
    assert day.time_s[flagged][-1] == day.time_s[frozen][-1]
    np.testing.assert_array_equal(np.isnan(found["pack_voltage_v"]), flagged)
    assert np.nansum(found["cell_dead"] + found["current_frozen"]) == 0


@PERIODS
def test_without_cells_the_current_tells_that_a_pack_voltage_froze(every_s: int) -> None:
    day = _day(every_s)
    frames = frames_of(day.time_s, pack_current_a=day.current, pack_voltage_v=day.pack_v)
    assert np.nansum(screened(frames, day.pack).quantities["pack_v_frozen"]) == 0
    stuck = frames_of(day.time_s, pack_current_a=day.current, pack_voltage_v=350.0)
    flagged = screened(stuck, day.pack).quantities["pack_v_frozen"] == 1
    assert DEFAULTS.frozen_s <= day.time_s[np.argmax(flagged)] < 3600


def test_a_small_pack_read_in_whole_volts_is_not_frozen() -> None:
    time = np.arange(0, 7200, 10.0)
    current = np.where(time % 300 < 150, 0.0, -100.0)
    cells = np.tile((3.70 + 0.0006 * current)[:, None], (1, 4)).round(3)
    for given in ({"cells": cells}, {}):
        frozen = quantity("pack_v_frozen", time, pack_current_a=current, pack_voltage_v=15.0, **given)
        assert frozen.sum() == 0


@PERIODS
def test_a_current_that_freezes_while_driving_is_found_masked_and_forgiven(every_s: int) -> None:
    day = _day(every_s).copy()
    frozen = (day.time_s >= 1800) & (day.time_s < 5000)
    day.current[frozen] = -33.3
    found = screened(day.frames(), day.pack).quantities
    flagged = found["current_frozen"] == 1
    assert 1800 < day.time_s[np.argmax(flagged)] < 1800 + 1200
    assert day.time_s[flagged][-1] == day.time_s[frozen][-1]
    for name in ("pack_current_a", "c_rate"):
        np.testing.assert_array_equal(np.isnan(found[name]), flagged)


@PERIODS
def test_a_steady_charge_is_no_frozen_current(every_s: int) -> None:
    time = np.arange(0, 3 * 3600, every_s)
    rise = np.linspace(3.5, 4.1, len(time))
    cells = (rise[:, None] + np.random.default_rng(1).normal(0, 0.002, (len(time), 4))).round(3)
    frozen = quantity("current_frozen", time, cells=cells, pack_current_a=59.0)
    assert frozen.sum() == 0


@PERIODS
def test_a_pack_voltage_that_is_read_coarsely_at_rest_makes_no_frozen_current(every_s: int) -> None:
    time = np.arange(0, 2 * 3600, every_s)
    read = PACK.series * 3.65 + PACK.series * np.random.default_rng(2).uniform(-0.018, 0.018, len(time))
    assert quantity("current_frozen", time, pack_voltage_v=read, pack_current_a=0.0).sum() == 0
    drives = read + PACK.series * 0.1 * np.sin(time / 90.0)  # as under a changing load
    assert quantity("current_frozen", time, pack_voltage_v=drives, pack_current_a=-30.0).any()


@PERIODS
def test_a_charge_that_freezes_while_driving_is_found_masked_and_forgiven(every_s: int) -> None:
    day = _day(every_s).copy()
    frozen = (day.time_s >= 1800) & (day.time_s < 5000)
    day.soc[frozen] = day.soc[np.argmax(frozen)]
    found = screened(day.frames(), day.pack).quantities
    flagged = found["soc_frozen"] == 1
    assert flagged.any()
    assert (flagged <= frozen).all()
    np.testing.assert_array_equal(np.isnan(found["soc_pct"]), flagged)


@pytest.mark.parametrize(("soc", "current"), [(100.0, 20.0), (0.0, -20.0)])
def test_a_full_or_empty_pack_may_stay_where_it_is(soc: float, current: float) -> None:
    time = np.arange(0, 4 * 3600, 30.0)
    assert quantity("soc_frozen", time, pack_current_a=current, soc_pct=soc).sum() == 0
    assert quantity("soc_frozen", time, pack_current_a=-current, soc_pct=soc).sum() > 0
