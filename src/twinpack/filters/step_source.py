"""The frame that every assimilating kernel has: its loops over blocks and steps, its rows of scratch, its update."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from twinpack.filters.graph import Node
from twinpack.filters.source import Name, Scope
from twinpack.filters.trace import TracedModel

ARRAYS = "c, tab, gains, mean, tri, status"
SERIES = "measured, present, innovation, variance, first, likelihood"
FLAGS = "keep, score, start, stop"


@dataclass(frozen=True)
class Rows:
    """Where things lie in the scratch array, one row of lanes each."""

    size: int
    inputs: int
    states: int

    @property
    def triangle(self) -> int:
        """Rows of a covariance."""
        return self.size * (self.size + 1) // 2

    @property
    def p(self) -> int:
        """Covariance; the mean lies in the rows before it."""
        return self.size

    @property
    def status(self) -> int:
        """Status, then six rows of one quantity each: measurement, innovation, variance, first state, likelihood."""
        return self.p + self.triangle

    @property
    def u(self) -> int:
        """Inputs."""
        return self.status + 6

    @property
    def new_x(self) -> int:
        """Mean after the step; only of kernels with loops, like all below."""
        return self.u + self.inputs

    @property
    def new_p(self) -> int:
        """Covariance after the step."""
        return self.new_x + self.size

    @property
    def factor(self) -> int:
        """Triangular factor, as a full square."""
        return self.new_p + self.triangle

    @property
    def odd(self) -> int:
        """Odd parts, a row of pairs for each quantity."""
        return self.factor + self.size**2

    @property
    def even(self) -> int:
        """Even parts, likewise; the measurement needs them where no state is dynamic, too."""
        return self.odd + max(self.states, 1) * self.size

    @property
    def shift(self) -> int:
        """Shifts of the means."""
        return self.even + max(self.states, 1) * self.size

    @property
    def cross(self) -> int:
        """Covariance of the measurement with each state, then its gain."""
        return self.shift + max(self.states, 1)

    @property
    def count(self) -> int:
        """Rows in all."""
        return self.cross + 2 * self.size


def step_frame(traced: TracedModel, rows: Rows, count: int, body: Sequence[str]) -> list[str]:
    """A kernel's loops over blocks and steps around what one step does to one block."""
    inputs = [f"in{i}" for i in range(len(traced.inputs))]
    series = ", ".join([*inputs, SERIES])
    lines = [
        f"def kernel({ARRAYS}, {series}, {FLAGS}):",
        f"    s = np.zeros(({count}, WIDTH), mean.dtype)",
        "    flags = np.zeros((1, WIDTH), np.bool_)",
        "    for block in range(start, stop):",
        "        at = block * WIDTH",
        f"        for row in range({rows.size}):",
        "            take(s, row, mean, row, at)",
        f"        for row in range({rows.triangle}):",
        f"            take(s, {rows.p} + row, tri, row, at)",
        f"        take(s, {rows.status}, status, 0, at)",
        f"        store(s, {rows.status + 5}, 0, spread(c[0]))",
        "        steps = extent(s, present, at)",
        "        for t in range(steps):",
    ]
    lines += [f"            take(s, {rows.u + i}, {name}, t, at)" for i, name in enumerate(inputs)]
    lines += [f"            u{i} = load(s, {rows.u + i}, 0)" for i in range(len(inputs))]
    lines += [
        f"            take(s, {rows.status + 1}, measured, t, at)",
        f"            z = load(s, {rows.status + 1}, 0)",
        f"            state = load(s, {rows.status}, 0)",
        "            here = take_mask(s, flags, present, t, at) & (state == spread(c[0]))",
        *body,
        "            if score:",
        f"                ll = load(s, {rows.status + 5}, 0)",
        "                terms = y * y / variance_z + log(spread(c[3]) * variance_z)",
        f"                store(s, {rows.status + 5}, 0, ll - select(seen, spread(c[2]) * terms, spread(c[0])))",
        "            if keep:",
        f"                store(s, {rows.status + 2}, 0, select(seen, y, spread(c[4])))",
        f"                store(s, {rows.status + 3}, 0, select(seen, variance_z, spread(c[4])))",
        f"                give(s, {rows.status + 2}, innovation, t, at)",
        f"                give(s, {rows.status + 3}, variance, t, at)",
        "                give(s, 0, first, t, at)",
        "        if keep:",
        f"            store(s, {rows.status + 2}, 0, spread(c[4]))",
        "            for t in range(steps, measured.shape[0]):",
        f"                give(s, {rows.status + 2}, innovation, t, at)",
        f"                give(s, {rows.status + 2}, variance, t, at)",
        "                give(s, 0, first, t, at)",
        f"        for row in range({rows.size}):",
        "            give(s, row, mean, row, at)",
        f"        for row in range({rows.triangle}):",
        f"            give(s, {rows.p} + row, tri, row, at)",
        f"        give(s, {rows.status}, status, 0, at)",
        f"        give(s, {rows.status + 5}, likelihood, 0, at)",
    ]
    return lines


STEP_NUMBERS = (0.0, 1.0, 0.5, 2.0 * np.pi, float("nan"), 2.0)
"""Numbers that the frame of every kernel asks for by place: 0, 1, 1/2, 2 pi, NaN, 2."""


def outcome(rows: Rows, pivots: str, flat: str, sound: str) -> list[str]:
    """Lines that decide which lanes take the step, and set the status of those that cannot.

    Args:
        rows: Where things lie.
        pivots: Where every pivot is positive.
        flat: Where one is not though the covariance is finite.
        sound: Where what came of the step is finite.
    """
    return [
        f"            use = here & {pivots} & {sound}",
        f"            wrong = select({flat}, spread(c[1]), spread(c[5]))",
        f"            store(s, {rows.status}, 0, select(here & ~use, wrong, state))",
    ]


def entry(i: int, j: int) -> int:
    """Place of an entry in the rows of a lower triangle."""
    low, high = (j, i) if i >= j else (i, j)
    return high * (high + 1) // 2 + low


def no_state(_: int) -> str:
    """Binds the states of what has none."""
    raise AssertionError("depends on inputs alone")


def plain(scope: Scope, node: Node, name: str) -> Name:
    """A factor's variable, or what the scope calls a constant 0 or 1."""
    return scope.number(node.value) if node.op == "constant" else name


def input_only(scope: Scope, node: Node) -> Name:
    """The variable of what depends on inputs alone, or what the scope calls a constant 0 or 1."""
    return plain(scope, node, scope.value(node, no_state))


@dataclass(frozen=True)
class Step:
    """A prediction written straight-line, to be updated.

    Attributes:
        old: Mean and covariance before the step.
        x: Predicted mean.
        p: Predicted covariance.
        cross: Covariance of the measurement with each state.
        expected: Predicted measurement.
        variance: Its variance, noise included.
        pivots: Where every pivot is positive.
        flat: Where one is not though the covariance is finite.
    """

    old: tuple[list[str], list[list[str]]]
    x: list[str]
    p: list[list[str]]
    cross: list[Name]
    expected: Name
    variance: Name
    pivots: str
    flat: str


def straight_update(scope: Scope, rows: Rows, step: Step, consider: bool) -> list[str]:
    """Update by the measurement, and put the result where the lane takes the step."""
    update = Scope(scope.numbers, scope, 3)
    update.line("# update, where the lane takes the step")
    update.line(f"residual = z - {update.some(step.expected)}")
    update.line(f"variance_z = {update.some(step.variance)}")
    total = " + ".join(step.x)
    sound = f"(variance_z > spread(c[0])) & finite(variance_z) & finite({total})"
    update.add_all(outcome(rows, step.pivots, step.flat, sound))
    update.line("seen = use & finite(z)")
    update.line("y = select(seen, residual, spread(c[0]))")
    update.line("inverse_z = select(seen, spread(c[1]) / variance_z, spread(c[0]))")
    gains = [update.multiply(one, "inverse_z") for one in step.cross]
    if consider:
        gains = [update.multiply(gain, update.let(f"spread(gains[{i}])")) for i, gain in enumerate(gains)]
    for i, gain in enumerate(gains):
        mean = update.some(update.add(step.x[i], update.multiply(gain, "y")))
        update.line(f"store(s, {i}, 0, select(use, {mean}, {step.old[0][i]}))")
        for j in range(i + 1):
            value = update.subtract(step.p[i][j], update.multiply(gain, step.cross[j]))
            if consider:
                value = update.subtract(value, update.multiply(step.cross[i], gains[j]))
                value = update.add(value, update.multiply(update.multiply("variance_z", gain), gains[j]))
            kept = f"select(use, {update.some(value)}, {step.old[1][i][j]})"
            update.line(f"store(s, {rows.p + entry(i, j)}, 0, {kept})")
    return update.lines
