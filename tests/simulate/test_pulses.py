"""The true state of power: within voltage and current, less when cold, worn or empty."""

from __future__ import annotations

import numpy as np
import pytest

from twinpack.battery.pack import load_pack
from twinpack.simulate.pulses import true_power_kw
from twinpack.simulate.settings import FleetSettings

NEW, OLD = (FleetSettings(vehicles=3, trips=10, years=years) for years in (0.1, 8.0))
PACK = load_pack(NEW.pack)


def power(
    soc: float, temp_c: float, way: str = "discharge", seconds: float = 10.0, fleet: FleetSettings = NEW
) -> float:
    return float(true_power_kw(fleet, np.full(3, soc), temp_c, seconds, way).mean())  # type: ignore[arg-type]


def test_cold_age_and_length_take_power() -> None:
    assert power(0.3, -10.0) < power(0.3, 5.0) < power(0.3, 25.0)
    assert power(0.3, -10.0, fleet=OLD) < power(0.3, -10.0)
    assert power(0.3, -10.0, seconds=30.0) < power(0.3, -10.0, seconds=10.0)
    assert power(0.9, 5.0, "charge") < power(0.4, 5.0, "charge")


def test_warm_and_half_full_it_is_the_current_that_limits() -> None:
    found = true_power_kw(NEW, np.full(3, 0.6), 25.0, 10.0, "discharge")
    volts = 1000.0 * found / PACK.discharge_current_max_a
    assert (volts > PACK.voltage_min_v).all() and (volts < PACK.voltage_max_v).all()
    assert volts == pytest.approx(PACK.series * 3.7, rel=0.08)
