"""A vehicle's result is its own: the same bits whoever is beside it, however the steps are split, whatever fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.filters.models import Decay, Floats, Pendulum, Run, circuit, pack_run, small_run
from twinpack.filters import NO_FACTOR, NOT_FINITE, OK, Assimilated, Filter, Predicted, compile

Backend = Literal["numba", "numpy"]
both_backends = pytest.mark.parametrize("backend", ["numba", "numpy"])

RUNS: dict[str, Callable[[], Run]] = {
    "pendulum": lambda: small_run(Pendulum(), 9, 14),
    "decay": lambda: small_run(Decay(), 9, 14),
    "thevenin_2rc": lambda: pack_run(circuit(2), 9, 14),
    "thevenin_knots": lambda: pack_run(circuit(3, knots=21), 9, 8),
}


@cache
def run_of(name: str) -> Run:
    return RUNS[name]()


LANES = st.lists(st.integers(0, 8), min_size=1, max_size=20)


@cache
def filter_of(name: str, backend: Backend) -> Filter:
    return compile(run_of(name).model, backend=backend)


def assimilate(compiled: Filter, run: Run) -> Assimilated:
    return compiled.assimilate(*run.arguments, steps=True)


def predict(compiled: Filter, run: Run) -> Predicted:
    return compiled.predict(run.posterior, run.inputs, run.present)


def bits(found: Assimilated | Predicted, lane: int) -> dict[str, bytes]:
    return {name: np.ascontiguousarray(values[..., lane]).tobytes() for name, values in vars(found).items()}


def assert_same_lanes(some: Assimilated | Predicted, whole: Assimilated | Predicted, lanes: list[int]) -> None:
    for position, lane in enumerate(lanes):
        assert bits(some, position) == bits(whole, lane)


@both_backends
@pytest.mark.parametrize("name", RUNS)
@given(lanes=LANES)
@settings(max_examples=8, deadline=None)
def test_any_company_in_any_order_gives_the_same_bits(name: str, backend: Backend, lanes: list[int]) -> None:
    run, compiled = run_of(name), filter_of(name, backend)
    assert_same_lanes(assimilate(compiled, run.lanes(lanes)), assimilate(compiled, run), lanes)
    assert_same_lanes(predict(compiled, run.lanes(lanes)), predict(compiled, run), lanes)


@both_backends
@pytest.mark.parametrize("name", RUNS)
def test_alone_and_among_hundreds_gives_the_same_bits(name: str, backend: Backend) -> None:
    run, compiled = run_of(name), filter_of(name, backend)
    many = [lane % 9 for lane in range(300)]
    crowd, open_loop = assimilate(compiled, run.lanes(many)), predict(compiled, run.lanes(many))
    for lane in range(9):
        assert bits(assimilate(compiled, run.lanes([lane])), 0) == bits(crowd, lane) == bits(crowd, 288 + lane)
        assert bits(predict(compiled, run.lanes([lane])), 0) == bits(open_loop, lane)


@both_backends
@pytest.mark.parametrize("name", ["pendulum", "thevenin_2rc"])
def test_a_likelihood_is_a_vehicles_own(name: str, backend: Backend) -> None:
    compiled = filter_of(name, backend)
    run = run_of(name)
    whole = compiled.log_likelihood(*run.arguments)
    crowd = compiled.log_likelihood(*run.lanes([lane % 9 for lane in range(90)]).arguments)
    alone = [compiled.log_likelihood(*run.lanes([lane]).arguments)[0] for lane in range(9)]
    assert whole.tolist() == alone == crowd[:9].tolist() == crowd[81:].tolist()


def strided(values: Floats) -> Floats:
    """The same numbers, spread in memory, the vehicle index outermost."""
    wide = np.zeros((*values.shape[::-1], 2))
    wide[..., 0] = values.T
    return wide[..., 0].T


@both_backends
@pytest.mark.parametrize("name", RUNS)
def test_memory_layout_does_not_matter(name: str, backend: Backend) -> None:
    run, compiled = run_of(name), filter_of(name, backend)
    inputs = {name: strided(values) for name, values in run.inputs.items()}
    spread = replace(
        run,
        mean=strided(run.mean),
        covariance=strided(run.covariance),
        inputs=inputs,
        measured=strided(run.measured),
    )
    assert_same_lanes(assimilate(compiled, spread), assimilate(compiled, run), list(range(9)))
    assert_same_lanes(predict(compiled, spread), predict(compiled, run), list(range(9)))


@both_backends
@pytest.mark.parametrize("name", RUNS)
@given(cut=st.integers(0, 8))
@settings(max_examples=6, deadline=None)
def test_two_calls_are_one(name: str, backend: Backend, cut: int) -> None:
    run, compiled = run_of(name), filter_of(name, backend)
    whole, first = assimilate(compiled, run), assimilate(compiled, run.steps(slice(0, cut)))
    second = assimilate(compiled, run.steps(slice(cut, None), first.mean, first.covariance))
    assert second.mean.tobytes() == whole.mean.tobytes()
    assert second.covariance.tobytes() == whole.covariance.tobytes()
    for series in ("innovation", "innovation_variance", "first_state"):
        joined = np.concatenate([getattr(first, series), getattr(second, series)])
        assert joined.tobytes() == getattr(whole, series).tobytes()


@both_backends
@pytest.mark.parametrize("cut", [0, 1, 7])
def test_two_open_loop_calls_are_one(cut: int, backend: Backend) -> None:
    run, compiled = run_of("thevenin_2rc"), filter_of("thevenin_2rc", backend)
    start, end, whole = run.steps(slice(0, cut)), run.steps(slice(cut, None)), predict(compiled, run)
    first = predict(compiled, start)
    second = compiled.predict(run.posterior, end.inputs, end.present, first.points)
    assert second.points.tobytes() == whole.points.tobytes()
    assert np.concatenate([first.mean, second.mean]).tobytes() == whole.mean.tobytes()
    assert np.concatenate([first.variance, second.variance]).tobytes() == whole.variance.tobytes()


@both_backends
@pytest.mark.parametrize("cut", [1, 7])
def test_what_is_given_is_left_as_it_is(cut: int, backend: Backend) -> None:
    run, compiled = run_of("thevenin_2rc"), filter_of("thevenin_2rc", backend)
    stand, first = run.posterior, predict(compiled, run.steps(slice(0, cut)))
    before = [one.tobytes() for one in (stand.mean, stand.triangle, first.points)]
    compiled.assimilate(stand, run.inputs, run.measured, run.present)
    compiled.predict(stand, run.inputs, run.present, first.points)
    assert [one.tobytes() for one in (stand.mean, stand.triangle, first.points)] == before


@both_backends
@given(seed=st.integers(0, 1000))
@settings(max_examples=5, deadline=None)
def test_absent_steps_are_as_if_they_were_not_there(backend: Backend, seed: int) -> None:
    run, compiled = run_of("thevenin_2rc"), filter_of("thevenin_2rc", backend)
    present = np.random.default_rng(seed).random(run.measured.shape) < 0.6
    # What stands where nothing is present must not matter, not even NaN.
    inputs = {name: np.where(present, values, np.nan) for name, values in run.inputs.items()}
    ragged = replace(run, inputs=inputs, present=present)
    found, open_loop = assimilate(compiled, ragged), predict(compiled, ragged)
    likely = compiled.log_likelihood(*ragged.arguments)
    assert found.ok.all() and open_loop.ok.all()
    for lane in range(9):
        rows = np.flatnonzero(present[:, lane])
        short = run.lanes([lane]).steps(rows)
        alone, alone_open = assimilate(compiled, short), predict(compiled, short)
        assert found.mean[:, lane].tobytes() == alone.mean[:, 0].tobytes()
        assert found.covariance[:, :, lane].tobytes() == alone.covariance[:, :, 0].tobytes()
        assert found.innovation[rows, lane].tobytes() == alone.innovation[:, 0].tobytes()
        assert likely[lane] == compiled.log_likelihood(*short.arguments)[0]
        assert open_loop.mean[rows, lane].tobytes() == alone_open.mean[:, 0].tobytes()
        assert open_loop.points[:, :, lane].tobytes() == alone_open.points[:, :, 0].tobytes()
        assert np.isnan(found.innovation[~present[:, lane], lane]).all()
        assert np.isnan(open_loop.mean[~present[:, lane], lane]).all()


@both_backends
def test_without_steps_the_result_is_the_same(backend: Backend) -> None:
    run, compiled = run_of("pendulum"), filter_of("pendulum", backend)
    found, kept = compiled.assimilate(*run.arguments), assimilate(compiled, run)
    assert found.mean.tobytes() == kept.mean.tobytes() and found.triangle.tobytes() == kept.triangle.tobytes()
    assert found.innovation.shape == found.innovation_variance.shape == found.first_state.shape == (0, 9)


def broken(run: Run, how: str) -> Run:
    """The run with lane 4 made to fail at step 6, or from the start."""
    mean, covariance, inputs = run.mean.copy(), run.covariance.copy(), dict(run.inputs)
    if how == "negative_variance":
        covariance[1, 1, 4] = -1.0
    elif how == "indefinite":
        covariance[0, 1, 4] = covariance[1, 0, 4] = 3.0 * np.sqrt(covariance[0, 0, 4] * covariance[1, 1, 4])
    elif how == "nan_covariance":
        covariance[:, :, 4] = np.nan
    elif how == "nan_mean":
        mean[1, 4] = np.nan
    else:
        name = next(iter(inputs))
        inputs[name] = inputs[name].copy()
        inputs[name][6, 4] = {"nan_input": np.nan, "infinite_input": np.inf}[how]
    return replace(run, mean=mean, covariance=covariance, inputs=inputs)


@both_backends
@pytest.mark.parametrize("name", ["pendulum", "thevenin_2rc"])
@pytest.mark.parametrize(
    "how", ["negative_variance", "indefinite", "nan_covariance", "nan_mean", "nan_input", "infinite_input"]
)
def test_a_vehicle_that_fails_stays_where_it_was_last_good_and_disturbs_no_other(
    name: str, how: str, backend: Backend
) -> None:
    run, compiled = run_of(name), filter_of(name, backend)
    bad = broken(run, how)
    found = assimilate(compiled, bad)
    assert found.ok.tolist() == [lane != 4 for lane in range(9)]
    assert_same_lanes(found, assimilate(compiled, run), [0, 1, 2, 3])
    assert_same_lanes(found, assimilate(compiled, bad.lanes([0, 1, 2, 3, 5, 6, 7, 8])), [0, 1, 2, 3])
    good = assimilate(compiled, run.lanes([5, 6, 7, 8]))
    for position, lane in enumerate([5, 6, 7, 8]):
        assert bits(found, lane) == bits(good, position)
    last = assimilate(compiled, bad.lanes([4]).steps(slice(0, 6))) if how.endswith("input") else None
    mean, covariance = (last.mean, last.covariance) if last else (bad.mean[:, [4]], bad.covariance[:, :, [4]])
    assert found.mean[:, 4].tobytes() == mean[:, 0].tobytes()
    assert found.covariance[:, :, 4].tobytes() == covariance[:, :, 0].tobytes()
    assert np.isnan(found.innovation[6:, 4]).all()


@both_backends
@pytest.mark.parametrize("name", ["pendulum", "thevenin_2rc"])
def test_why_a_vehicle_failed_is_told(name: str, backend: Backend) -> None:
    run, compiled = run_of(name), filter_of(name, backend)
    for how in ("negative_variance", "indefinite"):
        assert assimilate(compiled, broken(run, how)).status[4] == NO_FACTOR
        assert predict(compiled, broken(run, how)).status[4] == NO_FACTOR
    for how in ("nan_covariance", "nan_mean", "nan_input", "infinite_input"):
        assert assimilate(compiled, broken(run, how)).status[4] == NOT_FINITE
        assert predict(compiled, broken(run, how)).status[4] == NOT_FINITE
    assert assimilate(compiled, run).status.tolist() == predict(compiled, run).status.tolist() == [OK] * 9


@both_backends
def test_an_open_loop_that_fails_says_so_stays_silent_and_disturbs_no_other(backend: Backend) -> None:
    run, compiled = run_of("thevenin_2rc"), filter_of("thevenin_2rc", backend)
    found, good = predict(compiled, broken(run, "nan_input")), predict(compiled, run)
    assert found.status.tolist() == [NOT_FINITE if lane == 4 else OK for lane in range(9)]
    assert found.ok.tolist() == [lane != 4 for lane in range(9)]
    assert np.isfinite(found.mean[:6, 4]).all()
    assert np.isnan(found.mean[6:, 4]).all() and np.isnan(found.variance[6:, 4]).all()
    assert_same_lanes(found, good, [0, 1, 2, 3])
    for lane in (5, 6, 7, 8):
        assert bits(found, lane) == bits(good, lane)


@both_backends
def test_a_covariance_without_a_factor_is_told_when_points_are_drawn(backend: Backend) -> None:
    run, compiled = run_of("pendulum"), filter_of("pendulum", backend)
    found = predict(compiled, broken(run, "indefinite").steps(slice(0, 0)))
    assert found.status.tolist() == [NO_FACTOR if lane == 4 else OK for lane in range(9)]
    good = predict(compiled, run.steps(slice(0, 0)))
    others = [0, 1, 2, 3, 5, 6, 7, 8]
    assert good.ok.all() and found.points[..., others].tobytes() == good.points[..., others].tobytes()


@both_backends
def test_an_infinite_measurement_is_as_good_as_none(backend: Backend) -> None:
    run, compiled = run_of("pendulum"), filter_of("pendulum", backend)
    infinite, missing = run.measured.copy(), run.measured.copy()
    infinite[3, 4], missing[3, 4] = np.inf, np.nan
    found = assimilate(compiled, replace(run, measured=infinite))
    assert_same_lanes(found, assimilate(compiled, replace(run, measured=missing)), list(range(9)))
