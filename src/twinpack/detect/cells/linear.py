"""Small least squares: one normal matrix that many right-hand sides share. Compiled."""

from __future__ import annotations

from typing import Any

import numpy as np

from twinpack.filters.kernels import kernel


@kernel
def inverted(normal: Any, prior: Any, many: int) -> Any:
    """Inverse of the leading `many` x `many` part of a normal matrix with a prior's precision on its diagonal.

    By Gauss and Jordan, which needs no pivots: the matrix is positive definite.
    """
    work = np.zeros((many, many))
    inverse = np.zeros((many, many))
    for row in range(many):
        for column in range(many):
            work[row, column] = normal[row, column]
        work[row, row] += prior[row]
        inverse[row, row] = 1.0
    for step in range(many):
        pivot = 1.0 / work[step, step]
        for column in range(many):
            work[step, column] *= pivot
            inverse[step, column] *= pivot
        for row in range(many):
            share = work[row, step]
            if row != step and share != 0.0:
                for column in range(many):
                    work[row, column] -= share * work[step, column]
                    inverse[row, column] -= share * inverse[step, column]
    return inverse


@kernel
def add_row(normal: Any, features: Any, weight: float) -> None:
    """Add a row of features to a normal matrix; written in place."""
    many = len(normal)
    for row in range(many):
        for column in range(many):
            normal[row, column] += weight * features[row] * features[column]


@kernel
def faded(values: Any, keep: float) -> None:
    """Multiply every value of a matrix by what is kept; written in place."""
    for row in range(values.shape[0]):
        for column in range(values.shape[1]):
            values[row, column] *= keep


@kernel
def cleared(values: Any) -> None:
    """Set every value of a matrix to 0, NaN too; written in place."""
    for row in range(values.shape[0]):
        for column in range(values.shape[1]):
            values[row, column] = 0.0


@kernel
def quadratic(inverse: Any, features: Any) -> float:
    """How far features lie from what was learned: their variance over that of one row."""
    many = len(inverse)
    total = 0.0
    for row in range(many):
        for column in range(many):
            total += features[row] * inverse[row, column] * features[column]
    return total


@kernel
def product(inverse: Any, row: int, sums: Any, at: int) -> float:
    """Coefficient `row` of right-hand side `at`."""
    total = 0.0
    for column in range(len(inverse)):
        total += inverse[row, column] * sums[column, at]
    return total
