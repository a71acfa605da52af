"""Conditions over whole columns at once, in three values: true, false, and unknown where a number is missing."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.detect.rules.expression import Call, Compare, Constant, Limit, Named, Number, Truth, Value
from twinpack.telemetry.arrivals import Bools
from twinpack.telemetry.batch import Floats

Table = tuple[tuple[float, float], ...]
LimitValue = float | Table
Columns = Mapping[str, Floats]
"""Values of each quantity that conditions read, all of one length, NaN where unknown."""
Three = tuple[Bools, Bools]
"""Where a condition is true, and where it is false; it is unknown where it is neither."""
Judge = Callable[[Columns], Three]
Measure = Callable[[Columns], Any]

UNKNOWN, PASS, FAIL, IDLE, LOST = 0, 1, 2, 3, 4
"""Verdicts of a test on one sample: not known; passed; failed; not run; failed by the silence before, and passed."""

_SIGNS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
_BINARY: dict[str, Callable[[Any, Any], Any]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}


def compiled(tree: Truth, limits: Mapping[str, LimitValue], pack: Mapping[str, float]) -> Judge:
    """A condition as a function of columns.

    Args:
        tree: The condition.
        limits: Its limits.
        pack: Constants of the pack.
    """
    if isinstance(tree, Compare):
        return _comparison(tree, measured(tree.left, limits, pack), measured(tree.right, limits, pack))
    parts = [compiled(part, limits, pack) for part in tree.parts]
    return {"and": _all_of, "or": _any_of, "not": _not}[tree.name](parts)


def measured(tree: Value, limits: Mapping[str, LimitValue], pack: Mapping[str, float]) -> Measure:
    """A number as a function of columns; a plain number where it reads none."""
    match tree:
        case Number():
            return _fixed(tree.value)
        case Limit():
            return _fixed(limits[tree.name])
        case Constant():
            return _fixed(pack[tree.name])
        case Named():
            name = tree.name
            return lambda columns: columns[name]
        case Call(name="interp"):
            return _interpolated(measured(tree.arguments[0], limits, pack), limits, tree.arguments[1])
        case Call():
            return _operation(tree.name, [measured(argument, limits, pack) for argument in tree.arguments])


def verdicts(columns: Columns, condition: Judge, when: Judge | None, told: npt.NDArray[np.uint8]) -> None:
    """Write what a test says of each sample: `FAIL`, `PASS`, `UNKNOWN`, or `IDLE` where it does not run.

    Args:
        columns: Values of the quantities, shape (M,).
        condition: The test fails where it is true.
        when: The test runs where it is true; None for always.
        told: Where to write it, shape (M,).
    """
    true, false = condition(columns)
    np.multiply(true.view(np.uint8), np.uint8(FAIL), out=told)
    told |= false.view(np.uint8)
    if when is not None:
        runs, rests = when(columns)
        told *= runs.view(np.uint8)
        told |= rests.view(np.uint8) * np.uint8(IDLE)


def _fixed(value: Any) -> Measure:
    return lambda columns: value


def _comparison(tree: Compare, left: Measure, right: Measure) -> Judge:
    sign, opposite = _SIGNS[tree.sign], _SIGNS[_OPPOSITE[tree.sign]]
    # NaN compares false with everything but by `!=`, which says true: there both sides must be known.
    if tree.sign == "!=":
        sign = _differ
    elif tree.sign == "==":
        opposite = _differ

    def judged(columns: Columns) -> Three:
        a, b = left(columns), right(columns)
        return sign(a, b), opposite(a, b)

    return judged


def _differ(a: Any, b: Any) -> Any:
    return (a < b) | (a > b)


def _all_of(parts: list[Judge]) -> Judge:
    def judged(columns: Columns) -> Three:
        true, false = parts[0](columns)
        for part in parts[1:]:
            more, less = part(columns)
            true, false = true & more, false | less
        return true, false

    return judged


def _any_of(parts: list[Judge]) -> Judge:
    def judged(columns: Columns) -> Three:
        true, false = parts[0](columns)
        for part in parts[1:]:
            more, less = part(columns)
            true, false = true | more, false & less
        return true, false

    return judged


def _not(parts: list[Judge]) -> Judge:
    def judged(columns: Columns) -> Three:
        true, false = parts[0](columns)
        return false, true

    return judged


def _operation(name: str, arguments: list[Measure]) -> Measure:
    first, *others = arguments
    if name == "neg":
        return lambda columns: -first(columns)
    if name == "abs":
        return lambda columns: np.abs(first(columns))
    if name in ("min", "max"):
        return _extreme(np.minimum if name == "min" else np.maximum, arguments)
    second = others[0]
    if name == "/":
        return lambda columns: _quotient(first(columns), second(columns))
    operation = _BINARY[name]
    return lambda columns: operation(first(columns), second(columns))


def _extreme(function: Callable[[Any, Any], Any], arguments: list[Measure]) -> Measure:
    def found(columns: Columns) -> Any:
        value = arguments[0](columns)
        for argument in arguments[1:]:
            value = function(value, argument(columns))
        return value

    return found


def _quotient(a: Any, b: Any) -> Any:
    """`a / b`, unknown where `b` is zero."""
    return np.divide(a, np.where(np.equal(b, 0.0), np.nan, b))


def _interpolated(value: Measure, limits: Mapping[str, LimitValue], table: Value) -> Measure:
    points = limits[table.name] if isinstance(table, Limit) else ()
    xs, ys = np.array(points, dtype=np.float64).T
    return lambda columns: np.interp(value(columns), xs, ys)
