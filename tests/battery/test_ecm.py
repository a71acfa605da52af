from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinpack.battery import ecm

currents = st.floats(-400.0, 400.0)
seconds = st.floats(0.01, 5000.0)


@given(u=st.floats(-1.0, 1.0), current=currents, total=seconds, share=st.floats(0.01, 0.99), tau=st.floats(1.0, 1e4))
def test_a_held_step_may_be_cut_anywhere(u: float, current: float, total: float, share: float, tau: float) -> None:
    first = ecm.rc_step(u, current, share * total, 0.01, tau)
    parts = ecm.rc_step(first, current, (1.0 - share) * total, 0.01, tau)
    assert float(parts) == pytest.approx(float(ecm.rc_step(u, current, total, 0.01, tau)), abs=1e-9)


@given(start=currents, end=currents, total=seconds, share=st.floats(0.05, 0.95), tau=st.floats(1.0, 1e4))
def test_a_ramp_may_be_cut_anywhere(start: float, end: float, total: float, share: float, tau: float) -> None:
    between = start + share * (end - start)
    first = ecm.rc_step_ramp(0.0, start, between, share * total, 0.01, tau)
    parts = ecm.rc_step_ramp(first, between, end, (1.0 - share) * total, 0.01, tau)
    assert float(parts) == pytest.approx(float(ecm.rc_step_ramp(0.0, start, end, total, 0.01, tau)), abs=1e-6)


@given(current=currents, dt=seconds)
def test_a_ramp_without_slope_is_a_held_current(current: float, dt: float) -> None:
    held = float(ecm.rc_step(0.2, current, dt, 0.01, 60.0))
    assert float(ecm.rc_step_ramp(0.2, current, current, dt, 0.01, 60.0)) == pytest.approx(held, abs=1e-9)


@given(h=st.floats(-1.0, 1.0), current=currents, dt=seconds)
def test_hysteresis_stays_between_its_branches(h: float, current: float, dt: float) -> None:
    after = float(ecm.hysteresis_step(h, current, dt, 150.0, 50.0))
    assert -1.0 - 1e-12 <= after <= 1.0 + 1e-12


def test_hysteresis_keeps_its_value_at_rest() -> None:
    assert float(ecm.hysteresis_step(0.4, 0.0, 1e6, 5.0, 50.0)) == 0.4


def test_the_check_voltage_with_hysteresis() -> None:
    h = ecm.hysteresis_step(0.0, 5.0, 60.0, 5.0, 50.0)
    assert float(ecm.terminal_voltage(3.30, 5.0, 0.0, 0.010 * h, 0.002)) == pytest.approx(3.308, abs=5e-4)


def test_pulse_resistance_runs_from_ohmic_to_full() -> None:
    pairs = [(0.015, 30.0), (0.010, 600.0)]
    assert float(ecm.pulse_resistance(0.0, 0.020, *pairs)) == pytest.approx(0.020)
    assert float(ecm.pulse_resistance(10.0, 0.020, *pairs)) == pytest.approx(0.02442, abs=5e-6)
    assert float(ecm.pulse_resistance(1e6, 0.020, *pairs)) == pytest.approx(0.045)
    assert float(ecm.current_limit(2.8, 3.7, 10.0, 0.020, *pairs)) == pytest.approx(-36.86, abs=0.01)


def test_formulas_work_on_arrays_of_vehicles() -> None:
    soc = ecm.coulomb_count(np.array([0.5, 0.5]), np.array([-5.0, 5.0]), 600.0, 5.0, 0.995)
    np.testing.assert_allclose(soc, [1.0 / 3.0, 0.6658333], rtol=1e-6)


def test_a_pack_has_series_over_parallel_times_the_resistance() -> None:
    assert float(ecm.pack_resistance(0.001, 96, 2)) == pytest.approx(0.048)
