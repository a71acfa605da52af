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
    current, before = trip.current_a, np.concatenate([trip.current_a[:1], trip.current_a[:-1]])
    inputs = {
        "current_a": current,
        "interval_start_a": before,
        "interval_end_a": current,
        "dt_s": np.diff(trip.time_s, prepend=trip.time_s[:1]),
        "temp_c": trip.temp_c,
    }
    predicted = compile(model).predict(start, {name: values[:, None] for name, values in inputs.items()})
    return np.asarray(predicted.mean[:, 0] / model.series, dtype=np.float64)
