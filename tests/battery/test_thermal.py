from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinpack.battery import thermal


@given(
    start=st.floats(-30.0, 60.0), heat=st.floats(0.0, 20_000.0), total=st.floats(1.0, 1e5), share=st.floats(0.0, 1.0)
)
def test_a_step_may_be_cut_anywhere(start: float, heat: float, total: float, share: float) -> None:
    sinks = [(200.0, 20.0), (10.0, 35.0)]
    first = thermal.temperature_step(start, heat, share * total, 3e5, *sinks)
    parts = thermal.temperature_step(first, heat, (1.0 - share) * total, 3e5, *sinks)
    assert float(parts) == pytest.approx(float(thermal.temperature_step(start, heat, total, 3e5, *sinks)), abs=1e-8)


def test_without_heat_it_runs_to_the_ambient() -> None:
    assert float(thermal.temperature_step(40.0, 0.0, 1e7, 3e5, (10.0, 5.0))) == pytest.approx(5.0)


@given(current=st.floats(-300.0, 300.0), resistance=st.floats(0.0, 1.0))
def test_resistance_heats_in_both_directions(current: float, resistance: float) -> None:
    assert float(thermal.overpotential_heat(current, 350.0 + resistance * current, 350.0)) >= 0.0
