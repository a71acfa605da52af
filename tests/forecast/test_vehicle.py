"""What is told of one vehicle's future."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from twinpack.battery.laws import LAWS
from twinpack.battery.ocv import ocv_table
from twinpack.battery.stress import Usage
from twinpack.battery.warranty import Warranty
from twinpack.forecast.outlook import LEVELS, EndOfLife, Outlook, health_left
from twinpack.forecast.vehicle import day_of, first_of, measured_of, told_of
from twinpack.forecast.warranty import Claims
from twinpack.learn.ageing import Histories

OCV = ocv_table("nmc811")
USAGE = Usage(
    temp_c=np.full((12, 1), 20.0),
    parked_soc=np.array([0.6]),
    cycled_soc=np.array([0.55]),
    depth=np.array([0.4]),
    c_rate=np.array([0.2]),
    fast_share=np.array([0.0]),
    cycles_per_day=np.array([0.2]),
    km_per_day=np.array([40.0]),
)
STEPS = np.linspace(-2.0, 2.0, len(LEVELS))


def outlook(now_pct: float = 90.0, a_month: float = 0.1, months: int = 24, limit: float = 80.0) -> Outlook:
    falling = now_pct - a_month * np.arange(1, months + 1)
    health = falling[None, :, None] + STEPS[:, None, None]
    left = (now_pct - limit) / a_month * (1.0 + 0.1 * STEPS)
    end = EndOfLife(
        limit,
        np.where(left <= months, left, np.inf)[:, None],
        np.zeros((months, 1)),
        health_left(np.array([now_pct]), limit),
    )
    return Outlook(("A",), 660, health, np.ones_like(health), now_pct + STEPS[:, None], (end,))


def told(found: Outlook, *claims: Claims, usage: Usage = USAGE):  # type: ignore[no-untyped-def]
    energy = np.zeros((3, found.capacity_pct.shape[1], 1))
    return told_of(0, found, energy, claims, usage, pack="p", model_hash="m", version=3)


def test_ninety_percent_with_end_of_life_at_eighty_leaves_half() -> None:
    end = told(outlook(90.0, limit=80.0)).ends[0]
    assert end.left == pytest.approx(0.5)
    assert told(outlook(100.0)).ends[0].left == 1.0
    assert told(outlook(80.0, a_month=0.1)).ends[0].left == 0.0
    assert told(outlook(70.0)).ends[0].left == 0.0


def test_months_and_dates_are_those_of_the_calendar() -> None:
    assert (first_of(0), first_of(660)) == (date(1970, 1, 1), date(2025, 1, 1))
    assert day_of(660, 1.5) == date(2025, 2, 15)
    assert day_of(660, np.inf) is None
    found = told(outlook())
    assert found.begins == date(2025, 1, 1)
    assert [one.month for one in found.months[:2]] == [date(2025, 1, 1), date(2025, 2, 1)]
    assert found.months[0].capacity_pct[3] == pytest.approx(89.9)


def test_what_is_left_is_told_in_months_cycles_and_kilometres() -> None:
    end = told(outlook(82.0, a_month=0.1)).ends[0]
    assert end.months.p50 == pytest.approx(20.0)
    assert end.cycles.p50 == pytest.approx(20.0 * 365.25 / 12 * 0.2)
    assert end.km.p50 == pytest.approx(20.0 * 365.25 / 12 * 40.0)
    assert end.date[3] == date(2026, 9, 1)
    unknown = told(outlook(82.0), usage=replace(USAGE, km_per_day=np.array([np.nan]))).ends[0]
    assert unknown.km.p50 is None


def test_beyond_the_outlook_there_is_no_date() -> None:
    end = told(outlook(99.0)).ends[0]
    assert end.date == (None,) * len(LEVELS)
    assert (end.months.p05, end.months.p95) == (None, None)


def test_a_warranty_says_why_it_has_no_probability() -> None:
    one = Warranty("w", 70.0, 8.0, 160_000.0)
    over, open_, late = (
        Claims(one, np.array([left]), np.array([chance]))
        for left, chance in ((0.0, np.nan), (12.0, 0.25), (99.0, np.nan))
    )
    risks = told(outlook(), over, open_, late).warranties
    assert [risk.why_not for risk in risks] == ["It is over.", "", "It ends beyond the outlook."]
    assert [risk.probability for risk in risks] == [None, 0.25, None]
    assert risks[1].until == date(2026, 1, 1)


def test_only_what_was_measured_is_told_of_the_past() -> None:
    stress = USAGE.months(600, 12)
    at = np.array([[0.5], [np.nan], [6.0]])
    capacity = np.array([[0.99], [np.nan], [0.97]])
    unknown = np.full((3, 1), np.nan)
    histories = Histories(("A",), 600, stress, at, capacity, np.full((3, 1), 0.01), unknown, unknown)
    past = measured_of(histories, 0)
    assert [(one.date, one.capacity_pct) for one in past] == [(date(2020, 1, 16), 99.0), (date(2020, 7, 1), 97.0)]


def test_every_law_has_parts_that_grow() -> None:
    stress = USAGE.months(600, 12)
    for law in LAWS.values():
        for part in (*law.capacity, *law.resistance):
            assert np.all(part.passed(stress, OCV) > 0), (law.name, part.name)
