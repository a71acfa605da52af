"""The life of a trouble code: check values of ISO 14229, healing, ageing, clearing, changes of the rules."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.detect.codes import made
from tests.detect.codes.made import PACK, START, pack_rules, rule, run, steady
from twinpack.detect.codes import CodesState, cleared, counters, ended_by_rules, listed, moved
from twinpack.detect.findings import Finding
from twinpack.detect.rules import PackRules, parse_rules

BAD, GOOD = {"cell_v_max": 4.3}, {"cell_v_max": 4.0}
DAY = 86_400.0


def changes(findings: list[Finding]) -> list[str]:
    return [f"gone: {one.evidence['because']}" if one.change == "gone" else one.change for one in findings]


def drive(day: float, seconds: float = 60, period: float = 1, **values: float) -> list[made.Row]:
    """A drive, `day` days after the start: an operation cycle of its own."""
    return steady(seconds, period, start=day * DAY, pack_current_a=-50.0, speed_kmh=50.0, **values)


def status(rules: PackRules, rows: list[made.Row]) -> int:
    return int(run(rules, rows)[0].status[0, 0])


SEVERE = pack_rules(rule(severity=3, lamp=True))
TWO_TRIPS = pack_rules(rule(severity=1, n_confirm=2))


# --- check values of the status byte ---------------------------------------------------------------------------------


def test_nothing_known_is_0x50() -> None:
    assert CodesState.empty(1, rules=1).status.tolist() == [[0x50]]
    assert status(SEVERE, drive(0, seconds=3, **GOOD)) == 0x50  # two seconds of three


def test_healthy_after_one_passed_test_is_0x00() -> None:
    assert status(SEVERE, drive(0, **GOOD)) == 0x00


def test_the_first_failure_in_the_first_cycle_is_0x27() -> None:
    state, findings = run(TWO_TRIPS, drive(0, **BAD))
    assert state.status[0, 0] == 0x27
    assert changes(findings) == ["pending"]


def test_confirmed_with_the_lamp_and_active_is_0xaf() -> None:
    state, findings = run(SEVERE, drive(0, **BAD))
    assert state.status[0, 0] == 0xAF
    assert changes(findings) == ["raised"]


def test_confirmed_in_a_new_cycle_that_is_not_yet_tested_is_0xec() -> None:
    rows = drive(0, **BAD) + drive(0.001, **GOOD) + drive(1, seconds=1, **GOOD)
    assert status(SEVERE, rows) == 0xEC


def test_pending_drops_after_a_tested_cycle_without_a_failure() -> None:
    rows = drive(0, **BAD) + drive(0.001, **GOOD) + drive(1, **GOOD)
    assert status(SEVERE, rows) == 0xAC  # this cycle passed; it has not ended yet
    assert status(SEVERE, rows + drive(2, **GOOD)) == 0xA8


def test_a_passed_test_turns_off_bit_0_alone() -> None:
    rows = drive(0, **BAD) + drive(0.001, **GOOD)
    state, findings = run(SEVERE, rows)
    assert state.status[0, 0] == 0xAE
    assert changes(findings) == ["raised", "passed"]


# --- the fault detection counter -------------------------------------------------------------------------------------


def fdc(rules: PackRules, rows: list[made.Row]) -> int:
    return int(counters(run(rules, rows)[0], rules)[0, 0])


def test_three_seconds_at_ten_hertz() -> None:
    """By time: floor(127 t / 3 s), 127 with the sample at three seconds."""
    for samples, expected in ((1, 0), (2, 4), (16, 63), (26, 105), (30, 122), (31, 127), (40, 127)):
        assert fdc(SEVERE, steady(samples / 10, 0.1, **BAD)) == expected
        assert bool(run(SEVERE, steady(samples / 10, 0.1, **BAD))[1]) == (samples >= 31)


def test_passing_counts_down_to_128() -> None:
    assert fdc(SEVERE, steady(1, 1, **GOOD)) == 0
    assert fdc(SEVERE, steady(2, 1, **GOOD)) == -42
    assert fdc(SEVERE, steady(4, 1, **GOOD)) == -128


def test_a_pass_starts_again_from_zero() -> None:
    rows = steady(3, 1, **BAD) + steady(1, 1, start=3, **GOOD)
    assert fdc(SEVERE, rows) == 0
    assert fdc(SEVERE, [*rows, *steady(3, 1, start=4, **BAD)]) == 84
    assert changes(run(SEVERE, [*rows, *steady(4, 1, start=4, **BAD)])[1]) == ["raised"]


def test_what_is_unknown_freezes_it() -> None:
    rows = steady(3, 1, **BAD) + steady(5, 1, start=3)
    assert fdc(SEVERE, rows) == 84
    # The value stood all the while, so that the next failing sample makes it seven seconds.
    assert changes(run(SEVERE, [*rows, *steady(1, 1, start=8, **BAD)])[1]) == ["raised"]


def test_a_value_stands_for_a_minute_at_most() -> None:
    slow = pack_rules(rule(debounce_s=130))
    rows = [(0, START + at * 600, START + at * 600, BAD) for at in range(4)]
    assert not run(slow, rows[:3])[1]  # two gaps of ten minutes count 120 s
    found = run(slow, rows)[1]
    assert changes(found) == ["raised"]
    assert found[0].time_us == made.microseconds(rows[3][1])


def test_a_test_that_did_not_run_counts_nothing_in_between() -> None:
    quiet = pack_rules(rule(debounce_s=10, when="abs(pack_current_a) < 1"))
    at_rest, loaded = {**BAD, "pack_current_a": 0.0}, {**BAD, "pack_current_a": -100.0}
    rows = steady(6, 1, **at_rest) + steady(20, 1, start=6, **loaded) + steady(1, 1, start=26, **at_rest)
    assert fdc(quiet, rows) == 127 * 5 // 10
    assert changes(run(quiet, [*rows, *steady(5, 1, start=27, **at_rest)])[1]) == ["raised"]


def test_no_debounce_trips_with_the_first_sample() -> None:
    found = run(pack_rules(rule(debounce_s=0)), steady(1, 1, **BAD))[1]
    assert changes(found) == ["raised"]


def test_a_long_silence_before_a_new_cycle_resets_it() -> None:
    slow = pack_rules(rule(debounce_s=30))
    rows = drive(0, seconds=25, **BAD)
    assert fdc(slow, rows) == 127 * 24 // 30
    assert fdc(slow, rows + drive(1, seconds=1, **BAD)) == 0
    assert fdc(slow, rows + drive(1, seconds=4, **BAD)) == 127 * 3 // 30


# --- the same at any sampling rate -----------------------------------------------------------------------------------


@pytest.mark.parametrize("debounce_s", [0, 3, 10, 60, 300])
@pytest.mark.parametrize("offset_s", [0, 1, 7, 29])
def test_what_lasts_is_found_at_any_rate(debounce_s: int, offset_s: int) -> None:
    """A fault that lasts for the debounce and two periods: found at 1, 10 and 30 s, and gone again likewise."""
    rules = pack_rules(rule(debounce_s=debounce_s, severity=2))
    for period in (1, 10, 30):
        onset = 600 + offset_s
        until = onset + debounce_s + 2 * period
        times = np.arange(0, until + debounce_s + 4 * period, period)
        rows = [(0, START + t, START + t, BAD if onset <= t < until else GOOD) for t in times.tolist()]
        found = run(rules, rows)[1]
        assert changes(found) == ["raised", "passed"]
        assert onset <= found[0].since_us / 1e6 - START < onset + period
        assert found[0].time_us / 1e6 - START <= onset + debounce_s + 2 * period


@pytest.mark.parametrize("period", [1, 10, 30])
def test_one_odd_sample_is_no_fault_at_any_rate(period: int) -> None:
    rows = steady(600, period, **GOOD)
    rows[len(rows) // 2] = (*rows[len(rows) // 2][:3], BAD)
    assert run(SEVERE, rows)[1] == []


# --- pending, confirmed, healed, aged --------------------------------------------------------------------------------


def test_a_pending_code_is_confirmed_in_the_second_cycle_in_which_it_fails() -> None:
    rows = drive(0, **BAD) + drive(1, **BAD) + drive(2, **BAD)
    state, findings = run(TWO_TRIPS, rows)
    assert changes(findings) == ["pending", "raised"]
    assert [one.occurrence for one in findings] == [0, 1]
    assert findings[1].time_us > made.microseconds(START + DAY)
    assert state.status[0, 0] == 0x2F  # no lamp with severity 1


def test_a_pending_code_drops_after_a_good_cycle_and_begins_anew() -> None:
    rows = drive(0, **BAD) + drive(1, **GOOD) + drive(2, **BAD) + drive(3, **BAD)
    findings = run(TWO_TRIPS, rows)[1]
    assert changes(findings) == ["pending", "gone: never confirmed", "pending", "raised"]


def test_severity_3_is_confirmed_at_once_whatever_is_asked() -> None:
    assert changes(run(pack_rules(rule(severity=3, n_confirm=5)), drive(0, **BAD))[1]) == ["raised"]


def test_a_cycle_in_which_the_test_did_not_finish_neither_heals_nor_drops() -> None:
    rows = drive(0, **BAD) + [row for day in range(1, 9) for row in drive(day, seconds=2, **GOOD)]
    assert changes(run(TWO_TRIPS, rows)[1]) == ["pending"]


def healing(n_heal: int = 2, n_age: int = 3) -> PackRules:
    return pack_rules(rule(severity=3, n_heal=n_heal, n_age=n_age))


def test_it_heals_then_ages() -> None:
    rows = drive(0, **BAD)
    told: list[tuple[int, list[str]]] = []
    for day in range(1, 8):
        rows += drive(day, **GOOD)
        state, findings = run(healing(), rows)
        told.append((int(state.status[0, 0]), changes(findings)[1:]))
    assert told == [
        (0xAC, ["passed"]),
        (0xA8, ["passed"]),
        (0x28, ["passed", "gone: healed"]),
        (0x28, ["passed", "gone: healed"]),
        (0x28, ["passed", "gone: healed"]),
        (0x20, ["passed", "gone: healed", "gone: aged"]),
        (0x20, ["passed", "gone: healed", "gone: aged"]),
    ]


def test_a_healed_code_that_fails_again_is_raised_again() -> None:
    rows = drive(0, **BAD) + drive(1, **GOOD) + drive(2, **GOOD) + drive(3, **GOOD) + drive(4, **BAD)
    state, findings = run(healing(), rows)
    assert changes(findings) == ["raised", "passed", "gone: healed", "raised"]
    assert [one.occurrence for one in findings] == [1, 1, 1, 2]
    assert state.status[0, 0] == 0xAF
    assert findings[-1].evidence["first_us"] == findings[0].time_us
    # Healing begins anew.
    more = run(healing(), rows + drive(5, **GOOD) + drive(6, **GOOD))
    assert changes(more[1])[4:] == ["passed"]


def test_a_confirmed_code_that_fails_again_in_the_same_drive_is_raised_again() -> None:
    rows = drive(0, **BAD) + drive(0.001, **GOOD) + drive(0.002, **BAD)
    findings = run(SEVERE, rows)[1]
    assert changes(findings) == ["raised", "passed", "raised"]
    assert [one.occurrence for one in findings] == [1, 1, 2]


def test_a_fault_that_stays_is_raised_once() -> None:
    rows = [row for day in range(5) for row in drive(day, **BAD)]
    assert changes(run(SEVERE, rows)[1]) == ["raised"]


# --- operation cycles ------------------------------------------------------------------------------------------------


def cycles(rows: list[made.Row]) -> int:
    """How many operation cycles some rows are: a pending code of a test that fails in each is confirmed in the last."""
    for count in range(1, 40):
        if (
            changes(run(pack_rules(rule(debounce_s=0, severity=1, n_confirm=count, lamp=False)), rows)[1])[-1]
            != "raised"
        ):
            return count - 1
    raise AssertionError("too many")


def doing(start: float, seconds: float, **values: float) -> list[made.Row]:
    return steady(seconds, 10, start=start, **BAD, **values)


DRIVING: dict[str, float] = {"pack_current_a": -50.0, "speed_kmh": 50.0}
RESTING: dict[str, float] = {"pack_current_a": 0.0, "speed_kmh": 0.0}
CHARGING: dict[str, float] = {"pack_current_a": 40.0, "speed_kmh": 0.0, "is_charging": 1.0}
BRAKING: dict[str, float] = {"pack_current_a": 80.0, "speed_kmh": 40.0, "is_charging": 0.0}


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([(0, 600, DRIVING)], 1),
        ([(0, 600, DRIVING), (600, 600, RESTING), (1200, 600, DRIVING)], 1),  # a short rest
        ([(0, 600, DRIVING), (600, 2000, RESTING), (2600, 600, DRIVING)], 2),  # a long one
        ([(0, 600, DRIVING), (1200, 600, DRIVING)], 1),  # a short gap
        ([(0, 600, DRIVING), (2400, 600, DRIVING)], 2),  # half an hour of silence
        ([(0, 600, DRIVING), (600, 300, BRAKING), (900, 300, DRIVING)], 1),  # recuperation is driving
        ([(0, 600, DRIVING), (600, 600, CHARGING)], 2),
        ([(0, 600, DRIVING), (600, 50, CHARGING), (650, 300, DRIVING)], 1),  # too short to count
        ([(0, 600, CHARGING), (600, 600, DRIVING)], 2),
        ([(0, 3600, RESTING)], 1),
        ([(at * 1800, 10, RESTING) for at in range(48 * 3)], 3),  # parked: one a day
        ([(0, 600, DRIVING), *((3600 + at * 1800, 10, RESTING) for at in range(40))], 1),  # within a day of a drive
        ([(0, 20, RESTING), (20, 600, DRIVING)], 2),
    ],
)
def test_operation_cycles(parts: list[tuple[float, float, dict[str, float]]], expected: int) -> None:
    assert cycles([row for start, seconds, values in parts for row in doing(start, seconds, **values)]) == expected


# --- what findings carry ---------------------------------------------------------------------------------------------


def test_a_finding_carries_its_evidence() -> None:
    rules = pack_rules(
        rule(
            "P0DE7",
            "cell_v_max > limit.high",
            3,
            3,
            limits={"high": "pack.cell_voltage_max_v + 0.05"},
            freeze=("dt_s",),
        )
    )
    rows = drive(0, seconds=20, **GOOD) + steady(
        20, 1, start=20, cell_v_max=4.3, soc_pct=99.0, dt_s=1.0, rest_s=7.0, odometer_km=float("nan"), **DRIVING
    )
    (found,) = run(rules, rows)[1]
    assert found.time_us == made.microseconds(START + 23)
    assert found.since_us == made.microseconds(START + 20)
    assert (found.offset, found.lane, found.subject, found.category) == (23, 0, "", "battery")
    assert (found.level, found.severity, found.status, found.occurrence) == ("alarm", 3, 0xAF, 1)
    evidence = dict(found.evidence)
    assert evidence["text"] == "P0DE7: cell_v_max 4.3 V; limits: high 4.25"
    assert evidence["condition"] == "cell_v_max > limit.high"
    assert evidence["limits"] == {"high": 4.25}
    assert evidence["frame"] == {
        **{"cell_v_max": 4.3, "soc_pct": 99.0, "pack_current_a": -50.0, "speed_kmh": 50.0},
        **{"dt_s": 1.0},  # asked for; rest_s is not, and the odometer is unknown
    }


# --- lost communication ----------------------------------------------------------------------------------------------

SILENCE = pack_rules(
    rule("U0111", "silence_s > max(limit.s, 4 * period_s)", 0, 2, limits={"s": 120}, lamp=False, category="data")
)


def tick(seconds: float) -> made.Row:
    return (made.TICK, START + seconds, START + seconds, {})


def test_silence_in_use_is_told_at_the_tick_and_dated_at_the_last_sample() -> None:
    rows = [*steady(61, 1, **DRIVING), tick(120), tick(180), tick(181), tick(240), *steady(5, 1, start=300, **DRIVING)]
    raised, passed = run(SILENCE, rows)[1]
    assert (raised.change, raised.time_us, raised.offset) == ("raised", made.microseconds(START + 60), 63)
    assert raised.since_us == raised.time_us
    assert raised.evidence["frame"] == {"silence_s": 121.0, "period_s": 1.0}
    assert (passed.change, passed.time_us, passed.offset) == ("passed", made.microseconds(START + 300), 65)
    assert passed.category == "data"


@pytest.mark.parametrize("last", [RESTING, {"pack_current_a": -50.0, "speed_kmh": 0.0}, {}])
def test_silence_after_parking_is_none(last: dict[str, float]) -> None:
    rows = [*steady(60, 1, **DRIVING), *steady(1, 1, start=60, **last), tick(500), tick(5000)]
    expected = [] if last else ["raised"]  # a sample that says nothing leaves it driving
    assert changes(run(SILENCE, rows)[1]) == expected


def test_a_vehicle_that_tells_seldom_is_waited_for() -> None:
    rows = [*steady(3000, 60, **DRIVING), tick(2940 + 230), tick(2940 + 250)]
    (found,) = run(SILENCE, rows)[1]
    assert found.evidence["frame"] == {"silence_s": 250.0, "period_s": 60.0}


def test_samples_that_come_together_count_by_their_receipt() -> None:
    """A vehicle that sends a minute of samples at once is heard of each minute, not each second."""
    sent: list[made.Row] = [(0, START + at, START + (at // 60 + 1) * 60, DRIVING) for at in range(600)]
    rows = [*sent, tick(600 + 200), tick(600 + 250)]
    (found,) = run(SILENCE, rows)[1]
    assert found.evidence["frame"] == {"silence_s": 250.0, "period_s": 60.0}


# --- clearing and changing rules -------------------------------------------------------------------------------------

PAIR = pack_rules(rule("A1", severity=3), rule("B2", severity=1))


def test_clear_sets_0x50_and_tells_what_was_there() -> None:
    state, _ = run(PAIR, drive(0, **BAD))
    assert [one.code for one in listed(state, 0, PAIR)] == ["A1", "B2"]
    after, findings = cleared(state, np.array([0]), PAIR, None, 77, 5, {"who": "ann", "reason": "repaired"})
    assert after.status.tolist() == [[0x50, 0x50]]
    assert counters(after, PAIR).tolist() == [[0, 0]]
    assert [(one.code, one.change, one.status, one.time_us, one.offset) for one in findings] == [
        ("A1", "gone", 0x50, 77, 5),
        ("B2", "gone", 0x50, 77, 5),
    ]
    assert findings[0].evidence["because"] == "cleared"
    assert findings[0].evidence["who"] == "ann"
    assert listed(after, 0, PAIR) == []
    assert listed(state, 0, PAIR)[0].status == 0xAF  # the state given is left as it is


def test_clear_of_one_code_leaves_the_others_and_operation_cycles() -> None:
    state, _ = run(PAIR, drive(0, **BAD))
    after, findings = cleared(state, np.array([0]), PAIR, ["B2", "none such"], 77, 5)
    assert [one.code for one in findings] == ["B2"]
    assert after.status.tolist() == [[0xAF, 0x50]]
    assert (after.cycle_us, after.last_us) == (state.cycle_us, state.last_us)


def test_a_fault_that_is_still_there_comes_back_after_a_clear() -> None:
    state, _ = run(PAIR, drive(0, **BAD))
    after, _ = cleared(state, np.array([0]), PAIR, None, 77, 5)
    _, findings = run(PAIR, drive(0.001, **BAD), state=after)
    assert [(one.code, one.change, one.occurrence) for one in findings] == [("A1", "raised", 1), ("B2", "pending", 0)]


def changed(code: str = "B2", **more: Any) -> PackRules:
    """`PAIR` the other way round, with a new rule between, and one of its rules changed."""
    first, second = {"code": "A1", "severity": 3}, {"code": "B2", "severity": 1}
    rules = [one | (more if one["code"] == code else {}) for one in (second, {"code": "N3"}, first)]
    return pack_rules(*(rule(**one) for one in rules))


def test_a_changed_rule_set_keeps_the_codes_that_stay() -> None:
    state, _ = run(PAIR, drive(0, **BAD))
    after = changed(name="another name", description="other words", level="alarm", gbt=3, category="sensor")
    result = moved(state, PAIR, after)
    assert result.status.tolist() == [[0x27, 0x50, 0xAF]]
    assert result.since_us[0, [0, 2]].tolist() == state.since_us[0, [1, 0]].tolist()
    assert (result.cycle_us, result.period_s) == (state.cycle_us, state.period_s)
    assert ended_by_rules(state, PAIR, after, 9, 4) == []
    # What was counted goes on counting: no code is raised a second time.
    assert changes(run(after, drive(0.001, **BAD), state=result)[1]) == ["raised"]


@pytest.mark.parametrize(
    "more",
    [
        {"debounce_s": 4},
        {"condition": "cell_v_max > 4.1"},
        {"when": "dt_s > 0"},
        {"severity": 2},
        {"n_heal": 4},
        {"hold_s": 30},
        {"lamp": True},
    ],
)
def test_a_code_that_is_defined_anew_begins_anew(more: dict[str, Any]) -> None:
    state, _ = run(PAIR, drive(0, **BAD))
    after = changed(**more)
    assert moved(state, PAIR, after).status.tolist() == [[0x50, 0x50, 0xAF]]
    (found,) = ended_by_rules(state, PAIR, after, 9, 4)
    assert (found.code, found.change, found.evidence["because"]) == ("B2", "gone", "rule changed")


def test_a_limit_that_changes_for_this_pack_alone_matters_here() -> None:
    text = rule("A1", "cell_v_max > limit.v", limits={"v": {"default": 4, "chemistry": {"LFP": 3.6}}})
    other = rule("A1", "cell_v_max > limit.v", limits={"v": {"default": 4, "chemistry": {"LFP": 3.5}}})
    nearer = rule("A1", "cell_v_max > limit.v", limits={"v": {"default": 4, "chemistry": {"NMC": 4.1}}})
    before, same, differs = (parse_rules(one).for_pack(PACK) for one in (text, other, nearer))
    assert before.rules[0].definition == same.rules[0].definition
    assert before.rules[0].definition != differs.rules[0].definition


# --- size ------------------------------------------------------------------------------------------------------------


def test_the_state_is_small() -> None:
    one, two = (CodesState.empty(1, rules=rules) for rules in (1, 2))
    size = {count: sum(values.nbytes for values in state.arrays().values()) for count, state in ((1, one), (2, two))}
    assert size[2] - size[1] <= 40
    assert size[1] <= 90
