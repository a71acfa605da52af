"""The heat of cells: what is learned is what made it, and a prediction reads no measured temperature."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from twinpack.battery.heat import CellHeat, HeatBalance, heat_from_dict
from twinpack.battery.pack import load_pack
from twinpack.battery.thermal import overpotential_heat, reversible_heat, temperature_step
from twinpack.errors import LearningError
from twinpack.learn.heat import HeatSettings, HeatTrip, fit_heat, learn_heat, rmse_c, surface_c
from twinpack.testing import Example, check_model

SOC, OCV = np.array([0.0, 0.5, 1.0]), np.array([3.2, 3.6, 4.15])
TRUTH = HeatBalance(
    soc=tuple(SOC),
    ocv_v=tuple(OCV),
    entropy_soc=(0.0, 0.5, 1.0),
    entropy_v_k=(-3e-4, 1e-4, 0.0),
    heat_capacity_j_k=45.0,
    conductance_w_k=0.11,
    air_k=0.8,
)
CELLS = 3


def trip(cell: int, seed: int, ambient: float = 25.0) -> HeatTrip:
    """Random steps of current down from full, with a resistance that differs from cell to cell."""
    rng = np.random.default_rng(seed)
    time = np.arange(0.0, 4000.0, 20.0)
    current = -np.repeat(rng.uniform(0.0, 4.0, 20), 10)
    passed = np.concatenate([[0.0], np.cumsum(0.5 * (current[1:] + current[:-1]) * 20.0)])
    soc = 1.0 + passed / 3600.0 / 2.6
    volts = np.interp(soc, SOC, OCV) + (0.05 + 0.003 * cell) * current
    told = HeatTrip(f"c{cell}", time, current, volts, soc, np.full(len(time), ambient), np.zeros(len(time)))
    return replace(told, temp_c=surface_c(TRUTH, told) + 0.1 * rng.standard_normal(len(time)))


@pytest.fixture(scope="module")
def trips() -> list[HeatTrip]:
    return [trip(cell, 10 * cell + k) for cell in range(CELLS) for k in range(3)]


def test_the_balance_that_made_the_temperatures_is_found(trips: list[HeatTrip]) -> None:
    found = fit_heat(trips, SOC, OCV, HeatSettings())
    assert found.heat_capacity_j_k == pytest.approx(TRUTH.heat_capacity_j_k, rel=0.1)
    assert found.conductance_w_k == pytest.approx(TRUTH.conductance_w_k, rel=0.1)
    assert found.air_k == pytest.approx(TRUTH.air_k, abs=0.1)
    entropy = np.interp([0.3, 0.5, 0.8], found.entropy_soc, found.entropy_v_k)
    np.testing.assert_allclose(entropy, np.interp([0.3, 0.5, 0.8], [0.0, 0.5, 1.0], TRUTH.entropy_v_k), atol=6e-5)


def test_it_predicts_a_cell_it_has_not_seen_in_other_air(trips: list[HeatTrip]) -> None:
    learned = learn_heat(trips, load_pack("dmegc_2p6ah"), SOC, OCV)
    balance = heat_from_dict(json.loads(json.dumps(learned.artifact["model"])))
    unseen = trip(5, 99, ambient=5.0)
    assert rmse_c(balance, [unseen]) < 0.25
    assert learned.card["metrics"]["rmse_c"] <= learned.card["metrics"]["held_out_rmse_c"] < 0.25
    assert learned.card["data"]["vehicles"] == CELLS and learned.artifact["kind"] == "heat"
    np.testing.assert_array_equal(
        surface_c(balance, unseen), surface_c(balance, replace(unseen, temp_c=np.full(len(unseen.time_s), np.nan)))
    )


def test_one_step_is_the_lumped_balance() -> None:
    model = CellHeat(TRUTH)
    u: dict[str, Any] = {"current_a": -2.0, "voltage_v": 3.3, "soc": 0.5, "ambient_c": 20.0, "dt_s": 30.0}
    heat = overpotential_heat(-2.0, 3.3, 3.6) + reversible_heat(-2.0, 293.15, 1e-4)
    expected = temperature_step(26.0, heat, 30.0, 2.0 * 22.5, (0.11, 20.8))
    x = {"temp_c": 26.0, "heating_scale": 1.0, "cooling_scale": 1.0}
    assert model.transition(x, u)[0] == pytest.approx(float(expected), rel=1e-12)


@pytest.mark.slow
def test_it_passes_what_every_model_has_to(trips: list[HeatTrip]) -> None:
    one = trips[0]
    inputs = {name: getattr(one, name)[:120] for name in ("current_a", "voltage_v", "soc", "ambient_c")}
    example = Example({"temp_c": (25.0, 1.0)}, inputs | {"dt_s": np.full(120, 20.0)})
    assert not check_model(CellHeat(TRUTH), example).failed


def test_cells_that_stay_cold_are_refused(trips: list[HeatTrip]) -> None:
    cold = [replace(one, temp_c=np.full(len(one.time_s), 25.0)) for one in trips]
    with pytest.raises(LearningError, match=r"change a cell's temperature by 0\.0 °C"):
        fit_heat(cold, SOC, OCV, HeatSettings())


def test_a_current_of_the_wrong_sign_is_refused(trips: list[HeatTrip]) -> None:
    wrong = [replace(one, current_a=-one.current_a) for one in trips]
    with pytest.raises(LearningError, match="check the sign of the current"):
        fit_heat(wrong, SOC, OCV, HeatSettings())
