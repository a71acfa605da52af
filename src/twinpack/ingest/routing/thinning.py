"""Thinning of samples: one of each vehicle and span of sample time."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from twinpack.telemetry.readings import Flags

_VEHICLES = 1_000_000
"""Vehicles that are remembered."""
_SPANS = 4
"""Spans of time of each that are remembered."""


class Thinner:
    """Lets one sample of each vehicle and span of sample time pass: the first to arrive.

    A sample that passed passes again, so that nothing is lost of a batch whose write failed and is tried again. It
    remembers the last spans of each vehicle: late samples, told among newer ones, are thinned as well.
    """

    def __init__(self, span_us: int) -> None:
        """Thin to one sample in so many microseconds, counted from the epoch."""
        self._span_us = span_us
        self._passed: dict[str, tuple[int, ...]] = {}

    def pass_some(self, samples: pa.Table, taken: Flags) -> Flags:
        """Which of the rows that are taken pass, shape (N,)."""
        rows = np.flatnonzero(taken)
        passes = np.zeros_like(taken)
        if not len(rows):
            return passes
        coded = pc.dictionary_encode(samples.column("vehicle_id").combine_chunks())
        vehicle = coded.indices.to_numpy(zero_copy_only=False)[rows].astype(np.int64)
        times = samples.column("sample_time").cast(pa.int64()).to_numpy()[rows]
        spans = times // self._span_us
        _, spans = np.unique(spans, return_inverse=True)
        keys = vehicle * rows.size + spans.reshape(-1)
        _, first, group = np.unique(keys, return_index=True, return_inverse=True)
        chosen = times[first]
        names = coded.dictionary.to_pylist()
        for at in np.argsort(first, kind="stable"):
            chosen[at] = self._choose(names[vehicle[first[at]]], int(times[first[at]]))
        passes[rows] = times == chosen[group.reshape(-1)]
        return passes

    def _choose(self, vehicle: str, time_us: int) -> int:
        """Sample time of the one that passes in the span of a sample."""
        passed = self._passed.pop(vehicle, ())
        kept = next((time for time in passed if time // self._span_us == time_us // self._span_us), None)
        if kept is None:
            kept = time_us
            passed = (*passed, time_us)[-_SPANS:]
        self._passed[vehicle] = passed
        if len(self._passed) > _VEHICLES:
            del self._passed[next(iter(self._passed))]  # the one not heard of for longest
        return kept
