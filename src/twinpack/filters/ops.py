"""The functions a model may use besides plain arithmetic.

They take traced values, when a model is compiled, and numbers or arrays, when it is called as it stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.filters.graph import Node
from twinpack.filters.refusal import refuse
from twinpack.filters.table import Table

Floats = npt.NDArray[np.float64]


def exp(x: Any) -> Any:
    """E to the power x."""
    return x.graph.apply("exp", x) if isinstance(x, Node) else np.exp(x)


def log(x: Any) -> Any:
    """Natural logarithm."""
    return x.graph.apply("log", x) if isinstance(x, Node) else np.log(x)


def sqrt(x: Any) -> Any:
    """Square root."""
    return x.graph.apply("sqrt", x) if isinstance(x, Node) else np.sqrt(x)


def tanh(x: Any) -> Any:
    """Hyperbolic tangent."""
    return x.graph.apply("tanh", x) if isinstance(x, Node) else np.tanh(x)


def minimum(x: Any, y: Any) -> Any:
    """The smaller of two values."""
    pair = _nodes(x, y)
    return np.minimum(x, y) if pair is None else pair[0].graph.apply("minimum", *pair)


def maximum(x: Any, y: Any) -> Any:
    """The larger of two values."""
    pair = _nodes(x, y)
    return np.maximum(x, y) if pair is None else pair[0].graph.apply("maximum", *pair)


def where(condition: Any, x: Any, y: Any) -> Any:
    """`x` where the condition holds, else `y`; both are computed."""
    if not isinstance(condition, Node):
        # A condition on plain numbers is decided while the model is traced.
        return (x if condition else y) if _nodes(x, y) else np.where(condition, x, y)
    if not condition.is_truth:
        refuse("the condition of `where` must be a comparison")
    branches = [condition.graph.number(one) for one in (x, y)]
    if branches[0] is None or branches[1] is None:
        refuse("`where` chooses between numbers")
    return condition.graph.apply("where", condition, branches[0], branches[1])


def asinh(x: Any) -> Any:
    """Inverse hyperbolic sine, from `log` and `sqrt`."""
    size = abs(x)
    value = log(size + sqrt(size * size + 1.0))
    return where(x < 0.0, -value, value)


def interp(x: Any, points: Sequence[float] | Floats, values: Sequence[Any] | Floats) -> Any:
    """Piecewise linear interpolation that goes on beyond its ends with the slope there.

    Args:
        x: Where to read.
        points: Ascending constants, shape (N,).
        values: N numbers, or N model quantities (a living table), each of the shape of `x` or a number.
    """
    living = not isinstance(values, np.ndarray) and not all(np.isscalar(one) for one in values)
    if living:
        return _living_table(x, points, values)
    if isinstance(x, Node):
        return x.graph.table(x, points, values)
    table = Table(np.asarray(points, dtype=np.float64), np.asarray(values, dtype=np.float64))
    x = np.asarray(x, dtype=np.float64)
    piece = table.piece(x)
    return table.value[piece] + table.slope[piece] * (x - table.start[piece])


def _living_table(x: Any, points: Sequence[float] | Floats, values: Any) -> Any:
    """The piece `x` lies on, chosen from left to right."""
    if len(points) != len(values) or len(points) < 2:
        refuse("a table needs at least two points, ascending, and as many values")
    read: Any = None
    for left in range(len(points) - 1):
        start, width = float(points[left]), float(points[left + 1] - points[left])
        piece = values[left] + (values[left + 1] - values[left]) * ((x - start) / width)
        read = piece if read is None else where(x >= start, piece, read)
    return read


def _nodes(x: Any, y: Any) -> tuple[Node, Node] | None:
    """Both as nodes when one of them is."""
    given = x if isinstance(x, Node) else y if isinstance(y, Node) else None
    if given is None:
        return None
    left, right = given.graph.number(x), given.graph.number(y)
    if left is None or right is None:
        refuse("a traced value can be combined with numbers and traced values alone")
    return left, right
