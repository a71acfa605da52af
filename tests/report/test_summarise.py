from __future__ import annotations

from dataclasses import replace

import pytest

from twinpack.report.summarise import fleet_errors, fleet_figures
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


def test_an_empty_fleet_has_figures_that_are_not_known() -> None:
    figures = fleet_figures([], [])

    assert (figures.vehicles, figures.health_pct, figures.error_living_v) == (0, None, None)
    assert fleet_errors([]).trip == ()


def test_errors_of_the_fleet_are_by_trip_number() -> None:
    errors = fleet_errors([[trip(1, None, None), trip(2, 0.2, 1.0)], [trip(2, 0.4, 3.0), trip(3, 0.5, 4.0)]])

    assert errors.trip == (2, 3)
    assert errors.vehicles == (2, 1)
    assert errors.living_median_v.tolist() == pytest.approx([0.3, 0.5])
    assert errors.never_median_v.tolist() == pytest.approx([2.0, 4.0])
