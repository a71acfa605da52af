"""Health figures. They differ: energy health also falls with resistance. State what a percentage refers to."""

from __future__ import annotations

import numpy as np

from twinpack.battery.arrays import Floats, Numeric


def capacity_health_pct(capacity_ah: Numeric, rated_ah: Numeric) -> Floats:
    """Capacity state of health: `100 Q / Q_rated`."""
    return np.asarray(100.0 * np.divide(capacity_ah, rated_ah))


def energy_health_pct(usable_kwh: Numeric, certified_kwh: Numeric) -> Floats:
    """State of certified energy (UN GTR 22): `100 UBE_measured / UBE_certified`."""
    return np.asarray(100.0 * np.divide(usable_kwh, certified_kwh))


def range_health_pct(range_km: Numeric, certified_km: Numeric) -> Floats:
    """State of certified range (UN GTR 22): `100 range_measured / range_certified`."""
    return np.asarray(100.0 * np.divide(range_km, certified_km))


def resistance_health_pct(resistance_ohm: Numeric, new_ohm: Numeric, end_of_life_ratio: float = 2.0) -> Floats:
    """100 when new, 0 when the resistance is `end_of_life_ratio` times that when new."""
    end = np.multiply(new_ohm, end_of_life_ratio)
    return np.asarray(100.0 * np.subtract(end, resistance_ohm) / np.subtract(end, new_ohm))


def resistance_increase_pct(resistance_ohm: Numeric, new_ohm: Numeric) -> Floats:
    """Internal resistance increase as the battery passport asks for it: `100 (R - R_new) / R_new`."""
    return np.asarray(100.0 * np.subtract(resistance_ohm, new_ohm) / new_ohm)


def equivalent_full_cycles(charged_ah: Numeric, discharged_ah: Numeric, rated_ah: Numeric) -> Floats:
    """`(Ah charged + Ah discharged) / (2 Q_rated)`."""
    return np.asarray(np.add(charged_ah, discharged_ah) / (2.0 * np.asarray(rated_ah)))


def pulse_resistance_ohm(voltage_change_v: Numeric, current_change_a: Numeric) -> Floats:
    """Direct-current resistance `dV / dI`; state the pulse length, state of charge and temperature with it."""
    return np.asarray(np.divide(voltage_change_v, current_change_a))


REFERENCE_LOSS_SHARE = 0.02
"""Share of a new battery's energy that its resistance takes in a reference discharge of C/3, where nothing tells it."""


def usable_energy_x(capacity_x: Numeric, resistance_x: Numeric, loss_share: float = REFERENCE_LOSS_SHARE) -> Floats:
    """Usable energy by that when new: it falls with capacity, and with the voltage that resistance takes.

    `Q/Q_new (1 - s R/R_new) / (1 - s)`, where `s` is the share of the new battery's energy that its resistance takes in
    the reference discharge: mean current times resistance over mean open-circuit voltage.
    """
    left = (1.0 - loss_share * np.asarray(resistance_x)) / (1.0 - loss_share)
    return np.asarray(np.asarray(capacity_x) * np.maximum(left, 0.0))
