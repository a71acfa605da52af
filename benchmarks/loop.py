"""The living loop over 100 vehicles x 100 trips x 160 samples: what of it is filter time."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from benchmarks.result import Result
from twinpack.battery.models import typical_circuit
from twinpack.battery.pack import load_pack
from twinpack.filters import compile
from twinpack.runtime.stages import FILTER, Stages
from twinpack.runtime.timed import timed
from twinpack.twin.decide import Closing, close, deploy, first_version
from twinpack.twin.loop import Run, Twins
from twinpack.twin.settings import LoopSettings, Prototype
from twinpack.twin.state import TwinState

VEHICLES, TRIPS, SAMPLES = 100, 100, 160
DAY_US = 86_400_000_000


def run() -> Result:
    """Seconds in the filter, predictions of three predictors and updates, one core; beside it the whole loop."""
    pack = load_pack("sim_nmc_96s")
    circuit = typical_circuit(pack, 2).to_dict()
    prototype, stages = Prototype("0" * 64, pack.name, "thevenin-2rc", circuit, 1.0), Stages()
    twins = Twins(prototype, LoopSettings(keep_steps=False), timed(compile, stages))
    _life(twins, 1)  # compiles, or reads what is compiled
    stages.seconds.clear()
    start = time.perf_counter()
    _life(twins, TRIPS)
    return Result(stages.seconds[FILTER], "s", time.perf_counter() - start, higher_is_better=False)


def _life(twins: Twins, trips: int) -> None:
    rng = np.random.default_rng(1)
    state = twins.new_state(VEHICLES)
    parts = []
    for at in range(VEHICLES):
        one = state.take(np.array([at]))
        parts.append(deploy(twins, one, first_version(twins, f"V{at:03d}", 0)))
    state = TwinState.of(parts)
    for trip in range(trips):
        state, _ = twins.advance(state, _trip(twins, rng, trip))
        at_us = trip * DAY_US
        state, _ = close(twins, state, [Closing(f"V{at:03d}", trip, at_us, at_us) for at in range(VEHICLES)])


def _trip(twins: Twins, rng: np.random.Generator, number: int) -> Run:
    """Sixteen hundred seconds of driving in steps of ten, from 90 % of charge."""
    shape = (SAMPLES, VEHICLES)
    current = -40.0 + 60.0 * rng.standard_normal(shape)
    soc = 0.9 + np.cumsum(current, axis=0) * 10.0 / 3600.0 / 150.0
    mean = np.zeros(twins.filter.size)
    voltage = np.stack([twins.model.open_circuit(row, mean) for row in soc]) * twins.model.series
    measured = voltage + 0.05 * current + rng.normal(0.0, 0.3, shape)
    time_us = number * DAY_US + np.arange(SAMPLES, dtype=np.int64)[:, None] * 10_000_000 + np.zeros(shape, np.int64)
    everyone = np.ones(VEHICLES, dtype=np.bool_)
    run = Run(
        time_us=time_us,
        measured=measured,
        current=current,
        temp=np.full(shape, 20.0),
        soc=np.full(shape, np.nan),
        present=np.ones(shape, dtype=np.bool_),
        opens=everyone,
        scored=everyone,
        number=np.full(VEHICLES, number, dtype=np.int64),
    )
    return replace(run, soc=np.where(np.arange(SAMPLES)[:, None] == 0, 0.9, run.soc))
