"""Gaussian filters over fleets: a model is written once, a filter runs it for many vehicles at a time."""

from __future__ import annotations

from typing import Literal

from twinpack.filters.model import Living, Model, Scalar
from twinpack.filters.ukf import Assimilated, Predicted, UnscentedFilter

__all__ = ["Assimilated", "Living", "Model", "Predicted", "Scalar", "UnscentedFilter", "compile"]


def compile(model: Model, method: Literal["ukf"] = "ukf", alpha: float = 1.0) -> UnscentedFilter:
    """The filter that runs a model.

    Args:
        model: What is estimated and measured.
        method: `ukf`, the joint unscented Kalman filter (beta 2, kappa 0).
        alpha: Spread of its sigma points, which lie at alpha sqrt(n) standard deviations.
    """
    if method != "ukf":
        raise ValueError(f"method {method!r} is not known; known: 'ukf'")
    return UnscentedFilter(model, alpha)
