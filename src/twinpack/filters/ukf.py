"""The joint unscented Kalman filter, batched over vehicles, in NumPy.

Wan and van der Merwe's scaled transform with beta 2 and kappa 0: 2n + 1 points, the outer ones at alpha sqrt(n)
standard deviations. With alpha 1 the outer ones weigh 1 / 2n each, the centre 0 in the mean and 2 in the covariance.
Points are drawn anew after each prediction, as filterpy does.

Three facts are used, none of them an approximation: the measurement is scalar, so no matrix is solved; living
parameters are a random walk, so a step only adds to their block; and their deviations at the points are the columns
of the triangular factor themselves.

Arrays of callers have the vehicle index last. Inside it comes first, so that factor and products are one LAPACK or
BLAS call a vehicle and each vehicle's bits are its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twinpack.filters.model import Model, Scalar

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Assimilated:
    """What a filter run leaves.

    Attributes:
        mean: Posterior mean, shape (n, B).
        covariance: Posterior covariance, shape (n, n, B).
        ok: False where a pivot was not positive or a value not finite; such a vehicle stays as it was last good.
        innovation: Measured minus predicted, shape (T, B), NaN where nothing was measured.
        innovation_variance: Its variance, shape (T, B), NaN likewise.
        first_state: Mean of the first dynamic state after each step, shape (T, B).
    """

    mean: Floats
    covariance: Floats
    ok: Flags
    innovation: Floats
    innovation_variance: Floats
    first_state: Floats

    def log_likelihood(self) -> Floats:
        """Log marginal likelihood of the measurements, shape (B,)."""
        terms = -0.5 * (self.innovation**2 / self.innovation_variance + np.log(2 * np.pi * self.innovation_variance))
        total: Floats = np.cumsum(np.where(np.isnan(terms), 0.0, terms), axis=0)[-1]
        return total


@dataclass(frozen=True)
class Predicted:
    """What an open-loop run leaves.

    Attributes:
        points: Sigma points after the last step, shape (n, 2n + 1, B).
        mean: Predicted measurement, shape (T, B).
        variance: Its variance: of states and parameters, and the model's own, shape (T, B).
        ok: False where a value was not finite.
    """

    points: Floats
    mean: Floats
    variance: Floats
    ok: Flags


class UnscentedFilter:
    """Runs one model for many vehicles."""

    def __init__(self, model: Model, alpha: float = 1.0) -> None:
        """Take the model and the spread of the sigma points; nothing is computed yet."""
        self.model = model
        self._names = model.names
        self.size = len(self._names)
        self._states = len(model.dynamic)
        self._spread = alpha * float(np.sqrt(self.size))
        self._weight = 1.0 / (2 * alpha**2 * self.size)
        self._centre = 1.0 - 2 * self.size * self._weight
        self._centre_square = self._centre + 3.0 - alpha**2

    def init(self, vehicles: int, start: Mapping[str, tuple[float, float]]) -> tuple[Floats, Floats]:
        """Prior mean (n, B) and covariance (n, n, B).

        Args:
            vehicles: B.
            start: Mean and standard deviation of each dynamic state.
        """
        pairs = [start[name] for name in self.model.dynamic] + [(one.mean, one.sd) for one in self.model.living]
        mean = np.array([pair[0] for pair in pairs])
        variance = np.array([pair[1] ** 2 for pair in pairs])
        return (
            np.repeat(mean[:, None], vehicles, axis=1),
            np.repeat(np.diag(variance)[:, :, None], vehicles, axis=2),
        )

    def assimilate(
        self,
        mean: Floats,
        covariance: Floats,
        inputs: Mapping[str, Floats],
        measured: Floats,
        present: Flags,
        adjustable: Flags | None = None,
    ) -> Assimilated:
        """Predict and update, step by step.

        Args:
            mean: Shape (n, B).
            covariance: Shape (n, n, B).
            inputs: Each of the model's inputs, shape (T, B).
            measured: Shape (T, B); NaN predicts without an update.
            present: Shape (T, B); False where a vehicle has no such step.
            adjustable: Shape (n,); False for what an update must leave alone though its uncertainty counts
                (a consider, or Schmidt-Kalman, filter). By default everything learns, with `learning_variance`.
        """
        x = np.ascontiguousarray(mean.T)
        p = np.ascontiguousarray(np.moveaxis(covariance, 2, 0))
        known = _prepared(self.model, inputs)
        process = [_wide(one, measured) for one in self.model.process_variance(known)]
        learning = adjustable is None
        variance = self.model.learning_variance if learning else self.model.measurement_variance
        noise = _wide(variance(known), measured)
        gains = np.ones(self.size) if adjustable is None else adjustable.astype(np.float64)
        ok = np.ones(x.shape[0], dtype=np.bool_)
        innovations = np.full(measured.shape, np.nan)
        variances = np.full(measured.shape, np.nan)
        path = np.empty(measured.shape)
        with np.errstate(all="ignore"):
            for k in range(measured.shape[0]):
                u = {name: values[k][:, None] for name, values in known.items()}
                x2, p2, good = self._predict(x, p, u, [one[k] for one in process])
                x3, p3, y, s, good2 = self._update(x2, p2, u, measured[k], noise[k], gains)
                ok &= (good & good2) | ~present[k]
                use = present[k] & ok
                x = np.where(use[:, None], x3, x)
                p = np.where(use[:, None, None], p3, p)
                seen = use & np.isfinite(measured[k])
                innovations[k] = np.where(seen, y, np.nan)
                variances[k] = np.where(seen, s, np.nan)
                path[k] = x[:, 0]
        last = np.ascontiguousarray(x.T), np.ascontiguousarray(np.moveaxis(p, 0, 2))
        return Assimilated(*last, ok, innovations, variances, path)

    def draw(self, mean: Floats, covariance: Floats) -> tuple[Floats, Flags]:
        """Sigma points, shape (n, 2n + 1, B), and whether each covariance had a factor, shape (B,)."""
        factor, ok = _factor(np.ascontiguousarray(np.moveaxis(covariance, 2, 0)))
        points = self._points(np.ascontiguousarray(mean.T), factor)
        return np.ascontiguousarray(np.swapaxes(points, 1, 2)), ok

    def predict(self, points: Floats, inputs: Mapping[str, Floats], present: Flags) -> Predicted:
        """Open loop: each sigma point runs on its own, and the band is their spread.

        Args:
            points: Shape (n, 2n + 1, B), from `draw` or an earlier run.
            inputs: Each of the model's inputs, shape (T, B).
            present: Shape (T, B).
        """
        run = np.ascontiguousarray(np.swapaxes(points, 1, 2))
        means = np.full(present.shape, np.nan)
        variances = np.full(present.shape, np.nan)
        ok = np.ones(run.shape[1], dtype=np.bool_)
        known = _prepared(self.model, inputs)
        own = _wide(self.model.prediction_variance(known), means)
        with np.errstate(all="ignore"):
            for k in range(present.shape[0]):
                u = {name: values[k][:, None] for name, values in known.items()}
                stepped = self.model.transition(self._named(run), u)
                everyone = bool(present[k].all())
                for row, new in enumerate(stepped):
                    run[row] = new if everyone else np.where(present[k][:, None], new, run[row])
                z = self._measure(run, u)
                middle, _, spread = self._moments(z)
                variance = spread + own[k]
                ok &= np.isfinite(middle + variance) | ~present[k]
                means[k] = np.where(present[k], middle, np.nan)
                variances[k] = np.where(present[k], variance, np.nan)
        return Predicted(np.ascontiguousarray(np.swapaxes(run, 1, 2)), means, variances, ok)

    def _points(self, x: Floats, factor: Floats) -> Floats:
        """Sigma points, shape (n, B, 2n + 1): centre, plus, minus."""
        n = self.size
        columns = self._spread * np.swapaxes(factor, 0, 1)
        points = np.empty((n, x.shape[0], 2 * n + 1))
        centre = x.T[:, :, None]
        points[:, :, :1] = centre
        points[:, :, 1 : n + 1] = centre + columns
        points[:, :, n + 1 :] = centre - columns
        return points

    def _named(self, points: Floats) -> dict[str, Scalar]:
        return dict(zip(self._names, points, strict=True))

    def _measure(self, points: Floats, u: Mapping[str, Scalar]) -> Floats:
        z: Floats = np.ascontiguousarray(np.broadcast_to(self.model.measure(self._named(points), u), points.shape[1:]))
        return z

    def _moments(self, values: Floats) -> tuple[Floats, Floats, Floats]:
        """Mean (B,), deviations (B, 2n + 1) and variance (B,) of one quantity over the points."""
        mean = self._centre * values[:, 0] + self._weight * np.cumsum(values[:, 1:], axis=1)[:, -1]
        deviation = values - mean[:, None]
        square = deviation * deviation
        return (
            mean,
            deviation,
            self._centre_square * square[:, 0] + self._weight * np.cumsum(square[:, 1:], axis=1)[:, -1],
        )

    def _predict(
        self, x: Floats, p: Floats, u: Mapping[str, Scalar], process: list[Floats]
    ) -> tuple[Floats, Floats, Flags]:
        n, d, c = self.size, self._states, self._spread
        factor, ok = _factor(p)
        stepped = self.model.transition(self._named(self._points(x, factor)), u)
        moved = np.empty((x.shape[0], d, 2 * n + 1))
        for row, value in enumerate(stepped):
            moved[:, row] = value
        x2, p2 = x.copy(), p.copy()
        x2[:, :d] = self._centre * moved[:, :, 0] + self._weight * np.cumsum(moved[:, :, 1:], axis=2)[:, :, -1]
        deviation = moved - x2[:, :d, None]
        outer = np.ascontiguousarray(deviation[:, :, 1:])
        centre = deviation[:, :, 0]
        block = self._weight * np.matmul(outer, outer.transpose(0, 2, 1))
        block += self._centre_square * centre[:, :, None] * centre[:, None, :]
        # Deviations of the parameters are plus and minus the factor's columns and zero at the centre.
        change = np.ascontiguousarray(outer[:, :, :n] - outer[:, :, n:])
        cross = self._weight * c * np.matmul(change, factor[:, d:].transpose(0, 2, 1))
        p2[:, :d, :d] = block
        p2[:, :d, d:] = cross
        p2[:, d:, :d] = cross.transpose(0, 2, 1)
        for row, variance in enumerate(process):
            p2[:, row, row] += variance
        return x2, p2, ok

    def _update(
        self, x: Floats, p: Floats, u: Mapping[str, Scalar], measured: Floats, noise: Floats, gains: Floats
    ) -> tuple[Floats, Floats, Floats, Floats, Flags]:
        n = self.size
        factor, ok = _factor(p)
        z = self._measure(self._points(x, factor), u)
        middle, deviation, spread = self._moments(z)
        s = spread + noise
        slope = np.ascontiguousarray(deviation[:, 1 : n + 1] - deviation[:, n + 1 :])
        cross = self._weight * self._spread * np.matmul(factor, slope[:, :, None])[:, :, 0]
        ok = ok & np.isfinite(s) & (s > 0)
        seen = ok & np.isfinite(measured)
        gain = np.where(seen[:, None], gains * cross / s[:, None], 0.0)
        y = np.where(seen, measured - middle, 0.0)
        mixed = gain[:, :, None] * cross[:, None, :]
        p2 = p - (mixed + mixed.transpose(0, 2, 1)) + s[:, None, None] * gain[:, :, None] * gain[:, None, :]
        p2 = np.where(seen[:, None, None], p2, p)
        return x + gain * y[:, None], p2, y, s, ok


def _prepared(model: Model, inputs: Mapping[str, Floats]) -> dict[str, Floats]:
    """Inputs and what depends on them alone, each of shape (T, B)."""
    shape = next(iter(inputs.values())).shape
    with np.errstate(all="ignore"):
        return {name: np.broadcast_to(value, shape) for name, value in model.prepare(inputs).items()}


def _wide(value: Scalar, like: Floats) -> Floats:
    """An input-only quantity, one number a step and vehicle."""
    return np.broadcast_to(np.asarray(value, dtype=np.float64), like.shape)


def _factor(p: Floats) -> tuple[Floats, Flags]:
    """Lower triangular factors, shape (B, n, n), and whether each covariance had one."""
    ok = np.ones(p.shape[0], dtype=np.bool_)
    factor: Floats = np.zeros_like(p)
    try:
        factor[:] = np.linalg.cholesky(p)
        return factor, ok
    except np.linalg.LinAlgError:
        pass
    for lane in range(p.shape[0]):
        try:
            factor[lane] = np.linalg.cholesky(p[lane])
        except np.linalg.LinAlgError:
            ok[lane] = False
    return factor, ok
