"""Forecasts of capacity judged on cells that were left out: by cell within each set, and by whole charging conditions.

The error of a cell is the median absolute error of the median forecast over all the rest of its record, % of the
nominal capacity; beside it stands the mean, in which the last bends of a life weigh more. A forecast sees what the cell
had shown up to its origin, and the whole records of the cells of other folds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.evaluate.forecasts import crps, end_error_pct, inside, interval_score
from twinpack.forecast.baselines import BASELINES
from twinpack.learn.fade import learn_lessons
from twinpack.learn.fade_curves import LEAST_POINTS, FadeCurve, trailing_median
from twinpack.learn.fade_fit import FadeSettings, Lessons
from twinpack.learn.fade_forecast import LEVELS, FadeForecast

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ENDS = (0.9, 0.8)
"""Capacities by the reference at which life ends."""

ALIKE = 0.15
"""Cells of a batch whose early charges differ by less than this (as logarithms) were charged under one condition."""

FEW_INSIDE = 0.5
"""A cell with a smaller share of its points inside its interval was missed."""


@dataclass(frozen=True)
class Cell:
    """A cell that is judged.

    Attributes:
        curve: Its whole record, capacity by its reference; `curve.size` is the reference by the nominal capacity.
        set_name: The laboratory.
        condition: Under which it was charged.
    """

    curve: FadeCurve
    set_name: str
    condition: str = ""


@dataclass(frozen=True)
class Scored:
    """What came of a cell.

    Attributes:
        name: Of the cell.
        set_name: The laboratory.
        error_pct: Mean absolute error, % of nominal.
        middle_pct: Median absolute error, % of nominal.
        baselines_pct: Median and mean absolute error of each baseline, % of nominal.
        points: Points judged.
        covered: Share of them inside the 90 % interval.
        half: Share inside the 50 % interval.
        crps_pct: Continuous ranked probability score, % of nominal.
        score_pct: Interval score of the 90 % interval, % of nominal.
        ends_pct: For each of `ENDS`, error of the end of life, % of the true one, and whether it was seen to end; none
            for a cell that is past it at the origin.
        forecast: The forecast.
    """

    name: str
    set_name: str
    error_pct: float
    middle_pct: float
    baselines_pct: Mapping[str, tuple[float, float]]
    points: int
    covered: float
    half: float
    crps_pct: float
    score_pct: float
    ends_pct: Mapping[float, tuple[float, bool]]
    forecast: FadeForecast


def at_clock(clock: float) -> Callable[[FadeCurve], int | None]:
    """An origin: points up to a clock, for records that go beyond it."""

    def origin(curve: FadeCurve) -> int | None:
        count = int(np.searchsorted(curve.at, clock, side="right"))
        return count if LEAST_POINTS <= count < len(curve.at) else None

    return origin


def first_below(share: float, after: int = 10) -> Callable[[FadeCurve], int | None]:
    """An origin: points until the median of the last few lies below a share of the reference; at least `after`."""

    def origin(curve: FadeCurve) -> int | None:
        below = np.flatnonzero(trailing_median(curve.capacity) < share)
        below = below[below >= after - 1]
        return int(below[0]) + 1 if len(below) and below[0] + 1 < len(curve.at) else None

    return origin


def conditions(early: Floats, batches: Sequence[str]) -> list[str]:
    """Conditions under which cells were charged: those of a batch whose early charges are alike.

    Args:
        early: Charge and time of the parts of an early charge, positive, shape (cells, quantities).
        batches: Batch of each cell.
    """
    from scipy.cluster.hierarchy import fcluster, linkage

    found = [""] * len(batches)
    for batch in dict.fromkeys(batches):
        own = [at for at, one in enumerate(batches) if one == batch]
        groups = [1]
        if len(own) > 1:
            groups = fcluster(linkage(np.log(early[own]), "complete"), ALIKE, "distance").tolist()
        for at, group in zip(own, groups, strict=True):
            found[at] = f"{batch}/{group}"
    return found


def dealt_by_cell(cells: Sequence[Cell], folds: int, seed: int = 0) -> Ints:
    """Fold of each cell, dealt at random within each set."""
    rng = np.random.default_rng(seed)
    fold = np.empty(len(cells), dtype=np.int64)
    for name in dict.fromkeys(cell.set_name for cell in cells):
        own = np.array([at for at, cell in enumerate(cells) if cell.set_name == name])
        fold[rng.permutation(own)] = np.arange(len(own)) % folds
    return fold


def dealt_by_condition(cells: Sequence[Cell], folds: int) -> Ints:
    """Fold of each cell so that a condition lies in one fold: the largest first, into the emptiest of its set."""
    fold = np.empty(len(cells), dtype=np.int64)
    for name in dict.fromkeys(cell.set_name for cell in cells):
        groups: dict[str, list[int]] = {}
        for at, cell in enumerate(cells):
            if cell.set_name == name:
                groups.setdefault(cell.condition, []).append(at)
        held = np.zeros(folds)
        for group in sorted(groups.values(), key=lambda some: (-len(some), some[0])):
            emptiest = int(held.argmin())
            fold[group] = emptiest
            held[emptiest] += len(group)
    return fold


def judge(
    cells: Sequence[Cell],
    lessons: Lessons,
    fold: Ints,
    origin: Callable[[FadeCurve], int | None],
    *,
    settings: FadeSettings | None = None,
    baselines: bool = True,
    tell: Callable[[], None] = lambda: None,
) -> list[Scored]:
    """Forecast each cell from its origin, by a model that was learned from the cells of the other folds.

    Args:
        cells: The cells.
        lessons: What their curves teach, in the same order.
        fold: Fold of each, shape (cells,).
        origin: From how many points on a cell is forecast; None for not at all.
        settings: How it is learned.
        baselines: Whether those are judged beside.
        tell: Called after each fold.
    """
    found = []
    for part in np.unique(fold).tolist():
        model = learn_lessons(lessons.take(np.flatnonzero(fold != part).tolist()), settings=settings)
        own = [(cells[at], count) for at in np.flatnonzero(fold == part).tolist() if (count := origin(cells[at].curve))]
        begun = [cell.curve.first(count) for cell, count in own]
        told = model.forecasts(begun, [cell.curve.at[count:] for cell, count in own])
        found += [scored(cell, count, one, baselines) for (cell, count), one in zip(own, told, strict=True)]
        tell()
    return found


def scored(cell: Cell, count: int, told: FadeForecast, baselines: bool) -> Scored:
    """What came of a cell that was forecast from its first `count` points."""
    curve, unit = cell.curve, 100.0 * cell.curve.size
    begun, truth = curve.first(count), curve.capacity[count:]
    error = unit * np.abs(told.median - truth)
    low, high = (told.capacity[LEVELS.index(level)] for level in (0.05, 0.95))
    others = BASELINES if baselines else {}
    return Scored(
        curve.name,
        cell.set_name,
        float(error.mean()),
        float(np.median(error)),
        {
            name: _median_and_mean(unit * np.abs(method(begun.at, begun.capacity, told.at) - truth))
            for name, method in others.items()
        },
        len(truth),
        inside(truth, low, high),
        inside(truth, told.capacity[LEVELS.index(0.25)], told.capacity[LEVELS.index(0.75)]),
        unit * crps(truth, told.capacity, LEVELS),
        unit * interval_score(truth, low, high, 0.1),
        _ends(curve, count, told),
        told,
    )


def _median_and_mean(errors: Floats) -> tuple[float, float]:
    return float(np.median(errors)), float(errors.mean())


def _ends(curve: FadeCurve, count: int, told: FadeForecast) -> dict[float, tuple[float, bool]]:
    """Error of the end of life at each of `ENDS`, and whether the cell was seen to end."""
    smooth = trailing_median(curve.capacity)
    found = {}
    for limit in ENDS:
        below = np.flatnonzero(smooth <= limit)
        if (len(below) and below[0] < count) or told.level <= limit:
            continue
        end = float(curve.at[below[0]] if len(below) else curve.at[-1])
        clock = float(told.reaches(limit)[LEVELS.index(0.5)])
        found[limit] = (end_error_pct(clock, end, bool(len(below))), bool(len(below)))
    return found


BRIEF = (
    *("cells", "median_err_pct", "median_mae_pct", "p90_err_pct", "coverage_90_pct", "crps_pct"),
    *("linear_median_err_pct", "last_half_median_err_pct", "smoothing_median_err_pct"),
    *("end_90_median_err_pct", "end_80_median_err_pct"),
)
"""Figures that are told of a single set."""


def by_set(found: Sequence[Scored]) -> dict[str, dict[str, Any]]:
    """The most telling figures of each set."""
    told = {}
    for name in dict.fromkeys(one.set_name for one in found):
        own = figures([one for one in found if one.set_name == name])
        told[name] = {key: own[key] for key in BRIEF if key in own}
    return told


def figures(found: Sequence[Scored]) -> dict[str, Any]:
    """Figures over some cells: of their errors, intervals, ends of life and baselines."""
    if not found:
        return {"cells": 0}
    errors = np.array([one.error_pct for one in found])
    points = np.array([one.points for one in found])
    covered, half = (np.array([getattr(one, name) for one in found]) for name in ("covered", "half"))
    told: dict[str, Any] = {
        "cells": len(found),
        "points": int(points.sum()),
        "median_err_pct": float(np.median([one.middle_pct for one in found])),
        "median_mae_pct": float(np.median(errors)),
        "mean_mae_pct": float(errors.mean()),
        # of the means, which are the larger
        "p90_err_pct": float(np.quantile(errors, 0.9)),
        "coverage_90_pct": 100.0 * float((covered * points).sum() / points.sum()),
        "coverage_90_by_cell_pct": 100.0 * float(covered.mean()),
        "coverage_50_pct": 100.0 * float((half * points).sum() / points.sum()),
        "cells_under_half_covered_pct": 100.0 * float(np.mean(covered < FEW_INSIDE)),
        "crps_pct": float(np.mean([one.crps_pct for one in found])),
        "interval_score_pct": float(np.mean([one.score_pct for one in found])),
    }
    for name in found[0].baselines_pct:
        middle, mean = np.array([one.baselines_pct[name] for one in found]).T
        told[f"{name}_median_err_pct"] = float(np.median(middle))
        told[f"{name}_median_mae_pct"] = float(np.median(mean))
        told[f"{name}_p90_err_pct"] = float(np.quantile(mean, 0.9))
    for limit in ENDS:
        some = [one.ends_pct[limit] for one in found if limit in one.ends_pct]
        seen = [error for error, ended in some if ended]
        told[f"end_{100 * limit:g}_median_err_pct"] = float(np.median([error for error, _ in some])) if some else None
        told[f"end_{100 * limit:g}_seen_median_err_pct"] = float(np.median(seen)) if seen else None
        told[f"end_{100 * limit:g}_cells"] = len(some)
        told[f"end_{100 * limit:g}_seen"] = len(seen)
    return told
