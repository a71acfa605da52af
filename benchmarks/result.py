"""What a benchmark hands back, and how two candidates are timed side by side."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Result:
    """A measurement beside its baseline, both taken in the same run and given in `unit`."""

    value: float
    unit: str
    baseline: float
    higher_is_better: bool = True

    @property
    def ratio(self) -> float:
        """How many times better than the baseline."""
        better, worse = (self.value, self.baseline) if self.higher_is_better else (self.baseline, self.value)
        return better / worse

    def as_json(self) -> dict[str, Any]:
        """The record in build/bench.json."""
        return {"value": self.value, "unit": self.unit, "baseline": self.baseline, "ratio": self.ratio}


def seconds_side_by_side(
    candidate: Callable[[], object], baseline: Callable[[], object], rounds: int = 7
) -> tuple[float, float]:
    """Median seconds of both, run in turns after one warm-up each, so that what slows the machine slows both."""
    taken: tuple[list[float], list[float]] = ([], [])
    for round_number in range(rounds + 1):
        for call, times in zip((candidate, baseline), taken, strict=True):
            seconds = _timed(call)
            if round_number:
                times.append(seconds)
    return statistics.median(taken[0]), statistics.median(taken[1])


def _timed(call: Callable[[], object]) -> float:
    gc.collect()
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
