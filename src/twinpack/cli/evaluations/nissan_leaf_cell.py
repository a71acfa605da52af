"""The evaluation on pulse tests of one cell: each pulse left out of the fit in turn, and then simulated open loop."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from twinpack.learn.prototype import TrainingTrip

Metrics = dict[str, Any]
Floats = npt.NDArray[np.float64]

PACK = "nissan_leaf_33ah"
KIND = "thevenin-3rc"
PULSE, LONG_DISCHARGE = 6, 9
"""Steps of the tests: a pulse of 30 s, later a discharge to the next level and a rest of an hour."""
SOON_S = 0.5
FINE_S, COARSE_S = 1.0, 10.0
"""Width of steps while a pulse and its recovery last, and after."""
QUICK_EVERY = 4


@dataclass(frozen=True)
class _Level:
    """From the rest before a pulse to the end of the rest after the discharge that follows it."""

    trip: TrainingTrip
    pulse: npt.NDArray[np.bool_]

    @property
    def untold(self) -> TrainingTrip:
        """The same without what its pulse measured."""
        return replace(self.trip, voltage_v=np.where(self.pulse, np.nan, self.trip.voltage_v))


def evaluate(data: Path, quick: bool) -> Metrics:
    """Pulse tests at two temperatures: RMSE of each pulse (discharge, rest, charge), left out of the fit in turn."""
    from twinpack.battery.families import pack_model
    from twinpack.battery.pack import load_pack
    from twinpack.evaluate.open_loop import simulate_trip
    from twinpack.learn.model import learn_model

    pack = load_pack(PACK)
    tests = {temp: _levels(data / f"cell_hppc_{temp}C.parquet", temp) for temp in (25, 40)}
    metrics: Metrics = {}
    for temp, levels in tests.items():
        errors: list[Floats] = []
        for out in range(0, len(levels), QUICK_EVERY if quick else 1):
            train = [
                level.untold if (other, at) == (temp, out) else level.trip
                for other, each in tests.items()
                for at, level in enumerate(each)
            ]
            artifact = learn_model(train, pack, KIND).artifact
            model = pack_model(artifact["kind"], artifact["model"])
            error = simulate_trip(model, levels[out].trip) - levels[out].trip.voltage_v
            errors.append(1e3 * error[levels[out].pulse])
        each = [float(np.sqrt(np.mean(error**2))) for error in errors]
        metrics |= {
            f"pulse_rmse_mv_{temp}c": float(np.sqrt(np.mean(np.concatenate(errors) ** 2))),
            f"pulse_median_rmse_mv_{temp}c": float(np.median(each)),
            f"pulse_worst_rmse_mv_{temp}c": max(each),
            f"pulse_largest_error_mv_{temp}c": float(max(np.abs(error).max() for error in errors)),
            f"pulses_{temp}c": len(errors),
        }
    split = "each pulse (discharge, rest, charge) left out of the fit in turn; the others, discharges and rests teach"
    return metrics | {"n": sum(metrics[f"pulses_{temp}c"] for temp in tests), "split": split}


def _levels(path: Path, temp_c: int) -> list[_Level]:
    """The levels of a test; the charge is counted, full where the first pulse begins, empty at the lowest."""
    import pyarrow.parquet as pq

    table = pq.read_table(path, columns=["time_s", "current_A", "voltage_V", "step"]).sort_by("time_s")
    values = {name: table.column(name).to_numpy().astype(np.float64) for name in table.column_names}
    fresh = np.concatenate([[True], np.diff(values["time_s"]) > 0.0])
    time, current, volts, step = _begun({name: column[fresh] for name, column in values.items()})
    charge = np.concatenate([[0.0], np.cumsum(0.5 * (current[1:] + current[:-1]) * np.diff(time)) / 3600.0])
    begins = np.flatnonzero((step == PULSE) & (np.roll(step, 1) != PULSE))
    full = charge[begins[0]]
    soc = 1.0 + (charge - full) / (full - charge.min())
    edges = [*(begins - 1).tolist(), len(time)]
    return [_level(time[a:b], current[a:b], volts[a:b], step[a:b], float(soc[a]), temp_c) for a, b in pairwise(edges)]


def _begun(values: dict[str, Floats]) -> tuple[Floats, Floats, Floats, Floats]:
    """Time, current, voltage and step with a row where each step begins, whose voltage is not known.

    A step's first row may come a minute after it began, and current is taken as linear between rows.
    """
    time, current, step = values["time_s"], values["current_A"], values["step"]
    late = np.flatnonzero((np.diff(step) != 0) & (np.diff(time) > 2.0 * SOON_S)) + 1
    return (
        np.insert(time, late, time[late - 1] + SOON_S),
        np.insert(current, late, current[late]),
        np.insert(values["voltage_V"], late, np.nan),
        np.insert(step, late, step[late]),
    )


def _level(time: Floats, current: Floats, volts: Floats, step: Floats, soc: float, temp_c: int) -> _Level:
    from twinpack.learn.prototype import TrainingTrip

    since = time - time[0]
    pulses = np.cumsum(step == LONG_DISCHARGE) == 0
    end = float(since[pulses][-1])
    bins = np.where(since <= end, np.floor(since / FINE_S), 1e6 + np.floor((since - end) / COARSE_S))
    _, group = np.unique(bins, return_inverse=True)
    count, known = np.bincount(group), np.isfinite(volts)
    at, amps, early = (np.bincount(group, one) / count for one in (since, current, 1.0 * pulses))
    with np.errstate(invalid="ignore"):
        voltage = np.bincount(group, np.where(known, volts, 0.0)) / np.bincount(group, 1.0 * known)
    trip = TrainingTrip(PACK, at - at[0], voltage, amps, np.full(len(at), float(temp_c)), soc)
    return _Level(trip, (early > 0.5) & np.isfinite(voltage))
