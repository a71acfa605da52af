"""Every cell of a pack at one moment."""

from __future__ import annotations

import numpy as np

from twinpack.views.cells.frames import Frames, last_frames, ranks, robust_z
from twinpack.views.cells.layout import layout_of, probe_of
from twinpack.views.fleet.rows import column, figure
from twinpack.views.moments import moment
from twinpack.views.opened import Views
from twinpack.views.shapes.vehicle import CellFrame
from twinpack.views.sight import Reach
from twinpack.views.telemetry.steps import Floats


def cell_frame(views: Views, reach: Reach, at_us: int | None) -> CellFrame:
    """The last whole frame at or before a moment.

    Args:
        views: The workspace.
        reach: The vehicle, and of what times it may be seen.
        at_us: The moment, microseconds since the epoch; the newest when None.

    Raises:
        WorkspaceError: Telemetry cannot be read.
    """
    pack = views.packs.get(views.pack_of(reach.vehicle_id))
    frames = last_frames(views, reach, at_us, pack.series if pack else None)
    cells = frames.voltage_v.shape[1] if len(frames.time_us) else 0
    voltage = frames.voltage_v[-1] if cells else np.zeros(0)
    median = float(np.nanmedian(voltage)) if cells else np.nan
    deviation = 1e3 * (voltage - median)
    probes = _probes(frames) if cells else np.zeros(0)
    layout = layout_of(pack, cells if cells else pack.series if pack else 0)
    return CellFrame.model_construct(
        vehicle_id=reach.vehicle_id,
        at=moment(int(frames.time_us[-1])) if cells else None,
        voltage_v=column(voltage, 4),
        deviation_mv=column(deviation, 1),
        temp_c=column(probes[probe_of(cells, len(probes))], 1) if len(probes) else [None] * cells,
        rank=ranks(voltage),
        z=column(robust_z(deviation), 2),
        probes_c=column(probes, 1),
        modules=layout.modules,
        cells_per_module=layout.cells_per_module,
        median_v=figure(median, 4),
        spread_mv=figure(1e3 * (float(np.nanmax(voltage)) - float(np.nanmin(voltage))), 1) if cells else None,
        current_a=figure(frames.current_a[-1], 2) if cells else None,
    )


def _probes(frames: Frames) -> Floats:
    told = frames.rows.column("cell_temp_c")[-1].as_py()
    return np.array([np.nan if value is None else value for value in told or ()], dtype=np.float64)
