"""A small fleet whose twins have a history."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest

from tests.twin.made import DAY_US, START_US, version
from twinpack.fleet.events import VERSION, Event, event_id
from twinpack.store.records import VehicleRecord
from twinpack.store.registry import MAIN_STREAM
from twinpack.store.tables import PREDICTIONS, TABLES, TRIPS
from twinpack.store.workspace import Workspace
from twinpack.twin.versions import ACCEPTED, PROTOTYPE, REFUSED, ROLLBACK, TwinVersion

PACK = "sim_nmc_96s"


def history(vehicle_id: str, steps: Sequence[tuple[str, float, float, str]]) -> list[TwinVersion]:
    """A chain of `(kind, capacity health in %, its standard deviation, reason)`."""
    chain: list[TwinVersion] = []
    for number, (kind, percent, sd, reason) in enumerate(steps, start=1):
        parameters = {
            "capacity_scale": (percent / 100, sd / 100),
            "r0_scale": (1.0 + (100 - percent) / 50, 0.02),
            "ocv_20_v": (3.5 + percent / 1000, 0.004),
            "ocv_80_v": (4.0, 0.004),
        }
        evidence = {"proposed_mean": [0.62, 1.0, 3.5, 4.0]} if kind == REFUSED else {}
        parent = chain[-1] if chain else None
        chain.append(version(number, parameters, kind, reason, evidence=evidence, vehicle_id=vehicle_id, parent=parent))
    return chain


WORN = history(
    "car-0001",
    [
        (PROTOTYPE, 98.0, 3.0, "learned from the fleet"),
        (ACCEPTED, 92.0, 1.2, "error of 0.92 V was over the limit of 0.80 V"),
        (REFUSED, 92.0, 1.2, "the charge swing of 11 % is too little to tell capacity, which needs 30 %"),
        (ACCEPTED, 86.0, 0.85, "error of 0.92 V was over the limit of 0.80 V"),
        (ROLLBACK, 92.0, 1.2, "workshop"),
        (ACCEPTED, 87.0, 0.85, "error of 0.92 V was over the limit of 0.80 V"),
    ],
)
FRESH = history("car-0002", [(PROTOTYPE, 98.0, 3.0, "learned from the fleet")])


def score_rows(vehicle_id: str, trips: int, offset: int) -> pa.Table:
    rows = []
    for number in range(1, trips + 1):
        row: dict[str, object] = dict.fromkeys(TABLES[PREDICTIONS].schema.names)
        row |= {"vehicle_id": vehicle_id, "trip_number": number, "offset": offset, "decision": "kept"}
        if number > 1:  # the first is not scored
            row |= {"deployed_rmse_v": 0.1 * number, "never_rmse_v": 1.0 * number}
        rows.append(row)
    return pa.Table.from_pylist(rows, schema=TABLES[PREDICTIONS].schema)


def trip_rows(vehicle_id: str, trips: int, offset: int) -> pa.Table:
    rows = []
    for number in range(1, trips + 1):
        row: dict[str, object] = dict.fromkeys(TABLES[TRIPS].schema.names)
        row |= {"vehicle_id": vehicle_id, "number": number, "offset": offset}
        row |= {"kind": "driving" if number < trips else "resting", "end_us": START_US + number * DAY_US}
        rows.append(row)
    return pa.Table.from_pylist(rows, schema=TABLES[TRIPS].schema)


@pytest.fixture
def empty_home(tmp_path: Path) -> Path:
    return Workspace.open(tmp_path / "home").home


@pytest.fixture
def fleet_home(empty_home: Path) -> Path:
    """Three vehicles: one with a history, one with a prototype, one not folded far enough for a version."""
    workspace = Workspace.open(empty_home)
    events = [
        Event(event_id(v.vehicle_id, v.sample_time_us, VERSION), v.vehicle_id, v.sample_time_us, VERSION, row, v)
        for row, v in enumerate([*WORN, *FRESH])
    ]
    names = ("car-0001", "car-0002", "car-0003")
    with workspace.registry() as registry:
        vehicles = [VehicleRecord(name, PACK, "a" * 64, START_US) for name in names]
        registry.commit_batch(MAIN_STREAM, 0, 20, events, {}, vehicles)
    lake = workspace.lake()
    lake.append(PREDICTIONS, score_rows("car-0001", 4, 1), 20)
    lake.append(TRIPS, trip_rows("car-0001", 4, 1), 20)
    return empty_home
