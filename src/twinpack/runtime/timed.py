"""A filter whose time is counted: what compiling takes, and what filtering does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twinpack.filters import Assimilated, Filter, MakeFilter, Model, Posterior, Predicted
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
        self.model, self.method, self.alpha, self.size = inner.model, inner.method, inner.alpha, inner.size
        self._inner, self._stages = inner, stages

    def init(self, vehicles: int, start: Mapping[str, tuple[float, float]]) -> Posterior:
        """The model's prior."""
        return self._inner.init(vehicles, start)

    def warm(self, kind: Kind) -> None:
        """Compile now what would be compiled at first use."""
        with self._stages.within(COMPILE):
            self._inner.warm(kind)

    def assimilate(
        self,
        posterior: Posterior,
        inputs: Mapping[str, Any],
        measured: Any,
        present: Any = None,
        adjustable: Any = None,
        steps: bool = False,
    ) -> Assimilated:
        """Predict and update, step by step."""
        self.warm("learn" if adjustable is None else "consider")
        with self._stages.within(FILTER):
            return self._inner.assimilate(posterior, inputs, measured, present, adjustable, steps)

    def log_likelihood(
        self, posterior: Posterior, inputs: Mapping[str, Any], measured: Any, present: Any = None
    ) -> Floats:
        """Log marginal likelihood of the measurements."""
        self.warm("learn")
        with self._stages.within(FILTER):
            return self._inner.log_likelihood(posterior, inputs, measured, present)

    def predict(
        self, posterior: Posterior, inputs: Mapping[str, Any], present: Any = None, points: Floats | None = None
    ) -> Predicted:
        """Open loop with a band."""
        self.warm("predict")
        with self._stages.within(FILTER):
            return self._inner.predict(posterior, inputs, present, points)
