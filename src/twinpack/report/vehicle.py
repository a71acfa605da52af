"""One vehicle's row and page, from its versions, trips and scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from twinpack.battery.pack import PackSpec
from twinpack.report.data import FleetRow, TraceSeries, TripPoint, VehicleReport, VersionRow, VoltageHistory
from twinpack.report.parameters import parameter_series
from twinpack.report.summarise import coverage, coverage_rows, loop_steps, median
from twinpack.store.records import VehicleRecord
from twinpack.twin.explain import explain
from twinpack.twin.figures import Health, deployed_version, health, is_ocv, short_name
from twinpack.twin.sentences import in_words
from twinpack.twin.versions import ACCEPTED, REFUSED, TwinVersion

_RESTING = "resting"
_UNSCORED = "unscored"


def trip_points(trips: Sequence[Mapping[str, Any]], scores: Sequence[Mapping[str, Any]]) -> tuple[TripPoint, ...]:
    """Trips with their scores, in order; rests are left out.

    Args:
        trips: Rows of the lake's `trips` of one vehicle.
        scores: Rows of its `predictions`.
    """
    scored = {score["trip_number"]: score for score in scores}
    driven = [trip for trip in trips if trip["kind"] != _RESTING or trip["number"] in scored]
    return tuple(_point(trip, scored.get(trip["number"], {})) for trip in sorted(driven, key=lambda t: t["number"]))


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
    changed = _changed(versions[-1].parameters) if versions else ()
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


def _changed(parameters: Sequence[str]) -> tuple[str, ...]:
    """Parameters for people; the points of a living OCV are one curve."""
    points = sum(is_ocv(name) for name in parameters)
    single = tuple(short_name(name) for name in parameters if not is_ocv(name))
    return (*single, f"open-circuit voltage at {points} points") if points else single


def version_rows(versions: Sequence[TwinVersion], trips: Sequence[TripPoint]) -> tuple[VersionRow, ...]:
    """The version history, each accepted update with the error of the next scored trip."""
    deployed = deployed_version(versions)
    errors = [(trip.number, trip.living_v) for trip in trips if trip.living_v is not None]
    return tuple(
        VersionRow(
            number=version.number,
            kind=version.kind,
            time_us=version.sample_time_us,
            trip=version.trip_number,
            reason=version.reason,
            error_v=version.deployed_rmse_v,
            challenger_v=version.challenger_rmse_v,
            never_v=version.never_rmse_v,
            next_error_v=next((error for number, error in errors if number > version.trip_number), None)
            if version.kind == ACCEPTED
            else None,
            deployed=version is deployed,
            hash=version.hash,
            parent_hash=version.parent_hash,
        )
        for version in versions
    )


def changes_in_words(versions: Sequence[TwinVersion], pack: PackSpec | None) -> tuple[str, ...]:
    """Each change of what is deployed in a paragraph, newest first."""
    told = explain(versions, pack.capacity_ah if pack else None)
    return tuple(in_words(each) for each in reversed(told) if each.changes)


def _facts(name: str, pack: PackSpec | None) -> str:
    if pack is None:
        return name
    return f"{name} · {pack.chemistry} {pack.series}s{pack.parallel}p · {pack.capacity_ah:g} Ah"


def _point(trip: Mapping[str, Any], score: Mapping[str, Any]) -> TripPoint:
    return TripPoint(
        number=trip["number"],
        kind=trip["kind"],
        start_us=trip["start_us"],
        end_us=trip["end_us"],
        distance_km=trip["distance_km"],
        soc_swing_pct=_difference(trip["soc_start_pct"], trip["soc_end_pct"]),
        never_v=score.get("never_rmse_v"),
        living_v=score.get("deployed_rmse_v"),
        never_coverage_pct=_percent(score.get("never_coverage_95")),
        living_coverage_pct=_percent(score.get("deployed_coverage_95")),
        samples=score.get("scored_samples") or 0,
        version=score.get("version_number") or 0,
        decision=score.get("decision") or _UNSCORED,
        hardness=trip["c_rate_rms"],
    )


def _difference(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else abs(first - second)


def _percent(share: float | None) -> float | None:
    return None if share is None else 100.0 * share
