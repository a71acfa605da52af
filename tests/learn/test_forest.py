from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.ensemble import IsolationForest

from twinpack.errors import WorkspaceError
from twinpack.learn.forest import Forest


def points(kind: str, rows: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    chance = np.random.default_rng(5)
    found = chance.standard_normal((rows, 6))
    if kind == "ties":
        found = np.round(found)
    if kind == "heavy":
        found = np.sinh(4.0 * found)
    if kind == "constant":
        found[:, 2] = 1.0 / 3.0
    return found


@pytest.mark.parametrize("kind", ["normal", "ties", "heavy", "constant"])
@pytest.mark.parametrize(("rows", "at_once"), [(2, 2), (3, 2), (40, 17), (700, 256)])
def test_scores_are_those_of_scikit_learn(kind: str, rows: int, at_once: int) -> None:
    grown = IsolationForest(n_estimators=30, max_samples=at_once, random_state=3).fit(points(kind, rows))
    forest = Forest.of(grown, at_once)
    asked = np.concatenate([points(kind, rows), 3.0 * points("heavy", 50), points("normal", 50)])
    np.testing.assert_allclose(forest.scores(asked), -grown.score_samples(asked), rtol=0, atol=1e-12)


def test_values_between_a_threshold_and_single_precision_fall_to_the_same_side() -> None:
    grown = IsolationForest(n_estimators=50, max_samples=64, random_state=1).fit(points("normal", 64))
    forest = Forest.of(grown, 64)
    cuts = forest.threshold[forest.feature >= 0]
    near = np.concatenate([np.nextafter(cuts, side) for side in (-np.inf, np.inf)] + [cuts])
    asked = np.repeat(near[:, None], 6, axis=1)
    np.testing.assert_allclose(forest.scores(asked), -grown.score_samples(asked), rtol=0, atol=1e-12)


def test_many_points_are_scored_as_each_alone() -> None:
    forest = Forest.grow(points("normal", 300), 20, 256, 1)
    asked = points("normal", 9000)
    whole = forest.scores(asked)
    assert whole[[0, 4096, 8999]].tolist() == [forest.scores(asked[[at]])[0] for at in (0, 4096, 8999)]


def test_the_same_seed_gives_the_same_forest_and_json_keeps_it() -> None:
    first, second, other = (Forest.grow(points("normal", 300), 20, 256, seed).to_dict() for seed in (4, 4, 5))
    assert first == second != other
    again = Forest.from_dict(json.loads(json.dumps(first)))
    assert again.to_dict() == first
    asked = points("heavy", 100)
    assert again.scores(asked).tolist() == Forest.from_dict(first).scores(asked).tolist()


def test_what_is_no_forest_is_refused() -> None:
    good = Forest.grow(points("normal", 50), 3, 50, 1).to_dict()
    for wrong in (
        {name: value for name, value in good.items() if name != "left"},
        good | {"left": [1, 2]},
        good | {"root": [10**6]},
        good | {"right": [-1] * len(good["right"])},
        good | {"threshold": "much"},
        good | {"root": [2**40]},
        good | {"root": []},
    ):
        with pytest.raises(WorkspaceError, match="trees of an anomaly model cannot be read"):
            Forest.from_dict(wrong)
