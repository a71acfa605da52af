"""The extended filter against filterpy's, with Jacobians that the graph has no part in, and against the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Literal

import numpy as np
import pytest
from scipy import stats

from tests.filters.models import (
    Corrected,
    Decay,
    EveryOp,
    Linear,
    Pendulum,
    Run,
    Still,
    circuit,
    pack_run,
    small_run,
    with_gaps,
)
from tests.filters.oracles import (
    Slope,
    all_measurements,
    by_complex_step,
    by_differences,
    by_extended,
    by_kalman,
    moved,
    one,
    row_of,
    seen,
)
from twinpack.filters import compile
from twinpack.filters.extended import slopes

Backend = Literal["numba", "numpy"]
both_backends = pytest.mark.parametrize("backend", ["numba", "numpy"])

RUNS: dict[str, tuple[Callable[[], Run], Slope, float]] = {
    "pendulum": (lambda: small_run(Pendulum(), 2, 80), by_complex_step, 1e-10),
    "decay": (lambda: small_run(Decay(), 2, 80), by_complex_step, 1e-10),
    "still": (lambda: small_run(Still(), 2, 60), by_complex_step, 1e-10),
    "network": (lambda: small_run(Corrected(), 2, 60), by_complex_step, 1e-10),
    "every_op": (lambda: small_run(EveryOp(), 3, 60), by_differences, 1e-7),
    # With seed 1 a state lies on a kink of the OCV, to a difference's width.
    "thevenin_2rc": (lambda: pack_run(circuit(2), 2, 60, seed=2), by_differences, 1e-7),
    "thevenin_4_knots": (lambda: pack_run(circuit(1, knots=4), 1, 40), by_differences, 1e-7),
}


@both_backends
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name == "thevenin_4_knots" else []) for name in RUNS]
)
def test_equals_filterpy(name: str, backend: Backend) -> None:
    make, slope, near = RUNS[name]
    run = with_gaps(make())
    found = compile(run.model, "ekf", backend=backend).assimilate(*run.arguments, steps=True)
    assert found.ok.all()
    for lane in range(run.mean.shape[1]):
        known = by_extended(run, lane, slope)
        sd = np.sqrt(np.diagonal(known.covariance[-1]))
        assert (np.abs(found.mean[:, lane] - known.mean[-1]) < near * (sd + np.abs(known.mean[-1]))).all()
        assert (np.abs(found.covariance[:, :, lane] - known.covariance[-1]) < near * np.outer(sd, sd)).all()
        np.testing.assert_allclose(found.innovation_variance[:, lane], known.variance, rtol=near)
        np.testing.assert_allclose(
            found.innovation[:, lane], known.innovation, atol=near * float(np.nanmax(known.variance)) ** 0.5
        )
        np.testing.assert_allclose(found.first_state[:, lane], known.mean[:, 0], rtol=0, atol=near)


@both_backends
def test_equals_the_kalman_and_the_unscented_filter_on_a_linear_model(backend: Backend) -> None:
    run = with_gaps(small_run(Linear(), 5, 120))
    found = compile(run.model, "ekf", backend=backend).assimilate(*run.arguments, steps=True)
    other = compile(run.model, "ukf", backend=backend).assimilate(*run.arguments, steps=True)
    for name in ("mean", "triangle", "innovation", "innovation_variance", "first_state"):
        np.testing.assert_allclose(getattr(found, name), getattr(other, name), rtol=0, atol=1e-10)
    for lane in range(5):
        x, p = by_kalman(run, lane)
        np.testing.assert_allclose(found.mean[:, lane], x, rtol=0, atol=1e-10)
        np.testing.assert_allclose(found.covariance[:, :, lane], p, rtol=0, atol=1e-10)


@both_backends
@pytest.mark.parametrize("adjustable", [(True, True, False, False), (False, True, False, True)])
def test_what_is_not_adjustable_is_considered_as_schmidt_did(adjustable: tuple[bool, ...], backend: Backend) -> None:
    run, mask = with_gaps(small_run(Linear(), 3, 80)), np.array(adjustable)
    found = compile(run.model, "ekf", backend=backend).assimilate(*run.arguments, mask)
    for lane in range(3):
        x, p = by_kalman(run, lane, mask)
        np.testing.assert_allclose(found.mean[:, lane], x, rtol=0, atol=1e-10)
        np.testing.assert_allclose(found.covariance[:, :, lane], p, rtol=0, atol=1e-10)


@both_backends
def test_the_likelihood_is_that_of_all_measurements_together(backend: Backend) -> None:
    run = with_gaps(small_run(Linear(), 3, 15))
    found = compile(run.model, "ekf", backend=backend).log_likelihood(*run.arguments)
    for lane in range(3):
        mean, covariance = all_measurements(run, lane)
        known = np.isfinite(run.measured[:, lane])
        joint = stats.multivariate_normal(mean[known], covariance[np.ix_(known, known)])
        assert found[lane] == pytest.approx(joint.logpdf(run.measured[known, lane]), abs=1e-9)


@both_backends
def test_innovations_of_a_pack_are_consistent(backend: Backend) -> None:
    run = pack_run(circuit(2), 120, 60, seed=12)
    found = compile(run.model, "ekf", backend=backend).assimilate(*run.arguments, steps=True)
    squared = found.innovation**2 / found.innovation_variance
    low, high = stats.chi2.ppf([0.0005, 0.9995], squared.size)
    assert found.ok.all() and low < squared.sum() < high


@both_backends
def test_the_open_loop_band_is_the_prior_carried_along_the_path(backend: Backend) -> None:
    run = small_run(Pendulum(), 2, 25)
    found = compile(run.model, "ekf", backend=backend).predict(run.posterior, run.inputs, run.present)
    assert found.points.shape == (2, 5, 2) and found.ok.all()
    for lane in range(2):
        x, p = run.mean[:, lane], run.covariance[:, :, lane]
        for k in range(25):
            u = row_of(run, k, lane)
            f = by_complex_step(partial(moved, run.model, u=u), x)
            x, p = moved(run.model, x, u), f @ p @ f.T
            h = by_complex_step(partial(seen, run.model, u=u), x)[0]
            assert found.mean[k, lane] == pytest.approx(seen(run.model, x, u)[0], abs=1e-11)
            variance = h @ p @ h + one(run.model.prediction_variance(u))
            assert found.variance[k, lane] == pytest.approx(variance, rel=1e-10)
        np.testing.assert_allclose(found.points[:, 0, lane], x[:2], atol=1e-11)
        root = found.points[:, 1:, lane]
        np.testing.assert_allclose(root @ root.T, p[:2, :2], rtol=1e-9, atol=1e-13)


@both_backends
def test_two_open_loop_calls_are_one(backend: Backend) -> None:
    run = pack_run(circuit(2), 9, 14)
    compiled = compile(run.model, "ekf", backend=backend)
    whole = compiled.predict(run.posterior, run.inputs, run.present)
    start, end = run.steps(slice(0, 5)), run.steps(slice(5, None))
    first = compiled.predict(run.posterior, start.inputs, start.present)
    second = compiled.predict(run.posterior, end.inputs, end.present, first.points)
    assert second.points.tobytes() == whole.points.tobytes()
    assert np.concatenate([first.mean, second.mean]).tobytes() == whole.mean.tobytes()
    assert np.concatenate([first.variance, second.variance]).tobytes() == whole.variance.tobytes()


@both_backends
def test_a_vehicle_that_fails_stays_where_it_was_and_disturbs_no_other(backend: Backend) -> None:
    run = small_run(Pendulum(), 5, 10)
    inputs = {name: values.copy() for name, values in run.inputs.items()}
    inputs["push"][6, 2] = np.nan
    compiled = compile(run.model, "ekf", backend=backend)
    found = compiled.assimilate(*replace(run, inputs=inputs).arguments)
    good, last = compiled.assimilate(*run.arguments), compiled.assimilate(*run.steps(slice(0, 6)).arguments)
    assert found.ok.tolist() == [True, True, False, True, True]
    others = [0, 1, 3, 4]
    assert found.mean[:, others].tobytes() == good.mean[:, others].tobytes()
    assert found.triangle[:, others].tobytes() == good.triangle[:, others].tobytes()
    assert found.mean[:, 2].tobytes() == last.mean[:, 2].tobytes()
    assert found.triangle[:, 2].tobytes() == last.triangle[:, 2].tobytes()


@pytest.mark.parametrize("name", RUNS)
def test_slopes_are_those_of_the_models_functions(name: str) -> None:
    make, slope, near = RUNS[name]
    run = make()
    u = {key: values[0] for key, values in run.inputs.items()}
    found = slopes(run.model, run.mean, u)
    d = len(run.model.dynamic)
    assert found.shape == (d + 1, len(run.mean), run.mean.shape[1])
    for lane in range(run.mean.shape[1]):
        row = row_of(run, 0, lane) if u else {}
        f = slope(partial(moved, run.model, u=row), run.mean[:, lane])[:d]
        h = slope(partial(seen, run.model, u=row), run.mean[:, lane])
        np.testing.assert_allclose(found[:, :, lane], np.vstack([f, h]), rtol=1e-7, atol=1e-7 if near > 1e-9 else 1e-12)
