"""The language of conditions: parsed as Python, and only a short list of its forms passes.

A condition is true or false: comparisons of numbers, joined by `and`, `or`, `not`. A number is a quantity of the
sample, a constant, `limit.NAME`, `pack.NAME`, or made of these by `+ - * /`, `abs(x)`, `min(x, ...)`, `max(x, ...)` and
`interp(x, limit.TABLE)`. Nothing else passes: no texts, no calls of other names, no attributes, no subscripts.
"""

from __future__ import annotations

import ast
import difflib
import math
import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from functools import cached_property

from twinpack.detect.rules.quantities import PACK_CONSTANTS, QUANTITIES

MAX_LENGTH = 1_000
MAX_DEPTH = 30

_SIGNS = re.compile(r"[^A-Za-z0-9_.,()<>=!+\-*/ ]")
_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
_ARITHMETIC: dict[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_FUNCTIONS = {"abs": (1, 1), "min": (2, 16), "max": (2, 16), "interp": (2, 2)}
_FLAG_IS_SET = 0.5


@dataclass(frozen=True)
class Number:
    """A constant."""

    value: float


@dataclass(frozen=True)
class Named:
    """A quantity of the sample."""

    name: str


@dataclass(frozen=True)
class Limit:
    """`limit.NAME`: a number, or the table of an `interp`."""

    name: str


@dataclass(frozen=True)
class Constant:
    """`pack.NAME`."""

    name: str


@dataclass(frozen=True)
class Call:
    """An operation on numbers that gives a number: `+ - * /`, `neg`, `abs`, `min`, `max`, `interp`."""

    name: str
    arguments: tuple[Value, ...]


@dataclass(frozen=True)
class Compare:
    """A comparison of two numbers."""

    sign: str
    left: Value
    right: Value


@dataclass(frozen=True)
class Join:
    """`and`, `or` (of several) or `not` (of one)."""

    name: str
    parts: tuple[Truth, ...]


Value = Number | Named | Limit | Constant | Call
Truth = Compare | Join
Node = Value | Truth


@dataclass(frozen=True)
class Expression:
    """A condition, or a number made of pack constants, that has been checked.

    Attributes:
        text: As it was written, with single spaces.
        tree: What it means.
    """

    text: str
    tree: Node

    @cached_property
    def quantities(self) -> tuple[str, ...]:
        """Quantities that it reads, in the order of the text, each once."""
        return tuple(dict.fromkeys(node.name for node in nodes(self.tree) if isinstance(node, Named)))

    @property
    def tables(self) -> frozenset[str]:
        """Limits that it reads as tables."""
        calls = (node for node in nodes(self.tree) if isinstance(node, Call) and node.name == "interp")
        return frozenset(call.arguments[1].name for call in calls if isinstance(call.arguments[1], Limit))

    @property
    def limits(self) -> frozenset[str]:
        """Limits that it reads."""
        return frozenset(node.name for node in nodes(self.tree) if isinstance(node, Limit))


def nodes(tree: Node) -> Iterator[Node]:
    """A node and all below it."""
    yield tree
    for part in fields(tree):
        held = getattr(tree, part.name)
        for below in held if isinstance(held, tuple) else (held,):
            if isinstance(below, Number | Named | Limit | Constant | Call | Compare | Join):
                yield from nodes(below)


def parse_condition(text: str) -> Expression | list[str]:
    """A condition, or what is wrong with it."""
    parser = _Parser()
    tree = parser.read(text, truth=True)
    if tree is not None and not parser.mistakes and not any(isinstance(node, Named) for node in nodes(tree)):
        parser.mistakes.append("names no quantity of a sample, so it is the same always")
    return parser.mistakes if tree is None or parser.mistakes else Expression(" ".join(text.split()), tree)


def parse_constant(text: str) -> Expression | list[str]:
    """A number made of constants and `pack.NAME`, or what is wrong with it."""
    parser = _Parser()
    tree = parser.read(text, truth=False)
    if tree is not None and any(isinstance(node, Named | Limit) for node in nodes(tree)):
        parser.mistakes.append("may be made of numbers and pack.NAME alone")
    elif tree is not None and any(_divides_by_zero(node) for node in nodes(tree)):
        parser.mistakes.append("divides by zero")
    return parser.mistakes if tree is None or parser.mistakes else Expression(" ".join(text.split()), tree)


def _divides_by_zero(node: Node) -> bool:
    return isinstance(node, Call) and node.name == "/" and node.arguments[1] == Number(0.0)


class _Parser:
    """Walks the syntax tree of one text and gathers its mistakes; None stands for what could not be read."""

    def __init__(self) -> None:
        self.mistakes: list[str] = []

    def read(self, text: str, truth: bool) -> Node | None:
        text = " ".join(text.split())
        node = self._syntax(text)
        if node is None:
            return None
        return self._truth(node, 0) if truth else self._number(node, 0)

    def _syntax(self, text: str) -> ast.expr | None:
        if not text:
            self._wrong("is empty")
            return None
        if len(text) > MAX_LENGTH:
            self._wrong(f"is longer than {MAX_LENGTH} characters")
            return None
        if strange := _SIGNS.search(text):
            self._wrong(f"holds {strange.group()!r}, which no condition may")
            return None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of forms that are refused below
                return ast.parse(text, mode="eval").body
        except SyntaxError as error:
            self._wrong(f"cannot be understood at character {error.offset or len(text) + 1}: {error.msg}")
            return None
        except (RecursionError, MemoryError, ValueError):
            self._wrong("is nested too deeply")
            return None

    def _truth(self, node: ast.expr, depth: int) -> Truth | None:
        if depth > MAX_DEPTH:
            self._wrong("is nested too deeply")
            return None
        match node:
            case ast.BoolOp():
                parts = [self._truth(part, depth + 1) for part in node.values]
                return self._joined("and" if isinstance(node.op, ast.And) else "or", parts)
            case ast.UnaryOp(op=ast.Not()):
                return self._joined("not", [self._truth(node.operand, depth + 1)])
            case ast.Compare():
                return self._compared(node, depth)
            case ast.Name() if node.id in QUANTITIES and QUANTITIES[node.id].flag:
                return Compare(">=", Named(node.id), Number(_FLAG_IS_SET))
        if self._number(node, depth) is not None:
            self._wrong(f"{_shown(node)} is a number where true or false is wanted: compare it with something")
        return None

    def _joined(self, name: str, parts: Iterable[Truth | None]) -> Truth | None:
        known = list(parts)
        good = tuple(part for part in known if part is not None)
        return Join(name, good) if len(good) == len(known) else None

    def _compared(self, node: ast.Compare, depth: int) -> Truth | None:
        sides = [self._number(side, depth + 1) for side in (node.left, *node.comparators)]
        signs = [_COMPARISONS.get(type(sign)) for sign in node.ops]
        if None in signs:
            self._wrong(f"{_shown(node)}: compare with < <= > >= == or != alone")
            return None
        if any(side is None for side in sides):
            return None
        links = [
            Compare(sign, left, right)
            for sign, left, right in zip(signs, sides, sides[1:], strict=False)
            if sign is not None and left is not None and right is not None
        ]
        return links[0] if len(links) == 1 else Join("and", tuple(links))

    def _number(self, node: ast.expr, depth: int) -> Value | None:
        if depth > MAX_DEPTH:
            self._wrong("is nested too deeply")
            return None
        match node:
            case ast.Constant():
                return self._constant(node)
            case ast.Name():
                return self._named(node.id)
            case ast.Attribute(value=ast.Name(id="limit")):
                return Limit(node.attr)
            case ast.Attribute(value=ast.Name(id="pack")):
                return self._of_pack(node.attr)
            case ast.UnaryOp(op=ast.USub()):
                return self._called("neg", [node.operand], depth)
            case ast.UnaryOp(op=ast.UAdd()):
                return self._number(node.operand, depth + 1)
            case ast.BinOp() if type(node.op) in _ARITHMETIC:
                return self._called(_ARITHMETIC[type(node.op)], [node.left, node.right], depth)
            case ast.Call():
                return self._function(node, depth)
            case ast.BoolOp() | ast.Compare() | ast.UnaryOp(op=ast.Not()):
                self._wrong(f"{_shown(node)} is true or false where a number is wanted")
                return None
        self._wrong(f"{_shown(node)} is none of what a condition may hold")
        return None

    def _constant(self, node: ast.Constant) -> Value | None:
        value = node.value
        if isinstance(value, bool) or not isinstance(value, int | float):
            self._wrong(f"{_shown(node)} is not a number")
            return None
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isfinite(number):
            return Number(number)
        self._wrong(f"{_shown(node)} is too large")
        return None

    def _named(self, name: str) -> Value | None:
        if name in QUANTITIES:
            return Named(name)
        self._wrong(f"no quantity {name!r}{hint(name, QUANTITIES)}")
        return None

    def _of_pack(self, name: str) -> Value | None:
        if name in PACK_CONSTANTS:
            return Constant(name)
        self._wrong(f"a pack has no {name!r}{hint(name, PACK_CONSTANTS)}")
        return None

    def _called(self, name: str, arguments: list[ast.expr], depth: int) -> Value | None:
        known = [self._number(argument, depth + 1) for argument in arguments]
        good = tuple(argument for argument in known if argument is not None)
        return Call(name, good) if len(good) == len(known) else None

    def _function(self, node: ast.Call, depth: int) -> Value | None:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in _FUNCTIONS:
            self._wrong(f"{_shown(node)}: the functions are {', '.join(_FUNCTIONS)}")
            return None
        least, most = _FUNCTIONS[name]
        if node.keywords or any(isinstance(argument, ast.Starred) for argument in node.args):
            self._wrong(f"{name} takes plain arguments alone")
            return None
        if not least <= len(node.args) <= most:
            counted = f"{least} to {most} arguments" if most > least else f"{least} argument{'s' * (least > 1)}"
            self._wrong(f"{name} takes {counted}")
            return None
        call = self._called(name, node.args, depth)
        if name == "interp" and isinstance(call, Call) and not isinstance(call.arguments[1], Limit):
            self._wrong("interp takes a number and limit.NAME, which must be a table of pairs")
            return None
        return call

    def _wrong(self, what: str) -> None:
        if what not in self.mistakes:
            self.mistakes.append(what)


def _shown(node: ast.expr) -> str:
    try:
        text = ast.unparse(node)
    except RecursionError:
        return "it"
    return repr(text if len(text) <= 40 else f"{text[:39]}…")


def hint(name: str, names: Iterable[str]) -> str:
    """What was probably meant, for the end of a message."""
    near = difflib.get_close_matches(name, list(names), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
