"""How simulated batteries age: the hidden law of each chemistry, over what the vehicles live through.

NMC packs age by Schmalstieg's law, NCA and LFP packs by the laws that NREL's BLAST uses (`battery.ageing`). The two
latter say nothing of resistance: it is simulated to grow with the capacity lost, several times as fast.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from twinpack.battery import ageing
from twinpack.battery.arrays import Floats
from twinpack.battery.laws import law_for
from twinpack.battery.pack import PackSpec

DRIVEN_KWH_PER_KM = 0.23
_FINAL_HEALTH_PCT = (76.0, 96.0)
_FINAL_RESISTANCE_GAIN = (0.15, 1.0)
_REFERENCE_YEARS = 5.0
_CHARGING_KW = 30.0
"""Mean power of charging, for the laws that ask for a C-rate."""

_GAIN_PER_LOSS = 5.0
_LOSS_SHARE = {"schmalstieg-nmc": 1.0, "blast-nca": 0.9, "blast-lfp": 2.0}
"""Of each law in the simulated batteries, so that five years leave what is usual on the road."""


@dataclass(frozen=True)
class Lived:
    """What V vehicles live through in N intervals; shapes (V, N) or (V, 1).

    Attributes:
        days: Length of the interval.
        km: Distance driven in it.
        temp_k: Mean cell temperature, K.
        parked_soc: Charge at rest.
        cycled_soc: Mean charge while driven and charged.
        depth: Depth of discharge.
    """

    days: Floats
    km: Floats
    temp_k: Floats
    parked_soc: Floats
    cycled_soc: Floats
    depth: Floats


@dataclass(frozen=True)
class Part:
    """`k x^power` of a hidden law: the coefficient k, and x of an interval."""

    power: float
    coefficient: Callable[[PackSpec, Lived], Floats]
    amount: Callable[[PackSpec, Lived], Floats]

    def passed(self, pack: PackSpec, lived: Lived) -> Floats:
        """Virtual time `k^(1/p) dx` of each interval, shape (V, N)."""
        return np.asarray(self.coefficient(pack, lived) ** (1.0 / self.power) * self.amount(pack, lived))


@dataclass(frozen=True)
class Wear:
    """The hidden law of V batteries.

    Attributes:
        pack: Their pack.
        parts: Capacity lost in storage and in cycling, resistance gained in storage and in cycling.
        scale: What each part is multiplied by, shape (4, V).
        fade: What the whole loss is multiplied by, shape (V,).
        growth: What the whole gain is, shape (V,).
    """

    pack: PackSpec
    parts: tuple[Part, Part, Part, Part]
    scale: Floats
    fade: Floats
    growth: Floats

    def passed(self, lived: Lived) -> list[Floats]:
        """Virtual time that each interval adds to each part, (V, N) each."""
        return [part.passed(self.pack, lived) for part in self.parts]

    def worn(self, passed: list[Floats]) -> tuple[Floats, Floats]:
        """Capacity lost and resistance gained once so much virtual time has passed, as fractions."""
        calendar, cycle, stored, cycled = (
            scale[:, None] * time**part.power for scale, time, part in zip(self.scale, passed, self.parts, strict=True)
        )
        return self.fade[:, None] * (calendar + cycle), self.growth[:, None] * (stored + cycled)


def hidden_wear(
    pack: PackSpec,
    traits: tuple[Floats, Floats, Floats, Floats],
    lived: Lived,
    years: float,
) -> Wear:
    """The hidden law of batteries, held within bounds after five years of a life.

    Args:
        pack: Their pack.
        traits: Factors of each battery: of its loss in storage, in cycling, of its resistance, and its new capacity.
        lived: Its life of `years`.
        years: How long that is.
    """
    parts, share = _PARTS[law_for(pack.chemistry).name], _LOSS_SHARE[law_for(pack.chemistry).name]
    calendar, cycle, resistance, new = traits
    one = np.ones_like(resistance)
    scale = np.stack([share * calendar, share * cycle, one, one])
    free = Wear(pack, parts, scale, one, one)
    aged = _REFERENCE_YEARS / years
    final = [
        factor * (time.cumsum(axis=-1)[:, -1] ** part.power) * aged**part.power
        for factor, time, part in zip(scale, free.passed(lived), parts, strict=True)
    ]
    final_loss, final_gain = final[0] + final[1], final[2] + final[3]
    least, most = (1.0 - health / 100.0 / new for health in reversed(_FINAL_HEALTH_PCT))
    fade = np.clip(1.0, least / final_loss, most / final_loss)
    growth = np.clip(resistance, *(limit / final_gain for limit in _FINAL_RESISTANCE_GAIN))
    return Wear(pack, parts, scale, fade, growth)


def _days(_: PackSpec, lived: Lived) -> Floats:
    return lived.days


def _full_cycles(pack: PackSpec, lived: Lived) -> Floats:
    return lived.km * DRIVEN_KWH_PER_KM / pack.energy_kwh


def _small_cell_ah(pack: PackSpec, lived: Lived) -> Floats:
    """Ah of charge and discharge, of a cell as the NMC law was fitted to."""
    return 2.0 * lived.km * DRIVEN_KWH_PER_KM / pack.energy_kwh * ageing.SCHMALSTIEG_CELL_AH


def _c_rate(pack: PackSpec) -> float:
    return _CHARGING_KW / pack.energy_kwh


def _times(factor: float, part: Part) -> Part:
    return Part(part.power, lambda pack, lived: factor * part.coefficient(pack, lived), part.amount)


_NMC = (
    Part(
        ageing.SCHMALSTIEG_CALENDAR_POWER,
        lambda pack, lived: ageing.schmalstieg_calendar_capacity(pack.ocv.pchip(lived.parked_soc), lived.temp_k),
        _days,
    ),
    Part(
        ageing.SCHMALSTIEG_CAPACITY_CYCLE_POWER,
        lambda pack, lived: ageing.schmalstieg_cycle_capacity(pack.ocv.pchip(lived.cycled_soc), lived.depth),
        _small_cell_ah,
    ),
    Part(
        ageing.SCHMALSTIEG_CALENDAR_POWER,
        lambda pack, lived: ageing.schmalstieg_calendar_resistance(pack.ocv.pchip(lived.parked_soc), lived.temp_k),
        _days,
    ),
    Part(
        ageing.SCHMALSTIEG_RESISTANCE_CYCLE_POWER,
        lambda pack, lived: ageing.schmalstieg_cycle_resistance(pack.ocv.pchip(lived.cycled_soc), lived.depth),
        _small_cell_ah,
    ),
)
_NCA = (
    Part(ageing.NCA_CALENDAR_POWER, lambda _, lived: ageing.nca_calendar(lived.parked_soc, lived.temp_k), _days),
    Part(
        ageing.NCA_CYCLE_POWER,
        lambda pack, lived: ageing.nca_cycle(_c_rate(pack), lived.depth, lived.temp_k),
        _full_cycles,
    ),
)
_LFP = (
    Part(ageing.LFP250_CALENDAR_POWER, lambda _, lived: ageing.lfp250_calendar(lived.parked_soc, lived.temp_k), _days),
    Part(
        ageing.LFP250_CYCLE_POWER,
        lambda pack, lived: ageing.lfp250_cycle(_c_rate(pack), lived.depth, lived.temp_k),
        _full_cycles,
    ),
)
_PARTS: dict[str, tuple[Part, Part, Part, Part]] = {
    "schmalstieg-nmc": _NMC,
    "blast-nca": (*_NCA, _times(_GAIN_PER_LOSS, _NCA[0]), _times(_GAIN_PER_LOSS, _NCA[1])),
    "blast-lfp": (*_LFP, _times(_GAIN_PER_LOSS, _LFP[0]), _times(_GAIN_PER_LOSS, _LFP[1])),
}
