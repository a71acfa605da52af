"""One vehicle: its figures, what it sends, its cells, trips and health."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from twinpack.views.shapes.common import At, Column, Estimate, PageInfo, Provenance, Shape, TimeMs, VehicleId
from twinpack.views.shapes.fleet import VehicleRow


class PackFacts(Shape):
    """The pack as specified."""

    name: str
    chemistry: str = Field(examples=["NMC"])
    series: int = Field(examples=[96])
    parallel: int = Field(examples=[3])
    capacity_ah: float = Field(examples=[180.0])
    energy_kwh: float | None = None
    modules: int | None = Field(description="Modules as drawn in the pack; null when the specification says nothing.")
    cells_per_module: int | None = None


class Change(Shape):
    """What led to the last change of the displayed health."""

    change_pts: float = Field(description="Of capacity health.", examples=[-0.6])
    wear_pts: float = Field(examples=[-0.4])
    knowledge_pts: float = Field(description="From better knowledge.", examples=[-0.2])
    since: At
    from_version: int
    to_version: int
    text: str = Field(description="Why, in words.")


class VehicleDetail(Shape):
    """A vehicle with its four kinds of health, kept apart."""

    row: VehicleRow
    pack: PackFacts | None
    vin: str | None = Field(description="Shown to those who may see it.")
    climate: str = ""
    notes: str = ""
    in_service_since: At | None
    state: Literal["driving", "charging", "parked", "unknown"]
    capacity: Estimate = Field(description="Capacity health, %.")
    capacity_ah: Estimate
    resistance: Estimate = Field(description="Resistance, times new.")
    resistance_ohm: Estimate
    imbalance_mv: float | None = Field(description="Highest less lowest cell at rest; measured.")
    imbalance_note: str = Field(default="", description="Which cell, and whether it grows.")
    bms_offset_pts: Estimate = Field(description="Health told by the BMS less the twin's; or charge, see its note.")
    bms_note: str = ""
    cohort_median_pct: float | None
    cohort_p10_pct: float | None
    cohort_p90_pct: float | None
    cohort_vehicles: int
    change: Change | None
    trips: int
    versions: int
    deployed_version: int | None
    may: list[str] = Field(description="What the one who asks may do here.", examples=[["rollback", "share"]])


class SignalValue(Shape):
    """The newest value of a signal."""

    name: str = Field(examples=["pack_voltage_v"])
    value: float | bool | None
    unit: str
    at: At
    provenance: Provenance = "measured"


class Latest(Shape):
    """The newest of everything; an old value is old, it is never carried forward."""

    vehicle_id: VehicleId
    at: At | None
    signals: list[SignalValue]
    soc_twin_pct: float | None = Field(description="State of charge by the twin; estimated.")
    faults: list[str] = Field(description="Trouble codes that hold now.")


class SignalSeries(Shape):
    """One signal over time; columns as long as `time_ms`. Without down-sampling, the three are equal."""

    name: str
    unit: str
    min: Column
    max: Column
    mean: Column


class Mark(Shape):
    """Something that happened, to be drawn over the signals."""

    at: At
    until: At | None = None
    kind: Literal["charge", "drive", "alarm", "recalibration", "refused", "rollback", "maintenance"]
    label: str
    severity: int | None = None
    ref: str = Field(default="", description="Alarm identifier, trip or version number.")


class Telemetry(Shape):
    """Signals of a vehicle over time, cut into equal steps; a step without samples is null in every column."""

    vehicle_id: VehicleId
    start: At
    end: At
    step_ms: int = Field(description="Width of a step; 0 when every sample is given as it came.")
    samples: int = Field(description="Samples in the range.")
    time_ms: TimeMs
    signals: list[SignalSeries]
    marks: list[Mark]


class CellFrame(Shape):
    """Every cell at one moment; columns of one length, cell 1 first."""

    vehicle_id: VehicleId
    at: At | None = Field(description="The frame's sample time; null when there is none.")
    voltage_v: Column
    deviation_mv: Column = Field(description="From the median cell.")
    temp_c: Column = Field(description="Of the probe nearest to the cell, as the pack's layout says.")
    rank: list[int | None] = Field(description="1 is the highest voltage.")
    z: Column = Field(description="Deviation in robust standard deviations of the pack.")
    probes_c: Column = Field(description="Temperature probes as they came.")
    modules: int
    cells_per_module: int
    median_v: float | None
    spread_mv: float | None
    current_a: float | None = Field(description="At that moment; a spread under load is not one at rest.")


class CellSeries(Shape):
    """One cell over time beside the others: its voltage, their median and their p10 to p90."""

    vehicle_id: VehicleId
    cell: int
    time_ms: TimeMs
    voltage_v: Column
    median_v: Column
    p10_v: Column
    p90_v: Column


class SpreadTrend(Shape):
    """Spread of the cells day by day, and which cells are weakest."""

    vehicle_id: VehicleId
    day_ms: TimeMs
    spread_mean_mv: Column
    spread_max_mv: Column
    frames_ms: TimeMs = Field(
        description="Moments to ask frames for, at most 500, evenly over the times it sent anything."
    )
    weakest: list[WeakCell]


class WeakCell(Shape):
    """A cell that stands out."""

    cell: int
    module: int
    deviation_mv: float
    z: float | None
    rank: int
    code: str = Field(default="", description="Trouble code that names it, if any.")


class Trip(Shape):
    """A driving, charging or resting session, with the error of the twin."""

    number: int
    kind: Literal["driving", "charging", "resting"]
    start: At
    end: At
    samples: int
    distance_km: float | None
    energy_out_kwh: float | None
    energy_in_kwh: float | None
    kwh_per_100km: float | None
    soc_start_pct: float | None
    soc_end_pct: float | None
    temp_mean_c: float | None
    c_rate_max: float | None
    version: int | None = Field(description="Version deployed when it began.")
    updated_rmse_v: float | None = Field(description="Error of the deployed version.")
    never_rmse_v: float | None = Field(description="Error of the never-updated prediction.")
    challenger_rmse_v: float | None
    updated_coverage_pct: float | None
    never_coverage_pct: float | None
    threshold_v: float | None
    decision: str = Field(default="", description="kept, accepted, refused or unscored; empty without a twin.")


class TripPage(Shape):
    """Trips, newest first."""

    items: list[Trip]
    page: PageInfo


class HealthHistory(Shape):
    """Health as it was known after each accepted version; columns as long as `time_ms`."""

    vehicle_id: VehicleId
    time_ms: TimeMs
    version: list[int]
    capacity_pct: Column
    capacity_sd_pct: Column
    resistance_x: Column
    resistance_sd_x: Column
    distance_km: Column
    new_capacity_ah: float | None
    cohort_median_pct: Column = Field(description="The cohort's median at the distance then.")


SpreadTrend.model_rebuild()
