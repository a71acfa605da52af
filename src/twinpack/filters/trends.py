"""Living parameters between sessions: levels follow their rates, and what is not known of them grows.

A chain of parameters, each the rate of the one before, is an integrated random walk: white noise of its own strength
q = drift² drives each of them. Over a time t of the wear clock the exact solution is

    x(t) = F x,    F[a, k] = t^d / d!                   where k is the d-fold rate of a
    P(t) = F P F' + Q,    Q[a, b] = sum over k of q_k t^(d + e + 1) / (d! e! (d + e + 1)),    d of a, e of b

(Bar-Shalom, Li and Kirubarajan 2001, Estimation with Applications to Tracking and Navigation, 6.2), so that one long
step is the same as any number of short ones.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from twinpack.errors import InputError
from twinpack.filters.model import Living

Floats = npt.NDArray[np.float64]

LONGEST = 3
"""Most parameters in a chain: level, slope, curvature."""


class Trends:
    """How the living parameters of a model go on while its wear clock does.

    Attributes:
        moving: Whether any parameter is a rate; otherwise means stay as they are.
        of: Index of the parameter whose rate each one is, -1 for a parameter of its own.
    """

    def __init__(self, living: Sequence[Living]) -> None:
        """Find the chains.

        Raises:
            InputError: A rate is that of no parameter or of itself, two are rates of the same, or a chain is longer
                than level, slope and curvature.
        """
        names = [one.name for one in living]
        self.of = tuple(_rated(names, one) for one in living)
        self.moving = any(index >= 0 for index in self.of)
        self._check(names)
        self._strength = np.array([one.drift**2 for one in living])
        # Each parameter with what it is a rate of, and how many times over; itself among them.
        self._reach = [(above, rate, depth) for rate in range(len(names)) for above, depth in self._above(rate)]

    def advance(self, mean: Floats, cov: Floats, passed: Floats) -> tuple[Floats, Floats]:
        """Where parameters stand once the wear clock has gone on.

        Args:
            mean: Shape (n, B); of dynamic states, if there are any before the parameters, only the covariances with
                parameters change.
            cov: Shape (n, n, B), symmetric.
            passed: What passes, in units of the wear clock, 0 or more, shape (B,).

        Returns:
            Mean and covariance, of the same shapes; what was given stays as it is.
        """
        first = len(mean) - len(self.of)
        mean, cov = mean.copy(), cov.copy()
        if self.moving:
            mean, cov = self._moved(mean, cov, passed, first)
            return mean, self._spread(cov, passed, first)
        grown = self._strength[:, None] * passed
        for row in range(len(self.of)):
            cov[first + row, first + row] += grown[row]
        return mean, cov

    def _moved(self, mean: Floats, cov: Floats, passed: Floats, first: int) -> tuple[Floats, Floats]:
        """F x and F P F'; sums by hand, so that no vehicle's rounding depends on its neighbours."""
        x, rows = mean.copy(), cov.copy()
        steps = [(first + a, first + k, passed**depth / math.factorial(depth)) for a, k, depth in self._reach if depth]
        for a, k, factor in steps:
            x[a] += factor * mean[k]
            rows[a] += factor * cov[k]
        both = rows.copy()
        for a, k, factor in steps:
            both[:, a] += factor * rows[:, k]
        # Rounding leaves the two halves a hair apart.
        return x, 0.5 * (both + both.swapaxes(0, 1))

    def _spread(self, cov: Floats, passed: Floats, first: int) -> Floats:
        """P + Q."""
        for a, k, d in self._reach:
            for b, other, e in self._reach:
                if other == k:
                    over = math.factorial(d) * math.factorial(e) * (d + e + 1)
                    cov[first + a, first + b] += self._strength[k] * passed ** (d + e + 1) / over
        return cov

    def _above(self, index: int) -> Iterator[tuple[int, int]]:
        depth = 0
        while index >= 0:
            yield index, depth
            index, depth = self.of[index], depth + 1

    def _check(self, names: Sequence[str]) -> None:
        for index, name in enumerate(names):
            above, depth = self.of[index], 1
            while above >= 0:
                depth += 1
                if depth > LONGEST:
                    raise InputError(
                        f"living parameter {name!r} makes a chain of more than {LONGEST} rates, or one that ends in "
                        "itself; known are level, slope and curvature"
                    )
                above = self.of[above]
            rated = self.of[index]
            if rated >= 0 and self.of.index(rated) < index:
                raise InputError(
                    f"living parameters {names[self.of.index(rated)]!r} and {name!r} are both rates of {names[rated]!r}"
                )


def _rated(names: Sequence[str], one: Living) -> int:
    if not one.rate_of:
        return -1
    if one.rate_of not in names:
        raise InputError(
            f"living parameter {one.name!r} is the rate of {one.rate_of!r}, which the model has not; it has "
            f"{', '.join(names)}"
        )
    return names.index(one.rate_of)
