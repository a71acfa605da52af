"""The filter against filterpy, the Kalman filter and the Schmidt-Kalman filter, and its statistics on its own data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from tests.filters.models import (
    Decay,
    Floats,
    Linear,
    Pendulum,
    Run,
    by_filterpy,
    by_kalman,
    circuit,
    drawn,
    one,
    pack_inputs,
    pack_run,
    simulated,
    small_run,
)
from twinpack.battery.thevenin import Noise, Thevenin
from twinpack.filters import Assimilated, UnscentedFilter, compile


def with_gaps(run: Run, seed: int = 3) -> Run:
    missing = np.random.default_rng(seed).random(run.measured.shape) < 0.2
    return replace(run, measured=np.where(missing, np.nan, run.measured))


RUNS: dict[str, Callable[[], Run]] = {
    "pendulum": lambda: small_run(Pendulum(), 3, 100),
    "decay": lambda: small_run(Decay(), 3, 100),
    "linear": lambda: small_run(Linear(), 3, 100),
    "thevenin_1rc": lambda: pack_run(circuit(1), 1, 100),
    "thevenin_2rc": lambda: pack_run(circuit(2), 2, 100),
    "thevenin_3rc": lambda: pack_run(circuit(3), 1, 100),
    "thevenin_knots": lambda: pack_run(circuit(2, knots=4), 1, 40),
}


def assert_equals_filterpy(run: Run, alpha: float = 1.0) -> None:
    compiled = compile(run.model, alpha=alpha)
    for lane in range(run.mean.shape[1]):
        means, covariances, innovations, variances = by_filterpy(run, lane, alpha)
        for steps in (1, len(means) // 2, len(means)):
            found = compiled.assimilate(*run.steps(slice(0, steps)).arguments)
            np.testing.assert_allclose(found.mean[:, lane], means[steps - 1], rtol=0, atol=1e-10)
            np.testing.assert_allclose(found.covariance[:, :, lane], covariances[steps - 1], rtol=0, atol=1e-10)
        assert found.ok.all()
        np.testing.assert_allclose(found.innovation[:, lane], innovations, rtol=0, atol=1e-9)
        np.testing.assert_allclose(found.innovation_variance[:, lane], variances, rtol=1e-10)
        np.testing.assert_allclose(found.first_state[:, lane], means[:, 0], rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", RUNS)
def test_equals_filterpy(name: str) -> None:
    assert_equals_filterpy(RUNS[name]())


@pytest.mark.parametrize("name", ["pendulum", "thevenin_2rc"])
def test_equals_filterpy_where_measurements_are_missing(name: str) -> None:
    assert_equals_filterpy(with_gaps(RUNS[name]()))


@pytest.mark.parametrize("alpha", [0.3, 0.7, 1.5])
def test_equals_filterpy_with_points_nearer_or_farther(alpha: float) -> None:
    assert_equals_filterpy(small_run(Pendulum(), 1, 60), alpha)
    assert_equals_filterpy(pack_run(circuit(1, knots=4, noise=Noise(temper=4.0)), 1, 30), alpha)


@pytest.mark.parametrize("alpha", [0.3, 1.0])
def test_equals_the_kalman_filter_on_a_linear_model(alpha: float) -> None:
    run = with_gaps(small_run(Linear(), 5, 120))
    found = compile(run.model, alpha=alpha).assimilate(*run.arguments)
    for lane in range(5):
        x, p = by_kalman(run, lane)
        np.testing.assert_allclose(found.mean[:, lane], x, rtol=0, atol=1e-10)
        np.testing.assert_allclose(found.covariance[:, :, lane], p, rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    "adjustable", [(True, True, False, False), (True, True, True, False), (False, True, False, True)]
)
def test_what_is_not_adjustable_is_considered_as_schmidt_did(adjustable: tuple[bool, ...]) -> None:
    run, mask = with_gaps(small_run(Linear(), 3, 80)), np.array(adjustable)
    found = compile(run.model).assimilate(*run.arguments, mask)
    for lane in range(3):
        x, p = by_kalman(run, lane, mask)
        np.testing.assert_allclose(found.mean[:, lane], x, rtol=0, atol=1e-10)
        np.testing.assert_allclose(found.covariance[:, :, lane], p, rtol=0, atol=1e-10)


def test_considered_parameters_keep_mean_and_variance_and_still_widen_the_innovation() -> None:
    run, mask = small_run(Linear(), 4, 60), np.array([True, True, False, False])
    found = compile(run.model).assimilate(*run.arguments, mask)
    free = compile(run.model).assimilate(*run.arguments)
    known = (mask[:, None] & mask)[:, :, None] * run.covariance + 1e-18 * np.eye(4)[:, :, None]
    unaware = compile(run.model).assimilate(*replace(run, covariance=known).arguments, mask)
    assert found.mean[2:].tobytes() == run.mean[2:].tobytes()
    assert found.covariance[2:, 2:].tobytes() == run.covariance[2:, 2:].tobytes()
    assert (found.innovation_variance > unaware.innovation_variance).all()
    # An update that may not use the parameters' share cannot know the states better than one that may.
    assert (found.covariance[0, 0] > free.covariance[0, 0]).all()


def squared(found: Assimilated) -> Floats:
    """Normalised innovation squared, shape (T, B)."""
    return found.innovation**2 / found.innovation_variance


def test_innovations_of_a_linear_model_are_chi_squared_and_white() -> None:
    run = small_run(Linear(), 200, 60, seed=11)
    found = compile(run.model).assimilate(*run.arguments)
    low, high = stats.chi2.ppf([0.0005, 0.9995], squared(found).size)
    assert low < squared(found).sum() < high
    per_lane = stats.kstest(squared(found).sum(axis=0), stats.chi2(60).cdf)
    assert per_lane.pvalue > 0.001
    white = found.innovation / np.sqrt(found.innovation_variance)
    lag = float(np.mean(white[1:] * white[:-1]))
    assert abs(lag) < 3.3 / np.sqrt(white[1:].size)


@pytest.mark.parametrize("pairs", [1, 2, 3])
def test_innovations_of_a_pack_are_consistent(pairs: int) -> None:
    run = pack_run(circuit(pairs), 120, 60, seed=12)
    found = compile(run.model).assimilate(*run.arguments)
    low, high = stats.chi2.ppf([0.0005, 0.9995], squared(found).size)
    assert found.ok.all()
    assert low < squared(found).sum() < high


@pytest.mark.parametrize("pairs", [1, 2, 3])
def test_a_prototype_without_model_error_runs_for_long(pairs: int) -> None:
    source = circuit(pairs, capacity_ah=600.0, noise=Noise(slow_v=0.0, fast_v=0.0, resistive=0.0))
    assert compile(Thevenin(source)).assimilate(*pack_run(source, 4, 300).arguments).ok.all()


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
    points, ok = compile(model).draw(run.mean, run.covariance)
    found = compile(model).predict(points, run.inputs, run.present)
    share = np.mean(np.abs(measured - found.mean) <= 1.96 * np.sqrt(found.variance), axis=1)
    assert ok.all() and found.ok.all()
    # The band allows for the model's slow error at its full size from the first step on, so it is a little wide.
    assert 0.935 < share.mean() < 0.98
    assert share.min() > 0.90


def test_the_open_loop_band_is_the_unscented_transform_of_the_whole_path() -> None:
    run = small_run(Pendulum(), 2, 25)
    compiled = compile(run.model)
    points, _ = compiled.draw(run.mean, run.covariance)
    found = compiled.predict(points, run.inputs, run.present)
    size = 2 * len(run.mean) + 1
    weights = np.array([0.0] + [1 / (size - 1)] * (size - 1))
    for lane in range(2):
        states = [dict(zip(run.model.names, points[:, i, lane], strict=True)) for i in range(size)]
        for k in range(25):
            u = {name: float(values[k, lane]) for name, values in run.inputs.items()}
            for state in states:
                state.update(zip(run.model.dynamic, map(one, run.model.transition(state, u)), strict=True))
            z = np.array([one(run.model.measure(state, u)) for state in states])
            mean = weights @ z
            variance = (weights + np.eye(size)[0] * 2.0) @ (z - mean) ** 2 + one(run.model.prediction_variance(u))
            assert found.mean[k, lane] == pytest.approx(mean, abs=1e-11)
            assert found.variance[k, lane] == pytest.approx(variance, abs=1e-11)
        last = np.array([[state[name] for state in states] for name in run.model.names])
        np.testing.assert_allclose(found.points[:, :, lane], last, rtol=0, atol=1e-11)


def test_sigma_points_have_the_mean_and_covariance_they_are_drawn_from() -> None:
    run = small_run(Pendulum(), 4, 1)
    points, ok = compile(run.model).draw(run.mean, run.covariance)
    assert ok.all() and points.shape == (4, 9, 4)
    np.testing.assert_allclose(points[:, 1:].mean(axis=1), run.mean, atol=1e-13)
    deviation = points[:, 1:] - run.mean[:, None]
    np.testing.assert_allclose(np.einsum("ikb,jkb->ijb", deviation, deviation) / 8, run.covariance, atol=1e-13)


def test_the_likelihood_is_that_of_all_measurements_together() -> None:
    run = with_gaps(small_run(Linear(), 3, 15))
    found = compile(run.model).assimilate(*run.arguments).log_likelihood()
    for lane in range(3):
        mean, covariance = measurements(run, lane)
        seen = np.isfinite(run.measured[:, lane])
        joint = stats.multivariate_normal(mean[seen], covariance[np.ix_(seen, seen)])
        assert found[lane] == pytest.approx(joint.logpdf(run.measured[seen, lane]), abs=1e-9)


def measurements(run: Run, lane: int) -> tuple[Floats, Floats]:
    """Mean and covariance of all measurements of a lane of `Linear` before any is known, from its matrices."""
    assert isinstance(run.model, Linear)
    h, steps = run.model.h, len(run.measured)
    x, paths = run.mean[:, lane], [run.covariance[:, :, lane]]
    mean, covariance = np.empty(steps), np.zeros((steps, steps))
    for k in range(steps):
        push = run.inputs["push"][k, lane]
        f, b, q, r = run.model.matrices(push, run.inputs["dt_s"][k, lane])
        x = f @ x + b
        # Covariance of the state now with the state at each earlier step; the last entry is its own.
        own = f @ paths[-1] @ f.T + q
        paths = [*(f @ path for path in paths[:-1]), f @ paths[-1], own] if k else [own]
        mean[k] = h @ x + 0.5 * push
        covariance[k, : k + 1] = covariance[: k + 1, k] = [h @ path @ h for path in paths]
        covariance[k, k] += r
    return mean, covariance


def test_no_measurement_at_all_is_neither_likely_nor_unlikely() -> None:
    run = small_run(Linear(), 2, 4)
    nothing = replace(run, measured=np.full_like(run.measured, np.nan))
    found = compile(run.model).assimilate(*nothing.arguments)
    assert found.log_likelihood().tolist() == [0.0, 0.0]
    assert np.isnan(found.innovation).all() and np.isnan(found.innovation_variance).all() and found.ok.all()


def test_init_gives_every_vehicle_the_prior() -> None:
    compiled = compile(Pendulum())
    mean, covariance = compiled.init(3, {"angle": (0.1, 0.2), "rate": (-0.3, 0.4)})
    assert mean.tolist() == [[0.1] * 3, [-0.3] * 3, [9.8] * 3, [0.3] * 3]
    assert np.array_equal(covariance, np.repeat(np.diag([0.2**2, 0.4**2, 0.25, 0.1**2])[:, :, None], 3, axis=2))


def test_a_method_that_does_not_exist_is_refused() -> None:
    assert isinstance(compile(Pendulum(), "ukf"), UnscentedFilter)
    with pytest.raises(ValueError, match="'ekf' is not known; known: 'ukf'"):
        compile(Pendulum(), "ekf")  # type: ignore[arg-type]
