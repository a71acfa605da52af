from __future__ import annotations

import pytest

from twinpack.runtime.stages import COMMIT, FILTER, FOLD, Stages


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_an_inner_stage_is_not_counted_twice() -> None:
    clock = Clock()
    stages = Stages(clock)
    with stages.within(FOLD):
        clock.now += 2.0
        for _ in range(2):
            with stages.within(FILTER):
                clock.now += 1.0
        clock.now += 3.0
    clock.now += 50.0
    with stages.within(COMMIT):
        clock.now += 1.0
    assert stages.seconds == {FOLD: 5.0, FILTER: 2.0, COMMIT: 1.0}
    assert stages.total_s == 8.0
    assert sum(stages.shares().values()) == pytest.approx(1.0)
    assert stages.shares()[FILTER] == 0.25


def test_a_stage_that_fails_is_counted_and_left() -> None:
    clock = Clock()
    stages = Stages(clock)
    with pytest.raises(KeyError), stages.within(FOLD):
        clock.now += 2.0
        raise KeyError
    with stages.within(COMMIT):
        clock.now += 1.0
    assert stages.seconds == {FOLD: 2.0, COMMIT: 1.0}


def test_without_time_there_are_no_shares() -> None:
    assert Stages().shares() == {}
