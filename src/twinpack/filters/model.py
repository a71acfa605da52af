"""What a model is: named states, named living parameters, and scalar functions in plain arithmetic."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Scalar = Any
"""A model quantity: written as one number, traced once, run for many vehicles."""

Clock = Literal["days", "sessions", "throughput"]
"""What wear goes with: time, driving sessions, or what flowed through the battery (its capacity is one unit)."""


@dataclass(frozen=True)
class Living:
    """A parameter that changes over a vehicle's life.

    Attributes:
        name: Its name, with the unit as suffix unless it is a ratio.
        mean: Prior mean.
        sd: Prior standard deviation.
        drift: Standard deviation of its random walk after one unit of the model's wear clock (a day unless the model
            says otherwise); it grows with the square root of what passes.
        lower: Lowest physically possible value.
        upper: Highest physically possible value.
        rate_of: Name of the living parameter whose change per unit of the model's wear clock this one is; "" for a
            parameter of its own. A rate may have a rate in turn: level, slope, curvature.
    """

    name: str
    mean: float
    sd: float
    drift: float = 0.0
    lower: float = float("-inf")
    upper: float = float("inf")
    rate_of: str = ""


class Model(ABC):
    """A system with dynamic states, living parameters and one measured quantity.

    The functions are plain arithmetic with those of `twinpack.filters.ops`, without control flow on their arguments.
    `x` has every dynamic state and living parameter by name, `u` every input. What depends on `u` alone is computed
    once a sample, wherever it is written.

    Attributes:
        dynamic: Names of the dynamic states.
        living: The living parameters; a step leaves them as they are, between sessions they walk and follow rates.
        inputs: Names of the inputs.
        clock: What living parameters wear with.
        prior_covariance: Prior covariance of the living parameters, (p, p); empty for independent ones.
        alpha: Spread of the filter's sigma points.
    """

    dynamic: tuple[str, ...]
    living: tuple[Living, ...] = ()
    inputs: tuple[str, ...]
    clock: Clock = "days"
    prior_covariance: tuple[tuple[float, ...], ...] = ()
    alpha: float = 1.0

    @abstractmethod
    def transition(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
        """The dynamic states one step later, in the order of `dynamic`."""

    @abstractmethod
    def measure(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> Scalar:
        """The measured quantity."""

    @abstractmethod
    def process_variance(self, u: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
        """Variance that one step adds to each dynamic state; depends on inputs alone."""

    @abstractmethod
    def measurement_variance(self, u: Mapping[str, Scalar]) -> Scalar:
        """Variance of the measurement about `measure`, the model's own error included; depends on inputs alone."""

    def learning_variance(self, u: Mapping[str, Scalar]) -> Scalar:
        """Variance the filter uses when parameters learn; at least that of the measurement."""
        return self.measurement_variance(u)

    def prediction_variance(self, u: Mapping[str, Scalar]) -> Scalar:
        """Variance of the measurement about an open-loop prediction whose states and parameters are right."""
        return self.measurement_variance(u)

    @property
    def names(self) -> tuple[str, ...]:
        """Dynamic states, then living parameters: the order of every mean and covariance."""
        return (*self.dynamic, *(living.name for living in self.living))
