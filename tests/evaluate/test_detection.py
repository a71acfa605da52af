"""Findings against the truth: what counts as found, what as false."""

from __future__ import annotations

from typing import Any

import pytest

from twinpack.evaluate.detection import CODES, Fault, Told, joined, score
from twinpack.simulate.faults.kinds import KINDS

DAY = 86_400_000_000
HOUR = 3_600_000_000
WEAK = Fault("A", "weak_cell", "cell 7", 100 * DAY)


def told(vehicle: str = "A", code: str = "TP-CELL-LOW", subject: str = "cell 7", **changes: Any) -> Told:
    given: dict[str, Any] = {"category": "battery", "change": "raised", "level": "alarm", "time_us": 101 * DAY}
    return Told(vehicle, code, subject, **(given | changes))


def test_every_kind_that_is_injected_can_be_told() -> None:
    assert set(CODES) == {kind.name for kind in KINDS}


def test_an_alarm_on_the_right_cell_after_onset_finds_the_fault() -> None:
    result = score([WEAK], [told()], 2.0)
    kind = result.kinds["weak_cell"]
    assert (kind.injected, kind.found, kind.recall_pct, kind.delay_h, kind.lead_h) == (1, 1, 100.0, 24.0, None)
    assert (result.recall_pct, result.precision_pct, result.false_alarms_per_vehicle_year) == (100.0, 100.0, 0.0)
    assert (result.missed, result.false) == ((), ())


@pytest.mark.parametrize(
    "wrong",
    [
        {"subject": "cell 8"},
        {"time_us": 99 * DAY},
        {"vehicle": "B"},
        {"code": "P0AA6", "subject": ""},
        {"code": "TP-PROBE", "subject": "probe 7"},
    ],
)
def test_any_other_alarm_finds_nothing_and_is_false(wrong: dict[str, Any]) -> None:
    result = score([WEAK], [told(**wrong)], 2.0)
    assert (result.recall_pct, result.precision_pct, result.false_alarms_per_vehicle_year) == (0.0, 0.0, 0.5)
    assert result.missed == (WEAK,)
    assert (result.false_battery, result.false_data) == (1, 0)


def test_a_watch_neither_finds_nor_is_false() -> None:
    result = score([WEAK], [told(level="watch"), told(vehicle="B", level="watch")], 1.0)
    assert (result.recall_pct, len(result.false)) == (0.0, 0)


@pytest.mark.parametrize("change", ["pending", "passed", "gone"])
def test_only_what_is_raised_counts(change: str) -> None:
    result = score([WEAK], [told(change=change), told(vehicle="B", change=change)], 1.0)
    assert (result.recall_pct, len(result.false)) == (0.0, 0)


def test_a_sensor_fault_is_found_by_a_watch_on_the_sensor_but_not_on_the_battery() -> None:
    drift = Fault("A", "probe_drift", "probe 3", 100 * DAY)
    watch = told(code="TP-PROBE", subject="probe 3", category="sensor", level="watch")
    assert score([drift], [watch], 1.0).recall_pct == 100.0
    assert score([WEAK], [told(category="sensor", level="watch")], 1.0).recall_pct == 0.0
    channel = Fault("A", "cell_sensor_drift", "cell 7", 100 * DAY)
    assert score([channel], [told(level="watch")], 1.0).recall_pct == 0.0
    assert score([channel], [told()], 1.0).recall_pct == 100.0


def test_a_dead_channel_taken_for_a_weak_cell_is_a_false_alarm() -> None:
    dead = Fault("A", "dead_channel", "cell 7", 100 * DAY)
    result = score([dead], [told(), told(code="P0B3C", subject="", category="sensor")], 1.0)
    assert (result.recall_pct, result.precision_pct, result.false_by_code) == (100.0, 50.0, {"TP-CELL-LOW": 1})


def test_an_alarm_of_the_whole_pack_may_tell_of_a_cell() -> None:
    assert score([WEAK], [told(code="P0BBE", subject="")], 1.0).recall_pct == 100.0


def test_heat_is_felt_by_other_probes_too() -> None:
    hot = Fault("A", "thermal_runaway", "cell 7", 100 * DAY, limit_us=101 * DAY + HOUR)
    result = score([hot], [told(code="TP-PROBE", subject="probe 2", category="sensor"), told()], 1.0)
    assert (result.kinds["thermal_runaway"].lead_h, result.precision_pct) == (1.0, 100.0)


def test_lead_is_the_time_to_the_first_hard_limit() -> None:
    short = Fault("A", "internal_short", "cell 7", 100 * DAY, limit_us=150 * DAY)
    limit = told(code="P0DE6", subject="", time_us=111 * DAY)
    assert score([short], [told(), limit], 1.0).kinds["internal_short"].lead_h == 240.0
    assert score([short], [limit], 1.0).kinds["internal_short"].lead_h == 0.0
    assert score([short], [told()], 1.0).kinds["internal_short"].lead_h == 49 * 24.0


def test_repeated_raises_are_one_alarm_until_it_is_gone() -> None:
    again = [told(), told(change="passed"), told(), told(change="gone"), told(time_us=105 * DAY)]
    assert [one.time_us for one in joined(again)] == [101 * DAY, 105 * DAY]
    rising = [told(level="watch"), told(level="watch"), told(), told(level="watch"), told()]
    assert [one.level for one in joined(rising)] == ["watch", "alarm"]
    assert len(score([], [*again, told(code="P0BBE")], 1.0).false) == 3


def test_silence_is_no_false_alarm_where_a_vehicle_was_silent() -> None:
    lost = told(code="U0111", subject="", category="data")
    assert score([], [lost], 1.0).false_data == 1
    assert score([], [lost], 1.0, {"A": [(101 * DAY + 60_000_000, 102 * DAY)]}).false_data == 0
    assert score([], [lost], 1.0, {"A": [(110 * DAY, 111 * DAY)], "B": [(101 * DAY, 102 * DAY)]}).false_data == 1


def test_nothing_injected_has_no_recall() -> None:
    result = score([], [], 1.0)
    assert result.recall_pct != result.recall_pct
    assert result.precision_pct != result.precision_pct
    assert result.false_alarms_per_vehicle_year == 0.0
