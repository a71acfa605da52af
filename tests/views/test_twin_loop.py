from __future__ import annotations

import pytest

from tests.views.trip_points import trip
from twinpack.views.twin.loop import count, coverage, coverage_rows, loop_steps, median
from twinpack.views.twin.records import VersionRow


def version(number: int, kind: str, at_trip: int, next_error_v: float | None = None) -> VersionRow:
    return VersionRow(
        number=number,
        kind=kind,
        time_us=0,
        trip=at_trip,
        reason="because",
        error_v=1.31,
        challenger_v=0.6,
        never_v=3.0,
        next_error_v=next_error_v,
    )


def test_medians_leave_out_what_is_not_known() -> None:
    assert median([None, 1.0, float("nan"), 3.0]) == 2.0
    assert median([None]) is None


def test_coverage_counts_samples_not_trips() -> None:
    trips = [trip(1, samples=300, living_coverage_pct=90.0), trip(2, samples=100, living_coverage_pct=98.0)]

    assert coverage(trips, lambda t: t.living_coverage_pct) == pytest.approx(92.0)
    assert coverage([], lambda t: t.living_coverage_pct) is None


def test_coverage_is_told_from_gentle_to_hard() -> None:
    rows = coverage_rows([trip(n, living_coverage_pct=float(90 + n)) for n in range(1, 9)])

    assert [(row.group, row.trips, row.living_pct) for row in rows] == [
        ("All trips", 8, 94.5),
        ("Gentlest ¼", 2, 91.5),
        ("Middle half", 4, 94.5),
        ("Hardest ¼", 2, 97.5),
    ]


def test_too_few_trips_for_quarters_give_one_row() -> None:
    assert [row.group for row in coverage_rows([trip(1), trip(2)])] == ["All trips"]


def test_the_last_decision_is_told_in_five_steps() -> None:
    versions = [version(1, "prototype", 0), version(2, "accepted", 2, next_error_v=0.42)]
    steps = loop_steps([trip(1), trip(2), trip(3)], versions, 1.2, "threshold", ["capacity", "resistance"])

    assert [step.word for step in steps] == ["Predict", "Measure", "Decide", "Recalibrate", "Accepted"]
    assert steps[1].rest == "1.31 V"
    assert steps[2].rest == "over the limit"
    assert steps[4].support == "−68 % error on the next trip"


def test_a_refusal_says_why() -> None:
    steps = loop_steps([trip(1)], [version(2, "refused", 1)], 1.2, "threshold", ["capacity"])

    assert (steps[-1].word, steps[-1].support) == ("Refused", "because")


def test_before_the_first_decision_there_is_no_loop() -> None:
    assert loop_steps([trip(1)], [version(1, "prototype", 0)], 1.2, "threshold", ["capacity"]) == ()


def test_thousands_are_set_apart() -> None:
    assert count(12345) == "12\u2009345"
