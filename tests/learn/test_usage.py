"""How batteries were used, out of thin histories, against what was put into them."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from twinpack.learn.usage import Life, lived, month_of, month_start_d, usage_of

RATED_AH, RATED_KWH = 150.0, 53.6
FIRST = 18_262.0  # 2020-01-01
KM_A_DAY, KWH_A_KM = 40.0, 0.2


def life(years: float = 3.0, every_days: float = 10.0, odometer_km: float = 100.0, **changed: Any) -> Life:
    """A drive of 20 km every so many days from 90 %, a charge from 40 to 90 % the night before, colder in winter."""
    drive = FIRST + np.arange(0.0, years * 365.25, every_days) + 0.5
    start = np.sort(np.concatenate([drive, drive - 0.3]))
    charging = np.tile([True, False], len(drive))
    told = Life(
        vehicle_id="A",
        start_d=start,
        end_d=start + np.where(charging, 5.0 / 24.0, 0.02),
        charging=charging,
        resting=np.zeros(len(start), dtype=bool),
        soc_start=np.where(charging, 0.4, 0.9),
        soc_end=np.where(charging, 0.9, 0.83),
        ah_in=np.where(charging, 75.0, 1.0),
        day_d=np.floor(drive),
        odometer_km=odometer_km + KM_A_DAY * (drive - FIRST),
        distance_km=np.full(len(drive), 20.0),
        temp_c=15.0 - 10.0 * np.cos(2.0 * np.pi * (drive - FIRST) / 365.25),
        day_ah_in=np.full(len(drive), 76.0),
        day_ah_out=np.full(len(drive), 11.5),
        net_kwh=np.full(len(drive), 20.0 * KWH_A_KM),
        fast_share=np.full(len(drive), 0.25),
    )
    return replace(told, **changed)


def nothing(told: Life, *names: str) -> Life:
    unknown: dict[str, Any] = {name: np.full(len(getattr(told, name)), np.nan) for name in names}
    return replace(told, **unknown)


def test_the_typical_year_is_what_was_lived() -> None:
    usage = usage_of([life()], RATED_AH, RATED_KWH)
    assert usage.depth[0] == pytest.approx(0.5)
    assert usage.c_rate[0] == pytest.approx(75.0 / 5.0 / RATED_AH)
    assert usage.fast_share[0] == pytest.approx(0.25)
    assert usage.km_per_day[0] == pytest.approx(KM_A_DAY)
    assert usage.cycled_soc[0] == pytest.approx(0.65, abs=0.03)
    assert 0.6 < usage.parked_soc[0] < 0.7  # between 83 % after a drive and 40 % before the next charge
    assert usage.temp_c[0, 0] == pytest.approx(5.3, abs=0.5)
    assert usage.temp_c[6, 0] == pytest.approx(24.7, abs=0.5)


def test_drives_that_were_not_seen_count_by_the_odometer() -> None:
    usage = usage_of([life()], RATED_AH, RATED_KWH)
    assert usage.cycles_per_day[0] == pytest.approx(KM_A_DAY * KWH_A_KM / RATED_KWH)
    every_day = usage_of(
        [life(every_days=1.0, day_ah_out=np.full(1096, 75.0), day_ah_in=np.full(1096, 76.0))], 150.0, 53.6
    )
    assert every_day.cycles_per_day[0] == pytest.approx(151.0 / 300.0, rel=0.01)  # what was seen is more


def test_without_odometer_what_was_seen_counts() -> None:
    usage = usage_of([nothing(life(), "odometer_km")], RATED_AH, RATED_KWH)
    assert usage.km_per_day[0] == pytest.approx(2.0, rel=0.02)


def test_where_nothing_is_told_the_usual_is_taken() -> None:
    names = [one.name for one in fields(Life) if one.name not in ("vehicle_id", "start_d", "end_d", "day_d")]
    told = nothing(life(), *(name for name in names if name not in ("charging", "resting")))
    usage = usage_of(
        [replace(told, day_ah_in=np.zeros(len(told.day_d)), day_ah_out=np.zeros(len(told.day_d)))], 150.0, 53.6
    )
    assert (usage.depth[0], usage.parked_soc[0], usage.fast_share[0]) == (0.4, 0.6, 0.0)
    assert np.all(usage.temp_c == 20.0)
    assert np.isnan(usage.km_per_day[0])
    assert usage.cycles_per_day[0] == 0.0


def test_a_single_season_does_not_make_a_wave() -> None:
    summer = life(years=0.15)
    usage = usage_of([replace(summer, temp_c=np.full(len(summer.day_d), 28.0))], RATED_AH, RATED_KWH)
    assert np.all(np.abs(usage.temp_c - 28.0) < 3.0)


def test_months_begin_where_the_calendar_says() -> None:
    assert month_of(0.0) == 0
    assert month_of(FIRST) == 600
    assert month_of(FIRST - 0.001) == 599
    assert month_start_d(600) == FIRST


def test_months_of_life_add_up_to_it() -> None:
    stress, first, km = lived([life()], RATED_AH, RATED_KWH)
    assert first == 600
    years = stress.days.sum() / 365.25
    assert years == pytest.approx(3.0, abs=0.1)
    assert stress.cycles.sum() == pytest.approx(years * 365.25 * KM_A_DAY * KWH_A_KM / RATED_KWH, rel=0.02)
    assert km.sum() == pytest.approx(years * 365.25 * KM_A_DAY, rel=0.02)


def test_a_busy_year_shows_in_its_months() -> None:
    told = life()
    day = told.day_d - FIRST
    busy = 100.0 + np.where(day < 365, 10.0 * day, 3650.0 + 70.0 * (day - 365))
    stress, _, _ = lived([replace(told, odometer_km=busy)], RATED_AH, RATED_KWH)
    assert stress.cycles[18:30].mean() == pytest.approx(7.0 * stress.cycles[1:11].mean(), rel=0.1)


def test_a_used_vehicle_lived_before_it_was_seen() -> None:
    stress, first, _ = lived([life(odometer_km=30_000.0)], RATED_AH, RATED_KWH)
    assert 600 - first == pytest.approx(30_000.0 / KM_A_DAY / 30.44, abs=2.0)
    assert stress.days.sum() / 365.25 == pytest.approx(3.0 + 750.0 / 365.25, abs=0.1)
    assert stress.take([0]).days.shape == stress.days.shape


def test_vehicles_of_different_age_share_months_and_not_more() -> None:
    old, young = life(years=3.0), life(years=1.0)
    later = replace(young, start_d=young.start_d + 700, end_d=young.end_d + 700, day_d=young.day_d + 700)
    both, _, _ = lived([old, later], RATED_AH, RATED_KWH)
    alone, first, _ = lived([later], RATED_AH, RATED_KWH, end_month=600 + 36)
    assert both.days[:23, 1].sum() == 0.0
    rows = slice(first - 600, None)
    for one in fields(both):
        told = getattr(both, one.name)[rows, 1]
        assert told == pytest.approx(getattr(alone, one.name)[: len(told), 0]), one.name
