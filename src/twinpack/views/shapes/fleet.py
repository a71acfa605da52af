"""Fleets, the list of vehicles, and the fleet's figures."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from twinpack.views.shapes.common import At, Column, PageInfo, Shape, VehicleId

Reporting = Literal["reporting", "late", "stale", "never"]


class AlarmCounts(Shape):
    """Alarms that are not cleared, by severity; what is only watched is not counted."""

    critical: int = Field(default=0, description="Of severity 3.")
    warning: int = Field(default=0, description="Of severity 2.")
    notice: int = Field(default=0, description="Of severity 1.")
    info: int = Field(default=0, description="Of severity 0.")


class FleetItem(Shape):
    """A fleet."""

    name: str = Field(examples=["harbour"])
    vehicles: int
    default_pack: str = ""
    notes: str = ""


class FleetList(Shape):
    """The fleets that may be seen."""

    items: list[FleetItem]


class VehicleRow(Shape):
    """A vehicle as lists show it. `*_pct`, `*_x` figures are estimated by its twin; distance and times are measured."""

    vehicle_id: VehicleId
    label: str = Field(default="", description="What people call it.")
    fleet: str
    pack: str = Field(description="Name of its pack specification: the model.")
    model_year: int | None = None
    age_years: float | None = Field(description="From its first sample to its newest.")
    distance_km: float | None = Field(description="Odometer, or the distance of its trips.")
    health_pct: float | None = Field(description="Capacity, % of a new pack's; null when not known yet.")
    health_sd_pct: float | None = None
    deviation_pts: float | None = Field(description="Capacity health less the cohort's median at its distance.")
    resistance_x: float | None = Field(description="Resistance, times that of a new pack.")
    soc_pct: float | None = Field(description="State of charge by its twin.")
    trend_pct: Column = Field(
        description="Capacity health at 12 equal steps over the 12 months before its newest sample, oldest first."
    )
    alarms: AlarmCounts
    reporting: Reporting = Field(
        description="reporting, late (2 missed intervals), stale (24 h, a setting) or never (no sample yet)."
    )
    last_seen_at: At | None
    overdue: bool = Field(description="No accepted update in the 30 days (a setting) before its newest sample.")
    retired: bool = False


class VehiclePage(Shape):
    """Some vehicles, in the order asked for."""

    items: list[VehicleRow]
    page: PageInfo
    nearest: str = Field(default="", description="When none matches: how near the nearest is, in words.")


class CohortBand(Shape):
    """Capacity health of vehicles like each other, over distance or age; columns of one length."""

    pack: str
    x: Column = Field(description="Distance in km, or age in years.")
    p10_pct: Column
    median_pct: Column
    p90_pct: Column
    vehicles: list[int] = Field(description="How many vehicles each point rests on.")


class Scatter(Shape):
    """One dot a vehicle; columns of one length. Vehicles whose health is not known are left out."""

    vehicle_id: list[str]
    pack: list[str]
    distance_km: Column
    age_years: Column
    health_pct: Column
    deviation_pts: Column
    by_distance: list[CohortBand]
    by_age: list[CohortBand]


class Histogram(Shape):
    """Vehicles by capacity health in steps of 1 %."""

    from_pct: list[float] = Field(description="Lower edge of each step.")
    vehicles: list[int]


class PackItem(Shape):
    """A model in the fleet."""

    pack: str
    vehicles: int


class FleetSummary(Shape):
    """The figures over a fleet page."""

    as_of: At
    vehicles: int
    packs: list[PackItem]
    reporting: int
    late: int
    stale: int
    never: int
    alarms: AlarmCounts
    health_median_pct: float | None
    health_low_pct: float | None = Field(description="Lower quartile.")
    health_high_pct: float | None = Field(description="Upper quartile.")
    health_known: int = Field(description="Vehicles whose capacity health is known.")
    overdue: int
    overdue_days: float = Field(description="Days without an accepted update after which a twin is overdue.")
    histogram: Histogram


class SearchHit(Shape):
    """Something found by its name."""

    kind: Literal["vehicle", "alarm", "code", "version"]
    label: str
    detail: str = ""
    path: str = Field(description="Where the web app shows it.", examples=["/vehicles/HF-0417"])


class SearchResult(Shape):
    """What a search found, best first."""

    items: list[SearchHit]
