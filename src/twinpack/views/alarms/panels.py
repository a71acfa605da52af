"""What a rule's condition compares, as panels: a series, and the limits that it is held against."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from twinpack.detect.rules.evaluation import LimitValue, measured
from twinpack.detect.rules.expression import Call, Compare, Expression, Limit, Named, Number, Value, nodes
from twinpack.detect.rules.expression import parse_condition as parse
from twinpack.detect.rules.quantities import QUANTITIES
from twinpack.telemetry.batch import Floats

MOST_PANELS = 3

_WORSE = ({"<": "low", ">": "high"}, {"<": "high", ">": "low"})
_SIGNS = {"+": "plus", "-": "less", "*": "times", "/": "over"}
_COUNTS = ("sentinel_cells",)
_SHORT = {
    "temp_max_c": "hottest temperature",
    "temp_min_c": "coldest temperature",
    "isolation_ohm_per_v": "isolation over voltage",
    "c_rate": "current over capacity (positive charges)",
    "coolant_temp_c": "coolant",
    "sum_gap_v": "pack voltage against the sum of its cells",
    "pack_voltage_v": "pack voltage",
    "soc_pct": "state of charge",
    "soc_jump_pct": "change of charge that the current does not explain",
    "pack_current_a": "current (positive charges)",
    "hv_interlock_closed": "interlock loop closed",
    "link_voltage_v": "voltage behind the contactors",
    "current_offset_a": "current while contactors are open",
}
"""Quantities in fewer words than those of the reference."""

OF_THE_TWIN = ("capacity_health_pct", "resistance_ratio")
_NOT_SAMPLED = (*OF_THE_TWIN, "silence_s", "period_s")
"""Quantities that no sample tells."""


@dataclass(frozen=True)
class Held:
    """A series and what it is held against.

    Attributes:
        value: The series.
        limits: What it is compared with.
        bad: Which of its values are the worse ones: `low`, `high`, or "" where there is none.
    """

    value: Value
    limits: tuple[Value, ...]
    bad: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Quantities that it and its limits read."""
        trees = (self.value, *self.limits)
        return tuple(dict.fromkeys(node.name for tree in trees for node in nodes(tree) if isinstance(node, Named)))

    def limits_told(self, limits: Mapping[str, LimitValue]) -> bool:
        """Whether all the limits that it reads are known."""
        trees = (self.value, *self.limits)
        return all(node.name in limits for tree in trees for node in nodes(tree) if isinstance(node, Limit))

    @property
    def counts(self) -> bool:
        """Whether it is a number of things: it has no unit, and is no ratio."""
        return isinstance(self.value, Named) and self.value.name in _COUNTS

    @property
    def flag(self) -> str:
        """The one quantity, where that is a flag, 0 or 1; else ""."""
        name = self.value.name if isinstance(self.value, Named) else ""
        return name if name in QUANTITIES and QUANTITIES[name].flag else ""


def condition_of(evidence: Mapping[str, Any]) -> Expression | None:
    """The condition that evidence tells of, None where it tells none that can be read."""
    text = evidence.get("condition")
    found = parse(text) if isinstance(text, str) else None
    return found if isinstance(found, Expression) else None


def limits_of(evidence: Mapping[str, Any]) -> dict[str, LimitValue]:
    """The limits that evidence tells of; tables are pairs."""
    told = evidence.get("limits")
    found: dict[str, LimitValue] = {}
    for name, value in told.items() if isinstance(told, Mapping) else ():
        if isinstance(value, (int, float)):
            found[name] = float(value)
        elif isinstance(value, Sequence) and not isinstance(value, str):
            found[name] = tuple((float(x), float(y)) for x, y in value)
    return found


def panels_of(condition: Expression) -> list[Held]:
    """What a condition compares, in the order of its text, each series once with all its limits."""
    found: dict[Value, list[Value]] = {}
    worse: dict[Value, str] = {}
    for node in nodes(condition.tree):
        if isinstance(node, Compare) and _is_sampled(node):
            turned = not _reads(node.left)
            left, right = (node.right, node.left) if turned else (node.left, node.right)
            found.setdefault(left, []).append(right)
            worse.setdefault(left, _WORSE[turned].get(node.sign[0], ""))
    held = [Held(value, tuple(dict.fromkeys(limits)), worse[value]) for value, limits in found.items()]
    return held[:MOST_PANELS]


def series(
    tree: Value, columns: Mapping[str, Floats], limits: Mapping[str, LimitValue], pack: Mapping[str, float]
) -> Floats:
    """A number over the samples of some columns; NaN where it is not known."""
    rows = len(next(iter(columns.values())))
    with np.errstate(all="ignore"):
        return np.broadcast_to(np.asarray(measured(tree, limits, pack)(columns), dtype=np.float64), rows)


def in_words(tree: Value) -> str:
    """What a series is, with its unit."""
    unit = unit_of(tree)
    words = _words(tree)
    return f"{words[0].upper()}{words[1:]}{f', {unit}' if unit else ''}"


def _words(tree: Value) -> str:
    match tree:
        case Named():
            known = QUANTITIES[tree.name].meaning if tree.name in QUANTITIES else tree.name.replace("_", " ")
            return _SHORT.get(tree.name, known)
        case Call(name="neg"):
            return f"{_words(tree.arguments[0])}, reversed"
        case Call(name="abs"):
            return f"{_words(tree.arguments[0])}, magnitude"
        case Call() if tree.name in _SIGNS:
            return f" {_SIGNS[tree.name]} ".join(_words(argument) for argument in tree.arguments)
        case Call():
            return f"{tree.name} of {' and '.join(_words(argument) for argument in tree.arguments)}"
        case Number():
            return f"{tree.value:g}"
        case _:
            return tree.name.replace("_", " ")


def unit_of(tree: Value) -> str:
    """The unit of a number, "" where it has none or several."""
    units = {QUANTITIES[node.name].unit for node in nodes(tree) if isinstance(node, Named) and node.name in QUANTITIES}
    unit = units.pop() if len(units) == 1 else ""
    return {"degC": "°C", "ohm/V": "Ω/V", "kohm": "kΩ", "1/h": "C"}.get(unit, unit)


def limit_name(tree: Value) -> str:
    """What a limit is called: `limit`, or with its own name where a series has several."""
    names = [node.name.replace("_", " ") for node in nodes(tree) if isinstance(node, Limit)]
    return names[0] if names else "limit"


def _is_sampled(node: Compare) -> bool:
    read = list(_named(node))
    return bool(read) and not any(name in _NOT_SAMPLED for name in read)


def _named(tree: Any) -> Iterator[str]:
    return (node.name for node in nodes(tree) if isinstance(node, Named))


def _reads(tree: Value) -> bool:
    return any(True for _ in _named(tree))
