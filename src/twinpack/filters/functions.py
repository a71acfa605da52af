"""The functions kernels are written in, on blocks of vehicles; importing them imports Numba.

`exp`, `log` and `tanh` are right to 2 units in the last place over their whole range.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from twinpack.filters.lanes import (
    exponent,
    floor,
    inlined,
    like,
    load,
    load_mask,
    power_of_two,
    select,
    significand,
    size_of,
    store,
)


@inlined
def minimum(x: Any, y: Any) -> Any:
    """The smaller, NaN where either is NaN."""
    return select((x < y) | (x != x), x, y)


@inlined
def maximum(x: Any, y: Any) -> Any:
    """The larger, NaN where either is NaN."""
    return select((x > y) | (x != x), x, y)


@inlined
def finite(x: Any) -> Any:
    """Where a number is neither NaN nor infinite."""
    return size_of(x) < like(x, np.inf)


def _exp(fraction: int, lowest: float, highest: float, ln2_high: float, ln2_low: float) -> Any:
    """E to the power x: x = n ln 2 + r, a Taylor polynomial of r, and 2 to the n in two halves.

    Two halves, since 2 to the n may be outside the range when the result is not: results that are tiny lose digits
    gradually, and what is too large is infinite.
    """
    shift = 1.5 * 2.0**fraction

    def exp(x: Any) -> Any:
        bound = select(x > like(x, highest), like(x, highest), x)
        bound = select(bound < like(x, lowest), like(x, lowest), bound)
        n = (bound * like(x, 1.4426950408889634) + like(x, shift)) - like(x, shift)
        r = (bound - n * like(x, ln2_high)) - n * like(x, ln2_low)
        p = like(x, 1.0 / 6227020800.0) * r + like(x, 1.0 / 479001600.0)
        p = p * r + like(x, 1.0 / 39916800.0)
        p = p * r + like(x, 1.0 / 3628800.0)
        p = p * r + like(x, 1.0 / 362880.0)
        p = p * r + like(x, 1.0 / 40320.0)
        p = p * r + like(x, 1.0 / 5040.0)
        p = p * r + like(x, 1.0 / 720.0)
        p = p * r + like(x, 1.0 / 120.0)
        p = p * r + like(x, 1.0 / 24.0)
        p = p * r + like(x, 1.0 / 6.0)
        p = p * r + like(x, 0.5)
        p = (p * r * r + r) + like(x, 1.0)
        half = n * like(x, 0.5) + like(x, shift)
        rest = (n - (half - like(x, shift))) + like(x, shift)
        return p * power_of_two(half) * power_of_two(rest)

    return inlined(exp)


def _log(tiny: float, lift: float, ln2_high: float, ln2_low: float) -> Any:
    """Natural logarithm, by the series of fdlibm's `log` about the nearest power of two."""

    def log(x: Any) -> Any:
        small = x < like(x, tiny)
        normal = select(small, x * like(x, 2.0**lift), x)
        e, m = exponent(normal), significand(normal)
        above = m > like(x, 1.4142135623730951)
        m = select(above, m * like(x, 0.5), m)
        e = select(above, e + like(x, 1.0), e) - select(small, like(x, lift), like(x, 0.0))
        f = m - like(x, 1.0)
        s = f / (f + like(x, 2.0))
        z = s * s
        q = like(x, 1.479819860511658591e-01) * z + like(x, 1.531383769920937332e-01)
        q = q * z + like(x, 1.818357216161805012e-01)
        q = q * z + like(x, 2.222219843214978396e-01)
        q = q * z + like(x, 2.857142874366239149e-01)
        q = q * z + like(x, 3.999999999940941908e-01)
        q = q * z + like(x, 6.666666666666735130e-01)
        half = like(x, 0.5) * f * f
        value = e * like(x, ln2_high) - ((half - (s * (half + q * z) + e * like(x, ln2_low))) - f)
        value = select(x == like(x, np.inf), x, value)
        value = select(x == like(x, 0.0), like(x, -np.inf), value)
        return select(x >= like(x, 0.0), value, like(x, np.nan))

    return inlined(log)


def _tanh(exp: Any) -> Any:
    """Hyperbolic tangent: a rational function (Cephes) near zero, else from `exp`."""

    def tanh(x: Any) -> Any:
        size = size_of(x)
        z = x * x
        p = (like(x, -9.64399179425052238628e-1) * z + like(x, -9.92877231001918586564e1)) * z
        p = p + like(x, -1.61468768441708447952e3)
        q = ((z + like(x, 1.12811678491632931402e2)) * z + like(x, 2.23548839060100448583e3)) * z
        q = q + like(x, 4.84406305325125486048e3)
        near = x * z * (p / q) + x
        far = like(x, 1.0) - like(x, 2.0) / (exp(size + size) + like(x, 1.0))
        far = select(x < like(x, 0.0), -far, far)
        return select(size < like(x, 0.625), near, far)

    return inlined(tanh)


exp64 = _exp(52, -746.0, 710.0, 6.93147180369123816490e-01, 1.90821492927058770002e-10)
exp32 = _exp(23, -104.0, 89.0, 0.693359375, -2.12194440e-4)
log64 = _log(2.2250738585072014e-308, 54.0, 6.93147180369123816490e-01, 1.90821492927058770002e-10)
log32 = _log(1.17549435e-38, 25.0, 6.9313812256e-01, 9.0580006145e-06)
tanh64, tanh32 = _tanh(exp64), _tanh(exp32)


@inlined
def clipped_floor(x: Any, last: Any) -> Any:
    """Whole number below, between 0 and `last`, which is also what NaN gives."""
    bound = select(x < last, x, last)
    return floor(select(bound > like(x, 0.0), bound, like(x, 0.0)))


@inlined
def take(scratch: Any, to: int, array: Any, row: int, first: int) -> None:
    """Copy the lanes of a block from a row of an array; lanes beyond its end repeat its last column."""
    columns, width = array.shape[1], scratch.shape[1]
    if first + width <= columns:
        store(scratch, to, 0, load(array, row, first))
    else:
        for lane in range(width):
            scratch[to, lane] = array[row, min(first + lane, columns - 1)]


@inlined
def give(scratch: Any, source: int, array: Any, row: int, first: int) -> None:
    """Copy the lanes of a block to a row of an array; lanes beyond its end are dropped."""
    columns, width = array.shape[1], scratch.shape[1]
    if first + width <= columns:
        store(array, row, first, load(scratch, source, 0))
    else:
        for lane in range(columns - first):
            array[row, first + lane] = scratch[source, lane]


@inlined
def take_mask(scratch: Any, flags: Any, array: Any, row: int, first: int) -> Any:
    """The truth values of a block; `flags` is room for one."""
    columns, width = array.shape[1], scratch.shape[1]
    if first + width <= columns:
        return load_mask(scratch, array, row, first)
    for lane in range(width):
        flags[0, lane] = array[row, min(first + lane, columns - 1)]
    return load_mask(scratch, flags, 0, 0)


@inlined
def extent(scratch: Any, present: Any, first: int) -> int:
    """Steps until the last one that any vehicle of a block has."""
    end = min(first + scratch.shape[1], present.shape[1])
    for t in range(present.shape[0] - 1, -1, -1):
        for lane in range(first, end):
            if present[t, lane]:
                return t + 1
    return 0
