"""Rule sets: the shipped one, limits by chemistry and pack, and every mistake with its rule and field."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.detect.codes.made import rule
from twinpack.battery.pack import PackSpec, load_pack, pack_text, parse_pack, shipped_packs
from twinpack.detect.rules import QUANTITIES, SHIPPED, parse_rules, shipped_rules
from twinpack.detect.rules.quantities import SILENCE
from twinpack.detect.screen import QUANTITIES as SCREENED
from twinpack.errors import RulesError
from twinpack.telemetry.schema import SCALAR_SIGNALS

NMC, LFP = load_pack("sim_nmc_96s"), load_pack("lfp_104s")
ROOT = Path(__file__).parents[3]
CATALOGUE = ROOT.parent / "shared" / "standards" / "dtc_catalog.csv"


def pack(chemistry: str, name: str = "mine") -> PackSpec:
    text = pack_text("sim_nmc_96s").replace('"NMC811"', f'"{chemistry}"').replace('"sim_nmc_96s"', f'"{name}"')
    return parse_pack(text)


# --- the shipped rules -----------------------------------------------------------------------------------------------

RULES = parse_rules(shipped_rules(), SHIPPED)


@pytest.mark.parametrize("name", shipped_packs())
def test_all_shipped_rules_apply_to_every_shipped_pack(name: str) -> None:
    assert len(RULES.for_pack(load_pack(name))) == len(RULES.rules) >= 25


def test_every_quantity_that_is_searched_for_may_be_named() -> None:
    of_twins = {"capacity_health_pct", "resistance_ratio"}
    assert set(SCREENED) | of_twins == set(QUANTITIES) - set(SCALAR_SIGNALS) - set(SILENCE)


@pytest.mark.parametrize(
    ("code", "limit", "nmc", "lfp"),
    [
        ("P0DE7", "highest_v", 4.25, 3.70),
        ("P0DE6", "lowest_v", 2.70, 2.30),
        ("P0AFB", "highest_v", 408.0, 384.8),
        ("P0AFA", "lowest_v", 259.2, 239.2),
        ("P0BBD", "spread_v", 0.15, 0.30),
        ("P0A7E", "highest_c", 60.0, 65.0),
        ("P0AFD", "charge_c", -10.0, 0.0),
        ("P0CA4", "highest_v", 411.264, 387.192),
        ("P0AA6", "lowest_ohm_per_v", 100.0, 100.0),
    ],
)
def test_limits_of_the_shipped_rules(code: str, limit: str, nmc: float, lfp: float) -> None:
    for spec, expected in ((NMC, nmc), (LFP, lfp)):
        rules = RULES.for_pack(spec)
        assert rules.rules[rules.index[code]].limits[limit] == pytest.approx(expected)


def test_severity_and_bits_agree_with_the_catalogue() -> None:
    if not CATALOGUE.is_file():
        pytest.skip("no ../shared/standards/dtc_catalog.csv")
    with CATALOGUE.open(encoding="utf-8") as file:
        known = {row["code"]: row for row in csv.DictReader(file)}
    shipped = {one.code: one for one in RULES.rules if one.code in known}
    assert len(shipped) >= 25
    ours = {code: (one.severity, "" if one.gbt is None else str(one.gbt)) for code, one in shipped.items()}
    theirs = {code: (int(known[code]["severity_0_3"]), known[code]["gbt32960_bit"]) for code in shipped}
    assert ours == theirs


@pytest.mark.parametrize(("chemistry", "at_zero"), [("NMC811", 0.4), ("LFP", 0.25), ("NCA", 0.3)])
def test_cold_charging_is_limited_by_temperature(chemistry: str, at_zero: float) -> None:
    rules = RULES.for_pack(pack(chemistry))
    one = rules.rules[rules.index["TP-PLATING"]]
    rate = np.array([0.99, 1.01, 1.01, np.nan, 1.01]) * at_zero
    true, false = one.judge({"c_rate": rate, "temp_min_c": np.array([0.0, 0.0, np.nan, 0.0, 20.0])})
    assert true.tolist() == [False, True, False, False, False]
    assert false.tolist() == [True, False, False, False, True]


# --- limits ----------------------------------------------------------------------------------------------------------

LIMITED = """
[[rule]]
code = "A1"
name = "a"
description = "b"
condition = "soc_pct < limit.x"
debounce_s = 1
severity = 1
[rule.limits.x]
default = 1
[rule.limits.x.chemistry]
NMC = 2
NMC8 = "pack.series / 32"
lfp = 4
[rule.limits.x.pack]
special = 5
"""


@pytest.mark.parametrize(
    ("chemistry", "name", "expected"),
    [("NMC811", "a", 3), ("NMC532", "a", 2), ("nmc", "a", 2), ("LFP", "a", 4), ("LTO", "a", 1), ("LFP", "special", 5)],
)
def test_limits_by_chemistry_and_pack(chemistry: str, name: str, expected: float) -> None:
    (one,) = parse_rules(LIMITED).for_pack(pack(chemistry, name)).rules
    assert one.limits == {"x": expected}


def test_a_rule_without_a_limit_for_a_pack_does_not_apply_to_it() -> None:
    rules = parse_rules(LIMITED.replace("default = 1", ""))
    assert len(rules.for_pack(pack("LTO"))) == 0
    assert len(rules.for_pack(pack("LFP"))) == 1


# --- mistakes --------------------------------------------------------------------------------------------------------


def mistakes(text: str) -> list[str]:
    with pytest.raises(RulesError) as caught:
        parse_rules(text, "mine.toml")
    lines = str(caught.value).split("\n")
    assert all(line.startswith("mine.toml: ") for line in lines)
    return [line.removeprefix("mine.toml: ") for line in lines]


READS = {"condition": "soc_pct > limit.v"}
READS_TABLE = {"condition": "soc_pct > interp(c_rate, limit.v)"}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"severty": 2}, "severty: no such field; did you mean 'severity'?"),
        ({"severity": 4}, "severity: is 4; it must lie between 0 and 3"),
        ({"severity": -1}, "severity: is -1; it must lie between 0 and 3"),
        ({"severity": "high"}, "severity: is 'high'; it must be a whole number"),
        ({"severity": True}, "severity: is True; it must be a whole number"),
        ({"debounce_s": -1}, "debounce_s: is -1; it must lie between 0 and 86400 seconds"),
        ({"debounce_s": "3s"}, "debounce_s: is '3s'; it must be a number of seconds"),
        ({"debounce_s": 1e6}, "debounce_s: is 1000000.0; it must lie between 0 and 86400 seconds"),
        ({"pass_s": -0.1}, "pass_s: is -0.1; it must lie between 0 and 86400 seconds"),
        ({"hold_s": 0}, "hold_s: is 0; it must lie between 0.001 and 86400 seconds"),
        ({"condition": "cell_v_mx > 4"}, "condition: no quantity 'cell_v_mx'; did you mean 'cell_v_max'?"),
        ({"condition": "cell_v_max >"}, "condition: cannot be understood at character 13: invalid syntax"),
        ({"condition": 4}, "condition: is 4; it must be a text"),
        ({"when": "soc_pct"}, "when: 'soc_pct' is a number where true or false is wanted: compare it with something"),
        ({"category": "cell"}, "category: is 'cell'; it must be one of battery, sensor, data"),
        ({"category": (1, 2)}, "category: is [1, 2]; it must be one of battery, sensor, data"),
        ({"level": "info"}, "level: is 'info'; it must be one of watch, alarm"),
        ({"lamp": 1}, "lamp: is 1; it must be true or false"),
        ({"n_confirm": 0}, "n_confirm: is 0; it must lie between 1 and 250"),
        ({"n_heal": 1.5}, "n_heal: is 1.5; it must be a whole number"),
        ({"n_heal": 200, "n_age": 100}, "n_age: with n_heal is more than 250"),
        ({"gbt": 19}, "gbt: is 19; it must lie between 0 and 18"),
        ({"gbt": -1}, "gbt: is -1; it must lie between 0 and 18"),
        ({"freeze": "soc_pct"}, "freeze: is 'soc_pct'; it must be a list of quantities"),
        ({"freeze": ("soc",)}, "freeze: no quantity 'soc'; did you mean 'soc_pct'?"),
        ({"code": "p0de7"}, "code: is 'p0de7'; write P0A7E or TP-NAME, capitals and digits"),
        ({"name": ""}, "name: is ''; it must be a text"),
        ({"name": "x" * 81}, "name: is longer than 80 characters"),
        ({"limits": 3}, "limits: is 3; it must be a table of names"),
        ({"limits": {"v": 3}}, "limits.v: is read by no condition"),
        ({"condition": "cell_v_max > limit.v"}, "limits: 'v' is missing, which the condition reads"),
        (READS | {"limits": {"v": "pack.x"}}, "limits.v: a pack has no 'x'"),
        (READS | {"limits": {"v": "1 / 0"}}, "limits.v: divides by zero"),
        (READS | {"limits": {"v": {}}}, "limits.v: holds no value"),
        (
            READS | {"limits": {"v": {"defalt": 3}}},
            "limits.v: unknown key 'defalt'; the keys are default, chemistry, pack; did you mean 'default'?",
        ),
        (
            READS | {"limits": {"v": {"default": 3, "chemistry": 4}}},
            "limits.v.chemistry: is 4; it must be a table of names and values",
        ),
        (
            READS | {"limits": {"v": {"default": 3, "chemistry": {"LFP": "soc_pct"}}}},
            "limits.v.chemistry.LFP: may be made of numbers and pack.NAME alone",
        ),
        (READS | {"limits": {"v": ((0, 1), (1, 2))}}, "limits.v: must be a number, or be read by interp"),
        (READS_TABLE | {"limits": {"v": 3}}, "limits.v: must be a table of pairs, since interp reads it"),
        (READS_TABLE | {"limits": {"v": ((1, 1), (0, 2))}}, "limits.v: the first numbers of the pairs must rise"),
        (
            READS_TABLE | {"limits": {"v": ((1, 1),)}},
            "limits.v: a table is two or more pairs of numbers, [[x, y], …]",
        ),
        (
            {"condition": "silence_s > 9 and soc_pct > 1", "debounce_s": 0},
            "condition: reads silence_s and so may read no soc_pct: there is no sample then",
        ),
        (
            {"condition": "silence_s > 9", "debounce_s": 3},
            "debounce_s: must be 0 where the condition reads silence_s: silence is a duration",
        ),
        ({"when": "silence_s > 9"}, "when: may not read silence_s or period_s"),
    ],
)
def test_a_mistake_names_rule_and_field(more: dict[str, Any], expected: str) -> None:
    found = mistakes(rule("T0") + rule(**{"code": "T1", **more}))
    assert found[0].startswith(f"rule 2 ({more.get('code', 'T1')}): {expected}")


def test_all_mistakes_are_told() -> None:
    text = rule("T1", severity=9, debounce_s=-1) + rule("T1") + "[[rule]]\ncode = 3\n" + "[other]\n"
    found = mistakes(text)
    assert "unknown key 'other'; a rule set holds [[rule]] tables" in found
    assert "rule 1 (T1): severity: is 9; it must lie between 0 and 3" in found
    assert "rule 1 (T1): debounce_s: is -1; it must lie between 0 and 86400 seconds" in found
    assert "rule 2 (T1): code: rule 1 has it already" in found
    assert {one for one in found if one.startswith("rule 3")} == {
        *(f"rule 3: {key}: is missing" for key in ("name", "description", "condition", "debounce_s", "severity")),
        "rule 3: code: is 3; it must be a text",
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "holds 0 rules"),
        ("rule = 3", "'rule' must be tables, written [[rule]]"),
        ("[[rule]", "not valid TOML"),
        ("[[rule]]\nseverity = nan\ndebounce_s = inf", "rule 1: severity: is nan; it must be a whole number"),
        ("[[rule]]\ndebounce_s = nan", "rule 1: debounce_s: is nan; it must lie between 0 and 86400 seconds"),
    ],
)
def test_what_is_no_rule_set(text: str, expected: str) -> None:
    assert any(expected in line for line in mistakes(text))


# --- the page --------------------------------------------------------------------------------------------------------


def test_the_page_lists_the_shipped_rules() -> None:
    page = (ROOT / "docs" / "how-to" / "rules.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([A-Z0-9-]+)` \| (.+?) \| (\w+) \| (\d) \| ([\d.]+) s \|$", page, re.MULTILINE)
    assert rows == [
        (one.code, one.name, one.category, str(one.severity), f"{one.debounce_us / 1e6:g}") for one in RULES.rules
    ]
