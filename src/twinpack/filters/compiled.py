"""The Numba backend: a filter whose inner loops are a kernel generated from the model's graph."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from twinpack import __version__
from twinpack.filters import ekf_source, predict_source, ukf_source
from twinpack.filters.arguments import Series
from twinpack.filters.filter import Filter, Kind
from twinpack.filters.model import Model
from twinpack.filters.results import Assimilated, Codes, Floats, Posterior, Predicted
from twinpack.filters.source import Numbers
from twinpack.filters.trace import TracedModel

WIDTH = {"float64": 16, "float32": 32}
"""Vehicles in a block, as in `lanes`, which this module does not import: that would import Numba."""

PARTS = 4
"""Parts that each thread's share of the blocks is cut into."""


@dataclass(frozen=True)
class _Kernel:
    """A compiled function with the numbers and tables of one model."""

    call: Any
    numbers: Floats
    tables: Floats


class CompiledFilter(Filter):
    """Runs a model with compiled kernels."""

    def __init__(self, model: Model, method: str, dtype: str, alpha: float, threads: int) -> None:
        """Trace the model; each kernel is compiled, or read from the cache, when it is first needed."""
        super().__init__(model, method, dtype, alpha)
        self.threads = threads
        self._kernels: dict[Kind, _Kernel] = {}

    def warm(self, kind: Kind) -> None:
        """Compile a kernel, or read it from the cache."""
        self._kernel(kind)

    def step(
        self, own: Posterior, series: Series, gains: Floats | None, steps: bool, score: bool
    ) -> tuple[Assimilated, Floats]:
        """Predict and update, step by step."""
        shape = series.measured.shape if steps else (0, own.vehicles)
        innovation, variance, first = (np.empty(shape, self._dtype) for _ in range(3))
        status, likelihood = (np.zeros((1, own.vehicles), self._dtype) for _ in range(2))
        kernel = self._kernel("learn" if gains is None else "consider")
        share = np.ones(self.size, self._dtype) if gains is None else gains
        given = (kernel.numbers, kernel.tables, share, own.mean, own.triangle, status, *series.inputs)
        kept = (series.measured, series.present, innovation, variance, first, likelihood)
        self._in_blocks(kernel, own.vehicles, *given, *kept, steps, score)
        done = Assimilated(own.mean, own.triangle, _codes(status), innovation, variance, first)
        return done, likelihood[0]

    def path(self, own: Posterior, series: Series, points: Floats | None) -> Predicted:
        """Open loop with a band."""
        shape = (self._traced.states, self.columns, own.vehicles)
        run = np.zeros(shape, self._dtype) if points is None else points
        mean, variance = (np.empty(series.present.shape, self._dtype) for _ in range(2))
        status = np.zeros((1, own.vehicles), self._dtype)
        kernel = self._kernel("predict")
        flat = run.reshape(shape[0] * shape[1], own.vehicles)
        given = (kernel.numbers, kernel.tables, own.mean, own.triangle, status, *series.inputs, series.present)
        self._in_blocks(kernel, own.vehicles, *given, flat, mean, variance, points is None)
        return Predicted(mean, variance, run, _codes(status))

    def _in_blocks(self, kernel: _Kernel, vehicles: int, *arguments: Any) -> None:
        """Call a kernel for every block, in several threads when there is enough to do."""
        blocks = -(-vehicles // WIDTH[self._dtype.name])
        threads = max(1, min(self.threads, blocks))
        if threads == 1:
            kernel.call(*arguments, 0, blocks)
            return
        # More parts than threads, so that one that is held up does not keep the others waiting.
        parts = min(blocks, PARTS * threads)
        edges = [blocks * i // parts for i in range(parts + 1)]
        with ThreadPoolExecutor(threads) as pool:
            running = [pool.submit(kernel.call, *arguments, *pair) for pair in itertools.pairwise(edges)]
            for one in running:
                one.result()

    def _kernel(self, kind: Kind) -> _Kernel:
        if kind not in self._kernels:
            self._kernels[kind] = self._compiled(kind)
        return self._kernels[kind]

    def _compiled(self, kind: Kind) -> _Kernel:
        from twinpack.filters.cache import kernel

        numbers = Numbers(self._traced.graph)
        text = source(self._traced, kind, self.method, self.alpha, self._dtype.name, numbers)
        name = f"{self._traced.name}_{self.method}_{kind}_{self._dtype.name}_n{self.size}"
        call = kernel(name, text)
        tables = numbers.tables or [0.0]
        return _Kernel(call, np.array(numbers.values, self._dtype), np.array(tables, self._dtype))


def _codes(status: Floats) -> Codes:
    return np.asarray(status[0], dtype=np.int8)


def source(traced: TracedModel, kind: Kind, method: str, alpha: float, dtype: str, numbers: Numbers) -> str:
    """The text of a kernel's module, and in `numbers` what it must be given."""
    body = _BODIES[method if kind != "predict" else "predict"](traced, numbers, alpha, method, kind)
    bits = "64" if dtype == "float64" else "32"
    series = ["series"] * len(traced.inputs)
    if kind == "predict":
        types = [*["numbers"] * 2, *["array"] * 3, *series, "flags", *["array"] * 3, "b1", "i8", "i8"]
    else:
        types = [*["numbers"] * 3, *["array"] * 3, *series, "series", "flags", *["array"] * 4, "b1", "b1", "i8", "i8"]
    given = ", ".join(f"u{i} {name}" for i, name in enumerate(traced.inputs)) or "none"
    states = ", ".join(f"{i} {name}" for i, name in enumerate(traced.names))
    return "\n".join(
        [
            f'"""{_TITLES[kind]} of {traced.name} ({method}, {dtype}), written by twinpack {__version__}.',
            "",
            f"States and living parameters: {states}; the first {traced.states} are dynamic.",
            f"Inputs: {given}.",
            "The numbers c and tables tab are the model's. Each variable holds a block of vehicles. Safe to delete.",
            '"""',
            "",
            "import numpy as np",
            "from numba import b1, i8, njit, types, void",
            "",
            f"from twinpack.filters.functions import exp{bits} as exp, log{bits} as log, tanh{bits} as tanh",
            "from twinpack.filters.functions import clipped_floor, extent, finite, give, maximum, minimum, take",
            "from twinpack.filters.functions import take_mask",
            "from twinpack.filters.lanes import gather, load, select, spread, sqrt, store",
            "from twinpack.filters.loops import considered, factor, moments, scalar_moments, trace, updated",
            "",
            f"WIDTH = {WIDTH[dtype]}",
            f"number = types.{dtype}",
            "numbers, array = types.Array(number, 1, 'C'), types.Array(number, 2, 'C')",
            "series, flags = types.Array(number, 2, 'C', readonly=True), types.Array(b1, 2, 'C', readonly=True)",
            "",
            "",
            f'@njit(void({", ".join(types)}), cache=True, nogil=True, error_model="numpy")',
            *body,
            "",
        ]
    )


_TITLES = {"learn": "Predict and update", "consider": "Predict and update some", "predict": "Open-loop prediction"}

_BODIES: dict[str, Callable[[TracedModel, Numbers, float, str, str], list[str]]] = {
    "ukf": lambda traced, numbers, alpha, _, kind: ukf_source.assimilate(traced, numbers, alpha, kind == "consider"),
    "ekf": lambda traced, numbers, _, __, kind: ekf_source.assimilate(traced, numbers, kind == "consider"),
    "predict": lambda traced, numbers, alpha, method, _: predict_source.predict(traced, numbers, alpha, method),
}
