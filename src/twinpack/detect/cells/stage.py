"""`cells(state, frames, screened, pack)`: the stage itself, around its compiled loop."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Protocol

import numpy as np

from twinpack.battery.ocv import OcvTable
from twinpack.battery.pack import PackSpec
from twinpack.detect.cells.advance import advance
from twinpack.detect.cells.evidence import findings
from twinpack.detect.cells.samples import (
    AIR,
    CHARGED,
    COOLANT,
    DT,
    FIGURES,
    LANE,
    MANY,
    MEDIAN,
    NUMBERS,
    PROBE_MANY,
    PROBE_START,
    RATE,
    RESTED,
    START,
    TIME,
    WARM,
)
from twinpack.detect.cells.settings import CellSettings, gates_of
from twinpack.detect.cells.state import FEATURES, CellsState, arrays_of
from twinpack.detect.cells.tracks import WIDTH
from twinpack.detect.findings import Finding
from twinpack.detect.frames import Frames
from twinpack.telemetry.arrivals import Bools, Ints
from twinpack.telemetry.batch import Floats, ListValues

_SIGNALS = (
    (CHARGED, "soc_pct", 0.01),
    (WARM, "cell_temp_avg_c", 1.0),
    (COOLANT, "coolant_temp_c", 1.0),
    (AIR, "ambient_temp_c", 1.0),
)
STEPS = 1001
"""Points of the table that the kernel reads the slope of the open-circuit voltage from."""
_WIDE = 0.025
"""Slopes are secants over twice this charge: a bend moves with age, and a secant forgives it."""


class Cleaned(Protocol):
    """What is read of the screened samples."""

    @property
    def aside(self) -> Bools:
        """Samples to be passed over, (M,)."""

    @property
    def cells(self) -> ListValues:
        """Cell voltages, V; NaN for a masked cell, none for a sample of another number of cells."""

    @property
    def probes(self) -> ListValues:
        """Temperatures of the probes, °C; NaN for a masked one."""

    @property
    def quantities(self) -> Mapping[str, Floats]:
        """Figures by name, NaN where unknown, (M,)."""


def cells(
    state: CellsState, frames: Frames, screened: Cleaned, pack: PackSpec, settings: CellSettings | None = None
) -> tuple[CellsState, list[Finding]]:
    """Look for cells, probes and cooling gone wrong.

    Args:
        state: Before the samples; not written. Size `cells` is the pack's cells in series.
        frames: Samples, M of them.
        screened: The same, cleaned.
        pack: The pack of all the vehicles.
        settings: Thresholds; None for those shipped.

    Returns:
        The state after them, and what was raised or is gone, by vehicle and in time order.
    """
    gates = gates_of(settings or CellSettings())
    probes = int(screened.probes.count.max(initial=0))
    wider = probes > state.sizes["probes"]
    after = state.resized(cells=state.sizes["cells"], probes=probes) if wider else state.copied()
    numbers, figures = _numbers(frames, screened), _figures(frames, screened)
    size = after.sizes
    bound = 6 * size["cells"] + 4 * size["probes"] + 2
    room = np.zeros((3, max(size["cells"], FEATURES)))
    told, row = [], 0
    while row < len(frames):
        out = np.empty((4 * bound, WIDTH))
        row, count = advance(
            arrays_of(after),
            numbers,
            figures,
            screened.cells.values,
            screened.probes.values,
            gates,
            _table(pack.ocv),
            out,
            bound,
            row,
            room,
        )
        told.append(out[:count].copy())
    return after, [one for part in told for one in findings(part, frames)]


def reset(state: CellsState, lanes: Ints) -> CellsState:
    """The state in which nothing is known of some vehicles, as after a repair; the others keep theirs."""
    return state.written(lanes, CellsState.empty(len(lanes), **state.sizes))


def _numbers(frames: Frames, screened: Cleaned) -> Ints:
    """See `samples.LANE`."""
    numbers = np.empty((len(frames), NUMBERS), np.int64)
    kept = ~screened.aside
    numbers[:, LANE] = frames.lane
    numbers[:, TIME] = frames.time_us
    numbers[:, START] = screened.cells.start
    numbers[:, MANY] = np.where(kept, screened.cells.count, 0)
    numbers[:, PROBE_START] = screened.probes.start
    numbers[:, PROBE_MANY] = np.where(kept, screened.probes.count, 0)
    return numbers


def _figures(frames: Frames, screened: Cleaned) -> Floats:
    """See `samples.DT`."""
    known = screened.quantities
    figures = np.full((len(frames), FIGURES), np.nan)
    figures[:, DT] = frames.seconds()
    figures[:, MEDIAN] = known["cell_v_median"]
    figures[:, RATE] = known["c_rate"]
    figures[:, RESTED] = known["rest_s"]
    for place, name, scale in _SIGNALS:
        if name in known:
            figures[:, place] = known[name] * scale
    if "temp_max_c" in known and "temp_min_c" in known:
        middle = 0.5 * (known["temp_max_c"] + known["temp_min_c"])
        figures[:, WARM] = np.where(np.isfinite(figures[:, WARM]), figures[:, WARM], middle)
    return figures


@lru_cache(maxsize=64)
def _table(ocv: OcvTable) -> Floats:
    """Open-circuit voltage and its slope at even steps of charge."""
    charge = np.linspace(0.0, 1.0, STEPS)
    low, high = np.maximum(charge - _WIDE, 0.0), np.minimum(charge + _WIDE, 1.0)
    table: Floats = np.stack([ocv.pchip(charge), (ocv.pchip(high) - ocv.pchip(low)) / (high - low)])
    return table
