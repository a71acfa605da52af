"""A model simulated open loop over one trip, without measurements: what the model alone can do."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from twinpack.battery.pack_model import PackModel
from twinpack.filters.simulate import Simulator
from twinpack.learn.prototype import TrainingTrip

Floats = npt.NDArray[np.float64]


def simulate_trip(model: PackModel, trip: TrainingTrip) -> Floats:
    """Voltage of one series group at each step, from the told start, current and temperature; V, shape (N,)."""
    parameters = np.array([living.mean for living in model.living])
    mean = np.concatenate([[trip.soc], np.zeros(len(model.dynamic) - 1), parameters])[:, None]
    return np.asarray(Simulator(model).run(mean, trip.inputs)[:, 0] / model.series, dtype=np.float64)
