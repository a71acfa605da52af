"""One cell over time beside the others."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from twinpack.errors import NotFoundError
from twinpack.views.cells.frames import COLUMNS, frames_of
from twinpack.views.fleet.rows import column
from twinpack.views.opened import Views
from twinpack.views.shapes.vehicle import CellSeries
from twinpack.views.sight import Reach
from twinpack.views.spans import within
from twinpack.views.telemetry.reading import range_of
from twinpack.views.telemetry.rows import telemetry_schema
from twinpack.views.telemetry.steps import step_us, times_of

_PIECE_ROWS = 30_000


def one_cell(
    views: Views, reach: Reach, cell: int, start_us: int | None, end_us: int | None, points: int
) -> CellSeries:
    """A cell's voltage with median, p10 and p90 of all cells, at as many moments as are wanted.

    Of several frames in a step the first is shown: what is compared is of one moment, and not a mean over several.

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
    start, end = range_of(views, reach, start_us, end_us)
    width = step_us(start, end, points)
    chosen = [_thinned(rows, start, width) for rows in _pieces(views, reach, start, end)]
    frames = frames_of(
        pa.concat_tables([telemetry_schema(COLUMNS).empty_table(), *chosen]), pack.series if pack else None
    )
    cells = frames.voltage_v.shape[1] if len(frames.time_us) else pack.series if pack else 0
    if not 1 <= cell <= cells:
        known = f"the pack has cells 1 to {cells}" if cells else "its cells are not known"
        raise NotFoundError(f"there is no cell {cell}: {known}")
    voltage = frames.voltage_v if len(frames.time_us) else np.zeros((0, cells))
    low, median, high = np.nanpercentile(voltage, (10, 50, 90), axis=1) if len(voltage) else np.zeros((3, 0))
    return CellSeries.model_construct(
        vehicle_id=reach.vehicle_id,
        cell=cell,
        time_ms=(frames.time_us // 1000).tolist(),
        voltage_v=column(voltage[:, cell - 1], 4),
        median_v=column(median, 4),
        p10_v=column(low, 4),
        p90_v=column(high, 4),
    )


def _pieces(views: Views, reach: Reach, start_us: int, end_us: int) -> Iterator[pa.Table]:
    """Rows that hold the voltages of cells."""
    start, end = within(reach.span, start_us, end_us)
    for rows in views.samples.pieces(reach.vehicle_id, start, end, COLUMNS, _PIECE_ROWS):
        yield rows.filter(pc.field(COLUMNS[0]).is_valid())


def _thinned(rows: pa.Table, start_us: int, width_us: int) -> pa.Table:
    """The first row of each step."""
    place = (times_of(rows) - start_us) // width_us
    first = np.flatnonzero(np.concatenate([[True], place[1:] != place[:-1]])) if len(place) else place
    return rows.take(pa.array(first))
