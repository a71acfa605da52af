"""Two vehicles with faults in their telemetry, and what detection found of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinpack.battery.pack import load_pack
from twinpack.detect.codes import CodesState, Ticks, codes
from twinpack.detect.findings import Finding
from twinpack.detect.frames import Frames
from twinpack.detect.rules import parse_rules, shipped_rules
from twinpack.detect.screen import ScreenState, screen
from twinpack.fleet.events import FINDING, Event, event_id
from twinpack.ingest.log import SegmentLog
from twinpack.store.alarms.records import Alarm
from twinpack.store.records import VehicleRecord
from twinpack.store.registry import MAIN_STREAM, Registry
from twinpack.store.workspace import Workspace
from twinpack.telemetry.arrivals import NEVER, arrivals
from twinpack.telemetry.batch import SampleBatch
from twinpack.telemetry.schema import TELEMETRY, to_log

PACK = "sim_nmc_96s"
START_US = 1_790_000_000_000_000
HOUR_US = 3_600_000_000
WEAK = 17


def telemetry(vehicle: str, time_us: npt.NDArray[np.int64], values: Mapping[str, npt.NDArray[Any]]) -> pa.Table:
    """Samples of a vehicle; two-dimensional values are lists."""
    rows = len(time_us)
    times = pa.array(time_us).cast(pa.timestamp("us", tz="UTC"))
    columns = {"vehicle_id": pa.array([vehicle] * rows), "sample_time": times, "receipt_time": times}
    for name, given in values.items():
        flat = pa.array(given.ravel(), from_pandas=True)
        if given.ndim == 2:
            starts = pa.array(np.arange(0, given.size + 1, given.shape[1]), pa.int32())
            flat = pa.ListArray.from_arrays(starts, flat)
        columns[name] = flat
    found = [columns[f.name].cast(f.type) if f.name in columns else pa.nulls(rows, f.type) for f in TELEMETRY]
    return pa.Table.from_arrays(found, schema=TELEMETRY)


def short_drive() -> pa.Table:
    """An hour at 2 s: isolation is lost for ten minutes, a probe shows -40 °C, a cell 0 V."""
    rng = np.random.default_rng(1)
    seconds = np.arange(0, 3600, 2)
    current = -40 + 20 * np.sin(seconds / 40)
    cells = 3.7 + rng.normal(0, 0.003, (len(seconds), 96)) - seconds[:, None] * 1e-5
    probes = 25 + rng.normal(0, 0.1, (len(seconds), 6))
    isolation = np.where((seconds >= 1500) & (seconds < 2100), 20.0, 2000.0)
    pack = cells.sum(axis=1)
    probes[(seconds >= 2400) & (seconds < 2700), 2] = -40.0
    cells[(seconds >= 600) & (seconds < 1100), 4] = 0.0
    values = {
        "pack_voltage_v": pack,
        "pack_current_a": current,
        "soc_pct": 60 - seconds / 360,
        "isolation_resistance_kohm": isolation,
        "contactors_closed": np.ones(len(seconds), bool),
        "cell_voltage_v": cells.astype(np.float32),
        "cell_temp_c": probes.astype(np.float32),
    }
    return telemetry("car-1", START_US + seconds * 1_000_000, values)


def long_life() -> pa.Table:
    """Twelve days at 5 min: from the fifth on, a cell lies 30 mV below the others."""
    rng = np.random.default_rng(2)
    seconds = np.arange(0, 12 * 86_400, 300)
    cells = 3.7 + rng.normal(0, 0.002, 96) + rng.normal(0, 0.001, (len(seconds), 96))
    cells[seconds >= 5 * 86_400, WEAK - 1] -= 0.030
    current = np.where(seconds % 7200 < 3600, -30.0, 0.0)
    values = {
        "pack_voltage_v": cells.sum(axis=1),
        "pack_current_a": current,
        "cell_voltage_v": cells.astype(np.float32),
    }
    return telemetry("car-2", START_US + seconds * 1_000_000, values)


def found_in(table: pa.Table) -> list[Finding]:
    """What the shipped rules find in samples of one vehicle."""
    pack = load_pack(PACK)
    rules = parse_rules(shipped_rules(), "the shipped rules").for_pack(pack)
    batch = SampleBatch.from_arrow(table)
    frames = Frames.of(batch, arrivals(batch, np.zeros(1, np.int32), np.array([NEVER])))
    _, screened = screen(ScreenState.empty(1, cells=pack.series, probes=0), frames, pack)
    none = np.empty(0, np.int64)
    state = CodesState.empty(1, rules=len(rules))
    return codes(state, frames, screened.quantities, Ticks(none, none), rules)[1]


def faulty_workspace(home: Path) -> Workspace:
    """A workspace with both vehicles: isolation is lost in `car-1`, and a cell of `car-2` is weak."""
    workspace = Workspace.open(home)
    log = SegmentLog(workspace.log_dir)
    short, long = short_drive(), long_life()
    found = {"car-1": found_in(short), "car-2": [weak_cell()]}
    with workspace.registry() as registry:
        for vehicle, table in {"car-1": short, "car-2": long}.items():
            first, _ = log.append([to_log(table)])
            last_us = int(table.column("sample_time").cast(pa.int64())[-1].as_py())
            record = VehicleRecord(vehicle, PACK, "a" * 64, START_US)
            latest = {vehicle: {"last_seen_us": last_us}}
            end = first + table.num_rows
            events = [event(vehicle, replace(one, offset=end - 1)) for one in found[vehicle]]
            registry.commit_batch(MAIN_STREAM, first, end, events, latest, [record])
    return workspace


def weak_cell() -> Finding:
    since = START_US + 5 * 24 * HOUR_US
    evidence = {"cell": WEAK, "z": -8.2, "deviation_mv": -30.1, "scale_mv": 3.0, "regime": "load", "days": 1.0}
    return Finding(
        lane=0,
        time_us=since + 24 * HOUR_US,
        offset=0,
        code="TP-CELL-LOW",
        subject=f"cell {WEAK}",
        category="battery",
        change="raised",
        level="alarm",
        severity=2,
        since_us=since,
        status=0,
        occurrence=1,
        evidence=evidence,
    )


def event(vehicle: str, found: Finding) -> Event:
    identity = event_id(vehicle, found.time_us, FINDING, f"{found.code}{found.subject}{found.change}")
    return Event(identity, vehicle, found.time_us, FINDING, found.offset, found)


def alarm_of(registry: Registry, code: str) -> Alarm:
    return next(one for one in registry.alarms.alarms() if one.code == code)
