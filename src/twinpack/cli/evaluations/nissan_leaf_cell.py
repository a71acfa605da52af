"""The evaluation on the pulse tests of one Nissan Leaf cell: every second pulse is left out of the fit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from twinpack.learn.prototype import TrainingTrip

Metrics = dict[str, Any]
Floats = npt.NDArray[np.float64]

TESTS = {"25c": "cell_hppc_25C.parquet", "40c": "cell_hppc_40C.parquet"}
PULSE = 6
"""Step of the cycler's programme that begins a block: the discharge pulse."""

KIND = "thevenin-3rc"
PULSE_S = 90.0
"""A block begins with a discharge pulse, some rest and a charge pulse, so long; a slow discharge and rest follow."""


def evaluate(data: Path, quick: bool) -> Metrics:
    """Blocks of pulses and a slow discharge; the model learns from every second and simulates the others open loop."""
    from twinpack.battery.families import pack_model
    from twinpack.battery.pack import load_pack
    from twinpack.evaluate.open_loop import simulate_trip
    from twinpack.learn.model import learn_model

    metrics: Metrics = {}
    for name, file in list(TESTS.items())[: 1 if quick else None]:
        if not (data / file).is_file():
            continue
        blocks = pulse_blocks(data / file)
        pulses, told, whole = [], [], []
        for first in (0,) if quick else (0, 1):
            left_out = blocks[1 + first :: 2]
            train = [one for one in blocks if all(one is not other for other in left_out)]
            artifact = learn_model(train, load_pack("nissan_leaf_33ah"), KIND).artifact
            model = pack_model(artifact["kind"], artifact["model"])
            for one in left_out[: -1 if left_out[-1] is blocks[-1] else None]:
                error = simulate_trip(model, one) - one.voltage_v
                pulse = error[one.time_s <= PULSE_S]
                # The rest before the pulse corrects what the trip's voltage is off as a whole, as at a twin's start.
                pulses.append(_rms(pulse - pulse[0]))
                told.append(_rms(pulse))
                whole.append(_rms(error))
        metrics[f"pulse_rmse_mv_{name}"] = 1e3 * max(pulses)
        metrics[f"pulse_median_rmse_mv_{name}"] = 1e3 * float(np.median(pulses))
        metrics[f"pulse_uncorrected_rmse_mv_{name}"] = 1e3 * max(told)
        metrics[f"block_rmse_mv_{name}"] = 1e3 * max(whole)
        metrics[f"n_{name}"] = len(pulses)
    return metrics | {"split": "every second block of pulses left out, then the others; not the first and the last"}


def pulse_blocks(path: Path) -> list[TrainingTrip]:
    """The blocks of a pulse test, each from the rest before its pulse to the end of the rest after it."""
    import pyarrow.parquet as pq

    from twinpack.learn.prototype import TrainingTrip

    table = pq.read_table(path)
    names = ("time_s", "voltage_V", "current_A", "ambient_C", "step")
    time, volts, current, temp, step = (table.column(name).to_numpy().astype(np.float64) for name in names)
    passed = np.concatenate([[0.0], np.cumsum(0.5 * (current[1:] + current[:-1]) * np.diff(time)) / 3600.0])
    starts = np.flatnonzero((step[1:] == PULSE) & (step[:-1] != PULSE))
    full = float(passed[starts[0]])
    # From full to where the test ends, empty: what flowed is the capacity.
    capacity = full - float(passed.min(where=np.arange(len(passed)) >= starts[0], initial=full))
    blocks = []
    for first, end in zip(starts, [*starts[1:], len(time) - 1], strict=True):
        part = slice(first, end + 1)
        soc = 1.0 + (float(passed[first]) - full) / capacity
        blocks.append(TrainingTrip("leaf-cell", time[part] - time[first], volts[part], current[part], temp[part], soc))
    return blocks


def _rms(error: Floats) -> float:
    return float(np.sqrt(np.mean(error**2)))
