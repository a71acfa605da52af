"""Learn a trip once more about its own trajectory, where the open-circuit voltage itself is learned.

A filter that learns capacity and OCV together from one pass is inconsistent: it takes the slope of a curve that it does
not know yet for known, and its capacity becomes falsely certain (the trap of simultaneous localisation and mapping).
So when a trip ends it is assimilated again from where the shadow stood before it, with the OCV replaced by its tangent
along the state of charge that the pass before found; that is linear in what is learned. The trip is kept for that in
bins of some seconds, whose number is bounded; a longer trip keeps its single pass.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from twinpack.battery.thevenin import Thevenin
from twinpack.filters import UnscentedFilter
from twinpack.twin.loop import BIN_S, Twins
from twinpack.twin.state import TwinState

Floats = npt.NDArray[np.float64]

PASSES = 2
LEAST_BINS = 12
LEAST_HALF_SOC = 0.02


def refined(twins: Twins, state: TwinState) -> TwinState:
    """One vehicle's shadow after the further passes; as it was when there is nothing to gain or a pass fails."""
    used = np.flatnonzero(state.kept[3, :, 0])
    if len(used) < LEAST_BINS or state.long[0] or not state.shadow_ok[0]:
        return state
    volts, current, temp, rows = state.kept[:, used, :]
    volts, current, temp = volts / rows, current / rows, temp / rows
    before = np.vstack([current[:1], current[:-1]])
    dt = np.diff(used, prepend=used[:1])[:, None] * BIN_S
    inputs = {
        "current_a": current,
        "interval_start_a": before,
        "interval_end_a": current,
        "dt_s": dt,
        "temp_c": temp,
        "rows": rows,
    }
    stood, learned = (state.before_mean, state.before_cov), (state.shadow_mean, state.shadow_cov)
    done = learn_again(twins.filter, twins.model, stood, learned, inputs, volts)
    return state if done is None else state.with_(shadow_mean=done[0], shadow_cov=done[1])


def learn_again(
    filter_: UnscentedFilter,
    model: Thevenin,
    before: tuple[Floats, Floats],
    after: tuple[Floats, Floats],
    inputs: Mapping[str, Floats],
    volts: Floats,
) -> tuple[Floats, Floats] | None:
    """Mean and covariance of one vehicle after the further passes, None when one fails.

    Args:
        filter_: The filter of the model.
        model: The model.
        before: Mean (n, 1) and covariance (n, n, 1) at the trip's start.
        after: The same after the first pass.
        inputs: The model's inputs along the trip, (T, 1) each.
        volts: Measured, (T, 1).
    """
    current = 0.5 * (inputs["interval_start_a"] + inputs["interval_end_a"])
    passed = np.cumsum(current * inputs["dt_s"], axis=0) / 3600.0
    everywhere = np.ones(volts.shape, dtype=np.bool_)
    for _ in range(PASSES):
        soc, slope = _tangent(model, *after, passed)
        done = filter_.assimilate(*before, {**inputs, "soc_ref": soc, "ocv_slope": slope}, volts, everywhere)
        if not done.ok[0]:
            return None
        after = done.mean, done.covariance
    return after


def _tangent(model: Thevenin, mean: Floats, cov: Floats, passed: Floats) -> tuple[Floats, Floats]:
    """State of charge along the trip and the slope of the OCV there, as a pass left them, (T, 1) each."""
    capacity = model.circuit.capacity_ah * mean[model.names.index("capacity_scale"), 0]
    soc = mean[0, 0] + (passed - passed[-1]) / capacity
    half = max(LEAST_HALF_SOC, float(np.sqrt(cov[0, 0, 0])))
    high, low = (model.open_circuit(soc + side * half, mean[:, 0]) for side in (1.0, -1.0))
    return soc, (high - low) / (2.0 * half)
