from __future__ import annotations

import numpy as np
import pytest

from twinpack.evaluate.fade import (
    ENDS,
    Cell,
    at_clock,
    by_set,
    conditions,
    dealt_by_cell,
    dealt_by_condition,
    figures,
    first_below,
    judge,
    scored,
)
from twinpack.learn.fade_curves import FadeCurve
from twinpack.learn.fade_fit import FadeSettings, Lessons
from twinpack.learn.fade_forecast import LEVELS, FadeForecast

FEW = FadeSettings(origins=8, trees=24, sampled=12)


def cell(number: int, slope: float, end: float = 600.0, set_name: str = "A", condition: str = "c") -> Cell:
    at = np.arange(1.0, end + 1.0, 4.0)
    noise = np.random.default_rng(number).normal(0.0, 1e-4, len(at))
    return Cell(FadeCurve(f"{set_name}{number}", at, 1.0 - slope * at + noise, size=0.9), set_name, condition)


def straight(curve: FadeCurve, count: int, slope: float, width: float = 0.01) -> FadeForecast:
    """A forecast that fades by a slope from a curve's first points on, with a band of one width."""
    at, begin, now = curve.at[count:], float(curve.at[count - 1]), float(curve.capacity[count - 1])
    off = width * (np.array(LEVELS) - 0.5)
    drops = np.array([0.05, 0.1, 0.2, 0.3])
    return FadeForecast(
        at, now - slope * (at - begin) + off[:, None], begin, now, drops, np.tile(drops / slope, (7, 1))
    )


def test_errors_are_of_the_nominal_capacity_and_over_the_rest_of_the_record() -> None:
    one = cell(1, 1e-4)
    found = scored(one, 25, straight(one.curve, 25, 2e-4), True)
    off = 1e-4 * (one.curve.at[25:] - one.curve.at[24])
    assert found.points == len(one.curve.at) - 25
    assert found.error_pct == pytest.approx(100.0 * 0.9 * off.mean(), rel=0.02)
    assert found.middle_pct == pytest.approx(100.0 * 0.9 * np.median(off), rel=0.02)
    assert max(found.baselines_pct["linear"]) < 0.2


def test_a_cell_that_has_not_ended_blames_only_what_is_too_early() -> None:
    ends, lasts = cell(1, 4e-4), cell(2, 1e-4)
    of_ends = scored(ends, 25, straight(ends.curve, 25, 2e-4), False).ends_pct
    assert set(of_ends) == set(ENDS)
    assert of_ends[0.9][1]
    told = 97.0 + (0.1 - 4e-4 * 97.0) / 2e-4  # the true end is at 250, and known by a median of five points
    assert of_ends[0.9][0] == pytest.approx(100.0 * (told - 258.0) / 258.0, abs=4.0)
    of_lasts = scored(lasts, 25, straight(lasts.curve, 25, 1.1e-4), False).ends_pct
    assert of_lasts[0.9] == (0.0, False)
    early = scored(lasts, 25, straight(lasts.curve, 25, 4e-4), False).ends_pct
    assert early[0.9][0] > 30.0


def test_a_cell_past_its_end_at_the_origin_is_not_asked_for_it() -> None:
    one = cell(1, 4e-4)
    count = int(np.searchsorted(one.curve.at, 300.0))
    assert set(scored(one, count, straight(one.curve, count, 4e-4), False).ends_pct) == {0.8}


def test_origins_know_nothing_later() -> None:
    curve = cell(1, 4e-4).curve
    assert at_clock(100.0)(curve) == int((curve.at <= 100.0).sum())
    assert at_clock(1_000.0)(curve) is None
    count = first_below(0.95)(curve)
    assert count is not None
    changed = FadeCurve(curve.name, curve.at, np.where(np.arange(len(curve.at)) >= count, 2.0, curve.capacity))
    assert first_below(0.95)(changed) == count
    assert first_below(0.1)(curve) is None


def test_folds_hold_each_set_alike_and_conditions_together() -> None:
    cells = [cell(n, 1e-4, set_name="AB"[n % 2], condition=f"{n % 5}") for n in range(40)]
    by_cell, by_condition = dealt_by_cell(cells, 4), dealt_by_condition(cells, 3)
    for name in "AB":
        own = [by_cell[at] for at, one in enumerate(cells) if one.set_name == name]
        assert np.bincount(own).tolist() == [5, 5, 5, 5]
    for group in {(one.set_name, one.condition) for one in cells}:
        assert len({by_condition[at] for at, one in enumerate(cells) if (one.set_name, one.condition) == group}) == 1


def test_conditions_are_charges_alike_within_a_batch() -> None:
    early = np.array([[1.0, 100.0], [1.02, 101.0], [2.0, 100.0], [1.0, 100.0]])
    first, second, third, other = conditions(early, ["a", "a", "a", "b"])
    assert first == second
    assert len({first, third, other}) == 3


def test_cells_that_are_judged_teach_nothing() -> None:
    """A cell's own later points change nothing of what is foreseen of it."""
    slopes = np.random.default_rng(0).uniform(1e-4, 5e-4, 16)
    cells = [cell(n, slope) for n, slope in enumerate(slopes)]
    fold = dealt_by_cell(cells, 2)
    target = int(np.flatnonzero(fold == 0)[0])
    whole = cells[target].curve
    bent = FadeCurve(whole.name, whole.at, np.where(whole.at > 110.0, 0.5, whole.capacity), size=whole.size)
    told = []
    for curve in (whole, bent):
        some = [Cell(curve, "A", "c") if at == target else one for at, one in enumerate(cells)]
        lessons = Lessons.of([one.curve for one in some], 100.0, FEW.origins)
        found = judge(some, lessons, fold, at_clock(100.0), settings=FEW, baselines=False)
        told.append(next(one for one in found if one.name == whole.name).forecast.capacity)
    assert np.array_equal(told[0], told[1])


def test_figures_of_all_and_of_each_set() -> None:
    cells = [cell(n, 1e-4 * (n + 1), set_name="AB"[n % 2]) for n in range(4)]
    found = [scored(one, 25, straight(one.curve, 25, 2e-4), True) for one in cells]
    together = figures(found)
    assert together["cells"] == 4
    assert together["median_err_pct"] == pytest.approx(np.median([one.middle_pct for one in found]))
    assert together["median_mae_pct"] == pytest.approx(np.median([one.error_pct for one in found]))
    assert together["cells_under_half_covered_pct"] >= 50.0
    assert together["end_90_cells"] == 4
    assert set(by_set(found)) == {"A", "B"}
    assert figures([]) == {"cells": 0}
