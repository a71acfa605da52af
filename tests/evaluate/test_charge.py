"""A wrong start is found where model and cell agree, and what counts as a start is as it is told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.learn.drives import TRUTH, run
from twinpack.battery.thevenin import Start, Thevenin
from twinpack.evaluate.charge import AFTER_S, JUDGED_S, WRONG, WrongStart, find_charge, wrong_starts
from twinpack.learn.prototype import TrainingTrip

MODEL = Thevenin(replace(TRUTH, alpha=0.4, start=Start(load_c_rate=0.4)))


@pytest.fixture(scope="module")
def starts() -> list[WrongStart]:
    rng = np.random.default_rng(5)
    time = 10.0 * np.arange(500, dtype=np.float64)
    current = -np.repeat(60.0 * rng.uniform(0.1, 0.9, 125), 4)
    current[0] = 0.0
    mean = 0.5 * (current[1:] + current[:-1]) * 10.0 / 3600.0 / TRUTH.capacity_ah
    truth = 1.0 + np.concatenate([[0.0], np.cumsum(mean)])
    volts = run(TRUTH, time, current[:, None], np.full((500, 1), 20.0), np.ones(1))[:, 0]
    return wrong_starts(TrainingTrip("cell", time, volts, current, np.full(500, 20.0), 1.0), truth, TRUTH.capacity_ah)


def test_starts_are_wrong_by_twenty_points_and_leave_time_to_judge(starts: list[WrongStart]) -> None:
    assert [one.rested for one in starts][:2] == [True, False]
    for one in starts:
        assert abs(one.told - one.truth[one.first]) == pytest.approx(WRONG) and 0.0 <= one.told <= 1.0
        assert one.trip.time_s[-1] - one.trip.time_s[one.first] >= AFTER_S + JUDGED_S
    assert {np.sign(one.told - one.truth[one.first]) for one in starts if not one.rested} == {-1.0, 1.0}


@pytest.mark.slow
def test_the_filter_finds_the_charge_from_every_start(starts: list[WrongStart]) -> None:
    found = find_charge(MODEL, starts)
    assert len(found) == len(starts) > 5 and not any(one.diverged for one in found)
    assert max(one.rmse for one in found) < 0.02 and max(one.worst for one in found) < 0.05
    assert np.mean([one.coverage for one in found]) > 0.9
    assert find_charge(MODEL, []) == []
