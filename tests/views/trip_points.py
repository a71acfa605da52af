"""Trips as a twin's pages show them, of figures that a test does not care for."""

from __future__ import annotations

from dataclasses import replace

from twinpack.views.twin.records import TripPoint


def trip(number: int, living: float | None = 0.5, never: float | None = 1.0, **changes: object) -> TripPoint:
    point = TripPoint(
        number=number,
        kind="driving",
        start_us=number * 1_000_000,
        end_us=number * 1_000_000 + 500_000,
        distance_km=None,
        soc_swing_pct=None,
        never_v=never,
        living_v=living,
        never_coverage_pct=50.0,
        living_coverage_pct=95.0,
        samples=100,
        version=1,
        decision="kept",
        hardness=float(number),
    )
    return replace(point, **changes)  # type: ignore[arg-type]
