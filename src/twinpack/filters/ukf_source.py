"""The unscented filter as kernel source: straight-line for small models, with loops over states for large ones.

Sigma points come in pairs at plus and minus c times a column L_i of the triangular factor. With f the change of a
quantity from the centre, its odd part (f+ - f-) / 2c = a_i and even part f+ + f- = s_i, the scaled transform (Wan and
van der Merwe, beta 2, kappa 0, c = alpha sqrt n, w = 1 / 2c²) is

    mean = centre + w sum s_i,   cov(f, g) = sum a_i b_i + w/2 sum s_i t_i + (2 - alpha²) m n,
    cov(f, x_j) = sum a_i L_ji

with m = w sum s_i. Of what is linear, a_i is the same combination of the factor's entries and s_i is zero, so only what
is not linear is computed at the points, and only at those where it differs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from twinpack.filters.graph import Node
from twinpack.filters.source import Bind, Name, Numbers, Parts, Scope, parts
from twinpack.filters.step_source import (
    STEP_NUMBERS,
    Rows,
    Step,
    entry,
    input_only,
    outcome,
    step_frame,
    straight_update,
)
from twinpack.filters.trace import TracedModel

STRAIGHT_LINE_MOST = 9
"""Largest model written without loops: beyond it, compiling takes long and gains little."""


@dataclass(frozen=True)
class Spread:
    """Where the sigma points lie, as numbers of a kernel."""

    alpha: float
    size: int

    @property
    def c(self) -> float:
        """Distance of a point in standard deviations."""
        return float(self.alpha * np.sqrt(self.size))

    @property
    def w(self) -> float:
        """Weight of a point."""
        return 1.0 / (2.0 * self.c**2)

    @property
    def centre(self) -> float:
        """What the square of the mean's shift weighs."""
        return 2.0 - self.alpha**2


@dataclass(frozen=True)
class Moments:
    """Mean of a quantity and its odd and even parts at each pair of sigma points."""

    mean: Name
    shift: Name
    odd: tuple[Name, ...]
    even: tuple[Name, ...]


class Transform:
    """Moments of quantities over sigma points, written straight-line."""

    def __init__(self, scope: Scope, spread: Spread, means: Sequence[str], factor: Sequence[Sequence[Name]]) -> None:
        """Points about `means` along the columns of `factor`."""
        self._scope, self._spread, self._means, self._factor = scope, spread, means, factor

    def of(self, node: Node) -> Moments:
        """Moments of a quantity."""
        scope, spread, split = self._scope, self._spread, parts(node)
        odd: list[Name] = []
        even: list[Name] = []
        for i in range(spread.size):
            a, s = _pair(scope, spread, split, self._means.__getitem__, [row[i] for row in self._factor].__getitem__)
            odd.append(a)
            even.append(s)
        shift = scope.multiply(scope.number(spread.w), scope.sum(even))
        centre = scope.value(node, lambda j: self._means[j])
        return Moments(scope.add(centre, shift), shift, tuple(odd), tuple(even))

    def covariance(self, one: Moments, other: Moments) -> Name:
        """Covariance of two quantities."""
        scope, spread = self._scope, self._spread
        total = scope.product_sum(zip(one.odd, other.odd, strict=True))
        bent = scope.product_sum(zip(one.even, other.even, strict=True))
        total = scope.add(total, scope.multiply(scope.number(0.5 * spread.w), bent))
        shifts = scope.multiply(one.shift, other.shift)
        return scope.add(total, scope.multiply(scope.number(spread.centre), shifts))

    def with_state(self, one: Moments, j: int) -> Name:
        """Covariance of a quantity with a state or living parameter."""
        return self._scope.product_sum(zip(one.odd, self._factor[j], strict=True))


def _pair(scope: Scope, spread: Spread, split: Parts, mean: Bind, entry: Callable[[int], Name]) -> tuple[Name, Name]:
    """Odd and even part of a quantity at a pair of sigma points.

    Args:
        scope: Where it is written.
        spread: Where the points lie.
        split: The quantity.
        mean: Gives the mean of a state.
        entry: Gives a state's entry in the factor's column; None where it is zero.
    """

    def bind(sign: int) -> Bind:
        def bound(j: int) -> str:
            column = entry(j) if sign else None
            if column is None:
                return mean(j)
            far = scope.multiply(scope.number(spread.c), column)
            return scope.some((scope.add if sign > 0 else scope.subtract)(mean(j), far))

        return bound

    linear = scope.product_sum((input_only(scope, node), entry(j)) for j, node in split.linear.items())
    curved: Name = None
    even: Name = None
    for factor, term in split.terms:
        centre, plus, minus = (scope.value(term, bind(sign)) for sign in (0, 1, -1))
        if plus == centre == minus:
            continue
        weight = input_only(scope, factor)
        curved = scope.add(curved, scope.multiply(weight, scope.subtract(plus, minus)))
        bent = scope.subtract(scope.add(plus, minus), scope.add(centre, centre))
        even = scope.add(even, scope.multiply(weight, bent))
    return scope.add(linear, scope.multiply(scope.number(0.5 / spread.c), curved)), even


def factored(scope: Scope, covariance: Sequence[Sequence[str]]) -> tuple[list[list[Name]], str]:
    """Triangular factor of a covariance, straight-line, and where every pivot was positive."""
    size = len(covariance)
    factor: list[list[Name]] = [[None] * size for _ in range(size)]
    good = ""
    zero, one = scope.some(scope.number(0.0)), scope.some(scope.number(1.0))
    for j in range(size):
        pivot: Name = covariance[j][j]
        for k in range(j):
            pivot = scope.subtract(pivot, scope.multiply(factor[j][k], factor[j][k]))
        positive = scope.let(f"{scope.some(pivot)} > {zero}")
        good = scope.let(f"{good} & {positive}") if good else positive
        inverse = scope.let(f"{one} / {scope.let(f'sqrt({pivot})')}")
        factor[j][j] = scope.multiply(pivot, inverse)
        for i in range(j + 1, size):
            value: Name = covariance[i][j]
            for k in range(j):
                value = scope.subtract(value, scope.multiply(factor[i][k], factor[j][k]))
            factor[i][j] = scope.multiply(value, inverse)
    return factor, good


def assimilate(traced: TracedModel, numbers: Numbers, alpha: float, consider: bool) -> list[str]:
    """Source of the kernel that predicts and updates, step by step."""
    for value in STEP_NUMBERS:
        numbers.place(value)
    rows = Rows(traced.size, len(traced.inputs), traced.states)
    if traced.size <= STRAIGHT_LINE_MOST and not consider:
        return step_frame(traced, rows, rows.new_x, _straight(traced, numbers, rows, alpha))
    return step_frame(traced, rows, rows.count, _looped(traced, numbers, rows, alpha, consider))


def _straight(traced: TracedModel, numbers: Numbers, rows: Rows, alpha: float) -> list[str]:
    n, d = traced.size, traced.states
    scope, spread = Scope(numbers, depth=3), Spread(alpha, n)
    old_x = [scope.let(f"load(s, {j}, 0)", f"x{j}") for j in range(n)]
    old_p = [[scope.let(f"load(s, {rows.p + entry(i, j)}, 0)") for j in range(n)] for i in range(n)]
    scope.line("# the factor of the covariance")
    factor, good = factored(scope, old_p)
    points = Transform(scope, spread, old_x, factor)
    scope.line("# one step later: transition at the sigma points, then its moments")
    moved = [points.of(node) for node in traced.transition]
    x = [scope.some(one.mean) for one in moved] + old_x[d:]
    p = [row.copy() for row in old_p]
    for i in range(d):
        for j in range(i + 1):
            value = points.covariance(moved[i], moved[j])
            if i == j:
                value = scope.add(value, input_only(scope, traced.process[i]))
            p[i][j] = p[j][i] = scope.some(value)
        for j in range(d, n):
            p[i][j] = p[j][i] = scope.some(points.with_state(moved[i], j))
    factor2, good2 = factor, good
    if d:
        scope.line("# the factor of the predicted covariance")
        factor2, good2 = factored(scope, p)
    points = Transform(scope, spread, x, factor2)
    scope.line("# the measurement at points drawn anew")
    seen = points.of(traced.measure)
    noise = input_only(scope, traced.learning)
    step = Step(
        old=(old_x, old_p),
        x=x,
        p=p,
        cross=[points.with_state(seen, j) for j in range(n)],
        expected=seen.mean,
        variance=scope.add(points.covariance(seen, seen), noise),
        pivots=scope.let(f"{good} & {good2}"),
        flat=scope.let(f"(~{good} & {_sized(old_p)}) | ({good} & ~{good2} & {_sized(p)})"),
    )
    update = straight_update(scope, rows, step, consider=False)
    return [*scope.lines, *update]


def _sized(covariance: Sequence[Sequence[str]]) -> str:
    """Where the variances are finite."""
    return f"finite({' + '.join(row[i] for i, row in enumerate(covariance))})"


def _looped(traced: TracedModel, numbers: Numbers, rows: Rows, alpha: float, consider: bool) -> list[str]:
    n, d = traced.size, traced.states
    spread = Spread(alpha, n)
    top = Scope(numbers, depth=3)
    noise = top.some(input_only(top, traced.measurement if consider else traced.learning))
    process = [top.some(input_only(top, node)) for node in traced.process]
    predict = _pair_loop(top, rows, spread, traced.transition, 0)
    measure = _pair_loop(top, rows, spread, (traced.measure,), rows.new_x)
    w, half_w, centre = (top.some(top.number(v)) for v in (spread.w, 0.5 * spread.w, spread.centre))
    lines = [
        f"            sized = finite(trace(s, {n}, {rows.p}))",
        f"            good = factor(s, {n}, {rows.p}, {rows.factor})",
        *predict,
        f"            for row in range({n + rows.triangle}):",
        f"                store(s, {rows.new_x} + row, 0, load(s, row, 0))",
        f"            moments(s, {n}, {d}, {rows.new_p}, {rows.factor}, {rows.odd}, {rows.even}, {rows.shift},",
        f"                    {w}, {half_w}, {centre})",
    ]
    for r in range(d):
        own = rows.new_p + entry(r, r)
        lines += [
            f"            store(s, {rows.new_x + r}, 0, load(s, {rows.shift + r}, 0) + centre{r})",
            f"            store(s, {own}, 0, load(s, {own}, 0) + {process[r]})",
        ]
    before = Scope(numbers, top, 3)
    for r, node in enumerate(traced.transition):
        before.line(f"centre{r} = {before.value(node, lambda j: before.let(f'load(s, {j}, 0)'))}")
    scope = Scope(numbers, top, 3)
    expected = scope.value(traced.measure, lambda j: scope.let(f"load(s, {rows.new_x} + {j}, 0)"))
    update = [
        f"            sized2 = finite(trace(s, {n}, {rows.new_p}))",
        f"            good2 = factor(s, {n}, {rows.new_p}, {rows.factor})",
        *measure,
        f"            variance_z = scalar_moments(s, {n}, {rows.factor}, {rows.odd}, {rows.even}, {rows.shift},",
        f"                                        {rows.cross}, {w}, {half_w}, {centre}) + {noise}",
        *scope.lines,
        f"            residual = z - (load(s, {rows.shift}, 0) + {expected})",
        f"            total = load(s, {rows.new_x}, 0)",
        f"            for row in range({rows.new_x + 1}, {rows.new_x + n}):",
        "                total = total + load(s, row, 0)",
        *outcome(
            rows,
            "good & good2",
            "(~good & sized) | (good & ~good2 & sized2)",
            "(variance_z > spread(c[0])) & finite(variance_z) & finite(total)",
        ),
        "            seen = use & finite(z)",
        "            y = select(seen, residual, spread(c[0]))",
        "            inverse_z = select(seen, spread(c[1]) / variance_z, spread(c[0]))",
    ]
    call = "considered" if consider else "updated"
    extra = ", gains, variance_z" if consider else ""
    update.append(
        f"            {call}(s, {n}, {rows.p}, {rows.new_x}, {rows.new_p}, {rows.cross}, use, y, inverse_z{extra})"
    )
    return [*top.lines, *before.lines, *lines, *update]


def _pair_loop(top: Scope, rows: Rows, spread: Spread, nodes: Sequence[Node], mean_row: int) -> list[str]:
    """A loop over the pairs of sigma points that stores the odd and even part of each quantity."""
    if not nodes:
        return []
    n, loop = spread.size, Scope(top.numbers, top, 4)

    def mean(j: int) -> str:
        return loop.let(f"load(s, {mean_row + j}, 0)")

    def entry(j: int) -> str:
        return loop.let(f"load(s, {rows.factor + j * n} + i, 0)")

    for r, node in enumerate(nodes):
        odd, even = _pair(loop, spread, parts(node), mean, entry)
        loop.line(f"store(s, {rows.odd + r * n} + i, 0, {loop.some(odd)})")
        loop.line(f"store(s, {rows.even + r * n} + i, 0, {loop.some(even)})")
    return [f"            for i in range({n}):", *loop.lines]
