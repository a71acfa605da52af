"""The expression graph that a model's arithmetic is traced into.

A `Node` stands for a number that is not known yet; arithmetic on nodes makes nodes. A `Graph` keeps each expression
once, so that common parts are shared, and folds what is constant.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from twinpack.filters.refusal import refuse
from twinpack.filters.table import Table

Floats = npt.NDArray[np.float64]

CONSTANT, STATE, INPUT, TABLE, SLOPE = "constant", "state", "input", "table", "slope"
_UFUNCS = {
    "add": ("+", False),
    "subtract": ("-", False),
    "multiply": ("*", False),
    "divide": ("/", False),
    "less": ("<", False),
    "less_equal": ("<=", False),
    "greater": ("<", True),
    "greater_equal": ("<=", True),
    "equal": ("==", False),
    "not_equal": ("!=", False),
}
COMPARISONS = {"<": np.less, "<=": np.less_equal, "==": np.equal, "!=": np.not_equal}
LOGIC = ("and", "or", "not")
_TRUTH_AND_NUMBER = (
    "a condition is no number and a number no condition: make the one of the other with "
    "where(condition, 1.0, 0.0) or a comparison"
)


def _operator(op: str, swapped: bool = False) -> Any:
    def method(self: Node, other: Any) -> Any:
        node = self.graph.number(other)
        if node is None:
            return NotImplemented
        return self.graph.apply(op, node, self) if swapped else self.graph.apply(op, self, node)

    return method


class Node:
    """One expression of a graph.

    Attributes:
        graph: The graph it belongs to.
        op: What it computes: a leaf (`constant`, `state`, `input`), an operator, a function, or a reading of a table.
        args: What it is computed of.
        value: The number of a constant, the index of a state, input or table.
        states: Indices of the states and living parameters that it depends on.
    """

    __slots__ = ("args", "graph", "op", "states", "value")
    __array_priority__ = 1000

    def __init__(self, graph: Graph, op: str, args: tuple[Node, ...], value: float) -> None:
        """Made by `Graph` alone."""
        self.graph, self.op, self.args, self.value = graph, op, args, value
        own = frozenset({int(value)}) if op == STATE else frozenset()
        self.states: frozenset[int] = own.union(*(one.states for one in args))

    @property
    def is_truth(self) -> bool:
        """Whether it is true or false rather than a number."""
        return self.op in COMPARISONS or self.op in LOGIC

    def __neg__(self) -> Node:
        """Minus this."""
        return self.graph.apply("neg", self)

    def __pos__(self) -> Node:
        """This."""
        return self

    def __abs__(self) -> Node:
        """Absolute value."""
        return self.graph.apply("where", self < 0.0, -self, self)

    def __pow__(self, power: Any) -> Node:
        """A whole power, or the square root."""
        return _power(self, power)

    def __rpow__(self, base: Any) -> NoReturn:
        """Refused: the exponent must be known."""
        refuse("a traced value cannot be an exponent; use exp(x * log(base))")

    def __mod__(self, other: Any) -> NoReturn:
        """Refused: there is no remainder."""
        refuse("there is no remainder of a traced value, nor a whole-number division")

    __rmod__ = __floordiv__ = __rfloordiv__ = __divmod__ = __rdivmod__ = __mod__

    def __invert__(self) -> Node:
        """Where a condition does not hold."""
        return self.graph.apply("not", self)

    # Equality is a condition of the model: nodes are told apart by identity.
    __hash__ = object.__hash__

    __add__, __radd__ = _operator("+"), _operator("+", swapped=True)
    __sub__, __rsub__ = _operator("-"), _operator("-", swapped=True)
    __mul__, __rmul__ = _operator("*"), _operator("*", swapped=True)
    __truediv__, __rtruediv__ = _operator("/"), _operator("/", swapped=True)
    __lt__, __gt__ = _operator("<"), _operator("<", swapped=True)
    __le__, __ge__ = _operator("<="), _operator("<=", swapped=True)
    __eq__, __ne__ = _operator("=="), _operator("!=")
    __and__, __or__ = _operator("and"), _operator("or")

    def __bool__(self) -> NoReturn:
        """Refused: it has no truth yet."""
        refuse(
            "a traced value has no truth yet: it cannot decide an `if`, `while`, `and`, `or`, `not`, `min` or `max`; "
            "use `where(condition, a, b)`, `minimum` or `maximum` of twinpack.filters.ops, or `&`, `|` and `~`"
        )

    def __float__(self) -> NoReturn:
        """Refused: it is no number yet."""
        refuse(
            "a traced value is no number yet: functions of `math` cannot take it; "
            "use those of twinpack.filters.ops (exp, log, sqrt, tanh, where, interp, minimum, maximum)"
        )

    __int__ = __index__ = __complex__ = __round__ = __float__

    def __iter__(self) -> NoReturn:
        """Refused."""
        refuse("a traced value is one number: it cannot be iterated over or unpacked")

    def __len__(self) -> NoReturn:
        """Refused."""
        refuse("a traced value is one number: it has no length")

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        """Refused."""
        refuse("a traced value cannot be put into an array: write the arithmetic on single numbers")

    def __array_ufunc__(self, function: Any, method: str, *operands: Any, **_: Any) -> Any:
        """Arithmetic with NumPy's own scalars, which may stand on the left; refused otherwise."""
        name, swapped = _UFUNCS.get(function.__name__, ("", False))
        if name and method == "__call__":
            pair = [self.graph.number(one) for one in operands]
            left, right = reversed(pair) if swapped else pair
            if left is not None and right is not None:
                return self.graph.apply(name, left, right)
        refuse(
            f"numpy.{function.__name__} cannot take a traced value; use twinpack.filters.ops "
            "(exp, log, sqrt, tanh, where, interp, minimum, maximum)"
        )

    def __repr__(self) -> str:
        """The expression, for people."""
        if self.op in (CONSTANT, STATE, INPUT):
            return f"{self.op}({self.value:g})"
        return f"{self.op}({', '.join(map(repr, self.args))})"


class Graph:
    """The expressions of one model, each kept once, and its tables."""

    def __init__(self) -> None:
        """Start without any."""
        self._nodes: dict[tuple[Any, ...], Node] = {}
        self.tables: list[Table] = []
        self._table_of: dict[tuple[bytes, bytes], int] = {}

    def leaf(self, op: str, index: int) -> Node:
        """The state or input of an index."""
        return self._kept(op, (), float(index))

    def constant(self, value: float) -> Node:
        """A number that is known."""
        return self._kept(CONSTANT, (), float(value))

    def number(self, value: Any) -> Node | None:
        """A node of this graph for a node or a plain number; None for anything else."""
        if isinstance(value, Node):
            return value
        if isinstance(value, (int, float, np.floating, np.integer)) or (
            isinstance(value, np.ndarray) and value.ndim == 0
        ):
            return self.constant(float(value))
        return None

    def apply(self, op: str, *args: Node, value: float = 0.0) -> Node:
        """The node of an operation, simplified where that is exact."""
        if any(one.graph is not self for one in args):
            refuse("values of two traced models are mixed: a model may use only what its own functions were given")
        wants_truth = [op in LOGIC or (op == "where" and place == 0) for place in range(len(args))]
        if any(one.is_truth is not wanted for one, wanted in zip(args, wants_truth, strict=True)):
            refuse(_TRUTH_AND_NUMBER)
        if all(one.op == CONSTANT for one in args) and op in _FOLD:
            with np.errstate(all="ignore"):
                return self.constant(float(_FOLD[op](*(np.float64(one.value) for one in args))))
        simple = _simplified(self, op, args)
        return self._kept(op, args, value) if simple is None else simple

    def table(self, x: Node, points: Sequence[float] | Floats, values: Sequence[float] | Floats) -> Node:
        """A piecewise linear table of constants, read at `x`."""
        if x.is_truth:
            refuse(_TRUTH_AND_NUMBER)
        at, value = np.asarray(points, dtype=np.float64), np.asarray(values, dtype=np.float64)
        key = (at.tobytes(), value.tobytes())
        if key not in self._table_of:
            self.tables.append(Table(at, value))
            self._table_of[key] = len(self.tables) - 1
        return self._kept(TABLE, (x,), float(self._table_of[key]))

    def _kept(self, op: str, args: tuple[Node, ...], value: float) -> Node:
        key = (op, np.float64(value).tobytes(), *(id(one) for one in args))
        node = self._nodes.get(key)
        if node is None:
            node = self._nodes[key] = Node(self, op, args, value)
        return node


def _power(base: Node, power: Any) -> Node:
    if isinstance(power, Node):
        refuse("the exponent of a power must be known; use exp(p * log(x))")
    if isinstance(power, (int, np.integer)) or (isinstance(power, float) and power.is_integer()):
        whole = abs(int(power))
        if whole <= 16:
            product = base.graph.constant(1.0)
            for _ in range(whole):
                product = product * base
            return product if power >= 0 else 1.0 / product
    if power == 0.5:
        return base.graph.apply("sqrt", base)
    refuse("a power of a traced value must be a whole number up to 16 or 0.5; use exp(p * log(x)) for others")


def _simplified(graph: Graph, op: str, args: tuple[Node, ...]) -> Node | None:
    """What an operation with a constant 0 or 1 comes to, None when there is nothing to gain."""
    value = [one.value if one.op == CONSTANT else math.nan for one in args]
    match op:
        case "+":
            return args[1] if value[0] == 0.0 else args[0] if value[1] == 0.0 else None
        case "-":
            if value[0] == 0.0:
                return graph.apply("neg", args[1])
            return args[0] if value[1] == 0.0 else None
        case "*":
            if 0.0 in value:
                return graph.constant(0.0)
            if value[0] == 1.0:
                return args[1]
            if value[1] == 1.0:
                return args[0]
            # Constants on the left, so that the same product is the same node.
            return graph.apply("*", args[1], args[0]) if args[1].op == CONSTANT else None
        case "/":
            if value[0] == 0.0:
                return graph.constant(0.0)
            if args[1].op == CONSTANT and value[1] != 0.0 and math.isfinite(1.0 / value[1]):
                return graph.apply("*", graph.constant(1.0 / value[1]), args[0])
            return None
        case "neg":
            return args[0].args[0] if args[0].op == "neg" else None
        case "where":
            return args[1] if args[1] is args[2] else None
    return None


_FOLD: dict[str, Callable[..., Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "neg": np.negative,
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "tanh": np.tanh,
    "minimum": np.minimum,
    "maximum": np.maximum,
}


def needed(roots: Iterable[Node]) -> list[Node]:
    """The nodes that some are computed of, themselves included, each after what it needs."""
    order: list[Node] = []
    seen: set[int] = set()
    stack = [(root, False) for root in reversed(list(roots))]
    while stack:
        node, done = stack.pop()
        if done:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack.extend((one, False) for one in reversed(node.args) if id(one) not in seen)
    return order


def derivative(root: Node, state: int) -> Node:
    """Derivative of an expression by a state or living parameter; of kinks, the one to the right of `where`."""
    graph = root.graph
    zero = graph.constant(0.0)
    found: dict[int, Node] = {}
    for node in needed([root]):
        if state not in node.states or node.is_truth:
            found[id(node)] = zero
        else:
            found[id(node)] = _chain(graph, node, [found[id(one)] for one in node.args])
    return found[id(root)]


def _chain(graph: Graph, node: Node, inner: list[Node]) -> Any:
    """Derivative of a node from those of its arguments."""
    args = node.args
    match node.op:
        case "state":
            return graph.constant(1.0)
        case "+":
            return inner[0] + inner[1]
        case "-":
            return inner[0] - inner[1]
        case "*":
            return inner[0] * args[1] + args[0] * inner[1]
        case "/":
            return (inner[0] - node * inner[1]) / args[1]
        case "neg":
            return -inner[0]
        case "exp":
            return node * inner[0]
        case "log":
            return inner[0] / args[0]
        case "sqrt":
            return inner[0] / (2.0 * node)
        case "tanh":
            return (1.0 - node * node) * inner[0]
        case "minimum":
            return graph.apply("where", args[0] < args[1], inner[0], inner[1])
        case "maximum":
            return graph.apply("where", args[1] < args[0], inner[0], inner[1])
        case "where":
            return graph.apply("where", args[0], inner[1], inner[2])
        case "table":
            return graph.apply(SLOPE, args[0], value=node.value) * inner[0]
        case "slope":
            return graph.constant(0.0)
    raise AssertionError(node.op)
