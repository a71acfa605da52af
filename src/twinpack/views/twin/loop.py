"""The last loop of a twin in five steps, and how often its bands held, by how hard the trips were."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from twinpack.twin.words import counted
from twinpack.views.twin.records import CoverageRow, LoopStep, TripPoint, VersionRow

THIN_SPACE = "\u2009"
MINUS = "\u2212"


def median(values: Iterable[float | None]) -> float | None:
    """Median of the known values, or None."""
    numbers = known(values)
    return float(np.median(numbers)) if numbers else None


def coverage(trips: Iterable[TripPoint], part: Callable[[TripPoint], float | None]) -> float | None:
    """Mean of `part(trip)` weighted by scored samples, or None."""
    pairs = [(value, trip.samples) for trip in trips if (value := part(trip)) is not None and trip.samples > 0]
    if not pairs:
        return None
    values, weights = zip(*pairs, strict=True)
    return float(np.average(values, weights=weights))


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


def known(values: Iterable[float | None]) -> list[float]:
    """Those that are numbers."""
    return [value for value in values if value is not None and np.isfinite(value)]
