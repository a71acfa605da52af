"""Figures of a fleet made from those of its vehicles: the strip, and the error over trips."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from twinpack.report.data import FleetErrors, FleetFigures, FleetRow
from twinpack.views.twin.loop import coverage, known, median
from twinpack.views.twin.records import TripPoint


def fleet_figures(rows: Sequence[FleetRow], trips: Sequence[TripPoint]) -> FleetFigures:
    """The strip over `rows`; medians and coverage over all of `trips` that were scored."""
    healths = known(row.health_pct for row in rows)
    return FleetFigures(
        vehicles=len(rows),
        packs=len({row.pack for row in rows}),
        trips=sum(row.trips for row in rows),
        scored_trips=sum(trip.living_v is not None for trip in trips),
        error_never_v=median(trip.never_v for trip in trips),
        error_living_v=median(trip.living_v for trip in trips),
        coverage_pct=coverage(trips, lambda trip: trip.living_coverage_pct),
        health_pct=median(healths),
        health_low_pct=float(np.percentile(healths, 25)) if healths else None,
        health_high_pct=float(np.percentile(healths, 75)) if healths else None,
        accepted=sum(row.accepted for row in rows),
        refused=sum(row.refused for row in rows),
    )


def fleet_errors(vehicles: Sequence[Sequence[TripPoint]]) -> FleetErrors:
    """Median and p10 to p90 over vehicles of the error on each trip number."""
    by_number: dict[int, list[tuple[float, float]]] = {}
    for trip in (trip for trips in vehicles for trip in trips):
        if trip.never_v is not None and trip.living_v is not None:
            by_number.setdefault(trip.number, []).append((trip.never_v, trip.living_v))
    numbers = sorted(by_number)
    spread = np.array([np.percentile(by_number[n], (10, 50, 90), axis=0) for n in numbers]).reshape(-1, 3, 2)
    return FleetErrors(
        trip=tuple(numbers),
        never_low_v=spread[:, 0, 0],
        never_median_v=spread[:, 1, 0],
        never_high_v=spread[:, 2, 0],
        living_low_v=spread[:, 0, 1],
        living_median_v=spread[:, 1, 1],
        living_high_v=spread[:, 2, 1],
        vehicles=tuple(len(by_number[n]) for n in numbers),
    )
