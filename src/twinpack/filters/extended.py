"""The extended filter's equations in NumPy, the vehicle index first; Jacobians from the graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.filters.evaluate import evaluate
from twinpack.filters.graph import Node, derivative
from twinpack.filters.model import Model
from twinpack.filters.trace import TracedModel, trace

Values = npt.NDArray[Any]
Flags = npt.NDArray[np.bool_]


class Extended:
    """Predict and expect along the tangent."""

    def __init__(self, traced: TracedModel, dtype: Any) -> None:
        """Derive the Jacobians."""
        self._traced, self._dtype = traced, dtype
        self._f = jacobian(traced.transition, traced.size)
        self._h = jacobian([traced.measure], traced.size)

    def predict(
        self, x: Values, p: Values, u: Sequence[Values], process: Sequence[Values]
    ) -> tuple[Values, Values, Flags]:
        """Mean (B, n) and covariance (B, n, n) one step later; there is no factor to fail."""
        d = self._traced.states
        mean = x.copy()
        mean[:, :d] = self._at(self._traced.transition, x, u)
        whole = np.broadcast_to(np.eye(x.shape[1], dtype=x.dtype), p.shape).copy()
        whole[:, :d] = self._matrix(self._f, x, u)
        covariance = np.matmul(np.matmul(whole, p), np.ascontiguousarray(np.swapaxes(whole, 1, 2)))
        for row, variance in enumerate(process):
            covariance[:, row, row] += variance
        covariance[:, d:, d:] = p[:, d:, d:]
        return mean, covariance, np.ones(len(x), dtype=np.bool_)

    def expect(self, x: Values, p: Values, u: Sequence[Values]) -> tuple[Values, Values, Values, Flags]:
        """Expected measurement (B,), its variance (B,) and covariance with each state (B, n)."""
        h = self._matrix(self._h, x, u)
        cross = np.matmul(p, np.swapaxes(h, 1, 2))[:, :, 0]
        variance = np.matmul(h, cross[:, :, None])[:, 0, 0]
        positive = np.asarray((np.diagonal(p, axis1=1, axis2=2) > 0.0).all(axis=1))
        return self._at([self._traced.measure], x, u)[:, 0], variance, cross, positive

    def draw(self, x: Values, factor: Values) -> Values:
        """The mean and the deviations along the columns of a factor, shape (n, B, n + 1)."""
        return np.concatenate([x.T[:, :, None], np.swapaxes(factor, 0, 1)], axis=2)

    def advance(self, run: Values, u: Sequence[Values]) -> Values:
        """Dynamic states (states, B, n + 1) of a run one step later."""
        x = np.ascontiguousarray(run[:, :, 0].T)
        deviation = np.matmul(self._matrix(self._f, x, u), np.swapaxes(run[:, :, 1:], 0, 1))
        mean = self._at(self._traced.transition, x, u)
        return np.concatenate([mean.T[:, :, None], np.swapaxes(deviation, 0, 1)], axis=2)

    def band(self, run: Values, u: Sequence[Values]) -> tuple[Values, Values]:
        """Mean and variance of the measurement, each (B,)."""
        x = np.ascontiguousarray(run[:, :, 0].T)
        h = self._matrix(self._h, x, u)
        far = np.matmul(h, np.swapaxes(run[:, :, 1:], 0, 1))[:, 0]
        return self._at([self._traced.measure], x, u)[:, 0], np.cumsum(far * far, axis=1)[:, -1]

    def _at(self, nodes: Sequence[Node], x: Values, u: Sequence[Values]) -> Values:
        """Values of expressions at the mean, shape (B, m)."""
        found = evaluate(nodes, list(x.T), [one[:, 0] for one in u], self._dtype)
        if not found:
            return np.zeros((len(x), 0), self._dtype)
        return np.stack([np.broadcast_to(one, len(x)) for one in found], axis=1)

    def _matrix(self, rows: Sequence[Sequence[Node]], x: Values, u: Sequence[Values]) -> Values:
        """A Jacobian at the mean, shape (B, m, n)."""
        found = self._at([one for row in rows for one in row], x, u)
        return found.reshape(len(x), len(rows), self._traced.size)


def jacobian(nodes: Sequence[Node], size: int) -> list[list[Node]]:
    """Derivative of each expression by each state and living parameter."""
    return [[derivative(node, j) for j in range(size)] for node in nodes]


def slopes(model: Model, x: Values, u: Mapping[str, Values]) -> Values:
    """Derivatives of each dynamic state after a step and of the measurement before it, shape (states + 1, n, B).

    Args:
        model: The model.
        x: States and living parameters, shape (n, B).
        u: Inputs, shape (B,) each.
    """
    traced = trace(model)
    rows = jacobian([*traced.transition, traced.measure], traced.size)
    inputs = [np.asarray(u[name], dtype=np.float64) for name in traced.inputs]
    found = evaluate([one for row in rows for one in row], list(x), inputs, np.float64)
    flat = np.stack([np.broadcast_to(one, x.shape[1:]) for one in found])
    return flat.reshape(len(rows), traced.size, -1)
