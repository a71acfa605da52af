"""Frames of a vehicle: the voltages of all its cells at one moment."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from twinpack.views.opened import Views
from twinpack.views.sight import Reach, Span
from twinpack.views.telemetry.steps import Floats, Ints, times_of, values_of

COLUMNS = ("cell_voltage_v", "cell_temp_c", "pack_current_a")
SHORT_US = 600_000_000
"""How far before a moment is looked first, before a whole day is read."""

ROBUST = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""


@dataclass(frozen=True)
class Frames:
    """Whole frames by time.

    Attributes:
        time_us: Sample times, microseconds since the epoch, shape (F,).
        voltage_v: Voltages, NaN where a value is missing, shape (F, cells).
        current_a: Current of the pack, NaN where it was not told, shape (F,).
        rows: The rows they are of.
    """

    time_us: Ints
    voltage_v: Floats
    current_a: Floats
    rows: pa.Table


def last_frames(views: Views, reach: Reach, at_us: int | None, series: int | None) -> Frames:
    """Frames shortly before a moment, the last of which is the last before it; none where there is none.

    Args:
        views: The workspace.
        reach: The vehicle, and of what times it may be seen.
        at_us: The moment, microseconds since the epoch; None for now.
        series: Cells that a whole frame has; as most have when None.

    Raises:
        WorkspaceError: Telemetry cannot be read.
    """
    span = reach.span
    if at_us is not None:
        span = replace(span, until_us=at_us + 1 if span.until_us is None else min(span.until_us, at_us + 1))
    last = views.samples.last_seen_us(reach.vehicle_id, span)
    if last is not None:
        short = Span(max(last - SHORT_US, span.from_us or last - SHORT_US), last + 1)
        found = frames_of(views.samples.newest_rows(reach.vehicle_id, short, COLUMNS, COLUMNS[0]), series)
        if len(found.time_us) and series in (None, found.voltage_v.shape[1]):
            return found
    return frames_of(views.samples.newest_rows(reach.vehicle_id, span, COLUMNS, COLUMNS[0]), series)


def frames_of(rows: pa.Table, series: int | None) -> Frames:
    """The whole frames of rows by time: those with as many values as the pack has cells, or as most have."""
    lists = rows.column("cell_voltage_v").combine_chunks()
    offsets = lists.offsets.to_numpy().astype(np.int64)
    count = np.where(lists.is_valid().to_numpy(zero_copy_only=False), np.diff(offsets), 0)
    width = series if series is not None and (count == series).any() else _usual(count)
    whole = np.flatnonzero((count == width) & (count > 1))
    values = lists.values.to_numpy(zero_copy_only=False).astype(np.float64)
    kept = rows.take(pa.array(whole))
    voltage = values[offsets[:-1][whole, None] + np.arange(width)] if len(whole) else np.zeros((0, 0))
    return Frames(times_of(kept), voltage, values_of(kept, "pack_current_a"), kept)


def robust_z(deviation: Floats) -> Floats:
    """Deviations in robust standard deviations; NaN where the others do not differ."""
    known = deviation[np.isfinite(deviation)]
    spread = ROBUST * float(np.median(np.abs(known - np.median(known)))) if len(known) else 0.0
    return deviation / spread if spread > 0 else np.full(len(deviation), np.nan)


def ranks(voltage_v: Floats) -> list[int | None]:
    """Place of each cell by voltage, 1 for the highest; None where it was not told."""
    order = np.argsort(-voltage_v, kind="stable")
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(1, len(order) + 1)
    return [
        rank if known else None for rank, known in zip(place.tolist(), np.isfinite(voltage_v).tolist(), strict=True)
    ]


def _usual(count: NDArray[np.int64]) -> int:
    told = count[count > 1]
    return int(np.bincount(told).argmax()) if len(told) else 0
