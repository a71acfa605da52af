"""A loop for a test of how loops are compiled."""

from __future__ import annotations

from twinpack.filters.kernels import kernel


@kernel
def divide(a: float, b: float) -> float:
    """One number by another."""
    return a / b


@kernel
def divide_by_three_and_four(a: float) -> float:
    """The sum of both."""
    return divide(a, 3) + divide(a, 4)
