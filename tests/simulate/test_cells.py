from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinpack.battery.pack import load_pack
from twinpack.simulate.cells import Batteries, FastOcv, State, advance, at_rest, batteries, open_circuit, rested

PACK = load_pack("sim_nmc_96s")
OCV = FastOcv(PACK.ocv)


def one(capacity_ah: float = 150.0, spare: float = 1.0, ratio: float = 1.0) -> Batteries:
    return batteries(PACK, np.array([capacity_ah]), np.array([spare]), np.array([ratio]), np.array([ratio]), OCV)


def start(b: Batteries, soc: float = 0.6, temp_c: float = 25.0) -> State:
    return at_rest(b, np.array([soc]), np.array([temp_c]))


def run(b: Batteries, state: State, demand_w: float, steps: int, dt_s: float = 10.0) -> State:
    for _ in range(steps):
        state = advance(b, state, np.array([dt_s]), np.array([demand_w]), np.array([25.0]), -np.inf, np.inf)
    return state


def test_the_fast_curve_is_the_pchip_curve() -> None:
    soc = np.linspace(0.0, 1.0, 5001)
    np.testing.assert_allclose(OCV(soc), PACK.ocv.pchip(soc), atol=1e-5)
    inner = np.linspace(0.1, 0.94, 40)
    np.testing.assert_allclose(OCV.slope(inner), PACK.ocv.slope(inner), atol=0.02)


@given(soc=st.floats(0.15, 0.95), power=st.floats(-120_000.0, 60_000.0), temp=st.floats(-10.0, 40.0))
def test_limits_hold_and_charge_is_the_mean_current_times_time(soc: float, power: float, temp: float) -> None:
    b = one()
    state = start(b, soc, temp)
    for _ in range(8):
        before = state
        state = run(b, state, power, 1)
        flowed = 0.5 * (before.current_a + state.current_a) * 10.0 / 3600.0 / 150.0
        assert state.soc[0] == pytest.approx((before.soc + flowed)[0], abs=1e-12)
        assert PACK.voltage_min_v <= state.voltage_v[0] <= PACK.voltage_max_v
        assert -PACK.discharge_current_max_a <= state.current_a[0] <= PACK.charge_current_max_a


@given(soc=st.floats(0.3, 0.8), power=st.floats(-80_000.0, 40_000.0))
def test_the_power_asked_for_is_delivered(soc: float, power: float) -> None:
    state = run(one(), start(one(), soc), power, 5)
    assert float(state.voltage_v[0] * state.current_a[0]) == pytest.approx(power, abs=20.0 + 0.01 * abs(power))


def test_it_warms_when_used_and_sags_more_when_cold_or_worn() -> None:
    warm, cold = (run(one(), start(one(), 0.6, t), -60_000.0, 6) for t in (25.0, 5.0))
    worn = run(one(ratio=1.6), start(one(), 0.6), -60_000.0, 6)
    assert warm.temp_c[0] > 25.0
    assert cold.voltage_v[0] < warm.voltage_v[0] - 2.0
    assert worn.voltage_v[0] < warm.voltage_v[0] - 2.0


def test_voltage_comes_back_at_rest() -> None:
    b = one()
    loaded = run(b, start(b), -60_000.0, 30)
    relaxed = rested(b, loaded, np.array([7200.0]), np.array([25.0]))
    assert loaded.voltage_v[0] < relaxed.voltage_v[0] - 5.0
    assert relaxed.voltage_v[0] == pytest.approx(float(open_circuit(b, loaded.soc)[0]), abs=0.01)


def test_the_weakest_group_empties_first() -> None:
    equal, uneven = one(spare=1.0), one(spare=1.02)
    assert open_circuit(uneven, np.array([1.0]))[0] == pytest.approx(open_circuit(equal, np.array([1.0]))[0])
    assert open_circuit(uneven, np.array([0.2]))[0] > open_circuit(equal, np.array([0.2]))[0]


def test_a_cold_battery_heats_itself() -> None:
    b = one()
    state = run(b, start(b, 0.6, -8.0), 0.0, 10)
    assert state.heater_w[0] > 0.0
    assert state.temp_c[0] > -8.0
    assert state.current_a[0] < 0.0
