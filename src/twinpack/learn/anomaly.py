"""`learn anomaly`: an isolation forest over daily features that tells how odd a vehicle's day is.

Honest by vehicle and by time. Vehicles are put into folds; those of a fold are scored by scaling and trees that were
learned from the other folds alone, so that a fault does not teach the model that it is usual. All is learned from days
up to one day, and days after it are scored; a figure is smoothed over days before it. So no score of a day needs a
later one.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack import __version__
from twinpack.errors import LearningError, WorkspaceError
from twinpack.learn.forest import Forest
from twinpack.learn.signs import SIGNS, WINDOW_DAYS, Days, Floats, Scaling, in_words
from twinpack.twin.words import counted

FOLDS = 4
LEAST_VEHICLES, LEAST_DAYS = 8, 7
"""Vehicles a model is learned from, and days of each: fewer do not tell what is usual."""
MOST_DAYS = 200_000
"""Vehicle-days a model is learned from at most: those of some vehicles, chosen by a hash of their names."""
TREES, POINTS = 100, 256
SEED = 20

ODD = 0.95
"""A day odder than this share of those learned from is given reasons."""

_REASONS = 3
_WORST = 3  # so many of the worst signs are columns of their own
_REACH, _REACH_SHARE = (10.0, 30.0), 0.02  # robust standard deviations, and share of the points
_UNSETTLED_DAYS = 3  # first days of a vehicle, over which little is smoothed: they would widen what is usual
_PLAINLY_ODD = float(np.arcsinh(3.0))  # three robust standard deviations
_LEAST_KNOWN = 0.5
_QUANTILES = 1001
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Scores:
    """How odd N vehicle-days are.

    Attributes:
        score: Score of the isolation forest, 0 to 1, higher is odder, shape (N,).
        odder_than: Share of the days learned from that score less, 0 to 1, shape (N,).
        scaled: The smoothed signs as `Scaling.scaled` gives them, 0 where they are as usual or better, shape
            (N, signs).
    """

    score: Floats
    odder_than: Floats
    scaled: Floats


@dataclass(frozen=True)
class AnomalyModel:
    """What is usual among the packs of one kind.

    Attributes:
        pack: Name of the pack.
        signs: Names of the signs it looks at.
        first_day: First day it was learned from, days since the epoch.
        last_day: Last such day; later ones are scored.
        folds: Fold of each vehicle it was learned from.
        scalings: What is usual, for each fold learned from the others.
        forests: The trees, likewise.
        quantiles: For each fold, scores of the others' days that were learned from, each by what did not learn from
            its vehicle, from the least to the greatest in equal steps, shape (folds, steps).
    """

    pack: str
    signs: tuple[str, ...]
    first_day: int
    last_day: int
    folds: Mapping[str, int]
    scalings: tuple[Scaling, ...]
    forests: tuple[Forest, ...]
    quantiles: Floats

    def fold_of(self, vehicle: str) -> int:
        """The fold that scores a vehicle; one that was not there is scored by any, always the same."""
        known = self.folds.get(vehicle)
        return zlib.crc32(vehicle.encode()) % len(self.forests) if known is None else known

    def scores(self, days: Days) -> Scores:
        """Score days; what is smoothed begins with the first of each vehicle."""
        folds = self._folds_of(days)
        raw = days.values(self.signs)
        scaled = np.empty_like(raw)
        for fold, scaling in enumerate(self.scalings):
            here = np.flatnonzero(folds == fold)
            scaled[here] = scaling.scaled(days.where(here), raw[here])
        scaled = _worse(days.smoothed(scaled))
        score = self._forest_scores(folds, scaled)
        odder_than = np.empty(len(days))
        for fold, known in enumerate(self.quantiles):
            here = np.flatnonzero(folds == fold)
            odder_than[here] = np.searchsorted(known, score[here]) / len(known)
        return Scores(score, odder_than, scaled)

    def reasons(self, days: Days, scores: Scores, which: npt.NDArray[Any]) -> list[list[str]]:
        """What makes some of the days odd, in words, most first; at most three.

        A sign counts for as much as the score falls when it alone is as usual.
        """
        folds = self._folds_of(days)[which]
        scaled = scores.scaled[which]
        falls = np.empty_like(scaled)
        for index in range(len(self.signs)):
            usual = scaled.copy()
            usual[:, index] = 0.0
            falls[:, index] = scores.score[which] - self._forest_scores(folds, usual)
        falls[scaled < _PLAINLY_ODD] = 0.0  # a sign is what rises when something is wrong
        raw = days.smoothed(days.values(self.signs))[which]
        bins = days.bins()
        told = []
        for at, day in enumerate(which.tolist()):
            order = [one for one in np.argsort(-falls[at], kind="stable").tolist() if falls[at, one] > 0]
            told.append(
                [self._in_words(days, day, one, raw[at, one], folds[at], bins[day]) for one in self._apart(order)]
            )
        return told

    def _apart(self, order: list[int]) -> list[int]:
        """The first few signs, of those about the same only the first."""
        kept: dict[str, int] = {}
        for one in order:
            kept.setdefault(SIGNS[self.signs[one]].about or self.signs[one], one)
        return list(kept.values())[:_REASONS]

    def _in_words(self, days: Days, day: int, sign: int, value: float, fold: int, row: int) -> str:
        name, scaling = self.signs[sign], self.scalings[fold]
        return in_words(
            name, days.latest(SIGNS[name].at, day), value, scaling.centre[row, sign], scaling.scale[row, sign]
        )

    def _folds_of(self, days: Days) -> npt.NDArray[np.int64]:
        known = {vehicle: self.fold_of(vehicle) for vehicle in dict.fromkeys(days.vehicle.tolist())}
        return np.array([known[vehicle] for vehicle in days.vehicle.tolist()], dtype=np.int64)

    def _forest_scores(self, folds: npt.NDArray[np.int64], scaled: Floats) -> Floats:
        found = np.empty(len(scaled))
        for fold, forest in enumerate(self.forests):
            here = np.flatnonzero(folds == fold)
            found[here] = forest.scores(_with_worst(scaled[here]))
        return found

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "kind": "anomaly",
            "pack": self.pack,
            "signs": list(self.signs),
            "first_day": self.first_day,
            "last_day": self.last_day,
            "window_days": WINDOW_DAYS,
            "folds": dict(self.folds),
            "scalings": [one.to_dict() for one in self.scalings],
            "forests": [one.to_dict() for one in self.forests],
            "quantiles": self.quantiles.tolist(),
        }

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> AnomalyModel:
        """From JSON values.

        Raises:
            WorkspaceError: They are no anomaly model that this release can use.
        """
        try:
            model = cls(
                pack=given["pack"],
                signs=tuple(given["signs"]),
                first_day=int(given["first_day"]),
                last_day=int(given["last_day"]),
                folds=dict(given["folds"]),
                scalings=tuple(Scaling.from_dict(one) for one in given["scalings"]),
                forests=tuple(Forest.from_dict(one) for one in given["forests"]),
                quantiles=np.array(given["quantiles"], dtype=np.float64),
            )
            window = given["window_days"]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise WorkspaceError(f"the model cannot be read as an anomaly model: {error!r}") from error
        unknown = [name for name in model.signs if name not in SIGNS]
        columns = {int(forest.feature.max()) for forest in model.forests}
        parts = {len(model.scalings), len(model.forests), len(model.quantiles)}
        if (
            unknown
            or window != WINDOW_DAYS
            or len(parts) != 1
            or not columns
            or max(columns) >= len(model.signs) + _WORST
        ):
            raise WorkspaceError(
                "the anomaly model was made by another release, whose features differ; `twinpack learn anomaly` makes "
                "a new one"
            )
        return model

    def card(self) -> dict[str, Any]:
        """What people should know of it."""
        return {
            "kind": "anomaly",
            "pack": self.pack,
            "trained_from": told_day(self.first_day),
            "trained_to": told_day(self.last_day),
            "vehicles": len(self.folds),
            "signs": list(self.signs),
            "folds": len(self.forests),
            "trees": TREES,
            "window_days": WINDOW_DAYS,
            "code_version": __version__,
        }


def learn_anomaly(days: Days, pack: str) -> AnomalyModel:
    """Learn what is usual.

    Args:
        days: Days of vehicles of one pack to learn from, and no later one.
        pack: Its name.

    Raises:
        LearningError: Too few vehicles or days, or no figures that could be looked at; says what is missing.
    """
    days = _enough(days, pack)
    signs = _signs(days, pack)
    folds = {vehicle: index % FOLDS for index, vehicle in enumerate(_shuffled(days))}
    raw = days.values(signs)
    fold_of = np.array([folds[vehicle] for vehicle in days.vehicle.tolist()], dtype=np.int64)
    scalings, forests = [], []
    settled = days.number() >= _UNSETTLED_DAYS
    for fold in range(FOLDS):
        others = np.flatnonzero(fold_of != fold)
        some = days.where(others)
        scaling = Scaling.of(some, raw[others], signs)
        points = _worse(some.smoothed(scaling.scaled(some, raw[others])))
        scalings.append(scaling)
        forests.append(Forest.grow(_with_worst(_with_reach(points[settled[others]])), TREES, POINTS, SEED + fold))
    first, last = int(days.day.min()), int(days.day.max())
    model = AnomalyModel(pack, signs, first, last, folds, tuple(scalings), tuple(forests), np.zeros((FOLDS, 1)))
    score = model.scores(days).score
    steps = np.linspace(0.0, 1.0, _QUANTILES)
    quantiles = [np.quantile(score[settled & (fold_of != fold)], steps) for fold in range(FOLDS)]
    return replace(model, quantiles=np.array(quantiles))


def _worse(scaled: Floats) -> Floats:
    """By how much signs are worse than usual: better is as good as usual, and so is what nothing tells."""
    return np.maximum(np.nan_to_num(scaled), 0.0)


def _with_reach(points: Floats) -> Floats:
    """Points with a few at which one sign alone is far off.

    A tree cuts between the least and the greatest that it has seen: without them, what is beyond the oddest day of a
    sound fleet would be no odder, however far beyond.
    """
    signs = points.shape[1]
    far = np.concatenate([np.eye(signs) * np.arcsinh(far) for far in _REACH])
    copies = int(np.ceil(_REACH_SHARE * len(points) / len(far)))
    return np.concatenate([points, np.tile(far, (copies, 1))])


def _with_worst(points: Floats) -> Floats:
    """Signs with the worst few of them, whichever they are, as columns of their own.

    A tree cuts by a column chosen at random: one sign among many, however far off, would rarely be cut by.
    """
    worst = np.zeros((len(points), _WORST))
    few = min(_WORST, points.shape[1])
    worst[:, :few] = -np.sort(-points, axis=1)[:, :few]
    return np.concatenate([points, worst], axis=1)


def _enough(days: Days, pack: str) -> Days:
    """The days of vehicles that have enough of them."""
    vehicles, counts = np.unique(days.vehicle.astype(str), return_counts=True)
    known = set(vehicles[counts >= LEAST_DAYS].tolist())
    if len(known) < LEAST_VEHICLES:
        span = f" from {told_day(int(days.day.min()))} to {told_day(int(days.day.max()))}" if len(days) else ""
        raise LearningError(
            f"pack {pack}: {counted(len(known), 'vehicle')} of {len(vehicles)} with {LEAST_DAYS} days of telemetry or "
            f"more{span}; what is usual takes {LEAST_VEHICLES} of them: import more vehicles, or choose more days with "
            "--from and --to"
        )
    chosen = _some(dict(zip(vehicles.tolist(), counts.tolist(), strict=True)), known)
    return days.where(np.flatnonzero([vehicle in chosen for vehicle in days.vehicle.tolist()]))


def _some(counts: Mapping[str, int], known: set[str]) -> set[str]:
    """Of the vehicles with days enough, as many as have `MOST_DAYS` together, and `LEAST_VEHICLES` at least."""
    chosen, days = set[str](), 0
    for vehicle in sorted(known, key=_by_hash):
        days += counts[vehicle]
        if days > MOST_DAYS and len(chosen) >= LEAST_VEHICLES:
            break
        chosen.add(vehicle)
    return chosen


def _signs(days: Days, pack: str) -> tuple[str, ...]:
    """The signs that at least half of the days tell."""
    names = tuple(SIGNS)
    known = np.isfinite(days.values(names)).mean(axis=0)
    signs = tuple(name for name, share in zip(names, known.tolist(), strict=True) if share >= _LEAST_KNOWN)
    if not signs:
        raise LearningError(
            f"pack {pack}: no day tells of cells, probes, temperatures or isolation; daily features of an earlier "
            "release have none: they are made anew where telemetry is added"
        )
    return signs


def _shuffled(days: Days) -> list[str]:
    """The vehicles in an order that has nothing to do with their names."""
    return sorted(dict.fromkeys(days.vehicle.tolist()), key=_by_hash)


def _by_hash(vehicle: str) -> tuple[int, str]:
    return zlib.crc32(vehicle.encode()), vehicle


def told_day(day: int) -> str:
    """A day as ISO 8601."""
    return (_EPOCH + timedelta(days=day)).isoformat()
