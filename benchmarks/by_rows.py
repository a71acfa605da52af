"""Trouble codes in plain Python: each vehicle, each sample, each rule, as a script over telemetry does it.

Conditions are made Python functions once, so that only the loop is slow. Every quantity must be known.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Mapping
from typing import Any

from twinpack.detect.rules import PackRule, PackRules
from twinpack.telemetry.arrivals import Ints, Lanes
from twinpack.telemetry.batch import Floats

Sample = dict[str, float]


def failed_by_rows(
    rules: PackRules, lane: Lanes, at_us: Ints, columns: Mapping[str, Floats]
) -> dict[tuple[int, str], int]:
    """Sample time at which each test of each vehicle first failed, µs; samples are by vehicle and time."""
    tests = [_test(one) for one in rules.rules]
    names = list(columns)
    samples = zip(lane.tolist(), at_us.tolist(), *(columns[name].tolist() for name in names), strict=True)
    first: dict[tuple[int, str], int] = {}
    counters: list[list[Any]] = []
    vehicle = -1
    for who, now, *values in samples:
        if who != vehicle:
            vehicle, counters = who, [[None, 0, 0] for _ in tests]
        sample = dict(zip(names, values, strict=True))
        for (code, debounce, hold, condition, when), counter in zip(tests, counters, strict=True):
            if when is not None and not when(sample):
                counter[0] = None
                continue
            fails = condition(sample)
            if not fails:
                counter[1] = 0
            elif counter[0]:
                counter[1] += min(now - counter[2], hold)
            counter[0], counter[2] = fails, now
            if fails and counter[1] >= debounce:
                first.setdefault((who, code), now)
    return first


def _test(one: PackRule) -> tuple[str, int, int, Callable[[Sample], bool], Callable[[Sample], bool] | None]:
    rule = one.rule
    when = None if rule.when is None else _function(rule.when.text, one)
    return rule.code, rule.debounce_us, rule.hold_us, _function(rule.condition.text, one), when


def _function(text: str, one: PackRule) -> Callable[[Sample], bool]:
    """A condition with its limits put in as a Python function of a sample."""

    def limit(match: re.Match[str]) -> str:
        return repr(one.limits[match[1]])

    text = re.sub(r"limit\.(\w+)", limit, text)
    for name in one.rule.quantities:
        text = re.sub(rf"\b{name}\b", f'q["{name}"]', text)
    made: Callable[[Sample], bool] = eval(f"lambda q: bool({text})", {"interp": _interp})
    return made


def _interp(x: float, table: tuple[tuple[float, float], ...]) -> float:
    if x <= table[0][0]:
        return table[0][1]
    if x >= table[-1][0]:
        return table[-1][1]
    above = bisect_right(table, (x, float("inf")))
    (x0, y0), (x1, y1) = table[above - 1], table[above]
    return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
