"""The unscented filter against filterpy, the (Schmidt-)Kalman filter, and its statistics on its own data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
from scipy import stats

from tests.filters.models import (
    Corrected,
    Decay,
    EveryOp,
    Floats,
    Linear,
    Pendulum,
    Run,
    Still,
    circuit,
    drawn,
    pack_inputs,
    pack_run,
    simulated,
    small_run,
    with_gaps,
)
from tests.filters.oracles import all_measurements, by_filterpy, by_kalman, one
from twinpack.battery.thevenin import Noise, Thevenin
from twinpack.filters import Assimilated, compile

Backend = Literal["numba", "numpy"]
both_backends = pytest.mark.parametrize("backend", ["numba", "numpy"])

RUNS: dict[str, Callable[[], Run]] = {
    "pendulum": lambda: small_run(Pendulum(), 3, 100),
    "decay": lambda: small_run(Decay(), 3, 100),
    "linear": lambda: small_run(Linear(), 3, 100),
    "every_op": lambda: small_run(EveryOp(), 3, 60),
    "still": lambda: small_run(Still(), 2, 60),
    "network": lambda: small_run(Corrected(), 2, 60),
    "thevenin_1rc": lambda: pack_run(circuit(1), 1, 100),
    "thevenin_2rc": lambda: pack_run(circuit(2), 2, 100),
    "thevenin_3rc": lambda: pack_run(circuit(3), 1, 100),
    "thevenin_4_knots": lambda: pack_run(circuit(1, knots=4), 1, 40),
    "thevenin_21_knots": lambda: pack_run(circuit(3, knots=21), 1, 30),
}
slow = pytest.mark.slow
# What takes long to compile and has parts that others try.
LONG = ("thevenin_1rc", "thevenin_3rc")
PAIRS = [pytest.param(1, marks=slow), 2, pytest.param(3, marks=slow)]


def assert_equals_filterpy(run: Run, backend: Backend, alpha: float = 1.0) -> None:
    compiled = compile(run.model, backend=backend, alpha=alpha)
    for lane in range(run.mean.shape[1]):
        known = by_filterpy(run, lane, alpha)
        for steps in (1, len(known.mean) // 2, len(known.mean)):
            found = compiled.assimilate(*run.steps(slice(0, steps)).arguments, steps=True)
            np.testing.assert_allclose(found.mean[:, lane], known.mean[steps - 1], rtol=0, atol=1e-10)
            np.testing.assert_allclose(found.covariance[:, :, lane], known.covariance[steps - 1], rtol=0, atol=1e-10)
        assert found.ok.all()
        np.testing.assert_allclose(found.innovation[:, lane], known.innovation, rtol=0, atol=1e-9)
        np.testing.assert_allclose(found.innovation_variance[:, lane], known.variance, rtol=1e-10)
        np.testing.assert_allclose(found.first_state[:, lane], known.mean[:, 0], rtol=0, atol=1e-10)


@both_backends
@pytest.mark.parametrize("name", [pytest.param(name, marks=[slow] if name in LONG else []) for name in RUNS])
def test_equals_filterpy(name: str, backend: Backend) -> None:
    assert_equals_filterpy(RUNS[name](), backend)


@both_backends
@pytest.mark.parametrize("name", ["pendulum", "thevenin_2rc"])
def test_equals_filterpy_where_measurements_are_missing(name: str, backend: Backend) -> None:
    assert_equals_filterpy(with_gaps(RUNS[name]()), backend)


@both_backends
@pytest.mark.parametrize("alpha", [0.3, 0.7, 1.5])
def test_equals_filterpy_with_points_nearer_or_farther(alpha: float, backend: Backend) -> None:
    assert_equals_filterpy(small_run(Pendulum(), 1, 60), backend, alpha)
    assert_equals_filterpy(pack_run(circuit(1, knots=4), 1, 30), backend, alpha)


@both_backends
@pytest.mark.parametrize("alpha", [0.3, 1.0])
def test_equals_the_kalman_filter_on_a_linear_model(alpha: float, backend: Backend) -> None:
    run = with_gaps(small_run(Linear(), 5, 120))
    found = compile(run.model, backend=backend, alpha=alpha).assimilate(*run.arguments)
    for lane in range(5):
        x, p = by_kalman(run, lane)
        np.testing.assert_allclose(found.mean[:, lane], x, rtol=0, atol=1e-10)
        np.testing.assert_allclose(found.covariance[:, :, lane], p, rtol=0, atol=1e-10)


@both_backends
@pytest.mark.parametrize(
    "adjustable", [(True, True, False, False), (True, True, True, False), (False, True, False, True)]
)
def test_what_is_not_adjustable_is_considered_as_schmidt_did(adjustable: tuple[bool, ...], backend: Backend) -> None:
    run, mask = with_gaps(small_run(Linear(), 3, 80)), np.array(adjustable)
    found = compile(run.model, backend=backend).assimilate(*run.arguments, mask)
    for lane in range(3):
        x, p = by_kalman(run, lane, mask)
        np.testing.assert_allclose(found.mean[:, lane], x, rtol=0, atol=1e-10)
        np.testing.assert_allclose(found.covariance[:, :, lane], p, rtol=0, atol=1e-10)


@both_backends
def test_considered_parameters_keep_mean_and_variance_and_still_widen_the_innovation(backend: Backend) -> None:
    run, mask = small_run(Linear(), 4, 60), np.array([True, True, False, False])
    compiled = compile(run.model, backend=backend)
    found = compiled.assimilate(*run.arguments, mask, steps=True)
    free = compiled.assimilate(*run.arguments)
    known = (mask[:, None] & mask)[:, :, None] * run.covariance + 1e-18 * np.eye(4)[:, :, None]
    unaware = compiled.assimilate(*replace(run, covariance=known).arguments, mask, steps=True)
    assert found.mean[2:].tobytes() == run.mean[2:].tobytes()
    assert found.covariance[2:, 2:].tobytes() == run.covariance[2:, 2:].tobytes()
    assert (found.innovation_variance > unaware.innovation_variance).all()
    # An update that may not use the parameters' share cannot know the states better than one that may.
    assert (found.covariance[0, 0] > free.covariance[0, 0]).all()


def squared(found: Assimilated) -> Floats:
    """Normalised innovation squared, shape (T, B)."""
    return np.asarray(found.innovation**2 / found.innovation_variance)


@both_backends
def test_innovations_of_a_linear_model_are_chi_squared_and_white(backend: Backend) -> None:
    run = small_run(Linear(), 200, 60, seed=11)
    found = compile(run.model, backend=backend).assimilate(*run.arguments, steps=True)
    low, high = stats.chi2.ppf([0.0005, 0.9995], squared(found).size)
    assert low < squared(found).sum() < high
    per_lane = stats.kstest(squared(found).sum(axis=0), stats.chi2(60).cdf)
    assert per_lane.pvalue > 0.001
    white = found.innovation / np.sqrt(found.innovation_variance)
    lag = float(np.mean(white[1:] * white[:-1]))
    assert abs(lag) < 3.3 / np.sqrt(white[1:].size)


@pytest.mark.parametrize("pairs", PAIRS)
def test_innovations_of_a_pack_are_consistent(pairs: int) -> None:
    run = pack_run(circuit(pairs), 120, 60, seed=12)
    found = compile(run.model).assimilate(*run.arguments, steps=True)
    low, high = stats.chi2.ppf([0.0005, 0.9995], squared(found).size)
    assert found.ok.all()
    assert low < squared(found).sum() < high


@both_backends
@pytest.mark.parametrize("pairs", PAIRS)
def test_a_prototype_without_model_error_runs_for_long(pairs: int, backend: Backend) -> None:
    source = circuit(pairs, capacity_ah=600.0, noise=Noise(slow_v=0.0, fast_v=0.0, resistive=0.0))
    run = pack_run(source, 4, 300)
    assert compile(run.model, backend=backend).assimilate(*run.arguments).ok.all()


def test_posterior_errors_are_as_large_as_the_posterior_says() -> None:
    rng = np.random.default_rng(5)
    run = small_run(Linear(), 400, 30)
    truth = drawn(run.covariance, run.mean, rng)
    still = replace(run, measured=simulated(run.model, truth, run.inputs, rng))
    found = compile(run.model).assimilate(*still.arguments)
    error = found.mean[2:] - truth[2:]
    block = np.moveaxis(found.covariance[2:, 2:], 2, 0)
    distance = np.einsum("ib,bij,jb->b", error, np.linalg.inv(block), error)
    low, high = stats.chi2.ppf([0.0005, 0.9995], 2 * 400)
    assert low < distance.sum() < high


def test_the_open_loop_band_covers_what_the_model_can_do() -> None:
    rng = np.random.default_rng(8)
    source = circuit(2)
    model, lanes, steps = Thevenin(source), 300, 40
    run = pack_run(source, lanes, 1, seed=8)
    run = replace(run, inputs=pack_inputs(lanes, steps, rng), present=np.ones((steps, lanes), dtype=np.bool_))
    measured = simulated(model, drawn(run.covariance, run.mean, rng), run.inputs, rng)
    found = compile(model).predict(run.posterior, run.inputs, run.present)
    share = np.mean(np.abs(measured - found.mean) <= 1.96 * np.sqrt(found.variance), axis=1)
    assert found.ok.all()
    # The band allows for the model's slow error at its full size from the first step on, so it is a little wide.
    assert 0.935 < share.mean() < 0.98
    assert share.min() > 0.90


def sigma_points(run: Run, lane: int, alpha: float) -> Floats:
    """Centre, plus, minus, shape (n, 2n + 1)."""
    mean, n = run.mean[:, lane, None], len(run.mean)
    columns = alpha * np.sqrt(n) * np.linalg.cholesky(run.covariance[:, :, lane])
    return np.concatenate([mean, mean + columns, mean - columns], axis=1)


@both_backends
@pytest.mark.parametrize("alpha", [1.0, 0.7])
def test_the_open_loop_band_is_the_unscented_transform_of_the_whole_path(alpha: float, backend: Backend) -> None:
    run = small_run(Pendulum(), 2, 25)
    found = compile(run.model, backend=backend, alpha=alpha).predict(run.posterior, run.inputs, run.present)
    size = 2 * len(run.mean) + 1
    weight = 1.0 / (alpha**2 * (size - 1))
    weights = np.array([1.0 - (size - 1) * weight] + [weight] * (size - 1))
    for lane in range(2):
        points = sigma_points(run, lane, alpha)
        states = [dict(zip(run.model.names, points[:, i], strict=True)) for i in range(size)]
        for k in range(25):
            u = {name: float(values[k, lane]) for name, values in run.inputs.items()}
            for state in states:
                state.update(zip(run.model.dynamic, map(one, run.model.transition(state, u)), strict=True))
            z = np.array([one(run.model.measure(state, u)) for state in states])
            mean, extra = weights @ z, np.eye(size)[0] * (3.0 - alpha**2)
            variance = (weights + extra) @ (z - mean) ** 2 + one(run.model.prediction_variance(u))
            assert found.mean[k, lane] == pytest.approx(mean, abs=1e-11)
            assert found.variance[k, lane] == pytest.approx(variance, abs=1e-11)
        last = np.array([[state[name] for state in states] for name in run.model.dynamic])
        np.testing.assert_allclose(found.points[:, :, lane], last, rtol=0, atol=1e-11)


@both_backends
def test_sigma_points_have_the_mean_and_covariance_they_are_drawn_from(backend: Backend) -> None:
    run = small_run(Pendulum(), 4, 0)
    found = compile(run.model, backend=backend).predict(run.posterior, run.inputs)
    points = found.points
    assert found.ok.all() and points.shape == (2, 9, 4) and found.mean.shape == (0, 4)
    np.testing.assert_allclose(points[:, 0], run.mean[:2], atol=0)
    np.testing.assert_allclose(points[:, 1:].mean(axis=1), run.mean[:2], atol=1e-13)
    deviation = points[:, 1:] - run.mean[:2, None]
    covariance = np.einsum("ikb,jkb->ijb", deviation, deviation) / 8
    np.testing.assert_allclose(covariance, run.covariance[:2, :2], atol=1e-13)


@both_backends
def test_the_likelihood_is_that_of_all_measurements_together(backend: Backend) -> None:
    run = with_gaps(small_run(Linear(), 3, 15))
    found = compile(run.model, backend=backend).log_likelihood(*run.arguments)
    for lane in range(3):
        mean, covariance = all_measurements(run, lane)
        seen = np.isfinite(run.measured[:, lane])
        joint = stats.multivariate_normal(mean[seen], covariance[np.ix_(seen, seen)])
        assert found[lane] == pytest.approx(joint.logpdf(run.measured[seen, lane]), abs=1e-9)


@both_backends
def test_no_measurement_at_all_is_neither_likely_nor_unlikely(backend: Backend) -> None:
    run = small_run(Linear(), 2, 4)
    nothing = replace(run, measured=np.full_like(run.measured, np.nan))
    compiled = compile(run.model, backend=backend)
    found = compiled.assimilate(*nothing.arguments, steps=True)
    assert compiled.log_likelihood(*nothing.arguments).tolist() == [0.0, 0.0]
    assert np.isnan(found.innovation).all() and np.isnan(found.innovation_variance).all() and found.ok.all()


@both_backends
def test_a_vehicle_whose_filter_fails_is_infinitely_unlikely(backend: Backend) -> None:
    run = small_run(Linear(), 3, 4)
    run.covariance[:, :, 1] *= -1.0
    found = compile(run.model, backend=backend).log_likelihood(*run.arguments)
    assert found[1] == -np.inf and np.isfinite(found[[0, 2]]).all()
