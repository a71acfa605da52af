"""Lumped heat balance of a cell or a pack: `C dT/dt = q - sum G (T - T_sink)`. Every argument broadcasts."""

from __future__ import annotations

import numpy as np

from twinpack.battery.arrays import Floats, Numeric


def overpotential_heat(current_a: Numeric, voltage_v: Numeric, ocv_v: Numeric) -> Floats:
    """Heat of resistance and diffusion, W: `I (V - OCV)`."""
    return np.asarray(np.multiply(current_a, np.subtract(voltage_v, ocv_v)))


def reversible_heat(current_a: Numeric, temp_k: Numeric, entropy_v_k: Numeric) -> Floats:
    """Heat of the change of entropy, W: `I T dOCV/dT`; negative when it cools."""
    return np.asarray(np.multiply(np.multiply(current_a, temp_k), entropy_v_k))


def temperature_step(
    temp_c: Numeric,
    heat_w: Numeric,
    dt_s: Numeric,
    heat_capacity_j_k: Numeric,
    *sinks: tuple[Numeric, Numeric],
) -> Floats:
    """Temperature after `dt_s` of constant heat, exact for any step.

    Args:
        temp_c: Temperature now, °C.
        heat_w: Heat made inside, W.
        dt_s: Length of the step, s.
        heat_capacity_j_k: Mass times specific heat, J/K.
        *sinks: Pairs of conductance (W/K, in all above 0) and temperature (°C): ambient air, coolant.
    """
    conductance = sum((np.asarray(g, dtype=np.float64) for g, _ in sinks), np.asarray(0.0))
    inflow = sum((np.multiply(g, t) for g, t in sinks), np.asarray(heat_w, dtype=np.float64))
    final = inflow / conductance
    return np.asarray(
        final + (np.asarray(temp_c) - final) * np.exp(-np.asarray(dt_s) * conductance / heat_capacity_j_k)
    )
