"""Evaluate a graph on NumPy arrays.

An element has the same bits whatever the array around it: NumPy picks its vectorised loops by memory layout, so
arguments of functions are made contiguous first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.filters.graph import COMPARISONS, CONSTANT, INPUT, SLOPE, STATE, TABLE, Node, needed

Values = npt.NDArray[Any]

_PLAIN: dict[str, Callable[..., Values]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "neg": np.negative,
    "minimum": np.minimum,
    "maximum": np.maximum,
    "where": np.where,
    "and": np.logical_and,
    "or": np.logical_or,
    "not": np.logical_not,
    **COMPARISONS,
}
_CURVED: dict[str, Callable[..., Values]] = {"exp": np.exp, "log": np.log, "sqrt": np.sqrt, "tanh": np.tanh}


def evaluate(
    nodes: Sequence[Node], states: Sequence[Values] | Values, inputs: Sequence[Values], dtype: Any
) -> list[Values]:
    """Values of expressions; arrays broadcast.

    Args:
        nodes: What to evaluate.
        states: Value of each state and living parameter.
        inputs: Value of each input.
        dtype: Precision of constants and tables.
    """
    found: dict[int, Values] = {}
    for node in needed(nodes):
        found[id(node)] = _value(node, [found[id(one)] for one in node.args], states, inputs, dtype)
    return [found[id(node)] for node in nodes]


def _value(
    node: Node, args: list[Values], states: Sequence[Values] | Values, inputs: Sequence[Values], dtype: Any
) -> Values:
    if node.op == CONSTANT:
        return np.asarray(node.value, dtype=dtype)
    if node.op == STATE:
        return np.asarray(states[int(node.value)])
    if node.op == INPUT:
        return inputs[int(node.value)]
    if node.op in (TABLE, SLOPE):
        table = node.graph.tables[int(node.value)]
        piece = table.piece(args[0])
        slope = table.slope.astype(dtype)[piece]
        if node.op == SLOPE:
            return slope
        past = args[0] - table.start.astype(dtype)[piece]
        return np.asarray(table.value.astype(dtype)[piece] + slope * past)
    if node.op in _CURVED:
        return _CURVED[node.op](np.ascontiguousarray(args[0]))
    return _PLAIN[node.op](*args)
