from __future__ import annotations

import numpy as np
import pytest

from twinpack.battery.health import REFERENCE_LOSS_SHARE
from twinpack.battery.pack import load_pack
from twinpack.forecast.health import REFERENCE_C_RATE, energy_estimate, energy_health, loss_share_of


def test_energy_falls_with_capacity_and_with_resistance() -> None:
    assert energy_health(1.0, 1.0) == pytest.approx(100.0)
    assert energy_health(0.9, 1.0) == pytest.approx(90.0)
    # What resistance takes grows with it: another 1 x of 2 % of the energy.
    assert energy_health(0.9, 2.0) == pytest.approx(90.0 * 0.96 / 0.98)
    assert np.all(np.diff(energy_health(np.array([0.9, 0.9, 0.9]), np.array([1.0, 1.5, 3.0]))) < 0)


def test_energy_agrees_with_a_discharge_integrated_step_by_step() -> None:
    pack = load_pack("sim_nmc_96s")
    ohm = 0.15
    share = loss_share_of(pack, ohm)

    def usable_kwh(capacity_x: float, resistance_x: float) -> float:
        soc = np.linspace(1.0, 0.0, 20_001)
        current = REFERENCE_C_RATE * pack.capacity_ah
        volts = pack.series * np.asarray(pack.ocv.linear(soc)) - current * ohm * resistance_x
        return float(-np.trapezoid(volts, soc)) * capacity_x * pack.capacity_ah / 1000.0

    expected = 100.0 * usable_kwh(0.83, 1.7) / usable_kwh(1.0, 1.0)
    assert energy_health(0.83, 1.7, share) == pytest.approx(expected, rel=1e-3)


def test_a_resistance_that_is_none_leaves_the_usual_share() -> None:
    pack = load_pack("sim_nmc_96s")
    for ohm in (0.0, -1.0, float("nan"), 1e6):
        assert loss_share_of(pack, ohm) == REFERENCE_LOSS_SHARE


def test_the_interval_of_energy_is_that_of_many_draws() -> None:
    mean = np.array([0.9, 1.4])
    cov = np.array([[0.02**2, -0.5 * 0.02 * 0.1], [-0.5 * 0.02 * 0.1, 0.1**2]])
    value, sd = energy_estimate(mean, cov, 0.04)
    draws = np.random.default_rng(1).multivariate_normal(mean, cov, 200_000)
    energy = energy_health(draws[:, 0], draws[:, 1], 0.04)
    assert value == pytest.approx(float(energy.mean()), abs=0.02)
    assert sd == pytest.approx(float(energy.std()), rel=0.02)
