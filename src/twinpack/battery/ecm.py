"""Equivalent-circuit formulas on arrays. Positive current charges; every argument broadcasts.

Exact for any step length as long as the current is what the step assumes (held, or linear in time).
"""

from __future__ import annotations

import numpy as np

from twinpack.battery.arrays import Floats, Numeric

GAS_CONSTANT = 8.314462618
KELVIN = 273.15


def coulomb_count(
    soc: Numeric, current_a: Numeric, dt_s: Numeric, capacity_ah: Numeric, charge_efficiency: float = 1.0
) -> Floats:
    """State of charge after `dt_s` of a held current; `charge_efficiency` counts only while charging. Not clipped."""
    current = np.asarray(current_a, dtype=np.float64)
    kept = np.where(current > 0.0, charge_efficiency, 1.0)
    return np.asarray(soc + kept * current * dt_s / (3600.0 * np.asarray(capacity_ah)))


def rc_step(u_v: Numeric, current_a: Numeric, dt_s: Numeric, r_ohm: Numeric, tau_s: Numeric) -> Floats:
    """Voltage over an RC pair after a held current: `a u + R (1 - a) I`, `a = exp(-dt / tau)`."""
    x = -np.asarray(dt_s, dtype=np.float64) / tau_s
    # expm1 keeps the digits of 1 - a when the step is short against tau
    return np.asarray(np.exp(x) * u_v - np.expm1(x) * r_ohm * current_a)


def rc_step_ramp(
    u_v: Numeric,
    current_start_a: Numeric,
    current_end_a: Numeric,
    dt_s: Numeric,
    r_ohm: Numeric,
    tau_s: Numeric,
) -> Floats:
    """Voltage over an RC pair after a current that runs linearly from start to end of the step."""
    start, end = np.asarray(current_start_a, dtype=np.float64), np.asarray(current_end_a, dtype=np.float64)
    x = np.asarray(dt_s, dtype=np.float64) / tau_s
    a = np.exp(-x)
    return np.asarray(a * u_v + r_ohm * (end - a * start + np.expm1(-x) / x * (end - start)))


def terminal_voltage(ocv_v: Numeric, current_a: Numeric, r0_ohm: Numeric, *overpotentials_v: Numeric) -> Floats:
    """`OCV + R0 I + sum(U)`."""
    voltage = np.asarray(ocv_v, dtype=np.float64) + np.multiply(r0_ohm, current_a)
    for overpotential in overpotentials_v:
        voltage = voltage + overpotential
    return np.asarray(voltage)


def pulse_resistance(pulse_s: Numeric, r0_ohm: Numeric, *pairs_ohm_and_tau_s: tuple[Numeric, Numeric]) -> Floats:
    """Direct-current resistance seen at the end of a pulse from rest: `R0 + sum R_i (1 - exp(-t / tau_i))`."""
    total = np.asarray(r0_ohm, dtype=np.float64)
    for r_ohm, tau_s in pairs_ohm_and_tau_s:
        total = total - np.multiply(r_ohm, np.expm1(-np.asarray(pulse_s, dtype=np.float64) / tau_s))
    return np.asarray(total)


def current_limit(
    voltage_limit_v: Numeric,
    ocv_v: Numeric,
    pulse_s: Numeric,
    r0_ohm: Numeric,
    *pairs_ohm_and_tau_s: tuple[Numeric, Numeric],
) -> Floats:
    """Current that reaches the voltage limit at the end of a pulse from rest, A; negative for a lower limit."""
    return np.asarray(np.subtract(voltage_limit_v, ocv_v) / pulse_resistance(pulse_s, r0_ohm, *pairs_ohm_and_tau_s))


def arrhenius_ratio(activation_j_mol: Numeric, temp_c: Numeric, reference_c: float = 25.0) -> Floats:
    """Resistance at a temperature over that at the reference: `exp(Ea / Rg (1/T - 1/T_ref))`."""
    inverse = 1.0 / (np.asarray(temp_c, dtype=np.float64) + KELVIN) - 1.0 / (reference_c + KELVIN)
    return np.asarray(np.exp(np.asarray(activation_j_mol) / GAS_CONSTANT * inverse))


def hysteresis_step(
    h: Numeric,
    current_a: Numeric,
    dt_s: Numeric,
    capacity_ah: Numeric,
    gamma: Numeric,
    charge_efficiency: float = 1.0,
) -> Floats:
    """Plett's one-state hysteresis, -1 (discharge) to +1 (charge); at rest it stays where it is."""
    current = np.asarray(current_a, dtype=np.float64)
    kept = np.where(current > 0.0, charge_efficiency, 1.0)
    e = np.exp(-np.abs(kept * current * gamma * dt_s / (3600.0 * np.asarray(capacity_ah))))
    return np.asarray(e * h + (1.0 - e) * np.sign(current))


def pack_resistance(cell_ohm: Numeric, series: Numeric, parallel: Numeric) -> Floats:
    """Resistance of a pack of equal cells: `R_cell Ns / Np`."""
    return np.asarray(np.asarray(cell_ohm, dtype=np.float64) * series / parallel)
