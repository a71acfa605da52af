"""Open-loop prediction with a band as kernel source.

Of the unscented filter every sigma point runs on its own and the band is their spread; of the extended filter the mean
runs, and beside it the deviations along the factor's columns by the Jacobian along the path.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from twinpack.filters.ekf_source import written
from twinpack.filters.extended import jacobian
from twinpack.filters.source import Numbers, Scope
from twinpack.filters.step_source import STEP_NUMBERS, input_only
from twinpack.filters.trace import TracedModel
from twinpack.filters.ukf_source import Spread

ARGUMENTS = "c, tab, mean, tri, status, {inputs}present, points, expected, variance, fresh, start, stop"


@dataclass(frozen=True)
class Rows:
    """Where things lie in the scratch array."""

    size: int
    states: int
    inputs: int
    columns: int

    @property
    def p(self) -> int:
        """Covariance."""
        return self.size

    @property
    def status(self) -> int:
        """Status, then predicted measurement and its variance."""
        return self.p + self.size * (self.size + 1) // 2

    @property
    def u(self) -> int:
        """Inputs."""
        return self.status + 3

    @property
    def factor(self) -> int:
        """Triangular factor, as a full square."""
        return self.u + self.inputs

    @property
    def points(self) -> int:
        """Dynamic states, then parameters, at each point."""
        return self.factor + self.size**2

    @property
    def z(self) -> int:
        """The measurement at each point."""
        return self.points + self.size * self.columns

    @property
    def count(self) -> int:
        """Rows in all."""
        return self.z + self.columns


def predict(traced: TracedModel, numbers: Numbers, alpha: float, method: str) -> list[str]:
    """Source of the kernel that predicts open loop."""
    for value in STEP_NUMBERS:
        numbers.place(value)
    columns = 2 * traced.size + 1 if method == "ukf" else traced.size + 1
    rows = Rows(traced.size, traced.states, len(traced.inputs), columns)
    top = Scope(numbers, depth=3)
    own = top.some(input_only(top, traced.prediction))
    if method == "ukf":
        body = _along_points(traced, top, rows, Spread(alpha, traced.size), own)
        spread = _distances(rows, numbers.place(Spread(alpha, traced.size).c))
    else:
        body = _along_path(traced, top, rows, own)
        spread = _deviations(rows)
    return _frame(traced, rows, spread, [*top.lines, *body])


def _frame(traced: TracedModel, rows: Rows, spread: Sequence[str], body: Sequence[str]) -> list[str]:
    n, d = traced.size, traced.states
    inputs = "".join(f"in{i}, " for i in range(len(traced.inputs)))
    kept = d * rows.columns
    return [
        f"def kernel({ARGUMENTS.format(inputs=inputs)}):",
        f"    s = np.zeros(({rows.count}, WIDTH), mean.dtype)",
        "    flags = np.zeros((1, WIDTH), np.bool_)",
        "    for block in range(start, stop):",
        "        at = block * WIDTH",
        f"        for row in range({n}):",
        "            take(s, row, mean, row, at)",
        f"        for row in range({rows.status - n}):",
        f"            take(s, {rows.p} + row, tri, row, at)",
        f"        take(s, {rows.status}, status, 0, at)",
        f"        good = factor(s, {n}, {rows.p}, {rows.factor})",
        f"        state = load(s, {rows.status}, 0)",
        "        total = load(s, 0, 0)",
        f"        for row in range(1, {n}):",
        "            total = total + load(s, row, 0)",
        f"        sized = finite(trace(s, {n}, {rows.p}))",
        "        wrong = select(~good & sized, spread(c[1]), spread(c[5]))",
        "        bad = ~(good & sized & finite(total))",
        f"        store(s, {rows.status}, 0, select((state == spread(c[0])) & bad, wrong, state))",
        *spread,
        "        if not fresh:",
        f"            for row in range({kept}):",
        f"                take(s, {rows.points} + row, points, row, at)",
        "        steps = extent(s, present, at)",
        "        for t in range(steps):",
        *(f"            take(s, {rows.u + i}, in{i}, t, at)" for i in range(len(traced.inputs))),
        *(f"            u{i} = load(s, {rows.u + i}, 0)" for i in range(len(traced.inputs))),
        f"            state = load(s, {rows.status}, 0)",
        "            here = take_mask(s, flags, present, t, at) & (state == spread(c[0]))",
        *body,
        "            sound = finite(middle) & finite(width)",
        f"            store(s, {rows.status}, 0, select(here & ~sound, spread(c[5]), state))",
        f"            store(s, {rows.status + 1}, 0, select(here & sound, middle, spread(c[4])))",
        f"            store(s, {rows.status + 2}, 0, select(here & sound, width, spread(c[4])))",
        f"            give(s, {rows.status + 1}, expected, t, at)",
        f"            give(s, {rows.status + 2}, variance, t, at)",
        f"        store(s, {rows.status + 1}, 0, spread(c[4]))",
        "        for t in range(steps, present.shape[0]):",
        f"            give(s, {rows.status + 1}, expected, t, at)",
        f"            give(s, {rows.status + 1}, variance, t, at)",
        f"        for row in range({kept}):",
        f"            give(s, {rows.points} + row, points, row, at)",
        f"        give(s, {rows.status}, status, 0, at)",
    ]


def _distances(rows: Rows, c: int) -> list[str]:
    """Lines that set every state and parameter at every sigma point."""
    n, k = rows.size, rows.columns
    return [
        f"        for j in range({n}):",
        "            centre = load(s, j, 0)",
        f"            store(s, {rows.points} + j * {k}, 0, centre)",
        f"            for i in range({n}):",
        f"                far = spread(c[{c}]) * load(s, {rows.factor} + j * {n} + i, 0)",
        f"                store(s, {rows.points} + j * {k} + 1 + i, 0, centre + far)",
        f"                store(s, {rows.points} + j * {k} + {n + 1} + i, 0, centre - far)",
    ]


def _along_points(traced: TracedModel, top: Scope, rows: Rows, spread: Spread, own: str) -> list[str]:
    k, d = rows.columns, rows.states
    loop = Scope(top.numbers, top, 4)
    place = [loop.let(f"load(s, {rows.points + j * k} + k, 0)") for j in range(rows.size)]
    moved = [loop.value(node, place.__getitem__) for node in traced.transition]
    z = loop.value(traced.measure, [*moved, *place[d:]].__getitem__)
    for j, new in enumerate(moved):
        loop.line(f"store(s, {rows.points + j * k} + k, 0, select(here, {new}, {place[j]}))")
    loop.line(f"store(s, {rows.z} + k, 0, {z})")
    w, centre = (top.some(top.number(value)) for value in (spread.w, spread.centre))
    return [
        f"            for k in range({k}):",
        *loop.lines,
        f"            z0 = load(s, {rows.z}, 0)",
        "            total = z0 - z0",
        "            squares = total",
        f"            for k in range(1, {k}):",
        f"                far = load(s, {rows.z} + k, 0) - z0",
        "                total = total + far",
        "                squares = squares + far * far",
        f"            shift = {w} * total",
        "            middle = z0 + shift",
        f"            width = {w} * squares + {centre} * shift * shift + {own}",
    ]


def _deviations(rows: Rows) -> list[str]:
    """Lines that set the mean and the deviation along each column of the factor."""
    n, k = rows.size, rows.columns
    return [
        f"        for j in range({n}):",
        f"            store(s, {rows.points} + j * {k}, 0, load(s, j, 0))",
        f"            for i in range({n}):",
        f"                store(s, {rows.points} + j * {k} + 1 + i, 0, load(s, {rows.factor} + j * {n} + i, 0))",
    ]


def _along_path(traced: TracedModel, top: Scope, rows: Rows, own: str) -> list[str]:
    n, d, k = rows.size, rows.states, rows.columns
    mean = Scope(top.numbers, top, 3)
    x = [mean.let(f"load(s, {rows.points + j * k}, 0)") for j in range(n)]
    f = [[written(mean, one, x.__getitem__) for one in row] for row in jacobian(traced.transition, n)]
    moved = [mean.value(node, x.__getitem__) for node in traced.transition] + x[d:]
    (h,) = [[written(mean, one, moved.__getitem__) for one in row] for row in jacobian([traced.measure], n)]
    middle = mean.value(traced.measure, moved.__getitem__)
    loop = Scope(top.numbers, mean, 4)
    old = [loop.let(f"load(s, {rows.points + j * k} + k, 0)") for j in range(n)]
    new = [loop.product_sum(zip(f[r], old, strict=True)) for r in range(d)] + old[d:]
    for j in range(d):
        loop.line(f"store(s, {rows.points + j * k} + k, 0, select(here, {loop.some(new[j])}, {old[j]}))")
    far = loop.some(loop.product_sum(zip(h, new, strict=True)))
    loop.line(f"squares = squares + {far} * {far}")
    return [
        *mean.lines,
        f"            middle = {middle}",
        "            squares = middle - middle",
        f"            for k in range(1, {k}):",
        *loop.lines,
        *(f"            store(s, {rows.points + j * k}, 0, select(here, {moved[j]}, {x[j]}))" for j in range(d)),
        f"            width = squares + {own}",
    ]
