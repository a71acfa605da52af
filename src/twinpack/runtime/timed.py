"""A filter whose time is counted: what compiling takes, and what filtering does."""

from __future__ import annotations

from twinpack.filters import Assimilated, Filter, MakeFilter, Model, Posterior, Predicted
from twinpack.filters.arguments import Series
from twinpack.filters.filter import Kind
from twinpack.filters.results import Floats
from twinpack.runtime.stages import COMPILE, FILTER, Stages


def timed(make: MakeFilter, stages: Stages) -> MakeFilter:
    """Makes filters as `make` does, and counts their time in the stages `compile` and `filter`."""

    def made(model: Model, *, alpha: float = 1.0) -> Filter:
        return TimedFilter(make(model, alpha=alpha), stages)

    return made


class TimedFilter(Filter):
    """Another filter, with its time counted."""

    def __init__(self, inner: Filter, stages: Stages) -> None:
        """Wrap a filter."""
        super().__init__(inner.model, inner.method, inner.dtype, inner.alpha)
        self._inner, self._stages = inner, stages

    def warm(self, kind: Kind) -> None:
        """Compile now what would be compiled at first use."""
        with self._stages.within(COMPILE):
            self._inner.warm(kind)

    def step(
        self, own: Posterior, series: Series, gains: Floats | None, steps: bool, score: bool
    ) -> tuple[Assimilated, Floats]:
        """Predict and update."""
        self.warm("learn" if gains is None else "consider")
        with self._stages.within(FILTER):
            return self._inner.step(own, series, gains, steps, score)

    def path(self, own: Posterior, series: Series, points: Floats | None) -> Predicted:
        """Predict open loop."""
        self.warm("predict")
        with self._stages.within(FILTER):
            return self._inner.path(own, series, points)
