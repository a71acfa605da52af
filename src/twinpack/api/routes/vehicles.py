"""One vehicle: figures, telemetry, cells, trips, health."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query

from twinpack.api.dependencies import Seer
from twinpack.api.problems import documented
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

router = APIRouter(prefix="/vehicles/{vehicle_id}", tags=["vehicle"], responses=documented(404))

ARROW = "application/vnd.apache.arrow.stream"
Moment = Annotated[datetime | None, Query(description="RFC 3339 with its zone.", examples=["2026-11-22T12:00:00Z"])]


@router.get("")
def vehicle(vehicle_id: VehicleId, seer: Seer) -> VehicleDetail:
    """A vehicle and its figures."""
    raise NotImplementedError


@router.get("/latest")
def latest(vehicle_id: VehicleId, seer: Seer) -> Latest:
    """The newest value of each signal, with its time."""
    raise NotImplementedError


@router.get("/telemetry", responses={200: {"content": {ARROW: {}}}})
def telemetry(
    vehicle_id: VehicleId,
    seer: Seer,
    start: Moment = None,
    end: Moment = None,
    signals: Annotated[str | None, Query(description="Names, commas between; the usual four by default.")] = None,
    points: Annotated[int, Query(ge=1, le=20_000, description="Steps that the range is cut into.")] = 1000,
    format: Annotated[Literal["json", "arrow"], Query(description="arrow: a table, as an IPC stream.")] = "json",
) -> Telemetry:
    """Signals over time: minimum, maximum and mean of each step. By default the two hours before the newest sample."""
    raise NotImplementedError


@router.get("/cells")
def cells(vehicle_id: VehicleId, seer: Seer, at: Moment = None) -> CellFrame:
    """Every cell at a moment: the last whole frame at or before it; the newest when left out."""
    raise NotImplementedError


@router.get("/cells/{cell}")
def cell_series(
    vehicle_id: VehicleId,
    cell: int,
    seer: Seer,
    start: Moment = None,
    end: Moment = None,
    points: Annotated[int, Query(ge=1, le=5_000)] = 600,
) -> CellSeries:
    """One cell over time beside the others."""
    raise NotImplementedError


@router.get("/spread")
def spread(vehicle_id: VehicleId, seer: Seer, days: Annotated[int, Query(ge=1, le=3660)] = 90) -> SpreadTrend:
    """The spread of the cells day by day, and the weakest cells."""
    raise NotImplementedError


@router.get("/trips")
def trips(
    vehicle_id: VehicleId,
    seer: Seer,
    kind: Literal["driving", "charging", "resting"] | None = None,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> TripPage:
    """Trips, newest first."""
    raise NotImplementedError


@router.get("/health")
def health(vehicle_id: VehicleId, seer: Seer) -> HealthHistory:
    """Health as it was known after each version that was deployed."""
    raise NotImplementedError
