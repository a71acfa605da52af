"""`check_model`: what every model has to do, its own simulations included."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.errors import CheckError
from twinpack.filters import Filter, Model, Posterior, compile
from twinpack.filters.extended import slopes
from twinpack.twin.codec import decode, encode

Floats = npt.NDArray[np.float64]

VEHICLES = 40
COVERING_VEHICLES = 400
AGREE = 1e-9
"""How far backends may be apart, in standard deviations of the posterior."""

EXACT = 5e-3
"""How far one long step may be from ten short ones, as a share of how far it moves the state: what hangs on the state
itself, such as a resistance on the charge, may be held over a step."""

COVERAGE = (0.93, 0.995)
"""Share of a model's own simulations that its 95 % bands may hold; they may be a little wide."""

STEP_INPUT = "dt_s"


@dataclass(frozen=True)
class Example:
    """What a model is tried on.

    Attributes:
        start: Mean and standard deviation of each dynamic state.
        inputs: A typical course of each input, shape (T,), at least 20 steps.
    """

    start: Mapping[str, tuple[float, float]]
    inputs: Mapping[str, Any]


@dataclass
class ModelReport:
    """What was found.

    Attributes:
        model: Name of the model's class.
        passed: What holds, in words with figures.
        failed: What does not.
    """

    model: str
    passed: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def add(self, holds: bool, text: str) -> None:
        """Add a finding."""
        (self.passed if holds else self.failed).append(text)


def check_model(model: Model, example: Example, seed: int = 1) -> ModelReport:
    """Check a model: backends, Jacobian, discretisation, bands, snapshots.

    Args:
        model: The model.
        example: What to try it on.
        seed: Of the simulations.

    Raises:
        TraceError: The model cannot be compiled.
        CheckError: Naming every check that failed.
    """
    report = ModelReport(type(model).__name__)
    trial = _Trial(model, example, seed)
    for check in (_backends_agree, _jacobian, _discretisation, _coverage, _snapshot):
        check(trial, report)
    if report.failed:
        raise CheckError(f"{report.model}: {'; '.join(report.failed)}")
    return report


class _Trial:
    """A model with data of its own making."""

    def __init__(self, model: Model, example: Example, seed: int) -> None:
        self.model, self.example, self.rng = model, example, np.random.default_rng(seed)
        self.filter = compile(model)
        self.steps = len(next(iter(example.inputs.values()))) if example.inputs else 60

    def prior(self, filter_: Filter, vehicles: int) -> Posterior:
        return filter_.init(vehicles, self.example.start)

    def inputs(self, vehicles: int) -> dict[str, Floats]:
        """The example's, the same for each vehicle but for where in it they begin."""
        shift = self.rng.integers(0, self.steps, vehicles)
        rows = (np.arange(self.steps)[:, None] + shift) % self.steps
        return {name: np.asarray(values, dtype=np.float64)[rows] for name, values in self.example.inputs.items()}

    def drawn(self, posterior: Posterior) -> Floats:
        factor = np.linalg.cholesky(np.moveaxis(posterior.covariance, 2, 0))
        noise = self.rng.standard_normal(posterior.mean.shape)
        return np.asarray(posterior.mean + np.einsum("bij,jb->ib", factor, noise))

    def measured(self, truth: Floats, inputs: Mapping[str, Floats]) -> Floats:
        """What systems that obey the model would show, with all its noise, shape (T, B)."""
        model, x = self.model, dict(zip(self.model.names, truth, strict=True))
        out = np.empty((self.steps, truth.shape[1]))
        for k in range(self.steps):
            u = {name: values[k] for name, values in inputs.items()}
            after = model.transition(x, u)
            for name, value, variance in zip(model.dynamic, after, model.process_variance(u), strict=True):
                x[name] = value + np.sqrt(variance) * self.rng.standard_normal(truth.shape[1])
            noise = np.sqrt(model.measurement_variance(u)) * self.rng.standard_normal(truth.shape[1])
            out[k] = model.measure(x, u) + noise
        return out


def _backends_agree(trial: _Trial, report: ModelReport) -> None:
    """Posterior, prediction and likelihood of both backends, with steps and measurements missing."""
    inputs = trial.inputs(VEHICLES)
    prior = trial.prior(trial.filter, VEHICLES)
    measured = trial.measured(trial.drawn(prior), inputs)
    measured[trial.rng.random(measured.shape) < 0.1] = np.nan
    present = trial.rng.random(measured.shape) < 0.9
    for method in ("ukf", "ekf"):
        ours, theirs = (compile(trial.model, method, backend=backend) for backend in ("numba", "numpy"))
        found, known = (one.assimilate(prior, inputs, measured, present, steps=True) for one in (ours, theirs))
        gaps = {
            "posterior mean": _gap(found.mean - known.mean, np.sqrt(_variances(known.triangle))),
            "innovation": _gap(found.innovation - known.innovation, np.sqrt(known.innovation_variance)),
            "innovation variance": _gap(
                found.innovation_variance - known.innovation_variance, known.innovation_variance
            ),
        }
        ahead, expected = (one.predict(prior, inputs, present) for one in (ours, theirs))
        gaps["prediction"] = _gap(ahead.mean - expected.mean, np.sqrt(expected.variance))
        gaps["band"] = _gap(ahead.variance - expected.variance, expected.variance)
        fine = bool((found.status == known.status).all() and (ahead.status == expected.status).all())
        worst = max(gaps, key=lambda name: gaps[name])
        whole = int(found.ok.sum())
        report.add(
            fine and whole == VEHICLES and gaps[worst] < AGREE,
            f"{method}: backends differ by {gaps[worst]:.1e} sd ({worst}), {whole} of {VEHICLES} vehicles sound",
        )


def _gap(difference: Floats, scale: Floats) -> float:
    known = np.isfinite(difference)
    return float(np.max(np.abs(difference[known]) / np.maximum(scale[known], 1e-300), initial=0.0))


def _variances(triangle: Floats) -> Floats:
    size = round((np.sqrt(8 * len(triangle) + 1) - 1) / 2)
    return np.asarray(triangle[[i * (i + 3) // 2 for i in range(size)]])


def _jacobian(trial: _Trial, report: ModelReport) -> None:
    """The slope that the extended filter takes, against differences of the model itself."""
    inputs, prior = trial.inputs(VEHICLES), trial.prior(trial.filter, VEHICLES)
    x = trial.drawn(prior)
    sd = np.sqrt(_variances(prior.triangle))
    u = {name: values[0] for name, values in inputs.items()}
    derived = slopes(trial.model, x, u)
    worst = 0.0
    for j in range(len(trial.model.names)):
        # Central differences with two steps; where they disagree the model has a kink there.
        near, far = (_difference(trial.model, x, u, j, step * sd[j]) for step in (1e-4, 2e-4))
        scale = np.maximum(np.abs(derived[:, j]), np.abs(far)) + 1e-9 / sd[j]
        smooth = np.abs(near - far) <= 1e-4 * scale
        worst = max(worst, float(np.max(np.abs(near - derived[:, j])[smooth] / scale[smooth], initial=0.0)))
    report.add(worst < 1e-4, f"Jacobian and differences are {worst:.1e} apart at most")


def _difference(model: Model, x: Floats, u: Mapping[str, Floats], j: int, step: Floats) -> Floats:
    """Central difference of every dynamic state and of the measurement by one state or parameter."""
    sides = []
    for sign in (1.0, -1.0):
        moved = x.copy()
        moved[j] = x[j] + sign * step
        named = dict(zip(model.names, moved, strict=True))
        sides.append(
            np.stack([np.broadcast_to(v, step.shape) for v in (*model.transition(named, u), model.measure(named, u))])
        )
    return np.asarray((sides[0] - sides[1]) / (2.0 * step))


def _discretisation(trial: _Trial, report: ModelReport) -> None:
    """One step of ten seconds and ten of one, with every input held at its mean."""
    if STEP_INPUT not in trial.model.inputs:
        report.add(True, f"discretisation not tried: the model has no input {STEP_INPUT!r}")
        return
    start = {name: np.array([pair[0]]) for name, pair in trial.example.start.items()}
    start |= {one.name: np.array([one.mean]) for one in trial.model.living}
    held = {name: np.array([np.mean(values)]) for name, values in trial.example.inputs.items()}
    once, ten = dict(start), dict(start)
    _step(trial.model, once, {**held, STEP_INPUT: np.array([10.0])})
    for _ in range(10):
        _step(trial.model, ten, {**held, STEP_INPUT: np.array([1.0])})
    gaps = {name: abs(float(once[name][0] - ten[name][0])) for name in trial.model.dynamic}
    moves = {name: abs(float(once[name][0] - start[name][0])) for name in trial.model.dynamic}
    spreads = {name: trial.example.start[name][1] for name in trial.model.dynamic}
    shares = {name: gaps[name] / (moves[name] + 1e-9 * spreads[name] + 1e-300) for name in gaps}
    worst = max(shares, key=lambda name: shares[name])
    report.add(
        shares[worst] < EXACT, f"one step of 10 s and ten of 1 s differ by {shares[worst]:.1e} of the move of {worst}"
    )


def _step(model: Model, x: dict[str, Any], u: Mapping[str, Any]) -> None:
    x.update({name: np.asarray(v) for name, v in zip(model.dynamic, model.transition(x, u), strict=True)})


def _coverage(trial: _Trial, report: ModelReport) -> None:
    """95 % bands on simulations of the model: ahead without a measurement, and one step ahead in the filter."""
    inputs, prior = trial.inputs(COVERING_VEHICLES), trial.prior(trial.filter, COVERING_VEHICLES)
    measured = trial.measured(trial.drawn(prior), inputs)
    ahead = trial.filter.predict(prior, inputs)
    done = trial.filter.assimilate(prior, inputs, measured, steps=True)
    low, high = COVERAGE
    open_loop = float(np.mean(np.abs(measured - ahead.mean) <= 1.96 * np.sqrt(ahead.variance)))
    report.add(low <= open_loop <= high, f"open-loop 95 % bands hold {100 * open_loop:.1f} %")
    one_ahead = float(np.mean(np.abs(done.innovation) <= 1.96 * np.sqrt(done.innovation_variance)))
    # A filter that learns with more than the sensor's variance is meant to be wider.
    report.add(low <= one_ahead, f"one-step 95 % bands hold {100 * one_ahead:.1f} %")


def _snapshot(trial: _Trial, report: ModelReport) -> None:
    """Stopped half way, written, read and gone on with: the same bits as without a stop."""
    inputs, prior = trial.inputs(VEHICLES), trial.prior(trial.filter, VEHICLES)
    measured = trial.measured(trial.drawn(prior), inputs)
    whole = trial.filter.assimilate(prior, inputs, measured)
    half = trial.steps // 2
    first = trial.filter.assimilate(prior, _rows(inputs, slice(0, half)), measured[:half])
    _, arrays = decode(encode({}, {"mean": first.mean, "triangle": first.triangle}))
    read = Posterior(arrays["mean"], arrays["triangle"])
    last = trial.filter.assimilate(read, _rows(inputs, slice(half, None)), measured[half:])
    same = last.mean.tobytes() == whole.mean.tobytes() and last.triangle.tobytes() == whole.triangle.tobytes()
    report.add(same, "a snapshot goes on to the same bits" if same else "a snapshot goes on to other bits")


def _rows(inputs: Mapping[str, Floats], rows: slice) -> dict[str, Floats]:
    return {name: values[rows] for name, values in inputs.items()}
