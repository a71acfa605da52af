"""Claims: how likely health falls short before years or kilometres are over."""

from __future__ import annotations

import numpy as np
import pytest

from twinpack.battery.health import usable_energy_x
from twinpack.battery.warranty import CAPACITY, Warranty
from twinpack.forecast.outlook import Paths
from twinpack.forecast.warranty import claims, energy_paths

EIGHT_YEARS = Warranty("ours", 70.0, 8.0, 160_000.0, CAPACITY)


def falling(*rates_pct_a_year: float, months: int = 120, resistance_x: float = 1.0) -> Paths:
    """One vehicle whose paths fall from 100 % by so much a year."""
    years = np.arange(months + 1)[:, None, None] / 12.0
    health = 100.0 - years * np.array(rates_pct_a_year)[None, None, :]
    return Paths(health, np.full(health.shape, resistance_x))


def told(
    paths: Paths, one: Warranty = EIGHT_YEARS, age: float = 0.0, km: float = 0.0, a_day: float = 20.0
) -> tuple[float, float]:
    """Months left and probability."""
    (claim,) = claims(paths, [one], np.array([age]), np.array([km]), np.array([a_day]))
    return float(claim.months_left[0]), float(claim.probability[0])


def test_the_share_of_paths_that_fall_short_in_time_is_the_probability() -> None:
    left, probability = told(falling(1.0, 3.0, 3.9, 5.0))
    assert left == 96.0
    assert probability == 0.5  # 30 points in 8 years need 3.75 a year


def test_kilometres_end_it_sooner() -> None:
    left, probability = told(falling(3.0, 5.0), km=100_000.0, a_day=50.0)
    assert left == pytest.approx(60_000.0 / 50.0 / 30.4375)
    assert probability == 0.0


def test_unknown_kilometres_leave_age_alone() -> None:
    assert told(falling(5.0), km=np.nan)[0] == 96.0
    assert told(falling(5.0), a_day=np.nan)[0] == 96.0
    assert told(falling(5.0), a_day=0.0)[0] == 96.0


def test_what_is_over_or_beyond_the_outlook_has_no_probability() -> None:
    assert np.isnan(told(falling(50.0), age=97.0)[1])
    assert np.isnan(told(falling(50.0), km=160_001.0)[1])
    assert np.isnan(told(falling(50.0, months=24))[1])


def test_energy_falls_with_resistance_too() -> None:
    assert usable_energy_x(1.0, 1.0) == pytest.approx(1.0)
    assert usable_energy_x(0.9, 2.0, 0.05) == pytest.approx(0.9 * 0.9 / 0.95)
    paths = falling(2.0, resistance_x=2.0)
    assert np.all(energy_paths(paths) < paths.capacity_pct)
    by_capacity = told(falling(3.7, resistance_x=3.0))
    by_energy = told(falling(3.7, resistance_x=3.0), Warranty("GTR", 70.0, 8.0, 160_000.0))
    assert (by_capacity[1], by_energy[1]) == (0.0, 1.0)
