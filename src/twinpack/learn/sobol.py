"""Sobol's indices of an output that is a curve: what part of its variance each factor makes, alone and with others.

SALib samples (Saltelli's design on Sobol's sequence) and analyses. A curve of many instants is first turned into its
principal components; the indices of each are weighed by its share of the variance, which is the same as weighing the
indices at every instant by the variance there (Gamboa, Janon, Klein and Lagnoux 2014, "Sensitivity analysis for
multidimensional and functional outputs").
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.errors import LearningError

Floats = npt.NDArray[np.float64]

SEED = 20
RESAMPLES = 100
CONFIDENCE = 0.95

KEPT_VARIANCE, MOST_COMPONENTS = 0.999, 6
MOST_LOST = 0.1
"""Share of the design that may be lost to runs that are not finite."""

MOST_RUNS = 4_000_000

_NO_VARIANCE = 1e-24


@dataclass(frozen=True)
class Factor:
    """Something that varies, independently of the others.

    Attributes:
        name: What it is.
        lower: Lowest value.
        upper: Highest value.
        mean: Mean of a normal distribution cut off at both; not used when it is uniform.
        sd: Its standard deviation; infinite for a uniform distribution.
        group: Factors of one group are judged together, under this name; "" for one by itself.
    """

    name: str
    lower: float
    upper: float
    mean: float = 0.0
    sd: float = float("inf")
    group: str = ""

    @property
    def label(self) -> str:
        """The name it is judged under."""
        return self.group or self.name

    def quantile(self, share: Floats) -> Floats:
        """The value that a share of the distribution lies below."""
        if not np.isfinite(self.sd):
            return np.asarray(self.lower + share * (self.upper - self.lower))
        from scipy.special import ndtr, ndtri

        low, high = (ndtr((end - self.mean) / self.sd) for end in (self.lower, self.upper))
        inside = np.clip(low + share * (high - low), 1e-12, 1.0 - 1e-12)
        return np.asarray(np.clip(self.mean + self.sd * ndtri(inside), self.lower, self.upper))


@dataclass(frozen=True)
class Indices:
    """Sobol's indices of D factors or groups, each with the half width of its 95 % interval.

    Attributes:
        names: What is judged.
        first: Share of the variance that each makes alone, shape (D,).
        first_conf: Its half width.
        total: Share that each makes alone and with others, shape (D,).
        total_conf: Its half width.
        second: Share that each pair makes beyond what both make alone, shape (D, D), above the diagonal, else 0.
        second_conf: Its half width.
        sd: Standard deviation of the output, root mean square over its instants.
        lost: Share of the design lost to runs that were not finite.
    """

    names: tuple[str, ...]
    first: Floats
    first_conf: Floats
    total: Floats
    total_conf: Floats
    second: Floats
    second_conf: Floats
    sd: float
    lost: float = 0.0


def labels(factors: Sequence[Factor]) -> tuple[str, ...]:
    """What is judged, each group once, in the order of the factors."""
    return tuple(dict.fromkeys(one.label for one in factors))


def design(
    factors: Sequence[Factor], samples: int, seed: int = SEED, joint: Mapping[str, Floats] | None = None
) -> Floats:
    """Values of each factor in each run, shape (factors, samples (2 D + 2)), of D factors or groups.

    Args:
        factors: What varies.
        samples: Points of the sequence, a power of two.
        seed: Of its scrambling.
        joint: Covariance of the members of a group of normal factors, by group: within one they need not be
            independent.

    Raises:
        LearningError: The number of samples is not a power of two of at least 8, or there is nothing that varies.
    """
    if samples < 8 or samples & (samples - 1):
        raise LearningError(f"{samples} samples: Sobol's sequence needs a power of two, such as 512, 1024 or 2048")
    runs = samples * (2 * len(labels(factors)) + 2)
    if runs > MOST_RUNS:
        raise LearningError(f"{samples} samples are {runs:,} runs, and {MOST_RUNS:,} are the most: choose fewer")
    if not factors:
        raise LearningError("nothing varies: the model has no living parameter and its inputs are always the same")
    from SALib.sample import sobol

    units = sobol.sample(_problem(factors), samples, calc_second_order=True, seed=seed)
    values = np.stack([one.quantile(units[:, at]) for at, one in enumerate(factors)])
    for group, covariance in (joint or {}).items():
        members = [at for at, one in enumerate(factors) if one.group == group]
        values[members] = _together([factors[at] for at in members], covariance, units[:, members])
    return values


def indices(factors: Sequence[Factor], outputs: Floats, seed: int = SEED) -> Indices:
    """Indices of what came out of the runs of `design`.

    Args:
        factors: What varied.
        outputs: One row a run, in the order of the design, one column an instant, shape (runs, K).
        seed: Of the resamples that confidence is from; not 0.

    Raises:
        LearningError: Nothing changes in the output, or too many runs are not finite.
    """
    names = labels(factors)
    kept, lost = _finite(outputs, 2 * len(names) + 2)
    scores, weights = _components(kept, 2 * len(names) + 2)
    if not len(weights):
        raise LearningError(
            f"the output is the same in all {len(outputs):,} runs: {', '.join(names)} do not change what is measured"
        )
    found = [_analysed(factors, column, seed) for column in scores.T]
    share = weights / weights.sum()
    spread = 1.96 * np.std(np.einsum("c,crd->rd", share, [one["S1_conf_all"] for one in found]), axis=0, ddof=1)
    whole = 1.96 * np.std(np.einsum("c,crd->rd", share, [one["ST_conf_all"] for one in found]), axis=0, ddof=1)

    def mean(key: str) -> Floats:
        return np.asarray(np.einsum("c,c...->...", share, np.nan_to_num([one[key] for one in found])))

    return Indices(
        names,
        mean("S1"),
        spread,
        mean("ST"),
        whole,
        mean("S2"),
        mean("S2_conf"),
        sd=float(np.sqrt(weights.sum() / outputs.shape[1])),
        lost=lost,
    )


def _together(factors: Sequence[Factor], covariance: Floats, units: Floats) -> Floats:
    """Values of factors that go together, cut off at their bounds, shape (members, runs)."""
    from scipy.special import ndtri

    variance, axes = np.linalg.eigh(covariance)
    root = axes * np.sqrt(np.maximum(variance, 0.0))
    mean, lower, upper = (np.array([[getattr(one, name)] for one in factors]) for name in ("mean", "lower", "upper"))
    return np.asarray(np.clip(mean + root @ ndtri(np.clip(units, 1e-12, 1.0 - 1e-12)).T, lower, upper))


def _problem(factors: Sequence[Factor]) -> dict[str, Any]:
    problem = {
        "num_vars": len(factors),
        "names": [one.name for one in factors],
        "bounds": [[0.0, 1.0]] * len(factors),
    }
    return problem | ({"groups": [one.label for one in factors]} if any(one.group for one in factors) else {})


def _finite(outputs: Floats, block: int) -> tuple[Floats, float]:
    """Runs without those points of the sequence of which any run is not finite, and the share of points lost."""
    good = np.isfinite(outputs).all(axis=1).reshape(-1, block).all(axis=1)
    lost = 1.0 - float(good.mean())
    if lost > MOST_LOST:
        raise LearningError(
            f"{100 * lost:.0f} % of the design is lost to runs that are not finite: the model fails within the range "
            "of its living parameters; narrow their priors or bounds"
        )
    return outputs[np.repeat(good, block)], lost


def _components(outputs: Floats, block: int) -> tuple[Floats, Floats]:
    """Scores of each run on the components that hold nearly all of the variance, and the variance of each."""
    outside = np.concatenate([outputs[::block], outputs[block - 1 :: block]])
    centre = outside.mean(axis=0)
    off = outside - centre
    variance, axes = np.linalg.eigh(off.T @ off / len(off))
    order = np.argsort(variance)[::-1]
    variance, axes = variance[order], axes[:, order]
    # A constant output differs from its mean by rounding.
    real = variance > max(_NO_VARIANCE, 1e-24 * float(np.max(centre**2, initial=0.0)))
    enough = int(np.searchsorted(np.cumsum(variance), KEPT_VARIANCE * variance.sum())) + 1
    count = min(int(real.sum()), enough, MOST_COMPONENTS)
    return (outputs - centre) @ axes[:, :count], variance[:count]


def _analysed(factors: Sequence[Factor], column: Floats, seed: int) -> Any:
    from SALib.analyze import sobol

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return sobol.analyze(
            _problem(factors),
            np.ascontiguousarray(column),
            calc_second_order=True,
            num_resamples=RESAMPLES,
            conf_level=CONFIDENCE,
            keep_resamples=True,
            seed=seed,
        )
