"""The pack whose voltage is a network: what lives on it, and what it does where it has not been."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.battery.networks import bounded
from tests.testing.test_models import pack_example
from twinpack.battery.ecm import rc_step_ramp
from twinpack.battery.families import pack_model
from twinpack.battery.network_pack import NetworkCell, NetworkPack
from twinpack.battery.ocv import ocv_table
from twinpack.filters.model import Living
from twinpack.testing import Example, check_model

GRID = tuple(round(0.1 * i, 1) for i in range(11))
NET = bounded("soc", "current_a", "temp_c", "low1_a", "low2_a")
CELL = NetworkCell(
    series=96,
    capacity_ah=60.0,
    soc=GRID,
    ocv_v=tuple(float(one) for one in ocv_table("nmc811").pchip(np.array(GRID))),
    network=NET,
    tau_s=(30.0, 600.0),
    resistance_ohm=0.001,
    beyond_v=0.05,
    living=(
        Living("capacity_scale", 1.0, 0.05, 0.001, 0.3, 1.6),
        Living("r0_scale", 1.0, 0.1, 0.004, 0.2, 5.0),
        Living("beyond_scale", 1.0, 0.5, 0.004, 0.0, 4.0),
        Living("offset_v", 0.0, 0.004, 0.0002, -0.1, 0.1),
    ),
)
PACK = NetworkPack(CELL)


def at(**values: float) -> tuple[dict[str, Any], dict[str, Any]]:
    x = dict.fromkeys(PACK.dynamic, 0.0) | {one.name: one.mean for one in PACK.living} | {"soc": 0.5}
    u = {"current_a": -30.0, "interval_start_a": -30.0, "interval_end_a": -30.0, "dt_s": 10.0, "temp_c": 20.0}
    return {name: values.get(name, x[name]) for name in x}, {name: values.get(name, u[name]) for name in u}


def volts(**values: float) -> float:
    return float(PACK.measure(*at(**values)))


@pytest.mark.slow
def test_it_passes_what_every_model_has_to() -> None:
    states = {"soc": (0.6, 0.02), "low1_a": (0.0, 0.06), "low2_a": (0.0, 0.06), "error_v": (0.0, 1e-4)}
    assert not check_model(PACK, Example(states | {"trip_v": (0.0, 0.01)}, pack_example(1).inputs)).failed


def test_the_living_scale_is_of_what_the_current_does() -> None:
    rest = volts(current_a=0.0)
    assert volts(r0_scale=2.0) - rest == pytest.approx(2.0 * (volts() - rest), rel=1e-9)
    assert volts(current_a=0.0, r0_scale=3.0) == pytest.approx(rest)
    assert volts(offset_v=0.01) - volts() == pytest.approx(96 * 0.01)


def test_low_passed_currents_are_exact_for_a_ramp() -> None:
    x, u = at(low1_a=5.0, interval_start_a=-10.0, interval_end_a=20.0)
    expected = rc_step_ramp(5.0, -10.0, 20.0, 10.0, 1.0, 30.0)
    assert PACK.transition(x, u)[1] == pytest.approx(float(expected), rel=1e-12)


def test_below_the_charge_it_has_seen_it_follows_the_packs_table() -> None:
    table = ocv_table("nmc811").pchip
    fall = 96 * float(table(0.2) - table(0.1))
    assert volts(soc=0.2) - volts(soc=0.1) == pytest.approx(fall, rel=1e-9)
    assert volts(soc=0.2) - volts(soc=0.1, beyond_scale=2.0) == pytest.approx(2.0 * fall, rel=1e-9)


def test_outside_the_currents_and_temperatures_it_has_seen_the_band_widens() -> None:
    def sd(**values: float) -> float:
        return float(np.sqrt(PACK.prediction_variance(at(**values)[1])))

    assert sd(temp_c=34.0) == pytest.approx(sd(temp_c=6.0))
    assert sd(temp_c=50.0) > 1.5 * sd() and sd(temp_c=-20.0) > sd(temp_c=-5.0) > sd()
    assert volts(temp_c=50.0) == pytest.approx(volts(temp_c=35.0))


def test_a_start_is_what_was_told_or_else_read_from_the_voltage() -> None:
    slope = replace(NET, network=replace(NET.network, weights=(np.diag([1.0] + [0.0] * 4), np.ones((5, 1))),
                                         biases=(np.zeros(5), np.array([75.0])), output_scale=0.05))  # fmt: skip
    pack = NetworkPack(replace(CELL, network=slope))
    lanes = {name: np.full(3, value) for name, value in at(current_a=0.0)[1].items()}
    true = np.array([0.6, 0.4, 0.5])
    x = {name: np.full(3, value) for name, value in at()[0].items()} | {"soc": true}
    measured = np.asarray(pack.measure(x, lanes)) + np.array([0.0, 0.0, np.nan])
    mean, sd = pack.start(measured, lanes, np.array([0.7, np.nan, np.nan]), 0.02)
    np.testing.assert_allclose(mean[0], [0.7, 0.4, 0.5], atol=0.01)
    np.testing.assert_allclose(sd[0], [0.02, 0.10, 0.3])
    assert mean.shape == sd.shape == (len(pack.dynamic), 3) and (sd > 0.0).all()


def test_an_artifact_gives_the_same_model() -> None:
    model = pack_model("network", json.loads(json.dumps(CELL.to_dict())))
    assert model.measure(*at(soc=0.33)) == volts(soc=0.33) and model.names == PACK.names
    np.testing.assert_allclose(
        model.open_circuit(np.array([0.5]), np.array([0.0] * 5 + [1.0, 1.0, 1.0, 0.0])),
        volts(current_a=0.0, temp_c=25.0) / 96,
    )
