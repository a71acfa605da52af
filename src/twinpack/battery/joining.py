"""Where a circuit stands when a session begins: after rest, or joined under load, with a charge told right or wrong.

After a rest the pairs are empty and the first voltage is nearly the open-circuit voltage. Who joins in the middle of a
drive does not know what went before: the pairs have then settled to a current like those that drives have, give or take
most of it. How well the voltage tells the charge follows from both, and a charge told that contradicts it is not
believed: it becomes as uncertain as the contradiction is large.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

REST_S = 1800.0
"""After so long without current the pairs are empty."""

REST_C_RATE = 0.05
"""Where it is not known how long a vehicle rested, a current up to this says that it does."""

UNKNOWN_SHARE = 0.9
"""Standard deviation of what is left on a pair in the middle of a drive, as a share of what it settles to."""

LEAST_LOAD_V = 0.005

FIRST_S, FIRST_SHARE = 60.0, 0.5
"""The first sample is a mean over a time in which quick pairs fill: so much of it, for so long."""

OHMIC_ERROR = 0.3
"""How wrong the drop over the resistance is at a start, as a share."""

CONTRADICTS = 4.0
"""A charge told this many standard deviations from what the voltage says is not believed."""


def joined_under_load(u: Mapping[str, Floats], capacity_ah: float) -> npt.NDArray[np.bool_]:
    """Whose pairs may hold what went before, shape (B,).

    Args:
        u: Inputs of the first step, and `rest_s`, how long the vehicle rested before, s, NaN where that is not known.
        capacity_ah: Of the pack.
    """
    current = np.asarray(u["current_a"], dtype=np.float64)
    rest = np.broadcast_to(np.asarray(u.get("rest_s", np.nan), dtype=np.float64), current.shape)
    loaded = np.abs(current) > REST_C_RATE * capacity_ah
    return np.where(np.isfinite(rest), rest < REST_S, loaded)


def pairs_at_start(
    ohm: Floats, tau_s: Floats, u: Mapping[str, Floats], joined: Any, load_a: float, rest_v: Floats
) -> Any:
    """Voltage on each RC pair when a session begins, V.

    Args:
        ohm: Resistance of each pair at the temperature, shape (pairs, B).
        tau_s: Time constants, shape (pairs,).
        u: Inputs of the first step.
        joined: Who joins under load, shape (B,).
        load_a: Current that drives usually have, A.
        rest_v: Standard deviation after a rest, shape (pairs,).

    Returns:
        Mean and standard deviation, shape (pairs, B) each.
    """
    current = np.asarray(u["current_a"], dtype=np.float64)
    early = FIRST_SHARE * ohm * current * np.minimum(1.0, FIRST_S / tau_s)[:, None]
    settled = ohm * np.where(current > 0.0, load_a, -load_a)
    unknown = UNKNOWN_SHARE * np.abs(settled) + LEAST_LOAD_V
    sd = np.hypot(rest_v[:, None], np.where(joined, unknown, np.abs(early)))
    return np.where(joined, settled, early), sd


def charge_at_start(
    told: Floats, told_sd: float, read: Floats, read_sd: Floats, joined: npt.NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """State of charge at the start and its standard deviation, shape (B,), from what is told and what the voltage says.

    After a rest the two are weighed against each other: that one voltage says more than any of those that follow,
    whose errors go together. Under load what the voltage says of the charge and of the pairs cannot be told apart here;
    that is left to the filter.

    Args:
        told: NaN where nothing is told.
        told_sd: Its standard deviation.
        read: From the voltage; NaN without one.
        read_sd: Its standard deviation.
        joined: Who joins under load.
    """
    known, seen = np.isfinite(told), np.isfinite(read)
    apart = np.where(known & seen, told - read, 0.0)
    wrong = np.abs(apart) > CONTRADICTS * np.hypot(told_sd, read_sd)
    own_sd = np.where(wrong, np.maximum(np.abs(apart), told_sd), told_sd)
    weight = np.where(seen & ~joined, own_sd**2 / (own_sd**2 + read_sd**2), 0.0)
    mean = np.where(known, told - weight * apart, np.where(seen, read, 0.5))
    return mean, np.where(known, own_sd * np.sqrt(1.0 - weight), np.where(seen, read_sd, 0.3))
