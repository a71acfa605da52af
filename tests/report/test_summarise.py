from __future__ import annotations

import pytest

from tests.views.trip_points import trip
from twinpack.report.summarise import fleet_errors, fleet_figures


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
