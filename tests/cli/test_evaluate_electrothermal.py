"""`twinpack evaluate dmegc_electrothermal` on made cells in the form of the data set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.learn.test_heat import OCV, SOC, TRUTH
from twinpack.cli.evaluations import hybrids
from twinpack.cli.evaluations.dmegc_electrothermal import SLOW, cell_tests, evaluate, others, slow_curve
from twinpack.cli.evaluations.hybrids import gain
from twinpack.learn.heat import HeatTrip, surface_c

CAPACITY_AH = 2.6


def rows(cell: int, test: str, rep: int, discharge_a: npt.NDArray[np.float64], step_s: float, seed: int) -> pa.Table:
    """One test of a cell with a step of voltage when a current flows, which no circuit of ours has."""
    time: npt.NDArray[np.float64] = np.float64(step_s) * np.arange(len(discharge_a))
    passed = np.concatenate([[0.0], np.cumsum(0.5 * (discharge_a[1:] + discharge_a[:-1]) * step_s)]) / 3600.0
    soc = 1.0 - passed / CAPACITY_AH
    volts = np.interp(soc, SOC, OCV) - (0.05 + 0.002 * cell) * discharge_a - 0.04 * np.tanh(discharge_a)
    trip = HeatTrip("", time, -discharge_a, volts, soc, np.full(len(time), 25.0), np.zeros(len(time)))
    noise = np.random.default_rng(seed).standard_normal(len(time))
    size = len(time)
    return pa.table(
        {
            "test": [test] * size,
            "rep": [rep] * size,
            "time_s": time,
            "current_A": discharge_a,
            "voltage_V": volts,
            "temp_C": surface_c(TRUTH, trip) + 0.1 * noise,
        }
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cells")
    rng = np.random.default_rng(2)
    pulse = rows(0, "pulse", 0, np.tile([0.0, 0.0, 1.3, 1.3], 40), 60.0, 9)
    for cell in range(3):
        tests = [rows(cell, SLOW, 0, np.full(361, 0.13), 200.0, cell), pulse if cell < 2 else pulse.slice(0, 100)]
        for rep in range(6):
            current = np.repeat(rng.uniform(0.2, 5.0, 15), 10)
            tests.append(rows(cell, "random_walk", rep, current, 20.0, 10 * cell + rep))
        pq.write_table(pa.concat_tables(tests), folder / f"R{cell + 1}.parquet")
    return folder


@pytest.mark.slow
def test_a_cell_left_out_is_predicted_by_what_the_others_taught(folder: Path) -> None:
    metrics = evaluate(folder, True)
    assert metrics["temp_rmse_c"] < 0.5 and metrics["temp_rmse_c_random_walk"] < 0.6
    assert metrics["hybrid_rmse_mv"] <= metrics["physics_rmse_mv"] and metrics["n"] == 24


def test_a_recording_that_two_cells_share_does_not_teach_where_it_is_judged(folder: Path) -> None:
    tests = cell_tests(folder)
    assert [one.kind for one in others(tests, "R1") if one.cell == "R2"].count("pulse") == 0
    assert [one.kind for one in others(tests, "R3")].count("pulse") == 2
    assert all(one.trip.current_a.max() <= 0.0 for one in tests)


def test_a_slow_curve_tells_capacity_and_open_circuit_voltage(folder: Path) -> None:
    slow = [one.trip for one in cell_tests(folder) if one.kind == SLOW]
    capacity, grid, ocv = slow_curve(slow, CAPACITY_AH)
    assert capacity == pytest.approx(0.13 * 72_000 / 3600.0)
    np.testing.assert_allclose(ocv, np.interp(grid, SOC, OCV) - 0.0118, atol=2e-3)


def test_a_hybrid_that_is_refused_leaves_the_physics(monkeypatch: pytest.MonkeyPatch) -> None:
    from twinpack.errors import LearningError
    from twinpack.learn import hybrid
    from twinpack.learn.learned import Learned

    def refuse(*_: object) -> Learned:
        raise LearningError("nothing to correct")

    monkeypatch.setattr(hybrid, "learn_hybrid", refuse)
    monkeypatch.setattr(hybrids, "errors_v", lambda *_: [0.01, 0.02])
    found = hybrids.against_physics([], [], None, Learned({}, {}))  # type: ignore[arg-type]
    assert gain(*found)["hybrid_gain_pct"] == 0.0
    assert gain([0.03, 0.04], [0.015, 0.02])["hybrid_gain_pct"] == pytest.approx(50.0)
