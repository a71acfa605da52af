"""Indices against functions whose indices are known, through models and kernels like any other."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from twinpack.errors import LearningError
from twinpack.filters import Living, Model, Scalar
from twinpack.filters.ops import maximum
from twinpack.filters.simulate import Simulator
from twinpack.learn.sobol import Factor, Floats, Indices, design, indices

PI = float(np.pi)


class Function(Model):
    """A function of living parameters alone."""

    dynamic = ()
    inputs = ()

    def transition(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
        return ()

    def process_variance(self, u: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
        return ()

    def measurement_variance(self, u: Mapping[str, Scalar]) -> Scalar:
        return 1.0


class Ishigami(Function):
    """sin x1 + 7 sin² x2 + 0.1 x3⁴ sin x1; the sine as its series, which a graph can hold."""

    living = tuple(Living(f"x{i + 1}", 0.0, 1.0, 0.0, -PI, PI) for i in range(3))

    def measure(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> Scalar:
        one, two, three = sine(x["x1"]), sine(x["x2"]), x["x3"]
        return one + 7.0 * two * two + 0.1 * three**4 * one


def sine(x: Scalar) -> Scalar:
    """To 1e-4 over a full turn about zero."""
    term, total = x, x
    for n in range(1, 8):
        term = -1.0 / (2 * n * (2 * n + 1)) * term * x * x
        total = total + term
    return total


G = (0.0, 1.0, 4.5, 9.0, 99.0, 99.0, 99.0, 99.0)


class SobolG(Function):
    """The product of (|4 x - 2| + a) / (1 + a)."""

    living = tuple(Living(f"x{i + 1}", 0.5, 1.0, 0.0, 0.0, 1.0) for i in range(len(G)))

    def measure(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> Scalar:
        product: Scalar = 1.0
        for one, a in zip(self.living, G, strict=True):
            off = 4.0 * x[one.name] - 2.0
            product = product * ((maximum(off, -off) + a) / (1.0 + a))
        return product


def of(model: Model, samples: int) -> Indices:
    factors = tuple(Factor(one.name, one.lower, one.upper) for one in model.living)
    return indices(factors, Simulator(model).run(design(factors, samples), {}).T)


def test_the_indices_of_ishigami_are_the_analytic_ones() -> None:
    found = of(Ishigami(), 4096)
    v1, v2, v13 = 0.5 * (1 + 0.1 * PI**4 / 5) ** 2, 7**2 / 8, 0.1**2 * PI**8 * 8 / 225
    variance = v1 + v2 + v13
    assert found.sd == pytest.approx(np.sqrt(variance), rel=0.01)
    np.testing.assert_allclose(found.first, np.array([v1, v2, 0.0]) / variance, atol=0.02)
    np.testing.assert_allclose(found.total, np.array([v1 + v13, v2, v13]) / variance, atol=0.02)
    assert found.second[0, 2] == pytest.approx(v13 / variance, abs=0.03)
    assert abs(found.second[0, 1]) < 0.03 and abs(found.second[1, 2]) < 0.03
    inside = np.abs(found.total - np.array([v1 + v13, v2, v13]) / variance) < 1.5 * found.total_conf
    assert inside.all() and (found.total_conf < 0.08).all()


def test_the_indices_of_the_g_function_are_the_analytic_ones() -> None:
    found = of(SobolG(), 1024)
    v: Floats = np.array([1.0 / (3.0 * (1.0 + a) ** 2) for a in G])
    variance = float(np.prod(1.0 + v)) - 1.0
    total = v * np.array([np.prod(1.0 + np.delete(v, i)) for i in range(len(v))]) / variance
    np.testing.assert_allclose(found.first, v / variance, atol=0.02)
    np.testing.assert_allclose(found.total, total, atol=0.02)
    assert found.second[0, 1] == pytest.approx(v[0] * v[1] / variance, abs=0.03)


def curve(values: Floats) -> Floats:
    """Three instants: one for each of two factors, and a third, small one."""
    return np.stack([3.0 * values[0], 1.0 * values[1], 0.1 * values[0] * values[1]], axis=1)


def test_a_curve_is_weighed_by_the_variance_at_its_instants() -> None:
    factors = (Factor("a", -1.0, 1.0), Factor("b", -1.0, 1.0))
    found = indices(factors, curve(design(factors, 512)))
    total = 9.0 / 3 + 1.0 / 3 + 0.01 / 9
    np.testing.assert_allclose(found.first, np.array([3.0, 1.0 / 3]) / total, atol=0.01)
    assert found.sd == pytest.approx(np.sqrt(total / 3), rel=0.01)


def test_a_group_is_judged_as_one_and_may_be_correlated_within() -> None:
    factors = (Factor("a", -9.0, 9.0, 0.0, 1.0), *(Factor(f"g{i}", -9.0, 9.0, 0.0, 1.0, group="g") for i in range(2)))
    together = np.array([[1.0, 0.8], [0.8, 1.0]])
    values = design(factors, 512, joint={"g": together})
    assert float(np.mean(values[1] * values[2])) == pytest.approx(0.8, abs=0.05)
    found = indices(factors, np.stack([2.0 * values[0] + values[1] + values[2]], axis=1))
    assert found.names == ("a", "g")
    np.testing.assert_allclose(found.first, np.array([4.0, 3.6]) / 7.6, atol=0.03)


def test_what_cannot_be_analysed_is_refused_with_the_reason() -> None:
    factors = (Factor("a", 0.0, 1.0), Factor("b", 0.0, 1.0))
    with pytest.raises(LearningError, match="power of two"):
        design(factors, 1000)
    with pytest.raises(LearningError, match="nothing varies"):
        design((), 64)
    values = design(factors, 64)
    with pytest.raises(LearningError, match="the same in all 384 runs: a, b do not change"):
        indices(factors, np.full((values.shape[1], 3), 3.7))
    with pytest.raises(LearningError, match="not finite"):
        indices(factors, np.where(values[0] > 0.5, np.nan, values[0])[:, None])


def test_a_few_runs_that_fail_are_left_out_and_counted() -> None:
    factors = (Factor("a", -1.0, 1.0), Factor("b", -1.0, 1.0))
    values = design(factors, 1024)
    output = values[0] + 0.5 * values[1]
    output[6 * 17 + 3] = np.nan
    found = indices(factors, output[:, None])
    assert found.lost == pytest.approx(1 / 1024)
    np.testing.assert_allclose(found.first, [0.8, 0.2], atol=0.02)


def test_the_same_seed_gives_the_same_figures() -> None:
    one, other = of(Ishigami(), 64), of(Ishigami(), 64)
    assert (one.total == other.total).all() and (one.total_conf == other.total_conf).all()


def test_a_cut_off_normal_has_the_quantiles_it_should() -> None:
    factor = Factor("a", 0.0, float("inf"), 0.0, 1.0)  # half a normal distribution
    np.testing.assert_allclose(factor.quantile(np.array([0.0, 0.5])), [0.0, 0.6745], atol=1e-3)
    assert np.isfinite(factor.quantile(np.array([1.0]))).all()
