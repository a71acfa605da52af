"""What is given wrongly is refused with its name and what to do."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from tests.filters.models import Decay, Pendulum, Run, small_run
from twinpack.errors import InputError
from twinpack.filters import Posterior, compile


@pytest.fixture(params=["numba", "numpy"])
def compiled(request: pytest.FixtureRequest) -> Any:
    return compile(Decay(), backend=request.param)


@pytest.fixture(scope="module")
def run() -> Run:
    return small_run(Decay(), 4, 5)


@pytest.mark.parametrize("backend", ["numba", "numpy"])
@pytest.mark.parametrize(
    ("choice", "told"),
    [
        ({"method": "pf"}, "method 'pf' is not known; known are 'ukf' and 'ekf'"),
        ({"dtype": "float16"}, "dtype 'float16' is not known; known are 'float64' and 'float32'"),
        ({"alpha": 0.0}, "alpha is 0.0; the spread of the sigma points must be positive"),
        ({"alpha": -1.0}, "must be positive"),
        ({"alpha": float("nan")}, "must be positive"),
        ({"dtype": "float32", "alpha": 0.5}, "differ by less than single precision can tell.*use alpha 1 or float64"),
    ],
)
def test_a_choice_that_cannot_be_had_is_refused(choice: dict[str, Any], told: str, backend: Any) -> None:
    with pytest.raises(InputError, match=told):
        compile(Decay(), backend=backend, **choice)


def test_a_backend_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InputError, match="backend 'jax' is not known; known are 'numba' and 'numpy'"):
        compile(Decay(), backend="jax")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"inputs": {"push": 1.0}}, "input 'dt_s' is missing; the model needs push, dt_s"),
        ({"inputs": {"push": 1.0, "dt_s": 1.0, "speed": 1.0}}, "there is no input 'speed'; the model has push, dt_s"),
        ({"inputs": {"push": 1.0, "dt_s": np.ones((5, 3))}}, r"dt_s has shape \(5, 3\); it must be .* = \(5, 4\)"),
        ({"measured": np.ones((6, 4))}, r"has shape \(5, 4\); it must be .* \(6, 4\)"),
        ({"measured": np.ones((5, 5))}, r"measured has shape \(5, 5\)"),
        ({"present": np.ones((5, 2), dtype=bool)}, r"present has shape \(5, 2\)"),
        ({"adjustable": np.ones(2, dtype=bool)}, r"adjustable has shape \(2,\); it must have one entry for each of 3"),
    ],
)
def test_a_wrong_argument_is_named(compiled: Any, run: Run, changed: dict[str, Any], told: str) -> None:
    given = {"inputs": run.inputs, "measured": run.measured} | changed
    with pytest.raises(InputError, match=told):
        compiled.assimilate(run.posterior, **given)


def test_steps_must_be_known(compiled: Any, run: Run) -> None:
    with pytest.raises(InputError, match="the number of steps is not known"):
        compiled.assimilate(run.posterior, {"push": 1.0, "dt_s": 1.0}, 0.0)


def test_a_posterior_of_another_model_is_refused(compiled: Any, run: Run) -> None:
    right = run.posterior
    for wrong in (Posterior(right.mean[:2], right.triangle), Posterior(right.mean, right.triangle[:5])):
        with pytest.raises(InputError, match=r"Decay needs \(3, B\) and \(6, B\) for level, rate, gain"):
            compiled.assimilate(wrong, run.inputs, run.measured)
        with pytest.raises(InputError, match="needs"):
            compiled.predict(wrong, run.inputs)
    with pytest.raises(InputError, match=r"they must be \(n, B\) and \(n, n, B\)"):
        Posterior.of(right.mean, right.covariance[:2])


def test_a_posterior_of_one_axis_is_refused(compiled: Any, run: Run) -> None:
    flat = Posterior(run.posterior.mean[:, 0], run.posterior.triangle[:, 0])
    told = r"mean has shape \(3,\) and its triangle \(6,\); Decay needs \(3, B\) and \(6, B\) for level, rate, gain"
    with pytest.raises(InputError, match=told):
        compiled.assimilate(flat, run.inputs, run.measured)
    with pytest.raises(InputError, match=told):
        compiled.log_likelihood(flat, run.inputs, run.measured)
    with pytest.raises(InputError, match=told):
        compiled.predict(flat, run.inputs)


@pytest.mark.parametrize("method", ["ukf", "ekf"])
@pytest.mark.parametrize("shape", ["one more", "transposed", "flat", "one vehicle"])
@pytest.mark.parametrize("backend", ["numba", "numpy"])
def test_points_of_another_shape_are_refused(backend: Any, shape: str, method: Any, run: Run) -> None:
    three, compiled = run.lanes(slice(0, 3)), compile(Decay(), method, backend=backend)
    right = (1, compiled.columns, 3)
    wrong = {
        "one more": (2, compiled.columns, 3),
        # As many numbers as there should be.
        "transposed": (1, 3, compiled.columns),
        "flat": (compiled.columns, 3),
        "one vehicle": (1, compiled.columns, 1),
    }[shape]
    told = rf"points have shape {re.escape(str(wrong))}; they must be those of an earlier prediction, .*"
    with pytest.raises(InputError, match=told + re.escape(str(right))):
        compiled.predict(three.posterior, three.inputs, points=np.zeros(wrong))


def test_a_start_without_a_state_is_refused(compiled: Any) -> None:
    told = "start has no 'level'; give mean and standard deviation of level"
    with pytest.raises(InputError, match=told):
        compiled.init(2, {})
    with pytest.raises(InputError, match="start has no 'rate'; give mean and standard deviation of angle, rate"):
        compile(Pendulum(), backend="numpy").init(2, {"angle": (0.0, 1.0)})
