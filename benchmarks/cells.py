"""Cell anomalies of packs of 96 cells: samples a second through screen and cells on one core.

Beside it NumPy, vehicle by vehicle, computes the deviations of blocks alone: a small part of what the stage does.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from benchmarks.result import Result, seconds_side_by_side
from twinpack.battery.pack import PackSpec
from twinpack.detect.cells import CellsState, cells
from twinpack.detect.frames import Frames
from twinpack.detect.screen import Screened, ScreenState, screen
from twinpack.simulate.faults.fleet import FaultFleet
from twinpack.simulate.faults.settings import FaultFleetSettings
from twinpack.telemetry.arrivals import NEVER, arrivals

VEHICLES, DAYS = 20, 60
_BLOCK_US = 21_600_000_000


def samples_per_second() -> Result:
    """Samples a second, screened and judged, each day's samples a batch."""
    pack, batches = made()
    rows = sum(len(frames) for frames, _ in batches)
    seconds, baseline = seconds_side_by_side(lambda: run(pack, batches), lambda: by_numpy(batches), rounds=3)
    return Result(rows / seconds, "samples/s", rows / baseline)


@cache
def made() -> tuple[PackSpec, list[tuple[Frames, Screened]]]:
    """A fleet in use and parked, with faults, day by day."""
    fleet = FaultFleet(FaultFleetSettings(vehicles=VEHICLES, days=DAYS))
    newest, lanes = np.full(VEHICLES, NEVER), np.arange(VEHICLES, dtype=np.int32)
    state = ScreenState.empty(VEHICLES, cells=fleet.pack.series, probes=0)
    batches, offset = [], 0
    for day in fleet.days():
        batch = day.batch(offset)
        offset += len(batch)
        frames = Frames.of(batch, arrivals(batch, lanes, newest))
        np.maximum.at(newest, frames.lane, frames.time_us)
        state, screened = screen(state, frames, fleet.pack)
        batches.append((frames, screened))
    return fleet.pack, batches


def run(pack: PackSpec, batches: list[tuple[Frames, Screened]]) -> int:
    """Both stages over all batches; gives the number of findings."""
    screens = ScreenState.empty(VEHICLES, cells=pack.series, probes=0)
    state, found = CellsState.empty(VEHICLES, cells=pack.series, probes=0), 0
    for frames, _ in batches:
        screens, screened = screen(screens, frames, pack)
        state, findings = cells(state, frames, screened, pack)
        found += len(findings)
    return found


def by_numpy(batches: list[tuple[Frames, Screened]]) -> int:
    """Deviations and robust z of every block at rest and in use; gives the number of cells far off."""
    far = 0
    for frames, screened in batches:
        for lane in np.unique(frames.lane):
            which = np.flatnonzero((frames.lane == lane) & (screened.cells.count > 0))
            volts = np.stack([screened.cells.values[at : at + 96] for at in screened.cells.start[which]])
            deviation = volts - np.median(volts, axis=1, keepdims=True)
            key = 2 * (frames.time_us[which] // _BLOCK_US) + (np.abs(screened.quantities["c_rate"][which]) > 0.02)
            for block in np.unique(key):
                mean = deviation[key == block].mean(axis=0)
                mean -= np.median(mean)
                z = mean / max(1.4826 * float(np.median(np.abs(mean))), 0.003)
                far += int((np.abs(z) >= 5.0).sum())
    return far
