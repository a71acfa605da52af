"""Fitting times until drops of capacity: rows out of records, censored times filled in, spread, widths of quantiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import log_ndtr

from twinpack.errors import LearningError
from twinpack.learn.fade_curves import FadeCurve, features, level, origins, times_to
from twinpack.learn.fade_forecast import LEVELS, noise_of, path, widened
from twinpack.learn.fade_trees import Trees

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

DROPS = (
    *(0.0025, 0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.065, 0.08, 0.1, 0.125),
    *(0.15, 0.175, 0.2, 0.225, 0.25, 0.275, 0.3, 0.35, 0.4),
)
"""Drops whose times are learned, by the reference, as far as enough curves reached them."""

LEAST_CURVES = 6

_Z = np.linspace(-5.0, 5.0, 21)

_LEAVES = 800
"""Leaves of a tree at most, about: a large fleet makes no larger model."""


@dataclass(frozen=True)
class FadeSettings:
    """How it is learned.

    Attributes:
        origins: Points of each curve that it teaches from, at most.
        parts: Parts that curves are left out in.
        trees: Trees of the model; a quarter of them, or less, for each part.
        leaf: Rows of a leaf at least.
        rounds: Times that what censored rows would have taken is filled in.
        reached: Curves that must have reached a drop for it to be learned.
        sampled: Later points of each row that widths are set by.
        seed: The same seed gives the same model.
    """

    origins: int = 12
    parts: int = 5
    trees: int = 160
    leaf: int = 5
    rounds: int = 2
    reached: int = 6
    sampled: int = 40
    seed: int = 0


@dataclass(frozen=True)
class Lessons:
    """What some curves teach: R rows, each the end of a first part of a curve and what came of it.

    Attributes:
        curves: The whole records.
        extras: Quantities beside capacity that are read.
        age: The clock about which they teach; None for all.
        curve: Number of the curve, shape (R,).
        count: Points until then, shape (R,).
        told: Features, shape (R, F), NaN where missing.
        times: Time until each of `DROPS`, NaN where the record ends before.
        until: Time until the record ends, shape (R,).
        begin: The clock then, shape (R,).
    """

    curves: tuple[FadeCurve, ...]
    extras: tuple[str, ...]
    age: float | None
    curve: Ints
    count: Ints
    told: Floats
    times: Floats
    until: Floats
    begin: Floats

    @classmethod
    def of(cls, curves: Sequence[FadeCurve], age: float | None = None, count: int = FadeSettings.origins) -> Lessons:
        """Those of some curves, `count` rows each at most; what is known of all is read.

        Raises:
            LearningError: None is long enough.
        """
        extras = tuple(sorted(set.intersection(*(set(curve.extras) for curve in curves)))) if curves else ()
        points = [origins(curve, count, age) for curve in curves]
        if not sum(map(len, points)):
            raise LearningError(f"none of {len(curves)} curves is long enough to learn from")
        rows = [(number, each) for number, some in enumerate(points) for each in some.tolist()]
        return cls(
            tuple(curves),
            extras,
            age,
            np.array([number for number, _ in rows], dtype=np.int64),
            np.array([each for _, each in rows], dtype=np.int64),
            np.array([features(curves[number].first(each), extras) for number, each in rows]),
            np.array([times_to(curves[number], each, np.array(DROPS)) for number, each in rows]),
            np.array([float(curves[number].at[-1] - curves[number].at[each - 1]) for number, each in rows]),
            np.array([float(curves[number].at[each - 1]) for number, each in rows]),
        )

    def take(self, curves: Sequence[int]) -> Lessons:
        """Those of some of the curves, by number."""
        new = np.full(len(self.curves), -1)
        new[np.asarray(curves, dtype=np.intp)] = np.arange(len(curves))
        some = new[self.curve] >= 0
        return Lessons(
            tuple(self.curves[at] for at in curves),
            self.extras,
            self.age,
            new[self.curve][some],
            *(getattr(self, name)[some] for name in ("count", "told", "times", "until", "begin")),
        )


@dataclass(frozen=True)
class Rows:
    """R rows to fit.

    Attributes:
        curve: Number of the curve, shape (R,).
        count: Points until then, shape (R,).
        told: Features, shape (R, F), none missing.
        taken: Logarithm of the time until each drop by the age, NaN where it is censored, shape (R, K).
        until: Logarithm of the time until the record ends by the age, shape (R,).
        weight: What it counts, shape (R,).
        drops: The drops, shape (K,).
        fill: What missing features are taken for, shape (F,).
    """

    curve: Ints
    count: Ints
    told: Floats
    taken: Floats
    until: Floats
    weight: Floats
    drops: Floats
    fill: Floats

    @classmethod
    def of(cls, lessons: Lessons, weights: Floats | None, chosen: FadeSettings) -> Rows:
        """Those of some lessons.

        Raises:
            LearningError: They tell too little; says what is missing.
        """
        some, rows_of = np.unique(lessons.curve, return_counts=True)
        if len(some) < LEAST_CURVES:
            about = "" if lessons.age is None else f" about {lessons.age:g} on their clock"
            raise LearningError(
                f"{len(some)} curves are long enough to learn from{about}; "
                f"how capacity goes on is learned from {LEAST_CURVES} or more"
            )
        reached = [len(np.unique(lessons.curve[np.isfinite(times)])) for times in lessons.times.T]
        known = int(np.sum(np.minimum.accumulate(reached) >= chosen.reached))
        if known < 2:
            raise LearningError(
                f"{reached[1]} curves have dropped by {100 * DROPS[1]:g} % since they were long enough to learn from; "
                f"{chosen.reached} must have"
            )
        finite = np.isfinite(lessons.told)
        fill = np.array(
            [float(np.median(one[ok])) if ok.any() else 0.0 for one, ok in zip(lessons.told.T, finite.T, strict=True)]
        )
        each = np.zeros(len(lessons.curves))
        each[some] = (1.0 if weights is None else weights[some]) / rows_of
        return cls(
            lessons.curve,
            lessons.count,
            np.where(finite, lessons.told, fill),
            np.log(lessons.times[:, :known] / lessons.begin[:, None]),
            np.log(lessons.until / lessons.begin),
            each[lessons.curve],
            np.array(DROPS[:known]),
            fill,
        )

    @property
    def censored(self) -> npt.NDArray[np.bool_]:
        """Whether a record ended before a drop, shape (R, K)."""
        return np.isnan(self.taken)


def _left_out(rows: Rows, targets: Floats, trees: int, leaf: int, chosen: FadeSettings) -> Floats:
    """What trees say of each row that were grown without its curve, shape (R, outputs)."""
    some = np.unique(rows.curve)
    dealt = np.empty(int(some.max()) + 1, dtype=np.int64)
    dealt[np.random.default_rng(chosen.seed).permutation(some)] = np.arange(len(some)) % chosen.parts
    found = np.empty_like(targets)
    for part in range(chosen.parts):
        out = dealt[rows.curve] == part
        grown = _grow(rows, targets, ~out, trees, leaf, chosen.seed + part)
        found[out] = grown.mean(rows.told[out])
    return found


def _grow(rows: Rows, targets: Floats, some: npt.NDArray[np.bool_], trees: int, leaf: int, seed: int) -> Trees:
    leaf = max(leaf, int(some.sum()) // _LEAVES)
    return Trees.grow(rows.told[some], targets[some], rows.weight[some], trees=trees, leaf=leaf, seed=seed)


def fit_spread(rows: Rows, centre: Floats, chosen: FadeSettings) -> tuple[Trees, Floats, Floats]:
    """How far times stray.

    Args:
        rows: The rows.
        centre: What those trees say of each that have not seen its curve, shape (R, K).
        chosen: How.

    Returns:
        Trees of the logarithm of how far the times of a row stray by what is usual of a drop; what is usual, shape
        (K,); and the spread of every row by trees that have not seen its curve, shape (R, K).
    """
    usual, residual = _usual(rows, centre)
    strayed, leaf = _strayed(residual / usual)[:, None], 4 * chosen.leaf
    trees = _grow(rows, strayed, np.full(len(strayed), True), max(chosen.trees // 4, 5), leaf, chosen.seed)
    return trees, usual, np.exp(_left_out(rows, strayed, max(chosen.trees // 8, 5), leaf, chosen)) * usual


def fit_centre(rows: Rows, chosen: FadeSettings) -> tuple[Trees, Floats]:
    """Trees of the logarithms of the times, and what trees say of a row that have not seen its curve, shape (R, K)."""
    filled = _first_guess(rows)
    for _ in range(chosen.rounds if rows.censored.any() else 0):
        filled = _expected(rows, _left_out(rows, filled, max(chosen.trees // 8, 5), chosen.leaf, chosen))
    trees = _grow(rows, filled, np.full(len(filled), True), chosen.trees, chosen.leaf, chosen.seed)
    return trees, _left_out(rows, filled, max(chosen.trees // 4, 5), chosen.leaf, chosen)


def _first_guess(rows: Rows) -> Floats:
    """Times with censored ones set to a guess: later than the record's end, and in step with the drop."""
    filled = rows.taken.copy()
    for k, drop in enumerate(rows.drops):
        guess = rows.until + 0.25
        if k:
            guess = np.maximum(guess, filled[:, k - 1] + 0.7 * np.log(drop / rows.drops[k - 1]))
        filled[:, k] = np.where(rows.censored[:, k], guess, filled[:, k])
    return filled


def _expected(rows: Rows, own: Floats) -> Floats:
    """Times with the first censored one of a row set to what is expected of a normal logarithm, given that it is later.

    Those after it follow in the steps that the trees tell, or usual ones where these are larger: a record that ended
    says nothing of them, and a longer time until one drop is not made up for by the next.
    """
    sd, _ = _usual(rows, own)
    away = (rows.until[:, None] - own) / sd
    # The mean of what lies above `away` of a normal distribution: its density by what is left of it.
    hazard = np.exp(-0.5 * away**2 - 0.5 * np.log(2.0 * np.pi) - log_ndtr(-away))
    expected = np.where(away > 30.0, rows.until[:, None], own + sd * hazard)
    found = np.where(rows.censored, np.maximum(expected, rows.until[:, None]), rows.taken)
    steps = np.diff(rows.taken, axis=1)
    for k in range(1, len(rows.drops)):
        seen = steps[np.isfinite(steps[:, k - 1]), k - 1]
        usual = float(np.median(seen)) if len(seen) else 0.0
        follows = found[:, k - 1] + np.maximum(own[:, k] - own[:, k - 1], 0.5 * usual)
        found[:, k] = np.where(rows.censored[:, k - 1], follows, np.maximum(found[:, k], found[:, k - 1]))
    return found


def _usual(rows: Rows, own: Floats) -> tuple[Floats, Floats]:
    """How far times usually stray, shape (K,), and by how much each does, shape (R, K); NaN for censored ones."""
    residual = rows.taken - own
    weight = np.where(rows.censored, 0.0, rows.weight[:, None])
    rms = np.sqrt(np.nansum(weight * residual**2, axis=0) / np.maximum(weight.sum(axis=0), 1e-12))
    return np.clip(rms, 0.05, 0.8), residual


def _strayed(by_usual: Floats) -> Floats:
    """Logarithm of how far the times of a row stray by what is usual, shape (R,); 0 where all are censored."""
    known = np.isfinite(by_usual)
    count = known.sum(axis=1)
    mean = np.sqrt(np.where(known, by_usual**2, 0.0).sum(axis=1) / np.maximum(count, 1))
    return np.where(count > 0, np.log(np.clip(mean, 0.15, 4.0)), 0.0)


def fit_widths(
    rows: Rows, curves: Sequence[FadeCurve], centre: Floats, spread: Floats, sampled: int
) -> tuple[float, ...]:
    """How many spreads from the centre each quantile lies, so that its share of later measurements lies below it."""
    below, weight = [], []
    for row, (number, count) in enumerate(zip(rows.curve.tolist(), rows.count.tolist(), strict=True)):
        curve, begun = curves[number], curves[number].first(count)
        later = np.unique(np.linspace(count, len(curve.at) - 1, sampled).astype(np.int64))
        horizon, measured = curve.at[later] - begun.at[-1], curve.capacity[later]
        now, noise = level(begun), noise_of(begun)
        logs = centre[row] + np.log(begun.at[-1])
        paths = [path(now, rows.drops, logs + z * spread[row], horizon, False) for z in _Z]
        middle = paths[len(_Z) // 2]
        below.append([measured < widened(each, middle, z, noise) for each, z in zip(paths, _Z, strict=True)])
        weight.append(np.full(len(later), rows.weight[row] / len(later)))
    under, counts = np.concatenate([np.array(one) for one in below], axis=1), np.concatenate(weight)
    share = (under * counts).sum(axis=1) / counts.sum()
    rising = np.maximum.accumulate(share)
    found = [_crossing(rising, quantile) for quantile in LEVELS]
    return tuple(round(float(one), 4) for one in np.maximum.accumulate(found))


def _crossing(share: Floats, quantile: float) -> float:
    """Where a rising share over `_Z` comes to a quantile."""
    return float(np.interp(quantile, share + np.arange(len(share)) * 1e-9, _Z))
