"""The day's greatest charge and the states around it."""

from __future__ import annotations

import numpy as np
import pytest

from twinpack.telemetry.daily_charge import COLUMNS, anchored

RATED_AH = 100.0


def told(*pieces: tuple[int, float, float, bool], gap_s: float = 0.0, gap_before: int = 1) -> dict[str, float]:
    """Of one day made of pieces: samples a minute apart, current, voltage, whether it charges; a gap before one."""
    amps = np.concatenate([np.full(count, current) for count, current, _, _ in pieces])
    volts = np.concatenate([np.full(count, voltage) for count, _, voltage, _ in pieces])
    charging = np.concatenate([np.full(count, one) for count, _, _, one in pieces])
    begins = np.cumsum([0, *(piece[0] for piece in pieces)])
    silence = np.full(len(amps), 60.0)
    silence[0] = 0.0
    if gap_s:
        silence[begins[gap_before]] = gap_s
    time = np.cumsum(silence * 1e6).astype(np.int64)
    first = np.zeros(len(amps), dtype=bool)
    first[0] = True
    found = anchored(time, silence, volts, amps, amps / RATED_AH, charging, 0.02, np.array([0]), first)
    return {name: float(found[name][0]) for name in COLUMNS}


def test_net_charge_is_counted_from_the_rest_to_the_end_of_charging() -> None:
    day = told((3, 0.0, 350.0, False), (30, -40.0, 340.0, False), (120, 30.0, 390.0, True), (4, 0.0, 385.0, True))
    assert day["charge_swing_ah"] == pytest.approx(60.0, abs=0.6)
    assert day["charge_net_ah"] == pytest.approx(60.0 - 20.0, abs=0.7)
    assert (day["charge_rest_v"], day["charge_last_v"], day["charge_after_v"]) == (350.0, 390.0, 385.0)
    assert day["charge_last_c"] == pytest.approx(0.3)
    assert day["charge_after_s"] == 240.0
    assert np.isnan(day["charge_silence_s"])


def test_a_silence_begins_a_stretch() -> None:
    day = told((60, 0.0, 350.0, False), (3, 0.0, 345.0, False), (120, 30.0, 390.0, True), gap_s=9000.0)
    assert day["charge_silence_s"] == 9000.0
    assert day["charge_rest_v"] == 345.0
    assert np.isnan(day["charge_after_v"])


def test_a_charge_that_begins_at_once_has_no_rest_before_it() -> None:
    assert np.isnan(told((120, 30.0, 390.0, True))["charge_rest_v"])


def test_braking_and_little_charges_are_none() -> None:
    assert np.isnan(told((60, 30.0, 390.0, False))["charge_net_ah"])
    assert np.isnan(told((5, 0.0, 350.0, False), (5, 30.0, 390.0, True))["charge_net_ah"])


def test_unknown_current_makes_the_count_unknown() -> None:
    assert np.isnan(told((3, 0.0, 350.0, False), (5, np.nan, 345.0, False), (120, 30.0, 390.0, True))["charge_net_ah"])


def test_of_two_charges_the_greater_counts() -> None:
    day = told((60, 20.0, 380.0, True), (3, 0.0, 360.0, False), (180, 20.0, 395.0, True), gap_s=7200.0)
    assert day["charge_swing_ah"] == pytest.approx(60.0, abs=0.6)
    assert day["charge_last_v"] == 395.0
