"""Rule sets: TOML texts that say which conditions are trouble codes, for how long, and how severe."""

from __future__ import annotations

from twinpack.detect.rules.quantities import PACK_CONSTANTS, QUANTITIES
from twinpack.detect.rules.rule import Rule
from twinpack.detect.rules.ruleset import SHIPPED, PackRule, PackRules, RuleSet, parse_rules, shipped_rules

__all__ = [
    "PACK_CONSTANTS",
    "QUANTITIES",
    "SHIPPED",
    "PackRule",
    "PackRules",
    "Rule",
    "RuleSet",
    "parse_rules",
    "shipped_rules",
]
