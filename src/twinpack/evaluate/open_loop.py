"""A model simulated open loop over one trip, without a filter: what the model alone can do."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.battery.thevenin import Circuit, Thevenin
from twinpack.learn.prototype import TrainingTrip

Floats = npt.NDArray[np.float64]


def simulate_trip(circuit: Circuit, trip: TrainingTrip) -> Floats:
    """Voltage of one series group at each step, from the told start, current and temperature; V, shape (N,)."""
    model = Thevenin(circuit)
    x: dict[str, Any] = {name: np.zeros((1, 1)) for name in model.names}
    x["soc"] = np.full((1, 1), trip.soc)
    for living in model.living:
        x[living.name] = np.full((1, 1), living.mean)
    current, before = trip.current_a, np.concatenate([trip.current_a[:1], trip.current_a[:-1]])
    known = model.prepare(
        {
            "current_a": current,
            "interval_start_a": before,
            "interval_end_a": current,
            "dt_s": np.diff(trip.time_s, prepend=trip.time_s[:1]),
            "temp_c": trip.temp_c,
        }
    )
    voltage = np.empty(len(current))
    for k in range(len(current)):
        u = {name: values[k : k + 1, None] for name, values in known.items()}
        x.update(zip(model.dynamic, model.transition(x, u), strict=True))
        voltage[k] = model.measure(x, u)[0, 0]
    return voltage / circuit.series
