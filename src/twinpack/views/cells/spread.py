"""How far the cells lie apart day by day, and which of them are weakest."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from twinpack.battery.pack import PackSpec
from twinpack.store.alarms.register import Wanted
from twinpack.views.cells.frames import Frames, last_frames, ranks, robust_z
from twinpack.views.cells.layout import layout_of, module_of
from twinpack.views.columns import micros, numbers
from twinpack.views.fleet.rows import column, figure
from twinpack.views.opened import Views
from twinpack.views.shapes.vehicle import SpreadTrend, WeakCell
from twinpack.views.sight import Reach, Right, Sight
from twinpack.views.telemetry.steps import Floats, Ints
from twinpack.views.vehicle.imbalance import seen_days

MOST_FRAMES = 500
WEAKEST = 8
"""Cells that are shown, and those that a trouble code names."""

_REST_C_RATE = 0.02
_FEWEST = 3
_DAY_MS = 86_400_000
_EPOCH = date(1970, 1, 1)
_CELL = re.compile(r"cell (\d+)")


def spread_trend(views: Views, seer: Sight, reach: Reach, days: int) -> SpreadTrend:
    """The spread over the last days on which a vehicle told its cells, and the weakest of them.

    Args:
        views: The workspace.
        seer: Who looks; codes are left out without the right to alarms.
        reach: The vehicle, and of what times it may be seen.
        days: How many days before the newest one.

    Raises:
        WorkspaceError: The lake cannot be read.
    """
    known = seen_days(views.rows.features(reach.vehicle_id), reach.span)
    known = known.filter(pc.greater(pc.fill_null(known.column("cell_frames"), 0), 0))
    day = np.array([(one - _EPOCH).days for one in known.column("day").to_pylist()], dtype=np.int64)
    if len(day):
        recent = day > day[-1] - days
        known, day = known.filter(pa.array(recent)), day[recent]
    return SpreadTrend.model_construct(
        vehicle_id=reach.vehicle_id,
        day_ms=(day * _DAY_MS).tolist(),
        spread_mean_mv=column(1e3 * numbers(known, "cell_spread_mean_v"), 1),
        spread_max_mv=column(1e3 * numbers(known, "cell_spread_max_v"), 1),
        frames_ms=frame_times(known),
        weakest=_weakest(views, seer, reach),
    )


def frame_times(days: pa.Table) -> list[int]:
    """Moments spread evenly over the times at which a vehicle sent anything on some days, milliseconds."""
    if not days.num_rows:
        return []
    first, last = micros(days, "first_sample") // 1000, micros(days, "last_sample") // 1000
    if days.num_rows > MOST_FRAMES:
        chosen = np.linspace(0, days.num_rows - 1, MOST_FRAMES).round().astype(np.int64)
        return sorted(set(last[chosen].tolist()))
    each = max(MOST_FRAMES // days.num_rows, 1)
    ends = [np.linspace(start, end, each) for start, end in zip(first.tolist(), last.tolist(), strict=True)]
    return sorted(set(np.ceil(np.concatenate(ends)).astype(np.int64).tolist()))


def _weakest(views: Views, seer: Sight, reach: Reach) -> list[WeakCell]:
    pack = views.packs.get(views.pack_of(reach.vehicle_id))
    frames = last_frames(views, reach, None, pack.series if pack else None)
    if not len(frames.time_us):
        return []
    deviation = 1e3 * _mean_deviation(frames, pack)
    rank, z = ranks(deviation), robust_z(deviation)
    layout = layout_of(pack, len(deviation))
    codes = _codes(views, reach) if seer.may(Right.ALARMS) else {}
    order = [int(place) for place in np.argsort(deviation, kind="stable") if np.isfinite(deviation[place])]
    shown = [place for at, place in enumerate(order) if at < WEAKEST or place + 1 in codes]
    return [
        WeakCell(
            cell=place + 1,
            module=module_of(layout, place + 1),
            deviation_mv=round(float(deviation[place]), 1),
            z=figure(z[place], 2),
            rank=rank[place] or 0,
            code=codes.get(place + 1, ""),
        )
        for place in shown
    ]


def _mean_deviation(frames: Frames, pack: PackSpec | None) -> Floats:
    """Mean deviation over the newest frames at rest; over all where too few are at rest."""
    rest_a = _REST_C_RATE * pack.capacity_ah if pack else 1.0
    resting: Ints = np.flatnonzero(np.abs(frames.current_a) <= rest_a)
    chosen = resting if len(resting) >= _FEWEST else np.arange(len(frames.time_us))
    voltage = frames.voltage_v[chosen]
    found: Floats = np.nanmean(voltage - np.nanmedian(voltage, axis=1)[:, None], axis=0)
    return found


def _codes(views: Views, reach: Reach) -> Mapping[int, str]:
    """The code of the most severe open alarm that names a cell, by cell."""
    found: dict[int, str] = {}
    for alarm in views.registry.alarms.alarms(Wanted(vehicle=reach.vehicle_id)):
        named = _CELL.fullmatch(alarm.subject)
        if named:
            found.setdefault(int(named[1]), alarm.code)
    return found
