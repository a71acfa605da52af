"""How likely a battery fails soon: a hazard by the week, from what is known of it then, with strong priors.

The hazard is `base exp(sum of weight x sign)`. Fleets see few failures: without any, the priors alone speak (the
field's fault rate, and how much more often each sign comes before a fault); with some, the weights move as far as those
tell. A failure is a confirmed trouble code of the battery of severity 3, or an unplanned repair or replacement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.errors import LearningError

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

FORMAT = 1
WEEK_DAYS = 7.0


@dataclass(frozen=True)
class Sign:
    """Something that is known of a vehicle and may come before a failure.

    Attributes:
        name: Its name.
        told: What one unit of it is.
        times: How many times as likely a failure is with one unit of it, before anything was learned.
        doubt: Standard deviation of the logarithm of that.
        most: Largest value that counts.
    """

    name: str
    told: str
    times: float
    doubt: float
    most: float


SIGNS = (
    Sign("severe", "an open battery alarm of severity 3", 400.0, 0.8, 1.0),
    Sign("limiting", "an open battery alarm of severity 2", 60.0, 0.8, 1.0),
    Sign("alarm", "another open battery alarm", 20.0, 0.8, 1.0),
    Sign("watch", "a battery finding to watch", 6.0, 0.8, 1.0),
    Sign("fresh", "one of them raised within 30 days", 2.0, 0.5, 1.0),
    Sign("odd", "days odder than all of the fleet's", 4.0, 0.6, 1.0),
    Sign("spread", "cells drifting apart by 5 mV a month", 3.0, 0.6, 3.0),
    Sign("isolation", "isolation falling to a tenth within a year", 3.0, 0.5, 3.0),
    Sign("fade", "capacity falling a standard deviation faster than the cohort's", 1.3, 0.3, 4.0),
    Sign("resistance", "resistance rising a standard deviation faster than the cohort's", 1.3, 0.3, 4.0),
)
"""In the order of the columns of signs."""

NAMES = tuple(sign.name for sign in SIGNS)

BASE_A_YEAR, BASE_DOUBT = 0.00055, 0.5
"""Faults a vehicle-year in the field, between 0.038 and 0.075 % of vehicles (Zhang et al. 2023, Nature Communications
14, 5940), and the doubt of its logarithm for another fleet."""

_ROUNDS = 40
_CLOSE = 1e-9


@dataclass(frozen=True)
class Risk:
    """The probability of a failure within a time, of V vehicles.

    Attributes:
        days: The time, days.
        probability: Shape (V,).
        low: Where its 90 % interval begins.
        high: Where it ends.
    """

    days: float
    probability: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class FailureModel:
    """Weights of the signs; the first is the logarithm of the weekly hazard without any.

    Attributes:
        mean: Posterior mean, shape (1 + signs,).
        cov: Its covariance.
        failures: How many failures it was learned from.
        vehicle_weeks: Over how many vehicle-weeks.
    """

    mean: Floats
    cov: Floats
    failures: int = 0
    vehicle_weeks: int = 0

    def risk(self, signs: Floats, days: float) -> Risk:
        """Probability of a failure within some days if the signs stay as they are.

        Args:
            signs: Values of `SIGNS`, shape (V, signs); NaN is none.
            days: The time.
        """
        rows = _rows(signs)
        log_hazard = rows @ self.mean + np.log(days / WEEK_DAYS)
        sd = np.sqrt(np.einsum("vi,ij,vj->v", rows, self.cov, rows))
        low, middle, high = (-np.expm1(-np.exp(log_hazard + z * sd)) for z in (-1.645, 0.0, 1.645))
        return Risk(days, middle, low, high)

    def shares(self, signs: Floats) -> Floats:
        """What each sign adds to the logarithm of the hazard, shape (V, signs)."""
        return np.asarray(_rows(signs)[:, 1:] * self.mean[1:])

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "format": FORMAT,
            "signs": list(NAMES),
            "mean": self.mean.tolist(),
            "cov": self.cov.tolist(),
            "failures": self.failures,
            "vehicle_weeks": self.vehicle_weeks,
        }

    @classmethod
    def from_dict(cls, artifact: Mapping[str, Any]) -> FailureModel:
        """The model of an artifact.

        Raises:
            LearningError: It is none, or of another release's signs.
        """
        try:
            if artifact["format"] != FORMAT or tuple(artifact["signs"]) != NAMES:
                raise LearningError("a failure model of another release: learn it anew")
            mean, cov = (np.array(artifact[name], dtype=np.float64) for name in ("mean", "cov"))
            found = cls(mean, cov, int(artifact["failures"]), int(artifact["vehicle_weeks"]))
        except (KeyError, TypeError, ValueError) as error:
            raise LearningError(f"not a failure model: {error}") from error
        size = len(SIGNS) + 1
        if mean.shape != (size,) or cov.shape != (size, size) or not np.isfinite(mean).all():
            raise LearningError("not a failure model: its weights are damaged")
        if not np.isfinite(cov).all() or np.linalg.eigvalsh(0.5 * (cov + cov.T)).min() <= 0:
            raise LearningError("not a failure model: its covariance is damaged")
        return found


def prior_model() -> FailureModel:
    """What is known before a fleet has taught anything."""
    base = np.log(BASE_A_YEAR * WEEK_DAYS / 365.25)
    mean = np.array([base, *(np.log(sign.times) for sign in SIGNS)])
    return FailureModel(mean, np.diag([BASE_DOUBT**2, *(sign.doubt**2 for sign in SIGNS)]))


def learn_failure(signs: Floats, failed: Bools, weeks: Floats | None = None) -> FailureModel:
    """Learn weights from vehicle-weeks.

    Args:
        signs: What was known at the begin of each vehicle-week, shape (N, signs); NaN is none.
        failed: Whether the vehicle failed in it, shape (N,).
        weeks: Its length in weeks, 1 when None; the last before a failure may be shorter.
    """
    prior = prior_model()
    if not len(failed):
        return prior
    rows, precision = _rows(signs), np.linalg.inv(prior.cov)
    exposure = np.ones(len(failed)) if weeks is None else weeks
    weights = prior.mean.copy()
    for _ in range(_ROUNDS):
        expected = np.exp(np.clip(rows @ weights, -40.0, 10.0)) * exposure
        slope = rows.T @ (failed - expected) - precision @ (weights - prior.mean)
        bend = (rows * expected[:, None]).T @ rows + precision
        step = np.linalg.solve(bend, slope)
        weights = weights + step * min(1.0, 1.0 / max(float(np.abs(step).max()), 1e-12))
        if np.abs(step).max() < _CLOSE:
            break
    expected = np.exp(np.clip(rows @ weights, -40.0, 10.0)) * exposure
    bend = (rows * expected[:, None]).T @ rows + precision
    return FailureModel(weights, np.linalg.inv(bend), int(np.sum(failed)), round(float(exposure.sum())))


def _rows(signs: Floats) -> Floats:
    most = np.array([sign.most for sign in SIGNS])
    values = np.clip(np.nan_to_num(np.atleast_2d(signs)), 0.0, most)
    return np.concatenate([np.ones((len(values), 1)), values], axis=1)


def sign_at(name: str) -> int:
    """Column of a sign."""
    return NAMES.index(name)


def brier(probability: Floats, happened: Bools) -> float:
    """Mean squared error of probabilities."""
    return float(np.mean((probability - happened) ** 2))


def ranked_above(probability: Floats, happened: Bools) -> float:
    """How often one that fails ranks above one that does not (area under the ROC curve); NaN if none did, or all."""
    if not happened.any() or happened.all():
        return float("nan")
    order = np.argsort(np.argsort(probability, kind="stable"), kind="stable").astype(np.float64)
    _, where = np.unique(probability, return_inverse=True)
    mean_rank = np.bincount(where, order) / np.bincount(where)
    ranks = mean_rank[where] + 1.0
    count = int(happened.sum())
    return float((ranks[happened].sum() - count * (count + 1) / 2) / (count * (len(happened) - count)))


def reliability(probability: Floats, happened: Bools, edges: Sequence[float]) -> list[dict[str, float]]:
    """Of each bin of probability: how many, their mean probability, and the share that happened."""
    which = np.digitize(probability, edges)
    told = []
    for one in np.unique(which):
        rows = which == one
        told.append(
            {
                "n": float(rows.sum()),
                "told_pct": 100.0 * float(probability[rows].mean()),
                "happened_pct": 100.0 * float(happened[rows].mean()),
            }
        )
    return told
