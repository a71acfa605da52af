"""One vehicle: figures, telemetry, cells, trips, health."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from twinpack.api.dependencies import Looked, Seer
from twinpack.api.problems import documented
from twinpack.views.cells.moment import cell_frame
from twinpack.views.cells.series import one_cell
from twinpack.views.cells.spread import spread_trend
from twinpack.views.moments import micros_or_none
from twinpack.views.shapes.common import VehicleId
from twinpack.views.shapes.vehicle import (
    CellFrame,
    CellSeries,
    HealthHistory,
    Latest,
    SpreadTrend,
    Telemetry,
    TripPage,
    VehicleDetail,
)
from twinpack.views.sight import Right
from twinpack.views.telemetry.reading import arrow_stream, cut, signals_named, telemetry_table
from twinpack.views.telemetry.reading import telemetry as telemetry_of
from twinpack.views.vehicle.detail import vehicle_detail
from twinpack.views.vehicle.health import health_history
from twinpack.views.vehicle.latest import latest as latest_values
from twinpack.views.vehicle.trips import trip_page

router = APIRouter(prefix="/vehicles/{vehicle_id}", tags=["vehicle"], responses=documented(404))

ARROW = "application/vnd.apache.arrow.stream"
Moment = Annotated[datetime | None, Query(description="RFC 3339 with its zone.", examples=["2026-11-22T12:00:00Z"])]


@router.get("")
def vehicle(vehicle_id: VehicleId, seer: Seer, views: Looked) -> VehicleDetail:
    """A vehicle and its figures."""
    return vehicle_detail(views, seer, views.reach(seer, vehicle_id, Right.FIND))


@router.get("/latest")
def latest(vehicle_id: VehicleId, seer: Seer, views: Looked) -> Latest:
    """The newest value of each signal, with its time."""
    return latest_values(views, seer, views.reach(seer, vehicle_id, Right.TELEMETRY))


@router.get("/telemetry", response_model=Telemetry, responses={200: {"content": {ARROW: {}}}})
def telemetry(
    vehicle_id: VehicleId,
    seer: Seer,
    views: Looked,
    start: Moment = None,
    end: Moment = None,
    signals: Annotated[str | None, Query(description="Names, commas between; the usual four by default.")] = None,
    points: Annotated[int, Query(ge=1, le=20_000, description="Steps that the range is cut into.")] = 1000,
    format: Annotated[Literal["json", "arrow"], Query(description="arrow: a table, as an IPC stream.")] = "json",
) -> Telemetry | Response:
    """Signals over time: minimum, maximum and mean of each step. By default the two hours before the newest sample."""
    reach = views.reach(seer, vehicle_id, Right.TELEMETRY)
    names = signals_named(signals)
    found = cut(views, reach, micros_or_none(start), micros_or_none(end), names, points)
    if format == "arrow":
        return Response(arrow_stream(telemetry_table(found)), media_type=ARROW)
    return telemetry_of(views, seer, reach, found)


@router.get("/cells")
def cells(vehicle_id: VehicleId, seer: Seer, views: Looked, at: Moment = None) -> CellFrame:
    """Every cell at a moment: the last whole frame at or before it; the newest when left out."""
    reach = views.reach(seer, vehicle_id, Right.VEHICLE)
    return cell_frame(views, reach, micros_or_none(at))


@router.get("/cells/{cell}")
def cell_series(
    vehicle_id: VehicleId,
    cell: int,
    seer: Seer,
    views: Looked,
    start: Moment = None,
    end: Moment = None,
    points: Annotated[int, Query(ge=1, le=5_000)] = 600,
) -> CellSeries:
    """One cell over time beside the others."""
    reach = views.reach(seer, vehicle_id, Right.VEHICLE)
    return one_cell(views, reach, cell, micros_or_none(start), micros_or_none(end), points)


@router.get("/spread")
def spread(
    vehicle_id: VehicleId, seer: Seer, views: Looked, days: Annotated[int, Query(ge=1, le=3660)] = 90
) -> SpreadTrend:
    """The spread of the cells day by day, and the weakest cells."""
    return spread_trend(views, seer, views.reach(seer, vehicle_id, Right.VEHICLE), days)


@router.get("/trips")
def trips(
    vehicle_id: VehicleId,
    seer: Seer,
    views: Looked,
    kind: Literal["driving", "charging", "resting"] | None = None,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> TripPage:
    """Trips, newest first."""
    return trip_page(views, views.reach(seer, vehicle_id, Right.VEHICLE), kind, cursor, limit)


@router.get("/health")
def health(vehicle_id: VehicleId, seer: Seer, views: Looked) -> HealthHistory:
    """Health as it was known after each version that was deployed."""
    return health_history(views, views.reach(seer, vehicle_id, Right.VEHICLE))
