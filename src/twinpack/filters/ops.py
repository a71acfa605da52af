"""The functions a model may use besides plain arithmetic.

Each gives an element the same bits whatever the array around it: a vehicle's result must not depend on its
neighbours. NumPy picks its vectorised loop by memory layout, so arguments are made contiguous first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def exp(x: Any) -> Any:
    """E to the power x."""
    return np.exp(np.ascontiguousarray(x))


def log(x: Any) -> Any:
    """Natural logarithm."""
    return np.log(np.ascontiguousarray(x))


def sqrt(x: Any) -> Any:
    """Square root."""
    return np.sqrt(np.ascontiguousarray(x))


def tanh(x: Any) -> Any:
    """Hyperbolic tangent."""
    return np.tanh(np.ascontiguousarray(x))


def minimum(x: Any, y: Any) -> Any:
    """The smaller of two values."""
    return np.minimum(x, y)


def maximum(x: Any, y: Any) -> Any:
    """The larger of two values."""
    return np.maximum(x, y)


def where(condition: Any, x: Any, y: Any) -> Any:
    """`x` where the condition holds, else `y`."""
    return np.where(condition, x, y)


def asinh(x: Any) -> Any:
    """Inverse hyperbolic sine, from `log` and `sqrt`."""
    size = np.abs(x)
    return np.sign(x) * log(size + sqrt(size * size + 1.0))


def interp(x: Any, points: Sequence[float] | Floats, values: Sequence[Any] | Floats) -> Any:
    """Piecewise linear interpolation that goes on beyond its ends with the slope there.

    Args:
        x: Where to read, any shape.
        points: Ascending constants, shape (N,).
        values: N numbers, or several tables of them, shape (..., N), or N model quantities of the shape of `x`
            (a living table).
    """
    grid = np.asarray(points, dtype=np.float64)
    x = np.asarray(x, dtype=np.float64)
    left = np.searchsorted(grid[1:-1], x, side="right")
    past = x - grid.take(left)
    if isinstance(values, np.ndarray) or np.isscalar(values[0]):
        table = np.asarray(values, dtype=np.float64)
        slope = np.diff(table) / np.diff(grid)
        return table.take(left, axis=-1) + slope.take(left, axis=-1) * past
    living = np.stack([value if np.shape(value) == x.shape else np.broadcast_to(value, x.shape) for value in values])
    low, high = (np.take_along_axis(living, at[None], axis=0)[0] for at in (left, left + 1))
    return low + (high - low) / np.diff(grid).take(left) * past
