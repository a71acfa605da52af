"""Networks are judged by groups that they have not seen; dead and diverged ones are tried again, then refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from twinpack.errors import LearningError
from twinpack.learn import regression
from twinpack.learn.regression import NetworkSettings, Task, evaluate, fit, is_alive, parts, train

SETTINGS = NetworkSettings(hidden=(4,), penalties=(1.0,), iterations=60)
ADVICE = "learn something else"


def task(noise: float = 0.01, groups: int = 4) -> Task:
    rng = np.random.default_rng(1)
    x = rng.uniform(-1.0, 1.0, (400, 2)) * (1.0, 50.0)
    y = np.sin(2.0 * x[:, 0]) + 0.01 * x[:, 1] + noise * rng.standard_normal(400)
    return Task(("soc", "current_a"), (0.01, 1.0), x, y, np.arange(400) % groups)


def test_it_holds_on_groups_that_it_has_not_seen() -> None:
    trained = train(task(), SETTINGS, "this", ADVICE)
    assert len(trained.judges) == 4
    for group, judge in enumerate(trained.judges):
        mine = task().rows(task().group == group)
        assert np.std(evaluate(judge, mine.inputs) - mine.target) < 0.1


def test_a_judge_knows_nothing_of_its_group_not_even_its_range_or_scale() -> None:
    one = task()
    wild = one.group == 2
    far = replace(one, inputs=np.where(wild[:, None], 30.0 * one.inputs, one.inputs))
    np.testing.assert_array_equal(
        train(far, SETTINGS, "this", ADVICE).judges[2].network.weights[0],
        train(one, SETTINGS, "this", ADVICE).judges[2].network.weights[0],
    )


def test_the_frozen_network_says_what_the_graph_computes() -> None:
    network = fit(task(), SETTINGS, 1.0, 0)
    inputs = np.array([[0.3, 20.0], [-5.0, 400.0]])
    found = [network({"soc": soc, "current_a": amps}) for soc, amps in inputs]
    np.testing.assert_allclose(evaluate(network, inputs), found, rtol=1e-12)


def test_whole_groups_are_left_out_in_as_many_parts_as_there_are_folds() -> None:
    groups = np.repeat(np.arange(7), 3)
    dealt = parts(groups, 3)
    assert len(dealt) == 3 and np.sum(dealt, axis=0).tolist() == [1] * 21
    assert all(len({bool(part[groups == one].all()), bool(part[groups == one].any())}) == 1
               for part in dealt for one in range(7))  # fmt: skip


@pytest.mark.parametrize(
    ("guess", "alive"),
    [
        ("target", True),
        ("zero", False),
        ("nan", False),
        ("far", False),
    ],
)
def test_dead_and_diverged_outputs_are_told(guess: str, alive: bool) -> None:
    target = np.sin(np.arange(50.0))
    outputs = {"target": target, "zero": 0.0 * target, "nan": np.nan * target, "far": 1e9 * target}
    assert is_alive(outputs[guess], target) is alive


def test_a_dead_seed_is_tried_again_with_another(monkeypatch: pytest.MonkeyPatch) -> None:
    def first_dies(what: Task, settings: NetworkSettings, penalty: float, seed: int) -> Any:
        network = fit(what, settings, penalty, seed)
        return network if seed else replace(network, network=replace(network.network, output_scale=0.0))

    monkeypatch.setattr(regression, "fit", first_dies)
    assert train(task(), SETTINGS, "this", ADVICE).seed == 1
    with pytest.raises(LearningError, match=r"this: 1 network trained, dead.* learn something else"):
        train(task(), replace(SETTINGS, seeds=(0,)), "this", ADVICE)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (task(groups=1), "raise --trips first:N"),
        (task().rows(np.arange(400) < 40), "40 measured steps"),
        (replace(task(), target=np.full(400, np.nan)), "not finite"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(given: Task, told: str) -> None:
    with pytest.raises(LearningError, match=told):
        train(given, SETTINGS, "this", ADVICE)
