"""Every registered model passes `check_model`; models that are wrong do not."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from twinpack.battery.bounded import Bounded
from twinpack.battery.hybrid import Hybrid
from twinpack.battery.models import thevenin_1rc
from twinpack.errors import CheckError, InputError, NotFoundError
from twinpack.filters import Living, Model, Scalar
from twinpack.filters.network import Network
from twinpack.filters.ops import exp
from twinpack.filters.registry import load_model, model_names
from twinpack.testing import Example, check_model

STEPS = 120


def pack_example(pairs: int) -> Example:
    """A drive of twenty minutes in steps of ten seconds, at a fifth of the capacity on average."""
    time = np.arange(STEPS)
    current = -30.0 + 60.0 * np.sin(time / 5.0) * np.sin(time / 17.0)
    states = {"soc": (0.7, 0.02), "trip_v": (0.0, 0.01)} | {f"u{i + 1}_v": (0.0, 0.005) for i in range(pairs)}
    inputs = {
        "current_a": current,
        "interval_start_a": np.concatenate([current[:1], current[:-1]]),
        "interval_end_a": current,
        "dt_s": np.full(STEPS, 10.0),
        "temp_c": np.linspace(10.0, 20.0, STEPS),
    }
    return Example(states, inputs)


def heat_example() -> Example:
    time = np.arange(STEPS)
    inputs = {
        "current_a": -100.0 + 80.0 * np.sin(time / 9.0),
        "ambient_c": np.full(STEPS, 15.0),
        "dt_s": np.full(STEPS, 60.0),
    }
    return Example({"temp_c": (20.0, 2.0)}, inputs)


EXAMPLES = {
    "thermal": heat_example(),
    "thevenin-1rc": pack_example(1),
    "thevenin-2rc": pack_example(2),
    "thevenin-3rc": pack_example(3),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_shipped_model_passes(name: str) -> None:
    report = check_model(load_model(name), EXAMPLES[name])
    assert len(report.passed) == 7 and not report.failed


def test_every_shipped_model_is_tried() -> None:
    assert set(model_names()) == set(EXAMPLES)


def network() -> Network:
    rng = np.random.default_rng(4)
    weights = [rng.normal(0.0, 0.5, shape) for shape in ((3, 8), (8, 8), (8, 1))]
    return Network.of(weights, [rng.normal(0.0, 0.1, (one.shape[1],)) for one in weights], (0.5, 0, 20), (0.5, 100, 20))


def bounded(*of: str) -> Bounded:
    ranges = {"soc": (0.2, 0.9), "current_a": (-200.0, 100.0), "temp_c": (0.0, 40.0)}
    low, high = zip(*(ranges.get(name, (0.0, 1.0)) for name in of), strict=True)
    return Bounded(network(), of, low, high)


def test_a_hybrid_passes() -> None:
    hybrid = Hybrid(thevenin_1rc(), bounded("soc", "current_a", "temp_c"))
    assert not check_model(hybrid, EXAMPLES["thevenin-1rc"]).failed


def test_a_network_computes_what_its_weights_say() -> None:
    net = network()
    x = np.array([0.3, -50.0, 5.0])
    signal = (x - net.centre) / net.scale
    for number, (weight, bias) in enumerate(zip(net.weights, net.biases, strict=True)):
        signal = signal @ weight + bias
        signal = np.tanh(signal) if number < 2 else signal
    assert net(*x) == pytest.approx(signal[0], abs=1e-14)


@pytest.mark.parametrize(
    ("of", "told"),
    [(("soc", "current_a"), "takes 3 values, 2 are named"), (("soc", "speed", "temp_c"), "asks for 'speed'")],
)
def test_a_hybrid_says_what_its_network_cannot_be_given(of: tuple[str, ...], told: str) -> None:
    with pytest.raises(InputError, match=told):
        Hybrid(thevenin_1rc(), bounded(*of))


def test_a_network_whose_layers_do_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match=r"given are \(2, 3\) with \(3,\), \(4, 1\) with \(1,\)"):
        Network.of([np.ones((2, 3)), np.ones((4, 1))], [np.ones(3), np.ones(1)])


class Relaxing(Model):
    """An RC pair; subclasses of the test get one thing wrong each."""

    dynamic = ("u_v",)
    living = (Living("r_ohm", 0.05, 0.01),)
    inputs = ("current_a", "dt_s")

    def __init__(self, euler: bool = False, told_variance: float = 1e-4) -> None:
        self.euler, self.told_variance = euler, told_variance

    def transition(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
        s = u["dt_s"] / 20.0
        kept = 1.0 - s if self.euler else exp(-s)
        return (kept * x["u_v"] + (1.0 - kept) * x["r_ohm"] * u["current_a"],)

    def measure(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> Scalar:
        return x["u_v"]

    def process_variance(self, u: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
        return (1e-8 * u["dt_s"],)

    def measurement_variance(self, u: Mapping[str, Scalar]) -> Scalar:
        return 1e-4

    def prediction_variance(self, u: Mapping[str, Scalar]) -> Scalar:
        return self.told_variance


RELAXING = Example(
    {"u_v": (0.0, 0.01)}, {"current_a": 5.0 + 10.0 * np.sin(np.arange(60) / 5.0), "dt_s": np.full(60, 2.0)}
)


def test_a_model_that_is_right_passes() -> None:
    assert not check_model(Relaxing(), RELAXING).failed


def test_steps_that_are_not_exact_are_found() -> None:
    with pytest.raises(CheckError, match=r"Relaxing: one step of 10 s and ten of 1 s differ by .* of the move of u_v"):
        check_model(Relaxing(euler=True), RELAXING)


@pytest.mark.parametrize("variance", [1e-6, 1.0])
def test_bands_that_do_not_hold_what_they_claim_are_found(variance: float) -> None:
    with pytest.raises(CheckError, match="open-loop 95 % bands hold"):
        check_model(Relaxing(told_variance=variance), RELAXING)


def test_a_name_that_nobody_registered_is_refused() -> None:
    with pytest.raises(NotFoundError, match="no model 'thevenin-9rc'; registered are thermal, thevenin-1rc"):
        load_model("thevenin-9rc")
