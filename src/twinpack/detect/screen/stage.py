"""The first stage of detection: what in a frame is a fault of the data, and what is left for the rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from twinpack.battery.pack import PackSpec
from twinpack.detect.frames import Frames
from twinpack.detect.screen.cells import CELL_FIGURES, screen_cells
from twinpack.detect.screen.channels import CellChannels, CellLimits
from twinpack.detect.screen.probes import PROBE_FIGURES, ProbeChannels, ProbeLimits, screen_probes
from twinpack.detect.screen.settings import DEFAULTS, ScreenSettings
from twinpack.detect.screen.signals import SIGNAL_FIGURES, SignalLimits, SignalRows, SignalTracks, screen_signals
from twinpack.detect.screen.state import ScreenState
from twinpack.telemetry.batch import Floats, ListValues
from twinpack.telemetry.schema import SCALAR_SIGNALS

Flags = npt.NDArray[np.bool_]

_TEMPERATURES = ("cell_temp_avg_c", "cell_temp_min_c", "cell_temp_max_c")
_MASKED_BY = {
    "pack_v_frozen": ("pack_voltage_v",),
    "current_frozen": ("pack_current_a", "c_rate"),
    "soc_frozen": ("soc_pct",),
}
_N = TypeVar("_N", bound=tuple[Any, ...])


@dataclass(frozen=True)
class Screened:
    """What is left of M frames, and what is wrong with the rest.

    Attributes:
        aside: Frames with a sentinel in a cell that is not known to be dead: no battery rule sees them, shape (M,).
        cells: Cell voltages, NaN where masked; none for frames set aside or with another number than the pack's.
        probes: Probe temperatures, NaN where masked; none for frames set aside.
        quantities: Every figure by name, shape (M,), NaN where unknown; `QUANTITIES` says what they are.
    """

    aside: Flags
    cells: ListValues
    probes: ListValues
    quantities: Mapping[str, Floats]

    def rows(self, which: npt.NDArray[Any]) -> Screened:
        """What is left of some frames."""
        return Screened(
            self.aside[which],
            self.cells.rows(which),
            self.probes.rows(which),
            {name: values[which] for name, values in self.quantities.items()},
        )


QUANTITIES: Mapping[str, str] = {
    "cell_v_max": "highest cell voltage, V",
    "cell_v_min": "lowest cell voltage, V",
    "cell_v_spread": "difference of the two, V",
    "cell_v_sum": "sum of all cells, V; unknown if one is masked",
    "cell_v_median": "median cell voltage, V",
    "cell_v_max_cell": "number of the highest cell, from 1",
    "cell_v_min_cell": "number of the lowest cell, from 1",
    "cell_drop": "largest relative fall of one cell against the median over 5 s, or since the frame before, 0 to 1",
    "sum_gap_v": "difference of the pack voltage and the sum of all cells, V",
    "probe_max_c": "hottest probe, °C",
    "probe_min_c": "coldest probe, °C",
    "probe_spread_k": "difference of the two, K",
    "probe_max": "number of the hottest probe, from 1",
    "probe_min": "number of the coldest probe, from 1",
    "temp_max_c": "highest temperature known: of the probes, or else told by the BMS, °C",
    "temp_min_c": "lowest temperature known, °C",
    "temp_rate_k_s": "fastest rise of a temperature over 5 s, or since the frame before, K/s",
    "c_rate": "current over rated capacity, 1/h; positive charges",
    "rest_s": "time since the pack last had a load, s",
    "dt_s": "time since the vehicle's sample before, s",
    "isolation_ohm_per_v": "isolation resistance over the highest pack voltage, ohm/V",
    "soc_jump_pct": "change of the state of charge beside the charge that flowed, beyond its steps, %",
    "sentinel_cells": "cells that show no voltage a cell can have and are not dead: the frame is set aside for them",
    "bad_cell": "number of the first cell that shows no such voltage, or else of the first that is masked, from 1",
    "cell_dead": "1 while a cell's channel is masked as dead: sentinels, frozen or an impossible step",
    "cells_mismatch": "1 if the number of cells is not the pack's",
    "probe_bad": "1 if a probe shows no temperature it can have, or is frozen",
    "bad_probe": "number of the first such probe, from 1",
    "probe_low": "1 if a probe is at the lower end of its range (open circuit)",
    "probe_high": "1 if a probe is at the upper end of its range (short circuit)",
    "probe_frozen": "1 while a probe is masked as frozen",
    "pack_v_frozen": "1 while the pack voltage stays although the cells move",
    "current_frozen": "1 while the current stays although the voltage goes to and fro",
    "soc_frozen": "1 while the state of charge stays although charge flows",
    "current_offset_a": "magnitude of the current while the contactors are open, A",
}
"""What each quantity is that the search adds to the signals of the schema."""


def screen(
    state: ScreenState, frames: Frames, pack: PackSpec, settings: ScreenSettings = DEFAULTS
) -> tuple[ScreenState, Screened]:
    """Find data faults in the next frames of vehicles of one pack.

    Any split of the rows gives the same, bit for bit, and no vehicle depends on another.

    Args:
        state: Of the vehicles, with `pack.series` cells; it is not written.
        frames: M frames of them.
        pack: Their pack.
        settings: Thresholds.

    Returns:
        The state afterwards, and what is left of the frames.
    """
    widest = min(int(frames.probes.count.max(initial=0)), settings.max_probes)
    sizes = state.sizes
    state = state.copied() if widest <= sizes["probes"] else state.resized(**sizes | {"probes": widest})
    current = _signal(frames, "pack_current_a")
    aside, cells, of_cells = _cells(state, frames, current / pack.capacity_ah, settings)
    probes, of_probes = _probes(state, frames, aside, settings)
    quantities = _seen(frames, aside, settings) | of_cells | of_probes | _derived(frames, aside, pack)
    quantities["temp_max_c"] = _first_known(quantities, "probe_max_c", "cell_temp_max_c", "cell_temp_avg_c")
    quantities["temp_min_c"] = _first_known(quantities, "probe_min_c", "cell_temp_min_c", "cell_temp_avg_c")
    quantities |= _tracked(state, frames, aside, quantities, pack, settings)
    for fault, names in _MASKED_BY.items():
        if (frozen := quantities[fault] == 1).any():
            quantities |= {name: np.where(frozen, np.nan, quantities[name]) for name in names}
    del quantities["probe_rate_k_s"]
    return state, Screened(aside, cells, probes, quantities)


def _cells(
    state: ScreenState, frames: Frames, c_rate: Floats, settings: ScreenSettings
) -> tuple[Flags, ListValues, dict[str, Floats]]:
    cells, rows = state.sizes["cells"], len(frames)
    aside = np.zeros(rows, np.bool_)
    out = np.full((len(CELL_FIGURES), rows), np.nan)
    known = (frames.cells.count == cells).any()
    shown = np.full((rows if known else 0, cells), np.nan, np.float32)
    screen_cells(
        frames.lane,
        frames.time_us,
        frames.cells.start,
        frames.cells.count,
        _own(frames.cells.values),
        c_rate,
        _signal(frames, "pack_voltage_v"),
        _part(CellChannels, state),
        _part(CellLimits, settings),
        aside,
        shown,
        out,
    )
    count = np.where((frames.cells.count == cells) & ~aside, cells, 0)
    return aside, _listed(shown, count), dict(zip(CELL_FIGURES, out, strict=True))


def _probes(
    state: ScreenState, frames: Frames, aside: Flags, settings: ScreenSettings
) -> tuple[ListValues, dict[str, Floats]]:
    room, rows = state.sizes["probes"], len(frames)
    out = np.full((len(PROBE_FIGURES), rows), np.nan)
    shown = np.full((rows, room), np.nan, np.float32)
    screen_probes(
        frames.lane,
        frames.time_us,
        frames.probes.start,
        frames.probes.count,
        _own(frames.probes.values),
        aside,
        _part(ProbeChannels, state),
        _part(ProbeLimits, settings),
        shown,
        out,
    )
    count = np.where(aside, 0, np.minimum(frames.probes.count, room))
    return _listed(shown, count), dict(zip(PROBE_FIGURES, out, strict=True))


def _seen(frames: Frames, aside: Flags, settings: ScreenSettings) -> dict[str, Floats]:
    """The scalar signals that rules may see."""
    seen = {name: _signal(frames, name) for name in SCALAR_SIGNALS}
    if aside.any():
        seen = {name: np.where(aside, np.nan, values) for name, values in seen.items()}
    for name in _TEMPERATURES:
        good = (seen[name] > settings.probe_low_c) & (seen[name] < settings.probe_high_c)
        seen[name] = np.where(good, seen[name], np.nan)
    return seen


def _derived(frames: Frames, aside: Flags, pack: PackSpec) -> dict[str, Floats]:
    """What follows from one frame alone."""
    current = np.where(aside, np.nan, _signal(frames, "pack_current_a"))
    highest = np.fmax(_signal(frames, "pack_voltage_v"), pack.voltage_max_v)
    isolation = np.where(aside, np.nan, _signal(frames, "isolation_resistance_kohm"))
    is_open = _signal(frames, "contactors_closed") == 0
    return {
        "c_rate": current / pack.capacity_ah,
        "dt_s": frames.seconds(),
        "isolation_ohm_per_v": 1000.0 * isolation / highest,
        "current_offset_a": np.where(is_open, np.abs(current), np.nan),
    }


def _tracked(
    state: ScreenState,
    frames: Frames,
    aside: Flags,
    quantities: Mapping[str, Floats],
    pack: PackSpec,
    settings: ScreenSettings,
) -> dict[str, Floats]:
    """What follows from the frames before."""
    out = np.full((len(SIGNAL_FIGURES), len(frames)), np.nan)
    rows = SignalRows(
        lane=frames.lane,
        time_us=frames.time_us,
        aside=aside,
        current_a=quantities["pack_current_a"],
        pack_v=quantities["pack_voltage_v"],
        median_v=quantities["cell_v_median"],
        soc_pct=quantities["soc_pct"],
        odometer_km=quantities["odometer_km"],
        temp_c=quantities["temp_max_c"],
        probe_max_c=quantities["probe_max_c"],
        probe_rate_k_s=quantities["probe_rate_k_s"],
    )
    of_pack = {"capacity_ah": pack.capacity_ah, "series": float(pack.series)}
    screen_signals(rows, _part(SignalTracks, state), _part(SignalLimits, settings, of_pack), out)
    return dict(zip(SIGNAL_FIGURES, out, strict=True))


def _signal(frames: Frames, name: str) -> Floats:
    """A scalar signal; NaN where the source has none."""
    found = frames.signals.get(name)
    return np.full(len(frames), np.nan) if found is None else np.asarray(found, np.float64)


def _own(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Values as the kernels are compiled for: those of a table that may not be written would be another type."""
    return np.require(values, np.float32, ["C_CONTIGUOUS", "WRITEABLE"])


def _first_known(quantities: Mapping[str, Floats], *names: str) -> Floats:
    best = quantities[names[0]]
    for name in names[1:]:
        best = np.where(np.isnan(best), quantities[name], best)
    return best


def _part(shape: type[_N], source: Any, more: Mapping[str, float] | None = None) -> _N:
    """Those attributes of a record that a kernel is handed, as the tuple it knows."""
    given = more or {}
    return shape(**{name: given[name] if name in given else getattr(source, name) for name in shape.__annotations__})


def _listed(shown: npt.NDArray[np.float32], count: npt.NDArray[np.int64]) -> ListValues:
    """Rows of a table as lists."""
    start = np.arange(len(count), dtype=np.int64) * shown.shape[1]
    return ListValues(shown.ravel(), start, count.astype(np.int64))
