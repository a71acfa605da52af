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

from twinpack.battery.pack_model import PackModel
from twinpack.filters import Filter, Posterior
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
    stood = Posterior.of(state.before_mean, state.before_cov)
    learned = Posterior.of(state.shadow_mean, state.shadow_cov)
    done = learn_again(twins.tangent, twins.model, stood, learned, inputs, volts)
    return state if done is None else state.with_(shadow_mean=done.mean, shadow_cov=done.covariance)


def learn_again(
    tangent: Filter,
    model: PackModel,
    before: Posterior,
    after: Posterior,
    inputs: Mapping[str, Floats],
    volts: Floats,
) -> Posterior | None:
    """Where one vehicle stands after the further passes, None when one fails.

    Args:
        tangent: The filter of the model with its OCV replaced by a tangent.
        model: The model itself.
        before: At the trip's start.
        after: After the first pass.
        inputs: The tangent model's inputs along the trip but for the tangent itself, (T, 1) each.
        volts: Measured, (T, 1).
    """
    current = 0.5 * (inputs["interval_start_a"] + inputs["interval_end_a"])
    passed = np.cumsum(current * inputs["dt_s"], axis=0) / 3600.0
    for _ in range(PASSES):
        soc, slope = _tangent(model, after, passed)
        done = tangent.assimilate(before, {**inputs, "soc_ref": soc, "ocv_slope": slope}, volts)
        if not done.ok[0]:
            return None
        after = done.posterior
    return after


def _tangent(model: PackModel, found: Posterior, passed: Floats) -> tuple[Floats, Floats]:
    """State of charge along the trip and the slope of the OCV there, as a pass left them, (T, 1) each."""
    mean = found.mean[:, 0]
    capacity = model.capacity_ah * mean[model.names.index("capacity_scale")]
    soc = mean[0] + (passed - passed[-1]) / capacity
    half = max(LEAST_HALF_SOC, float(np.sqrt(found.triangle[0, 0])))
    high, low = (model.open_circuit(soc + side * half, mean) for side in (1.0, -1.0))
    return soc, (high - low) / (2.0 * half)
