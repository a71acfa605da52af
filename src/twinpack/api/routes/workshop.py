"""Maintenance."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request

from twinpack.api.audit import tell
from twinpack.api.dependencies import Looked, Seer
from twinpack.api.problems import documented
from twinpack.views.shapes.common import VehicleId
from twinpack.views.shapes.workshop import Maintenance, MaintenancePage, MaintenanceRequest
from twinpack.views.sight import Right
from twinpack.views.workshop import add_maintenance, change_maintenance, maintenance_page, remove_maintenance

router = APIRouter(tags=["maintenance"], responses=documented(404))


@router.get("/maintenance")
def maintenance(
    seer: Seer,
    views: Looked,
    vehicle_id: str | None = None,
    status: Literal["planned", "done", "cancelled"] | None = None,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> MaintenancePage:
    """Maintenance: planned first, then newest."""
    return maintenance_page(views, seer, vehicle_id, status, cursor, limit)


@router.post("/vehicles/{vehicle_id}/maintenance", status_code=201)
def add(vehicle_id: VehicleId, body: MaintenanceRequest, seer: Seer, views: Looked, request: Request) -> Maintenance:
    """Enter maintenance; a finished repair is told to the twin."""
    kept = add_maintenance(views, views.reach(seer, vehicle_id, Right.MAINTENANCE_WRITE), body)
    tell(request, record_id=kept.record_id, kind=kept.kind, status=kept.status)
    return kept


@router.patch("/maintenance/{record_id}", responses=documented(404, 409))
def change(record_id: str, body: MaintenanceRequest, seer: Seer, views: Looked, request: Request) -> Maintenance:
    """Change a record."""
    kept = change_maintenance(views, seer, record_id, body)
    tell(request, vehicle=kept.vehicle_id, fields=sorted(body.model_fields_set - {"revision"}), status=kept.status)
    return kept


@router.delete("/maintenance/{record_id}", status_code=204)
def remove(record_id: str, seer: Seer, views: Looked, request: Request) -> None:
    """Remove a record that the twin was not told of."""
    tell(request, vehicle=remove_maintenance(views, seer, record_id))
