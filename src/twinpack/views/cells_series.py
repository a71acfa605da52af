"""One cell over time beside the others."""

from __future__ import annotations

import numpy as np

from twinpack.errors import NotFoundError
from twinpack.views.cells_frames import COLUMNS, frames_of
from twinpack.views.fleet_rows import column
from twinpack.views.opened import Views
from twinpack.views.shapes.vehicle import CellSeries
from twinpack.views.sight import Reach
from twinpack.views.spans import within
from twinpack.views.telemetry import range_of


def one_cell(
    views: Views, reach: Reach, cell: int, start_us: int | None, end_us: int | None, points: int
) -> CellSeries:
    """A cell's voltage with median, p10 and p90 of all cells, at as many moments as are wanted.

    Of more frames, every so-manyth is shown: what is compared is of one moment, and not a mean over several.

    Args:
        views: The workspace.
        reach: The vehicle, and of what times it may be seen.
        cell: The cell, from 1.
        start_us: Microseconds since the epoch; two hours before the end when None.
        end_us: The same; just after the newest sample when None.
        points: Most moments.

    Raises:
        InputError: The range ends before it starts.
        NotFoundError: The pack has no such cell.
        WorkspaceError: Telemetry cannot be read.
    """
    pack = views.packs.get(views.pack_of(reach.vehicle_id))
    start, end = within(reach.span, *range_of(views, reach, start_us, end_us))
    frames = frames_of(views.samples.rows(reach.vehicle_id, start, end, COLUMNS), pack.series if pack else None)
    cells = frames.voltage_v.shape[1] if len(frames.time_us) else pack.series if pack else 0
    if not 1 <= cell <= cells:
        known = f"the pack has cells 1 to {cells}" if cells else "its cells are not known"
        raise NotFoundError(f"there is no cell {cell}: {known}")
    count = len(frames.time_us)
    places = np.linspace(0, count - 1, min(points, count)).round() if count else np.zeros(0)
    chosen = np.unique(places.astype(np.int64))
    voltage = frames.voltage_v[chosen] if count else np.zeros((0, cells))
    low, median, high = np.nanpercentile(voltage, (10, 50, 90), axis=1) if count else np.zeros((3, 0))
    return CellSeries.model_construct(
        vehicle_id=reach.vehicle_id,
        cell=cell,
        time_ms=(frames.time_us[chosen] // 1000).tolist(),
        voltage_v=column(voltage[:, cell - 1], 4),
        median_v=column(median, 4),
        p10_v=column(low, 4),
        p90_v=column(high, 4),
    )
