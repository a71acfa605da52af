"""What a model is: named states, named living parameters, and two scalar functions in plain arithmetic."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Scalar = Any
"""A model quantity: written as one number, run as an array over sigma points and vehicles."""


@dataclass(frozen=True)
class Living:
    """A parameter that changes over a vehicle's life.

    Attributes:
        name: Its name, with the unit as suffix unless it is a ratio.
        mean: Prior mean.
        sd: Prior standard deviation.
        drift: Standard deviation of its random walk after one day; it grows with the square root of time.
        lower: Lowest physically possible value.
        upper: Highest physically possible value.
    """

    name: str
    mean: float
    sd: float
    drift: float
    lower: float
    upper: float


class Model(ABC):
    """A system with dynamic states, living parameters and one measured quantity.

    `transition` and `measure` are plain arithmetic with the functions of `twinpack.filters.ops`; they hold no
    control flow on their arguments. `x` has every dynamic state and living parameter by name, `u` every input and
    what `prepare` made of them.
    """

    dynamic: tuple[str, ...]
    living: tuple[Living, ...]
    inputs: tuple[str, ...]

    def prepare(self, u: Mapping[str, Scalar]) -> dict[str, Scalar]:
        """What depends on the inputs alone, computed once a sample and not once a sigma point; with the inputs."""
        return dict(u)

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
        """Variance of the measurement about `measure`, the model's own error included."""

    def learning_variance(self, u: Mapping[str, Scalar]) -> Scalar:
        """Variance the filter uses when parameters learn; at least that of the measurement."""
        return self.measurement_variance(u)

    @abstractmethod
    def prediction_variance(self, u: Mapping[str, Scalar]) -> Scalar:
        """Variance of the measurement about an open-loop prediction whose states and parameters are right."""

    @abstractmethod
    def start(self, measured: Floats, u: Mapping[str, Floats], told: Floats, told_sd: float) -> tuple[Floats, Floats]:
        """Dynamic states when a session begins.

        Args:
            measured: The first measurement, shape (B,).
            u: The first inputs, each of shape (B,).
            told: The first dynamic state as told from outside, NaN where it is not, shape (B,).
            told_sd: Standard deviation of what is told.

        Returns:
            Mean and standard deviation of each dynamic state, each of shape (states, B).
        """

    @property
    def names(self) -> tuple[str, ...]:
        """Dynamic states, then living parameters: the order of every mean and covariance."""
        return (*self.dynamic, *(living.name for living in self.living))
