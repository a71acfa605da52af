from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np
import pytest

from twinpack.errors import LearningError, WorkspaceError
from twinpack.learn import anomaly
from twinpack.learn.anomaly import ODD, AnomalyModel, learn_anomaly
from twinpack.learn.signs import COLUMNS, SIGNS, Days, Scaling

FIRST = 20_000
VEHICLES, DAYS = 16, 60
CUT = FIRST + 40


def fleet(seed: int = 1, vehicles: int = VEHICLES, days: int = DAYS, **columns: Any) -> Days:
    """Days of a fleet of sound cells; `columns` takes the place of what is drawn."""
    chance = np.random.default_rng(seed)
    count = vehicles * days
    each = np.repeat(chance.standard_normal(vehicles), days)  # vehicles differ, and so do days
    weak_v = 0.005 + 0.0008 * each + 0.0006 * chance.standard_normal(count)
    found = {name: np.full(count, np.nan) for name in COLUMNS}
    found |= {
        "cell_rest_low_v": -weak_v,
        "cell_rest_low": np.repeat(chance.integers(1, 97, vehicles), days).astype(float),
        "cell_rest_high_v": weak_v,
        "cell_rest_high": np.full(count, 3.0),
        "cell_rest_sigma_v": np.full(count, 0.002),
        "cell_load_low_v": -1.5 * weak_v + 0.0005 * chance.standard_normal(count),
        "cell_load_low": np.full(count, 4.0),
        "cell_load_sigma_v": np.full(count, 0.003),
        "ambient_mean_c": chance.uniform(-5.0, 35.0, count),
        "temp_rise_k_kwh": 0.5 + 0.1 * chance.standard_normal(count),
        "cell_invalid_share": np.zeros(count),
    }
    names = np.repeat([f"car-{number:02d}" for number in range(vehicles)], days).astype(object)
    return Days(names, np.tile(np.arange(FIRST, FIRST + days), vehicles), found | columns)


def changed(days: Days, which: Any, **columns: Any) -> Days:
    new = {name: values.copy() for name, values in days.columns.items()}
    for name, value in columns.items():
        new[name][which] = value
    return Days(days.vehicle, days.day, new)


def learned(days: Days) -> AnomalyModel:
    return learn_anomaly(days.where(days.day <= CUT), "p")


@cache
def usual() -> tuple[Days, AnomalyModel]:
    """The plain fleet and what was learned of it."""
    days = fleet()
    return days, learned(days)


def of(days: Days, vehicle: str, since: int = CUT + 8) -> Any:
    return np.flatnonzero((days.vehicle == vehicle) & (days.day >= since))


@pytest.mark.parametrize("since", [FIRST, CUT + 1])
def test_a_weak_cell_is_odd_whether_it_was_there_from_the_start_or_came_later(since: int) -> None:
    days = fleet()
    weak = (days.vehicle == "car-05") & (days.day >= since)
    days = changed(days, weak, cell_rest_low_v=-0.025, cell_rest_low=17.0, cell_load_low_v=-0.03, cell_load_low=17.0)
    model = learned(days)
    scores = model.scores(days)
    means = {name: float(scores.score[of(days, name)].mean()) for name in np.unique(days.vehicle.astype(str)).tolist()}
    assert max(means, key=lambda name: means[name]) == "car-05"
    assert scores.odder_than[of(days, "car-05")].min() > ODD
    others = np.flatnonzero((days.vehicle != "car-05") & (days.day > CUT))
    assert scores.odder_than[others].mean() < 0.65, "and it does not make the others odd"
    first = model.reasons(days, scores, of(days, "car-05")[:1])[0]
    assert first[0].startswith(("cell 17 at rest ", "cell 17 under load ")), first
    assert len({reason.split(" below")[0].split(" further")[0] for reason in first}) == len(first)


def test_far_beyond_the_oddest_day_learned_from_is_odder_still() -> None:
    days, model = usual()
    scores = []
    for millivolts in (8.0, 15.0, 30.0):
        odd = changed(days, days.vehicle == "car-03", cell_rest_low_v=-millivolts / 1000.0)
        scores.append(float(model.scores(odd).score[of(odd, "car-03")].mean()))
    assert scores == sorted(scores)
    assert scores[2] > scores[1] + 0.02


def test_the_score_of_a_day_needs_no_later_day() -> None:
    days, model = usual()
    whole = model.scores(days)
    for last in (CUT + 1, CUT + 9):
        until = np.flatnonzero(days.day <= last)
        part = model.scores(days.where(until))
        assert part.score.tolist() == whole.score[until].tolist()
        assert part.odder_than.tolist() == whole.odder_than[until].tolist()
    later = changed(days, days.day > CUT, cell_rest_low_v=-0.1)
    assert json.dumps(learned(later).to_dict()) == json.dumps(model.to_dict())


def test_a_vehicle_is_scored_by_what_was_learned_from_others() -> None:
    days, before = usual()
    spoilt = changed(days, (days.vehicle == "car-07") & (days.day <= CUT - 12), cell_rest_low_v=-0.08)
    after = learned(spoilt)
    fold = before.folds["car-07"]
    assert after.folds == before.folds
    assert after.forests[fold].to_dict() == before.forests[fold].to_dict()
    assert after.scalings[fold].to_dict() == before.scalings[fold].to_dict()
    changed_folds = [at for at in range(4) if after.forests[at].to_dict() != before.forests[at].to_dict()]
    assert changed_folds == [at for at in range(4) if at != fold]


def test_a_vehicle_that_was_not_there_is_scored_too() -> None:
    days = fleet(vehicles=VEHICLES + 1)
    known = days.vehicle != f"car-{VEHICLES:02d}"
    model = learned(days.where(known))
    scores = model.scores(days)
    assert np.isfinite(scores.score).all()
    assert scores.score[known].tolist() == model.scores(days.where(known)).score.tolist()


def test_better_than_usual_is_usual() -> None:
    days, model = usual()
    good = changed(days, days.vehicle == "car-02", cell_rest_low_v=0.0, cell_rest_high_v=0.0, cell_load_low_v=0.0)
    scores = model.scores(good)
    assert scores.odder_than[of(good, "car-02")].max() < 0.6
    assert scores.scaled.min() == 0.0


def test_days_are_compared_with_days_as_cold() -> None:
    days = fleet()
    cold = days.columns["ambient_mean_c"] < 0.0
    wide = np.where(cold, 4.0, 1.0) * days.columns["cell_load_low_v"]
    days = changed(days, slice(None), cell_load_low_v=wide)
    model = learned(days)
    names = model.signs.index("load_low")
    scaled = model.scalings[0].scaled(days, days.values(model.signs))[:, names]
    assert abs(np.median(scaled[cold])) < 0.5
    assert abs(np.median(scaled[~cold])) < 0.5
    unknown = Scaling.of(days, days.values(("load_low",)), ("load_low",)).scaled(
        changed(days, slice(None), ambient_mean_c=np.nan), days.values(("load_low",))
    )
    assert np.median(unknown[cold[:, None]]) > 1.0, "where the temperature is not known it is odd among all days"


def test_a_model_is_kept_and_read_with_the_same_scores() -> None:
    days, model = usual()
    again = AnomalyModel.from_dict(json.loads(json.dumps(model.to_dict())))
    assert again.to_dict() == model.to_dict()
    one, two = model.scores(days), again.scores(days)
    assert (one.score.tolist(), one.odder_than.tolist()) == (two.score.tolist(), two.odder_than.tolist())
    which = np.arange(5)
    assert model.reasons(days, one, which) == again.reasons(days, two, which)


def test_a_model_of_another_release_is_refused() -> None:
    given = usual()[1].to_dict()
    for wrong in (given | {"signs": [*given["signs"][:-1], "colour"]}, given | {"window_days": 3}):
        with pytest.raises(WorkspaceError, match=r"another release.*learn anomaly"):
            AnomalyModel.from_dict(wrong)
    for wrong in (given | {"signs": given["signs"][:2]}, given | {"forests": []}):
        with pytest.raises(WorkspaceError, match="another release"):
            AnomalyModel.from_dict(wrong)
    with pytest.raises(WorkspaceError, match="cannot be read as an anomaly model"):
        AnomalyModel.from_dict({name: value for name, value in given.items() if name != "folds"})


def test_too_few_vehicles_or_days_say_what_is_missing() -> None:
    days = fleet()
    few = days.where(np.isin(days.vehicle.astype(str), [f"car-{number:02d}" for number in range(7)]))
    with pytest.raises(LearningError, match=r"pack p: 7 vehicles of 7 with 7 days of telemetry or more.*takes 8"):
        learn_anomaly(few, "p")
    with pytest.raises(LearningError, match=r"0 vehicles of 16 with 7 days .* from 2024-10-04 to 2024-10-07"):
        learn_anomaly(days.where(days.day < FIRST + 4), "p")
    with pytest.raises(LearningError, match="0 vehicles of 0 with"):
        learn_anomaly(days.where(days.day < 0), "p")
    bare = Days(days.vehicle, days.day, {name: np.full(len(days), np.nan) for name in COLUMNS})
    with pytest.raises(LearningError, match="no day tells of cells"):
        learn_anomaly(bare, "p")


def test_of_a_large_fleet_some_vehicles_are_learned_from_and_all_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    days, whole = usual()
    monkeypatch.setattr(anomaly, "MOST_DAYS", 10 * 41)
    model = learned(days)
    assert len(model.folds) == 10 and set(model.folds) < set(whole.folds)
    assert np.isfinite(model.scores(days).score).all()
    monkeypatch.setattr(anomaly, "MOST_DAYS", 1)
    assert len(learned(days).folds) == 8, "fewer would not do"


def test_blocks_of_vehicles_are_scored_as_all_at_once() -> None:
    days, model = usual()
    parts = [model.scores(some) for some in days.blocks(150)]
    assert len(parts) == VEHICLES // 2
    assert np.concatenate([part.score for part in parts]).tolist() == model.scores(days).score.tolist()
    assert [len(some) for some in days.blocks(10**9)] == [len(days)]
    assert list(days.where(slice(0, 0)).blocks(10)) == []


def test_signs_that_few_days_tell_are_not_looked_at() -> None:
    days = fleet()
    chance = np.random.default_rng(2)
    told = np.where(chance.random(len(days)) < 0.4, 5000.0, np.nan)
    assert "isolation" not in learned(changed(days, slice(None), isolation_min_kohm=told)).signs
    told = np.where(chance.random(len(days)) < 0.9, 5000.0, np.nan)
    assert "isolation" in learned(changed(days, slice(None), isolation_min_kohm=told)).signs


def test_every_sign_rises_when_something_is_wrong() -> None:
    fine = {name: np.array([1.0]) for name in COLUMNS}
    fine |= {
        name: np.array([-0.004 if "low" in name or "sag" in name else 0.004]) for name in COLUMNS if name.endswith("_v")
    }
    fine |= {
        "probe_low_k": np.array([-1.0]),
        "isolation_min_kohm": np.array([5000.0]),
        "ambient_mean_c": np.array([10.0]),
    }
    for name, sign in SIGNS.items():
        column = sign.columns[0]
        worse = fine[column] / 10.0 if column == "isolation_min_kohm" else fine[column] * 5.0
        assert sign.value(fine | {column: worse})[0] > sign.value(fine)[0], name
