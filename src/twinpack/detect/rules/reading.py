"""Rule sets are read from TOML; every mistake is told, with the rule and the field it stands in."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from twinpack.detect.findings import CATEGORIES, LEVELS
from twinpack.detect.rules.expression import Expression, hint, parse_condition
from twinpack.detect.rules.limits import LimitSpec, read_limits
from twinpack.detect.rules.quantities import QUANTITIES, SILENCE
from twinpack.detect.rules.rule import Rule
from twinpack.errors import RulesError

_CODE = re.compile(r"[A-Z][A-Z0-9]{1,5}(-[A-Z0-9]+){0,4}")
_NEEDED = ("code", "name", "description", "condition", "debounce_s", "severity")
FIELDS = (
    *("code", "name", "description", "category", "condition", "when", "limits", "debounce_s", "pass_s", "hold_s"),
    *("severity", "lamp", "n_confirm", "n_heal", "n_age", "freeze", "gbt", "level"),
)
"""Every field of a rule, in the order of the documentation."""
MAX_RULES = 200
MAX_CYCLES = 250
"""Most that `n_heal` and `n_age` may be together: good cycles are counted in one byte."""
DAY_S = 86_400.0
GBT_BITS = 19


def read_rules(text: str, where: str) -> tuple[Rule, ...]:
    """The rules in a TOML text.

    Raises:
        RulesError: With every mistake there is.
    """
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise RulesError(f"{where}: not valid TOML: {error}") from error
    mistakes = [f"unknown key {key!r}; a rule set holds [[rule]] tables" for key in data if key != "rule"]
    given = data.get("rule", [])
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        mistakes.append("'rule' must be tables, written [[rule]]")
        given = []
    elif not given or len(given) > MAX_RULES:
        mistakes.append(f"holds {len(given)} rules; 1 to {MAX_RULES} are allowed")
    rules, seen = [], dict[str, int]()
    for number, table in enumerate(given[:MAX_RULES], 1):
        reader = _Reader(table)
        rule = reader.rule()
        code = table.get("code")
        if isinstance(code, str) and seen.setdefault(code, number) != number:
            reader.mistakes.append(f"code: rule {seen[code]} has it already")
        named = f"rule {number} ({code})" if isinstance(code, str) else f"rule {number}"
        mistakes += [f"{named}: {text}" for text in reader.mistakes]
        rules.append(rule)
    if mistakes:
        raise RulesError("\n".join(f"{where}: {text}" for text in mistakes))
    return tuple(rule for rule in rules if rule is not None)


class _Reader:
    """Reads one `[[rule]]` and gathers its mistakes."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        self.table = table
        self.mistakes: list[str] = []

    def rule(self) -> Rule | None:
        self._check_keys()
        severity = self._whole("severity", 0, 3)
        severe = severity is not None and severity >= 2
        debounce = self._seconds("debounce_s", None, least=0.0)
        condition, when = self._condition("condition"), self._condition("when")
        limits, wrong = read_limits(self.table.get("limits", {}))
        self.mistakes += wrong
        self._check_limits(limits, condition, when)
        rule = dict[str, Any](
            code=self._code(),
            name=self._text("name", 80),
            description=self._text("description", 400),
            category=self._one_of("category", CATEGORIES, "battery"),
            condition=condition,
            severity=severity,
            debounce_us=debounce,
            pass_us=self._seconds("pass_s", debounce, least=0.0),
            hold_us=self._seconds("hold_s", 60_000_000, least=0.001),
            lamp=self._flag("lamp", severe),
            n_confirm=self._whole("n_confirm", 1, MAX_CYCLES, 1 if severe else 2),
            n_heal=self._whole("n_heal", 1, MAX_CYCLES, 3),
            n_age=self._whole("n_age", 1, MAX_CYCLES, 40),
            freeze=self._names("freeze"),
            level=self._one_of("level", LEVELS, "alarm" if severe else "watch"),
        )
        gbt = self._whole("gbt", 0, GBT_BITS - 1, -1)
        self._check_together(rule, condition, when)
        if self.mistakes or any(value is None for value in rule.values()):
            return None
        return Rule(**rule, when=when, limits=limits, gbt=None if gbt == -1 else gbt)

    def _check_keys(self) -> None:
        for key in self.table:
            if key not in FIELDS:
                self._wrong(key, f"no such field{hint(key, FIELDS)}")
        for key in _NEEDED:
            if key not in self.table:
                self._wrong(key, "is missing")

    def _check_limits(
        self, limits: Mapping[str, LimitSpec], condition: Expression | None, when: Expression | None
    ) -> None:
        conditions = [one for one in (condition, when) if one is not None]
        used = {name for one in conditions for name in one.limits}
        tables = {name for one in conditions for name in one.tables}
        for name in sorted(used - set(limits)):
            self._wrong("limits", f"{name!r} is missing, which the condition reads{hint(name, limits)}")
        if len(conditions) == 1 + ("when" in self.table):
            for name in sorted(set(limits) - used):
                self._wrong(f"limits.{name}", "is read by no condition")
        for name in sorted(used & set(limits)):
            self._check_kind(name, limits[name], name in tables)

    def _check_kind(self, name: str, limit: LimitSpec, table: bool) -> None:
        for written in limit.written():
            if isinstance(written, tuple) != table:
                wanted = "a table of pairs, since interp reads it" if table else "a number, or be read by interp"
                self._wrong(f"limits.{name}", f"must be {wanted}")
                return

    def _check_together(self, rule: Mapping[str, Any], condition: Expression | None, when: Expression | None) -> None:
        if rule["n_heal"] is not None and rule["n_age"] is not None and rule["n_heal"] + rule["n_age"] > MAX_CYCLES:
            self._wrong("n_age", f"with n_heal is more than {MAX_CYCLES}")
        silence = [name for name in (condition.quantities if condition else ()) if name in SILENCE]
        if when is not None and any(name in SILENCE for name in when.quantities):
            self._wrong("when", f"may not read {' or '.join(SILENCE)}")
        if not silence:
            return
        others = [name for name in (condition.quantities if condition else ()) if name not in SILENCE]
        if others:
            self._wrong("condition", f"reads {silence[0]} and so may read no {others[0]}: there is no sample then")
        if when is not None:
            self._wrong("when", f"is not for a condition that reads {silence[0]}")
        if rule["debounce_us"] or rule["pass_us"]:
            self._wrong("debounce_s", f"must be 0 where the condition reads {silence[0]}: silence is a duration")

    def _code(self) -> str | None:
        code = self._text("code", 30)
        if code is not None and not _CODE.fullmatch(code):
            self._wrong("code", f"is {code!r}; write P0A7E or TP-NAME, capitals and digits")
            return None
        return code

    def _text(self, key: str, longest: int) -> str | None:
        value = self.table.get(key)
        if key not in self.table:
            return None
        if not isinstance(value, str) or not value.strip():
            self._wrong(key, f"is {value!r}; it must be a text")
            return None
        if len(value) > longest:
            self._wrong(key, f"is longer than {longest} characters")
            return None
        return " ".join(value.split())

    def _condition(self, key: str) -> Expression | None:
        value = self.table.get(key)
        if key not in self.table:
            return None
        if not isinstance(value, str):
            self._wrong(key, f"is {value!r}; it must be a text")
            return None
        parsed = parse_condition(value)
        if isinstance(parsed, Expression):
            return parsed
        for text in parsed:
            self._wrong(key, text)
        return None

    def _seconds(self, key: str, default: int | None, least: float) -> int | None:
        value = self.table.get(key)
        if key not in self.table:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float):
            self._wrong(key, f"is {value!r}; it must be a number of seconds")
            return None
        if not least <= value <= DAY_S:
            self._wrong(key, f"is {value}; it must lie between {least:g} and {DAY_S:g} seconds")
            return None
        return round(value * 1e6)

    def _whole(self, key: str, least: int, most: int, default: int | None = None) -> int | None:
        value = self.table.get(key)
        if key not in self.table:
            return default
        if isinstance(value, bool) or not isinstance(value, int):
            self._wrong(key, f"is {value!r}; it must be a whole number")
            return None
        if not least <= value <= most:
            self._wrong(key, f"is {value}; it must lie between {least} and {most}")
            return None
        return value

    def _flag(self, key: str, default: bool) -> bool | None:
        value = self.table.get(key, default)
        if isinstance(value, bool):
            return value
        self._wrong(key, f"is {value!r}; it must be true or false")
        return None

    def _one_of(self, key: str, allowed: Iterable[str], default: str) -> str | None:
        value = self.table.get(key, default)
        if value in allowed:
            return str(value)
        self._wrong(key, f"is {value!r}; it must be one of {', '.join(allowed)}")
        return None

    def _names(self, key: str) -> tuple[str, ...] | None:
        value = self.table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
            self._wrong(key, f"is {value!r}; it must be a list of quantities")
            return None
        for name in value:
            if name not in QUANTITIES or name in SILENCE:
                self._wrong(key, f"no quantity {name!r}{hint(name, QUANTITIES)}")
        return tuple(dict.fromkeys(value))

    def _wrong(self, key: str, what: str) -> None:
        self.mistakes.append(f"{key}: {what}")
