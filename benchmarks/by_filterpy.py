"""The benchmarks' model by hand in plain Python floats, one vehicle at a time, in filterpy's unscented filter."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from filterpy.kalman import MerweScaledSigmaPoints, UnscentedKalmanFilter

from benchmarks.models import CAPACITY_AS, GRID, OCV_V, R0_OHM, R1_OHM, R2_OHM, TAU1_S, TAU2_S, Data, Joint

Floats = npt.NDArray[np.float64]


def by_filterpy(one: Data, lane: int) -> tuple[Floats, Floats]:
    """Mean (n,) and covariance (n, n) of one vehicle after the last step, its model in plain Python floats."""
    model = one.model
    n, d = len(model.names), len(model.dynamic)
    ukf = UnscentedKalmanFilter(
        n, 1, 1.0, _measure(model), _transition(model), MerweScaledSigmaPoints(n, alpha=1.0, beta=2.0, kappa=0.0)
    )
    ukf.x, ukf.P = one.prior.mean[:, lane].copy(), one.prior.covariance[:, :, lane].copy()
    ukf.Q = np.diag([1e-9, *[1e-7] * model.pairs, *[0.0] * (n - d)])
    ukf.R = np.array([[1e-5]])
    current = one.inputs["current_a"][:, lane].tolist()
    for current_a, measured in zip(current, one.measured[:, lane].tolist(), strict=True):
        ukf.predict(current_a=current_a)
        ukf.update(measured, current_a=current_a)
    return ukf.x, ukf.P


def _transition(model: Joint) -> Callable[..., Floats]:
    place = {name: i for i, name in enumerate(model.names)}
    pairs = [(1, R1_OHM, math.exp(-1.0 / TAU1_S)), (2, R2_OHM, math.exp(-1.0 / TAU2_S))][: model.pairs]
    capacity = place["q_scale"]
    scales = [place.get(f"r{i}_scale", -1) for i, _, _ in pairs]

    def fx(x: Floats, _: float, current_a: float) -> Floats:
        moved = x.copy()
        moved[0] += current_a / CAPACITY_AS / x[capacity]
        for (i, r_ohm, a), at in zip(pairs, scales, strict=True):
            scale = x[at] if at >= 0 else 1.0
            moved[i] = a * x[i] + r_ohm * scale * (1.0 - a) * current_a
        return moved

    return fx


def _measure(model: Joint) -> Callable[..., Floats]:
    place = {name: i for i, name in enumerate(model.names)}
    grid, ocv = GRID.tolist(), OCV_V.tolist()
    resistance, offset, pairs = place["r0_scale"], place.get("offset_v", -1), model.pairs

    def hx(x: Floats, current_a: float) -> Floats:
        soc = float(x[0])
        i = min(max(bisect_right(grid, soc) - 1, 0), len(grid) - 2)
        voltage = ocv[i] + (ocv[i + 1] - ocv[i]) / (grid[i + 1] - grid[i]) * (soc - grid[i])
        voltage += R0_OHM * x[resistance] * current_a + x[1] + (x[2] if pairs == 2 else 0.0)
        return np.array([voltage + x[offset] if offset >= 0 else voltage])

    return hx
