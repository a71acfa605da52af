"""A heater that claims more than the pack gives is found out, whatever the trip is called."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from twinpack.learn.energy_heating import Comfort, comfort_energy

Floats = npt.NDArray[np.float64]

TIME = np.arange(0.0, 900.0)
SPEED = np.where(TIME % 300.0 < 100.0, 0.0, 50.0)


def judged(heater_kw: Floats, others_kw: float = 0.5, claimed: Floats | None = None) -> Comfort:
    """A trip whose pack gives what heater, electronics and driving take, and what the heater's signal claims."""
    driving = np.where(SPEED > 0.0, 6.0, 0.0)
    braking = (np.gradient(SPEED) < 0.0) * -30.0
    given = heater_kw + others_kw + driving + braking
    return comfort_energy(TIME, given, SPEED, heater_kw if claimed is None else claimed)


def test_what_the_pack_gives_is_believed() -> None:
    told = judged(np.full(len(TIME), 2.0))
    assert told.energy_kwh == pytest.approx(2.0 * 899.0 / 3600.0) and told.why == ""
    assert told.wrong_share < 0.02


def test_more_than_the_pack_gives_is_not() -> None:
    told = judged(np.full(len(TIME), 0.4), claimed=np.full(len(TIME), 5.3))
    assert np.isnan(told.energy_kwh)
    assert "heating takes more than the pack gives in 100 % of the time" in told.why


def test_it_shows_where_the_vehicle_stands_though_driving_hides_it() -> None:
    told = judged(np.full(len(TIME), 0.1), claimed=np.full(len(TIME), 1.5))
    assert told.why and told.wrong_share > 0.9


def test_braking_is_no_proof_and_a_few_wrong_samples_are_left_out() -> None:
    true = np.full(len(TIME), 1.0)
    claimed = true.copy()
    claimed[40:60] = 40.0
    told = judged(true, claimed=claimed)
    assert told.why == "" and told.energy_kwh == pytest.approx(899.0 / 3600.0, rel=0.05)


def test_what_was_not_measured_is_not_told() -> None:
    none = np.full(len(TIME), np.nan)
    assert np.isnan(judged(np.full(len(TIME), 1.0), claimed=none).energy_kwh)
    assert np.isnan(comfort_energy(TIME[:0], TIME[:0], TIME[:0], TIME[:0]).energy_kwh)
