"""The way a model's states take over training trips when nothing corrects them: multi-step, from the told start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twinpack.battery.pack_model import PackModel
from twinpack.learn.lanes import side_by_side
from twinpack.learn.prototype import TrainingTrip

Floats = npt.NDArray[np.float64]

LANES = 64
"""Trips that run side by side, of about the same length."""


@dataclass(frozen=True)
class Run:
    """A model over one trip of N steps, open loop.

    Attributes:
        values: Each dynamic state after each step and each input, by name, shape (N,) each.
        voltage_v: What the model measures, of one series group, V, shape (N,).
    """

    values: Mapping[str, Floats]
    voltage_v: Floats


def open_loop(model: PackModel, trips: Sequence[TrainingTrip]) -> list[Run]:
    """The path of each trip, parameters at their prior means, the pairs at rest when it starts."""
    order = sorted(range(len(trips)), key=lambda one: len(trips[one].time_s))
    found: dict[int, Run] = {}
    for first in range(0, len(order), LANES):
        lanes = order[first : first + LANES]
        found |= dict(zip(lanes, _side_by_side(model, [trips[one] for one in lanes]), strict=True))
    return [found[one] for one in range(len(trips))]


def _side_by_side(model: PackModel, trips: Sequence[TrainingTrip]) -> list[Run]:
    longest = max(len(trip.time_s) for trip in trips)
    each = [trip.inputs for trip in trips]
    inputs = {name: side_by_side([one[name] for one in each]) for name in each[0]}
    x = {one.name: np.full(len(trips), one.mean) for one in model.living}
    x |= {name: np.zeros(len(trips)) for name in model.dynamic} | {"soc": np.array([trip.soc for trip in trips])}
    states = np.empty((len(model.dynamic), longest, len(trips)))
    voltage = np.empty((longest, len(trips)))
    for k in range(longest):
        u = {name: values[k] for name, values in inputs.items()}
        x |= dict(zip(model.dynamic, model.transition(x, u), strict=True))
        states[:, k] = [x[name] for name in model.dynamic]
        voltage[k] = model.measure(x, u) / model.series
    return [
        Run(
            one | {name: states[row, : len(trip.time_s), lane] for row, name in enumerate(model.dynamic)},
            voltage[: len(trip.time_s), lane],
        )
        for lane, (trip, one) in enumerate(zip(trips, each, strict=True))
    ]
