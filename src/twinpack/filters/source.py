"""Write a graph as straight-line source: each expression once, zeros left out, numbers handed in at run time.

Numbers of a model are not part of its source but of an array that the kernel is given, so that all models of one
structure (every learned prototype with two RC pairs, say) share one compiled kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from twinpack.filters.graph import SLOPE, Graph, Node, needed
from twinpack.filters.table import Table

Floats = npt.NDArray[np.float64]
Name = str | None
"""A variable of the kernel, None for what is zero."""

ONE = "1"
"""What is one; never written."""

Bind = Callable[[int], str]
"""Gives the variable that stands for a state or living parameter."""

_FUNCTIONS = ("exp", "log", "sqrt", "tanh", "minimum", "maximum")
_SYMBOLS = {"and": "&", "or": "|"}


@dataclass
class Numbers:
    """The numbers and tables that a kernel is given, in the order in which its source asks for them."""

    graph: Graph
    values: list[float] = field(default_factory=list)
    tables: list[float] = field(default_factory=list)
    _placed: dict[bytes, int] = field(default_factory=dict)
    _offsets: dict[int, int] = field(default_factory=dict)
    _variables: int = 0

    def fresh(self) -> str:
        """A name that no variable of the kernel has."""
        self._variables += 1
        return f"v{self._variables}"

    def place(self, value: float) -> int:
        """Index of a number."""
        key = np.float64(value).tobytes()
        if key not in self._placed:
            self._placed[key] = len(self.values)
            self.values.append(float(value))
        return self._placed[key]

    def offset(self, index: int) -> int:
        """Where a table begins: value and slope of each piece in turn, for uneven ones the search tree behind them."""
        if index not in self._offsets:
            self._offsets[index] = len(self.tables)
            table = self.graph.tables[index]
            self.tables += np.stack([table.value, table.slope, table.start], axis=1).ravel().tolist()
            if not table.even:
                self.tables += _search_tree(table)
        return self._offsets[index]


def _search_tree(table: Table) -> list[float]:
    """Starts of the pieces, the first as minus infinity, filled up to a power of two."""
    size = 1 << (len(table.start) - 1).bit_length()
    return [float("-inf"), *table.start[1:].tolist(), *[float("inf")] * (size - len(table.start))]


class Scope:
    """Lines of a block of code; what stands in an outer scope is known inside."""

    def __init__(self, numbers: Numbers, outer: Scope | None = None, depth: int = 0) -> None:
        """A block within `outer`, indented by `depth` steps."""
        self.numbers, self.outer, self.depth = numbers, outer, depth
        self.lines: list[str] = []
        self._names: dict[str, str] = {}

    @property
    def root(self) -> Scope:
        """The outermost scope, where everything that depends on inputs alone is computed."""
        return self.outer.root if self.outer else self

    def line(self, text: str) -> None:
        """Add a line as it stands."""
        self.lines.append("    " * self.depth + text)

    def add_all(self, lines: Iterable[str]) -> None:
        """Add lines that are indented already."""
        self.lines.extend(lines)

    def let(self, expression: str, name: str | None = None) -> str:
        """The variable that holds an expression; the same one for the same expression."""
        known = self.known(expression)
        if known is not None:
            return known
        if name is None:
            name = self.numbers.fresh()
        self._names[expression] = name
        self.line(f"{name} = {expression}")
        return name

    def known(self, expression: str) -> str | None:
        """The variable that holds an expression already, here or further out."""
        return self._names.get(expression) or (self.outer.known(expression) if self.outer else None)

    def number(self, value: float) -> Name:
        """A constant in every lane."""
        if value == 0.0:
            return None
        return ONE if value == 1.0 else self.let(f"spread(c[{self.numbers.place(value)}])")

    def some(self, name: Name) -> str:
        """A variable also for zero and one."""
        if name is None:
            return self.let(f"spread(c[{self.numbers.place(0.0)}])")
        return self.let(f"spread(c[{self.numbers.place(1.0)}])") if name == ONE else name

    def add(self, a: Name, b: Name) -> Name:
        """Sum."""
        if a is None or b is None:
            return b if a is None else a
        return self.let(f"{self.some(a)} + {self.some(b)}")

    def subtract(self, a: Name, b: Name) -> Name:
        """Difference."""
        if b is None or a == b:
            return a if b is None else None
        return self.let(f"-{self.some(b)}") if a is None else self.let(f"{self.some(a)} - {self.some(b)}")

    def multiply(self, a: Name, b: Name) -> Name:
        """Product."""
        if a is None or b is None:
            return None
        if a == ONE or b == ONE:
            return b if a == ONE else a
        return self.let(f"{a} * {b}")

    def sum(self, terms: Iterable[Name]) -> Name:
        """Sum of several."""
        total: Name = None
        for term in terms:
            total = self.add(total, term)
        return total

    def product_sum(self, pairs: Iterable[tuple[Name, Name]], total: Name = None) -> Name:
        """A value plus a sum of products."""
        for a, b in pairs:
            if a is not None and b is not None:
                total = self.add(total, self.multiply(a, b))
        return total

    def value(self, node: Node, bind: Bind) -> str:
        """The variable that holds a node where `bind` says what the states are."""
        if not node.states and self.outer is not None:
            return self.root.value(node, bind)
        found: dict[int, str] = {}
        for one in needed([node]):
            if not one.states and self.outer is not None:
                found[id(one)] = self.root.value(one, bind)
            else:
                found[id(one)] = self._written(one, [found[id(arg)] for arg in one.args], bind)
        return found[id(node)]

    def _written(self, node: Node, args: list[str], bind: Bind) -> str:
        match node.op:
            case "constant":
                return self.some(self.number(node.value))
            case "state":
                return bind(int(node.value))
            case "input":
                return f"u{int(node.value)}"
            case "neg":
                return self.let(f"-{args[0]}")
            case "not":
                return self.let(f"~{args[0]}")
            case "where":
                return self.let(f"select({', '.join(args)})")
            case "table" | "slope":
                return self._read(node, args[0])
        if node.op in _FUNCTIONS:
            return self.let(f"{node.op}({', '.join(args)})")
        return self.let(f"{args[0]} {_SYMBOLS.get(node.op, node.op)} {args[1]}")

    def _read(self, node: Node, x: str) -> str:
        """A reading of a table: find the piece, then its value and slope."""
        index = int(node.value)
        table, offset = self.numbers.graph.tables[index], self.numbers.offset(index)
        piece = self._even_piece(table, x) if table.even else self._uneven_piece(table, x, offset)
        place = self.let(f"{piece} * {self.some(self.number(3.0))}")
        slope = self.let(f"gather(tab, {offset + 1}, {place})")
        if node.op == SLOPE:
            return slope
        start = self.let(f"gather(tab, {offset + 2}, {place})")
        past = self.let(f"{x} - {start}")
        value = self.let(f"gather(tab, {offset}, {place})")
        return self.let(f"{value} + {slope} * {past}")

    def _even_piece(self, table: Table, x: str) -> str:
        first, last = float(table.start[0]), len(table.start) - 1.0
        past = self.some(self.subtract(x, self.number(first)))
        place = self.multiply(past, self.number(1.0 / table.step))
        return self.let(f"clipped_floor({place}, {self.some(self.number(last))})")

    def _uneven_piece(self, table: Table, x: str, offset: int) -> str:
        tree = offset + 3 * len(table.start)
        piece, half = self.some(None), (1 << (len(table.start) - 1).bit_length()) >> 1
        while half:
            step = self.some(self.add(piece, self.number(float(half))))
            right = self.let(f"gather(tab, {tree}, {step}) <= {x}")
            piece = self.let(f"select({right}, {step}, {piece})")
            half >>= 1
        return piece


@dataclass(frozen=True)
class Parts:
    """An expression as a sum: of states times factors, and of other terms times factors; inputs alone left out.

    A factor depends on inputs alone. What is linear costs no evaluation at sigma points.
    """

    linear: dict[int, Node]
    terms: tuple[tuple[Node, Node], ...]


def parts(root: Node) -> Parts:
    """An expression as a sum, its sums and factors multiplied out."""
    graph = root.graph
    factor: dict[int, Node] = {id(root): graph.constant(1.0)}
    linear: dict[int, Node] = {}
    terms: list[tuple[Node, Node]] = []

    def give(node: Node, share: Node) -> None:
        factor[id(node)] = factor[id(node)] + share if id(node) in factor else share

    for node in reversed(needed([root])):
        mine = factor.get(id(node))
        if mine is None or not node.states:
            continue
        args = node.args
        match node.op:
            case "state":
                linear[int(node.value)] = mine
            case "+" | "-":
                give(args[0], mine)
                give(args[1], mine if node.op == "+" else -mine)
            case "neg":
                give(args[0], -mine)
            case "*" if not args[0].states:
                give(args[1], mine * args[0])
            case "*" | "/" if not args[1].states:
                give(args[0], mine * args[1] if node.op == "*" else mine / args[1])
            case _:
                terms.append((mine, node))
    return Parts(linear, tuple(terms))
