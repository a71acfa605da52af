"""What the search for data faults remembers of each vehicle."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from twinpack.telemetry.arrivals import NEVER
from twinpack.telemetry.lanes import LaneArrays, lane_array

SENTINEL, FROZEN, JUMPED = 1, 2, 3
"""Why a channel is dead; the low two bits of its flags."""
DEAD = 3
WAS_BAD = 4
"""It showed a sentinel in the frame before."""
JUST_NOW = 8
"""Within one frame: its sentinels have just ended, or its step is this one."""
SUSPECT = 16
"""It made a step that no cell makes, a moment ago."""
MOVED = 32
"""A dead channel that has changed since, and so may be coming back."""
SEEN = 64
"""A probe that has shown a value: it is fitted."""


@dataclass(frozen=True)
class ScreenState(LaneArrays):
    """Last values and what speaks against each channel; shapes (lanes, cells), (lanes, probes) or (lanes,).

    Attributes:
        cell_v: Last believable value of each cell, V.
        cell_ref_v: Pack median when that value last changed, V.
        cell_from_mv: Deviation from the median before a step, mV.
        cell_old_v: Value of each trusted cell at the older look back (see `lookback`), V.
        cell_new_v: The same at the newer one.
        cell_s: How long something has spoken against the cell, or, once dead, for its return, s.
        cell_flags: Bits named in this module.
        probe_c: Last believable value of each probe, °C.
        probe_ref_c: Median of the probes when that value last changed, °C.
        probe_old_c: Value of each trusted probe at the older look back, °C.
        probe_new_c: The same at the newer one.
        probe_s: As `cell_s`.
        probe_flags: As `cell_flags`.
        cells_us: Time of the last frame with cells, set aside or not.
        used_us: Time of the last frame with cells that was used.
        median_v: Cell median in it, V.
        cells_old_us: Time of the older look back at the cells.
        cells_new_us: The same of the newer one.
        median_old_v: Cell median at the older one, V.
        median_new_v: The same at the newer one.
        used_c_rate: Current in it, C.
        used_pack_v: Pack voltage in it, V.
        probes_us: Time of the last frame with probes.
        probes_old_us: Time of the older look back at the probes.
        probes_new_us: The same of the newer one.
        temp_old_us: Time of the older look back at the highest temperature told, where there are no probes.
        temp_new_us: The same of the newer one.
        temp_old_c: That temperature at the older one, °C.
        temp_new_c: The same at the newer one.
        current_us: Time of the last frame with a current.
        current_a: That current, A.
        rest_us: Since when the pack has been at rest, `NEVER` before anything is known.
        soc_us: Time of the last frame with a state of charge.
        soc_pct: That state of charge, %.
        soc_moved_pct: Charge that has flowed since it last changed, in % of the capacity.
        soc_flow_pct: Charge that has flowed since it was last told, in % of the capacity, NaN where unknown.
        odometer_km: Last known, km.
        pack_us: Time of the last frame with a pack voltage.
        pack_v: That voltage, V.
        pack_ref_v: Cell median when it last changed, V.
        pack_low_c: Lowest current since then, C.
        pack_high_c: Highest current since then, C.
        pack_s: How long it has stayed while others moved, s.
        still_v: Voltage of a cell in the last frame with a current, V.
        still_low_v: Lowest voltage of a cell since the current last changed, V.
        still_high_v: The highest, V.
        still_fall_v: Deepest fall since then, V.
        still_rise_v: Highest rise since then, V.
        still_s: How long the voltage has moved after it had gone to and fro, s.
    """

    lanes_first: ClassVar[bool] = True

    cell_v: Any = field(metadata=lane_array(np.float32, np.nan, "cells"))
    cell_ref_v: Any = field(metadata=lane_array(np.float32, np.nan, "cells"))
    cell_from_mv: Any = field(metadata=lane_array(np.int16, 0, "cells"))
    cell_old_v: Any = field(metadata=lane_array(np.float32, np.nan, "cells"))
    cell_new_v: Any = field(metadata=lane_array(np.float32, np.nan, "cells"))
    cell_s: Any = field(metadata=lane_array(np.float32, 0.0, "cells"))
    cell_flags: Any = field(metadata=lane_array(np.uint8, 0, "cells"))
    probe_c: Any = field(metadata=lane_array(np.float32, np.nan, "probes"))
    probe_ref_c: Any = field(metadata=lane_array(np.float32, np.nan, "probes"))
    probe_old_c: Any = field(metadata=lane_array(np.float32, np.nan, "probes"))
    probe_new_c: Any = field(metadata=lane_array(np.float32, np.nan, "probes"))
    probe_s: Any = field(metadata=lane_array(np.float32, 0.0, "probes"))
    probe_flags: Any = field(metadata=lane_array(np.uint8, 0, "probes"))
    cells_us: Any = field(metadata=lane_array(np.int64, NEVER))
    used_us: Any = field(metadata=lane_array(np.int64, NEVER))
    median_v: Any = field(metadata=lane_array(np.float64, np.nan))
    cells_old_us: Any = field(metadata=lane_array(np.int64, NEVER))
    cells_new_us: Any = field(metadata=lane_array(np.int64, NEVER))
    median_old_v: Any = field(metadata=lane_array(np.float64, np.nan))
    median_new_v: Any = field(metadata=lane_array(np.float64, np.nan))
    used_c_rate: Any = field(metadata=lane_array(np.float64, np.nan))
    used_pack_v: Any = field(metadata=lane_array(np.float64, np.nan))
    probes_us: Any = field(metadata=lane_array(np.int64, NEVER))
    probes_old_us: Any = field(metadata=lane_array(np.int64, NEVER))
    probes_new_us: Any = field(metadata=lane_array(np.int64, NEVER))
    temp_old_us: Any = field(metadata=lane_array(np.int64, NEVER))
    temp_new_us: Any = field(metadata=lane_array(np.int64, NEVER))
    temp_old_c: Any = field(metadata=lane_array(np.float64, np.nan))
    temp_new_c: Any = field(metadata=lane_array(np.float64, np.nan))
    current_us: Any = field(metadata=lane_array(np.int64, NEVER))
    current_a: Any = field(metadata=lane_array(np.float64, np.nan))
    rest_us: Any = field(metadata=lane_array(np.int64, NEVER))
    soc_us: Any = field(metadata=lane_array(np.int64, NEVER))
    soc_pct: Any = field(metadata=lane_array(np.float64, np.nan))
    soc_moved_pct: Any = field(metadata=lane_array(np.float64, 0.0))
    soc_flow_pct: Any = field(metadata=lane_array(np.float64, np.nan))
    odometer_km: Any = field(metadata=lane_array(np.float64, np.nan))
    pack_us: Any = field(metadata=lane_array(np.int64, NEVER))
    pack_v: Any = field(metadata=lane_array(np.float64, np.nan))
    pack_ref_v: Any = field(metadata=lane_array(np.float64, np.nan))
    pack_low_c: Any = field(metadata=lane_array(np.float64, np.nan))
    pack_high_c: Any = field(metadata=lane_array(np.float64, np.nan))
    pack_s: Any = field(metadata=lane_array(np.float64, 0.0))
    still_v: Any = field(metadata=lane_array(np.float64, np.nan))
    still_low_v: Any = field(metadata=lane_array(np.float64, np.nan))
    still_high_v: Any = field(metadata=lane_array(np.float64, np.nan))
    still_fall_v: Any = field(metadata=lane_array(np.float64, 0.0))
    still_rise_v: Any = field(metadata=lane_array(np.float64, 0.0))
    still_s: Any = field(metadata=lane_array(np.float64, 0.0))


def reset(state: ScreenState, lanes: npt.NDArray[Any]) -> ScreenState:
    """Forget what was known of some vehicles, as after a repair: dead channels are trusted again.

    Args:
        state: The state; it is not written.
        lanes: The vehicles.
    """
    return state.written(lanes, ScreenState.empty(len(lanes), **state.sizes))
