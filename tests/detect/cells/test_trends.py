"""Capacity, resistance and self-discharge of single cells."""

from __future__ import annotations

import pytest

from tests.detect.cells.made import DAY, Life, alarms
from twinpack.detect.findings import Finding


def of(found: list[Finding], code: str) -> list[Finding]:
    return [one for one in found if one.code == code]


def test_a_cell_of_three_percent_less_capacity_is_found_with_its_figure() -> None:
    found = Life(days=40, capacity={4: 0.03}).found()
    (told,) = (one for one in of(found, "TP-CELL-CAPACITY") if one.level == "alarm")
    assert told.subject == "cell 5"
    assert told.evidence["capacity_lack_pct"] == pytest.approx(3.0, abs=0.4)
    assert told.evidence["t"] > 6.0


def test_a_cell_of_one_percent_less_is_honest() -> None:
    assert of(Life(days=60, capacity={4: 0.01}).found(), "TP-CELL-CAPACITY") == []


def test_a_cell_of_more_resistance_is_found_with_its_figure() -> None:
    found = Life(days=30, resistance={4: 0.25}).found()
    (told,) = (one for one in of(found, "TP-CELL-RESISTANCE") if one.level == "alarm")
    assert told.subject == "cell 5"
    assert told.evidence["resistance_mv_per_c"] == pytest.approx(0.25 * 120.0, abs=2.0)


@pytest.mark.parametrize("leak", [0.0006, 0.0015])
def test_a_leaking_cell_is_found_with_its_rate(leak: float) -> None:
    found = Life(days=60, leak={4: leak}, from_day=15).found()
    told = [one for one in of(found, "TP-SELFDIS") if one.level == "alarm"]
    assert {one.subject for one in told} == {"cell 5"}
    assert told[0].time_us <= 45 * DAY * 1e6
    # told while healthy days are still remembered, the rate is the lower bound of what it is
    assert 0.4 * leak < 0.01 * told[0].evidence["loss_pct_per_day"] < 1.2 * leak


def test_a_step_is_no_self_discharge() -> None:
    assert of(Life(days=50, offset={4: -0.012}, from_day=20).found(), "TP-SELFDIS") == []


def test_the_plateau_of_lfp_tells_of_no_self_discharge_and_no_capacity() -> None:
    found = Life(days=60, leak={4: 0.0006}, from_day=15, pack="lfp_104s").found()
    assert of(found, "TP-SELFDIS") == of(found, "TP-CELL-CAPACITY") == []
    assert Life(days=60, pack="lfp_104s").found() == []


def test_two_faults_are_told_apart() -> None:
    found = Life(days=40, resistance={2: 0.3}, capacity={9: 0.04}).found()
    assert {("TP-CELL-RESISTANCE", "cell 3"), ("TP-CELL-CAPACITY", "cell 10")} <= alarms(found)
    assert ("TP-CELL-CAPACITY", "cell 3") not in alarms(found)
    assert ("TP-CELL-RESISTANCE", "cell 10") not in alarms(found)
