"""The NumPy backend: the filters in the textbook's own formulas, on the same graph. Clear, and the oracle.

Inside, the vehicle index comes first, so that factor and products are one LAPACK or BLAS call a vehicle and each
vehicle's bits are its own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from twinpack.filters.arguments import Series
from twinpack.filters.evaluate import evaluate
from twinpack.filters.extended import Extended
from twinpack.filters.filter import Filter, Kind
from twinpack.filters.graph import Node
from twinpack.filters.model import Model
from twinpack.filters.results import NO_FACTOR, NOT_FINITE, OK, Assimilated, Flags, Floats, Posterior, Predicted, full
from twinpack.filters.unscented import Unscented, factored


class ReferenceFilter(Filter):
    """Runs a model in NumPy, far slower than a kernel."""

    def __init__(self, model: Model, method: str, dtype: str, alpha: float) -> None:
        """Trace the model and take the method's equations."""
        super().__init__(model, method, dtype, alpha)
        unscented = method == "ukf"
        self._equations: Unscented | Extended = (
            Unscented(self._traced, alpha, self._dtype) if unscented else Extended(self._traced, self._dtype)
        )

    def warm(self, kind: Kind) -> None:
        """There is nothing to compile."""

    def step(
        self, own: Posterior, series: Series, gains: Floats | None, steps: bool, score: bool
    ) -> tuple[Assimilated, Floats]:
        """Predict and update, step by step."""
        variance = self._traced.learning if gains is None else self._traced.measurement
        share = np.ones(self.size, self._dtype) if gains is None else gains
        done = self._assimilate(own, series, variance, share)
        likelihood = _log_likelihood(done) if score else np.zeros(own.vehicles)
        nothing = done.innovation[:0]
        if not steps:
            done = replace(done, innovation=nothing, innovation_variance=nothing, first_state=nothing)
        return done, likelihood

    def path(self, own: Posterior, series: Series, points: Floats | None) -> Predicted:
        """Open loop with a band."""
        d = self._traced.states
        factor, good = factored(_vehicles_first(own))
        run = self._equations.draw(np.ascontiguousarray(own.mean.T), factor)
        if points is not None:
            run[:d] = np.swapaxes(points, 1, 2)
        sized, known = _sized(_vehicles_first(own)), np.isfinite(own.mean.sum(axis=0))
        status = np.where(~good & sized, NO_FACTOR, np.where(sized & known, OK, NOT_FINITE)).astype(np.int8)
        mean, variance = (np.full(series.present.shape, np.nan, self._dtype) for _ in range(2))
        (noise,) = self._of_inputs([self._traced.prediction], series)
        with np.errstate(all="ignore"):
            for k, present_now in enumerate(series.present):
                here = present_now & (status == OK)
                u = [one[k][:, None] for one in series.inputs]
                run[:d] = np.where(here[:, None], self._equations.advance(run, u), run[:d])
                middle, spread = self._equations.band(run, u)
                sound = np.isfinite(middle) & np.isfinite(spread + noise[k])
                status[here & ~sound] = NOT_FINITE
                mean[k] = np.where(here & sound, middle, np.nan)
                variance[k] = np.where(here & sound, spread + noise[k], np.nan)
        return Predicted(mean, variance, np.ascontiguousarray(np.swapaxes(run[:d], 1, 2)), status)

    def _assimilate(self, own: Posterior, series: Series, variance: Node, gains: Floats) -> Assimilated:
        x, p = np.ascontiguousarray(own.mean.T), _vehicles_first(own)
        process = self._of_inputs(self._traced.process, series)
        (noise,) = self._of_inputs([variance], series)
        status = np.full(own.vehicles, OK, dtype=np.int8)
        innovation, variances, first = (np.full(series.measured.shape, np.nan, self._dtype) for _ in range(3))
        with np.errstate(all="ignore"):
            for k, measured in enumerate(series.measured):
                u = [one[k][:, None] for one in series.inputs]
                x2, p2, good = self._equations.predict(x, p, u, [one[k] for one in process])
                expected, spread, cross, good2 = self._equations.expect(x2, p2, u)
                s = spread + noise[k]
                here = series.present[k] & (status == OK)
                known = np.isfinite(x2.sum(axis=1))
                use = here & good & good2 & known & (s > 0.0) & np.isfinite(s)
                flat = (~good & _sized(p)) | (good & ~good2 & _sized(p2) & known)
                status[here & ~use] = np.where(flat, NO_FACTOR, NOT_FINITE)[here & ~use]
                seen = use & np.isfinite(measured)
                y = np.where(seen, measured - expected, 0.0).astype(self._dtype)
                gain = np.where(seen[:, None], gains * cross / s[:, None], 0.0).astype(self._dtype)
                x = np.where(use[:, None], x2 + gain * y[:, None], x)
                p = np.where(use[:, None, None], _updated(p2, gain, cross, s), p)
                innovation[k], variances[k] = np.where(seen, y, np.nan), np.where(seen, s, np.nan)
                first[k] = x[:, 0]
        last = Posterior.of(np.ascontiguousarray(x.T), np.ascontiguousarray(np.moveaxis(p, 0, 2)))
        return Assimilated(last.mean, last.triangle, status, innovation, variances, first)

    def _of_inputs(self, nodes: Any, series: Series) -> list[Floats]:
        """Expressions of the inputs alone, one number a step and vehicle, each of shape (T, B)."""
        with np.errstate(all="ignore"):
            found = evaluate(nodes, [], series.inputs, self._dtype)
        return [np.broadcast_to(one, series.present.shape) for one in found]


def _log_likelihood(done: Assimilated) -> Floats:
    """Of the innovations, shape (B,); a running sum adds in order, `sum` in another order for a vehicle alone."""
    terms = done.innovation**2 / done.innovation_variance + np.log(2 * np.pi * done.innovation_variance)
    totals = np.cumsum(np.vstack([np.zeros_like(done.mean[:1]), np.where(np.isnan(terms), 0.0, terms)]), axis=0)
    return np.asarray(-0.5 * totals[-1])


def _updated(p: Floats, gain: Floats, cross: Floats, s: Floats) -> Floats:
    """Covariance after an update with any gain (of the best one, the last two terms cancel)."""
    mixed = gain[:, :, None] * cross[:, None, :]
    squared = s[:, None, None] * gain[:, :, None] * gain[:, None, :]
    # Without a measurement the gain is 0 and s may be anything.
    squared = np.where(gain[:, :, None] == 0.0, 0.0, squared)
    return np.asarray(p - (mixed + mixed.transpose(0, 2, 1)) + squared, dtype=p.dtype)


def _sized(p: Floats) -> Flags:
    """Where the variances are finite."""
    return np.asarray(np.isfinite(np.diagonal(p, axis1=1, axis2=2).sum(axis=1)))


def _vehicles_first(own: Posterior) -> Floats:
    return np.ascontiguousarray(np.moveaxis(full(own.triangle), 2, 0))
