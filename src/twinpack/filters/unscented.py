"""The unscented filter's equations in NumPy, the vehicle index first.

Wan and van der Merwe's scaled transform with beta 2 and kappa 0: 2n + 1 points, the outer ones at alpha sqrt(n)
standard deviations. Points are drawn anew after each prediction, as filterpy does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.filters.evaluate import evaluate
from twinpack.filters.trace import TracedModel

Values = npt.NDArray[Any]
Flags = npt.NDArray[np.bool_]


class Unscented:
    """Predict and expect by sigma points."""

    def __init__(self, traced: TracedModel, alpha: float, dtype: Any) -> None:
        """Set the weights."""
        self._traced, self._dtype = traced, dtype
        n = traced.size
        weight = 1.0 / (2 * alpha**2 * n)
        centre = 1.0 - 2 * n * weight
        self._spread = dtype.type(alpha * np.sqrt(n))
        self._of_mean = np.array([centre] + [weight] * (2 * n), dtype)
        self._of_square = np.array([centre + 3.0 - alpha**2] + [weight] * (2 * n), dtype)

    def predict(
        self, x: Values, p: Values, u: Sequence[Values], process: Sequence[Values]
    ) -> tuple[Values, Values, Flags]:
        """Mean (B, n) and covariance (B, n, n) one step later, and where the covariance had a factor."""
        factor, ok = factored(p)
        points = self.draw(x, factor)
        moved = np.concatenate([self._transition(points, u), points[self._traced.states :]])
        mean, deviation = self._moments(moved)
        covariance = _weighted(deviation, deviation, self._of_square)
        for row, variance in enumerate(process):
            covariance[:, row, row] += variance
        # A step leaves the parameters as they are, to the bit.
        d = self._traced.states
        mean[:, d:], covariance[:, d:, d:] = x[:, d:], p[:, d:, d:]
        return mean, covariance, ok

    def expect(self, x: Values, p: Values, u: Sequence[Values]) -> tuple[Values, Values, Values, Flags]:
        """Expected measurement (B,), its variance (B,) and covariance with each state (B, n); and factors as above."""
        factor, ok = factored(p)
        points = self.draw(x, factor)
        mean, deviation = self._moments(self._measure(points, u)[None])
        apart = points - x.T[:, :, None]
        cross = _weighted(apart, deviation, self._of_square)[:, :, 0]
        return mean[:, 0], _weighted(deviation, deviation, self._of_square)[:, 0, 0], cross, ok

    def draw(self, x: Values, factor: Values) -> Values:
        """Sigma points, shape (n, B, 2n + 1): centre, plus, minus."""
        columns = self._spread * np.swapaxes(factor, 0, 1)
        centre = x.T[:, :, None]
        return np.concatenate([centre, centre + columns, centre - columns], axis=2)

    def advance(self, run: Values, u: Sequence[Values]) -> Values:
        """Dynamic states (states, B, 2n + 1) of a run one step later."""
        return self._transition(run, u)

    def band(self, run: Values, u: Sequence[Values]) -> tuple[Values, Values]:
        """Mean and variance of the measurement over a run's points, each (B,)."""
        mean, deviation = self._moments(self._measure(run, u)[None])
        return mean[:, 0], _weighted(deviation, deviation, self._of_square)[:, 0, 0]

    def _transition(self, points: Values, u: Sequence[Values]) -> Values:
        moved = evaluate(self._traced.transition, points, u, self._dtype)
        if not moved:
            return points[:0]
        return np.stack([np.broadcast_to(one, points.shape[1:]) for one in moved])

    def _measure(self, points: Values, u: Sequence[Values]) -> Values:
        (z,) = evaluate([self._traced.measure], points, u, self._dtype)
        return np.broadcast_to(z, points.shape[1:])

    def _moments(self, values: Values) -> tuple[Values, Values]:
        """Mean (B, m) and deviations (m, B, K) of m quantities over the points."""
        mean = np.cumsum(values * self._of_mean, axis=2)[:, :, -1]
        return np.ascontiguousarray(mean.T), values - mean[:, :, None]


def _weighted(left: Values, right: Values, weights: Values) -> Values:
    """Weighted products of deviations summed over the points, shape (B, l, r)."""
    one = np.ascontiguousarray(np.swapaxes(left * weights, 0, 1))
    other = np.ascontiguousarray(np.moveaxis(right, 0, 2))
    product: Values = np.matmul(one, other)
    return product


def factored(p: Values) -> tuple[Values, Flags]:
    """Lower triangular factors, shape (B, n, n), and whether each covariance had one."""
    ok = np.ones(p.shape[0], dtype=np.bool_)
    factor: Values = np.zeros_like(p)
    try:
        factor[:] = np.linalg.cholesky(p)
    except np.linalg.LinAlgError:
        for lane in range(p.shape[0]):
            try:
                factor[lane] = np.linalg.cholesky(p[lane])
            except np.linalg.LinAlgError:
                ok[lane] = False
    # Not every LAPACK tells of a pivot that is NaN.
    return factor, ok & ~np.isnan(np.diagonal(factor, axis1=1, axis2=2)).any(axis=1)
