"""Maintenance."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from twinpack.api.dependencies import Seer
from twinpack.api.problems import documented
from twinpack.views.shapes.common import VehicleId
from twinpack.views.shapes.workshop import Maintenance, MaintenancePage, MaintenanceRequest

router = APIRouter(tags=["maintenance"], responses=documented(404))


@router.get("/maintenance")
def maintenance(
    seer: Seer,
    vehicle_id: str | None = None,
    status: Literal["planned", "done", "cancelled"] | None = None,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> MaintenancePage:
    """Maintenance: planned first, then newest."""
    raise NotImplementedError


@router.post("/vehicles/{vehicle_id}/maintenance", status_code=201)
def add(vehicle_id: VehicleId, body: MaintenanceRequest, seer: Seer) -> Maintenance:
    """Enter maintenance; a finished repair is told to the twin."""
    raise NotImplementedError


@router.patch("/maintenance/{record_id}", responses=documented(404, 409))
def change(record_id: str, body: MaintenanceRequest, seer: Seer) -> Maintenance:
    """Change a record."""
    raise NotImplementedError


@router.delete("/maintenance/{record_id}", status_code=204)
def remove(record_id: str, seer: Seer) -> None:
    """Remove a record that the twin was not told of."""
    raise NotImplementedError
