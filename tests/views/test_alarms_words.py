"""What codes mean, by the rules in use, and what their conditions compare, in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from twinpack.battery.pack import load_pack
from twinpack.detect.cells.state import CELL_CODES, PACK_CODES, PROBE_CODES
from twinpack.detect.rules import PackRule, parse_rules, shipped_rules
from twinpack.detect.rules.quantities import pack_constants
from twinpack.fleet.commands import rules_command
from twinpack.ingest.log import SegmentLog
from twinpack.ingest.log.tidy import merge
from twinpack.runtime.orders import append_command
from twinpack.runtime.rules import rules_in_use
from twinpack.store.workspace import Workspace
from twinpack.views.alarms.rules import RulesInUse
from twinpack.views.alarms.words import ANOMALIES, Meanings, condition_in_words, figures_in_words

PACK = load_pack("sim_nmc_96s")
RULES = parse_rules(shipped_rules()).for_pack(PACK).rules


def told(rule: PackRule) -> str:
    return condition_in_words(rule.rule.condition, rule.limits, pack_constants(PACK))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.rule.code)
def test_every_shipped_condition_has_words_that_people_read(rule: PackRule) -> None:
    text = told(rule)
    assert text.lstrip("(")[0].isupper()
    assert not any(sign in text for sign in ("_", "limit.", "pack.", "<", ">", " -"))


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("P0AA6", "Isolation over voltage below 100 Ω/V"),
        ("P0A0A", "Not so: high-voltage interlock loop closed"),
        ("TP-PLATING", "Current over capacity above its limit"),
        (
            "P0DE6",
            "Lowest cell voltage below 2.3 V or (lowest cell voltage below 2.7 V and current over capacity above −3 C)",
        ),
        ("P0A9C", "A probe stands still while others move"),
    ],
)
def test_conditions_in_words(code: str, words: str) -> None:
    assert told(next(rule for rule in RULES if rule.rule.code == code)) == words


def test_a_condition_whose_limits_are_not_known_says_so() -> None:
    rule = next(rule for rule in RULES if rule.rule.code == "P0AA6")
    assert condition_in_words(rule.rule.condition, {}, {}) == "Isolation over voltage below its limit"


def test_figures_are_those_that_the_condition_read() -> None:
    rule = next(rule for rule in RULES if rule.rule.code == "P0DE6")
    frame = {"cell_v_min": 2.25, "c_rate": -1.5, "soc_pct": 3.0}
    assert figures_in_words(rule.rule.condition, frame) == "lowest cell voltage 2.25 V, current over capacity −1.5 C"
    assert figures_in_words(rule.rule.condition, {}) == ""


def test_every_finding_by_comparison_has_words() -> None:
    assert {*CELL_CODES, *PROBE_CODES, *PACK_CODES} <= ANOMALIES.keys()


def test_other_rules_are_seen_after_a_while(tmp_path: Path) -> None:
    clock = [0.0]
    workspace = Workspace.open(tmp_path / "home")
    log = SegmentLog(workspace.log_dir)
    with workspace.registry() as registry:
        meanings = Meanings(registry, log, lambda: clock[0])
        assert meanings.of("P0AA6").title == "Isolation lost"
        own = shipped_rules().replace('name = "Isolation lost"', 'name = "Do not touch"')
        append_command(log, "", rules_command(own, "kim", "plain words"), "rules")
        assert meanings.of("P0AA6").title == "Isolation lost"
        clock[0] = 31.0
        assert meanings.of("P0AA6").title == "Do not touch"
        assert meanings.of("XX-1").title == "XX-1"


def test_of_the_log_only_what_was_added_is_read(tmp_path: Path) -> None:
    workspace = Workspace.open(tmp_path / "home")
    log = SegmentLog(workspace.log_dir)
    with workspace.registry() as registry:
        rules = RulesInUse(registry, log)
        assert rules.text() == rules_in_use(registry, log) == shipped_rules()
        for name in ("First", "Second"):
            own = shipped_rules().replace('name = "Isolation lost"', f'name = "{name}"')
            append_command(log, "", rules_command(own, "kim", "plain words"), "rules")
            assert rules.text() == rules_in_use(registry, log) == own
        append_command(log, "", {"type": "rules", "text": "no rules"}, "rules")
        assert rules.text() == own
        merge(log, 10_000)
        assert rules.text() == rules_in_use(registry, log) == own
