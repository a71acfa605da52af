"""The extended filter as kernel source: Jacobians from the graph, zeros of them left out."""

from __future__ import annotations

from collections.abc import Callable

from twinpack.filters.extended import jacobian
from twinpack.filters.graph import Node
from twinpack.filters.source import Name, Numbers, Scope
from twinpack.filters.step_source import STEP_NUMBERS, Rows, Step, entry, input_only, step_frame, straight_update
from twinpack.filters.trace import TracedModel


def written(scope: Scope, node: Node, bind: Callable[[int], str]) -> Name:
    """The variable of a derivative, or what the scope calls a constant 0 or 1."""
    return scope.number(node.value) if node.op == "constant" else scope.value(node, bind)


def assimilate(traced: TracedModel, numbers: Numbers, consider: bool) -> list[str]:
    """Source of the kernel that predicts and updates, step by step."""
    for value in STEP_NUMBERS:
        numbers.place(value)
    n, d = traced.size, traced.states
    rows = Rows(n, len(traced.inputs), d)
    scope = Scope(numbers, depth=3)
    old_x = [scope.let(f"load(s, {j}, 0)", f"x{j}") for j in range(n)]
    old_p = [[scope.let(f"load(s, {rows.p + entry(i, j)}, 0)") for j in range(n)] for i in range(n)]
    f = [[written(scope, one, old_x.__getitem__) for one in row] for row in jacobian(traced.transition, n)]
    x = [scope.value(node, old_x.__getitem__) for node in traced.transition] + old_x[d:]
    p = _moved(scope, f, old_p, [input_only(scope, node) for node in traced.process])
    (h,) = [[written(scope, one, x.__getitem__) for one in row] for row in jacobian([traced.measure], n)]
    cross = [scope.product_sum((h[k], p[j][k]) for k in range(n)) for j in range(n)]
    noise = input_only(scope, traced.measurement if consider else traced.learning)
    positive = " & ".join(scope.let(f"{p[i][i]} > {scope.some(scope.number(0.0))}") for i in range(n))
    step = Step(
        old=(old_x, old_p),
        x=x,
        p=p,
        cross=cross,
        expected=scope.value(traced.measure, x.__getitem__),
        variance=scope.product_sum(zip(h, cross, strict=True), noise),
        pivots=positive,
        flat=scope.let(f"~({positive}) & finite({' + '.join(p[i][i] for i in range(n))})"),
    )
    update = straight_update(scope, rows, step, consider)
    return step_frame(traced, rows, rows.new_x, [*scope.lines, *update])


def _moved(scope: Scope, f: list[list[Name]], p: list[list[str]], process: list[Name]) -> list[list[str]]:
    """Covariance after the transition: `F P F' + Q` for the dynamic states, `F P` beside the parameters."""
    n, d = len(p), len(f)
    half = [[scope.product_sum((f[r][k], p[k][j]) for k in range(n)) for j in range(n)] for r in range(d)]
    moved = [row.copy() for row in p]
    for r in range(d):
        for q in range(r + 1):
            value = scope.product_sum(zip(half[r], f[q], strict=True))
            moved[r][q] = moved[q][r] = scope.some(scope.add(value, process[r]) if r == q else value)
        for j in range(d, n):
            moved[r][j] = moved[j][r] = scope.some(half[r][j])
    return moved
