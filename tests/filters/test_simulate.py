"""A simulated run is the model's own path: that of the NumPy reference, and of a filter that is sure of everything."""

from __future__ import annotations

import numpy as np
import pytest

from tests.filters.models import Decay, EveryOp, Pendulum, circuit, pack_run, small_run
from twinpack.battery.route import Route, RouteModel
from twinpack.battery.thevenin import Thevenin
from twinpack.errors import InputError
from twinpack.filters import Living, Model, Posterior, compile
from twinpack.filters.simulate import Simulator

RUNS = 37


@pytest.mark.parametrize("model", [Pendulum(), EveryOp()], ids=["pendulum", "every_op"])
def test_a_kernel_gives_what_the_reference_gives(model: Model) -> None:
    run = small_run(model, RUNS, 30)
    mean = run.posterior.mean
    ours, theirs = (Simulator(model, backend).run(mean, run.inputs) for backend in ("numba", "numpy"))
    np.testing.assert_allclose(ours, theirs, rtol=1e-11, atol=1e-12)


def test_it_is_what_a_filter_predicts_that_is_sure_of_everything() -> None:
    model = Thevenin(circuit(2))
    run = pack_run(circuit(2), RUNS, 25)
    sure = Posterior.of(run.posterior.mean, 1e-20 * np.eye(len(model.names))[:, :, None] * np.ones(RUNS))
    predicted = compile(model).predict(sure, run.inputs)
    np.testing.assert_allclose(Simulator(model).run(sure.mean, run.inputs), predicted.mean, rtol=1e-9)


def test_a_run_does_not_depend_on_who_is_beside_it_nor_on_how_inputs_are_handed_in() -> None:
    model = Decay()
    rng = np.random.default_rng(1)
    mean, push = rng.uniform(0.2, 1.0, (3, RUNS)), rng.normal(size=12)
    simulator = Simulator(model)
    shared = simulator.run(mean, {"push": push, "dt_s": 0.5})
    each = simulator.run(mean, {"push": np.repeat(push[:, None], RUNS, axis=1), "dt_s": np.full((12, 1), 0.5)})
    alone = simulator.run(mean[:, 20:21], {"push": push, "dt_s": 0.5})
    assert (shared == each).all() and (shared[:, 20:21] == alone).all()


def test_a_model_in_which_nothing_moves_is_its_measurement() -> None:
    route = Route((0.0, 1.0), (4.0, 3.0), 50.0, 100.0, (0.1, 0, 0, 0, 0, 0), (Living("wear", 0.0, 0.01),))
    inputs = {"speed_kmh": 50.0, "load_kg": 100.0, "distance_km": np.array([0.0, 5.0])}
    found = Simulator(RouteModel(route)).run(np.zeros((1, 2)), inputs)
    np.testing.assert_allclose(found, [[4.0, 4.0], [3.5, 3.5]])


def test_what_does_not_fit_is_named() -> None:
    simulator = Simulator(Decay())
    with pytest.raises(InputError, match="'dt_s' is missing"):
        simulator.run(np.ones((3, 4)), {"push": 1.0})
    with pytest.raises(InputError, match=r"needs \(3, B\) for level, rate, gain"):
        simulator.run(np.ones((2, 4)), {"push": 1.0, "dt_s": 1.0})
    with pytest.raises(InputError, match=r"push has shape \(5, 3\)"):
        simulator.run(np.ones((3, 4)), {"push": np.ones((5, 3)), "dt_s": 1.0})
