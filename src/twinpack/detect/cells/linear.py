"""Small least squares: one normal matrix that many right-hand sides share. Compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, error_model="numpy")
def inverted(normal: Any, prior: Any, many: int) -> Any:
    """Inverse of the leading `many` x `many` part of a normal matrix with a prior's precision on its diagonal.

    By Gauss and Jordan, which needs no pivots: the matrix is positive definite.
    """
    work = np.zeros((many, 2 * many))
    for row in range(many):
        for column in range(many):
            work[row, column] = normal[row, column]
        work[row, row] += prior[row]
        work[row, many + row] = 1.0
    for step in range(many):
        work[step] /= work[step, step]
        for row in range(many):
            if row != step:
                work[row] -= work[row, step] * work[step]
    return work[:, many:].copy()


@njit(cache=True, nogil=True, error_model="numpy")
def quadratic(inverse: Any, features: Any) -> float:
    """How far features lie from what was learned: their variance over that of one row."""
    many = len(inverse)
    total = 0.0
    for row in range(many):
        for column in range(many):
            total += features[row] * inverse[row, column] * features[column]
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def product(inverse: Any, row: int, sums: Any, at: int) -> float:
    """Coefficient `row` of right-hand side `at`."""
    total = 0.0
    for column in range(len(inverse)):
        total += inverse[row, column] * sums[column, at]
    return total
