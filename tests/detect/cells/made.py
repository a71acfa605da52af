"""Packs made up for the tests of the cell anomalies: samples, cleaned as the screen would, from arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from twinpack.detect.frames import Frames
from twinpack.telemetry.arrivals import NEVER
from twinpack.telemetry.batch import ListValues

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Clean:
    """Samples of which nothing had to be masked."""

    aside: npt.NDArray[np.bool_]
    cells: ListValues
    probes: ListValues
    quantities: Mapping[str, Floats] = field(default_factory=dict)


def lists(values: Floats) -> ListValues:
    """One list a row."""
    rows, width = values.shape
    flat = values.astype(np.float32).ravel()
    return ListValues(flat, np.arange(rows, dtype=np.int64) * width, np.full(rows, width, np.int64))


def sampled(
    time_s: Floats,
    volts: Floats,
    c_rate: Floats,
    soc: Floats,
    probes: Floats | None = None,
    lane: npt.NDArray[np.int32] | None = None,
    **more: Floats,
) -> tuple[Frames, Clean]:
    """Samples of one or several vehicles (by lane, in time order) and what the screen makes of them.

    Args:
        time_s: Sample times, s, (M,).
        volts: Cell voltages, (M, cells).
        c_rate: C-rate, positive charges, NaN where unknown, (M,).
        soc: State of charge, 0..1, (M,).
        probes: Temperatures, °C, (M, probes); none by default.
        lane: Vehicle of each; all of one by default.
        more: Further quantities by name.
    """
    rows = len(time_s)
    lanes = np.zeros(rows, np.int32) if lane is None else lane
    probes = np.zeros((rows, 0)) if probes is None else probes
    time_us = np.round(time_s * 1e6).astype(np.int64)
    before = np.r_[NEVER, time_us[:-1]]
    before[1:][lanes[1:] != lanes[:-1]] = NEVER
    cells, temps = lists(volts), lists(probes)
    frames = Frames(lanes, time_us, before, time_us, np.arange(rows), {}, cells, temps)
    quantities = {
        "cell_v_median": np.median(volts.astype(np.float32), axis=1).astype(np.float64),
        "c_rate": c_rate,
        "rest_s": _rest(time_s, c_rate, lanes),
        "soc_pct": 100.0 * soc,
        **more,
    }
    if probes.shape[1]:
        quantities |= {"temp_max_c": probes.max(axis=1), "temp_min_c": probes.min(axis=1)}
    return frames, Clean(np.zeros(rows, np.bool_), cells, temps, quantities)


def _rest(time_s: Floats, c_rate: Floats, lane: npt.NDArray[np.int32]) -> Floats:
    """Time since the rate was last over 0.02."""
    rest = np.zeros(len(time_s))
    for row in range(1, len(time_s)):
        same = lane[row] == lane[row - 1]
        if same and not abs(c_rate[row]) > 0.02:
            rest[row] = rest[row - 1] + time_s[row] - time_s[row - 1]
    return rest


def part_of(frames: Frames, clean: Clean, which: npt.NDArray[np.intp]) -> tuple[Frames, Clean]:
    """Some of the samples, as a batch of its own."""
    return (
        Frames(
            frames.lane[which],
            frames.time_us[which],
            frames.before_us[which],
            frames.receipt_us[which],
            frames.offset[which],
            {name: values[which] for name, values in frames.signals.items()},
            frames.cells.rows(which),
            frames.probes.rows(which),
        ),
        Clean(
            clean.aside[which],
            clean.cells.rows(which),
            clean.probes.rows(which),
            {name: values[which] for name, values in clean.quantities.items()},
        ),
    )
