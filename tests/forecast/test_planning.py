"""When a vehicle should be looked at, and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from twinpack.forecast.planning import suggest
from twinpack.forecast.risk import FailureRisk
from twinpack.forecast.vehicle import LifeEnd, Spread, VehicleForecast, WarrantyRisk

TODAY = date(2026, 3, 1)
QUIET = FailureRisk("A", 1e-4, 1e-5, 1e-3, 3e-4, 3e-5, 3e-3, False, ())
TOLD = VehicleForecast("A", "p", TODAY)


def risky(p30: float, p90: float, severe: bool = False) -> FailureRisk:
    return replace(
        QUIET, p30=p30, p30_high=2 * p30, p90=p90, p90_high=2 * p90, severe=severe, reasons=("its cells differ",)
    )


def test_nothing_is_suggested_where_nothing_calls_for_it() -> None:
    assert suggest(TODAY, QUIET, None).on is None
    assert suggest(TODAY, QUIET, TOLD).on is None
    assert suggest(TODAY, replace(QUIET, p90=0.5), None).on is None, "a rate without a reason sends nobody"


@pytest.mark.parametrize(
    ("risk", "days"),
    [(risky(0.2, 0.4), 7), (risky(0.01, 0.03), 30), (risky(0.002, 0.006), 90), (risky(1e-4, 1e-3), None)],
)
def test_the_likelier_the_sooner(risk: FailureRisk, days: int | None) -> None:
    made = suggest(TODAY, risk, None)
    assert (None if made.on is None else (made.on - TODAY).days) == days
    if made.on:
        assert made.why.startswith("Its cells differ; probability of failure in")


def test_a_severe_alarm_does_not_wait() -> None:
    made = suggest(TODAY, risky(0.01, 0.02, severe=True), None)
    assert made.on == TODAY and "should not wait" in made.why


def test_a_claim_is_measured_while_it_is_in_time() -> None:
    claim = WarrantyRisk("ours", "energy", 70.0, date(2026, 6, 1), 0.6, "")
    made = suggest(TODAY, QUIET, replace(TOLD, warranties=(claim,)))
    assert made.on == date(2026, 5, 2)
    assert "ours ends on 2026-06-01 and falls short with 60 %" in made.why
    far, unlikely = replace(claim, until=date(2028, 1, 1)), replace(claim, probability=0.1)
    assert suggest(TODAY, QUIET, replace(TOLD, warranties=(far, unlikely))).on is None
    over = replace(claim, until=date(2026, 3, 10))
    assert suggest(TODAY, QUIET, replace(TOLD, warranties=(over,))).on == TODAY


def test_a_replacement_is_planned_when_life_ends_soon() -> None:
    spread = Spread(1.0, 4.0, 9.0)
    end = LifeEnd(70.0, 0.1, (None,) * 7, 1.0, spread, spread, spread)
    made = suggest(TODAY, QUIET, replace(TOLD, ends=(end,)))
    assert "end of life at 70 % comes in 4 months" in made.why
    later = replace(end, months=Spread(20.0, 40.0, None))
    assert suggest(TODAY, QUIET, replace(TOLD, ends=(later,))).on is None
