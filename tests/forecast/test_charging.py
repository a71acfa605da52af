"""Capacity from a charge between two states that are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinpack.battery.pack import PackSpec, load_pack
from twinpack.forecast.charging import Anchored, capacity_of

NMC, LFP = load_pack("sim_nmc_96s"), load_pack("lfp_104s")


def charge(
    health: float = 0.9, begin: float = 0.3, end: float = 0.9, pack: PackSpec = NMC, rested_s: float = 30_000.0
) -> Anchored:
    """A charge of a pack of this health whose voltages are exactly those of its states."""
    before, after = (float(pack.series * pack.ocv.pchip(soc)) for soc in (begin, end))
    full = end >= 1.0
    return Anchored(
        rested_s=rested_s,
        rest_v=before,
        net_ah=health * pack.capacity_ah * (end - begin),
        last_c=0.03 if full else 0.2,
        last_v=pack.series * pack.cell_voltage_max_v if full else after,
        after_v=after,
        after_s=180.0,
    )


@given(health=st.floats(0.65, 1.05), begin=st.floats(0.05, 0.5), swing=st.floats(0.3, 0.5))
def test_the_truth_lies_within_the_interval(health: float, begin: float, swing: float) -> None:
    told = capacity_of(charge(health, begin, begin + swing), NMC)
    if told.known:
        assert abs(told.value - health) < 2.0 * told.sd
        assert told.sd < 0.06


def test_what_is_still_to_fall_after_charging_is_taken_off() -> None:
    settled = charge()
    lifted = replace(settled, last_v=settled.after_v + 10.0)
    assert capacity_of(lifted, NMC).value > capacity_of(settled, NMC).value
    assert capacity_of(lifted, NMC).sd > capacity_of(settled, NMC).sd


def test_a_full_charge_needs_no_rest_after_it() -> None:
    told = capacity_of(replace(charge(0.85, 0.2, 1.0), after_v=np.nan, after_s=np.nan), NMC)
    assert told.value == pytest.approx(0.85, abs=0.01)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"rest_v": np.nan}, "did not begin after a rest"),
        ({"rested_s": 600.0}, "did not begin after a rest"),
        ({"rested_s": np.nan}, "did not begin after a rest"),
        ({"after_v": np.nan}, "did not end full"),
        ({"net_ah": 400.0}, "which cannot be"),
        ({"net_ah": -5.0}, "which cannot be"),
    ],
)
def test_what_cannot_be_told_says_why(changed: dict[str, float], why: str) -> None:
    told = capacity_of(replace(charge(), **changed), NMC)
    assert not told.known and why in told.why_not


def test_a_small_swing_is_none() -> None:
    assert "it takes 20 %" in capacity_of(charge(0.9, 0.5, 0.6), NMC).why_not


def test_the_middle_of_lfp_tells_nothing_and_its_ends_do() -> None:
    middle = capacity_of(charge(0.9, 0.4, 0.8, LFP), LFP)
    assert not middle.known and "a charge from nearly empty to full after a rest would" in middle.why_not
    ends = capacity_of(charge(0.9, 0.04, 1.0, LFP), LFP)
    assert ends.known and ends.value == pytest.approx(0.9, abs=0.02)
    assert ends.sd > capacity_of(charge(0.9, 0.04, 1.0), NMC).sd
