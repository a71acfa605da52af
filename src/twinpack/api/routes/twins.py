"""The twin of a vehicle: state, history, versions, predictions, explanations."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request

from twinpack.api.audit import tell
from twinpack.api.dependencies import Looked, Seer
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
from twinpack.views.sight import Right
from twinpack.views.twin.explain import explanation
from twinpack.views.twin.history import twin_history
from twinpack.views.twin.predictions import prediction as predicted
from twinpack.views.twin.rollback import roll_back
from twinpack.views.twin.rollback import rollback_preview as preview
from twinpack.views.twin.state import twin as twin_at
from twinpack.views.twin.versions import compared, version_of, version_page

router = APIRouter(prefix="/vehicles/{vehicle_id}", tags=["twin"], responses=documented(404))


@router.get("/twin")
def twin(
    vehicle_id: VehicleId,
    seer: Seer,
    views: Looked,
    at: Annotated[datetime | None, Query(description="As it stood then; RFC 3339 with its zone.")] = None,
) -> Twin:
    """The twin as it stands, or as it stood at a moment."""
    return twin_at(views, views.reach(seer, vehicle_id, Right.TWIN), at)


@router.get("/twin/history")
def history(
    vehicle_id: VehicleId,
    seer: Seer,
    views: Looked,
    trips: Annotated[int, Query(ge=1, le=20_000, description="At most so many points; the worst of each few.")] = 1500,
) -> TwinHistory:
    """Error of each trip with and without updates, and the parameters over the versions."""
    return twin_history(views, views.reach(seer, vehicle_id, Right.TWIN), trips)


@router.get("/versions")
def versions(
    vehicle_id: VehicleId,
    seer: Seer,
    views: Looked,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> VersionPage:
    """Versions, newest first."""
    return version_page(views, views.reach(seer, vehicle_id, Right.TWIN), cursor, limit)


@router.get("/versions/compare")
def compare(
    vehicle_id: VehicleId, seer: Seer, views: Looked, a: Annotated[int, Query(ge=1)], b: Annotated[int, Query(ge=1)]
) -> VersionDifference:
    """Two versions beside each other."""
    return compared(views, views.reach(seer, vehicle_id, Right.TWIN), a, b)


@router.get("/versions/{number}")
def version(vehicle_id: VehicleId, number: int, seer: Seer, views: Looked) -> Version:
    """One version."""
    return version_of(views, views.reach(seer, vehicle_id, Right.TWIN), number)


@router.get("/rollback")
def rollback_preview(
    vehicle_id: VehicleId, seer: Seer, views: Looked, to_version: Annotated[int, Query(ge=1)]
) -> RollbackPreview:
    """What a roll-back would do."""
    return preview(views, views.reach(seer, vehicle_id, Right.ROLLBACK), to_version)


@router.post("/rollback", status_code=202, responses=documented(404, 409))
def rollback(vehicle_id: VehicleId, body: RollbackRequest, seer: Seer, views: Looked, request: Request) -> Ordered:
    """Order a roll-back: a row of the log, folded by the runtime into a new version."""
    ordered = roll_back(views, views.reach(seer, vehicle_id, Right.ROLLBACK), body)
    tell(request, to_version=body.to_version, offset=ordered.offset)
    return ordered


@router.get("/explain")
def explain(
    vehicle_id: VehicleId, seer: Seer, views: Looked, last: Annotated[int, Query(ge=0, le=1000)] = 10
) -> Explanation:
    """Each change of the figures, in words."""
    return explanation(views, views.reach(seer, vehicle_id, Right.VEHICLE), last)


@router.get("/trips/{number}/prediction")
def prediction(
    vehicle_id: VehicleId,
    number: int,
    seer: Seer,
    views: Looked,
    points: Annotated[int, Query(ge=10, le=20_000)] = 1000,
) -> Prediction:
    """One trip: measured voltage beside the updated and the never-updated prediction, with bands."""
    return predicted(views, views.reach(seer, vehicle_id, Right.TWIN), number, points)
