from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from twinpack.errors import LearningError
from twinpack.learn.fade import FadeModel, learn_fade
from twinpack.learn.fade_curves import FadeCurve
from twinpack.learn.fade_fit import FadeSettings, Lessons
from twinpack.learn.fade_forecast import LEVELS

Floats = npt.NDArray[np.float64]

FEW = FadeSettings(origins=8, trees=24, sampled=12)


def kneed(knee: float, end: float, *, number: int = 0, noise: float = 2e-4, early: float = 1e-4) -> FadeCurve:
    """A curve that fades slowly until its knee and ten times as fast after it; its early slope tells of its knee."""
    rng = np.random.default_rng(number)
    at = np.arange(1.0, end + 1.0, 4.0)
    slope = early * 300.0 / knee
    capacity = 1.0 - slope * at - 9.0 * slope * np.maximum(at - knee, 0.0)
    return FadeCurve(f"c{number}", at, capacity + rng.normal(0.0, noise, len(at)))


def fleet(count: int = 24, seed: int = 1, until: float = 0.8) -> list[FadeCurve]:
    """Curves whose knees lie between 200 and 600."""
    knees = np.random.default_rng(seed).uniform(200.0, 600.0, count)
    return [kneed(knee, 2.0 * knee, number=number) for number, knee in enumerate(knees)]


def ended(curve: FadeCurve, clock: float) -> FadeCurve:
    return curve.first(int(np.searchsorted(curve.at, clock)))


@pytest.fixture(scope="module")
def model() -> FadeModel:
    return learn_fade(fleet(), age=100.0, settings=FEW)


def test_a_knee_is_foreseen_that_has_not_begun(model: FadeModel) -> None:
    curve = kneed(400.0, 700.0, number=99)
    begun = ended(curve, 100.0)
    later = curve.at[curve.at > 100.0]
    told = model.forecast(begun, later)
    truth = curve.capacity[curve.at > 100.0]
    straight = np.polyval(np.polyfit(begun.at, begun.capacity, 1), later)
    assert np.abs(told.median - truth).mean() < 0.3 * np.abs(straight - truth).mean()
    knee = told.knee()
    assert knee is not None
    assert 300.0 < knee < 520.0


def test_quantiles_are_in_order_and_wider_later(model: FadeModel) -> None:
    told = model.forecast(ended(kneed(300.0, 500.0, number=98), 100.0), np.arange(101.0, 500.0, 10.0))
    assert (np.diff(told.capacity, axis=0) >= 0.0).all()
    assert (np.diff(told.times, axis=0) >= 0.0).all()
    assert (np.diff(told.times, axis=1) > 0.0).all()
    width = told.capacity[-1] - told.capacity[0]
    assert width[20] > width[1]


def test_intervals_cover_other_curves(model: FadeModel) -> None:
    inside = []
    for curve in fleet(30, seed=7):
        later = curve.at > 100.0
        told = model.forecast(ended(curve, 100.0), curve.at[later])
        inside.append(
            np.mean((curve.capacity[later] >= told.capacity[0]) & (curve.capacity[later] <= told.capacity[-1]))
        )
    assert 0.8 < np.mean(inside) <= 1.0


def test_the_time_of_a_level_is_where_the_course_comes_to_it(model: FadeModel) -> None:
    begun = ended(kneed(350.0, 700.0, number=97), 100.0)
    told = model.forecast(begun, np.arange(101.0, 800.0))
    goal = told.level - 0.05
    clock = told.reaches(goal)
    assert (np.diff(clock) >= 0.0).all()
    middle = clock[LEVELS.index(0.5)]
    assert np.interp(middle, told.at, told.median) == pytest.approx(goal, abs=1e-3)
    assert (told.reaches(told.level + 0.01) == told.begin).all()
    assert np.isinf(told.reaches(0.0)).all()


def test_below_what_was_learned_it_stays_or_goes_on(model: FadeModel) -> None:
    begun = ended(kneed(300.0, 700.0, number=96), 100.0)
    far = np.array([5_000.0, 10_000.0])
    stays, goes = model.forecast(begun, far), model.forecast(begun, far, beyond=True)
    assert stays.median == pytest.approx(stays.level - model.drops[-1], abs=2e-3)
    assert goes.median[1] < goes.median[0] < stays.median[0]


def test_records_that_ended_early_teach_no_shorter_life() -> None:
    """Half of the fleet was taken away at 220: what is known of it is only that it lived until then."""
    whole = fleet(40, seed=3)
    cut = [ended(curve, 220.0) if number % 2 else curve for number, curve in enumerate(whole)]
    later = np.arange(101.0, 900.0, 5.0)
    target = ended(kneed(550.0, 900.0, number=95), 100.0)
    of_whole, of_cut = (learn_fade(some, age=100.0, settings=FEW).forecast(target, later) for some in (whole, cut))
    goal = of_whole.level - 0.08
    wanted, found = (one.reaches(goal)[LEVELS.index(0.5)] for one in (of_whole, of_cut))
    assert found > 0.85 * wanted


def test_a_longer_clock_unit_changes_nothing() -> None:
    """Cycles or months: the same course on the other clock."""
    curves = fleet(14, seed=5)
    slower = [FadeCurve(one.name, one.at / 30.0, one.capacity) for one in curves]
    target = ended(kneed(400.0, 700.0, number=94), 100.0)
    later = np.arange(110.0, 700.0, 10.0)
    here = learn_fade(curves, age=100.0, settings=FEW).forecast(target, later)
    there = learn_fade(slower, age=100.0 / 30.0, settings=FEW).forecast(
        FadeCurve("x", target.at / 30.0, target.capacity), later / 30.0
    )
    assert np.abs(here.median - there.median).mean() < 0.02


def test_it_is_the_same_after_it_was_stored(model: FadeModel) -> None:
    again = FadeModel.from_dict(json.loads(json.dumps(model.to_dict())))
    begun, later = ended(kneed(350.0, 700.0, number=93), 100.0), np.arange(110.0, 600.0, 7.0)
    assert np.array_equal(again.forecast(begun, later).capacity, model.forecast(begun, later).capacity)


def test_the_same_curves_give_the_same_model() -> None:
    some = fleet(10, seed=2)
    one, two = (learn_fade(some, age=100.0, settings=FEW).to_dict() for _ in range(2))
    assert one == two


def test_lessons_of_some_are_those_of_all_taken() -> None:
    some = fleet(10, seed=2)
    taken, alone = Lessons.of(some, 100.0, 8).take([1, 4, 7]), Lessons.of([some[at] for at in (1, 4, 7)], 100.0, 8)
    assert np.array_equal(taken.told, alone.told)
    assert np.array_equal(taken.curve, alone.curve)
    assert [one.name for one in taken.curves] == [one.name for one in alone.curves]


def test_quantities_beside_capacity_are_read_and_may_be_missing() -> None:
    rng = np.random.default_rng(0)
    curves = []
    for number, knee in enumerate(rng.uniform(200.0, 600.0, 24)):
        plain = kneed(300.0, 2.0 * knee, number=number)
        capacity = 1.0 - 1e-4 * plain.at - 1e-3 * np.maximum(plain.at - knee, 0.0)
        curves.append(replace(plain, capacity=capacity, extras={"time": np.full(len(plain.at), knee)}))
    model = learn_fade(curves, age=100.0, settings=FEW)
    early, late = (
        model.forecast(replace(ended(curves[0], 100.0), extras={"time": np.full(25, knee)}), np.array([500.0]))
        for knee in (250.0, 550.0)
    )
    assert early.median[0] < late.median[0] - 0.05
    unknown = model.forecast(replace(ended(curves[0], 100.0), extras={}), np.array([500.0]))
    assert np.isfinite(unknown.capacity).all()


@pytest.mark.parametrize(
    ("curves", "words"),
    [
        ([], "0 curves"),
        (fleet(3), "3 curves are long enough"),
        ([FadeCurve(f"f{n}", np.arange(1.0, 60.0), np.ones(59)) for n in range(8)], "have dropped by 0.5 %"),
        ([FadeCurve(f"s{n}", np.arange(1.0, 5.0), np.ones(4)) for n in range(8)], "none of 8 curves"),
    ],
)
def test_too_little_is_refused_with_what_is_missing(curves: list[FadeCurve], words: str) -> None:
    with pytest.raises(LearningError, match=words):
        learn_fade(curves, settings=FEW)


def test_a_short_curve_is_refused(model: FadeModel) -> None:
    with pytest.raises(LearningError, match="c1: 3 points"):
        model.forecast(kneed(300.0, 9.0, number=1), np.array([20.0]))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": 9}, "format 9"),
        ({"drops": [0.1]}, "do not fit"),
        ({"widths": "x"}, "not a fade model"),
        ({"centre": {}}, "cannot be read"),
    ],
)
def test_what_is_no_model_is_refused(model: FadeModel, change: dict[str, object], words: str) -> None:
    with pytest.raises(LearningError, match=words):
        FadeModel.from_dict({**model.to_dict(), **change})
