"""When a vehicle should be looked at, and why: from its risk, its remaining life and its warranties."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from twinpack.forecast.risk import FailureRisk
from twinpack.forecast.vehicle import VehicleForecast

URGENT_30, LIKELY_90, POSSIBLE_90 = 0.05, 0.01, 0.004
"""Probability of a failure within 30 days from which on a vehicle is looked at within a week; within 90 days, from
which on within a month, and within three."""

CLAIM, CLAIM_BEFORE_DAYS, CLAIM_AHEAD_DAYS = 0.2, 30, 180
"""Probability of a warranty claim from which on capacity is measured so many days before the warranty ends, once that
is no further ahead than so many."""

LIFE_AHEAD_MONTHS = 6.0
"""Median time to end of life from which on the replacement is planned."""

_WEEK, _MONTH, _QUARTER = 7, 30, 90


@dataclass(frozen=True)
class Suggestion:
    """A day by which a vehicle should be looked at, and why; no day where nothing calls for it."""

    on: date | None
    why: str


def suggest(today: date, risk: FailureRisk, forecast: VehicleForecast | None) -> Suggestion:
    """The earliest of what calls for an inspection.

    Args:
        today: The day it is.
        risk: Its risk of failure.
        forecast: What is to come of it, None where that is not known.
    """
    found = [one for one in (_by_risk(today, risk), *_by_forecast(today, forecast)) if one.on is not None]
    return min(found, key=lambda one: (one.on or today, -len(one.why)), default=Suggestion(None, ""))


def _by_risk(today: date, risk: FailureRisk) -> Suggestion:
    if not risk.reasons:  # the base rate alone sends nobody to a workshop
        return Suggestion(None, "")
    text = "; ".join(risk.reasons)
    text = text[:1].upper() + text[1:]
    if risk.severe:
        return Suggestion(today, f"{text}: an alarm of severity 3 should not wait")
    if risk.p30 >= URGENT_30:
        return Suggestion(today + timedelta(_WEEK), f"{text}; {_chance(risk.p30, risk.p30_low, risk.p30_high, 30)}")
    for least, days in ((LIKELY_90, _MONTH), (POSSIBLE_90, _QUARTER)):
        if risk.p90 >= least:
            return Suggestion(today + timedelta(days), f"{text}; {_chance(risk.p90, risk.p90_low, risk.p90_high, 90)}")
    return Suggestion(None, "")


def _chance(middle: float, low: float, high: float, days: int) -> str:
    return f"probability of failure in {days} days {_pct(middle)} % ({_pct(low)} to {_pct(high)})"


def _pct(share: float) -> str:
    value = 100.0 * share
    return f"{value:.0f}" if value >= 9.5 else f"{value:.1f}" if value >= 0.095 else f"{value:.2g}"


def _by_forecast(today: date, forecast: VehicleForecast | None) -> list[Suggestion]:
    if forecast is None or forecast.why_not:
        return []
    found = []
    for one in forecast.warranties:
        if one.probability is None or one.until is None or one.probability < CLAIM:
            continue
        if (one.until - today).days <= CLAIM_AHEAD_DAYS:
            day = max(one.until - timedelta(CLAIM_BEFORE_DAYS), today)
            chance = f"{one.name} ends on {one.until} and falls short with {100 * one.probability:.0f} %"
            found.append(Suggestion(day, f"Measure its capacity while a claim is in time: {chance}"))
    if forecast.ends and (end := forecast.ends[-1]).months.p50 is not None and end.months.p50 <= LIFE_AHEAD_MONTHS:
        day = today + timedelta(_MONTH)
        when = "is reached" if end.months.p50 == 0 else f"comes in {end.months.p50:.0f} months"
        found.append(Suggestion(day, f"Plan its replacement: end of life at {end.limit_pct:g} % {when}"))
    return found
