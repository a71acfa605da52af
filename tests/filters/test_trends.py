"""Trends: exact for any split, equal to an independent matrix exponential, and a plain walk where nothing is a rate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import expm

from twinpack.errors import InputError
from twinpack.filters.model import Living
from twinpack.filters.trends import Trends

CHAIN = (
    Living("level", 1.0, 0.1, 0.01),
    Living("alone", 1.0, 0.2, 0.03),
    Living("slope", -0.01, 0.01, 0.002, rate_of="level"),
    Living("curvature", 0.0, 0.001, 0.0005, rate_of="slope"),
)
WALKS = (Living("capacity", 1.0, 0.05, 0.001), Living("resistance", 1.0, 0.15, 0.004))


def stand(size: int, vehicles: int, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    root = 0.1 * generator.standard_normal((vehicles, size, size))
    cov = np.moveaxis(root @ root.swapaxes(1, 2) + 1e-3 * np.eye(size), 0, 2)
    return generator.standard_normal((size, vehicles)), cov


def by_exponential(
    living: tuple[Living, ...], mean: np.ndarray, cov: np.ndarray, t: float, states: int
) -> tuple[np.ndarray, np.ndarray]:
    """Van Loan's method: one exponential of a block matrix gives F and Q."""
    size = len(mean)
    names = [one.name for one in living]
    a, q = np.zeros((size, size)), np.zeros((size, size))
    for index, one in enumerate(living):
        q[states + index, states + index] = one.drift**2
        if one.rate_of:
            a[states + names.index(one.rate_of), states + index] = 1.0
    block = expm(np.block([[-a, q], [np.zeros_like(a), a.T]]) * t)
    f = block[size:, size:].T
    return f @ mean, f @ cov @ f.T + f @ block[:size, size:]


@pytest.mark.parametrize("states", [0, 2])
def test_a_step_is_that_of_the_matrix_exponential(states: int) -> None:
    mean, cov = stand(states + len(CHAIN), 3)
    passed = np.array([0.0, 0.7, 12.0])
    x, p = Trends(CHAIN).advance(mean, cov, passed)
    for lane, t in enumerate(passed):
        expected = by_exponential(CHAIN, mean[:, lane], cov[:, :, lane], float(t), states)
        np.testing.assert_allclose(x[:, lane], expected[0], rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(p[:, :, lane], expected[1], rtol=1e-10, atol=1e-13)


@given(st.floats(0.0, 400.0), st.floats(0.0, 400.0))
def test_any_split_of_what_passes_gives_the_same(first: float, second: float) -> None:
    trends = Trends(CHAIN)
    mean, cov = stand(len(CHAIN), 1)
    whole = trends.advance(mean, cov, np.array([first + second]))
    parts = trends.advance(*trends.advance(mean, cov, np.array([first])), np.array([second]))
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9 * np.abs(one).max())


def test_parameters_without_rates_walk_and_nothing_else_changes() -> None:
    mean, cov = stand(5, 4)
    days = np.array([0.0, 0.3, 7.1, 365.0])
    x, p = Trends(WALKS).advance(mean, cov, days)
    expected = cov.copy()
    for row, one in enumerate(WALKS):
        expected[3 + row, 3 + row] += np.float64(one.drift) ** 2 * days
    np.testing.assert_array_equal(x, mean)
    np.testing.assert_array_equal(p, expected)


def test_a_vehicle_does_not_depend_on_its_neighbours() -> None:
    mean, cov = stand(len(CHAIN), 7)
    passed = np.linspace(0.0, 3.0, 7)
    x, p = Trends(CHAIN).advance(mean, cov, passed)
    for lane in range(7):
        alone = Trends(CHAIN).advance(mean[:, [lane]], cov[:, :, [lane]], passed[[lane]])
        np.testing.assert_array_equal(alone[0][:, 0], x[:, lane])
        np.testing.assert_array_equal(alone[1][:, :, 0], p[:, :, lane])


def test_covariances_stay_symmetric_and_positive() -> None:
    mean, cov = stand(len(CHAIN), 1)
    trends = Trends(CHAIN)
    for _ in range(200):
        mean, cov = trends.advance(mean, cov, np.array([0.5]))
    np.testing.assert_array_equal(cov, cov.swapaxes(0, 1))
    assert np.linalg.eigvalsh(cov[:, :, 0]).min() > 0.0


@pytest.mark.parametrize(
    ("living", "says"),
    [
        ((Living("slope", 0.0, 1.0, rate_of="level"),), "which the model has not"),
        ((Living("level", 0.0, 1.0, rate_of="level"),), "ends in itself"),
        (
            (Living("a", 0.0, 1.0), *(Living(n, 0.0, 1.0, rate_of=m) for n, m in (("b", "a"), ("c", "b"), ("d", "c")))),
            "more than 3",
        ),
        (
            (Living("a", 0.0, 1.0), Living("b", 0.0, 1.0, rate_of="a"), Living("c", 0.0, 1.0, rate_of="a")),
            "'b' and 'c' are both rates of 'a'",
        ),
    ],
)
def test_rates_of_what_is_not_there_are_refused(living: tuple[Living, ...], says: str) -> None:
    with pytest.raises(InputError, match=says):
        Trends(living)
