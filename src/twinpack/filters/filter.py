"""What every filter can do, whatever runs it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from twinpack.errors import InputError
from twinpack.filters.arguments import Arguments, Series, check_choice
from twinpack.filters.model import Model
from twinpack.filters.results import Assimilated, Floats, Posterior, Predicted
from twinpack.filters.trace import trace

Kind = Literal["learn", "consider", "predict"]


class Filter(ABC):
    """One model, run for many vehicles at a time.

    T steps, B vehicles, n states and living parameters. The vehicle index is last; inputs, measurements and presence
    are numbers or arrays that broadcast to (T, B). A vehicle's result does not depend, to the bit, on who is beside it,
    nor on how its steps are split into calls.

    Attributes:
        model: The model.
        method: `ukf`, the joint unscented Kalman filter (beta 2, kappa 0), or `ekf`, the extended one.
        dtype: Precision, `float64` or `float32`.
        alpha: Spread of the sigma points, which lie at alpha sqrt(n) standard deviations.
        size: n.
    """

    def __init__(self, model: Model, method: str, dtype: str, alpha: float) -> None:
        """Trace the model.

        Raises:
            TraceError: The model does what a graph cannot hold; the message names the line.
            InputError: Method, precision or alpha cannot be had.
        """
        check_choice(method, dtype, alpha)
        self.model, self.method, self.dtype, self.alpha = model, method, dtype, alpha
        self.size = len(model.names)
        self._traced = trace(model)
        self._arguments = Arguments(model, dtype)
        self._dtype = self._arguments.dtype

    @property
    def columns(self) -> int:
        """Points of an open-loop run: sigma points, or the mean and a deviation along each column of the factor."""
        return self.size + 1 if self.method == "ekf" else 2 * self.size + 1

    def init(self, vehicles: int, start: Mapping[str, tuple[float, float]]) -> Posterior:
        """The model's prior, the same for every vehicle.

        Args:
            vehicles: B.
            start: Mean and standard deviation of each dynamic state.
        """
        missing = [name for name in self.model.dynamic if name not in start]
        if missing:
            raise InputError(
                f"start has no {missing[0]!r}; give mean and standard deviation of {', '.join(self.model.dynamic)}"
            )
        pairs = [start[name] for name in self.model.dynamic] + [(one.mean, one.sd) for one in self.model.living]
        mean, sd = np.array(pairs, dtype=self._dtype).T
        row, column = np.tril_indices(self.size)
        triangle = np.where(row == column, sd[row] ** 2, self._dtype.type(0))
        return Posterior(np.repeat(mean[:, None], vehicles, axis=1), np.repeat(triangle[:, None], vehicles, axis=1))

    def assimilate(
        self,
        posterior: Posterior,
        inputs: Mapping[str, Any],
        measured: Any,
        present: Any = None,
        adjustable: Any = None,
        steps: bool = False,
    ) -> Assimilated:
        """Predict and update, step by step.

        Args:
            posterior: Where the vehicles stand; it is left as it is.
            inputs: Each of the model's inputs.
            measured: What was measured; NaN or infinite predicts without an update.
            present: False where a vehicle has no such step; None when all have.
            adjustable: Shape (n,); False for what an update must leave alone though its uncertainty counts
                (a consider, or Schmidt-Kalman, filter), with `measurement_variance`. By default everything learns,
                with `learning_variance`.
            steps: Whether innovations and first state of each step are kept.

        Raises:
            InputError: An array is missing or has another shape.
        """
        own = self._arguments.posterior(posterior)
        series = self._arguments.series(inputs, own.vehicles, measured, present)
        gains = None if adjustable is None else self._arguments.gains(adjustable)
        return self.step(own, series, gains, steps, score=False)[0]

    def log_likelihood(
        self, posterior: Posterior, inputs: Mapping[str, Any], measured: Any, present: Any = None
    ) -> Floats:
        """Log marginal likelihood of the measurements, shape (B,); minus infinity where the filter failed.

        Args:
            posterior: Where the vehicles stand before.
            inputs: Each of the model's inputs.
            measured: As in `assimilate`.
            present: As in `assimilate`.

        Raises:
            InputError: An array is missing or has another shape.
        """
        own = self._arguments.posterior(posterior)
        series = self._arguments.series(inputs, own.vehicles, measured, present)
        done, likelihood = self.step(own, series, None, steps=False, score=True)
        return np.where(done.ok, likelihood, -np.inf)

    def predict(
        self, posterior: Posterior, inputs: Mapping[str, Any], present: Any = None, points: Floats | None = None
    ) -> Predicted:
        """Open loop with a band: no measurement is used, parameters and start are as uncertain as the posterior says.

        Args:
            posterior: Where the vehicles stand; of the dynamic states, only for a fresh run.
            inputs: Each of the model's inputs.
            present: False where a vehicle has no such step; None when all have.
            points: Where an earlier run from the same posterior stopped; None for a fresh one.

        Raises:
            InputError: An array is missing or has another shape.
        """
        own = self._arguments.posterior(posterior)
        series = self._arguments.series(inputs, own.vehicles, None, present)
        shape = (self._traced.states, self.columns, own.vehicles)
        return self.path(own, series, None if points is None else self._arguments.points(points, shape))

    @abstractmethod
    def warm(self, kind: Kind) -> None:
        """Compile now what would be compiled at first use.

        Args:
            kind: `learn` and `predict` as the methods are called, `consider` for one with `adjustable`.
        """

    @abstractmethod
    def step(
        self, own: Posterior, series: Series, gains: Floats | None, steps: bool, score: bool
    ) -> tuple[Assimilated, Floats]:
        """What a backend does to predict and update; everything is checked and laid out.

        Args:
            own: Where the vehicles stand; may be written to.
            series: What happens.
            gains: 1 for what an update may change, else 0; None when everything learns.
            steps: Whether innovations and first states are kept.
            score: Whether the log likelihood, shape (B,), is wanted; it is 0 otherwise.
        """

    @abstractmethod
    def path(self, own: Posterior, series: Series, points: Floats | None) -> Predicted:
        """What a backend does to predict open loop; everything is checked and laid out, and may be written to."""
