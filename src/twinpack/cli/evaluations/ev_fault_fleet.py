"""The evaluation on recorded vehicles with cell voltages: one file a vehicle, in the form of the profile `gbt32960`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from twinpack.battery.pack import PackSpec
    from twinpack.evaluate.recorded import Verdict
    from twinpack.telemetry.batch import SampleBatch

Metrics = dict[str, Any]

PERIODS = (10, 30, 60)
"""Sampling periods, s, at which the verdict must be the same as at the recorded one."""
TRIED_AT_S = 30
"""Sampling period at which thresholds are tried, s."""
_LEAST_SWING_PCT = 15.0
_CAPACITY_AH = 100.0
"""What is taken where the record has no charge long enough to tell."""

_PACK = """
name = "{name}"
chemistry = "{chemistry}"
series = {series}
parallel = 1
capacity_ah = {capacity:.1f}
energy_kwh = {energy:.2f}
cell_voltage_min_v = {low}
cell_voltage_max_v = {high}
charge_current_max_a = {charge:.1f}
discharge_current_max_a = {discharge:.1f}
temp_min_c = -30.0
temp_max_c = 55.0
ocv = "{ocv}"
"""
_NMC = {"chemistry": "NMC", "low": 2.8, "high": 4.2, "ocv": "nmc811", "nominal": 3.7}
_LFP = {"chemistry": "LFP", "low": 2.5, "high": 3.65, "ocv": "lfp", "nominal": 3.2}
_LFP_HIGHEST_V = 3.7


def evaluate(data: Path, quick: bool) -> Metrics:
    """Each vehicle of the folder through detection, as recorded and thinned out."""
    from twinpack.evaluate.recorded import thinned, verdict
    from twinpack.evaluate.thresholds import moved

    metrics: Metrics = {}
    paths = sorted(data.glob("*.parquet"))
    for path in paths:
        batch, pack = read_vehicle(path)
        whole = verdict(thinned(batch, 1), pack)
        others = [verdict(thinned(batch, period), pack) for period in (PERIODS[1:2] if quick else PERIODS)]
        metrics |= _told(path.stem, whole)
        metrics[f"{path.stem}_same_at_other_periods"] = all(other.alarms == whole.alarms for other in others)
        if not quick:
            changes, tried = moved(thinned(batch, TRIED_AT_S), pack)
            metrics[f"{path.stem}_moved_by"] = [str(one) for one in changes]
            metrics[f"{path.stem}_thresholds_tried"] = tried
    return metrics | {"n": len(paths), "split": "each vehicle alone, from its first sample; nothing is learned before"}


def read_vehicle(path: Path) -> tuple[SampleBatch, PackSpec]:
    """The samples of one vehicle's file as the fold gets them, and a guess of its pack from what they show."""
    import pyarrow.parquet as pq

    from twinpack.battery.pack import load_pack
    from twinpack.telemetry.batch import SampleBatch
    from twinpack.telemetry.checks import limits_for
    from twinpack.telemetry.profiles import bind, shipped_profile
    from twinpack.telemetry.validate import Validator

    table = pq.read_table(path)
    readings = bind(shipped_profile("gbt32960"), table.column_names, path.name).convert(table, lambda _: 0)
    rough = SampleBatch.from_arrow(Validator().check(readings).samples)
    pack = load_pack(pack_text(path.stem, rough))
    return SampleBatch.from_arrow(Validator(limits_for(pack)).check(readings).samples), pack


def pack_text(name: str, batch: SampleBatch) -> str:
    """A pack specification in TOML, guessed from a vehicle's record: cells, chemistry and capacity.

    Args:
        name: What to call it.
        batch: Samples of the vehicle in time order.
    """
    cells = batch.lists["cell_voltage_v"]
    series = int(np.bincount(cells.count).argmax())
    usual = np.quantile(cells.values[(cells.values > 1.0) & (cells.values < 4.9)], 0.999)
    kind: Mapping[str, Any] = _LFP if usual < _LFP_HIGHEST_V else _NMC
    capacity = _capacity_ah(batch)
    return _PACK.format(
        name=name,
        series=series,
        capacity=capacity,
        energy=capacity * series * kind["nominal"] / 1000.0,
        charge=2.5 * capacity,
        discharge=4.0 * capacity,
        **{key: value for key, value in kind.items() if key != "nominal"},
    )


def _capacity_ah(batch: SampleBatch) -> float:
    """Charge over change of the state of charge, the median over charges without a gap."""
    time, soc = batch.sample_time_us / 1e6, batch.signals["soc_pct"]
    current = np.nan_to_num(batch.signals["pack_current_a"])
    step = np.diff(time, prepend=time[:1])
    gap = (step > 120.0) | (current <= 0.0)
    flow = np.where(gap, 0.0, current * np.minimum(step, 120.0)) / 3600.0
    charge = np.cumsum(flow)
    edges = np.flatnonzero(np.diff(np.concatenate([[True], gap, [True]]).astype(np.int8)))
    found = []
    for start, stop in edges.reshape(-1, 2):
        swing = soc[stop - 1] - soc[start]
        if swing >= _LEAST_SWING_PCT:
            found.append(100.0 * (charge[stop - 1] - charge[start]) / swing)
    return float(np.median(found)) if found else _CAPACITY_AH


def _told(car: str, found: Verdict) -> Metrics:
    first = None if found.first_us is None else datetime.fromtimestamp(found.first_us / 1e6, UTC).isoformat()
    return {
        f"{car}_cells": list(found.cells),
        f"{car}_watched": list(found.watched),
        f"{car}_first_flag": first,
        f"{car}_first_flag_h": found.first_after_h,
        f"{car}_battery_alarms": len(found.alarms),
        f"{car}_data_fault_frames": found.aside,
        f"{car}_data_faults": list(found.faulty),
    }
