"""What a filter is given and gives back; the vehicle index is last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.errors import InputError

Floats = npt.NDArray[Any]
"""Of the filter's precision."""
Flags = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int8]

OK, NO_FACTOR, NOT_FINITE = range(3)
"""Status of a vehicle: fine; a covariance had a pivot that was not positive; a value was not finite."""


@dataclass(frozen=True)
class Posterior:
    """Mean and covariance of n states and living parameters of B vehicles.

    Attributes:
        mean: Shape (n, B).
        triangle: Lower triangle of the covariance, row by row: (0, 0), (1, 0), (1, 1), …; shape (n (n + 1) / 2, B).
    """

    mean: Floats
    triangle: Floats

    @classmethod
    def of(cls, mean: Floats, covariance: Floats) -> Posterior:
        """From a full covariance, shape (n, n, B); its lower triangle counts."""
        n = len(mean)
        if covariance.shape != (n, n, *mean.shape[1:]):
            raise InputError(
                f"mean has shape {mean.shape}, covariance {covariance.shape}; they must be (n, B) and (n, n, B)"
            )
        return cls(np.ascontiguousarray(mean), np.ascontiguousarray(covariance[np.tril_indices(n)]))

    @property
    def size(self) -> int:
        """N."""
        return len(self.mean)

    @property
    def vehicles(self) -> int:
        """B."""
        return int(self.mean.shape[1])

    @property
    def covariance(self) -> Floats:
        """The full covariance, shape (n, n, B)."""
        return full(self.triangle)

    @property
    def nbytes(self) -> int:
        """Bytes it takes."""
        return self.mean.nbytes + self.triangle.nbytes

    def lanes(self, which: slice | npt.NDArray[Any]) -> Posterior:
        """Some of the vehicles, copied."""
        return Posterior(self.mean[:, which].copy(), self.triangle[:, which].copy())

    def put(self, which: slice | npt.NDArray[Any], part: Posterior) -> None:
        """Write some vehicles in place, so that a fleet too large to filter at once can be streamed in blocks."""
        self.mean[:, which], self.triangle[:, which] = part.mean, part.triangle


def full(triangle: Floats) -> Floats:
    """A full matrix, shape (n, n, B), of the rows of its lower triangle, shape (n (n + 1) / 2, B)."""
    n = round((np.sqrt(8 * len(triangle) + 1) - 1) / 2)
    row, column = np.indices((n, n))
    low, high = np.minimum(row, column), np.maximum(row, column)
    return np.asarray(triangle[high * (high + 1) // 2 + low])


@dataclass(frozen=True)
class Assimilated:
    """What a filter run leaves.

    Attributes:
        mean: Posterior mean, shape (n, B).
        triangle: Lower triangle of the posterior covariance, as in `Posterior`, shape (n (n + 1) / 2, B).
        status: `OK`, or why a vehicle stopped; it stays as it was last good. Shape (B,).
        innovation: Measured minus predicted, shape (T, B), NaN where nothing was measured; (0, B) unless asked for.
        innovation_variance: Its variance, likewise.
        first_state: Mean of the first dynamic state after each step, likewise.
    """

    mean: Floats
    triangle: Floats
    status: Codes
    innovation: Floats
    innovation_variance: Floats
    first_state: Floats

    @property
    def posterior(self) -> Posterior:
        """Mean and covariance."""
        return Posterior(self.mean, self.triangle)

    @property
    def covariance(self) -> Floats:
        """The full posterior covariance, shape (n, n, B)."""
        return full(self.triangle)

    @property
    def ok(self) -> Flags:
        """Which vehicles took every step, shape (B,)."""
        return np.asarray(self.status == OK)


@dataclass(frozen=True)
class Predicted:
    """What an open-loop run leaves.

    Attributes:
        mean: Predicted measurement, shape (T, B), NaN where a vehicle has no such step.
        variance: Its variance: of states and parameters, and the model's own, shape (T, B).
        points: Where the run stands, to go on from: dynamic states at the sigma points, shape (states, points, B).
        status: `OK`, or what is wrong with a vehicle's prediction, shape (B,).
    """

    mean: Floats
    variance: Floats
    points: Floats
    status: Codes

    @property
    def ok(self) -> Flags:
        """Whose prediction is sound, shape (B,)."""
        return np.asarray(self.status == OK)
