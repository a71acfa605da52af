"""A report of a small workspace, made as the runtime makes one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from sqlalchemy import create_engine, text

from twinpack.fleet.events import VERSION, Event, event_id
from twinpack.ingest.log import SegmentLog
from twinpack.report.collect import collect
from twinpack.report.page import render
from twinpack.store.audit import Heads
from twinpack.store.lake import Lake
from twinpack.store.records import VehicleRecord
from twinpack.store.tables import TABLES
from twinpack.store.workspace import Workspace
from twinpack.telemetry.schema import KIND_SAMPLE, LOG
from twinpack.twin.versions import TwinVersion

PACK = "sim_nmc_96s"
HOUR_US = 3_600_000_000
TRIPS = 5
SAMPLES = 40
NAMES = ("car-1", "car-2")


def start_us(trip: int) -> int:
    return 1_700_000_000_000_000 + trip * 100 * HOUR_US


def versions(name: str, capacity_ah: float) -> list[TwinVersion]:
    chain: list[TwinVersion] = []
    plan = (("prototype", 0, capacity_ah), ("refused", 3, capacity_ah), ("accepted", 4, capacity_ah - 9.0))
    for number, (kind, trip, capacity) in enumerate(plan, start=1):
        version = TwinVersion(
            vehicle_id=name,
            number=number,
            kind=kind,
            sample_time_us=start_us(trip) + HOUR_US,
            model_hash="m" * 64,
            trip_number=trip,
            window_start_us=start_us(trip),
            window_end_us=start_us(trip) + HOUR_US,
            reason=f"because of {kind}",
            deployed_rmse_v=1.5 if trip else None,
            challenger_rmse_v=0.7 if trip else None,
            never_rmse_v=2.5 if trip else None,
            parameters=("capacity_ah", "r0_scale"),
            mean=(capacity, 1.2),
            covariance=(4.0, 0.0, 0.01),
            parent_hash=chain[-1].hash if chain else "",
        )
        chain.append(version.sealed())
    return chain


def trip_rows(name: str, offset: int) -> pa.Table:
    rows = []
    for number in range(1, TRIPS + 1):
        row = dict.fromkeys(TABLES["trips"].schema.names)
        row |= {"vehicle_id": name, "number": number, "kind": "driving", "offset": offset, "distance_km": 10.0}
        row |= {"start_us": start_us(number), "end_us": start_us(number) + HOUR_US, "c_rate_rms": 0.1 * number}
        row |= {"soc_start_pct": 80.0, "soc_end_pct": 50.0}
        rows.append(row)
    rest = rows[-1] | {"number": TRIPS + 1, "kind": "resting", "start_us": start_us(TRIPS + 1)}
    return pa.Table.from_pylist([*rows, rest | {"end_us": start_us(TRIPS + 1) + 1}], schema=TABLES["trips"].schema)


def score_rows(name: str, offset: int) -> pa.Table:
    decisions = {1: "unscored", 3: "refused", 4: "accepted"}
    rows = []
    for number in range(1, TRIPS + 1):
        row = dict.fromkeys(TABLES["predictions"].schema.names)
        row |= {"vehicle_id": name, "trip_number": number, "version_number": 1 if number < 5 else 3, "offset": offset}
        row |= {"start_us": start_us(number), "end_us": start_us(number) + HOUR_US, "policy": "always"}
        row |= {"decision": decisions.get(number, "kept"), "threshold_v": 1.2, "scored_samples": 0}
        if number > 1:
            living = 0.4 if number == 5 else 1.5
            row |= {"deployed_rmse_v": living, "never_rmse_v": 2.0, "challenger_rmse_v": 0.7, "scored_samples": 30}
            row |= {"deployed_coverage_95": 0.95, "never_coverage_95": 0.5}
        rows.append(row)
    return pa.Table.from_pylist(rows, schema=TABLES["predictions"].schema)


def step_rows(name: str, offset: int) -> pa.Table:
    rows = []
    for number in range(1, TRIPS + 1):
        for k in range(SAMPLES):
            seconds = 10 * k + (900 if k >= SAMPLES // 2 else 0)
            row: dict[str, object] = dict.fromkeys(TABLES["prediction_steps"].schema.names)
            row |= {"vehicle_id": name, "trip_number": number, "sample_time": start_us(number) + seconds * 1_000_000}
            row |= {"measured_v": 380.0 - k, "never_v": 382.0 - k, "deployed_v": 380.5 - k, "scored": k >= 5}
            row |= {"never_sd_v": 1.0, "deployed_sd_v": 0.5, "offset": offset}
            rows.append(row)
    return pa.Table.from_pylist(rows, schema=TABLES["prediction_steps"].schema)


def log_rows(name: str) -> pa.Table:
    times = [start_us(n) + k * 60_000_000 for n in range(1, TRIPS + 1) for k in range(60)]
    columns = {field.name: pa.nulls(len(times), field.type) for field in LOG}
    columns |= {
        "vehicle_id": pa.array([name] * len(times)),
        "sample_time": pa.array(times, LOG.field("sample_time").type),
        "receipt_time": pa.array(times, LOG.field("receipt_time").type),
        "kind": pa.array([KIND_SAMPLE] * len(times), pa.int8()),
        "pack_voltage_v": pa.array([390.0 - k % 60 for k in range(len(times))]),
    }
    return pa.table(columns).select(LOG.names).cast(LOG)


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    made = Workspace.open(tmp_path / "home")
    lake = Lake(made.lake_dir)
    SegmentLog(made.log_dir).append([log_rows(name) for name in NAMES])
    chains = [versions(NAMES[0], 170.0), versions(NAMES[1], 160.0)]
    # As the runtime would: the chain's versions come from rows 0, 1, ... of the log.
    events = [
        Event(event_id(v.vehicle_id, v.sample_time_us, VERSION), v.vehicle_id, v.sample_time_us, VERSION, row, v)
        for row, v in enumerate(v for chain in chains for v in chain)
    ]
    registry = made.registry()
    vehicles = [VehicleRecord(name, PACK, "m" * 64, start_us(1)) for name in NAMES]
    registry.commit_batch("main", 0, 10, events, {}, vehicles)
    Heads(lake, made.audit_key_path).sign(events, 10)
    registry.close()
    for table, rows in (("trips", trip_rows), ("predictions", score_rows), ("prediction_steps", step_rows)):
        lake.append(table, pa.concat_tables([rows(name, k) for k, name in enumerate(NAMES)]), 10)
    yield made


def test_the_fleet_is_told_from_registry_lake_and_log(workspace: Workspace) -> None:
    data = collect(workspace)

    assert [row.vehicle_id for row in data.fleet] == list(NAMES)
    assert data.chain_ok is True
    assert data.figures.trips == 2 * TRIPS
    assert data.figures.scored_trips == 2 * (TRIPS - 1)
    assert data.figures.error_never_v == pytest.approx(2.0)
    assert data.figures.error_living_v == pytest.approx(1.5)
    assert data.figures.coverage_pct == pytest.approx(95.0)
    assert (data.figures.accepted, data.figures.refused) == (2, 2)
    first, second = data.fleet
    assert first.distance_km == pytest.approx(10.0 * TRIPS)
    assert first.resistance_x == pytest.approx(1.2)
    assert first.health_pct is not None and second.health_pct is not None
    assert first.health_pct - second.health_pct == pytest.approx(10.0 / (170.0 - 9.0) * first.health_pct)
    assert first.deviation_pts == pytest.approx(-(second.deviation_pts or 0.0))


def test_a_vehicle_shows_its_loop_its_versions_and_their_proof(workspace: Workspace) -> None:
    page = collect(workspace).vehicles[0]

    assert [step.word for step in page.loop] == ["Predict", "Measure", "Decide", "Recalibrate", "Accepted"]
    assert page.threshold_v == pytest.approx(1.2)
    assert page.policy == "always"
    assert [(v.kind, v.deployed) for v in page.versions] == [
        ("prototype", False),
        ("refused", False),
        ("accepted", True),
    ]
    assert page.versions[2].next_error_v == pytest.approx(0.4)
    assert page.versions[1].next_error_v is None
    assert [trip.number for trip in page.trips] == [1, 2, 3, 4, 5]
    capacity = page.parameters[0]
    assert (capacity.label, capacity.unit, capacity.version) == ("Capacity", "Ah", (1, 3))
    assert capacity.mean == pytest.approx((170.0, 161.0))
    assert capacity.sd == pytest.approx((2.0, 2.0))
    assert capacity.axis == collect(workspace).vehicles[1].parameters[0].axis
    assert "trip 4" in page.explanations[0]


def test_chosen_trips_show_their_steps_with_gaps_as_gaps(workspace: Workspace) -> None:
    page = collect(workspace).vehicles[0]
    shown = {trace.trip: trace for trace in page.traces}

    assert {number: trace.why for number, trace in shown.items()} == {2: "worst", 4: "update", 5: "after"}
    trace = shown[4]
    assert trace.samples == SAMPLES
    assert trace.scored_from_s == 50.0
    assert np.isnan(trace.measured_v).sum() == 1
    assert np.nanmax(trace.measured_v) == 380.0
    assert np.nanmin(trace.measured_v) == 380.0 - SAMPLES + 1


def test_the_voltage_history_covers_every_session(workspace: Workspace) -> None:
    history = collect(workspace).vehicles[0].history

    assert history.trip == (1, 2, 3, 4, 5)
    assert history.samples == 60 * TRIPS
    assert [np.nanmax(bucket) for bucket in history.max_v] == [390.0] * TRIPS
    assert [np.nanmin(bucket) for bucket in history.min_v] == [331.0] * TRIPS


def test_fewer_pages_than_vehicles_are_announced(workspace: Workspace) -> None:
    data = collect(workspace, pages=1)

    assert len(data.fleet) == 2
    assert [page.vehicle_id for page in data.vehicles] == ["car-2"]  # furthest below the median
    assert data.note == "pages for 1 of 2 vehicles"


def test_a_broken_chain_is_said(workspace: Workspace) -> None:
    engine = create_engine(workspace.registry_url)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM twin_versions WHERE vehicle_id = 'car-2' AND number = 3"))
    engine.dispose()
    data = collect(workspace)

    assert data.chain_ok is False
    assert re.search("car-2, version 3", data.chain_note)


def test_the_page_of_one_workspace_is_always_the_same(workspace: Workspace) -> None:
    assert render(collect(workspace)) == render(collect(workspace))


def test_an_empty_workspace_has_a_report(tmp_path: Path) -> None:
    data = collect(Workspace.open(tmp_path / "empty"))

    assert data.fleet == ()
    assert data.chain_ok is None
    assert "<main" in render(data)
