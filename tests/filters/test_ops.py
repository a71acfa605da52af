"""The functions of models: the right values, and the same bits whatever the array around an element."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinpack.filters import ops
from twinpack.filters.evaluate import evaluate
from twinpack.filters.graph import STATE, Graph

Floats = npt.NDArray[np.float64]

POINTS = (0.0, 0.1, 0.25, 0.5, 1.0)
VALUES = (1.0, 3.0, 2.0, 2.5, 0.5)
LOW, HIGH = 1e-300, 1e300


def interp(x: Any) -> Any:
    return ops.interp(x, POINTS, VALUES)


def traced(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The function on arrays as a filter computes it: by way of a graph."""
    graph = Graph()
    node = function(graph.leaf(STATE, 0))
    return lambda values: evaluate([node], [np.asarray(values)], [], np.float64)[0]


OPS: dict[str, tuple[Callable[[Any], Any], float, float]] = {
    "exp": (ops.exp, -700.0, 700.0),
    "log": (ops.log, LOW, HIGH),
    "sqrt": (ops.sqrt, 0.0, HIGH),
    "tanh": (ops.tanh, -30.0, 30.0),
    "asinh": (ops.asinh, -1e6, 1e6),
    "minimum": (lambda x: ops.minimum(x, 0.3), -1e9, 1e9),
    "maximum": (lambda x: ops.maximum(0.3, x), -1e9, 1e9),
    "where": (lambda x: ops.where(x > 0.1, x, -x), -1e9, 1e9),
    "interp": (interp, -1.0, 2.0),
}


def placed(values: Floats, position: int, length: int, stride: int, filler: float) -> Floats:
    """The values inside a larger array, `stride` apart, among others."""
    around = np.full((length + len(values)) * stride, filler)
    start = position % (length + 1) * stride
    around[start : start + len(values) * stride : stride] = values
    return around[::stride]


@pytest.mark.parametrize("name", OPS)
@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_an_element_has_its_own_bits(name: str, data: st.DataObject) -> None:
    plain, low, high = OPS[name]
    function = traced(plain)
    values = np.array(data.draw(st.lists(st.floats(low, high), min_size=1, max_size=9)))
    position, length = data.draw(st.integers(0, 40)), data.draw(st.integers(0, 40))
    stride, filler = data.draw(st.sampled_from([1, 2, 3, 7])), data.draw(st.floats(low, high))
    around = placed(values, position, length, stride, filler)
    start = position % (length + 1)
    alone = np.array([np.asarray(function(values[i : i + 1]))[0] for i in range(len(values))])
    assert np.asarray(function(around))[start : start + len(values)].tobytes() == alone.tobytes()
    plane = np.ascontiguousarray(np.broadcast_to(values, (3, len(values)))).T
    assert np.ascontiguousarray(function(plane)[:, 1]).tobytes() == alone.tobytes()


@pytest.mark.parametrize("name", ["exp", "log", "sqrt", "tanh", "asinh"])
def test_whole_ranges_at_every_position_of_a_vector_register(name: str) -> None:
    plain, low, high = OPS[name]
    function = traced(plain)
    low = max(low, 1e-9) if name in ("log", "sqrt") else low
    values = np.linspace(low, min(high, 1e6), 1003)
    whole = function(values)
    for shift in range(1, 9):
        assert function(values[shift:]).tobytes() == whole[shift:].tobytes()
        assert function(values[::shift]).tobytes() == np.ascontiguousarray(whole[::shift]).tobytes()
    assert function(values[::-1]).tobytes() == np.ascontiguousarray(whole[::-1]).tobytes()


@pytest.mark.parametrize(
    ("name", "reference"),
    [("exp", np.exp), ("log", np.log), ("sqrt", np.sqrt), ("tanh", np.tanh), ("asinh", np.arcsinh)],
)
def test_values_are_the_functions(name: str, reference: Callable[[Floats], Floats]) -> None:
    function, low, high = OPS[name]
    low = max(low, 1e-9) if name in ("log", "sqrt") else low
    values = np.linspace(low, min(high, 1e6), 999)
    np.testing.assert_allclose(function(values), reference(values), rtol=1e-14, atol=1e-16)


@given(x=st.floats(0.0, 1.0))
def test_interpolation_inside_is_piecewise_linear(x: float) -> None:
    assert float(interp(x)) == pytest.approx(float(np.interp(x, POINTS, VALUES)), abs=1e-12)


@given(beyond=st.floats(0.0, 5.0))
def test_interpolation_goes_on_with_the_slope_of_its_ends(beyond: float) -> None:
    assert float(interp(-beyond)) == pytest.approx(1.0 - 20.0 * beyond, abs=1e-9)
    assert float(interp(1.0 + beyond)) == pytest.approx(0.5 - 4.0 * beyond, abs=1e-9)


def test_interpolation_meets_its_points() -> None:
    np.testing.assert_allclose(interp(np.array(POINTS)), VALUES, rtol=1e-15)
    assert float(interp(POINTS[2])) == VALUES[2]


def test_interpolation_keeps_what_is_missing() -> None:
    assert np.isnan(interp(np.array([np.nan, 0.2]))).tolist() == [True, False]


@given(x=st.lists(st.floats(-0.5, 1.5), min_size=1, max_size=6), seed=st.integers(0, 99))
@settings(deadline=None)
def test_a_living_table_is_read_element_by_element(x: list[float], seed: int) -> None:
    tables = np.random.default_rng(seed).normal(0.0, 1.0, (len(POINTS), len(x)))
    read = ops.interp(np.array(x), POINTS, list(tables))
    single = [float(ops.interp(np.array([x[i]]), POINTS, [row[i : i + 1] for row in tables])[0]) for i in range(len(x))]
    fixed = [float(ops.interp(x[i], POINTS, tables[:, i])) for i in range(len(x))]
    assert read.tolist() == single == pytest.approx(fixed, rel=1e-12, abs=1e-12)


def test_a_living_table_may_mix_numbers_and_arrays() -> None:
    x = np.array([[0.05, 0.3], [0.75, 1.1]])
    whole = ops.interp(x, POINTS, [np.full(x.shape, value) for value in VALUES])
    mixed = ops.interp(x, POINTS, [np.full(x.shape, 1.0), *VALUES[1:]])
    assert whole.tolist() == mixed.tolist()
    np.testing.assert_allclose(whole, ops.interp(x, POINTS, VALUES), rtol=1e-13)


@pytest.mark.parametrize(
    "points",
    [
        np.linspace(0.0, 1.0, 21),
        np.array([0.0, 0.1, 0.25, 0.5, 1.0]),
        np.sort(np.random.default_rng(3).uniform(-1.0, 2.0, 300)),
    ],
    ids=["even", "cut to even steps", "uneven"],
)
def test_tables_of_every_kind_are_read_right(points: Floats) -> None:
    values = np.cumsum(np.random.default_rng(4).normal(0.0, 1.0, len(points)))
    x = np.concatenate([points, np.linspace(points[0], points[-1], 2001)])
    for read in (ops.interp(x, points, values), traced(lambda node: ops.interp(node, points, values))(x)):
        np.testing.assert_allclose(read, np.interp(x, points, values), rtol=0, atol=1e-9)
    assert np.isnan(traced(lambda node: ops.interp(node, points, values))(np.array([np.nan]))).all()
