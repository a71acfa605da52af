"""What a prototype's residual is made of: how wrong the model is slowly, quickly, with the current, and its sensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls

from twinpack.battery.thevenin import Noise

Floats = npt.NDArray[np.float64]

SLOW_S, FAST_S = 90.0, 10.0
"""Residuals that agree over so many seconds are slow, or at least not white."""

FEW_TRIPS = 10.0
"""So many trips' worth of residual is what models are usually wrong by."""

USUAL = Noise(sensor_v=0.006, resistive=0.15, slow_v=0.004, fast_v=0.002)
"""What they are usually wrong by on trips they were not fitted to."""


@dataclass(frozen=True)
class Residual:
    """What an open-loop simulation of one trip missed, of one series group; N measured steps.

    Attributes:
        time_s: Since the trip's start, shape (N,).
        error_v: Simulated less measured, V, shape (N,).
        drop_v: Drop over the typical ohmic resistance at the step's temperature, V, shape (N,).
    """

    time_s: Floats
    error_v: Floats
    drop_v: Floats


def split_residual(trips: Sequence[Residual]) -> Noise:
    """Split the residual: what lasts minutes, what lasts seconds, and of the rest what goes with the current."""
    error = np.concatenate([trip.error_v for trip in trips])
    drop = np.concatenate([trip.drop_v for trip in trips])
    total = float(np.mean(error**2))
    slow = min(_covariance(trips, SLOW_S), 0.9 * total)
    fast = min(max(_covariance(trips, FAST_S) - slow, 0.0), 0.9 * total - slow)
    design = np.stack([np.ones_like(drop), drop**2], axis=1)
    parts = np.asarray(nnls(design, np.maximum(error**2 - slow - fast, 0.0))[0])

    def believed(square: float, usual: float) -> float:
        # A few trips show little of what the model gets wrong.
        return float(np.sqrt((len(trips) * square + FEW_TRIPS * usual**2) / (len(trips) + FEW_TRIPS)))

    return Noise(
        sensor_v=believed(float(parts[0]), USUAL.sensor_v),
        resistive=believed(float(parts[1]), USUAL.resistive),
        slow_v=believed(slow, USUAL.slow_v),
        fast_v=believed(fast, USUAL.fast_v),
    )


def _covariance(trips: Sequence[Residual], lag_s: float) -> float:
    """Covariance of the residual with itself some seconds later in the same trip."""
    products = []
    for trip in trips:
        later = np.searchsorted(trip.time_s, trip.time_s + lag_s)
        pairs = later < len(trip.time_s)
        products.append(trip.error_v[pairs] * trip.error_v[later[pairs]])
    joined = np.concatenate(products)
    return max(float(joined.mean()), 0.0) if len(joined) else 0.0
