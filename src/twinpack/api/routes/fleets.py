"""Fleets: the list of vehicles and the figures over it."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from twinpack.api.dependencies import Seer
from twinpack.api.problems import documented
from twinpack.views.shapes.fleet import FleetList, FleetSummary, Reporting, Scatter, SearchResult, VehiclePage

router = APIRouter(tags=["fleet"], responses=documented())

Sort = Literal[
    "deviation_pts",
    "health_pct",
    "resistance_x",
    "distance_km",
    "age_years",
    "last_seen_at",
    "alarms",
    "vehicle_id",
    "-deviation_pts",
    "-health_pct",
    "-resistance_x",
    "-distance_km",
    "-age_years",
    "-last_seen_at",
    "-alarms",
    "-vehicle_id",
]


@router.get("/fleets")
def fleets(seer: Seer) -> FleetList:
    """The fleets that may be seen."""
    raise NotImplementedError


@router.get("/fleet/summary")
def summary(seer: Seer, fleet: str | None = None, pack: str | None = None) -> FleetSummary:
    """The figures over a fleet page."""
    raise NotImplementedError


@router.get("/fleet/scatter")
def scatter(seer: Seer, fleet: str | None = None, pack: str | None = None) -> Scatter:
    """Capacity health against distance and age, with the cohorts' bands."""
    raise NotImplementedError


@router.get("/vehicles")
def vehicles(
    seer: Seer,
    fleet: str | None = None,
    pack: str | None = None,
    q: Annotated[str | None, Query(max_length=64, description="Part of the name or label.")] = None,
    reporting: Reporting | None = None,
    overdue: bool | None = None,
    severity: Annotated[int | None, Query(ge=0, le=3, description="With an active alarm at least so severe.")] = None,
    health_min: float | None = None,
    health_max: float | None = None,
    distance_min: float | None = None,
    distance_max: float | None = None,
    age_min: float | None = None,
    age_max: float | None = None,
    retired: bool = False,
    sort: Sort = "deviation_pts",
    cursor: Annotated[str | None, Query(max_length=512)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> VehiclePage:
    """Vehicles; what is not known comes last in every order. By default the worst deviation from its cohort first."""
    raise NotImplementedError


@router.get("/search")
def search(seer: Seer, q: Annotated[str, Query(min_length=1, max_length=64)]) -> SearchResult:
    """Vehicles, alarms, trouble codes and versions by name."""
    raise NotImplementedError
