"""Resistance of a pack as a current pulse shows it, by whatever model there is."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from twinpack.battery.pack_model import PackModel

Floats = npt.NDArray[np.float64]

SETTLED_S = 1800.0
"""By then a discharge has settled to its resistance but for the slowest diffusion, s."""

_STEPS = 60


def pulse_ohm(
    model: PackModel,
    parameters: Mapping[str, Floats],
    soc: float,
    temp_c: float,
    pulse_s: float,
    c_rate: float = 1.0,
    *,
    held: bool = False,
) -> Floats:
    """Direct-current resistance `dV / dI` of a pack after a discharge pulse from rest, ohm.

    Args:
        model: The model of the pack.
        parameters: Its living parameters by name, shape (K,) each.
        soc: State of charge at the begin, 0 to 1.
        temp_c: Cell temperature, °C.
        pulse_s: Length of the pulse, s.
        c_rate: Current by the rated capacity, 1/h.
        held: Whether the charge stays as it was, so that what the open-circuit voltage falls does not count.

    Returns:
        Shape (K,).
    """
    current = -c_rate * model.capacity_ah
    still = np.zeros_like(next(iter(parameters.values())))
    x = dict.fromkeys(model.dynamic, still) | {"soc": still + soc} | dict(parameters)
    rest = np.asarray(model.measure(x, _inputs(0.0, 0.0, temp_c)))
    loaded = _inputs(current, pulse_s / _STEPS, temp_c)
    for _ in range(_STEPS):
        x |= dict(zip(model.dynamic, model.transition(x, loaded), strict=True))
        if held:
            x["soc"] = still + soc
    return np.asarray((np.asarray(model.measure(x, loaded)) - rest) / current) + still


def _inputs(current_a: float, dt_s: float, temp_c: float) -> dict[str, float]:
    steady = {"current_a": current_a, "interval_start_a": current_a, "interval_end_a": current_a}
    return steady | {"dt_s": dt_s, "temp_c": temp_c}
