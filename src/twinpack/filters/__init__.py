"""Gaussian filters over fleets: a model is written once, as plain arithmetic, and runs for many vehicles at a time."""

from __future__ import annotations

from typing import Literal, Protocol

from twinpack.errors import InputError
from twinpack.filters.filter import Filter
from twinpack.filters.model import Living, Model, Scalar
from twinpack.filters.results import NO_FACTOR, NOT_FINITE, OK, Assimilated, Posterior, Predicted

__all__ = [
    "NOT_FINITE",
    "NO_FACTOR",
    "OK",
    "Assimilated",
    "Filter",
    "Living",
    "MakeFilter",
    "Model",
    "Posterior",
    "Predicted",
    "Scalar",
    "compile",
]


def compile(
    model: Model,
    method: Literal["ukf", "ekf"] = "ukf",
    *,
    backend: Literal["numba", "numpy"] = "numba",
    dtype: Literal["float64", "float32"] = "float64",
    alpha: float = 1.0,
    threads: int = 1,
) -> Filter:
    """The filter that runs a model.

    Args:
        model: What is estimated and measured.
        method: `ukf`, the joint unscented Kalman filter (beta 2, kappa 0), or `ekf`, the extended one: faster, less
            exact where the model bends.
        backend: `numba`, compiled kernels that are kept on disk, or `numpy`, the reference.
        dtype: Precision; `float32` is faster and needs alpha 1.
        alpha: Spread of the sigma points, which lie at alpha sqrt(n) standard deviations.
        threads: How many threads share the vehicles (`numba` alone).

    Raises:
        TraceError: The model does what a graph cannot hold; the message names the line.
        InputError: A choice is not known, or cannot be had together with another.
    """
    if backend == "numba":
        from twinpack.filters.compiled import CompiledFilter

        return CompiledFilter(model, method, dtype, alpha, threads)
    if backend == "numpy":
        from twinpack.filters.reference import ReferenceFilter

        return ReferenceFilter(model, method, dtype, alpha)
    raise InputError(f"backend {backend!r} is not known; known are 'numba' and 'numpy'")


class MakeFilter(Protocol):
    """Makes the filter of a model: `compile`, or what wraps it."""

    def __call__(self, model: Model, *, alpha: float = 1.0) -> Filter:
        """The filter of a model with a spread of its sigma points."""
