"""The kernels against plain Python: random conditions, gaps, unknown values, silences and splits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.detect.codes import made
from tests.detect.codes.made import PACK, START, TICK, Row, pack_rules, rule
from tests.detect.codes.oracle import Code, Sample, Tick, Vehicle
from twinpack.detect.codes import counters
from twinpack.detect.findings import Finding
from twinpack.detect.rules import PackRules

RULES = pack_rules(
    rule("T1", "cell_v_max > 4 or temp_max_c > limit.hot", 30, 3, limits={"hot": 50}),
    rule("T2", "cell_v_max > 4", 20, 2, when="abs(pack_current_a) < 10", pass_s=45, n_heal=1, n_age=1),
    rule("T3", "not cell_v_max <= 4 and temp_max_c >= 20", 60, 1, hold_s=30, n_heal=2, n_age=2),
    rule(
        "T4",
        "cell_v_max > interp(temp_max_c, limit.table)",
        0,
        1,
        pass_s=10,
        n_confirm=3,
        limits={"table": ((0, 3.9), (60, 4.1))},
    ),
    rule("T5", "silence_s > max(limit.s, 4 * period_s)", 0, 2, limits={"s": 120}),
    rule("T6", "silence_s > 600", 0, 1),
    rule("T7", "max(cell_v_max, 3) - min(pack_current_a / temp_max_c, 3) > 0.5", 10, 0, lamp=True, n_heal=1),
    rule("T8", "is_charging", 5, 2, n_confirm=2),
)

VALUES = st.fixed_dictionaries(
    {
        "cell_v_max": st.sampled_from([3.5, 3.95, 4.0, 4.1, np.nan]),
        "temp_max_c": st.sampled_from([0.0, 20.0, 55.0, np.nan]),
        "pack_current_a": st.sampled_from([0.0, 0.0, -50.0, -50.0, 40.0, np.nan]),
        "speed_kmh": st.sampled_from([0.0, 30.0, np.nan]),
        "is_charging": st.sampled_from([0.0, 1.0, np.nan]),
    }
)
GAPS = st.sampled_from([0.5, 1.0, 5.0, 5.0, 10.0, 10.0, 30.0, 60.0, 130.0, 900.0, 1800.0, 4000.0, 90_000.0])


@st.composite
def logs(draw: st.DrawFn) -> list[Row]:
    """Rows of three vehicles and ticks; each vehicle repeats itself, so that values last."""
    rows: list[Row] = []
    now = START
    values = {vehicle: draw(VALUES) for vehicle in range(3)}
    for _ in range(draw(st.integers(0, 60))):
        now += draw(GAPS)
        who = draw(st.sampled_from([0, 0, 0, 1, 2, TICK, TICK]))
        if who == TICK:
            rows.append((TICK, now, now, {}))
            continue
        if draw(st.integers(0, 3)) == 0:
            values[who] = draw(VALUES)
        rows.append((who, now, now + draw(st.sampled_from([0.0, 0.0, 3.0])), values[who]))
    return rows


def by_oracle(rules: PackRules, rows: list[Row], vehicles: int = 3) -> list[Vehicle]:
    fleet = [Vehicle(PACK, [Code(one) for one in rules.rules]) for _ in range(vehicles)]
    for offset, (who, time, receipt, values) in enumerate(rows):
        if who == TICK:
            for vehicle in fleet:
                vehicle.tick(Tick(receipt, offset))
        else:
            fleet[who].sample(Sample(time, receipt, offset, values))
    return fleet


def as_told(found: Finding) -> tuple[object, ...]:
    change = f"gone: {found.evidence['because']}" if found.change == "gone" else found.change
    return (found.offset, found.code, change, found.time_us, found.status, found.occurrence, found.since_us)


@settings(max_examples=300, deadline=None)
@given(logs())
def test_the_kernels_do_what_plain_python_does(rows: list[Row]) -> None:
    state, findings = made.run(RULES, rows, 3)
    for lane, vehicle in enumerate(by_oracle(RULES, rows)):
        told = [as_told(one) for one in findings if one.lane == lane]
        expected = [
            (offset, code, change, round(time * 1e6), byte, occurrence, round((since or 0) * 1e6))
            for offset, code, change, time, byte, occurrence, since in vehicle.told
        ]
        assert told == expected
        assert state.status[lane].tolist() == [code.byte() for code in vehicle.codes]
        assert counters(state, RULES)[lane].tolist() == [code.fdc() for code in vehicle.codes]


@settings(max_examples=200, deadline=None)
@given(logs(), st.lists(st.integers(0, 60), max_size=6))
def test_any_split_gives_the_same(rows: list[Row], cuts: list[int]) -> None:
    whole = made.run(RULES, rows, 3)
    parts = made.run(RULES, rows, 3, [min(cut, len(rows)) for cut in cuts])
    assert made.same(whole[0], parts[0])
    for lane in range(3):
        assert [one for one in whole[1] if one.lane == lane] == [one for one in parts[1] if one.lane == lane]


@settings(max_examples=50, deadline=None)
@given(logs())
def test_no_vehicle_depends_on_another(rows: list[Row]) -> None:
    whole = made.run(RULES, rows, 3)
    for lane in range(3):
        own = [row if row[0] in (lane, TICK) else None for row in rows]
        kept = [row for row in own if row is not None]
        places = [at for at, row in enumerate(own) if row is not None]
        state, findings = made.run(RULES, kept, 3)
        assert made.same(state.taken(np.array([lane])), whole[0].taken(np.array([lane])))
        told = [(places[one.offset], *as_told(one)[1:]) for one in findings]
        assert told == [as_told(one) for one in whole[1] if one.lane == lane]


def test_a_long_batch_is_judged_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    from twinpack.detect.codes import step

    calm = {"pack_current_a": -5.0, "temp_max_c": 20.0}
    rows = [
        (vehicle, START + at, START + at, {**calm, "cell_v_max": 4.1 if at % 97 > 30 else 3.9})
        for at in range(400)
        for vehicle in range(3)
    ]
    whole = made.run(RULES, rows, 3)
    monkeypatch.setattr(step, "CHUNK", 64)
    pieces = made.run(RULES, rows, 3)
    assert made.same(whole[0], pieces[0])
    assert whole[1] == pieces[1]
    assert len(whole[1]) > 20


def part(start: float, count: int, period: float = 10.0, **values: float) -> list[Row]:
    return made.steady(count * period, period, start=start, **values)


PARKED = {"pack_current_a": 0.0, "speed_kmh": 0.0}
DRIVING = {"pack_current_a": -5.0, "speed_kmh": 50.0}
CHARGING = {"pack_current_a": 40.0, "speed_kmh": 0.0, "is_charging": 1.0}
GOOD, BAD = {"cell_v_max": 3.5, "temp_max_c": 20.0}, {"cell_v_max": 4.1, "temp_max_c": 20.0}


@pytest.mark.parametrize("known", [GOOD, BAD])
@pytest.mark.parametrize("first", [GOOD, BAD, {}])
def test_a_batch_may_end_anywhere_about_a_new_cycle(known: dict[str, float], first: dict[str, float]) -> None:
    """Cycles that begin without a silence, with samples that tell something, the same or nothing."""
    rows = [
        *part(0, 12, **PARKED, **known),
        *part(120, 1, **DRIVING, **first),
        *part(130, 12, **DRIVING, **known),
        *part(250, 8, **CHARGING, **first),
        *part(330, 12, **CHARGING, **known),
        *part(450, 5, **PARKED),
        *part(500, 12, **DRIVING, **known),
    ]
    for stop in range(1, len(rows) + 1):
        whole = made.run(RULES, rows[:stop], 3)
        each = made.run(RULES, rows[:stop], 3, range(stop))
        assert made.same(whole[0], each[0])
        assert whole[1] == each[1]


def test_the_state_given_is_left_as_it_is() -> None:
    state, _ = made.run(RULES, made.steady(40, 1, cell_v_max=4.1, pack_current_a=-5.0))
    kept = state.copied()
    made.run(RULES, made.steady(40, 1, start=40, cell_v_max=3.9, pack_current_a=-5.0), state=state)
    assert made.same(state, kept)
