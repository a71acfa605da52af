from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinpack.battery import ageing

intervals = st.lists(st.tuples(st.floats(1e-5, 1e-2), st.floats(0.1, 500.0)), min_size=1, max_size=6)


@given(intervals=intervals, power=st.floats(0.4, 1.0))
def test_the_order_of_intervals_does_not_matter(intervals: list[tuple[float, float]], power: float) -> None:
    def total(order: list[tuple[float, float]]) -> float:
        y = np.asarray(0.0)
        for k, dx in order:
            y = ageing.grow(y, k, dx, power)
        return float(y)

    at_once = ageing.accumulate(np.array([k for k, _ in intervals]), np.array([dx for _, dx in intervals]), power)[-1]
    assert total(intervals) == pytest.approx(total(intervals[::-1]), rel=1e-9)
    assert total(intervals) == pytest.approx(at_once, rel=1e-9)


@given(k=st.floats(1e-5, 1e-2), days=st.floats(1.0, 4000.0), share=st.floats(0.01, 0.99))
def test_one_stress_may_be_cut_anywhere(k: float, days: float, share: float) -> None:
    parts = ageing.grow(ageing.grow(0.0, k, share * days, 0.75), k, (1.0 - share) * days, 0.75)
    assert float(parts) == pytest.approx(k * days**0.75, rel=1e-9)


def test_the_explicit_step_nears_the_exact_rule_as_it_shortens() -> None:
    exact = float(ageing.grow(0.0, 3e-4, 360.0, 0.75))
    errors = []
    for step in (30, 5, 1):
        y = np.asarray(0.0)
        for _ in range(360 // step):
            y = ageing.grow_explicit(y, 3e-4, step, 0.75)
        errors.append(abs(float(y) - exact))
    assert errors[0] > errors[1] > errors[2]


def test_the_combined_check_of_calendar_and_cycling() -> None:
    calendar, cycling = ageing.SCHMALSTIEG_CALENDAR_POWER, ageing.SCHMALSTIEG_CAPACITY_CYCLE_POWER
    lost = ageing.grow(0.0, ageing.schmalstieg_calendar_capacity(3.7, 298.15), 365.0, calendar)
    lost += ageing.grow(0.0, ageing.schmalstieg_cycle_capacity(3.7, 0.5), 2000.0, cycling)
    gained = ageing.grow(0.0, ageing.schmalstieg_calendar_resistance(3.7, 298.15), 365.0, calendar)
    gained += ageing.grow(0.0, ageing.schmalstieg_cycle_resistance(3.7, 0.5), 2000.0, 1.0)
    assert 1.0 - float(lost) == pytest.approx(0.8505, abs=5e-5)
    assert 1.0 + float(gained) == pytest.approx(1.300, abs=5e-4)


def test_resistance_never_falls_at_small_depth() -> None:
    assert float(ageing.schmalstieg_cycle_resistance(3.725, 0.01)) == 0.0


def test_between_the_table_rates_the_quadratic_holds() -> None:
    loss_pct = 100.0 * ageing.grow(0.0, ageing.wang_cycle(1.0, 298.15), 2000.0, 0.55)
    assert float(loss_pct) == pytest.approx(5.936, abs=5e-4)


@given(cooler=st.floats(263.0, 320.0), warmer=st.floats(0.1, 10.0), soc=st.floats(0.1, 1.0))
def test_storage_is_worse_when_warmer(cooler: float, warmer: float, soc: float) -> None:
    for law in (ageing.nca_calendar, ageing.lfp250_calendar):
        assert law(soc, cooler + warmer) > law(soc, cooler)
    assert ageing.schmalstieg_calendar_capacity(3.8, cooler + warmer) > ageing.schmalstieg_calendar_capacity(
        3.8, cooler
    )
