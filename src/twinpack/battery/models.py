"""The models that twinpack registers, with typical numbers: what a pack is before anything is learned of it."""

from __future__ import annotations

import numpy as np

from twinpack.battery.heat import Heat
from twinpack.battery.pack import PackSpec, load_pack
from twinpack.battery.thevenin import Circuit, Thevenin
from twinpack.filters.model import Living

SOC_GRID = tuple(round(0.05 * i, 2) for i in range(21))
R_GRID = (0.0, 0.1, 0.25, 0.5, 1.0)

NEAR_EMPTY = (1.5, 1.2, 1.05, 1.0, 1.0)
"""Resistances on it over those in the middle: a cell that is nearly empty resists more."""

_OHM_AH = (0.05, (0.01, 0.02, 0.03))
_TAU_S = (3.0, 40.0, 900.0)


def typical_circuit(pack: PackSpec, pairs: int) -> Circuit:
    """A circuit with resistances usual for the pack's size and one to three RC pairs, of one series group."""
    ohmic, slow = (np.asarray(value) / pack.capacity_ah for value in _OHM_AH)
    living = [
        Living("capacity_scale", 1.0, 0.05, 0.001, 0.3, 1.6),
        Living("r0_scale", 1.0, 0.15, 0.004, 0.2, 5.0),
        Living("r_scale", 1.0, 0.2, 0.006, 0.1, 6.0),
    ]
    if pairs == 3:
        living.append(Living("slow_scale", 1.0, 0.2, 0.006, 0.1, 6.0))
    return Circuit(
        series=pack.series,
        capacity_ah=pack.capacity_ah,
        soc=SOC_GRID,
        ocv_v=tuple(float(v) for v in pack.ocv.pchip(np.array(SOC_GRID))),
        r_soc=R_GRID,
        r0_ohm=tuple(float(ohmic * rise) for rise in NEAR_EMPTY),
        pairs_ohm=tuple(tuple(float(one * rise) for rise in NEAR_EMPTY) for one in slow[-pairs:]),
        tau_s=_TAU_S[-pairs:],
        ea0_j_mol=20e3,
        ea1_j_mol=20e3,
        living=(*living, Living("offset_v", 0.0, 0.004, 0.0002, -0.1, 0.1)),
    )


def thevenin_1rc() -> Thevenin:
    """One RC pair, on the simulator's pack."""
    return Thevenin(typical_circuit(load_pack("sim_nmc_96s"), 1))


def thevenin_2rc() -> Thevenin:
    """Two RC pairs, on the simulator's pack."""
    return Thevenin(typical_circuit(load_pack("sim_nmc_96s"), 2))


def thevenin_3rc() -> Thevenin:
    """Three RC pairs, on the simulator's pack."""
    return Thevenin(typical_circuit(load_pack("sim_nmc_96s"), 3))


def thermal() -> Heat:
    """Heat of the simulator's pack: 53.6 kWh at 4.6 kJ/K a kWh."""
    pack = load_pack("sim_nmc_96s")
    resistance = pack.series * (_OHM_AH[0] + sum(_OHM_AH[1])) / pack.capacity_ah
    return Heat(resistance_ohm=resistance, heat_capacity_j_k=4600.0 * pack.energy_kwh, conductance_w_k=14.0)
