"""Figures made from other figures: the strip, the fleet's error over trips, coverage by hardness, the last loop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from twinpack.report.data import CoverageRow, FleetErrors, FleetFigures, FleetRow, LoopStep, TripPoint, VersionRow
from twinpack.twin.words import counted

THIN_SPACE = "\u2009"
MINUS = "\u2212"


def median(values: Iterable[float | None]) -> float | None:
    """Median of the known values, or None."""
    known = _known(values)
    return float(np.median(known)) if known else None


def coverage(trips: Iterable[TripPoint], part: Callable[[TripPoint], float | None]) -> float | None:
    """Mean of `part(trip)` weighted by scored samples, or None."""
    pairs = [(value, trip.samples) for trip in trips if (value := part(trip)) is not None and trip.samples > 0]
    if not pairs:
        return None
    values, weights = zip(*pairs, strict=True)
    return float(np.average(values, weights=weights))


def fleet_figures(rows: Sequence[FleetRow], trips: Sequence[TripPoint]) -> FleetFigures:
    """The strip over `rows`; medians and coverage over all of `trips` that were scored."""
    health = _known(row.health_pct for row in rows)
    return FleetFigures(
        vehicles=len(rows),
        packs=len({row.pack for row in rows}),
        trips=sum(row.trips for row in rows),
        scored_trips=sum(trip.living_v is not None for trip in trips),
        error_never_v=median(trip.never_v for trip in trips),
        error_living_v=median(trip.living_v for trip in trips),
        coverage_pct=coverage(trips, lambda trip: trip.living_coverage_pct),
        health_pct=median(health),
        health_low_pct=float(np.percentile(health, 25)) if health else None,
        health_high_pct=float(np.percentile(health, 75)) if health else None,
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


def coverage_rows(trips: Sequence[TripPoint]) -> tuple[CoverageRow, ...]:
    """Coverage over all scored trips, then over the gentlest quarter, the middle half and the hardest quarter."""
    scored = [trip for trip in trips if trip.living_coverage_pct is not None]
    groups = [("All trips", scored)]
    ranked = sorted(scored, key=lambda trip: (trip.hardness or 0.0, trip.number))
    quarter = len(ranked) // 4
    if quarter:
        groups += [
            ("Gentlest ¼", ranked[:quarter]),
            ("Middle half", ranked[quarter:-quarter]),
            ("Hardest ¼", ranked[-quarter:]),
        ]
    return tuple(_coverage_row(name, group) for name, group in groups if group)


def loop_steps(
    trips: Sequence[TripPoint],
    versions: Sequence[VersionRow],
    threshold_v: float | None,
    policy: str,
    changed: Sequence[str],
) -> tuple[LoopStep, ...]:
    """Predict, measure, decide, recalibrate, outcome of the last decision; empty before the first.

    Args:
        trips: All trips in order.
        versions: All versions, oldest first.
        threshold_v: Error that calls for an update.
        policy: Update policy in force.
        changed: What a recalibration moves, in words.
    """
    decided = [version for version in versions if version.trip > 0 and version.kind in ("accepted", "refused")]
    points = {trip.number: trip for trip in trips}
    if not decided or decided[-1].trip not in points:
        return ()
    last = decided[-1]
    trip = points[last.trip]
    limit = f"RMSE; limit {volts(threshold_v)}" if threshold_v is not None else "RMSE of pack voltage"
    over = threshold_v is not None and last.error_v is not None and last.error_v > threshold_v
    return (
        LoopStep("Predict", f"trip {count(trip.number)}, v{trip.version}", f"{count(trip.samples)} samples, 95 % band"),
        LoopStep("Measure", volts(last.error_v), limit),
        LoopStep("Decide", "over the limit" if over else "update proposed", f"policy: {policy}"),
        LoopStep("Recalibrate", counted(len(changed), "parameter"), ", ".join(changed)),
        _outcome(last),
    )


def volts(value: float | None) -> str:
    """A voltage for people."""
    return "not known" if value is None else f"{value:.2f} V".replace("-", MINUS)


def count(value: int) -> str:
    """A whole number with thin spaces in the thousands."""
    return f"{value:,}".replace(",", THIN_SPACE)


def _outcome(last: VersionRow) -> LoopStep:
    if last.kind == "refused":
        return LoopStep("Refused", f"as v{last.number}", last.reason)
    if last.next_error_v is None or not last.error_v:
        return LoopStep("Accepted", f"as v{last.number}", "the next trip will show its effect")
    change = f"{100 * (last.next_error_v / last.error_v - 1):+.0f} % error on the next trip".replace("-", MINUS)
    return LoopStep("Accepted", f"as v{last.number}, {volts(last.next_error_v)}", change)


def _coverage_row(name: str, group: Sequence[TripPoint]) -> CoverageRow:
    living = coverage(group, lambda trip: trip.living_coverage_pct)
    return CoverageRow(name, len(group), living, coverage(group, lambda trip: trip.never_coverage_pct))


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None and np.isfinite(value)]
