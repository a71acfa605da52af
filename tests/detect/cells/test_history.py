"""A cell against its own history."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.detect.cells.made import DAY, Life, alarms
from twinpack.detect.findings import Finding


def shifts(found: list[Finding]) -> list[Finding]:
    return [one for one in found if one.code == "TP-CELL-SHIFT"]


@pytest.mark.parametrize("offset", [-0.010, 0.010])
def test_a_channel_that_reads_10_mv_off_is_found_within_two_days(offset: float) -> None:
    found = Life(days=26, offset={4: offset}, from_day=20).found()
    assert alarms(found) == {("TP-CELL-SHIFT", "cell 5")}
    told = next(one for one in found if one.level == "alarm")
    assert told.time_us <= 22 * DAY * 1e6
    assert abs(told.since_us - 20 * DAY * 1e6) <= 0.5 * DAY * 1e6
    assert told.evidence["deviation_mv"] == pytest.approx(1e3 * offset, abs=1.5)
    assert told.evidence["direction"] == ("up" if offset > 0 else "down")


def test_a_wide_pack_hides_a_shift_from_the_fleet_but_not_from_its_own_history() -> None:
    wide = Life(days=30, spread_v=0.012, imbalance={6: -0.03})
    assert wide.found() == []
    found = replace(wide, offset={4: 0.015}, from_day=20).found()
    assert {(one.code, one.subject) for one in found} == {("TP-CELL-SHIFT", "cell 5")}


@pytest.mark.parametrize("seed", range(4))
def test_a_healthy_pack_is_left_alone(seed: int) -> None:
    assert Life(days=70, seed=seed).found() == []


def test_history_is_learned_first() -> None:
    found = Life(days=9, offset={4: 0.010}, from_day=6).found()
    assert shifts(found) == []


def test_a_shift_is_told_once_and_stays() -> None:
    found = shifts(Life(days=60, offset={4: -0.010}, from_day=20).found())
    assert [one.change for one in found].count("gone") == 0
    assert [one.level for one in found][-1] == "alarm"
    assert len(found) <= 2
