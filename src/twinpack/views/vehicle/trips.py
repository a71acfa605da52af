"""Trips of a vehicle, newest first, each with how well the twin predicted it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twinpack.views.columns import records
from twinpack.views.cursors import Place, place_of
from twinpack.views.fleet.rows import figure
from twinpack.views.moments import moment
from twinpack.views.opened import Views
from twinpack.views.shapes.common import PageInfo
from twinpack.views.shapes.vehicle import Trip, TripPage
from twinpack.views.sight import Reach
from twinpack.views.spans import holds

_ORDER = "trips"
_LEAST_KM = 1.0


def trip_page(views: Views, reach: Reach, kind: str | None, cursor: str | None, limit: int) -> TripPage:
    """A page of trips.

    Args:
        views: The workspace.
        reach: The vehicle, and of what times it may be seen: trips that lie wholly within them.
        kind: `driving`, `charging` or `resting`; all when None.
        cursor: Where the page before ended, None for the first.
        limit: Most trips of a page.

    Raises:
        InputError: The cursor is none of ours.
        WorkspaceError: The lake cannot be read.
    """
    seen = [
        trip
        for trip in records(views.rows.trips(reach.vehicle_id))
        if holds(reach.span, trip["start_us"]) and holds(reach.span, trip["end_us"]) and kind in (None, trip["kind"])
    ]
    seen.sort(key=lambda trip: -trip["number"])
    before = _before(cursor)
    rest = seen if before is None else [trip for trip in seen if trip["number"] < before]
    page = rest[:limit]
    scores = {score["trip_number"]: score for score in records(views.rows.predictions(reach.vehicle_id))}
    more = len(rest) > limit
    return TripPage(
        items=[trip_of(trip, scores.get(trip["number"], {})) for trip in page],
        page=PageInfo(
            next_cursor=Place(_ORDER, float(page[-1]["number"]), "").cursor() if more else None, total=len(seen)
        ),
    )


def trip_of(trip: Mapping[str, Any], score: Mapping[str, Any]) -> Trip:
    """One trip with its score, which is empty where it has none."""
    distance, out, back = trip["distance_km"], trip["energy_out_kwh"], trip["energy_in_kwh"]
    if _told(trip["c_rate_max"], 2) is None:  # sums of a current that was never told are no energy
        out = back = None
    driven = trip["kind"] == "driving" and distance is not None and distance >= _LEAST_KM
    return Trip(
        number=trip["number"],
        kind=trip["kind"],
        start=moment(trip["start_us"]),
        end=moment(trip["end_us"]),
        samples=trip["samples"],
        distance_km=_told(distance, 2),
        energy_out_kwh=_told(out, 3),
        energy_in_kwh=_told(back, 3),
        kwh_per_100km=_told(100.0 * ((out or 0.0) - (back or 0.0)) / distance, 1)
        if driven and out is not None
        else None,
        soc_start_pct=_told(trip["soc_start_pct"], 1),
        soc_end_pct=_told(trip["soc_end_pct"], 1),
        temp_mean_c=_told(trip["temp_mean_c"], 1),
        c_rate_max=_told(trip["c_rate_max"], 2),
        version=score.get("version_number"),
        updated_rmse_v=_told(score.get("deployed_rmse_v"), 4),
        never_rmse_v=_told(score.get("never_rmse_v"), 4),
        challenger_rmse_v=_told(score.get("challenger_rmse_v"), 4),
        updated_coverage_pct=_percent(score.get("deployed_coverage_95")),
        never_coverage_pct=_percent(score.get("never_coverage_95")),
        threshold_v=_told(score.get("threshold_v"), 4),
        decision=score.get("decision") or "",
    )


def _before(cursor: str | None) -> float | None:
    if cursor is None:
        return None
    value = place_of(cursor, _ORDER).value
    return float(value) if isinstance(value, float) else None


def _told(value: float | None, decimals: int) -> float | None:
    return None if value is None else figure(value, decimals)


def _percent(share: float | None) -> float | None:
    return None if share is None else figure(100.0 * share, 1)
