"""One vehicle's row and page, from its versions, trips and scores."""

from __future__ import annotations

from collections.abc import Sequence

from twinpack.battery.pack import PackSpec
from twinpack.report.data import FleetRow, TraceSeries, VehicleReport, VoltageHistory
from twinpack.store.records import VehicleRecord
from twinpack.twin.explain import explain
from twinpack.twin.figures import Health, deployed_version, health
from twinpack.twin.sentences import in_words
from twinpack.twin.versions import ACCEPTED, REFUSED, TwinVersion
from twinpack.views.twin.loop import coverage, coverage_rows, loop_steps, median
from twinpack.views.twin.parameters import parameter_series
from twinpack.views.twin.records import TripPoint
from twinpack.views.twin.trips import moved_in_words, version_rows


def fleet_row(
    record: VehicleRecord,
    versions: Sequence[TwinVersion],
    trips: Sequence[TripPoint],
    new_capacity_ah: float | None,
    last_seen_us: int | None,
) -> FleetRow:
    """A vehicle's line in the fleet table; its deviation is left for when the fleet's median is known."""
    deployed = deployed_version(versions)
    state = health(deployed, new_capacity_ah) if deployed else Health()
    distances = [trip.distance_km for trip in trips if trip.distance_km is not None]
    return FleetRow(
        vehicle_id=record.vehicle_id,
        pack=record.pack,
        distance_km=sum(distances) if distances else None,
        trips=len(trips),
        health_pct=state.capacity_pct,
        health_sd_pct=state.capacity_sd_pct,
        deviation_pts=None,
        resistance_x=state.resistance_x,
        error_never_v=median(trip.never_v for trip in trips),
        error_living_v=median(trip.living_v for trip in trips),
        coverage_pct=coverage(trips, lambda trip: trip.living_coverage_pct),
        versions=len(versions),
        accepted=sum(version.kind == ACCEPTED for version in versions),
        refused=sum(version.kind == REFUSED for version in versions),
        last_seen_us=last_seen_us if last_seen_us is not None else max((t.end_us for t in trips), default=None),
    )


def vehicle_report(
    record: VehicleRecord,
    pack: PackSpec | None,
    versions: Sequence[TwinVersion],
    trips: tuple[TripPoint, ...],
    threshold_v: float | None,
    policy: str,
    history: VoltageHistory,
    shown: tuple[TraceSeries, ...],
    axes: dict[str, tuple[float, float]],
    explanations: tuple[str, ...],
) -> VehicleReport:
    """A vehicle's page; see `VehicleReport` for what the arguments mean."""
    new_capacity_ah = pack.capacity_ah if pack else None
    rows = version_rows(versions, trips)
    changed = moved_in_words(versions[-1].parameters) if versions else ()
    return VehicleReport(
        vehicle_id=record.vehicle_id,
        pack=record.pack,
        pack_facts=_facts(record.pack, pack),
        new_capacity_ah=new_capacity_ah,
        threshold_v=threshold_v,
        policy=policy,
        loop=loop_steps(trips, rows, threshold_v, policy, changed),
        trips=trips,
        history=history,
        traces=shown,
        parameters=parameter_series(versions, new_capacity_ah, axes),
        coverage=coverage_rows(trips),
        versions=rows,
        explanations=explanations,
    )


def changes_in_words(versions: Sequence[TwinVersion], pack: PackSpec | None) -> tuple[str, ...]:
    """Each change of what is deployed in a paragraph, newest first."""
    told = explain(versions, pack.capacity_ah if pack else None)
    return tuple(in_words(each) for each in reversed(told) if each.changes)


def _facts(name: str, pack: PackSpec | None) -> str:
    if pack is None:
        return name
    return f"{name} · {pack.chemistry} {pack.series}s{pack.parallel}p · {pack.capacity_ah:g} Ah"
