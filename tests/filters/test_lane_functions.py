"""The functions kernels are made of, over their whole range, in both precisions, in every lane."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numba import njit

from twinpack.filters import functions, lanes
from twinpack.filters.lanes import WIDTH, load, store

Numbers = Any
SPECIAL = (np.nan, np.inf, -np.inf, 0.0, -0.0, -1.0, 1.0, 5e-324, 1e-310, 800.0, -800.0)


def over_blocks(function: Any, dtype: str) -> Callable[[Numbers], Numbers]:
    width, code = WIDTH[dtype], {"float64": "f8", "float32": "f4"}[dtype]

    def kernel(given: Any, out: Any) -> None:
        for start in range(0, given.shape[1], width):
            store(out, 0, start, function(load(given, 0, start)))

    compiled = njit(f"void({code}[:,::1],{code}[:,::1])", error_model="numpy")(kernel)

    def call(values: Numbers) -> Numbers:
        padded = np.zeros((1, -(-len(values) // width) * width), dtype)
        padded[0, : len(values)] = values
        out = np.empty_like(padded)
        compiled(padded, out)
        return out[0, : len(values)]

    return call


RANGES: dict[str, tuple[str, Callable[[Numbers], Numbers], float, float]] = {
    "exp64": ("float64", np.exp, -760.0, 712.0),
    "exp32": ("float32", np.exp, -110.0, 90.0),
    "log64": ("float64", np.log, 5e-324, 1.7e308),
    "log32": ("float32", np.log, 1e-44, 3e38),
    "tanh64": ("float64", np.tanh, -30.0, 30.0),
    "tanh32": ("float32", np.tanh, -20.0, 20.0),
}


@pytest.mark.parametrize("name", RANGES)
def test_the_whole_range_is_right_to_two_units_in_the_last_place(name: str) -> None:
    dtype, reference, low, high = RANGES[name]
    function = over_blocks(getattr(functions, name), dtype)
    near_zero = np.geomspace(1e-12, 5.0, 20_000)
    wide = np.geomspace(low, high, 100_000) if name.startswith("log") else np.linspace(low, high, 100_000)
    values = np.concatenate([wide, near_zero] + ([] if name.startswith("log") else [-near_zero])).astype(dtype)
    found = function(values)
    with np.errstate(all="ignore"):
        known = reference(values.astype(np.longdouble if dtype == "float64" else np.float64))
        rounded = known.astype(dtype)
        limits = np.finfo(dtype)
        normal = (np.abs(known) >= limits.tiny) & (np.abs(known) <= limits.max)
        units = np.abs(found - known)[normal] / np.spacing(np.abs(rounded[normal]))
        assert float(units.max()) <= 2.0
        # Tiny results lose digits gradually, and what is too large is infinite.
        small = np.abs(known) < limits.tiny
        assert (np.abs(found - known)[small] <= 2.0 * limits.smallest_subnormal).all()
        assert np.isinf(found[known > limits.max * 1.001]).all()
        special = np.array(SPECIAL).astype(dtype)
        np.testing.assert_allclose(function(special), reference(special), rtol=1e-6 if dtype == "float32" else 1e-14)


@pytest.mark.parametrize("name", RANGES)
def test_every_lane_gives_the_same_bits(name: str) -> None:
    dtype, _, low, high = RANGES[name]
    function = over_blocks(getattr(functions, name), dtype)
    for value in (*np.linspace(max(low, -20.0), min(high, 20.0), 23), np.nan, np.inf):
        alone = function(np.full(WIDTH[dtype], value, dtype))
        assert len({one.tobytes() for one in alone}) == 1
        for lane in range(WIDTH[dtype]):
            among = np.linspace(0.1, 9.0, WIDTH[dtype]).astype(dtype)
            among[lane] = value
            assert function(among)[lane].tobytes() == alone[lane].tobytes()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_roots_floors_minima_and_maxima_are_exact(dtype: str) -> None:
    values = np.concatenate([np.linspace(-50.0, 50.0, 997), SPECIAL]).astype(dtype)
    with np.errstate(all="ignore"):
        assert np.array_equal(over_blocks(lanes.sqrt, dtype)(values), np.sqrt(values), equal_nan=True)
        assert np.array_equal(over_blocks(lanes.floor, dtype)(values), np.floor(values), equal_nan=True)
        for name in ("minimum", "maximum"):
            two, known = getattr(functions, name), getattr(np, name)
            for swapped in (False, True):
                function = over_blocks(_with_inverse(two, swapped), dtype)
                inverse = dtype_of(dtype)(1.0) / values
                expected = known(inverse, values) if swapped else known(values, inverse)
                assert np.array_equal(function(values), expected, equal_nan=True)


def dtype_of(name: str) -> Any:
    return np.dtype(name).type


def _with_inverse(two: Any, swapped: bool) -> Any:
    """A function of one value from one of two: the other is its inverse."""
    like = lanes.like

    @njit(error_model="numpy")  # type: ignore[untyped-decorator, unused-ignore]
    def plain(x: Any) -> Any:
        return two(x, like(x, 1.0) / x)

    @njit(error_model="numpy")  # type: ignore[untyped-decorator, unused-ignore]
    def other(x: Any) -> Any:
        return two(like(x, 1.0) / x, x)

    return other if swapped else plain
