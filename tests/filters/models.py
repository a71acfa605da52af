"""Small models, one vehicle of which an independent filter can follow, and data of their own making."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.battery.ocv import ocv_table
from twinpack.battery.thevenin import Circuit, Noise, Thevenin
from twinpack.filters import Living, Model, Posterior, Scalar
from twinpack.filters.ops import asinh, exp, interp, log, maximum, minimum, sqrt, tanh, where

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
SOC_GRID = tuple(i / 20 for i in range(21))


class Pendulum(Model):
    """Nonlinear in the state, in a living parameter and in what is measured."""

    dynamic = ("angle", "rate")
    living = (Living("pull", 9.8, 0.5, 0.0, 0.1, 30.0), Living("friction", 0.3, 0.1, 0.0, 0.0, 5.0))
    inputs = ("push", "dt_s")

    def transition(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
        rate = exp(-x["friction"] * u["dt_s"]) * x["rate"] + u["dt_s"] * (u["push"] - x["pull"] * tanh(x["angle"]))
        return x["angle"] + u["dt_s"] * rate, rate

    def measure(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> Scalar:
        return tanh(x["angle"]) + 0.1 * x["rate"] * x["rate"]

    def process_variance(self, u: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
        return 1e-4 * u["dt_s"], 1e-3 * u["dt_s"]

    def measurement_variance(self, u: Mapping[str, Scalar]) -> Scalar:
        return 0.01 + 0.001 * u["push"] * u["push"]


class Decay(Model):
    """One dynamic state: matrices with a side of one."""

    dynamic = ("level",)
    living = (Living("rate", 0.5, 0.1, 0.0, 0.0, 2.0), Living("gain", 1.0, 0.2, 0.0, 0.0, 5.0))
    inputs = ("push", "dt_s")

    def transition(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
        return (exp(-x["rate"] * u["dt_s"]) * x["level"] + u["dt_s"] * u["push"],)

    def measure(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> Scalar:
        return x["gain"] * x["level"]

    def process_variance(self, u: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
        return (1e-3 * u["dt_s"],)

    def measurement_variance(self, u: Mapping[str, Scalar]) -> Scalar:
        return 0.02


class Linear(Model):
    """A cart with an unknown constant acceleration and a sensor with an unknown offset; its matrices beside it."""

    dynamic = ("position", "speed")
    living = (Living("acceleration", 0.1, 0.3, 0.0, -9.0, 9.0), Living("offset", 0.0, 0.5, 0.0, -9.0, 9.0))
    inputs = ("push", "dt_s")
    h = np.array([1.0, 0.2, 0.0, 1.0])

    def transition(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
        dt = u["dt_s"]
        return x["position"] + dt * x["speed"], 0.95 * x["speed"] + dt * (u["push"] + x["acceleration"])

    def measure(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> Scalar:
        return x["position"] + 0.2 * x["speed"] + x["offset"] + 0.5 * u["push"]

    def process_variance(self, u: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
        return 0.01 * u["dt_s"], 0.02 * u["dt_s"]

    def measurement_variance(self, u: Mapping[str, Scalar]) -> Scalar:
        return 0.04 + 0.01 * u["push"] * u["push"]

    def matrices(self, push: float, dt_s: float) -> tuple[Floats, Floats, Floats, float]:
        """F, b and Q of the state, R of the measurement; the measurement is `h x + push / 2`."""
        f = np.eye(4)
        f[0, 1], f[1, 1], f[1, 2] = dt_s, 0.95, dt_s
        return (
            f,
            np.array([0.0, dt_s * push, 0.0, 0.0]),
            np.diag([0.01 * dt_s, 0.02 * dt_s, 0, 0]),
            0.04 + push**2 / 100,
        )


EVEN = tuple(i / 4 - 1.0 for i in range(9))
UNEVEN = (-2.0, -0.7, -0.1, 0.2, 1.1, 1.9)


class EveryOp(Model):
    """Every operation and function there is, of states, parameters and inputs."""

    dynamic = ("a", "b")
    living = (Living("k", 0.8, 0.1), Living("left", 0.2, 0.1), Living("right", 0.6, 0.1))
    inputs = ("push", "dt_s")

    def transition(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
        a, b, push, dt = x["a"], x["b"], u["push"], u["dt_s"]
        bent = interp(a, EVEN, np.cos(EVEN)) + 0.3 * interp(b, UNEVEN, np.sin(UNEVEN)) + interp(push, UNEVEN, EVEN[:6])
        forced = where((a < 0.2) & ~(b >= 1.0) | (push > 0.3), 0.9 * b, 0.9 * b + 0.1 * dt * abs(a))
        slow = exp(-maximum(x["k"], 0.1) * dt)
        return (
            slow * a + dt * (minimum(push, 1.5) - tanh(b)) + 0.05 * dt * bent,
            +forced - dt * (-(minimum(a, b) ** 2)) / (1.0 + a**2),
        )

    def measure(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> Scalar:
        a, b, push = x["a"], x["b"], u["push"]
        curve = 0.5 * asinh(2.0 * a) + log(1.0 + exp(b)) * x["k"] + sqrt(1.0 + a * a) + (4.0 + b) ** -2
        living = interp(a, (-0.5, 0.0, 0.7), [x["left"], x["right"], 0.3 * x["left"]])
        steps = where(a <= b, 0.02, 0.0) + where(push != 0.0, 0.1, push) + where(push == 0.0, a, 0.0)
        return curve + living + steps + np.float64(0.3) * (1.0 + b**4) ** 0.5

    def process_variance(self, u: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
        return 1e-3 * u["dt_s"], where(u["push"] > 0.0, 1e-3, 2e-3) * u["dt_s"]

    def measurement_variance(self, u: Mapping[str, Scalar]) -> Scalar:
        return 0.01 + 0.002 * interp(u["push"], UNEVEN, (3.0, 2.0, 1.0, 1.0, 2.0, 3.0))

    def learning_variance(self, u: Mapping[str, Scalar]) -> Scalar:
        return 2.0 * self.measurement_variance(u)

    def prediction_variance(self, u: Mapping[str, Scalar]) -> Scalar:
        return self.measurement_variance(u) + 0.01


class Still(Model):
    """Neither inputs nor living parameters."""

    dynamic = ("level", "rate")
    inputs = ()

    def transition(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
        return x["level"] + 0.1 * x["rate"], 0.98 * tanh(x["rate"]) - 0.05 * x["level"]

    def measure(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> Scalar:
        return x["level"] + 0.1 * x["level"] * x["rate"]

    def process_variance(self, u: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
        return 1e-4, 0.0

    def measurement_variance(self, u: Mapping[str, Scalar]) -> Scalar:
        return 0.01


class Curve(Model):
    """Nothing dynamic: a curve with two living parameters."""

    dynamic = ()
    living = (Living("scale", 1.0, 0.1, 0.01, 0.1, 2.0), Living("bend", 0.5, 0.1, 0.0, 0.0, 5.0))
    inputs = ("push", "dt_s")

    def transition(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
        return ()

    def measure(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> Scalar:
        return x["scale"] * (4.0 - tanh(x["bend"] * u["push"] / x["scale"]) * u["dt_s"])

    def process_variance(self, u: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
        return ()

    def measurement_variance(self, u: Mapping[str, Scalar]) -> Scalar:
        return 0.01 + 0.001 * u["push"] * u["push"]


class Corrected(Decay):
    """A decay and a network of eight neurons, its weights in the graph."""

    def __init__(self, seed: int = 3) -> None:
        rng = np.random.default_rng(seed)
        self.weights, self.biases = rng.normal(0.0, 0.4, (8, 3)), rng.normal(0.0, 0.2, 8)
        self.out = rng.normal(0.0, 0.3, 8)

    def measure(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> Scalar:
        total = x["gain"] * x["level"]
        for (one, two, three), bias, out in zip(self.weights, self.biases, self.out, strict=True):
            total = total + out * tanh(one * x["level"] + two * x["rate"] + three * u["push"] + bias)
        return total


def circuit(pairs: int, knots: int = 0, **changes: Any) -> Circuit:
    """A pack of 96 NMC groups with 2 + pairs states and 4 parameters, or more with living knots."""
    living = [
        Living("capacity_scale", 1.0, 0.05, 0.001, 0.3, 1.5),
        Living("r0_scale", 1.0, 0.1, 0.004, 0.2, 5.0),
        Living("r_scale", 1.0, 0.15, 0.006, 0.1, 6.0),
    ]
    grid = tuple(float(knot) for knot in np.linspace(0.0, 1.0, knots)) if knots else ()
    living += [Living(f"ocv_{round(100 * knot):02d}_v", 0.0, 0.01, 0.0003, -0.5, 0.5) for knot in grid]
    living += [] if knots else [Living("offset_v", 0.0, 0.004, 0.0002, -0.1, 0.1)]
    given: dict[str, Any] = {
        "series": 96,
        "capacity_ah": 60.0,
        "soc": SOC_GRID,
        "ocv_v": tuple(float(v) for v in ocv_table("nmc811").pchip(np.array(SOC_GRID))),
        "r_soc": (0.0, 0.25, 1.0),
        "r0_ohm": (0.0016, 0.0012, 0.0011),
        "pairs_ohm": ((0.0003, 0.0002, 0.0002), (0.0005, 0.0004, 0.0003), (0.0007, 0.0006, 0.0005))[-pairs:],
        "tau_s": (5.0, 45.0, 600.0)[-pairs:],
        "ea0_j_mol": 20e3,
        "ea1_j_mol": 25e3,
        "living": tuple(living),
        "ocv_knots": grid,
        "noise": Noise(temper=1.0),
    }
    return Circuit(**(given | changes))


@dataclass(frozen=True)
class Run:
    """What a filter is given: mean (n, B), covariance (n, n, B), inputs, measured and present (T, B)."""

    model: Model
    mean: Floats
    covariance: Floats
    inputs: dict[str, Floats]
    measured: Floats
    present: Flags

    def lanes(self, pick: Any) -> Run:
        inputs = {name: values[:, pick] for name, values in self.inputs.items()}
        mean, covariance = self.mean[:, pick], self.covariance[:, :, pick]
        return Run(self.model, mean, covariance, inputs, self.measured[:, pick], self.present[:, pick])

    def steps(self, pick: Any, mean: Floats | None = None, covariance: Floats | None = None) -> Run:
        inputs = {name: values[pick] for name, values in self.inputs.items()}
        at = (self.mean if mean is None else mean, self.covariance if covariance is None else covariance)
        return Run(self.model, *at, inputs, self.measured[pick], self.present[pick])

    @property
    def posterior(self) -> Posterior:
        return Posterior.of(self.mean, self.covariance)

    @property
    def arguments(self) -> tuple[Posterior, dict[str, Floats], Floats, Flags]:
        return self.posterior, self.inputs, self.measured, self.present


def with_gaps(run: Run, seed: int = 3) -> Run:
    """The run with a fifth of its measurements missing."""
    missing = np.random.default_rng(seed).random(run.measured.shape) < 0.2
    return replace(run, measured=np.where(missing, np.nan, run.measured))


def ragged(run: Run, seed: int = 4) -> Run:
    """The run with steps absent, and measurements missing and infinite; nothing is known where a step is absent."""
    rng = np.random.default_rng(seed)
    present = rng.random(run.measured.shape) < 0.8
    what = rng.choice([0.0, np.nan, np.inf, -np.inf], run.measured.shape, p=[0.85, 0.09, 0.03, 0.03])
    inputs = {name: np.where(present, values, np.nan) for name, values in run.inputs.items()}
    return replace(run, inputs=inputs, present=present, measured=run.measured + what)


def drawn(covariance: Floats, mean: Floats, rng: np.random.Generator) -> Floats:
    """A draw of each lane's Gaussian, shape (n, B)."""
    factor = np.linalg.cholesky(np.moveaxis(covariance, 2, 0))
    values: Floats = mean + np.einsum("bij,jb->ib", factor, rng.standard_normal(mean.shape))
    return values


def simulated(
    model: Model, start: Floats, inputs: Mapping[str, Floats], rng: np.random.Generator, steps: int = 0
) -> Floats:
    """Measurements (T, B) of systems that obey the model with all its noise, from states and parameters (n, B)."""
    x = dict(zip(model.names, start, strict=True))
    measured = np.empty((steps or len(next(iter(inputs.values()))), start.shape[1]))
    for k in range(len(measured)):
        u = {name: values[k] for name, values in inputs.items()}
        after = dict(zip(model.dynamic, model.transition(x, u), strict=True))
        for name, variance in zip(model.dynamic, model.process_variance(u), strict=True):
            x[name] = after[name] + np.sqrt(variance) * rng.standard_normal(start.shape[1])
        noise = np.sqrt(model.learning_variance(u)) * rng.standard_normal(start.shape[1])
        measured[k] = model.measure(x, u) + noise
    return measured


def small_run(model: Model, lanes: int, steps: int, seed: int = 1) -> Run:
    """Data from a small model; priors differ from lane to lane and are correlated."""
    rng = np.random.default_rng(seed)
    inputs = {"push": rng.normal(0.0, 1.0, (steps, lanes)), "dt_s": rng.uniform(0.02, 0.2, (steps, lanes))}
    inputs = {name: inputs[name] for name in model.inputs}
    mean = np.array([[0.5], [-0.2]])[: len(model.dynamic)] + 0.1 * rng.standard_normal((len(model.dynamic), lanes))
    mean = np.vstack([mean, *(np.full((1, lanes), one.mean) for one in model.living)])
    sd = np.array([0.3] * len(model.dynamic) + [one.sd for one in model.living])
    mixed = rng.standard_normal((lanes, len(sd), len(sd)))
    correlation = np.eye(len(sd)) + 0.1 * mixed @ mixed.transpose(0, 2, 1)
    covariance = np.ascontiguousarray(np.moveaxis(correlation * np.outer(sd, sd), 0, 2))
    covariance = 0.5 * (covariance + covariance.transpose(1, 0, 2))
    measured = simulated(model, drawn(covariance, mean, rng), inputs, rng, steps)
    return Run(model, mean, covariance, inputs, measured, np.ones((steps, lanes), dtype=np.bool_))


def pack_inputs(lanes: int, steps: int, rng: np.random.Generator) -> dict[str, Floats]:
    """Drives of a 60 Ah pack: braking now and then, steps of 2 to 10 s, 0 to 35 °C."""
    smooth = np.cumsum(rng.normal(0.0, 25.0, (steps + 1, lanes)), axis=0)
    current = -40.0 + 60.0 * np.sin(smooth / 40.0)
    dt = rng.uniform(2.0, 10.0, (steps, lanes))
    temp = rng.uniform(0.0, 35.0, lanes) + np.linspace(0.0, 5.0, steps)[:, None]
    return {
        "current_a": current[1:],
        "interval_start_a": current[:-1],
        "interval_end_a": current[1:],
        "dt_s": dt,
        "temp_c": temp,
    }


def pack_run(source: Circuit, lanes: int, steps: int, seed: int = 1, tangent: bool = False) -> Run:
    """Data from a pack whose parameters and starting states are draws of the prior."""
    rng = np.random.default_rng(seed)
    model = Thevenin(source, tangent)
    inputs = pack_inputs(lanes, steps, rng)
    told = rng.uniform(0.6, 0.9, lanes)
    states, states_sd = model.start(
        np.full(lanes, np.nan), {name: values[0] for name, values in inputs.items()}, told, 0.02
    )
    if tangent:
        soc, rows = told + np.linspace(0.0, -0.02, steps)[:, None], rng.integers(1, 9, (steps, lanes))
        inputs |= {"soc_ref": soc, "ocv_slope": 0.8 + 0.2 * soc, "rows": rows.astype(np.float64)}
    sd = np.vstack([states_sd, *(np.full((1, lanes), one.sd) for one in model.living)])
    mean = np.vstack([states, *(np.full((1, lanes), one.mean) for one in model.living)])
    covariance = np.eye(len(mean))[:, :, None] * sd**2
    measured = simulated(model, drawn(covariance, mean, rng), inputs, rng)
    return Run(model, mean, covariance, inputs, measured, np.ones((steps, lanes), dtype=np.bool_))
