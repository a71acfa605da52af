"""Linear algebra of kernels with loops over states, on rows of a scratch array; importing it imports Numba."""

from __future__ import annotations

from typing import Any

from twinpack.filters.lanes import inlined, like, load, select, sqrt, store


@inlined
def trace(s: Any, size: int, covariance: int) -> Any:
    """Sum of the variances."""
    total = load(s, covariance, 0)
    for j in range(1, size):
        total = total + load(s, covariance + j * (j + 1) // 2 + j, 0)
    return total


@inlined
def factor(s: Any, size: int, covariance: int, to: int) -> Any:
    """Lower triangular factor of a covariance, and where every pivot was positive.

    The covariance lies as rows of its lower triangle from row `covariance` on; the factor is written as a full square
    from row `to` on, its upper half left as it is.
    """
    good = load(s, covariance, 0) == load(s, covariance, 0)
    for j in range(size):
        pivot = load(s, covariance + j * (j + 1) // 2 + j, 0)
        for k in range(j):
            left = load(s, to + j * size + k, 0)
            pivot = pivot - left * left
        good = good & (pivot > like(pivot, 0.0))
        inverse = like(pivot, 1.0) / sqrt(pivot)
        store(s, to + j * size + j, 0, pivot * inverse)
        for i in range(j + 1, size):
            value = load(s, covariance + i * (i + 1) // 2 + j, 0)
            for k in range(j):
                value = value - load(s, to + i * size + k, 0) * load(s, to + j * size + k, 0)
            store(s, to + i * size + j, 0, value * inverse)
    return good


@inlined
def moments(
    s: Any,
    size: int,
    states: int,
    covariance: int,
    root: int,
    odd: int,
    even: int,
    shift: int,
    weight: Any,
    half: Any,
    centre: Any,
) -> None:
    """Covariance of the moved states, with each other and with the parameters, and the shifts of their means."""
    for r in range(states):
        total = load(s, even + r * size, 0)
        for i in range(1, size):
            total = total + load(s, even + r * size + i, 0)
        store(s, shift + r, 0, total * weight)
        for q in range(r + 1):
            first = load(s, odd + r * size, 0) * load(s, odd + q * size, 0)
            bent = load(s, even + r * size, 0) * load(s, even + q * size, 0)
            for i in range(1, size):
                first = first + load(s, odd + r * size + i, 0) * load(s, odd + q * size + i, 0)
                bent = bent + load(s, even + r * size + i, 0) * load(s, even + q * size + i, 0)
            shifts = load(s, shift + r, 0) * load(s, shift + q, 0)
            store(s, covariance + r * (r + 1) // 2 + q, 0, first + half * bent + centre * shifts)
        for j in range(states, size):
            cross = load(s, odd + r * size, 0) * load(s, root + j * size, 0)
            for i in range(1, j + 1):
                cross = cross + load(s, odd + r * size + i, 0) * load(s, root + j * size + i, 0)
            store(s, covariance + j * (j + 1) // 2 + r, 0, cross)


@inlined
def scalar_moments(
    s: Any,
    size: int,
    root: int,
    odd: int,
    even: int,
    shift: int,
    cross: int,
    weight: Any,
    half: Any,
    centre: Any,
) -> Any:
    """Variance of the measurement without noise; its shift and its covariance with each state are stored."""
    total, bent = load(s, even, 0), load(s, even, 0) * load(s, even, 0)
    first = load(s, odd, 0) * load(s, odd, 0)
    for i in range(1, size):
        one, two = load(s, even + i, 0), load(s, odd + i, 0)
        total, bent, first = total + one, bent + one * one, first + two * two
    moved = total * weight
    store(s, shift, 0, moved)
    for j in range(size):
        value = load(s, odd, 0) * load(s, root + j * size, 0)
        for i in range(1, j + 1):
            value = value + load(s, odd + i, 0) * load(s, root + j * size + i, 0)
        store(s, cross + j, 0, value)
    return first + half * bent + centre * moved * moved


@inlined
def updated(
    s: Any, size: int, covariance: int, new_mean: int, new_covariance: int, cross: int, use: Any, y: Any, inverse: Any
) -> None:
    """The Kalman update, put in place where the lane takes the step."""
    for i in range(size):
        gain = load(s, cross + i, 0) * inverse
        store(s, i, 0, select(use, load(s, new_mean + i, 0) + gain * y, load(s, i, 0)))
        for j in range(i + 1):
            row = i * (i + 1) // 2 + j
            value = load(s, new_covariance + row, 0) - gain * load(s, cross + j, 0)
            store(s, covariance + row, 0, select(use, value, load(s, covariance + row, 0)))


@inlined
def considered(
    s: Any,
    size: int,
    covariance: int,
    new_mean: int,
    new_covariance: int,
    cross: int,
    use: Any,
    y: Any,
    inverse: Any,
    gains: Any,
    variance: Any,
) -> None:
    """The update of a consider (Schmidt-Kalman) filter: what has no gain keeps its mean and variance."""
    gained = cross + size
    for i in range(size):
        gain = load(s, cross + i, 0) * inverse * like(y, gains[i])
        store(s, gained + i, 0, gain)
        store(s, i, 0, select(use, load(s, new_mean + i, 0) + gain * y, load(s, i, 0)))
        for j in range(i + 1):
            row = i * (i + 1) // 2 + j
            other = load(s, gained + j, 0)
            value = load(s, new_covariance + row, 0) - (gain * load(s, cross + j, 0) + load(s, cross + i, 0) * other)
            value = value + variance * gain * other
            store(s, covariance + row, 0, select(use, value, load(s, covariance + row, 0)))
