"""Rule sets: rules with their limits open, and those of one pack with the limits put in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from importlib import resources
from typing import Any, cast

import numpy as np

from twinpack.battery.pack import PackSpec
from twinpack.detect.rules.evaluation import Judge, LimitValue, compiled
from twinpack.detect.rules.expression import Expression, Truth
from twinpack.detect.rules.quantities import pack_constants
from twinpack.detect.rules.reading import read_rules
from twinpack.detect.rules.rule import AT_ONCE, Rule
from twinpack.telemetry.arrivals import Ints

RULES_FILE = "rules.toml"
SHIPPED = "the shipped rules"


@dataclass(frozen=True)
class RuleSet:
    """Rules for all packs.

    Attributes:
        rules: In the order of the text.
        text: The TOML they were read from.
    """

    rules: tuple[Rule, ...]
    text: str = field(repr=False, compare=False)

    def for_pack(self, pack: PackSpec) -> PackRules:
        """The rules that apply to a pack: those of which every limit has a value for it."""
        found = []
        for rule in self.rules:
            limits = {name: spec.of(pack) for name, spec in rule.limits.items()}
            known = {name: value for name, value in limits.items() if value is not None}
            if len(known) == len(limits):
                found.append(PackRule(rule, pack, known))
        return PackRules(tuple(found))


@dataclass(frozen=True)
class PackRule:
    """A rule with the limits of one pack.

    Attributes:
        rule: The rule.
        pack: The pack.
        limits: Its limits by name.
        judge: The condition as a function of columns.
        judge_when: When the test runs, likewise; None for always.
    """

    rule: Rule
    pack: PackSpec
    limits: Mapping[str, LimitValue]
    judge: Judge = field(init=False, compare=False, repr=False)
    judge_when: Judge | None = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Compiles the conditions."""
        object.__setattr__(self, "judge", self._compiled(self.rule.condition))
        when = self.rule.when
        object.__setattr__(self, "judge_when", self._compiled(when) if when else None)

    @property
    def definition(self) -> tuple[Any, ...]:
        """All that decides what its counters mean; names, words, level and bits may change without touching them."""
        rule = self.rule
        read = [text for one in (rule.condition, rule.when) if one for text in (one.text,)]
        constants = tuple(pack_constants(self.pack).items()) if any("pack." in text for text in read) else ()
        times = (rule.debounce_us, rule.pass_us, rule.hold_us)
        return (*read, rule.when is None, tuple(sorted(self.limits.items())), constants, times, *self.life)

    @property
    def life(self) -> tuple[int, bool, int, int, int]:
        """Severity, lamp, and the cycles that confirm, heal and age."""
        rule = self.rule
        return rule.severity, rule.lamp, rule.n_confirm, rule.n_heal, rule.n_age

    @property
    def confirm_after(self) -> int:
        """Operation cycles with a failure that confirm it: one where it is severe."""
        return 1 if self.rule.severity >= AT_ONCE else self.rule.n_confirm

    def _compiled(self, expression: Expression) -> Judge:
        return compiled(cast(Truth, expression.tree), self.limits, pack_constants(self.pack))


@dataclass(frozen=True)
class PackRules:
    """The rules of one pack, in the order of the rule set; a rule's index here is its place in the state.

    Attributes:
        rules: The rules.
    """

    rules: tuple[PackRule, ...]

    def __len__(self) -> int:
        """Number of rules."""
        return len(self.rules)

    @cached_property
    def index(self) -> dict[str, int]:
        """Place of each code."""
        return {one.rule.code: at for at, one in enumerate(self.rules)}

    @cached_property
    def quantities(self) -> tuple[str, ...]:
        """Quantities that conditions read of samples, sorted."""
        return tuple(sorted({name for one in self.rules if not one.rule.of_silence for name in one.rule.quantities}))

    @cached_property
    def of_silence(self) -> tuple[int, ...]:
        """Places of the rules that are tried at ticks."""
        return tuple(at for at, one in enumerate(self.rules) if one.rule.of_silence)

    @cached_property
    def terms(self) -> Ints:
        """What each rule says, for the kernel, shape (R, 7).

        Columns: debounce, pass and hold time, µs; cycles that confirm, heal and age it; whether it asks for the lamp.
        """
        rows = [
            (
                *(one.rule.debounce_us, one.rule.pass_us, one.rule.hold_us),
                *(one.confirm_after, one.rule.n_heal, one.rule.n_age, one.rule.lamp),
            )
            for one in self.rules
        ]
        return np.array(rows, dtype=np.int64).reshape(-1, 7)


def parse_rules(text: str, where: str = "rule set") -> RuleSet:
    """The rule set in a TOML text.

    Args:
        text: The TOML.
        where: What to call it in an error.

    Raises:
        RulesError: Every mistake on a line of its own, naming the rule and the field.
    """
    return RuleSet(read_rules(text, where), text)


@lru_cache(maxsize=1)
def shipped_rules() -> str:
    """The shipped rule set as TOML."""
    return resources.files(__package__).joinpath(RULES_FILE).read_text(encoding="utf-8")
