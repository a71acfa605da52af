"""State of power against the closed formula, and what limits it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.battery.test_network_pack import CELL as CELL_OF_NETWORK
from tests.battery.test_thevenin import FLAT
from twinpack.battery import ecm
from twinpack.battery.network_pack import NetworkPack
from twinpack.battery.pack import PackSpec, load_pack
from twinpack.battery.power import Doubt, pulse_voltage, scaled, state_of_power, variants
from twinpack.battery.thevenin import Thevenin

Floats = npt.NDArray[np.float64]

CELL = replace(FLAT, soc=(0.0, 0.5, 1.0), ocv_v=(3.70, 3.70, 3.70))
"""The test cell with an open-circuit voltage that does not move, so that the formula for a pulse from rest holds."""
MEAN = np.array([[1.0], [1.0], [1.0], [0.0]])


def cell_pack(**changes: Any) -> PackSpec:
    """A pack of one such cell whose current is not what limits it."""
    wide = replace(
        load_pack("sim_nmc_96s"),
        series=1,
        capacity_ah=5.0,
        cell_voltage_min_v=2.8,
        cell_voltage_max_v=4.2,
        charge_current_max_a=500.0,
        discharge_current_max_a=500.0,
    )
    return replace(wide, **changes)


def asked(way: Any, seconds: float = 10.0, soc: float = 0.5, temp_c: float = 25.0, **changes: Any) -> Any:
    return state_of_power(Thevenin(CELL), cell_pack(**changes), MEAN, np.array([soc]), temp_c, way, seconds)


def test_the_current_limit_of_the_check_values() -> None:
    charge, discharge = asked("charge"), asked("discharge")
    assert charge.current_a[0] == pytest.approx(20.48, abs=5e-3)
    assert discharge.current_a[0] == pytest.approx(36.86, abs=5e-3)
    assert charge.limit == discharge.limit == "voltage"
    # what it can hold: at its end a discharge, at its begin a charge is weakest
    assert discharge.power_kw[0] == pytest.approx(36.86 * 2.8 / 1000.0, rel=1e-3)
    assert charge.power_kw[0] == pytest.approx(20.48 * (3.7 + 0.02 * 20.48) / 1000.0, rel=1e-3)


@settings(max_examples=30, deadline=None)
@given(seconds=st.floats(1.0, 60.0), limit=st.floats(2.5, 3.6))
def test_any_pulse_agrees_with_the_formula(seconds: float, limit: float) -> None:
    found = asked("discharge", seconds, cell_voltage_min_v=limit)
    pairs = [(0.015, 30.0), (0.010, 600.0)]
    expected = abs(float(ecm.current_limit(limit, 3.7, seconds, 0.02, *pairs)))
    assert found.current_a[0] == pytest.approx(expected, rel=1e-6)


def test_a_pack_of_many_cells_gives_as_many_times_the_power() -> None:
    model = Thevenin(replace(CELL, series=96))
    found = state_of_power(model, cell_pack(series=96), MEAN, np.array([0.5]), 25.0, "discharge", 10.0)
    assert found.power_kw[0] == pytest.approx(96 * asked("discharge").power_kw[0], rel=1e-9)


def test_the_current_the_charge_and_the_temperature_limit_it_too() -> None:
    assert asked("discharge", discharge_current_max_a=10.0).limit == "current"
    assert asked("discharge", discharge_current_max_a=10.0).current_a[0] == 10.0
    last = asked("discharge", 30.0, soc=0.01)
    assert last.limit == "charge" and last.current_a[0] == pytest.approx(0.01 * 5.0 * 3600.0 / 30.0)
    assert asked("charge", soc=1.0).power_kw[0] == 0.0
    cold = asked("charge", temp_c=-50.0)
    assert cold.limit == "temperature" and cold.power_kw[0] == 0.0


def test_cold_and_wear_take_power() -> None:
    power = [asked("discharge", temp_c=temp).power_kw[0] for temp in (-10.0, 10.0, 35.0)]
    assert power == sorted(power)
    model, pack = Thevenin(CELL), cell_pack()
    worn = scaled(model, MEAN, {"r0_scale": 2.0, "r_scale": 2.0})
    found = state_of_power(model, pack, worn, np.array([0.5]), 25.0, "discharge", 10.0)
    assert found.current_a[0] == pytest.approx(0.5 * asked("discharge").current_a[0], rel=1e-6)


def test_an_uncertain_twin_has_an_uncertain_power() -> None:
    model = Thevenin(CELL)
    draws = variants(model, [1.0, 1.0, 1.0, 0.0], np.diag([0.02, 0.1, 0.1, 0.002]) ** 2, 500, np.random.default_rng(1))
    found = state_of_power(model, cell_pack(), draws, np.full(500, 0.5), 25.0, "discharge", 10.0)
    assert found.current_a[0] == pytest.approx(36.86, abs=5e-3), "the mean comes first"
    assert 0.04 < found.current_a.std() / found.current_a.mean() < 0.15
    bounds = {one.name: (one.lower, one.upper) for one in model.living}
    wild = variants(model, [1.0, 1.0, 1.0, 0.0], np.eye(4) * 100.0, 500, np.random.default_rng(1))
    for row, (low, high) in zip(wild[:, 1:], bounds.values(), strict=True):
        assert row.min() >= low and row.max() <= high


def test_a_voltage_can_be_asked_for_the_charge_before() -> None:
    model = Thevenin(FLAT)  # here the open-circuit voltage falls with the charge
    soc, current = np.array([0.5]), np.array([-5.0])
    moved, held = (pulse_voltage(model, MEAN, soc, current, 25.0, 60.0, moves) for moves in (True, False))
    fallen = 5.0 * 60.0 / 3600.0 / 5.0 * (3.7 - 3.0) / 0.5
    assert held[0] - moved[0] == pytest.approx(fallen, rel=1e-6)
    assert held[0] == pytest.approx(3.530, abs=5e-4), "the check value at 60 s"


def test_a_network_is_not_asked_beyond_the_currents_it_was_taught_at() -> None:
    pack = NetworkPack(CELL_OF_NETWORK)  # taught from -200 to 100 A
    living = np.array([[one.mean] for one in pack.living])
    soc = np.array([0.5])

    def volts(current: float) -> float:
        return float(pulse_voltage(pack, living, soc, np.array([current]), 20.0, 10.0, moves=False)[0])

    for edge, beyond in ((-200.0, -400.0), (100.0, 250.0)):
        assert volts(beyond) == pytest.approx(volts(0.0) + (volts(edge) - volts(0.0)) * beyond / edge, rel=1e-9)
    assert volts(-400.0) != pytest.approx(volts(-200.0), rel=1e-6)


def test_what_the_model_doubts_of_itself_widens_the_power_and_most_beyond_usual_currents() -> None:
    model, pack = Thevenin(replace(CELL, transfer_share=0.5)), cell_pack()
    living, soc = np.repeat(MEAN, 400, axis=1), np.full(400, 0.5)
    doubt = Doubt.drawn(400, np.random.default_rng(3))
    assert doubt.errors[0] == 0.0 and doubt.straight[0] == 0.5

    def current(doubt: Doubt | None, **changes: float) -> Floats:
        found = state_of_power(model, cell_pack(**changes), living, soc, 25.0, "discharge", 10.0, doubt=doubt)
        return np.asarray(found.current_a)

    sure, told = current(None), current(doubt)
    assert sure.std() < 1e-6 * sure.mean() and 0.01 < told.std() / told.mean() < 0.3
    assert np.median(told) < sure[0], "a resistance that goes on straight takes more than one that saturates"
    still = Doubt(np.zeros(400), np.ones(400))
    near = {"cell_voltage_min_v": 3.62}  # reached below one times the capacity an hour
    assert current(still, **near) == pytest.approx(current(None, **near), rel=1e-6)
    assert pack.cell_voltage_min_v == 2.8 and (current(still) < 0.97 * sure).all()
