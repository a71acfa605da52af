"""`twinpack evaluate nissan_leaf_cell` on pulse tests that a simple circuit made."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from twinpack.battery.pack import load_pack
from twinpack.cli.evaluations.nissan_leaf_cell import PACK, evaluate

CAPACITY_AH = 30.0
STEPS = (
    (6, -30.0, 30.0, 0.5),
    (7, 0.0, 40.0, 1.0),
    (8, 22.5, 10.0, 0.1),
    (9, -10.0, 1080.0, 10.0),
    (10, 0.0, 3600.0, 60.0),
)
"""Number, current, A, duration and sampling period, s, of the steps of a level."""

Floats = npt.NDArray[np.float64]


def pulses(temp_c: float) -> pa.Table:
    """Ten levels down from full; a resistance and one pair, both smaller in the heat."""
    warmth = 1.0 - 0.012 * (temp_c - 25.0)
    number, current, width = (
        np.concatenate([[step, *[step] * round(long / dt)] for step, _, long, dt in STEPS]),
        np.concatenate([[amps, *[amps] * round(long / dt)] for _, amps, long, dt in STEPS]),
        np.concatenate([[0.5, *[dt] * round(long / dt)] for _, _, long, dt in STEPS]),
    )
    cut = -len(current) // 3  # the last discharge ends before its rest
    number, current, width = (np.tile(one, 10)[:cut] for one in (number, current, width))
    rested = np.full(3, 60.0)
    number, current, width = np.r_[0 * rested + 5, number], np.r_[0 * rested, current], np.r_[rested, width]
    charge = np.cumsum(current * width) / 3600.0
    soc = 1.0 + charge / CAPACITY_AH
    pair = np.zeros(len(current))
    for at in range(1, len(pair)):
        decay = np.exp(-width[at] / 30.0)
        pair[at] = decay * pair[at - 1] + (1.0 - decay) * 0.001 * warmth * current[at]
    volts = load_pack(PACK).ocv.pchip(np.maximum(soc, 0.0)) + 0.002 * warmth * current + pair
    return pa.table({"time_s": np.cumsum(width), "current_A": current, "voltage_V": volts, "step": number})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nissan_leaf_cell")
    for temp in (25, 40):
        pq.write_table(pulses(temp), folder / f"cell_hppc_{temp}C.parquet")
    return folder


def test_a_pulse_that_the_fit_did_not_see_is_predicted(folder: Path) -> None:
    metrics = evaluate(folder, True)
    assert metrics["n"] == metrics["pulses_25c"] + metrics["pulses_40c"] == 6
    for temp in ("25c", "40c"):
        assert 0.0 < metrics[f"pulse_rmse_mv_{temp}"] <= metrics[f"pulse_worst_rmse_mv_{temp}"] < 8.0
        assert metrics[f"pulse_worst_rmse_mv_{temp}"] <= metrics[f"pulse_largest_error_mv_{temp}"]
