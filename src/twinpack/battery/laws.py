"""Ageing laws by chemistry: which of the published laws a pack's cells follow, over the stress of their life.

A law has parts, each a loss (or a gain of resistance) `scale (sum of k^(1/p) dx)^p` over days or equivalent full
cycles: carried in virtual time, so that the stress may change (`ageing.grow`). The scale of each part is what a fleet
and each of its vehicles teach; 1 is what was published.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from twinpack.battery import ageing
from twinpack.battery.arrays import Floats
from twinpack.battery.ecm import KELVIN
from twinpack.battery.ocv import OcvTable
from twinpack.battery.stress import Stress
from twinpack.errors import InputError

Coefficient = Callable[[Stress, OcvTable], Floats]


@dataclass(frozen=True)
class Part:
    """One part of a law: `k x^power`, x in days of storage or in equivalent full cycles.

    Attributes:
        name: `calendar` or `cycle`.
        power: The power of x.
        coefficient: Its `k`, a fraction, from the stress and the cell's open-circuit voltage.
    """

    name: str
    power: float
    coefficient: Coefficient

    def passed(self, stress: Stress, ocv: OcvTable) -> Floats:
        """Virtual time `k^(1/p) dx` that each interval adds, shape (N, V); a negative coefficient counts as none."""
        x = stress.days if self.name == "calendar" else stress.cycles
        k = np.maximum(self.coefficient(stress, ocv), 0.0)
        return np.asarray(k ** (1.0 / self.power) * x)


@dataclass(frozen=True)
class Law:
    """How cells of some chemistries age.

    Attributes:
        name: Its name.
        told: What it is and where it was published.
        capacity: Parts of the capacity lost: calendar and cycle.
        resistance: Parts of the resistance gained: calendar and cycle.
    """

    name: str
    told: str
    capacity: tuple[Part, Part]
    resistance: tuple[Part, Part]


def _kelvin(stress: Stress) -> Floats:
    return np.asarray(stress.temp_c + KELVIN)


def _nmc(calendar: Callable[..., Floats], cycle: Callable[..., Floats], power: float) -> tuple[Part, Part]:
    # The law counts Ah of charge plus discharge of a cell of 2.15 Ah.
    per_cycle = (2.0 * ageing.SCHMALSTIEG_CELL_AH) ** power
    return (
        Part(
            "calendar",
            ageing.SCHMALSTIEG_CALENDAR_POWER,
            lambda stress, ocv: calendar(ocv.pchip(stress.parked_soc), _kelvin(stress)),
        ),
        Part("cycle", power, lambda stress, ocv: per_cycle * cycle(ocv.pchip(stress.cycled_soc), stress.depth)),
    )


_LFP_CALENDAR = Part(
    "calendar",
    ageing.LFP250_CALENDAR_POWER,
    lambda stress, _: ageing.lfp250_calendar(stress.parked_soc, _kelvin(stress)),
)


def _wang() -> Part:
    # The law counts Ah of discharge, about 2 in a full cycle of its cell; it says nothing of cold below 0 °C.
    per_cycle = ageing.WANG_CYCLE_AH**ageing.WANG_POWER
    return Part(
        "cycle",
        ageing.WANG_POWER,
        lambda stress, _: per_cycle * ageing.wang_cycle(stress.c_rate, np.maximum(_kelvin(stress), KELVIN)),
    )


def _with_resistance(name: str, told: str, capacity: tuple[Part, Part]) -> Law:
    """A law published for capacity alone: resistance is taken to grow in proportion, by a scale that is learned."""
    return Law(name, told, capacity, capacity)


LAWS: dict[str, Law] = {
    law.name: law
    for law in (
        Law(
            "schmalstieg-nmc",
            "NMC, Schmalstieg et al. 2014, doi 10.1016/j.jpowsour.2014.02.012",
            _nmc(
                ageing.schmalstieg_calendar_capacity,
                ageing.schmalstieg_cycle_capacity,
                ageing.SCHMALSTIEG_CAPACITY_CYCLE_POWER,
            ),
            _nmc(
                ageing.schmalstieg_calendar_resistance,
                ageing.schmalstieg_cycle_resistance,
                ageing.SCHMALSTIEG_RESISTANCE_CYCLE_POWER,
            ),
        ),
        _with_resistance(
            "blast-nca",
            "NCA 18650, the form that NREL's BLAST uses",
            (
                Part(
                    "calendar",
                    ageing.NCA_CALENDAR_POWER,
                    lambda stress, _: ageing.nca_calendar(stress.parked_soc, _kelvin(stress)),
                ),
                Part(
                    "cycle",
                    ageing.NCA_CYCLE_POWER,
                    lambda stress, _: ageing.nca_cycle(stress.c_rate, stress.depth, _kelvin(stress)),
                ),
            ),
        ),
        _with_resistance(
            "blast-lfp",
            "LFP 250 Ah, the form that NREL's BLAST uses, data doi 10.1016/j.est.2023.109042",
            (
                _LFP_CALENDAR,
                Part(
                    "cycle",
                    ageing.LFP250_CYCLE_POWER,
                    lambda stress, _: ageing.lfp250_cycle(stress.c_rate, stress.depth, _kelvin(stress)),
                ),
            ),
        ),
        _with_resistance(
            "wang-lfp",
            "LFP cycling, Wang et al. 2011, doi 10.1016/j.jpowsour.2010.11.134; in storage as blast-lfp",
            (_LFP_CALENDAR, _wang()),
        ),
    )
}
"""Every law, by name."""


def law_named(name: str) -> Law:
    """A law.

    Raises:
        InputError: There is none of that name; says which there are.
    """
    if name not in LAWS:
        raise InputError(f"there is no ageing law {name!r}; there are {', '.join(LAWS)}")
    return LAWS[name]


def law_for(chemistry: str) -> Law:
    """The law for a chemistry as pack specifications name it, such as `NMC811`, `NCA` or `LFP`; NMC's when unknown."""
    text = chemistry.upper()
    if "LFP" in text or "FEPO" in text:
        return LAWS["blast-lfp"]
    if "NCA" in text and "NMC" not in text:
        return LAWS["blast-nca"]
    return LAWS["schmalstieg-nmc"]
