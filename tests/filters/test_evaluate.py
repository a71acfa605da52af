"""An element of an evaluated graph has its own bits, whatever the array around it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.filters.models import EveryOp
from twinpack.filters.evaluate import evaluate
from twinpack.filters.trace import trace

TRACED = trace(EveryOp())
ROOTS = (*TRACED.transition, TRACED.measure)
numbers = st.lists(st.floats(-2.0, 2.0), min_size=1, max_size=20)


@pytest.mark.parametrize("stride", [1, 2, 3, 7])
@given(a=numbers, shift=st.integers(0, 9))
@settings(max_examples=20, deadline=None)
def test_an_element_has_its_own_bits(stride: int, a: list[float], shift: int) -> None:
    around = np.full((len(a) + 10) * stride, 0.3)
    around[shift * stride : (shift + len(a)) * stride : stride] = a
    values = around[::stride]
    whole = evaluate(ROOTS, [values, 0.5 * values, *[values] * 3], [values, 0.1 * values], np.float64)
    for i, value in enumerate(a):
        one = np.array([value])
        alone = evaluate(ROOTS, [one, 0.5 * one, *[one] * 3], [one, 0.1 * one], np.float64)
        assert [x[shift + i].tobytes() for x in whole] == [x[0].tobytes() for x in alone]


def test_a_graph_is_what_the_models_functions_compute() -> None:
    rng = np.random.default_rng(2)
    x, u = rng.normal(0.0, 1.0, (5, 50)), rng.normal(0.0, 1.0, (2, 50))
    names, inputs = dict(zip(TRACED.names, x, strict=True)), dict(zip(TRACED.inputs, u, strict=True))
    model = EveryOp()
    found = evaluate(ROOTS, x, list(u), np.float64)
    np.testing.assert_allclose(found[:2], model.transition(names, inputs), rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(found[2], model.measure(names, inputs), rtol=1e-13, atol=1e-14)
