"""A vehicle's result is its own: the same bits whoever is beside it, however the steps are split, whatever fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.filters.models import Decay, Floats, Pendulum, Run, circuit, pack_run, small_run
from twinpack.filters import Assimilated, Predicted, compile

RUNS: dict[str, Callable[[], Run]] = {
    "pendulum": lambda: small_run(Pendulum(), 9, 14),
    "decay": lambda: small_run(Decay(), 9, 14),
    "thevenin_2rc": lambda: pack_run(circuit(2), 9, 14),
    "thevenin_knots": lambda: pack_run(circuit(1, knots=21), 9, 8),
}


@cache
def run_of(name: str) -> Run:
    return RUNS[name]()


LANES = st.lists(st.integers(0, 8), min_size=1, max_size=20)


def assimilate(run: Run) -> Assimilated:
    return compile(run.model).assimilate(*run.arguments)


def predict(run: Run) -> Predicted:
    compiled = compile(run.model)
    return compiled.predict(compiled.draw(run.mean, run.covariance)[0], run.inputs, run.present)


def bits(found: Assimilated | Predicted, lane: int) -> dict[str, bytes]:
    return {name: np.ascontiguousarray(values[..., lane]).tobytes() for name, values in vars(found).items()}


def assert_same_lanes(some: Assimilated | Predicted, whole: Assimilated | Predicted, lanes: list[int]) -> None:
    for position, lane in enumerate(lanes):
        assert bits(some, position) == bits(whole, lane)


@pytest.mark.parametrize("name", RUNS)
@given(lanes=LANES)
@settings(max_examples=8, deadline=None)
def test_any_company_in_any_order_gives_the_same_bits(name: str, lanes: list[int]) -> None:
    run = run_of(name)
    assert_same_lanes(assimilate(run.lanes(lanes)), assimilate(run), lanes)
    assert_same_lanes(predict(run.lanes(lanes)), predict(run), lanes)


@pytest.mark.parametrize("name", RUNS)
def test_alone_and_among_hundreds_gives_the_same_bits(name: str) -> None:
    run = run_of(name)
    many = [lane % 9 for lane in range(300)]
    crowd, open_loop = assimilate(run.lanes(many)), predict(run.lanes(many))
    for lane in range(9):
        assert bits(assimilate(run.lanes([lane])), 0) == bits(crowd, lane) == bits(crowd, 288 + lane)
        assert bits(predict(run.lanes([lane])), 0) == bits(open_loop, lane)


def strided(values: Floats) -> Floats:
    """The same numbers, spread in memory, the vehicle index outermost."""
    wide = np.zeros((*values.shape[::-1], 2))
    wide[..., 0] = values.T
    return wide[..., 0].T


@pytest.mark.parametrize("name", RUNS)
def test_memory_layout_does_not_matter(name: str) -> None:
    run = run_of(name)
    inputs = {name: strided(values) for name, values in run.inputs.items()}
    spread = replace(
        run,
        mean=strided(run.mean),
        covariance=strided(run.covariance),
        inputs=inputs,
        measured=strided(run.measured),
    )
    assert_same_lanes(assimilate(spread), assimilate(run), list(range(9)))
    assert_same_lanes(predict(spread), predict(run), list(range(9)))


@pytest.mark.parametrize("name", RUNS)
@given(cut=st.integers(0, 8))
@settings(max_examples=6, deadline=None)
def test_two_calls_are_one(name: str, cut: int) -> None:
    run = run_of(name)
    whole, first = assimilate(run), assimilate(run.steps(slice(0, cut)))
    second = assimilate(run.steps(slice(cut, None), first.mean, first.covariance))
    assert second.mean.tobytes() == whole.mean.tobytes()
    assert second.covariance.tobytes() == whole.covariance.tobytes()
    for series in ("innovation", "innovation_variance", "first_state"):
        joined = np.concatenate([getattr(first, series), getattr(second, series)])
        assert joined.tobytes() == getattr(whole, series).tobytes()


@pytest.mark.parametrize("cut", [0, 1, 7])
def test_two_open_loop_calls_are_one(cut: int) -> None:
    run = run_of("thevenin_2rc")
    compiled = compile(run.model)
    start, end, whole = run.steps(slice(0, cut)), run.steps(slice(cut, None)), predict(run)
    first = predict(start)
    second = compiled.predict(first.points, end.inputs, end.present)
    assert second.points.tobytes() == whole.points.tobytes()
    assert np.concatenate([first.mean, second.mean]).tobytes() == whole.mean.tobytes()
    assert np.concatenate([first.variance, second.variance]).tobytes() == whole.variance.tobytes()


@given(seed=st.integers(0, 1000))
@settings(max_examples=5, deadline=None)
def test_absent_steps_are_as_if_they_were_not_there(seed: int) -> None:
    run = run_of("thevenin_2rc")
    present = np.random.default_rng(seed).random(run.measured.shape) < 0.6
    # What stands where nothing is present must not matter, not even NaN.
    inputs = {name: np.where(present, values, np.nan) for name, values in run.inputs.items()}
    ragged = replace(run, inputs=inputs, present=present)
    found, open_loop = assimilate(ragged), predict(ragged)
    assert found.ok.all() and open_loop.ok.all()
    for lane in range(9):
        rows = np.flatnonzero(present[:, lane])
        short = run.lanes([lane]).steps(rows)
        alone, alone_open = assimilate(short), predict(short)
        assert found.mean[:, lane].tobytes() == alone.mean[:, 0].tobytes()
        assert found.covariance[:, :, lane].tobytes() == alone.covariance[:, :, 0].tobytes()
        assert found.innovation[rows, lane].tobytes() == alone.innovation[:, 0].tobytes()
        assert open_loop.mean[rows, lane].tobytes() == alone_open.mean[:, 0].tobytes()
        assert open_loop.points[:, :, lane].tobytes() == alone_open.points[:, :, 0].tobytes()
        assert np.isnan(found.innovation[~present[:, lane], lane]).all()
        assert np.isnan(open_loop.mean[~present[:, lane], lane]).all()


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


@pytest.mark.parametrize("name", ["pendulum", "thevenin_2rc"])
@pytest.mark.parametrize(
    "how", ["negative_variance", "indefinite", "nan_covariance", "nan_mean", "nan_input", "infinite_input"]
)
def test_a_vehicle_that_fails_stays_where_it_was_last_good_and_disturbs_no_other(name: str, how: str) -> None:
    run = run_of(name)
    bad = broken(run, how)
    found = assimilate(bad)
    assert found.ok.tolist() == [lane != 4 for lane in range(9)]
    assert_same_lanes(found, assimilate(run), [0, 1, 2, 3])
    assert_same_lanes(found, assimilate(bad.lanes([0, 1, 2, 3, 5, 6, 7, 8])), [0, 1, 2, 3])
    good = assimilate(run.lanes([5, 6, 7, 8]))
    for position, lane in enumerate([5, 6, 7, 8]):
        assert bits(found, lane) == bits(good, position)
    last = assimilate(bad.lanes([4]).steps(slice(0, 6))) if how.endswith("input") else None
    mean, covariance = (last.mean, last.covariance) if last else (bad.mean[:, [4]], bad.covariance[:, :, [4]])
    assert found.mean[:, 4].tobytes() == mean[:, 0].tobytes()
    assert found.covariance[:, :, 4].tobytes() == covariance[:, :, 0].tobytes()
    assert np.isnan(found.innovation[6:, 4]).all()


def test_an_open_loop_that_fails_says_so_and_disturbs_no_other() -> None:
    run = run_of("thevenin_2rc")
    found, good = predict(broken(run, "nan_input")), predict(run)
    assert found.ok.tolist() == [lane != 4 for lane in range(9)]
    assert_same_lanes(found, good, [0, 1, 2, 3])
    for lane in (5, 6, 7, 8):
        assert bits(found, lane) == bits(good, lane)


def test_a_covariance_without_a_factor_is_told_when_points_are_drawn() -> None:
    run = run_of("pendulum")
    points, ok = compile(run.model).draw(run.mean, broken(run, "indefinite").covariance)
    assert ok.tolist() == [lane != 4 for lane in range(9)]
    good, _ = compile(run.model).draw(run.mean, run.covariance)
    others = [0, 1, 2, 3, 5, 6, 7, 8]
    assert points[..., others].tobytes() == good[..., others].tobytes()


def test_an_infinite_measurement_is_as_good_as_none() -> None:
    run = run_of("pendulum")
    infinite, missing = run.measured.copy(), run.measured.copy()
    infinite[3, 4], missing[3, 4] = np.inf, np.nan
    assert_same_lanes(
        assimilate(replace(run, measured=infinite)), assimilate(replace(run, measured=missing)), list(range(9))
    )
