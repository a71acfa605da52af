"""The language of conditions: what passes, what is refused, and that it means what Python's own does."""

from __future__ import annotations

import math
import string
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.detect.codes.oracle import judge
from twinpack.battery.pack import load_pack
from twinpack.detect.rules.evaluation import FAIL, IDLE, PASS, UNKNOWN, Judge, compiled, verdicts
from twinpack.detect.rules.expression import Compare, Expression, Join, parse_condition, parse_constant
from twinpack.detect.rules.quantities import pack_constants

PACK = load_pack("sim_nmc_96s")
LIMITS: dict[str, Any] = {"a": 1.0, "table": ((0.0, 1.0), (10.0, 2.0), (20.0, 0.0))}
NAN = math.nan


def judged(text: str) -> Judge:
    found = parse_condition(text)
    assert isinstance(found, Expression), found
    assert isinstance(found.tree, Compare | Join)
    return compiled(found.tree, LIMITS, pack_constants(PACK))


def three(text: str, **values: Any) -> list[bool | None]:
    """Truth of a condition on each of some samples."""
    columns = {name: np.array(column, np.float64) for name, column in values.items()}
    with np.errstate(all="ignore"):
        true, false = judged(text)(columns)
    assert not (true & false).any()
    return [True if yes else False if no else None for yes, no in zip(true, false, strict=True)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("soc_pct > 2", [False, True, None]),
        ("soc_pct == 1", [True, False, None]),
        ("soc_pct != 1", [False, True, None]),
        ("not soc_pct > 2", [True, False, None]),
        ("0 < soc_pct <= 1", [True, False, None]),
        ("soc_pct > 2 and speed_kmh > 0", [False, None, None]),
        ("soc_pct > 2 or speed_kmh > 0", [None, True, None]),
        ("soc_pct > 2 or speed_kmh > 0 or soc_pct < 2", [True, True, None]),
        ("is_charging", [False, True, None]),
        ("not is_charging and soc_pct < 5", [True, False, None]),
        ("soc_pct / (soc_pct - 1) > 0", [None, True, None]),  # divided by zero
        ("soc_pct / 0 > 0", [None, None, None]),
        ("abs(soc_pct - 3) > 1", [True, False, None]),
        ("max(soc_pct, 2) == 2", [True, False, None]),
        ("min(soc_pct, 2, limit.a) == 1", [True, True, None]),
        ("-soc_pct < -2", [False, True, None]),
        ("soc_pct > interp(soc_pct, limit.table)", [False, True, None]),
        ("soc_pct * pack.series > 100", [False, True, None]),
        ("2 - soc_pct + 1 > 1", [True, False, None]),
    ],
)
def test_three_values(text: str, expected: list[bool | None]) -> None:
    values = {"soc_pct": [1, 3, NAN], "speed_kmh": [NAN, NAN, NAN], "is_charging": [0, 1, NAN]}
    assert three(text, **values) == expected


def test_a_test_that_does_not_run_is_idle() -> None:
    columns = {"soc_pct": np.array([1.0, 3, NAN, 1, 3, NAN, 1]), "is_charging": np.array([1.0, 1, 1, 0, 0, 0, NAN])}
    condition, when = judged("soc_pct > 2"), judged("is_charging")
    told = np.empty(7, np.uint8)
    verdicts(columns, condition, when, told)
    assert told.tolist() == [PASS, FAIL, UNKNOWN, IDLE, IDLE, IDLE, UNKNOWN]
    verdicts(columns, condition, None, told)
    assert told.tolist() == [PASS, FAIL, UNKNOWN, PASS, FAIL, UNKNOWN, PASS]


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("", "is empty"),
        ("soc_pct", "number where true or false is wanted"),
        ("soc_pct >", "cannot be understood"),
        ("sox_pct > 1", "no quantity 'sox_pct'; did you mean 'soc_pct'?"),
        ("soc_pct > pack.sereis", "a pack has no 'sereis'; did you mean 'series'?"),
        ("soc_pct > cell.x", "none of what a condition may hold"),
        ("1 > 2", "names no quantity"),
        ("limit.a > 2", "names no quantity"),
        ("soc_pct = 1", "cannot be understood"),
        ("soc_pct > 'a'", 'holds "\'"'),
        ("soc_pct > 1; import os", "holds ';'"),
        ("soc_pct[0] > 1", "holds '['"),
        ("soc_pct > True", "not a number"),
        ("soc_pct > None", "not a number"),
        ("soc_pct is 1", "compare with"),
        ("soc_pct in (1, 2)", "none of what"),
        ("soc_pct ** 2 > 1", "none of what"),
        ("soc_pct // 2 > 1", "none of what"),
        ("__import__(soc_pct) > 1", "the functions are"),
        ("sum(soc_pct, 1) > 1", "the functions are"),
        ("abs(soc_pct, 1) > 1", "abs takes 1 argument"),
        ("max(soc_pct) > 1", "max takes 2 to 16"),
        ("max(soc_pct, key=abs) > 1", "plain arguments"),
        ("max(*soc_pct) > 1", "plain arguments"),
        ("abs.real > 1", "none of what"),
        ("limit.a.b > soc_pct", "none of what"),
        ("interp(soc_pct, 2) > 1", "interp takes a number and limit.NAME"),
        ("(soc_pct > 1) + 1 > 2", "true or false where a number is wanted"),
        ("soc_pct > 1 if soc_pct else 2", "none of what"),
        ("soc_pct > 1e999", "too large"),
        ("soc_pct > 1j", "not a number"),
        ("(lambda: soc_pct) > 1", "holds ':'"),
        ("soc_pct > ...", "not a number"),
        ("soc_pct >" + " 1 + " * 300 + "1", "longer than"),
        ("not " * 60 + "soc_pct > 1", "nested too deeply"),
        ("(" * 300 + "soc_pct > 1" + ")" * 300, "cannot be understood"),
        ("soc_pct > " + "-" * 500 + "1", "nested too deeply"),
    ],
)
def test_what_is_refused(text: str, mistake: str) -> None:
    found = parse_condition(text)
    assert isinstance(found, list), found
    assert mistake in found[0]


def test_every_mistake_is_told() -> None:
    found = parse_condition("sox_pct > 1 and soc_pct > pack.x and foo(3) > 1 and soc_pct")
    assert isinstance(found, list)
    assert len(found) == 4


@pytest.mark.parametrize("text", ["pack.series * 2 + 1", "min(pack.temp_min_c, -30)", "-3.5", "1.1 * pack.capacity_ah"])
def test_limits_may_be_made_of_pack_constants(text: str) -> None:
    assert isinstance(parse_constant(text), Expression)


@pytest.mark.parametrize("text", ["soc_pct", "limit.a", "1 > 2", "pack.x", "", "1 / 0"])
def test_limits_may_not_be_made_of_anything_else(text: str) -> None:
    assert isinstance(parse_constant(text), list)


# --- against Python's own evaluation ---------------------------------------------------------------------------------

NUMBERS = st.sampled_from(["soc_pct", "speed_kmh", "c_rate", "limit.a", "pack.series", "0", "1", "2.5", "-1"])


def _numbers(below: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pair = st.tuples(below, below)
    return st.one_of(
        st.tuples(below, st.sampled_from("+-*/"), below).map(lambda one: f"({' '.join(one)})"),
        below.map(lambda one: f"-{one}"),
        below.map(lambda one: f"abs({one})"),
        below.map(lambda one: f"interp({one}, limit.table)"),
        pair.map(lambda one: f"min({one[0]}, {one[1]})"),
        pair.map(lambda one: f"max({one[0]}, {one[1]}, 1)"),
    )


def _truths(below: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.lists(below, min_size=2, max_size=3).map(lambda parts: f"({' and '.join(parts)})"),
        st.lists(below, min_size=2, max_size=3).map(lambda parts: f"({' or '.join(parts)})"),
        below.map(lambda one: f"(not {one})"),
    )


VALUES = st.recursive(NUMBERS, _numbers, max_leaves=5)
SIGNS = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
COMPARISONS = st.one_of(
    st.tuples(VALUES, SIGNS, VALUES).map(" ".join),
    st.tuples(VALUES, SIGNS, VALUES, SIGNS, VALUES).map(" ".join),
    st.just("is_charging"),
)
CONDITIONS = st.recursive(COMPARISONS, _truths, max_leaves=5)
SAMPLES = st.lists(
    st.tuples(*[st.sampled_from([-2.0, -1.0, 0.0, 0.5, 1.0, 2.5, 7.0, NAN])] * 3, st.sampled_from([0.0, 1.0, NAN])),
    min_size=1,
    max_size=6,
)


@settings(max_examples=400, deadline=None)
@given(CONDITIONS, SAMPLES)
def test_whole_columns_mean_what_each_sample_does(text: str, samples: list[tuple[float, ...]]) -> None:
    found = parse_condition(text)
    if not isinstance(found, Expression):
        assert found[0].startswith(("names no quantity", "is nested too deeply", "is longer than"))
        return
    names = ("soc_pct", "speed_kmh", "c_rate", "is_charging")
    values = dict(zip(names, (list(column) for column in zip(*samples, strict=True)), strict=True))
    expected = [judge(text, dict(zip(names, sample, strict=True)), LIMITS, PACK) for sample in samples]
    assert three(text, **values) == expected


@settings(max_examples=400, deadline=None)
@given(st.text(alphabet=string.printable, max_size=40) | st.text(max_size=20))
def test_any_text_is_read_or_refused(text: str) -> None:
    found = parse_condition(text)
    assert isinstance(found, Expression) or (found and all(isinstance(one, str) for one in found))


WORDS = st.sampled_from(
    [
        *("soc_pct", "c_rate", "limit.a", "pack.series", "and", "or", "not", "(", ")", "<", ">", "==", "+", "-", "*"),
        *("1", "2.5", ",", "abs", "min", "interp", ".", "if", "else", "lambda", "in", "is", "await", "yield", "1if"),
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(WORDS, max_size=25))
def test_any_words_are_read_or_refused(words: list[str]) -> None:
    found = parse_condition(" ".join(words))
    assert isinstance(found, Expression) or found
