"""Trips and versions of one twin, from rows of the lake and of the registry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from twinpack.twin.figures import deployed_version, is_ocv, short_name
from twinpack.twin.versions import ACCEPTED, TwinVersion
from twinpack.views.twin.records import TripPoint, VersionRow

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


def moved_in_words(parameters: Sequence[str]) -> tuple[str, ...]:
    """Parameters for people; the points of a living OCV are one curve."""
    points = sum(is_ocv(name) for name in parameters)
    single = tuple(short_name(name) for name in parameters if not is_ocv(name))
    return (*single, f"open-circuit voltage at {points} points") if points else single


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
