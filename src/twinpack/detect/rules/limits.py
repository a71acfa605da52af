"""Limits of a rule: one number or table for all packs, or others by chemistry and by name of the pack."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, cast

from twinpack.battery.pack import PackSpec
from twinpack.detect.rules.evaluation import LimitValue, Table, measured
from twinpack.detect.rules.expression import Expression, Value, hint, parse_constant
from twinpack.detect.rules.quantities import pack_constants

Written = float | Expression | Table
"""A limit as it stands in a rule set: a number, a sum of pack constants, or the table of an `interp`."""
_KEYS = ("default", "chemistry", "pack")


@dataclass(frozen=True)
class LimitSpec:
    """One limit.

    Attributes:
        default: What holds where nothing else does; None where the rule then does not apply.
        chemistry: By the beginning of the pack's chemistry; the longest that fits holds.
        pack: By name of the pack; holds before all others.
    """

    default: Written | None = None
    chemistry: Mapping[str, Written] = field(default_factory=dict)
    pack: Mapping[str, Written] = field(default_factory=dict)

    def written(self) -> Iterator[Written]:
        """Every value there is."""
        if self.default is not None:
            yield self.default
        yield from self.chemistry.values()
        yield from self.pack.values()

    def of(self, pack: PackSpec) -> LimitValue | None:
        """The value for a pack, None where there is none."""
        written = self.pack.get(pack.name)
        if written is None:
            chemistry = pack.chemistry.upper()
            fitting = [begin for begin in self.chemistry if chemistry.startswith(begin.upper())]
            written = self.chemistry[max(fitting, key=len)] if fitting else self.default
        return _resolved(written, pack) if isinstance(written, Expression) else written


def _resolved(written: Expression, pack: PackSpec) -> float | None:
    value = float(measured(cast(Value, written.tree), {}, pack_constants(pack))({}))
    return value if math.isfinite(value) else None


def read_limits(given: Any) -> tuple[dict[str, LimitSpec], list[str]]:
    """The limits of one rule as TOML gives them, and their mistakes, each with the limit's name in front."""
    if not isinstance(given, dict):
        return {}, [f"limits: is {given!r}; it must be a table of names"]
    limits, mistakes = {}, []
    for name, value in given.items():
        wrong: list[str] = []
        spec = _spec(value, wrong)
        mistakes += [f"limits.{name}{text}" for text in wrong]
        limits[name] = spec
    return limits, mistakes


def _spec(value: Any, wrong: list[str]) -> LimitSpec:
    if not isinstance(value, dict):
        return LimitSpec(_value("", value, wrong))
    for key in value:
        if key not in _KEYS:
            wrong.append(f": unknown key {key!r}; the keys are {', '.join(_KEYS)}{hint(key, _KEYS)}")
    if not any(key in value for key in _KEYS):
        wrong.append(": holds no value")
    default = _value(".default", value["default"], wrong) if "default" in value else None
    spec = LimitSpec(default, _named("chemistry", value, wrong), _named("pack", value, wrong))
    if len({isinstance(one, tuple) for one in spec.written()}) > 1:
        wrong.append(": is a table for some packs and a number for others")
    return spec


def _named(key: str, value: Mapping[str, Any], wrong: list[str]) -> dict[str, Written]:
    given = value.get(key, {})
    if not isinstance(given, dict):
        wrong.append(f".{key}: is {given!r}; it must be a table of names and values")
        return {}
    found = {name: _value(f".{key}.{name}", one, wrong) for name, one in given.items()}
    return {name: one for name, one in found.items() if one is not None}


def _value(where: str, value: Any, wrong: list[str]) -> Written | None:
    if isinstance(value, bool):
        wrong.append(f"{where}: is {value}; it must be a number, a text of pack constants, or a list of pairs")
    elif isinstance(value, int | float):
        if math.isfinite(value):
            return float(value)
        wrong.append(f"{where}: is {value}; it must be finite")
    elif isinstance(value, str):
        parsed = parse_constant(value)
        if isinstance(parsed, Expression):
            return parsed
        wrong += [f"{where}: {text}" for text in parsed]
    elif isinstance(value, list):
        return _table(where, value, wrong)
    else:
        wrong.append(f"{where}: is {value!r}; it must be a number, a text of pack constants, or a list of pairs")
    return None


def _table(where: str, value: list[Any], wrong: list[str]) -> Table | None:
    good = len(value) >= 2 and all(isinstance(pair, list) and len(pair) == 2 for pair in value)
    flat = [number for pair in value for number in pair] if good else []
    if not good or not all(isinstance(one, int | float) and not isinstance(one, bool) for one in flat):
        wrong.append(f"{where}: a table is two or more pairs of numbers, [[x, y], …]")
        return None
    table = tuple((float(x), float(y)) for x, y in value)
    if not all(math.isfinite(number) for pair in table for number in pair):
        wrong.append(f"{where}: holds what is not finite")
    elif not all(before[0] < after[0] for before, after in pairwise(table)):
        wrong.append(f"{where}: the first numbers of the pairs must rise")
    else:
        return table
    return None
