"""The log marginal likelihood of a fleet's sessions, for many settings of the noise at once.

A variant of the model takes its noise figures as inputs: every lane of the compiled kernel has its own, so that nothing
is compiled again for a candidate, and all candidates run side by side. Each session is a lane, too: the parameters that
a vehicle has before it are given.

Samples of a session are used some seconds apart. The errors of a model within seconds of each other go together; the
likelihood of all of them would find the noise of one step and call it that of the trip.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.battery.families import pack_model
from twinpack.battery.pack_model import PackModel
from twinpack.errors import LearningError
from twinpack.filters import Filter, Posterior, compile
from twinpack.filters.model import Model, Scalar
from twinpack.learn.lanes import side_by_side
from twinpack.learn.prototype import TrainingTrip

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

FIGURES = ("sensor_v", "resistive", "slow_v", "fast_v", "soc_per_sqrt_s")
"""Figures of the noise that are learned; they are inputs of the variant, in this order."""

TEMPER = "temper"

EVERY_S = 10.0
"""Samples that are used lie at least so far apart, s."""

LANES = 768
_FAILED = -1e4  # of a session on which the filter failed


class NoiseAsInputs(Model):
    """A model of a pack whose noise figures are inputs; everything else is as it was."""

    def __init__(self, kind: str, values: Mapping[str, Any]) -> None:
        """Take the kind and the values of an artifact."""
        self._kind, self._values = kind, values
        self._plain = pack_model(kind, values)
        self.dynamic, self.living, self.clock = self._plain.dynamic, self._plain.living, self._plain.clock
        self.inputs = (*self._plain.inputs, *FIGURES, TEMPER)

    def transition(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
        """As the model's."""
        return self._plain.transition(x, u)

    def measure(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> Scalar:
        """As the model's."""
        return self._plain.measure(x, u)

    def process_variance(self, u: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
        """With the figures given."""
        return self._with(u).process_variance(u)

    def measurement_variance(self, u: Mapping[str, Scalar]) -> Scalar:
        """With the figures given."""
        return self._with(u).measurement_variance(u)

    def learning_variance(self, u: Mapping[str, Scalar]) -> Scalar:
        """With the figures and the temper given: 1 where the samples that are used lie apart."""
        return self._with(u).learning_variance(u)

    def _with(self, u: Mapping[str, Scalar]) -> PackModel:
        return pack_model(self._kind, with_noise(self._values, {name: u[name] for name in (*FIGURES, TEMPER)}))


def noise_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """The noise figures that an artifact's model holds, wherever in it.

    Raises:
        LearningError: It holds none.
    """
    found = _noise(values)
    if found is None:
        raise LearningError("the model has no noise figures: noise is learned for models that are driven by current")
    return dict(found)


def with_noise(values: Mapping[str, Any], figures: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a model with other noise figures."""
    return {
        name: {**one, **figures} if _is_noise(name, one) else with_noise(one, figures) if _nested(one) else one
        for name, one in values.items()
    }


def _noise(values: Mapping[str, Any]) -> Mapping[str, Any] | None:
    for name, one in values.items():
        if _is_noise(name, one):
            return dict(one)
        if _nested(one) and (found := _noise(one)) is not None:
            return found
    return None


def _is_noise(name: str, value: Any) -> bool:
    return name == "noise" and _nested(value) and "sensor_v" in value


def _nested(value: Any) -> bool:
    return isinstance(value, Mapping)


@dataclass(frozen=True)
class Start:
    """Where S sessions begin.

    Attributes:
        mean: Of states and parameters, shape (n, S).
        covariance: Shape (n, n, S).
    """

    mean: Floats
    covariance: Floats


@dataclass(frozen=True)
class Summary:
    """What a filter made of S sessions.

    Attributes:
        likelihood: Log marginal likelihood, shape (S,).
        ok: Whether it took every step, shape (S,).
        nis: Mean squared innovation over its variance, shape (S,).
        mean: Parameters after each, shape (p, S).
        covariance: Shape (p, p, S).
    """

    likelihood: Floats
    ok: npt.NDArray[np.bool_]
    nis: Floats
    mean: Floats
    covariance: Floats


class Sessions:
    """S sessions as lanes of a filter; T steps at most."""

    def __init__(self, model: PackModel, trips: Sequence[TrainingTrip], told_sd: float) -> None:
        """Take the model and the sessions.

        Args:
            model: What they are seen by.
            trips: The sessions.
            told_sd: Standard deviation of the state of charge told at a start.
        """
        self.model, self.trips, self._told_sd = model, trips, told_sd
        self.states = len(model.dynamic)
        self.order = np.argsort([len(trip.time_s) for trip in trips], kind="stable")

    def starts(self, mean: Floats, covariance: Floats) -> Start:
        """Where the sessions begin with given parameters, shape (p, S) and (p, p, S)."""
        d, size, count = self.states, len(self.model.names), len(self.trips)
        each = [trip.inputs for trip in self.trips]
        first = {name: np.array([one[name][0] for one in each]) for name in self.model.inputs}
        measured = np.array([trip.voltage_v[0] for trip in self.trips]) * self.model.series
        told = np.array([trip.soc for trip in self.trips])
        states, sd = self.model.start(measured, first, told, self._told_sd)
        whole = np.zeros((size, size, count))
        whole[np.arange(d), np.arange(d)] = sd**2
        whole[d:, d:] = covariance
        return Start(np.vstack([states, mean]), whole)

    def summary(self, filter_: Filter, start: Start, noise: Mapping[str, float]) -> Summary:
        """What the filter of the variant makes of every session, all samples used as twins use them.

        Args:
            filter_: Of the variant whose noise figures are inputs.
            start: Where the sessions begin.
            noise: The noise of the model, `FIGURES` and `TEMPER`.
        """
        p, count = len(self.model.living), len(self.trips)
        found = Summary(
            np.empty(count), np.empty(count, dtype=np.bool_), np.empty(count), np.empty((p, count)),
            np.empty((p, p, count)),
        )  # fmt: skip
        for lanes in self._blocks(LANES):
            inputs, measured, present = self._columns(lanes, 0.0)
            inputs |= {name: np.asarray(noise[name]) for name in (*FIGURES, TEMPER)}
            stand = Posterior.of(start.mean[:, lanes], start.covariance[:, :, lanes])
            done = filter_.assimilate(stand, inputs, measured, present, steps=True)
            terms = done.innovation**2 / done.innovation_variance
            found.likelihood[lanes] = _gaussian(terms, done.innovation_variance)
            found.ok[lanes] = done.ok
            known = np.maximum(np.isfinite(terms).sum(axis=0), 1)
            found.nis[lanes] = np.nansum(terms, axis=0) / known
            found.mean[:, lanes] = done.mean[self.states :]
            found.covariance[:, :, lanes] = done.covariance[self.states :, self.states :]
        return found

    def likelihoods(self, filter_: Filter, starts: Sequence[Start], figures: Floats) -> Floats:
        """Log marginal likelihood of each session with each of C candidates, shape (C, S).

        Args:
            filter_: Of the variant whose noise figures are inputs.
            starts: Where the sessions begin, for each candidate.
            figures: `FIGURES` of each candidate, shape (C, figures).
        """
        candidates = len(figures)
        found = np.empty((candidates, len(self.trips)))
        for lanes in self._blocks(max(LANES // candidates, 1)):
            inputs, measured, present = self._columns(lanes, EVERY_S)
            tiled = {name: np.tile(values, (1, candidates)) for name, values in inputs.items()}
            each = np.repeat(figures, len(lanes), axis=0)
            tiled |= {name: each[None, :, at] for at, name in enumerate(FIGURES)}
            tiled[TEMPER] = np.asarray(1.0)
            mean = np.concatenate([one.mean[:, lanes] for one in starts], axis=1)
            covariance = np.concatenate([one.covariance[:, :, lanes] for one in starts], axis=2)
            told = filter_.log_likelihood(
                Posterior.of(mean, covariance),
                tiled,
                np.tile(measured, (1, candidates)),
                np.tile(present, (1, candidates)),
            )
            found[:, lanes] = np.maximum(np.nan_to_num(told, nan=_FAILED), _FAILED).reshape(candidates, -1)
        return found

    def _blocks(self, size: int) -> Iterator[npt.NDArray[np.intp]]:
        """Lanes of about the same length together."""
        for first in range(0, len(self.order), size):
            yield self.order[first : first + size]

    def _columns(self, lanes: npt.NDArray[np.intp], every_s: float) -> tuple[dict[str, Floats], Floats, Flags]:
        """Inputs, voltage of the pack (of samples that lie apart) and presence, (T, B) each."""
        some = [self.trips[lane] for lane in lanes]
        rows = np.arange(max(len(trip.time_s) for trip in some))
        lengths = np.array([len(trip.time_s) for trip in some])
        parts = [trip.inputs for trip in some]
        inputs = {name: side_by_side([part[name] for part in parts]) for name in self.model.inputs}
        measured = side_by_side([_apart(trip, every_s) for trip in some]) * self.model.series
        return inputs, measured, rows[:, None] < lengths


def _apart(trip: TrainingTrip, every_s: float) -> Floats:
    """Its voltage, NaN but where samples lie apart."""
    if not every_s:
        return trip.voltage_v
    # A sample is used when it is the first in its stretch of time.
    stretch = np.floor(trip.time_s / every_s)
    used = np.concatenate([[True], stretch[1:] != stretch[:-1]])
    return np.where(used, trip.voltage_v, np.nan)


def _gaussian(squares: Floats, variance: Floats) -> Floats:
    return np.asarray(-0.5 * np.nansum(squares + np.log(2.0 * np.pi * variance), axis=0))


def variant(kind: str, values: Mapping[str, Any]) -> Filter:
    """The filter of the variant whose noise figures are inputs."""
    model = NoiseAsInputs(kind, values)
    return compile(model, alpha=pack_model(kind, values).alpha)
