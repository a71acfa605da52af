"""A model simulated open loop over one trip, without measurements: what the model alone can do."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from twinpack.battery.pack_model import PackModel
from twinpack.filters import Posterior, compile
from twinpack.learn.prototype import TrainingTrip

Floats = npt.NDArray[np.float64]


KNOWN_SD = 1e-7
"""So sure are start and parameters: a run of the filter is then the model's own path."""


def simulate_trip(model: PackModel, trip: TrainingTrip) -> Floats:
    """Voltage of one series group at each step, from the told start, current and temperature; V, shape (N,)."""
    parameters = np.array([living.mean for living in model.living])
    mean = np.concatenate([[trip.soc], np.zeros(len(model.dynamic) - 1), parameters])[:, None]
    start = Posterior.of(mean, KNOWN_SD**2 * np.eye(len(mean))[:, :, None])
    predicted = compile(model).predict(start, {name: values[:, None] for name, values in trip.inputs.items()})
    return np.asarray(predicted.mean[:, 0] / model.series, dtype=np.float64)
