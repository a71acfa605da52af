"""A fit finds again the prototype that made the data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.learn.drives import OCV_V, SOC_GRID, TRUTH, drives
from twinpack.battery.models import NEAR_EMPTY
from twinpack.errors import LearningError
from twinpack.learn.prototype import Fit, FitSettings, TrainingTrip, fit_prototype


@pytest.fixture(scope="module")
def trips() -> list[TrainingTrip]:
    """Of packs with 57 of their 60 Ah, sensors with 0.5 mV of noise; the first was told 3 % too little charge."""
    made = drives(5, 4, steps=150, capacity_ah=57.0)
    return [replace(made[0], soc=made[0].soc - 0.03), *made[1:]]


@pytest.fixture(scope="module")
def fit(trips: list[TrainingTrip]) -> Fit:
    return fit_prototype(trips, 60.0, OCV_V, FitSettings(tau_s=(3.0, 40.0, 700.0)))


def test_the_residual_is_the_sensors_noise(fit: Fit) -> None:
    assert fit.rmse_v == pytest.approx(0.0005, rel=0.15)


def test_the_capacity_is_found(fit: Fit) -> None:
    assert fit.capacity_ah == pytest.approx(57.0, rel=0.015)


def test_the_open_circuit_voltage_is_found_and_its_covariance_says_where(fit: Fit) -> None:
    sd = np.sqrt(np.diagonal(fit.ocv_covariance))
    # No trip went below a tenth of the charge or ended full: there it is as uncertain as it says.
    assert np.abs(fit.ocv_v - OCV_V)[2:18].max() < 0.004
    assert (np.abs(fit.ocv_v - OCV_V) < 3.0 * sd).all()
    assert sd[5:18].max() < 0.005 < 0.01 < min(sd[0], sd[-1])


def test_the_resistances_are_found(fit: Fit) -> None:
    middle = slice(2, 5)
    total, true_total = fit.r0_ohm + fit.pairs_ohm.sum(axis=0), np.array(TRUTH.r0_ohm) + np.sum(TRUTH.pairs_ohm, axis=0)
    np.testing.assert_allclose(fit.r0_ohm[middle], TRUTH.r0_ohm[middle], rtol=0.02)
    np.testing.assert_allclose(total[middle], true_total[middle], rtol=0.04)
    assert (fit.r0_ohm >= 0.0).all() and (fit.pairs_ohm >= 0.0).all()


def test_time_constants_and_activation_energies_are_found(fit: Fit) -> None:
    assert (np.diff(fit.tau_s) > 0.0).all()
    np.testing.assert_allclose(fit.tau_s, TRUTH.tau_s, rtol=0.15)
    assert fit.ea_j_mol == pytest.approx((TRUTH.ea0_j_mol, TRUTH.ea1_j_mol), abs=300.0)


def test_a_start_told_wrongly_is_found_out_and_the_others_are_left_alone(fit: Fit, trips: list[TrainingTrip]) -> None:
    assert fit.soc_error.shape == (len(trips),)
    assert fit.soc_error[0] == pytest.approx(0.03, abs=0.003)
    assert np.abs(fit.soc_error[1:]).max() < 0.003


def test_a_table_that_is_wrong_is_put_right_where_the_trips_have_been() -> None:
    off = OCV_V + 0.02 * np.sin(3.0 * np.array(SOC_GRID))
    found = fit_prototype(drives(5, 4), 60.0, off, FitSettings(capacity_sd=0.0))
    seen = np.sqrt(np.diagonal(found.ocv_covariance)) < 0.006
    assert seen.sum() > 8
    assert np.abs(found.ocv_v - OCV_V)[seen].max() < 0.005
    assert found.capacity_ah == pytest.approx(60.0)


def test_where_no_trip_has_been_resistances_rise_as_those_of_nearly_empty_cells_do() -> None:
    high = [replace(trip, soc=0.99) for trip in drives(5, 4, steps=60)]
    rising = fit_prototype(high, 60.0, OCV_V, FitSettings(capacity_sd=0.0))
    even = fit_prototype(high, 60.0, OCV_V, FitSettings(capacity_sd=0.0, near_empty=()))
    assert rising.r0_ohm[0] / rising.r0_ohm[2] == pytest.approx(NEAR_EMPTY[0] / NEAR_EMPTY[2], rel=0.05)
    assert even.r0_ohm[0] / even.r0_ohm[2] == pytest.approx(1.0, rel=0.05)


def test_missing_voltages_are_left_out(trips: list[TrainingTrip]) -> None:
    few = [replace(trip, voltage_v=np.where(np.arange(150) % 3 == 0, np.nan, trip.voltage_v)) for trip in trips[1:4]]
    found = fit_prototype(few, 57.0, OCV_V, FitSettings(pairs=1, capacity_sd=0.0))
    assert np.isfinite(found.ocv_v).all() and found.rmse_v < 0.004


def test_too_little_data_is_refused(trips: list[TrainingTrip]) -> None:
    unmeasured = replace(trips[0], voltage_v=np.where(np.arange(150) < 29, trips[0].voltage_v, np.nan))
    for nothing in ([], [unmeasured]):
        with pytest.raises(LearningError, match="no trip with 30 measured steps"):
            fit_prototype(nothing, 60.0, OCV_V, FitSettings())
