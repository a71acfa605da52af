from __future__ import annotations

import pytest

from twinpack.battery import health


def test_the_worked_examples() -> None:
    assert float(health.capacity_health_pct(4.6, 5.0)) == pytest.approx(92.0)
    assert float(health.energy_health_pct(66.0, 72.0)) == pytest.approx(91.67, abs=0.005)
    assert float(health.range_health_pct(315.0, 350.0)) == pytest.approx(90.0)
    assert float(health.resistance_health_pct(0.026, 0.020)) == pytest.approx(70.0)
    assert float(health.resistance_increase_pct(0.026, 0.020)) == pytest.approx(30.0)
    assert float(health.equivalent_full_cycles(12000.0, 11900.0, 150.0)) == pytest.approx(79.67, abs=0.005)
    assert float(health.pulse_resistance_ohm(-0.5, -10.0)) == pytest.approx(0.05)
