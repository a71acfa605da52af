"""What vehicles of one kind are like: how far they differ when they come, how they drift, and how steadily they wear.

Each session tells of a vehicle's living parameters what a filter found: a Gaussian factor. With these a fleet is a
linear model with a few numbers for each session, whose log marginal likelihood is exact and cheap:

    first session:  theta ~ N(mean, covariance)
    between two:    theta' = F theta + w,   w ~ N(0, Q)        (random walks; rates, where wear is a trend)
    a session:      p(y | theta) ~ exp(-theta' L theta / 2 + h' theta)

Mean, covariance and drift maximise it by expectation and maximisation (Dempster, Laird and Rubin 1977; the smoother is
Rauch, Tung and Striebel's of 1965) with conjugate priors: the prototype's own figures count as `PULL` vehicles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from twinpack.filters.model import Living

Floats = npt.NDArray[np.float64]

PULL = 3.0
"""So many vehicles' worth of what the prototype says."""

ITERATIONS = 60
_LEAST_DAYS = 1e-6  # sessions that follow at once


@dataclass(frozen=True)
class Evidence:
    """What the sessions of V vehicles tell of p living parameters, at most K sessions a vehicle.

    Attributes:
        days: Days since the vehicle's session before, 0 for its first and past its last, shape (V, K).
        known: Whether the vehicle has such a session, shape (V, K).
        information: L of each session, 0 past a vehicle's last, shape (V, K, p, p).
        pull: h of each session, shape (V, K, p).
    """

    days: Floats
    known: npt.NDArray[np.bool_]
    information: Floats
    pull: Floats

    def of(self, vehicles: npt.NDArray[np.intp]) -> Evidence:
        """Of some vehicles."""
        return Evidence(self.days[vehicles], self.known[vehicles], self.information[vehicles], self.pull[vehicles])

    def widened(self, parameters: int) -> Evidence:
        """With further parameters, of which no session tells directly."""
        more = parameters - self.pull.shape[2]
        return replace(
            self,
            information=np.pad(self.information, ((0, 0), (0, 0), (0, more), (0, more))),
            pull=np.pad(self.pull, ((0, 0), (0, 0), (0, more))),
        )


@dataclass(frozen=True)
class Population:
    """What vehicles are like.

    Attributes:
        mean: Of the living parameters at a vehicle's first session, shape (p,).
        covariance: Between vehicles, shape (p, p).
        drift: Standard deviation of each parameter's random walk after a day, shape (p,).
        rate_of: For each parameter the index of that whose rate it is, -1 for none.
    """

    mean: Floats
    covariance: Floats
    drift: Floats
    rate_of: tuple[int, ...]

    @classmethod
    def of(cls, living: Sequence[Living], covariance: Floats) -> Population:
        """The prototype's own."""
        names = [one.name for one in living]
        rate_of = tuple(names.index(one.rate_of) if one.rate_of else -1 for one in living)
        return cls(np.array([one.mean for one in living]), covariance, np.array([one.drift for one in living]), rate_of)


@dataclass(frozen=True)
class _Path:
    """Filtered and smoothed parameters: means (K, V, p), covariances (K, V, p, p)."""

    ahead: Floats
    ahead_cov: Floats
    mean: Floats
    cov: Floats
    evidence: Floats
    smooth: Floats
    smooth_cov: Floats
    lagged: Floats


def transition(rate_of: Sequence[int], days: Floats) -> Floats:
    """F for each vehicle, shape (V, p, p): a level moves by its rate, and half of the rate's rate times days²."""
    size = len(rate_of)
    rates = np.zeros((size, size))
    for index, level in enumerate(rate_of):
        if level >= 0:
            rates[level, index] = 1.0
    once = days[:, None, None] * rates
    return np.asarray(np.eye(size) + once + 0.5 * once @ once)


def walk(drift: Floats, rate_of: Sequence[int], days: Floats) -> Floats:
    """Q for each vehicle, shape (V, p, p): random walks, and what those of rates come to in their levels."""
    size = len(drift)
    cov = np.zeros((len(days), size, size))
    each = np.arange(size)
    cov[:, each, each] = drift**2 * days[:, None]
    for rate, level in enumerate(rate_of):
        if level >= 0:
            cov[:, level, level] += drift[rate] ** 2 * days**3 / 3.0
            cov[:, level, rate] += drift[rate] ** 2 * days**2 / 2.0
            cov[:, rate, level] += drift[rate] ** 2 * days**2 / 2.0
    return cov


def log_evidence(evidence: Evidence, population: Population) -> Floats:
    """Log marginal likelihood of each vehicle's sessions but for a constant of the data, shape (V,)."""
    return np.asarray(_forward(evidence, population)[-1].sum(axis=0))


def before_each(evidence: Evidence, population: Population) -> tuple[Floats, Floats]:
    """Mean and covariance of the parameters before each session, from those before it; (V, K, p), (V, K, p, p)."""
    ahead, ahead_cov, *_ = _forward(evidence, population)
    return np.moveaxis(ahead, 0, 1), np.moveaxis(ahead_cov, 0, 1)


def fit(evidence: Evidence, prior: Population, iterations: int = ITERATIONS) -> Population:
    """The population that is most likely given the sessions and the prototype's own figures.

    Args:
        evidence: What sessions tell.
        prior: The prototype's own, which counts as `PULL` vehicles.
        iterations: Steps of expectation and maximisation.
    """
    found = prior
    for _ in range(iterations):
        found = _maximised(evidence, _smoothed(evidence, found), found, prior)
    return found


def _forward(evidence: Evidence, population: Population) -> tuple[Floats, ...]:
    vehicles, sessions, size = evidence.pull.shape
    mean = np.repeat(population.mean[None], vehicles, axis=0)
    cov = np.repeat(population.covariance[None], vehicles, axis=0)
    found: list[tuple[Floats, ...]] = []
    eye = np.eye(size)
    for k in range(sessions):
        days, information, pull = evidence.days[:, k], evidence.information[:, k], evidence.pull[:, k]
        move = transition(population.rate_of, days)
        ahead = np.einsum("vij,vj->vi", move, mean)
        ahead_cov = _symmetric(move @ cov @ np.swapaxes(move, 1, 2) + walk(population.drift, population.rate_of, days))
        inner = eye + information @ ahead_cov
        gradient = pull - np.einsum("vij,vj->vi", information, ahead)
        cov = _symmetric(np.swapaxes(np.linalg.solve(np.swapaxes(inner, 1, 2), ahead_cov), 1, 2))
        step = np.einsum("vij,vj->vi", cov, gradient)
        mean = ahead + step
        gain = (ahead * pull).sum(1) - 0.5 * (ahead * np.einsum("vij,vj->vi", information, ahead)).sum(1)
        gain = gain + 0.5 * (gradient * step).sum(1) - 0.5 * np.linalg.slogdet(inner)[1]
        found.append((ahead, ahead_cov, mean, cov, gain))
    return tuple(np.stack(part) for part in zip(*found, strict=True))


def _smoothed(evidence: Evidence, population: Population) -> _Path:
    ahead, ahead_cov, mean, cov, gain = _forward(evidence, population)
    smooth, smooth_cov, lagged = mean.copy(), cov.copy(), np.zeros_like(cov)
    for k in range(len(mean) - 2, -1, -1):
        move = transition(population.rate_of, evidence.days[:, k + 1])
        back = np.swapaxes(np.linalg.solve(ahead_cov[k + 1], move @ cov[k]), 1, 2)
        smooth[k] = mean[k] + np.einsum("vij,vj->vi", back, smooth[k + 1] - ahead[k + 1])
        change = smooth_cov[k + 1] - ahead_cov[k + 1]
        smooth_cov[k] = _symmetric(cov[k] + back @ change @ np.swapaxes(back, 1, 2))
        lagged[k + 1] = back @ smooth_cov[k + 1]
    return _Path(ahead, ahead_cov, mean, cov, gain, smooth, smooth_cov, lagged)


def _maximised(evidence: Evidence, path: _Path, found: Population, prior: Population) -> Population:
    vehicles = len(evidence.days)
    first, spread = path.smooth[0], path.smooth_cov[0]
    mean = (first.sum(axis=0) + PULL * prior.mean) / (vehicles + PULL)
    off, held = first - mean, prior.mean - mean
    square = np.einsum("vi,vj->ij", off, off) + spread.sum(axis=0)
    covariance = (square + PULL * (prior.covariance + np.outer(held, held))) / (vehicles + PULL)
    return replace(found, mean=mean, covariance=_symmetric(covariance), drift=_drift(evidence, path, found, prior))


def _drift(evidence: Evidence, path: _Path, found: Population, prior: Population) -> Floats:
    """Mean squared step a day, after the rates' part of it is taken away."""
    squares = np.zeros(len(found.drift))
    steps = 0
    for k in range(1, evidence.days.shape[1]):
        some = evidence.known[:, k] & (evidence.days[:, k] > _LEAST_DAYS)
        days = evidence.days[some, k]
        move = transition(found.rate_of, days)
        step = path.smooth[k][some] - np.einsum("vij,vj->vi", move, path.smooth[k - 1][some])
        moved = move @ path.lagged[k][some]
        spread = path.smooth_cov[k][some] + move @ path.smooth_cov[k - 1][some] @ np.swapaxes(move, 1, 2)
        square = step**2 + np.diagonal(spread - moved - np.swapaxes(moved, 1, 2), axis1=1, axis2=2)
        for rate, level in enumerate(found.rate_of):
            if level >= 0:
                square[:, level] -= found.drift[rate] ** 2 * days**3 / 3.0
        squares += (square / days[:, None]).sum(axis=0)
        steps += int(some.sum())
    weight = PULL * max(steps / len(evidence.days), 1.0)
    return np.sqrt(np.maximum(squares + weight * prior.drift**2, 0.0) / (steps + weight))


def _symmetric(covariance: Floats) -> Floats:
    return np.asarray(0.5 * (covariance + np.swapaxes(covariance, -1, -2)))
