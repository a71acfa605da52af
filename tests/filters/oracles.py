"""Filters written a second time, by others or densely, for one vehicle of a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from filterpy.kalman import ExtendedKalmanFilter, MerweScaledSigmaPoints, UnscentedKalmanFilter

from tests.filters.models import Flags, Floats, Linear, Run
from twinpack.filters import Model

Step = Callable[[Floats], Floats]
Slope = Callable[[Step, Floats], Floats]
"""Gives the Jacobian of a function at a point."""


@dataclass(frozen=True)
class Followed:
    """Mean (T, n), covariance (T, n, n), innovation and its variance (T,) of one vehicle."""

    mean: Floats
    covariance: Floats
    innovation: Floats
    variance: Floats


def one(value: Any) -> float:
    """The number in an array of one."""
    return float(np.asarray(value).reshape(()))


def moved(model: Model, x: Floats, u: Mapping[str, Any]) -> Floats:
    """States a step later, then the parameters, of one point."""
    stepped = model.transition(dict(zip(model.names, x, strict=True)), u)
    return np.array([*(np.reshape(value, ())[()] for value in stepped), *x[len(model.dynamic) :]])


def seen(model: Model, x: Floats, u: Mapping[str, Any]) -> Floats:
    """The measurement at one point, shape (1,)."""
    return np.array([np.reshape(model.measure(dict(zip(model.names, x, strict=True)), u), ())[()]])


def row_of(run: Run, k: int, lane: int) -> dict[str, np.float64]:
    """Inputs of one step of one vehicle."""
    return {name: np.float64(values[k, lane]) for name, values in run.inputs.items()}


def process(model: Model, u: Mapping[str, Any]) -> Floats:
    """Q, with nothing for the parameters."""
    noise = [one(value) for value in model.process_variance(u)]
    return np.diag([*noise, *np.zeros(len(model.names) - len(noise))])


def by_filterpy(run: Run, lane: int, alpha: float = 1.0) -> Followed:
    """One vehicle by filterpy's unscented filter."""
    model, n = run.model, len(run.model.names)

    def fx(x: Floats, _: float, u: Mapping[str, Any]) -> Floats:
        return moved(model, x, u)

    def hx(x: Floats, u: Mapping[str, Any]) -> Floats:
        return seen(model, x, u)

    points = MerweScaledSigmaPoints(n, alpha=alpha, beta=2.0, kappa=0.0)
    ukf = UnscentedKalmanFilter(n, 1, 1.0, hx, fx, points)
    ukf.x, ukf.P = run.mean[:, lane].copy(), run.covariance[:, :, lane].copy()
    kept = []
    for k, measured in enumerate(run.measured[:, lane]):
        u = row_of(run, k, lane)
        ukf.Q = process(model, u)
        ukf.predict(u=u)
        if np.isnan(measured):
            ukf.update(None)
            kept.append((ukf.x.copy(), ukf.P.copy(), np.nan, np.nan))
        else:
            ukf.update(np.array([measured]), R=one(model.learning_variance(u)), u=u)
            kept.append((ukf.x.copy(), ukf.P.copy(), ukf.y[0], ukf.S[0, 0]))
    return Followed(*(np.array(column) for column in zip(*kept, strict=True)))


def by_differences(function: Step, x: Floats) -> Floats:
    """Central differences."""
    size = 1e-5 * np.maximum(np.abs(x), 0.05)
    columns = [(function(x + h) - function(x - h)) / (2.0 * h.max()) for h in np.diag(size)]
    return np.stack(columns, axis=1)


def by_complex_step(function: Step, x: Floats) -> Floats:
    """Exact to rounding, for functions that take complex numbers."""
    steps = 1e-30j * np.eye(len(x))
    return np.stack([np.imag(function(x + step)) / 1e-30 for step in steps], axis=1)


def by_extended(run: Run, lane: int, slope: Slope) -> Followed:
    """One vehicle by filterpy's extended filter, Jacobians of the model's own functions by `slope`."""
    model, n = run.model, len(run.model.names)
    ekf = ExtendedKalmanFilter(n, 1)
    ekf.x, ekf.P = run.mean[:, lane].copy(), run.covariance[:, :, lane].copy()
    kept = []
    for k, measured in enumerate(run.measured[:, lane]):
        u = row_of(run, k, lane)
        f = slope(partial(moved, model, u=u), ekf.x)
        ekf.x, ekf.P = moved(model, ekf.x, u), f @ ekf.P @ f.T + process(model, u)
        if np.isnan(measured):
            kept.append((ekf.x.copy(), ekf.P.copy(), np.nan, np.nan))
            continue
        ekf.R = np.array([[one(model.learning_variance(u))]])
        hx = partial(seen, model, u=u)
        ekf.update(np.array([measured]), partial(slope, hx), hx)
        kept.append((ekf.x.copy(), ekf.P.copy(), ekf.y[0], ekf.S[0, 0]))
    return Followed(*(np.array(column) for column in zip(*kept, strict=True)))


def by_kalman(run: Run, lane: int, adjustable: Flags | None = None) -> tuple[Floats, Floats]:
    """Mean (n,) and covariance (n, n) of a lane of `Linear` by the dense Kalman, or Schmidt-Kalman, filter."""
    assert isinstance(run.model, Linear)
    x, p, h = run.mean[:, lane], run.covariance[:, :, lane], run.model.h
    mask = np.ones(4) if adjustable is None else adjustable.astype(np.float64)
    for k, measured in enumerate(run.measured[:, lane]):
        push = run.inputs["push"][k, lane]
        f, b, q, r = run.model.matrices(push, run.inputs["dt_s"][k, lane])
        x, p = f @ x + b, f @ p @ f.T + q
        if np.isnan(measured):
            continue
        gain = mask * (p @ h) / (h @ p @ h + r)
        x = x + gain * (measured - h @ x - 0.5 * push)
        keep = np.eye(4) - np.outer(gain, h)
        p = keep @ p @ keep.T + r * np.outer(gain, gain)
    return x, p


def all_measurements(run: Run, lane: int) -> tuple[Floats, Floats]:
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
