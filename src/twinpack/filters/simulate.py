"""A model's own path without noise, for many runs at a time: what sensitivity, calibration and simulation need.

A filter predicts at 2 n + 1 sigma points for its band; here each lane is one run with its own start and parameters, so
that it costs one evaluation of the model a step. Inputs that all runs share are handed in once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from twinpack import __version__
from twinpack.errors import InputError
from twinpack.filters.compiled import WIDTH
from twinpack.filters.evaluate import evaluate
from twinpack.filters.model import Model
from twinpack.filters.results import Floats
from twinpack.filters.source import Numbers, Scope
from twinpack.filters.trace import TracedModel, trace

_WIDTH = WIDTH["float64"]


class Simulator:
    """Runs one model open loop; T steps, B runs, n states and living parameters.

    A run's result does not depend, to the bit, on who is beside it.

    Attributes:
        model: The model.
        backend: `numba`, a compiled kernel, or `numpy`, the reference.
    """

    def __init__(self, model: Model, backend: Literal["numba", "numpy"] = "numba") -> None:
        """Trace the model; its kernel is compiled, or read from the cache, when it is first needed.

        Raises:
            TraceError: The model does what a graph cannot hold; the message names the line.
        """
        self.model, self.backend = model, backend
        self._traced = trace(model)
        self._kernel: tuple[Any, Floats, Floats] | None = None

    def run(self, mean: Floats, inputs: Mapping[str, Any]) -> Floats:
        """What is measured at each step.

        Args:
            mean: States at the start and living parameters of each run, in the order of the model's names, (n, B).
            inputs: By name; numbers, or arrays (T,) or (T, 1) that all runs share, or (T, B).

        Returns:
            Shape (T, B); not finite where the model is not.

        Raises:
            InputError: An input is missing, or an array has another shape.
        """
        size = self._traced.size
        if mean.ndim != 2 or len(mean) != size:
            raise InputError(
                f"mean has shape {mean.shape}; {self._traced.name} needs ({size}, B) for "
                f"{', '.join(self._traced.names) or 'nothing'}"
            )
        series = self._series(inputs, mean.shape[1])
        own = np.array(mean, dtype=np.float64, order="C")
        return self._compiled(own, series) if self.backend == "numba" else self._plain(own, series)

    def _series(self, inputs: Mapping[str, Any], runs: int) -> list[Floats]:
        """Each input as (T, B), or as (T, width of a block) when all runs share it."""
        names = self._traced.inputs
        missing = [name for name in names if name not in inputs]
        if missing:
            raise InputError(f"input {missing[0]!r} is missing; the model needs {', '.join(names)}")
        given = [np.asarray(inputs[name], dtype=np.float64) for name in names]
        wide = [one[:, None] if one.ndim == 1 else one for one in given]
        steps = max((len(one) for one in wide if one.ndim == 2), default=1)
        found = []
        for name, one in zip(names, wide, strict=True):
            shared = one.ndim < 2 or one.shape[1] == 1
            shape = (steps, _WIDTH if shared else runs)
            try:
                found.append(np.ascontiguousarray(np.broadcast_to(one, shape)))
            except ValueError:
                raise InputError(
                    f"{name} has shape {one.shape}; it must be ({steps}, 1) or ({steps}, {runs})"
                ) from None
        return found

    def _compiled(self, mean: Floats, series: Sequence[Floats]) -> Floats:
        call, numbers, tables = self._kernel or self._made()
        steps = len(series[0]) if series else 1
        expected = np.empty((steps, mean.shape[1]))
        if mean.shape[1]:
            call(numbers, tables, mean, *series, expected, -(-mean.shape[1] // _WIDTH))
        return expected

    def _made(self) -> tuple[Any, Floats, Floats]:
        from twinpack.filters.cache import kernel

        numbers = Numbers(self._traced.graph)
        text = source(self._traced, numbers)
        call = kernel(f"{self._traced.name}_simulate_n{self._traced.size}", text)
        self._kernel = call, np.array(numbers.values or [0.0]), np.array(numbers.tables or [0.0])
        return self._kernel

    def _plain(self, mean: Floats, series: Sequence[Floats]) -> Floats:
        """The same in NumPy, a step at a time."""
        traced, runs = self._traced, mean.shape[1]
        steps = len(series[0]) if series else 1
        expected = np.empty((steps, runs))
        with np.errstate(all="ignore"):
            for k in range(steps):
                u = [one[k] if one.shape[1] == runs else one[k, :1] for one in series]
                moved = evaluate(traced.transition, mean, u, mean.dtype)
                mean[: traced.states] = moved or mean[:0]
                (expected[k],) = evaluate([traced.measure], mean, u, mean.dtype)
        return expected


def source(traced: TracedModel, numbers: Numbers) -> str:
    """The text of the kernel's module, and in `numbers` what it must be given."""
    n, d = traced.size, traced.states
    inputs = [f"in{i}" for i in range(len(traced.inputs))]
    scope = Scope(numbers, depth=3)
    x = [scope.let(f"load(s, {j}, 0)", f"x{j}") for j in range(n)]
    moved = [scope.value(node, x.__getitem__) for node in traced.transition]
    z = scope.value(traced.measure, [*moved, *x[d:]].__getitem__)
    types = ", ".join([*["numbers"] * 2, "array", *["series"] * len(inputs), "array", "i8"])
    return "\n".join(
        [
            f'"""Simulation of {traced.name}, written by twinpack {__version__}.',
            "",
            f"States and living parameters: {', '.join(traced.names)}; the first {d} are dynamic.",
            f"Inputs: {', '.join(traced.inputs) or 'none'}.",
            "The numbers c and tables tab are the model's. Each variable holds a block of runs. Safe to delete.",
            '"""',
            "",
            "import numpy as np",
            "from numba import i8, njit, types, void",
            "",
            "from twinpack.filters.functions import exp64 as exp, log64 as log, tanh64 as tanh",
            "from twinpack.filters.functions import clipped_floor, give, maximum, minimum, take",
            "from twinpack.filters.lanes import gather, load, select, spread, sqrt, store",
            "",
            f"WIDTH = {_WIDTH}",
            "numbers, array = types.Array(types.float64, 1, 'C'), types.Array(types.float64, 2, 'C')",
            "series = types.Array(types.float64, 2, 'C', readonly=True)",
            "",
            "",
            f'@njit(void({types}), cache=True, nogil=True, error_model="numpy")',
            f"def kernel({', '.join(['c', 'tab', 'mean', *inputs, 'expected', 'blocks'])}):",
            f"    s = np.zeros(({n + 1 + len(inputs)}, WIDTH), mean.dtype)",
            "    runs = mean.shape[1]",
            "    for block in range(blocks):",
            "        at = block * WIDTH",
            f"        for row in range({n}):",
            "            take(s, row, mean, row, at)",
            "        for t in range(expected.shape[0]):",
            *(
                f"            take(s, {n + 1 + i}, {name}, t, at if {name}.shape[1] == runs else 0)"
                for i, name in enumerate(inputs)
            ),
            *(f"            u{i} = load(s, {n + 1 + i}, 0)" for i in range(len(inputs))),
            *scope.lines,
            *(f"            store(s, {j}, 0, {name})" for j, name in enumerate(moved)),
            f"            store(s, {n}, 0, {z})",
            f"            give(s, {n}, expected, t, at)",
            "",
        ]
    )
