"""A loop for a test of how loops are compiled."""

from __future__ import annotations

from twinpack.filters.kernels import kernel


@kernel
def divide(a: float, b: float) -> float:
    """One number by another."""
    return a / b
