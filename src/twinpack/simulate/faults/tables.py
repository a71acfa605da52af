"""Curves that the kernels read: open-circuit voltage, resistances over temperature, the normal distribution."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from twinpack.battery.arrays import Floats
from twinpack.battery.ecm import arrhenius_ratio
from twinpack.battery.pack import PackSpec
from twinpack.simulate.cells import FastOcv, batteries

OCV_SIZE, OCV_MARGIN = 4096, 1024
WARM_LOW_C, WARM_STEP_C = -50.0, 0.25
_WARM_POINTS = 800
_ACTIVATION_J_MOL = (16_000.0, 30_000.0, 20_000.0)


class Tables(NamedTuple):
    """Curves and figures of the pack; a plain tuple, for the kernel.

    Attributes:
        ocv_v: Open-circuit voltage at charges -0.25 to 1.25 in steps of 1/4096.
        warm: Ohmic, fast and slow resistance over that at 25 °C, at temperatures from -50 °C in steps of
            0.25 °C, shape (3, n).
        bell: 4,096 values of the standard normal distribution, equally likely, float32.
        r_ohm: The three resistances of a mean new cell group at 25 °C, ohm.
        heat_capacity_j_k: Of the pack.
        voltage_max_v, voltage_min_v: Limits of a cell that the vehicle keeps.
        series: Cell groups.
    """

    ocv_v: Floats
    warm: Floats
    bell: NDArray[np.float32]
    r_ohm: Floats
    heat_capacity_j_k: float
    voltage_max_v: float
    voltage_min_v: float
    series: int


def make_tables(pack: PackSpec) -> Tables:
    """The curves of a pack."""
    grid = np.arange(-OCV_MARGIN, OCV_SIZE + OCV_MARGIN + 1) / OCV_SIZE
    one = np.ones(1)
    new = batteries(pack, pack.capacity_ah * one, one, one, one, FastOcv(pack.ocv))
    temps = np.asarray(WARM_LOW_C + WARM_STEP_C * np.arange(_WARM_POINTS), np.float64)
    return Tables(
        ocv_v=pack.ocv.pchip(grid),
        warm=np.stack([arrhenius_ratio(joule, temps) for joule in _ACTIVATION_J_MOL]),
        bell=ndtri((np.arange(4096) + 0.5) / 4096.0).astype(np.float32),
        r_ohm=np.array([new.r0_ohm[0], new.r1_ohm[0], new.r2_ohm[0]]),
        heat_capacity_j_k=new.heat_capacity_j_k,
        voltage_max_v=pack.cell_voltage_max_v - 0.012,
        voltage_min_v=pack.cell_voltage_min_v + 0.012,
        series=pack.series,
    )
