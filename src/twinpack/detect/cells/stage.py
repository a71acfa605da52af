"""`cells(state, frames, screened, pack)`: the stage itself, around its compiled loop."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from twinpack.battery.ocv import OcvTable
from twinpack.battery.pack import PackSpec
from twinpack.detect.cells.advance import advance
from twinpack.detect.cells.evidence import findings
from twinpack.detect.cells.settings import CellSettings
from twinpack.detect.cells.state import CellsState, arrays_of
from twinpack.detect.cells.tracks import WIDTH
from twinpack.detect.findings import Finding
from twinpack.detect.frames import Frames
from twinpack.telemetry.arrivals import Bools, Ints, Lanes
from twinpack.telemetry.batch import Floats, ListValues

STEPS = 201
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


class Samples(NamedTuple):
    """The samples as the compiled loop reads them, M of each."""

    lane: Lanes
    time_us: Ints
    dt_s: Floats
    aside: Bools
    values: npt.NDArray[np.float32]
    start: Ints
    many: Ints
    probe_values: npt.NDArray[np.float32]
    probe_start: Ints
    probe_many: Ints
    median_v: Floats
    c_rate: Floats
    rest_s: Floats
    soc: Floats
    temp_c: Floats
    coolant_c: Floats
    ambient_c: Floats


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
    gates = settings or CellSettings()
    probes = int(screened.probes.count.max(initial=0))
    wider = probes > state.sizes["probes"]
    after = state.resized(cells=state.sizes["cells"], probes=probes) if wider else state.copied()
    samples = _samples(frames, screened)
    told = [np.zeros((0, WIDTH))]
    size = after.sizes
    bound = 6 * size["cells"] + 2 * size["probes"] + 2
    room = np.zeros((6, max(size["cells"], size["probes"], 1)))
    row = 0
    while row < len(frames):
        out = np.empty((4 * bound, WIDTH))
        row, count = advance(arrays_of(after), samples, gates, _table(pack.ocv), out, bound, row, room)
        told.append(out[:count])
    return after, findings(np.concatenate(told), frames)


def reset(state: CellsState, lanes: Ints) -> CellsState:
    """The state in which nothing is known of some vehicles, as after a repair; the others keep theirs."""
    return state.written(lanes, CellsState.empty(len(lanes), **state.sizes))


def _samples(frames: Frames, screened: Cleaned) -> Samples:
    known = screened.quantities
    nothing = np.full(len(frames), np.nan)
    warm = 0.5 * (known.get("temp_max_c", nothing) + known.get("temp_min_c", nothing))
    mean = known.get("cell_temp_avg_c", nothing)
    return Samples(
        lane=frames.lane,
        time_us=frames.time_us,
        dt_s=frames.seconds(),
        aside=screened.aside,
        values=screened.cells.values,
        start=screened.cells.start,
        many=screened.cells.count,
        probe_values=screened.probes.values,
        probe_start=screened.probes.start,
        probe_many=screened.probes.count,
        median_v=known["cell_v_median"],
        c_rate=known["c_rate"],
        rest_s=known["rest_s"],
        soc=known.get("soc_pct", nothing) / 100.0,
        temp_c=np.where(np.isfinite(mean), mean, warm),
        coolant_c=known.get("coolant_temp_c", nothing),
        ambient_c=known.get("ambient_temp_c", nothing),
    )


@lru_cache(maxsize=64)
def _table(ocv: OcvTable) -> Floats:
    """Open-circuit voltage, its slope, and the charge at which they are."""
    charge = np.linspace(0.0, 1.0, STEPS)
    low, high = np.maximum(charge - _WIDE, 0.0), np.minimum(charge + _WIDE, 1.0)
    table: Floats = np.stack([ocv.pchip(charge), (ocv.pchip(high) - ocv.pchip(low)) / (high - low), charge])
    return table
