"""The twin of a vehicle: state, history, versions, predictions, explanations."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query

from twinpack.api.dependencies import Seer
from twinpack.api.problems import documented
from twinpack.views.shapes.common import VehicleId
from twinpack.views.shapes.twin import (
    Explanation,
    Ordered,
    Prediction,
    RollbackPreview,
    RollbackRequest,
    Twin,
    TwinHistory,
    Version,
    VersionDifference,
    VersionPage,
)

router = APIRouter(prefix="/vehicles/{vehicle_id}", tags=["twin"], responses=documented(404))


@router.get("/twin")
def twin(
    vehicle_id: VehicleId,
    seer: Seer,
    at: Annotated[datetime | None, Query(description="As it stood then; RFC 3339 with its zone.")] = None,
) -> Twin:
    """The twin as it stands, or as it stood at a moment."""
    raise NotImplementedError


@router.get("/twin/history")
def history(
    vehicle_id: VehicleId,
    seer: Seer,
    trips: Annotated[int, Query(ge=1, le=20_000, description="At most so many points; the worst of each few.")] = 1500,
) -> TwinHistory:
    """Error of each trip with and without updates, and the parameters over the versions."""
    raise NotImplementedError


@router.get("/versions")
def versions(
    vehicle_id: VehicleId,
    seer: Seer,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> VersionPage:
    """Versions, newest first."""
    raise NotImplementedError


@router.get("/versions/compare")
def compare(
    vehicle_id: VehicleId, seer: Seer, a: Annotated[int, Query(ge=1)], b: Annotated[int, Query(ge=1)]
) -> VersionDifference:
    """Two versions beside each other."""
    raise NotImplementedError


@router.get("/versions/{number}")
def version(vehicle_id: VehicleId, number: int, seer: Seer) -> Version:
    """One version."""
    raise NotImplementedError


@router.get("/rollback")
def rollback_preview(vehicle_id: VehicleId, seer: Seer, to_version: Annotated[int, Query(ge=1)]) -> RollbackPreview:
    """What a roll-back would do."""
    raise NotImplementedError


@router.post("/rollback", status_code=202, responses=documented(404, 409))
def rollback(vehicle_id: VehicleId, body: RollbackRequest, seer: Seer) -> Ordered:
    """Order a roll-back: a row of the log, folded by the runtime into a new version."""
    raise NotImplementedError


@router.get("/explain")
def explain(vehicle_id: VehicleId, seer: Seer, last: Annotated[int, Query(ge=0, le=1000)] = 10) -> Explanation:
    """Each change of the figures, in words."""
    raise NotImplementedError


@router.get("/trips/{number}/prediction")
def prediction(
    vehicle_id: VehicleId, number: int, seer: Seer, points: Annotated[int, Query(ge=10, le=20_000)] = 1000
) -> Prediction:
    """One trip: measured voltage beside the updated and the never-updated prediction, with bands."""
    raise NotImplementedError
