"""Frames made for tests: one vehicle's samples from plain arrays, packs, and a realistic drive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.battery.pack import PackSpec, parse_pack
from twinpack.detect.frames import Frames
from twinpack.detect.screen import Screened, ScreenState, screen
from twinpack.detect.screen.settings import DEFAULTS, ScreenSettings
from twinpack.telemetry.arrivals import NEVER
from twinpack.telemetry.batch import ListValues
from twinpack.telemetry.schema import SCALAR_SIGNALS

Array = npt.NDArray[np.float64]


def pack_of(series: int, capacity_ah: float = 100.0) -> PackSpec:
    """A pack of NMC cells."""
    return parse_pack(
        f"""
        name = "made"
        chemistry = "NMC"
        series = {series}
        parallel = 1
        capacity_ah = {capacity_ah}
        energy_kwh = {capacity_ah * series * 3.7 / 1000}
        cell_voltage_min_v = 2.8
        cell_voltage_max_v = 4.25
        charge_current_max_a = {2 * capacity_ah}
        discharge_current_max_a = {3 * capacity_ah}
        temp_min_c = -30.0
        temp_max_c = 55.0
        ocv = "nmc811"
        """
    )


def lists_of(rows: Sequence[Sequence[float] | Array]) -> ListValues:
    """Rows of any lengths."""
    count = np.array([len(row) for row in rows], np.int64)
    values = np.concatenate([np.asarray(row, np.float32) for row in rows]) if len(rows) else np.zeros(0, np.float32)
    return ListValues(values, np.cumsum(count) - count, count)


def frames_of(
    time_s: Sequence[float] | npt.NDArray[Any],
    cells: Sequence[Sequence[float] | Array] | Array | None = None,
    probes: Sequence[Sequence[float] | Array] | Array | None = None,
    lane: int = 0,
    **signals: npt.NDArray[Any] | Sequence[float] | float,
) -> Frames:
    """Samples of one vehicle.

    Args:
        time_s: Sample times, shape (M,).
        cells: Cell voltages of each, or none.
        probes: Temperatures of each, or none.
        lane: The vehicle.
        signals: Scalar signals, one value for all or one a sample.
    """
    rows = len(time_s)
    time_us = np.round(np.asarray(time_s, np.float64) * 1e6).astype(np.int64) + 1_600_000_020_000_000
    held: Mapping[str, Array] = {name: np.full(rows, np.nan) for name in SCALAR_SIGNALS}
    for name, value in signals.items():
        held[name][:] = value
    return Frames(
        lane=np.full(rows, lane, np.int32),
        time_us=time_us,
        before_us=np.concatenate([[NEVER], time_us[:-1]])[:rows],
        receipt_us=time_us,
        offset=np.arange(rows, dtype=np.int64),
        signals=held,
        cells=ListValues.none(rows) if cells is None else lists_of(list(cells)),
        probes=ListValues.none(rows) if probes is None else lists_of(list(probes)),
    )


def part(frames: Frames, start: int, stop: int) -> Frames:
    """Some consecutive rows."""
    return Frames(
        lane=frames.lane[start:stop],
        time_us=frames.time_us[start:stop],
        before_us=frames.before_us[start:stop],
        receipt_us=frames.receipt_us[start:stop],
        offset=frames.offset[start:stop],
        signals={name: values[start:stop] for name, values in frames.signals.items()},
        cells=frames.cells.rows(slice(start, stop)),
        probes=frames.probes.rows(slice(start, stop)),
    )


def together(vehicles: Sequence[Frames]) -> Frames:
    """Samples of several vehicles, one after the other."""

    def lists(of: Sequence[ListValues]) -> ListValues:
        begin = np.cumsum([0, *(len(one.values) for one in of)])
        return ListValues(
            np.concatenate([one.values for one in of]),
            np.concatenate([one.start + at for one, at in zip(of, begin[:-1], strict=True)]),
            np.concatenate([one.count for one in of]),
        )

    def joined(name: str) -> npt.NDArray[np.int64]:
        return np.concatenate([getattr(one, name) for one in vehicles])

    return Frames(
        lane=np.concatenate([one.lane for one in vehicles]),
        time_us=joined("time_us"),
        before_us=joined("before_us"),
        receipt_us=joined("receipt_us"),
        offset=joined("offset"),
        signals={name: np.concatenate([one.signals[name] for one in vehicles]) for name in SCALAR_SIGNALS},
        cells=lists([one.cells for one in vehicles]),
        probes=lists([one.probes for one in vehicles]),
    )


def screened(frames: Frames, pack: PackSpec, settings: ScreenSettings = DEFAULTS) -> Screened:
    """What the search makes of the first frames of vehicles."""
    lanes = int(frames.lane.max(initial=0)) + 1
    return screen(ScreenState.empty(lanes, cells=pack.series, probes=0), frames, pack, settings)[1]


def without(settings: ScreenSettings = DEFAULTS, **changes: float) -> ScreenSettings:
    """Settings with some changed."""
    return replace(settings, **changes)  # type: ignore[arg-type]
