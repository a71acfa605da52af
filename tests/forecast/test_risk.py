"""Signs of a vehicle at a moment."""

from __future__ import annotations

import numpy as np

from twinpack.forecast.risk import DAY_US, Daily, Found, known_at, reasons, weeks_of
from twinpack.learn.failure import NAMES, prior_model, sign_at

NOW = 20_000 * DAY_US


def found(days_ago: float, change: str = "raised", level: str = "alarm", severity: int = 2, **more: str) -> Found:
    told = {"code": "P0BBE", "subject": "cell 7", "category": "battery"} | more
    return Found(NOW - round(days_ago * DAY_US), change=change, level=level, severity=severity, **told)


def signs(*steps: Found, days: Daily | None = None) -> dict[str, float]:
    values = known_at(NOW, steps, days).signs
    return {name: float(value) for name, value in zip(NAMES, values, strict=True) if value}


def daily(low_mv: float = 0.0, decades_a_year: float = 0.0, odd: float = 0.5, count: int = 60) -> Daily:
    day = NOW / DAY_US - np.arange(count, 0, -1.0)
    months = (day - day[0]) / 30.4375
    isolation = 5000.0 * 10 ** (-decades_a_year * (day - day[0]) / 365.25)
    return Daily(day, 0.003 + low_mv / 1000.0 * months, isolation, np.full(count, odd))


def test_open_findings_of_the_battery_are_signs_until_they_are_gone() -> None:
    assert signs(found(60)) == {"limiting": 1.0}
    assert signs(found(60, severity=3)) == {"severe": 1.0}
    assert signs(found(60, severity=1)) == {"alarm": 1.0}
    assert signs(found(60, level="watch")) == {"watch": 1.0}
    assert signs(found(60), found(50, "gone")) == {}
    assert signs(found(60), found(50, "passed")) == {}
    assert signs(found(60, "pending")) == {}
    assert signs(found(60, category="sensor")) == {}


def test_what_is_fresh_counts_for_more_and_what_is_later_for_nothing() -> None:
    assert signs(found(3)) == {"limiting": 1.0, "fresh": 1.0}
    assert signs(found(-1)) == {}


def test_each_fault_has_its_own_life() -> None:
    assert signs(found(60), found(50, subject="cell 8"), found(40, "gone")) == {"limiting": 1.0}


def test_trends_are_told_where_they_are() -> None:
    assert signs(days=daily()) == {}
    assert abs(signs(days=daily(low_mv=5.0))["spread"] - 1.0) < 0.05
    assert abs(signs(days=daily(decades_a_year=2.0))["isolation"] - 2.0) < 0.05
    assert signs(days=daily(decades_a_year=0.5)) == {}
    assert abs(signs(days=daily(odd=0.95))["odd"] - 0.75) < 1e-9
    assert signs(days=daily(low_mv=5.0, count=5)) == {}


def test_a_wild_day_is_no_trend() -> None:
    days = daily()
    days.low_v[-1] = 1.0
    assert signs(days=days) == {}


def test_later_days_are_not_looked_at() -> None:
    days = daily(low_mv=20.0)
    early = known_at(NOW - 60 * DAY_US, (), days)
    assert not early.signs.any()


def test_reasons_are_words_the_largest_share_first() -> None:
    known = known_at(NOW, [found(60, severity=1), found(5, level="watch", code="TP-CELL-LOW")], daily(low_mv=5.0))
    told = reasons(prior_model(), known)
    assert told[0] == "P0BBE of cell 7 is open for 60 days"
    assert told[1] == "TP-CELL-LOW of cell 7 is watched for 5 days"
    assert told[2] == "its lowest cell falls behind the others by 5.0 mV a month"
    assert reasons(prior_model(), known_at(NOW, (), None)) == ()


def test_the_pace_of_ageing_is_a_sign() -> None:
    known = known_at(NOW, (), None, np.array([2.5, np.nan]))
    assert known.signs[sign_at("fade")] == 2.5
    assert "capacity falls faster" in known.words["fade"]


def test_weeks_tell_what_was_known_at_their_begin() -> None:
    begin = NOW - 70 * DAY_US
    weeks = weeks_of(begin, NOW, [found(40)], None, [NOW - 20 * DAY_US])
    assert weeks.failed.sum() == 1
    at = int(np.flatnonzero(weeks.failed)[0])
    assert weeks.weeks[at] < 1.0 + 1e-9
    limiting = weeks.signs[:, sign_at("limiting")]
    assert not limiting[0] and limiting[at]
    assert (weeks.begin_us > NOW - 20 * DAY_US).sum() == 0  # a month after a failure is left out
