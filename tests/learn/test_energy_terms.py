"""Terms of a trip's energy against sums done by hand and against the simulator's own physics."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinpack.learn.energy_terms import SUMS, TERMS, Body, Course, Weather, body_of, sums_of, terms_of

BODY = Body(mass_kg=1500.0, drag_area_m2=0.7)
AT = {name: at for at, name in enumerate(SUMS)}


def steady(kmh: float, seconds: int, climb_m: float = 0.0) -> Course:
    time = np.arange(float(seconds + 1))
    return Course(time, np.full(len(time), kmh), np.linspace(100.0, 100.0 + climb_m, len(time)))


def named(course: Course, weather: Weather) -> dict[str, float]:
    return dict(zip(TERMS, terms_of(sums_of(course, BODY)[None], weather, BODY)[0], strict=True))


def test_a_level_road_at_one_speed_by_hand() -> None:
    sums = sums_of(steady(72.0, 3600), BODY)
    assert sums[AT["hours"]] == pytest.approx(1.0)
    assert sums[AT["distance_km"]] == sums[AT["driven_km"]] == pytest.approx(72.0)
    told = named(steady(72.0, 3600), Weather(20.0))
    assert told["rolling"] == pytest.approx(1500.0 * 9.81 * 0.010 * 72_000.0 / 3.6e6 / 0.9)
    drag = 0.5 * 1.204 * np.exp(-100.0 / 8400.0) * 20.0**2 * 72_000.0 / 3.6e6 * 0.7 / 0.9
    assert told["drag"] == pytest.approx(drag, rel=1e-6)
    assert told["climbing"] == pytest.approx(0.0, abs=1e-9) and told["recuperation"] == pytest.approx(0.0, abs=1e-9)
    assert all(told[name] == 0.0 for name in TERMS if name.startswith(("heat", "cool", "cold")))


def test_a_climb_takes_the_energy_of_height_and_the_way_down_gives_part_of_it_back() -> None:
    up, down = (named(steady(36.0, 1800, climb), Weather(20.0)) for climb in (900.0, -900.0))
    height = 1500.0 * 9.81 * 900.0 / 3.6e6
    assert up["climbing"] == pytest.approx(height / 0.9, rel=0.01)
    rolling = 1500.0 * 9.81 * 0.010 * 18_000.0 / 3.6e6
    drag = 0.5 * 1.204 * 0.7 * 10.0**2 * 18_000.0 / 3.6e6
    assert down["recuperation"] == pytest.approx(-0.65 * (height - rolling - drag), rel=0.03)


def test_a_stop_costs_what_braking_does_not_give_back() -> None:
    time = np.arange(121.0)
    speed = np.interp(time, [0, 20, 100, 120], [0.0, 50.0, 50.0, 0.0])
    sums = sums_of(Course(time, speed, np.full(len(time), np.nan)), BODY)
    gained = 1.05 * 0.5 * (50.0 / 3.6) ** 2 / 3600.0
    assert sums[AT["driven_climb"]] == pytest.approx(gained, rel=0.01)
    assert -gained < sums[AT["braked"]] < -0.8 * gained


def test_weather_load_and_height_are_felt() -> None:
    course = steady(100.0, 1200)
    mild, cold, hot = (named(course, Weather(air)) for air in (20.0, -10.0, 35.0))
    assert cold["drag"] > mild["drag"] > hot["drag"], "cold air is dense"
    assert cold["heat_loss"] > 0.0 and cold["heat_up"] > 0.0 and cold["cool_loss"] == 0.0
    assert hot["cool_loss"] > 0.0 and hot["cool_down"] > 0.0 and hot["heat_loss"] == 0.0
    assert named(course, Weather(-10.0, cabin_c=22.0))["heat_up"] == 0.0, "a warm cabin needs no warming"
    assert named(course, Weather(-10.0, battery_c=25.0))["cold_drive"] == 0.0
    assert named(course, Weather(20.0, load_kg=500.0))["rolling"] == pytest.approx(mild["rolling"] * 2000.0 / 1500.0)


@settings(max_examples=25, deadline=None)
@given(noise=st.floats(0.0, 1.5), seed=st.integers(0, 99))
def test_a_height_that_wanders_where_it_is_level_is_no_mountain(noise: float, seed: int) -> None:
    course = steady(50.0, 900)
    wander = noise * np.random.default_rng(seed).standard_normal(len(course.time_s))
    sums = sums_of(Course(course.time_s, course.speed_kmh, course.elevation_m + wander), BODY)
    height_m = sums[AT["driven_climb"]] / 1000.0 * 3.6e6 / 9.81
    assert abs(height_m) < 15.0 * noise + 0.5  # unsmoothed it would climb 0.56 noise a second, some 500 m


def test_what_cannot_be_read_is_not_told() -> None:
    none = np.array([np.nan, np.nan])
    assert np.isnan(sums_of(Course(np.array([0.0, 10.0]), none, none), BODY)).all()
    assert np.isnan(sums_of(Course(np.array([5.0]), np.array([3.0]), none[:1]), BODY)).all()


def test_larger_packs_are_in_larger_cars() -> None:
    assert body_of(20.0).mass_kg < body_of(60.0).mass_kg < body_of(100.0).mass_kg <= body_of(5000.0).mass_kg
