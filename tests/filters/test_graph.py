"""The graph: each expression once, constants folded, derivatives right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinpack.filters.evaluate import evaluate
from twinpack.filters.graph import INPUT, STATE, Graph, Node, derivative, needed
from twinpack.filters.ops import asinh, exp, interp, log, maximum, minimum, sqrt, tanh, where


def leaves() -> tuple[Graph, Node, Node, Node]:
    """A graph, two states and an input."""
    graph = Graph()
    return graph, graph.leaf(STATE, 0), graph.leaf(STATE, 1), graph.leaf(INPUT, 0)


def value(node: Any, a: float = 0.0, b: float = 0.0, u: float = 0.0) -> float:
    arguments = [np.array([a]), np.array([b])], [np.array([u])]
    return float(np.ravel(evaluate([node], *arguments, np.float64)[0])[0])


def test_an_expression_is_kept_once() -> None:
    graph, a, b, _ = leaves()
    assert a + b is a + b and exp(a * b) is exp(a * b) and graph.leaf(STATE, 0) is a
    assert a - b is not b - a
    assert 2.0 * a is a * 2.0 is a * np.float64(2.0) is np.float64(2.0) * a
    assert interp(a, (0.0, 1.0), (1.0, 2.0)) is interp(a, [0.0, 1.0], np.array([1.0, 2.0]))
    assert len(graph.tables) == 1
    assert (a < b) is (a < b) and (a < b) is (b > a)
    whole = exp(a * b) + tanh(a * b) + log(1.0 + exp(a * b))
    assert sum(one.op == "*" for one in needed([whole])) == 1


def test_what_is_needed_comes_first() -> None:
    _, a, b, u = leaves()
    order = needed([exp(a + b) * u, a + b])
    place = {id(one): i for i, one in enumerate(order)}
    assert len(place) == len(order)
    assert all(place[id(arg)] < place[id(one)] for one in order for arg in one.args)


def test_constants_are_folded() -> None:
    graph, a, _, _ = leaves()
    two = graph.constant(2.0)
    folded = [two + 3.0, two - 3.0, two * 3.0, two / 4.0, -two, exp(two), log(two), sqrt(two), tanh(two), two**-3]
    folded += [minimum(two, 1.0), maximum(two, 3.0)]
    known = [5.0, -1.0, 6.0, 0.5, -2.0, np.exp(2.0), np.log(2.0), np.sqrt(2.0), np.tanh(2.0), 0.125, 1.0, 3.0]
    assert [one.op for one in folded] == ["constant"] * len(known)
    assert [one.value for one in folded] == known
    assert np.isnan(log(-two).value) and (two / 0.0).value == np.inf
    assert a**0 is graph.constant(1.0)


def test_what_is_neutral_is_left_out() -> None:
    graph, a, b, _ = leaves()
    minus = -a
    for same in (a + 0.0, 0.0 + a, a - 0.0, a * 1.0, 1.0 * a, a / 1.0, -minus, +a, a**1, where(a < b, a, a)):
        assert same is a
    for nothing in (a * 0.0, 0.0 * a, 0.0 / a):
        assert nothing is graph.constant(0.0)
    assert (0.0 - a) is -a
    assert a / 4.0 is 0.25 * a
    # A reciprocal that is infinite would turn 0 / 1e-310 into NaN.
    assert (a / 1e-310).op == "/"


def test_an_expression_knows_its_states() -> None:
    _, a, b, u = leaves()
    assert (a + u).states == {0} and (a * b).states == {0, 1} and exp(u).states == frozenset()
    assert where(a < 0.0, b, u).states == {0, 1}


@pytest.mark.parametrize("left", [np.float64(3.0), np.float32(3.0), np.int64(3), np.array(3.0), 3, 3.0, True])
def test_numbers_of_every_kind_may_stand_on_either_side(left: Any) -> None:
    _, a, _, _ = leaves()
    number = float(left)
    assert value(left + a, 2.0) == value(a + left, 2.0) == number + 2.0
    assert value(left - a, 2.0) == -value(a - left, 2.0) == number - 2.0
    assert value(left * a, 2.0) == value(a * left, 2.0) == number * 2.0
    assert value(left / a, 2.0) == number / 2.0 and value(a / left, 2.0) == pytest.approx(2.0 / number)


@pytest.mark.parametrize("number", [np.float64(0.5), np.float32(0.5), np.array(0.5), 0.5])
def test_numbers_of_every_kind_may_be_compared_from_either_side(number: Any) -> None:
    _, a, _, _ = leaves()
    assert (number < a) is (a > 0.5) and (number <= a) is (a >= 0.5)
    assert (number > a) is (a < 0.5) and (number >= a) is (a <= 0.5)
    for at in (0.25, 0.5, 0.75, float("nan")):
        assert value(where(number < a, 1.0, 0.0), at) == (at > 0.5) and value(where(number <= a, 1.0, 0.0), at) == (
            at >= 0.5
        )
        assert value(where(number == a, 1.0, 0.0), at) == (at == 0.5)
        assert value(where(number != a, 1.0, 0.0), at) == (at != 0.5)


@pytest.mark.parametrize("power", range(-4, 9))
def test_whole_powers(power: int) -> None:
    _, a, _, _ = leaves()
    for given_power in (power, float(power), np.int64(power)):
        assert value(a**given_power, -1.7) == pytest.approx((-1.7) ** power, rel=1e-14)


def test_a_power_of_one_half_is_the_square_root() -> None:
    _, a, _, _ = leaves()
    assert a**0.5 is sqrt(a)


@given(a=st.floats(-2.0, 2.0), b=st.floats(-2.0, 2.0))
def test_conditions_are_combined(a: float, b: float) -> None:
    _, x, y, _ = leaves()
    cases = [
        ((x > 0.0) & (y <= 1.0), a > 0.0 and b <= 1.0),
        ((x < 0.0) | (y >= 1.0), a < 0.0 or b >= 1.0),
        (~(x > y), not a > b),
        (x == y, a == b),
        (x != y, a != b),
        (~((x > 0.0) & ~(y > 0.0)), not (a > 0.0 and not b > 0.0)),
    ]
    for node, known in cases:
        assert value(where(node, 1.0, 2.0), a, b) == (1.0 if known else 2.0)
    assert value(abs(x), a) == abs(a)


def test_an_expression_can_be_read() -> None:
    _, a, _, u = leaves()
    assert repr(exp(a) * u - 2.0) == "-(*(exp(state(0)), input(0)), constant(2))"


GRID = (-2.0, -0.7, -0.1, 0.2, 1.1, 1.9)
DERIVED: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - 2.0 * b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / (3.0 + b),
    "neg": lambda a, b: -a * b,
    "power": lambda a, b: a**3 + (3.0 + b) ** -2,
    "exp": lambda a, b: exp(a * b),
    "log": lambda a, b: log(4.0 + a * b * 0.5),
    "sqrt": lambda a, b: sqrt(5.0 + a * b),
    "tanh": lambda a, b: tanh(a - b * b),
    "asinh": lambda a, b: asinh(3.0 * a + b),
    "abs": lambda a, b: abs(a) * b,
    "minimum": lambda a, b: minimum(a * b, 0.5 * a),
    "maximum": lambda a, b: maximum(a * b, b),
    "where": lambda a, b: where((a > 0.1) & ~(b > 0.3) | (b < -1.0), a * b, a - b),
    "interp": lambda a, b: interp(a + b, GRID, np.sin(GRID)),
    "interp_even": lambda a, b: interp(a * b, (-1.0, -0.5, 0.5), (1.0, 0.0, 2.0)),
    "interp_living": lambda a, b: interp(a, (-0.5, 0.0, 0.7), [b, a * b, 1.0]),
    "shared": lambda a, b: exp(a * b) * tanh(a * b) + sqrt(1.0 + exp(a * b)),
}


@pytest.mark.parametrize("name", DERIVED)
@given(a=st.floats(-1.9, 1.9), b=st.floats(-1.9, 1.9))
@settings(max_examples=40, deadline=None)
def test_derivatives_are_those_of_differences(name: str, a: float, b: float) -> None:
    _, x, y, _ = leaves()
    root = DERIVED[name](x, y)
    for state, (da, db) in enumerate(((1.0, 0.0), (0.0, 1.0))):
        size = 1e-6
        high, middle, low = (value(root, a + s * size * da, b + s * size * db) for s in (1.0, 0.0, -1.0))
        # At a kink there are two slopes.
        least, most = sorted(((high - middle) / size, (middle - low) / size))
        found = value(derivative(root, state), a, b)
        assert least - 1e-4 * (1.0 + abs(least)) <= found <= most + 1e-4 * (1.0 + abs(most))


def test_derivatives_of_what_does_not_depend_on_a_state_are_nothing() -> None:
    graph, a, b, u = leaves()
    assert derivative(exp(a) * u, 1) is graph.constant(0.0)
    assert derivative(graph.constant(3.0), 0) is graph.constant(0.0)
    assert derivative(a, 0) is graph.constant(1.0)
    assert derivative(u * a + b, 0) is u
    # The condition has no slope.
    assert derivative(where(a > 0.0, b, 2.0 * b), 0) is graph.constant(0.0)


def test_second_derivatives_of_a_table_are_nothing() -> None:
    graph, a, _, _ = leaves()
    assert derivative(derivative(interp(a, GRID, GRID), 0), 0) is graph.constant(0.0)
