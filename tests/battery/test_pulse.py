from __future__ import annotations

import math

import numpy as np
import pytest

from tests.twin.garage import CIRCUIT
from twinpack.battery.pulse import pulse_ohm
from twinpack.battery.thevenin import Thevenin

MODEL = Thevenin(CIRCUIT)
LIVING = {one.name: np.array([one.mean]) for one in CIRCUIT.living}


@pytest.mark.parametrize("pulse_s", [1.0, 10.0, 60.0])
def test_a_pulse_shows_what_the_circuit_says(pulse_s: float) -> None:
    """`R0 + sum R_i (1 - exp(-t / tau_i))`, times the groups in series."""
    pairs = zip((0.0002, 0.0003), CIRCUIT.tau_s, strict=True)
    ohm = 96 * (0.0008 + sum(r * (1.0 - math.exp(-pulse_s / tau)) for r, tau in pairs))
    assert pulse_ohm(MODEL, LIVING, 0.5, 25.0, pulse_s, held=True)[0] == pytest.approx(ohm, rel=1e-6)


def test_the_fall_of_the_voltage_at_rest_counts_unless_the_charge_is_held() -> None:
    held = pulse_ohm(MODEL, LIVING, 0.5, 25.0, 60.0, held=True)[0]
    drop = 96 * (3.7 - 3.55) / 0.25 * (60.0 / 3600.0)  # of the open-circuit voltage at 1 C
    assert pulse_ohm(MODEL, LIVING, 0.5, 25.0, 60.0)[0] == pytest.approx(held + drop / CIRCUIT.capacity_ah, rel=0.02)


def test_cold_and_wear_raise_it() -> None:
    worn = LIVING | {"r0_scale": np.array([1.0, 1.5])}
    new, old = pulse_ohm(MODEL, {name: np.resize(value, 2) for name, value in worn.items()}, 0.5, 25.0, 10.0)
    assert old - new == pytest.approx(96 * 0.5 * 0.0008, rel=0.01)
    assert pulse_ohm(MODEL, LIVING, 0.5, -10.0, 10.0)[0] > 1.5 * new
