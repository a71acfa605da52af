"""Maintenance, done and planned."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field

from twinpack.views.shapes.common import At, PageInfo, Shape, VehicleId


class Maintenance(Shape):
    """A piece of maintenance."""

    record_id: str
    vehicle_id: VehicleId
    kind: str = Field(description="As `twinpack maintenance` has it.")
    status: str = Field(description="planned, done or cancelled.")
    title: str
    planned_on: date | None
    done_on: date | None
    odometer_km: float | None
    reference: str = ""
    notes: str = ""
    who: str = ""
    entered_at: At
    changed_at: At
    revision: int


class MaintenancePage(Shape):
    """Maintenance: planned first, then newest."""

    items: list[Maintenance]
    page: PageInfo


class MaintenanceRequest(Shape):
    """Maintenance to enter, or what of it to change; what is left out stays."""

    kind: str | None = None
    status: str | None = None
    title: Annotated[str, Field(max_length=200)] | None = None
    planned_on: date | None = None
    done_on: date | None = None
    odometer_km: Annotated[float, Field(ge=0, le=2_000_000)] | None = None
    reference: Annotated[str, Field(max_length=64)] | None = None
    notes: Annotated[str, Field(max_length=4000)] | None = None
    revision: int | None = None
