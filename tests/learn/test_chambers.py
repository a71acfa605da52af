"""Tests in a climate chamber become tables over temperature that hold on a drive that was left out."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from tests.learn.drives import OCV_V, OHM, R_GRID, SOC_GRID, TRUTH, drives, run
from twinpack.battery.ocv import OcvTable
from twinpack.battery.pack import PackSpec, load_pack
from twinpack.battery.thevenin import Circuit, Thevenin, circuit_from_dict
from twinpack.learn.chambers import chambers, slow_capacity_ah
from twinpack.learn.model import Learned, learn_model
from twinpack.learn.prototype import TrainingTrip

Floats = npt.NDArray[np.float64]
CAPACITY_AH, STEPS = 57.0, 200
SLOW_S = CAPACITY_AH * 3600.0 / 3.0 / 199.0
TEMPS_C = (-10.0, 10.0, 25.0)
SHAPES = ((3.0, 2.0, 1.2, 1.0, 1.2), (2.0, 1.4, 1.1, 1.0, 1.1), (1.5, 1.1, 1.0, 1.0, 1.0))
PACK: PackSpec = replace(
    load_pack("sim_nmc_96s"),
    series=1,
    capacity_ah=60.0,
    cell_voltage_min_v=2.5,
    ocv=OcvTable("made", "NMC", SOC_GRID, tuple(float(v) for v in OCV_V)),
)


def _table(ohm: float) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(ohm * one for one in shape) for shape in SHAPES)


CELL: Circuit = replace(
    TRUTH,
    tau_s=(60.0, 800.0),
    ea0_j_mol=30e3,
    ea1_j_mol=30e3,
    living=(replace(TRUTH.living[0], mean=CAPACITY_AH / 60.0), *TRUTH.living[1:]),
    temps_c=((-12.0, -8.0), (8.0, 12.0), (23.0, 27.0)),
    ocv_at_v=tuple(tuple(float(v) for v in OCV_V + shift) for shift in (-0.02, -0.01, 0.0)),
    r0_at_ohm=_table(0.8 * OHM),
    pairs_at_ohm=(_table(0.4 * OHM), _table(0.5 * OHM)),
)


def _tests(seed: int, slow: bool = False) -> list[TrainingTrip]:
    """Three drives at each temperature, or one slow full discharge."""
    rng = np.random.default_rng(seed)
    temps = np.repeat(TEMPS_C, 1 if slow else 3)
    time: Floats = (SLOW_S if slow else 40.0) * np.arange(STEPS, dtype=np.float64)
    loads = -np.repeat(60.0 * rng.uniform(0.0, 0.7, (STEPS // 4, len(temps))), 4, axis=0)
    amps: Floats = np.full((STEPS, len(temps)), -3.0) if slow else loads
    warmth: Floats = np.tile(temps, (STEPS, 1))
    volts = run(CELL, time, amps, warmth, np.ones(len(temps)))
    return [
        TrainingTrip("cell", time, volts[:, lane], amps[:, lane], warmth[:, lane], 1.0) for lane in range(len(temps))
    ]


@pytest.fixture(scope="module")
def tests() -> list[TrainingTrip]:
    return _tests(1) + _tests(2, slow=True)


@pytest.fixture(scope="module")
def learned(tests: list[TrainingTrip]) -> Learned:
    return learn_model(tests, PACK, "thevenin-2rc")


def test_tests_of_one_setting_go_together_and_a_fleet_has_no_settings(tests: list[TrainingTrip]) -> None:
    ah = PACK.capacity_ah
    assert [len(group) for group in chambers(tests[::-1], ah)] == [4, 4, 4]
    assert chambers(tests[:9], ah) != [] and chambers(drives(4, 4, steps=30), ah) == []


def test_two_settings_are_enough_on_a_bench_that_goes_over_the_charge(tests: list[TrainingTrip]) -> None:
    def bench(*temps_c: float) -> list[TrainingTrip]:
        return [replace(tests[-1], temp_c=np.full_like(tests[-1].temp_c, temp)) for temp in temps_c]

    still, weather = bench(25, 25, 25, 40, 40, 40), bench(25, 25, 25, 38, 40, 42)
    assert [len(group) for group in chambers(still, PACK.capacity_ah)] == [3, 3]
    assert chambers(weather, PACK.capacity_ah) == []
    assert chambers(still, 10.0 * PACK.capacity_ah) == []


def test_the_slow_full_discharge_tells_the_capacity(tests: list[TrainingTrip]) -> None:
    told = slow_capacity_ah(tests, PACK)
    assert told == pytest.approx(CAPACITY_AH)
    assert slow_capacity_ah(tests[:9], PACK) is None


def test_tables_predict_a_drive_that_was_left_out_at_each_temperature(learned: Learned) -> None:
    circuit = circuit_from_dict(json.loads(json.dumps(learned.artifact["model"])))
    assert np.mean(circuit.temps_c, axis=1) == pytest.approx(TEMPS_C, abs=0.5) and not circuit.ocv_knots
    left_out = _tests(3)
    current, temp = (np.stack([getattr(one, name) for one in left_out], axis=1) for name in ("current_a", "temp_c"))
    simulated = run(circuit, left_out[0].time_s, current, temp, np.ones(len(left_out)))
    error = simulated - np.stack([one.voltage_v for one in left_out], axis=1)
    assert np.sqrt(np.mean(error**2, axis=0)).max() < 0.006


def test_between_two_temperatures_tables_are_interpolated() -> None:
    model, soc = Thevenin(CELL), np.array([0.1, 0.62])
    u = {"temp_c": np.array([16.0, 40.0])}
    r0 = np.array([np.interp(soc, R_GRID, row) for row in CELL.r0_at_ohm])
    wanted = [r0[1, 0] * 7 / 11 + r0[2, 0] * 4 / 11, r0[2, 1]]  # beyond the last the last one holds
    x = {name: np.zeros(2) for name in model.dynamic} | {one.name: np.full(2, one.mean) for one in CELL.living}
    rest = model.measure(x | {"soc": soc}, u | {"current_a": np.zeros(2)})
    load = model.measure(x | {"soc": soc}, u | {"current_a": np.full(2, 1e-3)})
    warm = np.exp(30e3 / 8.314462618 * (1.0 / (u["temp_c"] + 273.15) - 1.0 / 298.15))
    np.testing.assert_allclose((load - rest) / 1e-3 / warm, wanted, rtol=1e-6)
