"""Fleets: the list of vehicles and the figures over it."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from twinpack.api.dependencies import Looked, Seer
from twinpack.api.problems import documented
from twinpack.views.fleet.list import WantedVehicles, vehicle_page
from twinpack.views.fleet.search import search_result
from twinpack.views.fleet.summary import fleet_list, fleet_scatter, fleet_summary
from twinpack.views.shapes.fleet import FleetList, FleetSummary, Reporting, Scatter, SearchResult, VehiclePage

router = APIRouter(tags=["fleet"], responses=documented())

Figure = Annotated[float | None, Query(allow_inf_nan=False)]
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
def fleets(seer: Seer, views: Looked) -> FleetList:
    """The fleets that may be seen."""
    return fleet_list(views.fleet, views.registry.fleet.fleets(), seer)


@router.get("/fleet/summary")
def summary(seer: Seer, views: Looked, fleet: str | None = None, pack: str | None = None) -> FleetSummary:
    """The figures over a fleet page."""
    return fleet_summary(views.fleet, seer, views.workspace.settings.api.overdue_days, fleet, pack)


@router.get("/fleet/scatter")
def scatter(seer: Seer, views: Looked, fleet: str | None = None, pack: str | None = None) -> Scatter:
    """Capacity health against distance and age, with the cohorts' bands."""
    return fleet_scatter(views.fleet, seer, fleet, pack)


@router.get("/vehicles")
def vehicles(
    seer: Seer,
    views: Looked,
    fleet: str | None = None,
    pack: str | None = None,
    q: Annotated[str | None, Query(max_length=64, description="Part of the name or label.")] = None,
    reporting: Reporting | None = None,
    overdue: bool | None = None,
    severity: Annotated[int | None, Query(ge=0, le=3, description="With an active alarm at least so severe.")] = None,
    health_min: Figure = None,
    health_max: Figure = None,
    distance_min: Figure = None,
    distance_max: Figure = None,
    age_min: Figure = None,
    age_max: Figure = None,
    retired: bool = False,
    sort: Sort = "deviation_pts",
    cursor: Annotated[str | None, Query(max_length=512)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> VehiclePage:
    """Vehicles; what is not known comes last in every order. By default the worst deviation from its cohort first."""
    wanted = WantedVehicles(
        fleet=fleet,
        pack=pack,
        q=q,
        reporting=reporting,
        overdue=overdue,
        severity=severity,
        health_min=health_min,
        health_max=health_max,
        distance_min=distance_min,
        distance_max=distance_max,
        age_min=age_min,
        age_max=age_max,
        retired=retired,
    )
    return vehicle_page(views.fleet, seer, wanted, sort, cursor, limit)


@router.get("/search")
def search(seer: Seer, views: Looked, q: Annotated[str, Query(min_length=1, max_length=64)]) -> SearchResult:
    """Vehicles, alarms, trouble codes and versions by name."""
    return search_result(views, seer, q)
