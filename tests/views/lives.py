"""The life of a twin as the runtime leaves it: five trips, four versions, every step of every trip."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from twinpack.fleet.events import VERSION, Event, event_id
from twinpack.ingest.log import SegmentLog
from twinpack.store.registry import MAIN_STREAM, Registry
from twinpack.store.tables import PREDICTION_STEPS, PREDICTIONS, TABLES, TRIPS
from twinpack.store.workspace import Workspace
from twinpack.telemetry.schema import tick_row
from twinpack.twin.versions import TwinVersion

HOUR_US = 3_600_000_000
COUNT = 5
STEPS = 40
PARAMETERS = ("capacity_ah", "r0_scale")
PLAN = (("prototype", 0, 150.0), ("accepted", 2, 146.0), ("refused", 3, 146.0), ("accepted", 4, 141.0))
"""Kind, trip and capacity of each version."""


def start_us(trip: int) -> int:
    return 1_700_000_000_000_000 + trip * 100 * HOUR_US


def decided_us(trip: int) -> int:
    return start_us(trip) + HOUR_US


def versions(vehicle: str, shift_ah: float = 0.0) -> list[TwinVersion]:
    chain: list[TwinVersion] = []
    for number, (kind, trip, capacity) in enumerate(PLAN, start=1):
        made = TwinVersion(
            vehicle_id=vehicle,
            number=number,
            kind=kind,
            sample_time_us=decided_us(trip),
            model_hash="m" * 64,
            trip_number=trip,
            window_start_us=start_us(trip),
            window_end_us=decided_us(trip),
            reason=f"because of {kind}",
            deployed_rmse_v=1.5 if trip else None,
            challenger_rmse_v=0.7 if trip else None,
            never_rmse_v=2.5 if trip else None,
            parameters=PARAMETERS,
            mean=(capacity + shift_ah, 1.2),
            covariance=(4.0, 0.0, 0.01),
            evidence={"proposed_mean": [130.0 + shift_ah, 1.2]} if kind == "refused" else {},
            code_version="0.1.0",
            parent_hash=chain[-1].hash if chain else "",
        )
        chain.append(made.sealed())
    return chain


def version_events(chain: Sequence[TwinVersion], first: int) -> list[Event]:
    """The events that carry a chain; its versions come from rows `first`, `first` + 1, ... of the log."""
    return [
        Event(
            event_id(one.vehicle_id, one.sample_time_us, VERSION), one.vehicle_id, one.sample_time_us, VERSION, row, one
        )
        for row, one in enumerate(chain, first)
    ]


def trips(vehicle: str, offset: int) -> pa.Table:
    rows = []
    for number in range(1, COUNT + 1):
        row = dict.fromkeys(TABLES[TRIPS].schema.names)
        row |= {"vehicle_id": vehicle, "number": number, "kind": "driving", "offset": offset, "distance_km": 10.0}
        row |= {"start_us": start_us(number), "end_us": decided_us(number), "c_rate_rms": 0.1 * number}
        rows.append(row)
    return pa.Table.from_pylist(rows, schema=TABLES[TRIPS].schema)


def scores(vehicle: str, offset: int) -> pa.Table:
    """The first trip is not scored; each is predicted by the version deployed when it began."""
    decisions = {1: "unscored", 2: "accepted", 3: "refused", 4: "accepted"}
    rows = []
    for number in range(1, COUNT + 1):
        row = dict.fromkeys(TABLES[PREDICTIONS].schema.names)
        deployed = 1 if number < 3 else 2 if number < 5 else 4
        row |= {"vehicle_id": vehicle, "trip_number": number, "version_number": deployed, "offset": offset}
        row |= {"start_us": start_us(number), "end_us": decided_us(number), "policy": "always"}
        row |= {"decision": decisions.get(number, "kept"), "threshold_v": 1.2, "scored_samples": 0}
        if number > 1:
            row |= {"deployed_rmse_v": (16 - 2 * number) / 10, "never_rmse_v": 2.0, "challenger_rmse_v": 0.7}
            row |= {"deployed_coverage_95": 0.95, "never_coverage_95": 0.5, "scored_samples": 30}
        rows.append(row)
    return pa.Table.from_pylist(rows, schema=TABLES[PREDICTIONS].schema)


def steps(vehicle: str, offset: int) -> pa.Table:
    """Steps of 10 s, with a quarter of an hour missing in the middle of each trip."""
    rows = []
    for number in range(1, COUNT + 1):
        for k in range(STEPS):
            seconds = 10 * k + (900 if k >= STEPS // 2 else 0)
            row: dict[str, object] = dict.fromkeys(TABLES[PREDICTION_STEPS].schema.names)
            row |= {"vehicle_id": vehicle, "trip_number": number, "sample_time": start_us(number) + seconds * 1_000_000}
            row |= {"measured_v": 380.0 - k, "never_v": 382.0 - k, "deployed_v": 380.5 - k, "scored": k >= 5}
            row |= {"never_sd_v": 1.0, "deployed_sd_v": 0.5, "soc": 0.8 - 0.01 * k, "offset": offset}
            rows.append(row)
    return pa.Table.from_pylist(rows, schema=TABLES[PREDICTION_STEPS].schema)


def lived(workspace: Workspace, registry: Registry, *vehicles: str) -> None:
    """Give vehicles of a workspace such a life."""
    first, end = registry.offset(), registry.offset() + 10 * len(vehicles)
    events = [
        event
        for place, vehicle in enumerate(vehicles)
        for event in version_events(versions(vehicle, 3.0 * place), first + 10 * place)
    ]
    latest = {vehicle: {"soc": 0.66, "version": 4, "deployed_version": 4} for vehicle in vehicles}
    registry.commit_batch(MAIN_STREAM, first, end, events, latest)
    SegmentLog(workspace.log_dir).append([tick_row(start_us(COUNT)) for _ in range(first, end)])
    workspace.heads().sign(events, end)
    lake = workspace.lake()
    for name, made in ((TRIPS, trips), (PREDICTIONS, scores), (PREDICTION_STEPS, steps)):
        lake.append(name, pa.concat_tables([made(one, first + k) for k, one in enumerate(vehicles)]), end)
