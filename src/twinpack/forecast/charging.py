"""Capacity from a charge between two states that are known: charge that went in over the change of its state.

A state is known where the open-circuit voltage says it: after a long rest, shortly after charging with more doubt, and
at the end of a full charge. How well, its slope says: on LFP's plateau a few millivolts are half of the charge, so
there only a begin that is nearly empty and an end that is full tell anything.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twinpack.battery.pack import PackSpec
from twinpack.learn.charging import Estimate, silent

RESTED_S = 3600.0
"""Rest after which a cell's voltage has settled, seconds."""

RESTED_V, RESTING_V = 0.004, 0.004
"""Standard deviation of a cell's voltage about its open-circuit voltage, once settled and just after charging, V."""

SETTLING, SETTLING_S = 0.35, 600.0
"""Of the voltage that fell since charging ended, this share is still to fall with this time constant, seconds: two RC
pairs of usual size, of which the slow one has hardly begun (give or take a half of it)."""

TABLE_V = 0.004
"""The same of the open-circuit voltage of a pack's specification."""

FULL_SD, FULL_C, FULL_V = 0.007, 0.06, 0.012
"""Doubt of a state that is full; current by the rated capacity, and what a cell's voltage may lack, at which it is."""

CURRENT_SD = 0.004
"""Doubt of the charge counted, as a share."""

LEAST_SWING = 0.2
"""Change of state that a charge must bring."""

MOST_SD = 0.06
"""A capacity that is less certain than this, by the rated one, is not told."""


@dataclass(frozen=True)
class Anchored:
    """A charge and the states around it, of a pack.

    Attributes:
        rested_s: Rest before it, seconds; NaN when it is not known.
        rest_v: Pack voltage at rest before it, V; NaN when it did not begin at rest.
        net_ah: Net charge from that rest to the end of charging, Ah.
        last_c: Current of the last sample of charging by the rated capacity, 1/h.
        last_v: Pack voltage of it, V.
        after_v: Pack voltage at rest after it, V; NaN when none was seen.
        after_s: How long that rest lasted until then, seconds.
    """

    rested_s: float
    rest_v: float
    net_ah: float
    last_c: float
    last_v: float
    after_v: float
    after_s: float


@dataclass(frozen=True)
class State:
    """A state of charge, 0 to 1, with its standard deviation, and how it is known."""

    soc: float
    sd: float
    how: str


def capacity_of(charge: Anchored, pack: PackSpec) -> Estimate:
    """Capacity by the rated one, a fraction, that a charge says a pack has, or why it says nothing."""
    begin = _begin(charge, pack)
    if begin is None:
        return silent("The charge did not begin after a rest of an hour: its state at the begin is not known.")
    end = _end(charge, pack)
    if end is None:
        return silent("Nothing was seen of the battery after the charge, and it did not end full.")
    swing = end.soc - begin.soc
    if swing < LEAST_SWING:
        return silent(f"The charge changed the state by {100 * swing:.0f} %; it takes {100 * LEAST_SWING:.0f} %.")
    value = charge.net_ah / pack.capacity_ah / swing
    sd = value * float(np.hypot(CURRENT_SD, np.hypot(begin.sd, end.sd) / swing))
    if not 0.2 < value < 1.5:
        return silent(f"The charge would make the capacity {100 * value:.0f} % of rated, which cannot be.")
    if sd > MOST_SD:
        worse = begin if begin.sd > end.sd else end
        return silent(
            f"The voltage hardly tells the state {worse.how} (to {100 * worse.sd:.0f} %): a charge from nearly empty "
            "to full after a rest would."
        )
    return Estimate(value, sd)


def _begin(charge: Anchored, pack: PackSpec) -> State | None:
    if not np.isfinite(charge.rest_v) or not charge.rested_s >= RESTED_S:
        return None
    return _by_voltage(charge.rest_v, RESTED_V, pack, "at its begin")


def _end(charge: Anchored, pack: PackSpec) -> State | None:
    """Full, or what the voltage says just after; the surer of the two."""
    known = []
    lacking = pack.cell_voltage_max_v - charge.last_v / pack.series
    if lacking <= FULL_V and abs(charge.last_c) <= FULL_C:
        known.append(State(1.0, FULL_SD, "at its end"))
    if np.isfinite(charge.after_v):
        fallen = max(charge.last_v - charge.after_v, 0.0)
        falls = SETTLING * fallen * float(np.exp(-charge.after_s / SETTLING_S))
        doubt = float(np.hypot(RESTING_V, 0.5 * falls / pack.series))
        known.append(_by_voltage(charge.after_v - falls, doubt, pack, "at its end"))
    return min(known, key=lambda one: one.sd, default=None)


def _by_voltage(pack_v: float, sd_v: float, pack: PackSpec, how: str) -> State:
    """Where the open-circuit voltage says the state is: over what is likely of the voltage, mean and spread."""
    cell_v, doubt = pack_v / pack.series, float(np.hypot(sd_v, TABLE_V))
    at = pack.ocv.soc_at(np.array([cell_v - doubt, cell_v, cell_v + doubt]))
    low, middle, high = (float(one) for one in at)
    # Secants over what is likely, not the slope at a point: on a plateau that means nothing.
    return State(middle, max(0.5 * (high - low), 0.002), how)
