"""Kernels and the NumPy reference, which share a graph and nothing else, agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from functools import cache, partial
from typing import Any, Literal

import numpy as np
import pytest

from tests.filters.models import (
    Corrected,
    Curve,
    Decay,
    EveryOp,
    Floats,
    Pendulum,
    Run,
    Still,
    circuit,
    pack_run,
    ragged,
    small_run,
)
from twinpack.filters import (
    NO_FACTOR,
    NOT_FINITE,
    OK,
    Assimilated,
    Filter,
    Model,
    Posterior,
    Predicted,
    Scalar,
    compile,
)
from twinpack.filters import cache as cache_module
from twinpack.filters.ops import interp, where

Method = Literal["ukf", "ekf"]
BACKENDS: tuple[Literal["numba", "numpy"], ...] = ("numba", "numpy")
VEHICLES = 40
EXACT = 1e-10

RUNS: dict[str, Callable[[], Run]] = {
    "pendulum": lambda: small_run(Pendulum(), VEHICLES, 30),
    "every_op": lambda: small_run(EveryOp(), VEHICLES, 30),
    "still": lambda: small_run(Still(), VEHICLES, 30),
    "curve": lambda: small_run(Curve(), VEHICLES, 30),
    "network": lambda: small_run(Corrected(), VEHICLES, 30),
    "thevenin_1rc": lambda: pack_run(circuit(1), VEHICLES, 30),
    "thevenin_2rc": lambda: pack_run(circuit(2), VEHICLES, 30),
    "thevenin_3rc": lambda: pack_run(circuit(3), VEHICLES, 30),
    "thevenin_4_knots": lambda: pack_run(circuit(1, knots=4), VEHICLES, 30),
    "thevenin_21_knots": lambda: pack_run(circuit(3, knots=21), VEHICLES, 12),
    "tangent": lambda: pack_run(circuit(1, knots=4), VEHICLES, 30, tangent=True),
}


@cache
def run_of(name: str) -> Run:
    return ragged(RUNS[name]())


def assert_near(found: Floats, known: Floats, scale: Floats, near: float) -> None:
    assert found.shape == known.shape
    assert (np.isnan(found) == np.isnan(known)).all()
    assert float(np.nanmax(np.abs(found - known) / scale, initial=0.0)) < near


def assert_same_posterior(found: Assimilated, known: Assimilated, near: float) -> None:
    sd = np.sqrt(np.abs(np.einsum("iib->ib", known.covariance)))
    assert found.status.tolist() == known.status.tolist()
    assert_near(found.mean, known.mean, sd + np.abs(known.mean), near)
    assert_near(found.covariance, known.covariance, sd[:, None] * sd[None], near)
    spread = np.sqrt(known.innovation_variance)
    assert_near(found.innovation, known.innovation, spread + np.abs(known.innovation), near)
    assert_near(found.innovation_variance, known.innovation_variance, known.innovation_variance, near)
    assert_near(found.first_state, known.first_state, 1.0 + np.abs(known.first_state), near)


def assert_same_prediction(found: Predicted, known: Predicted, near: float) -> None:
    assert found.status.tolist() == known.status.tolist()
    assert_near(found.mean, known.mean, np.sqrt(known.variance) + np.abs(known.mean), near)
    assert_near(found.variance, known.variance, known.variance, near)
    assert_near(found.points, known.points, 1.0 + np.abs(known.points), near)


def pair(run: Run, method: Method = "ukf", **choice: Any) -> tuple[Any, Any]:
    return compile(run.model, method, backend="numba", **choice), compile(run.model, method, backend="numpy", **choice)


slow = pytest.mark.slow
# What takes long to compile and has parts that others try.
LONG = [(name, method) for name in ("thevenin_1rc", "thevenin_3rc") for method in ("ukf", "ekf")]
LONG += [("thevenin_4_knots", "ekf"), ("thevenin_21_knots", "ekf"), ("tangent", "ekf"), ("tangent", "ukf")]
LONG += [("network", "ekf"), ("still", "ekf")]
EVERY = [
    pytest.param(name, method, marks=[slow] if (name, method) in LONG else [])
    for name in RUNS
    for method in ("ukf", "ekf")
]


@pytest.mark.parametrize(("name", "method"), EVERY)
def test_backends_learn_the_same(name: str, method: Method) -> None:
    run = run_of(name)
    ours, theirs = pair(run, method)
    assert_same_posterior(
        ours.assimilate(*run.arguments, steps=True), theirs.assimilate(*run.arguments, steps=True), EXACT
    )
    found, known = ours.log_likelihood(*run.arguments), theirs.log_likelihood(*run.arguments)
    np.testing.assert_allclose(found, known, rtol=1e-10, atol=1e-9)


@pytest.mark.parametrize(
    ("name", "method"),
    [
        *(("pendulum", "ukf"), ("pendulum", "ekf"), ("every_op", "ukf"), ("every_op", "ekf"), ("curve", "ukf")),
        pytest.param("thevenin_2rc", "ukf", marks=slow),
        pytest.param("thevenin_2rc", "ekf", marks=slow),
        pytest.param("thevenin_21_knots", "ukf", marks=slow),
    ],
)
def test_backends_consider_the_same(name: str, method: Method) -> None:
    run = run_of(name)
    mask = np.arange(len(run.mean)) < len(run.model.dynamic)
    found, known = (one.assimilate(*run.arguments, mask, steps=True) for one in pair(run, method))
    assert_same_posterior(found, known, EXACT)


@pytest.mark.parametrize("method", ["ukf", "ekf"])
@pytest.mark.parametrize(
    "name",
    [
        *("pendulum", "every_op", "thevenin_2rc", "thevenin_21_knots", "curve"),
        pytest.param("still", marks=slow),
        pytest.param("network", marks=slow),
    ],
)
def test_backends_predict_the_same_and_go_on_from_each_others_points(name: str, method: Method) -> None:
    run = run_of(name)
    ours, theirs = pair(run, method)
    found, known = (one.predict(run.posterior, run.inputs, run.present) for one in (ours, theirs))
    assert_same_prediction(found, known, EXACT)
    start, end = run.steps(slice(0, 5)), run.steps(slice(5, None))
    first = theirs.predict(run.posterior, start.inputs, start.present)
    second = ours.predict(run.posterior, end.inputs, end.present, first.points)
    assert_near(second.points, known.points, 1.0 + np.abs(known.points), EXACT)
    assert_near(second.mean, known.mean[5:], np.sqrt(known.variance[5:]), 1e-8)


@pytest.mark.parametrize("vehicles", [1, 5, 16, 17, 32, 33])
def test_backends_agree_whatever_the_number_of_vehicles(vehicles: int) -> None:
    run = run_of("every_op").lanes(slice(0, vehicles))
    ours, theirs = pair(run)
    assert_same_posterior(
        ours.assimilate(*run.arguments, steps=True), theirs.assimilate(*run.arguments, steps=True), EXACT
    )
    assert_same_prediction(
        ours.predict(run.posterior, run.inputs, run.present),
        theirs.predict(run.posterior, run.inputs, run.present),
        EXACT,
    )


@pytest.mark.parametrize("alpha", [0.5, 0.8, 1.4])
@pytest.mark.parametrize("name", ["every_op", pytest.param("thevenin_3rc", marks=slow), "thevenin_4_knots"])
def test_backends_agree_on_points_nearer_or_farther(name: str, alpha: float) -> None:
    """Nine states and parameters are the most that is written straight-line, ten the fewest with loops."""
    run = run_of(name)
    assert len(run.mean) == {"every_op": 5, "thevenin_3rc": 9, "thevenin_4_knots": 10}[name]
    found, known = (one.assimilate(*run.arguments, steps=True) for one in pair(run, alpha=alpha))
    assert_same_posterior(found, known, 1e-9)


# Each about three times what was seen. Numbers near a pack's 370 V lie 3e-5 V apart in single precision; innovations
# have a standard deviation of 0.5 to 1.4 V. A handful of roundings of the measured and the expected voltage move one by
# up to 2e-4 of its own, which in thirty steps moves a mean by up to 9e-5 of its own. Covariances hold no such large
# numbers and are nearer.
@pytest.mark.parametrize(
    ("name", "method", "mean", "covariance", "innovation"),
    [
        ("pendulum", "ukf", 2.5e-5, 5e-6, 1.5e-5),
        ("pendulum", "ekf", 2.5e-5, 5e-6, 1.5e-5),
        ("thevenin_2rc", "ukf", 3e-4, 5e-5, 6e-4),
        pytest.param("thevenin_2rc", "ekf", 3e-4, 5e-5, 6e-4, marks=slow),
    ],
)
def test_single_precision_is_near(name: str, method: Method, mean: float, covariance: float, innovation: float) -> None:
    run = run_of(name)
    found = compile(run.model, method, dtype="float32").assimilate(*run.arguments, steps=True)
    known = compile(run.model, method, backend="numpy").assimilate(*run.arguments, steps=True)
    assert found.mean.dtype == found.triangle.dtype == found.innovation.dtype == np.float32
    assert found.ok.all()
    sd, spread = np.sqrt(np.einsum("iib->ib", known.covariance)), np.sqrt(known.innovation_variance)
    assert_near(found.mean, known.mean, sd, mean)
    assert_near(found.covariance, known.covariance, sd[:, None] * sd[None], covariance)
    assert_near(found.innovation, known.innovation, spread, innovation)


def cut_short(run: Run) -> Run:
    """The run where vehicles stop early, whole blocks of 16 among them; nothing is known where they have no step."""
    last = np.full(run.measured.shape[1], len(run.measured))
    last[:16], last[16:32] = np.arange(16) % 8, 0
    present = np.arange(len(run.measured))[:, None] < last
    inputs = {name: np.where(present, values, np.nan) for name, values in run.inputs.items()}
    return replace(run, inputs=inputs, present=present, measured=np.where(present, run.measured, 7.0))


@pytest.mark.parametrize("method", ["ukf", "ekf"])
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", ["pendulum", "every_op"])
def test_backends_agree_on_steps_after_a_blocks_last(name: str, threads: int, method: Method) -> None:
    run = cut_short(RUNS[name]())
    ours, theirs = compile(run.model, method, threads=threads), compile(run.model, method, backend="numpy")
    found, known = (one.assimilate(*run.arguments, steps=True) for one in (ours, theirs))
    assert found.ok.all()
    assert_same_posterior(found, known, EXACT)
    assert np.isnan(found.innovation[7:, :32]).all() and np.isnan(found.innovation_variance[7:, :32]).all()
    assert (found.first_state[7:, :16] == found.mean[0, :16]).all()
    assert (found.first_state[:, 16:32] == run.mean[0, 16:32]).all()
    assert found.mean[:, 16:32].tobytes() == run.mean[:, 16:32].tobytes()
    found_likely, known_likely = (one.log_likelihood(*run.arguments) for one in (ours, theirs))
    np.testing.assert_allclose(found_likely, known_likely, rtol=1e-10, atol=1e-9)
    assert (found_likely[16:32] == 0.0).all()
    ahead, expected = (one.predict(run.posterior, run.inputs, run.present) for one in (ours, theirs))
    assert ahead.ok.all()
    assert_same_prediction(ahead, expected, EXACT)
    assert np.isnan(ahead.mean[7:, :32]).all() and np.isnan(ahead.variance[7:, :32]).all()
    assert np.isfinite(ahead.mean[:, 32:]).all()
    mask = np.arange(len(run.mean)) < len(run.model.dynamic)
    found, known = (one.assimilate(*run.arguments, mask, steps=True) for one in (ours, theirs))
    assert_same_posterior(found, known, EXACT)


def test_a_vehicle_that_failed_keeps_its_state_after_a_blocks_last_step() -> None:
    run = cut_short(RUNS["pendulum"]())
    run.inputs["push"][3, 6] = np.nan
    found, known = (one.assimilate(*run.arguments, steps=True) for one in pair(run))
    assert found.status[6] == NOT_FINITE and (np.delete(found.status, 6) == OK).all()
    assert_same_posterior(found, known, EXACT)
    assert (found.first_state[3:, 6] == found.mean[0, 6]).all()


@pytest.mark.parametrize("steps", [0, 1])
def test_backends_agree_on_no_step_at_all(steps: int) -> None:
    run = RUNS["pendulum"]().steps(slice(0, steps))
    run = replace(run, present=np.zeros_like(run.present))
    ours, theirs = pair(run)
    found, known = (one.assimilate(*run.arguments, steps=True) for one in (ours, theirs))
    assert found.mean.tobytes() == run.mean.tobytes() == known.mean.tobytes()
    assert_same_posterior(found, known, EXACT)
    ahead, expected = (one.predict(run.posterior, run.inputs, run.present) for one in (ours, theirs))
    assert ahead.mean.shape == (steps, VEHICLES)
    assert_same_prediction(ahead, expected, EXACT)


TABLES = (
    np.linspace(-0.5, 0.5, 9),
    np.array([0.0, 0.1, 0.25, 0.5, 1.0]),
    np.array([0.2, 0.9]),
    np.array([-0.3, 0.1, 0.77]),
    np.sort(np.random.default_rng(5).uniform(-1.0, 1.0, 9)),
    np.sort(np.random.default_rng(6).uniform(-1.0, 1.0, 18)),
    np.sort(np.random.default_rng(7).uniform(-1.0, 2.0, 300)),
)
"""Points that are even, on an even grid, one piece, two, eight (a whole search tree), one more than 16, and many."""
HEIGHTS = tuple(np.random.default_rng(8).normal(0.0, 1.0, len(points)) for points in TABLES)


class Tables(Model):
    """Measures what a table says of the state, and then of an input; which table, an input says."""

    dynamic = ("at",)
    inputs = ("which", "there")

    def transition(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
        return (x["at"],)

    def measure(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> Scalar:
        read: Any = 0.0
        for i, (points, heights) in enumerate(zip(TABLES, HEIGHTS, strict=True)):
            read = where(u["which"] == i, interp(x["at"], points, heights), read)
            read = where(u["which"] == i + len(TABLES), interp(u["there"], points, heights), read)
        return where(u["which"] == 2 * len(TABLES), interp(x["at"], (-0.5, 0.1, 0.7), [u["there"], 2.0, x["at"]]), read)

    def process_variance(self, u: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
        return (0.0,)

    def measurement_variance(self, u: Mapping[str, Scalar]) -> Scalar:
        return 1.0


def beyond(x: Floats, points: Floats, heights: Floats) -> tuple[Floats, Floats]:
    """A table's values, continued beyond its ends, and slopes."""
    slopes = np.diff(heights) / np.diff(points)
    piece = np.clip(np.searchsorted(points, x, side="right") - 1, 0, len(slopes) - 1)
    return heights[piece] + slopes[piece] * (x - points[piece]), slopes[piece]


def tables_read(compiled: Filter, x: Floats) -> Predicted:
    """Predictions where step i reads table i at the state, then each at an input, then the living one."""
    which = np.broadcast_to(np.arange(2.0 * len(TABLES) + 1.0)[:, None], (2 * len(TABLES) + 1, len(x)))
    return compiled.predict(Posterior(x[None], np.full((1, len(x)), 1e-6)), {"which": which, "there": x})


X = np.concatenate([np.linspace(-3.0, 4.0, 211), [-30.0, 30.0], *TABLES])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_tables_of_every_kind_are_read_right_in_kernels_also_beyond_their_ends(dtype: Any) -> None:
    found, near = tables_read(compile(Tables(), "ekf", dtype=dtype), X), 1e-13 if dtype == "float64" else 1e-6
    assert found.ok.all()
    for i, (points, heights) in enumerate(zip(TABLES, HEIGHTS, strict=True)):
        value, slope = beyond(X, points, heights)
        steepest = float(np.abs(np.diff(heights) / np.diff(points)).max())
        for step in (i, i + len(TABLES)):
            assert (np.abs(found.mean[step] - value) <= near * (1.0 + steepest) * (1.0 + np.abs(X))).all()
        # At a point the slope is that of the piece to its left or right.
        inside = np.abs(X[:, None] - points).min(axis=1) > 1e-6
        np.testing.assert_allclose(found.variance[i, inside], 1.0 + 1e-6 * slope[inside] ** 2, rtol=1e2 * near)
        assert (found.variance[i + len(TABLES)] == 1.0).all()


@pytest.mark.parametrize("method", ["ukf", "ekf"])
def test_backends_read_tables_of_every_kind_the_same(method: Method) -> None:
    found, known = (tables_read(compile(Tables(), method, backend=backend), X) for backend in BACKENDS)
    assert found.ok.all()
    assert_same_prediction(found, known, 1e-9)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("method", ["ukf", "ekf"])
def test_tables_read_at_what_is_not_finite_give_no_number_and_disturb_no_other(method: Method, value: float) -> None:
    kinds = len(TABLES)
    which = np.arange(2.0 * kinds + 1.0)[None]
    lanes = which.shape[1]
    start = Posterior(np.full((1, lanes), 0.3), np.full((1, lanes), 1e-8))
    there = np.where(which >= kinds, value, 0.3)
    for backend in BACKENDS:
        compiled = compile(Tables(), method, backend=backend)
        found = compiled.predict(start, {"which": which, "there": there})
        # The living table is read at another piece than the one that ends at what is not finite.
        assert found.status.tolist() == [OK] * kinds + [NOT_FINITE] * kinds + [OK]
        wrong = Posterior(np.where(which < kinds, value, 0.3), start.triangle)
        found = compiled.predict(wrong, {"which": which, "there": 0.3})
        assert found.status.tolist() == [NOT_FINITE] * kinds + [OK] * (kinds + 1)


def test_warm_compiles_what_is_called_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    run, asked = RUNS["pendulum"](), list[str]()

    def watched(name: str, text: str, found: Any = cache_module.kernel) -> Any:
        asked.append(name)
        return found(name, text)

    monkeypatch.setattr(cache_module, "kernel", watched)
    compiled = compile(run.model)
    assert asked == []
    for kind in ("learn", "consider", "predict"):
        compiled.warm(kind)
        compiled.warm(kind)
    names = [f"Pendulum_ukf_{kind}_float64_n4" for kind in ("learn", "consider", "predict")]
    assert asked == names
    compiled.assimilate(*run.arguments)
    compiled.log_likelihood(*run.arguments)
    compiled.assimilate(*run.arguments, np.ones(4, dtype=np.bool_))
    compiled.predict(run.posterior, run.inputs)
    assert asked == names
    compile(run.model, backend="numpy").warm("learn")
    assert asked == names


@pytest.mark.parametrize("name", ["pendulum", "thevenin_21_knots"])
@pytest.mark.parametrize("threads", [2, 3, 99])
def test_threads_change_no_bit(name: str, threads: int) -> None:
    run = run_of(name)
    alone, many = compile(run.model), compile(run.model, threads=threads)
    found, known = (one.assimilate(*run.arguments, steps=True) for one in (many, alone))
    for field in vars(known):
        assert getattr(found, field).tobytes() == getattr(known, field).tobytes()
    ahead, expected = (one.predict(run.posterior, run.inputs, run.present) for one in (many, alone))
    for field in vars(expected):
        assert getattr(ahead, field).tobytes() == getattr(expected, field).tobytes()


FAULTY = {"pendulum": small_run(Pendulum(), 80, 6), "every_op": small_run(EveryOp(), 80, 6)}
"""Runs with a lane for every fault."""


def faults(run: Run) -> Iterator[tuple[str, Callable[[Run, int], None], int]]:
    """A name, what puts it into a lane, and the status it must end with."""
    n = len(run.mean)

    def in_input(name: str, value: float) -> Callable[[Run, int], None]:
        return lambda run, lane: run.inputs[name].__setitem__((3, lane), value)

    def in_mean(i: int, value: float) -> Callable[[Run, int], None]:
        return lambda run, lane: run.mean.__setitem__((i, lane), value)

    def in_covariance(rows: slice | int, columns: slice | int, value: float) -> Callable[[Run, int], None]:
        return lambda run, lane: run.covariance.__setitem__((rows, columns, lane), value)

    for value in (np.nan, np.inf, -np.inf):
        for name in run.inputs:
            yield f"input {name} {value}", in_input(name, value), NOT_FINITE
        for i in range(n):
            yield f"mean {i} {value}", in_mean(i, value), NOT_FINITE
            yield f"variance {i} {value}", in_covariance(i, i, value), NOT_FINITE
        yield f"every covariance {value}", in_covariance(slice(None), slice(None), value), NOT_FINITE
    for i in range(n):
        yield f"negative variance {i}", in_covariance(i, i, -100.0), NO_FACTOR
        yield f"no variance {i}", partial(without_variance, i=i), NO_FACTOR
    for i in range(1, n):
        yield f"correlation {i}", partial(too_large, i=i), NO_FACTOR


def without_variance(run: Run, lane: int, i: int) -> None:
    """A state that is known for certain."""
    run.covariance[i, :, lane] = run.covariance[:, i, lane] = 0.0


def too_large(run: Run, lane: int, i: int) -> None:
    """A covariance of a state with the first that is larger than their variances allow."""
    p = run.covariance[:, :, lane]
    p[0, i] = p[i, 0] = 2.0 * np.sqrt(p[0, 0] * p[i, i])


@pytest.mark.parametrize("method", ["ukf", "ekf"])
@pytest.mark.parametrize("name", FAULTY)
def test_backends_give_the_same_reason_for_every_failure(name: str, method: Method) -> None:
    run = deepcopy(FAULTY[name])
    known = list(faults(run))
    for lane, (_, put, _) in enumerate(known):
        put(run, lane)
    for compiled in pair(run, method):
        found, ahead = compiled.assimilate(*run.arguments).status, compiled.predict(run.posterior, run.inputs).status
        for lane, (what, _, expected) in enumerate(known):
            # The extended filter needs no factor: a state without variance gets some by the step's noise.
            step = OK if method == "ekf" and what in ("no variance 0", "no variance 1") else expected
            assert (what, found[lane], ahead[lane]) == (what, step, expected)
        assert (found[len(known) :] == OK).all() and (ahead[len(known) :] == OK).all()


@pytest.mark.parametrize("method", ["ukf", "ekf"])
@pytest.mark.parametrize("name", FAULTY)
def test_backends_agree_on_one_covariance_that_is_not_finite(name: str, method: Method) -> None:
    run, lane = deepcopy(FAULTY[name]), 0
    for value in (np.nan, np.inf, -np.inf):
        for i, j in zip(*np.tril_indices(len(run.mean), -1), strict=True):
            run.covariance[i, j, lane] = run.covariance[j, i, lane] = value
            lane += 1
    ours, theirs = pair(run, method)
    found, known = (one.assimilate(*run.arguments).status for one in (ours, theirs))
    assert found.tolist() == known.tolist() and (found[:lane] != OK).all() and (found[lane:] == OK).all()
    found, known = (one.predict(run.posterior, run.inputs).status for one in (ours, theirs))
    assert found.tolist() == known.tolist() and (found[:lane] != OK).all() and (found[lane:] == OK).all()


def test_a_posterior_of_eight_takes_at_most_400_bytes_a_vehicle() -> None:
    run = pack_run(circuit(2), 3, 2)
    done = compile(run.model).assimilate(*run.arguments).posterior
    assert done.size == 8 and done.mean.dtype == np.float64
    assert done.nbytes <= 400 * done.vehicles


def test_init_gives_every_vehicle_the_prior() -> None:
    prior = compile(Pendulum()).init(3, {"angle": (0.1, 0.2), "rate": (-0.3, 0.4)})
    assert prior.mean.tolist() == [[0.1] * 3, [-0.3] * 3, [9.8] * 3, [0.3] * 3]
    covariance = np.repeat(np.diag([0.2**2, 0.4**2, 0.25, 0.1**2])[:, :, None], 3, axis=2)
    assert np.array_equal(prior.covariance, covariance)
    assert compile(Decay(), dtype="float32").init(1, {"level": (0.0, 1.0)}).mean.dtype == np.float32


def test_numbers_stand_for_what_is_the_same_everywhere() -> None:
    run = small_run(Decay(), 4, 6)
    wide = replace(run, inputs={"push": np.full((6, 4), 0.3), "dt_s": np.full((6, 4), 0.1)})
    compiled = compile(run.model)
    found = compiled.assimilate(run.posterior, {"push": 0.3, "dt_s": np.full((6, 1), 0.1)}, run.measured)
    assert found.mean.tobytes() == compiled.assimilate(*wide.arguments).mean.tobytes()
