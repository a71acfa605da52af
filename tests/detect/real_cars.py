"""Real vehicles with cell voltages, where their files lie beside the clone; read through the shipped import profile."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from twinpack.battery.pack import PackSpec, parse_pack
from twinpack.detect.frames import Frames
from twinpack.telemetry.arrivals import NEVER, arrivals
from twinpack.telemetry.batch import SampleBatch
from twinpack.telemetry.checks import limits_for
from twinpack.telemetry.profiles import bind, shipped_profile
from twinpack.telemetry.validate import Validator

FOLDER = Path(__file__).parents[2].parent / "shared" / "data" / "ev_fault_fleet"
CARS = {"car1": 96, "car3": 87}
"""Cells in series of each."""


def pack_text(car: str) -> str:
    """Specification of a car's pack: NMC, its capacity from charge over state of charge."""
    cells = CARS[car]
    return f"""
        name = "{car}"
        chemistry = "NMC"
        series = {cells}
        parallel = 1
        capacity_ah = 118.0
        energy_kwh = {118.0 * cells * 3.7 / 1000:.1f}
        cell_voltage_min_v = 2.8
        cell_voltage_max_v = 4.25
        charge_current_max_a = 240.0
        discharge_current_max_a = 300.0
        temp_min_c = -30.0
        temp_max_c = 55.0
        ocv = "nmc811"
    """


def file_of(car: str) -> Path:
    """File of a car; the test is skipped where it is not there."""
    path = FOLDER / f"{car}.parquet"
    if not path.is_file():
        pytest.skip(f"needs the recorded vehicles in {FOLDER}")
    return path


def real_car(car: str, every_s: int = 1) -> tuple[Frames, PackSpec]:
    """Frames of a car as detection is given them, and its pack.

    Args:
        car: One of `CARS`.
        every_s: Sampling period: the first sample in each period is kept.
    """
    samples, pack = _samples(car)
    seconds = samples.column("sample_time").cast(pa.int64()).to_numpy() // 1_000_000
    kept = np.flatnonzero(np.diff(seconds // every_s, prepend=-1) != 0)
    batch = SampleBatch.from_arrow(samples.take(pa.array(kept)))
    return Frames.of(batch, arrivals(batch, np.zeros(1, np.int32), np.array([NEVER]))), pack


@cache
def _samples(car: str) -> tuple[pa.Table, PackSpec]:
    pack = parse_pack(pack_text(car))
    table = pq.read_table(file_of(car))
    bound = bind(shipped_profile("gbt32960"), table.column_names, f"{car}.parquet")
    checked = Validator(limits_for(pack)).check(bound.convert(table, lambda _: 0))
    return checked.samples, pack
