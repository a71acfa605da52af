"""The true state of power of simulated batteries: the highest current they hold for some seconds, tried by pulses."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from twinpack.battery.arrays import Floats
from twinpack.battery.pack import PackSpec, load_pack
from twinpack.simulate.cells import Batteries, FastOcv, advance, at_rest, batteries
from twinpack.simulate.settings import FleetSettings
from twinpack.simulate.vehicles import draw_vehicles, live

_HALVINGS = 40
_BEGIN_S = 1e-3
_ANY_W = 1e9


def batteries_at_the_end(settings: FleetSettings) -> tuple[Batteries, PackSpec]:
    """The batteries of a fleet as they are at the end of its sampled years, and their pack."""
    pack = load_pack(settings.pack)
    vehicles = draw_vehicles(settings, pack)
    life = live(settings, pack, vehicles)
    spare = (vehicles.cell_capacity.sum(axis=1) - 1.0) / max(pack.series - 1, 1)
    last = (life.capacity_ah[:, -1], spare, life.r0_ratio[:, -1], life.rc_ratio[:, -1])
    return batteries(pack, *last, FastOcv(pack.ocv)), pack


def true_power_kw(
    settings: FleetSettings, soc: Floats, temp_c: float, seconds: float, way: Literal["discharge", "charge"]
) -> Floats:
    """Lowest power during the strongest pulse from rest within the pack's voltage and current, kW, shape (V,).

    Args:
        settings: The fleet.
        soc: True charge, 0 to 1, shape (V,).
        temp_c: Temperature of air and cells, °C.
        seconds: Length of the pulse.
        way: `discharge` or `charge`.
    """
    cells, pack = batteries_at_the_end(settings)
    # what limits is looked for here, not by the BMS
    free = replace(cells, voltage_min_v=0.0, voltage_max_v=1e4, current_min_a=-1e5, current_max_a=1e5)
    sign = -1.0 if way == "discharge" else 1.0
    limit_v = pack.voltage_min_v if sign < 0 else pack.voltage_max_v
    allowed = pack.discharge_current_max_a if sign < 0 else pack.charge_current_max_a
    low, high = np.zeros(len(soc)), np.full(len(soc), allowed)
    if (sign * (_voltage(free, soc, temp_c, seconds, sign * high) - limit_v) <= 0.0).all():
        low = high
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        over = sign * (_voltage(free, soc, temp_c, seconds, sign * middle) - limit_v) > 0.0
        low, high = np.where(over, low, middle), np.where(over, middle, high)
    ends = [_voltage(free, soc, temp_c, one, sign * low) for one in (_BEGIN_S, seconds)]
    return np.asarray(low * np.minimum(*ends) / 1000.0)


def _voltage(cells: Batteries, soc: Floats, temp_c: float, seconds: float, current_a: Floats) -> Floats:
    """After some seconds of a current from rest, V."""
    state, air = at_rest(cells, soc, np.full(len(soc), temp_c)), np.full(len(soc), temp_c)
    discharging = current_a <= 0.0
    least, most = np.where(discharging, current_a, -np.inf), np.where(discharging, np.inf, current_a)
    asked = np.where(discharging, -_ANY_W, _ANY_W)
    for step in (_BEGIN_S, seconds - _BEGIN_S):
        if step > 0.0:
            state = advance(cells, state, step, asked, air, least, most)
    return state.voltage_v
