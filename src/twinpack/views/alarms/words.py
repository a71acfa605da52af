"""Alarms in words: what a code means and what to do, and what its rule compares with what."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from twinpack.detect.rules import Rule, parse_rules
from twinpack.detect.rules.evaluation import LimitValue, measured
from twinpack.detect.rules.expression import Compare, Expression, Join, Named, Node, Value, nodes
from twinpack.detect.rules.quantities import QUANTITIES
from twinpack.detect.words import SEVERITIES
from twinpack.ingest.log import SegmentLog
from twinpack.store.registry import Registry
from twinpack.views.alarms.panels import in_words, unit_of
from twinpack.views.alarms.rules import RulesInUse

_LOOK_EVERY_S = 30.0
"""How often it is looked whether other rules are in use."""

_SIGNS = {"<": "below", "<=": "at or below", ">": "above", ">=": "at or above", "==": "equal to", "!=": "other than"}


@dataclass(frozen=True)
class Meaning:
    """What a code means.

    Attributes:
        title: A few words.
        about: What is wrong and what to do.
        rule: Its rule; None for a finding by comparison, which has none.
    """

    title: str
    about: str
    rule: Rule | None = None


ANOMALIES: Mapping[str, Meaning] = {
    code: Meaning(title, about)
    for code, title, about in (
        (
            "TP-CELL-LOW",
            "Cell lower than its pack",
            "One cell lies well below the median of its pack. It may have lost charge or capacity: look at it in the "
            "pack view, and have it measured at the next visit.",
        ),
        (
            "TP-CELL-HIGH",
            "Cell higher than its pack",
            "One cell lies well above the median of its pack. It may not be balanced, or have less capacity than the "
            "others: look at it in the pack view, and have the pack balanced.",
        ),
        (
            "TP-CELL-SHIFT",
            "Cell moved against its history",
            "One cell no longer lies where its own past says it should. Such a step is often the first sign of a "
            "weak cell or a bad connection.",
        ),
        (
            "TP-CELL-CAPACITY",
            "Cell with less capacity",
            "One cell is emptied and filled faster than its neighbours: it limits what the pack can give.",
        ),
        (
            "TP-CELL-RESISTANCE",
            "Cell with more resistance",
            "One cell's voltage gives way more under current than its neighbours': a worn cell or a loose connection, "
            "which heats up.",
        ),
        (
            "TP-SELFDIS",
            "Abnormal self-discharge",
            "One cell loses charge at rest, faster than its neighbours. That may be a beginning inner short circuit: "
            "have it looked at soon.",
        ),
        (
            "TP-SPREAD",
            "Cells drift apart",
            "The difference between highest and lowest cell at rest grows month by month: have the cells balanced.",
        ),
        (
            "TP-PROBE",
            "Temperature probe not believed",
            "A temperature probe differs from the others, or from its own past, by more than the pack explains: have "
            "the sensor checked.",
        ),
        (
            "TP-COOLING",
            "Cooling performance",
            "Heat is taken away less well than it was: check coolant, pump, fan and filters.",
        ),
    )
}
"""Codes that are found by comparison with other cells or with the past."""


class Meanings:
    """What codes mean by the rules that a workspace uses."""

    def __init__(self, registry: Registry, log: SegmentLog, clock: Callable[[], float] = time.monotonic) -> None:
        """Look them up in a registry and its log."""
        self._in_force = RulesInUse(registry, log)
        self._clock = clock
        self._rules: Mapping[str, Rule] = {}
        self._looked: float | None = None
        self._lock = threading.Lock()

    def of(self, code: str) -> Meaning:
        """What a code means; one that no rule has any more keeps its code for a title."""
        rule = self._in_use().get(code)
        if rule is not None:
            return Meaning(
                rule.name, f"{rule.description} Severity {rule.severity}: {SEVERITIES[rule.severity]}.", rule
            )
        return ANOMALIES.get(code, Meaning(code, ""))

    def _in_use(self) -> Mapping[str, Rule]:
        with self._lock:
            if self._looked is None or self._clock() - self._looked > _LOOK_EVERY_S:
                self._rules = _by_code(self._in_force.text())
                self._looked = self._clock()
            return self._rules


@lru_cache(maxsize=4)
def _by_code(text: str) -> Mapping[str, Rule]:
    return {rule.code: rule for rule in parse_rules(text).rules} if text else {}


def condition_in_words(condition: Expression, limits: Mapping[str, LimitValue], pack: Mapping[str, float]) -> str:
    """A condition as a person reads it: `Isolation over voltage below 100 Ω/V`.

    Args:
        condition: The condition.
        limits: The limits that held, by name.
        pack: Constants of the pack.
    """
    told = _told(condition.tree, limits, pack)
    first = 1 if told.startswith("(") else 0
    return told[:first] + told[first : first + 1].upper() + told[first + 1 :]


def figures_in_words(condition: Expression, frame: Mapping[str, object]) -> str:
    """What a condition read of a sample: `isolation over voltage 34.72 Ω/V`."""
    return ", ".join(
        _figure(Named(name), value)
        for name in condition.quantities
        if isinstance(value := frame.get(name), (int, float)) and not QUANTITIES[name].flag
    )


def _figure(quantity: Named, value: float) -> str:
    unit = unit_of(quantity)
    return f"{_name(quantity)} {value:.4g}".replace("-", "−") + (f" {unit}" if unit else "")


def _name(tree: Value) -> str:
    """What a number is, without its unit and what is said of its sign."""
    words = in_words(tree).partition(",")[0].replace(" (positive charges)", "")
    return f"{words[:1].lower()}{words[1:]}"


def _told(tree: Node, limits: Mapping[str, LimitValue], pack: Mapping[str, float]) -> str:
    if isinstance(tree, Join):
        parts = [_part(part, tree, limits, pack) for part in tree.parts]
        return f"not so: {parts[0]}" if tree.name == "not" else f" {tree.name} ".join(parts)
    if not isinstance(tree, Compare):
        return ""
    if isinstance(tree.left, Named) and tree.left.name in QUANTITIES and QUANTITIES[tree.left.name].flag:
        return QUANTITIES[tree.left.name].meaning
    return f"{_name(tree.left)} {_SIGNS.get(tree.sign, tree.sign)} {_limit(tree, limits, pack)}"


def _part(part: Node, whole: Join, limits: Mapping[str, LimitValue], pack: Mapping[str, float]) -> str:
    """A part of a condition, in brackets where it would else be read as joined to its neighbours."""
    told = _told(part, limits, pack)
    return f"({told})" if isinstance(part, Join) and part.name not in ("not", whole.name) else told


def _limit(tree: Compare, limits: Mapping[str, LimitValue], pack: Mapping[str, float]) -> str:
    unit = unit_of(tree.left)
    value = constant(tree.right, limits, pack)
    if value is None:
        return "its limit"
    return f"{value:.4g}".replace("-", "−") + (f" {unit}" if unit else "")


def constant(tree: Value, limits: Mapping[str, LimitValue], pack: Mapping[str, float]) -> float | None:
    """The value of a number that no sample changes; None of one that does, or whose limits are not known."""
    if any(isinstance(node, Named) for node in nodes(tree)):
        return None
    try:
        return float(measured(tree, limits, pack)({}))
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
