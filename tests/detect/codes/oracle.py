"""Trouble codes in plain Python, one vehicle and one sample after the other: what the kernels are checked against.

Written from the rules of the standard alone, with dictionaries and booleans in place of arrays and bytes.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from twinpack.battery.pack import PackSpec
from twinpack.detect.rules import PackRule

HALF_HOUR = 30 * 60.0
DAY = 24 * 3600.0
MINUTE = 60.0

_SIGNS = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_SUMS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul}


def judge(text: str, values: Mapping[str, float], limits: Mapping[str, Any], pack: PackSpec) -> bool | None:
    """A condition for one sample: True, False or None for unknown."""
    return _truth(ast.parse(text, mode="eval").body, values, limits, pack)


def _truth(node: ast.expr, *given: Any) -> bool | None:
    if isinstance(node, ast.BoolOp):
        parts = [_truth(part, *given) for part in node.values]
        decided = isinstance(node.op, ast.Or)
        if decided in parts:
            return decided
        return None if None in parts else not decided
    if isinstance(node, ast.UnaryOp):
        inner = _truth(node.operand, *given)
        return None if inner is None else not inner
    if isinstance(node, ast.Name):
        value = _number(node, *given)
        return None if math.isnan(value) else value >= 0.5
    assert isinstance(node, ast.Compare)
    sides = [_number(side, *given) for side in (node.left, *node.comparators)]
    links: list[bool | None] = []
    for sign, left, right in zip(node.ops, sides, sides[1:], strict=False):
        unknown = math.isnan(left) or math.isnan(right)
        links.append(None if unknown else _SIGNS[type(sign)](left, right))
    if False in links:
        return False
    return None if None in links else True


def _number(node: ast.expr, values: Mapping[str, float], limits: Mapping[str, Any], pack: PackSpec) -> float:
    given = (values, limits, pack)
    match node:
        case ast.Constant(value=value):
            return float(value)  # type: ignore[arg-type]
        case ast.Name(id=name):
            return values.get(name, math.nan)
        case ast.Attribute(value=ast.Name(id="limit"), attr=name):
            return float(limits[name])
        case ast.Attribute(attr=name):
            return float(getattr(pack, name))
        case ast.UnaryOp(op=ast.USub()):
            return -_number(node.operand, *given)
        case ast.BinOp(op=ast.Div()):
            below = _number(node.right, *given)
            return _number(node.left, *given) / below if below else math.nan
        case ast.BinOp():
            return float(_SUMS[type(node.op)](_number(node.left, *given), _number(node.right, *given)))
        case ast.Call(func=ast.Name(id="interp")):
            table = limits[node.args[1].attr]  # type: ignore[attr-defined]
            return interpolated(_number(node.args[0], *given), table)
        case ast.Call(func=ast.Name(id=name)):
            arguments = [_number(argument, *given) for argument in node.args]
            if any(math.isnan(argument) for argument in arguments):
                return math.nan
            return abs(arguments[0]) if name == "abs" else {"min": min, "max": max}[name](arguments)
    raise AssertionError(ast.dump(node))


def interpolated(x: float, table: Sequence[tuple[float, float]]) -> float:
    if math.isnan(x):
        return math.nan
    if x <= table[0][0]:
        return table[0][1]
    for (x0, y0), (x1, y1) in pairwise(table):
        if x <= x1:
            return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    return table[-1][1]


@dataclass(frozen=True)
class Sample:
    """One sample of a vehicle; times in seconds."""

    time: float
    receipt: float
    offset: int
    values: Mapping[str, float]


@dataclass(frozen=True)
class Tick:
    """A moment up to which silence is known."""

    receipt: float
    offset: int


@dataclass
class Code:
    """One code of one vehicle."""

    rule: PackRule
    failed: bool = False
    failed_in_cycle: bool = False
    pending: bool = False
    confirmed: bool = False
    tested: bool = False
    failed_since_clear: bool = False
    tested_in_cycle: bool = False
    lamp: bool = False
    failing_s: float = 0.0
    passing_s: float = 0.0
    last: bool | None = None
    stands: bool = False
    last_time: float = 0.0
    since: float | None = None
    bad_cycles: int = 0
    good_cycles: int = 0
    occurrence: int = 0

    def byte(self) -> int:
        bits = (
            *(self.failed, self.failed_in_cycle, self.pending, self.confirmed),
            *(not self.tested, self.failed_since_clear, not self.tested_in_cycle, self.lamp),
        )
        return sum(1 << place for place, bit in enumerate(bits) if bit)

    def fdc(self) -> int:
        rule = self.rule.rule
        debounce, passing = rule.debounce_us / 1e6, rule.pass_us / 1e6
        if self.failing_s > 0:
            return min(127, math.floor(round(127 * self.failing_s / debounce, 9)))
        if self.passing_s > 0:
            return -min(128, math.floor(round(128 * self.passing_s / passing, 9)))
        if self.last is True and debounce == 0:
            return 127
        return -128 if self.last is False and passing == 0 else 0

    def new_cycle(self, after_silence: bool) -> list[str]:
        rule, told = self.rule.rule, []
        if self.tested_in_cycle and not self.failed_in_cycle:
            if self.pending and not self.confirmed:
                told.append("gone: never confirmed")
            self.pending = False
            self.bad_cycles = 0
            if self.confirmed:
                self.good_cycles += 1
                if self.good_cycles == rule.n_heal:
                    self.lamp = False
                    told.append("gone: healed")
                elif self.good_cycles == rule.n_heal + rule.n_age:
                    told.append("gone: aged")
                    self.confirmed = False
                    self.good_cycles = 0
                    self.occurrence = 0
        self.failed_in_cycle = self.tested_in_cycle = False
        if after_silence:
            self.failing_s = self.passing_s = 0.0
            self.stands = False
        return told

    def take(self, time: float, verdict: bool) -> list[str]:
        """`verdict` is True when the test fails."""
        rule = self.rule.rule
        stood = min(time - self.last_time, rule.hold_us / 1e6) if self.stands and self.last is verdict else 0.0
        if verdict and self.last is not True:
            self.since = time
        self.last, self.stands, self.last_time = verdict, True, time
        if verdict:
            self.passing_s = 0.0
            self.failing_s = min(self.failing_s + stood, rule.debounce_us / 1e6)
            return self.fail() if self.failing_s >= rule.debounce_us / 1e6 - 1e-9 else []
        self.failing_s = 0.0
        self.passing_s = min(self.passing_s + stood, rule.pass_us / 1e6)
        return self.passed() if self.passing_s >= rule.pass_us / 1e6 - 1e-9 else []

    def fail(self) -> list[str]:
        rule, told = self.rule.rule, []
        again, was_pending = not self.failed, self.pending
        self.good_cycles = 0
        if not self.failed_in_cycle:
            self.bad_cycles += 1
        self.failed = self.failed_in_cycle = self.pending = self.failed_since_clear = True
        self.tested = self.tested_in_cycle = True
        enough = self.bad_cycles >= (1 if rule.severity == 3 else rule.n_confirm)
        if (self.confirmed and again) or (not self.confirmed and enough):
            self.confirmed = True
            self.lamp = rule.lamp
            self.occurrence += 1
            told.append("raised")
        elif not self.confirmed and not was_pending:
            told.append("pending")
        return told

    def passed(self) -> list[str]:
        told = ["passed"] if self.failed and self.confirmed else []
        self.failed = False
        self.tested = self.tested_in_cycle = True
        return told

    def silent(self, last_sample: float) -> list[str]:
        self.last, self.since, self.last_time, self.stands = True, last_sample, last_sample, True
        self.failing_s = self.passing_s = 0.0
        return self.fail()


@dataclass
class Vehicle:
    """One vehicle and its codes; `told` is what came of it: offset, code, change, time, status, occurrence, since."""

    pack: PackSpec
    codes: list[Code]
    told: list[tuple[Any, ...]] = field(default_factory=list)
    before: Sample | None = None
    doing: str = "parked"
    used: bool = False
    period: float = 0.0
    cycle: str | None = None
    cycle_began: float | None = None
    last_used: float = 0.0
    turned: float | None = None

    def tick(self, tick: Tick) -> None:
        if self.before is None or not self.used:
            return
        silence = {"silence_s": tick.receipt - self.before.receipt, "period_s": self.period}
        for code in self.codes:
            if code.rule.rule.of_silence and code.last is not True:
                rule = code.rule.rule
                if judge(rule.condition.text, silence, code.rule.limits, self.pack):
                    self._tell(code, code.silent(self.before.time), tick.offset, self.before.time)

    def sample(self, sample: Sample) -> None:
        after_silence = self.before is not None and sample.time - self.before.time >= HALF_HOUR
        new = self._operate(sample, after_silence)
        for code in self.codes:
            rule = code.rule.rule
            if new:
                self._tell(code, code.new_cycle(after_silence), sample.offset, sample.time)
            if rule.of_silence:
                self._tell(code, code.take(sample.time, False), sample.offset, sample.time)
                continue
            runs = True if rule.when is None else judge(rule.when.text, sample.values, code.rule.limits, self.pack)
            if runs is False:
                code.stands = False
            elif runs:
                verdict = judge(rule.condition.text, sample.values, code.rule.limits, self.pack)
                if verdict is not None:
                    self._tell(code, code.take(sample.time, verdict), sample.offset, sample.time)
        self.before = sample

    def _operate(self, sample: Sample, after_silence: bool) -> bool:
        current = sample.values.get("pack_current_a", math.nan)
        speed = sample.values.get("speed_kmh", math.nan)
        plugged = sample.values.get("is_charging", math.nan) >= 0.5
        rest = 0.02 * self.pack.capacity_ah
        if abs(speed) > 1.0:
            doing = "driving"
        elif plugged or current > rest:
            doing = "charging"
        elif current < -rest:
            doing = "driving"
        elif math.isnan(current):
            doing = "parked" if after_silence else self.doing
        else:
            doing = "parked"
        used = doing == "charging" or (doing == "driving" and (math.isnan(speed) or abs(speed) > 1.0))
        self._learn_period(sample, used)
        self.doing, self.used = doing, used
        if after_silence or (self.cycle in ("driving", "charging") and sample.time - self.last_used >= HALF_HOUR):
            self.cycle = None
        under_way = self.cycle in ("driving", "charging")
        if doing == "parked":
            self.turned = None
            begins = not under_way and (self.cycle_began is None or sample.time - self.cycle_began >= DAY)
        elif not under_way:
            begins = True
        elif doing == self.cycle:
            self.turned, self.last_used, begins = None, sample.time, False
        else:
            self.turned = sample.time if self.turned is None else self.turned
            begins = sample.time - self.turned >= MINUTE
        if begins:
            self.cycle, self.cycle_began, self.last_used, self.turned = doing, sample.time, sample.time, None
        return begins

    def _learn_period(self, sample: Sample, used: bool) -> None:
        import numpy as np

        between = sample.receipt - self.before.receipt if self.before is not None else 0.0
        if not (used and self.used and 0.0 < between <= HALF_HOUR):
            return
        if self.period == 0.0:
            self.period = float(np.float32(between))
        else:
            step = max(-0.1 * self.period, min(0.1 * self.period, 0.1 * (between - self.period)))
            self.period = float(np.float32(self.period + step))

    def _tell(self, code: Code, changes: list[str], offset: int, time: float) -> None:
        for change in changes:
            self.told.append((offset, code.rule.rule.code, change, time, code.byte(), code.occurrence, code.since))
