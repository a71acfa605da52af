"""The true range of simulated vehicles: each drives on, trip after trip, until its battery is at the reserve.

Drives are those of its own driver, road and load, with the batteries as they are at the end of the sampled years; the
weather is held where it is asked for. What is driven here is in no table that a twin sees.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from twinpack.battery.arrays import Floats
from twinpack.simulate.drives import Drives, draw, plan_drives
from twinpack.simulate.pulses import batteries_at_the_end
from twinpack.simulate.sessions import run_drives
from twinpack.simulate.settings import FleetSettings
from twinpack.simulate.vehicles import Life, Vehicles, draw_vehicles, live

EMPTY_PCT = 10.0
"""Charge at which the simulated vehicles stop, %."""

_FIRST_OWN = 1_000_000
"""Drives of this number on have random numbers of their own."""
_MOST_TRIPS = 60


@dataclass(frozen=True)
class DrivenOn:
    """How far each vehicle came, V of them.

    Attributes:
        km: Distance until the reserve, shape (V,).
        kwh: Energy that the pack gave meanwhile, shape (V,).
    """

    km: Floats
    kwh: Floats


def drive_on(settings: FleetSettings, soc: Floats, ambient_c: Floats, seed: int = 0) -> DrivenOn:
    """Drive every vehicle on from some charge until it is at `EMPTY_PCT`.

    Args:
        settings: The fleet.
        soc: True charge at the start, 0 to 1, shape (V,).
        ambient_c: Weather, °C, shape (V,); the battery begins at it.
        seed: Chooses the drives.
    """
    cells, pack = batteries_at_the_end(settings)
    vehicles = draw_vehicles(settings, pack)
    life = _last(live(settings, pack, vehicles))
    held = replace(vehicles, mean_c=ambient_c, season_c=np.zeros_like(ambient_c), daily_c=np.zeros_like(ambient_c))
    km, kwh = np.zeros(settings.vehicles), np.zeros(settings.vehicles)
    now, temp = np.asarray(soc, dtype=np.float64).copy(), np.asarray(ambient_c, dtype=np.float64).copy()
    running = now > EMPTY_PCT / 100.0
    for trip in range(_MOST_TRIPS):
        if not running.any():
            break
        drives = replace(_planned(settings, held, life, trip, seed), cell_start_c=temp)
        record, count, end = run_drives(cells, drives, now)
        last = np.arange(len(now)), count - 1
        power_w = -record.voltage_v * record.current_a
        inside = np.arange(power_w.shape[1])[None] < count[:, None]
        km += np.where(running, drives.distance_km[last], 0.0)
        kwh += np.where(running, (power_w * inside).sum(axis=1) * drives.period_s / 3.6e6, 0.0)
        now, temp = np.where(running, end.soc, now), np.where(running, end.temp_c, temp)
        running &= now >= EMPTY_PCT / 100.0
    return DrivenOn(km, kwh)


def _last(life: Life) -> Life:
    """The life at its last drive alone."""
    return Life(*(getattr(life, name)[:, -1:] for name in Life.__dataclass_fields__))


def _planned(settings: FleetSettings, vehicles: Vehicles, life: Life, trip: int, seed: int) -> Drives:
    number = _FIRST_OWN + 1000 * seed + trip
    draws = draw(settings, number, number + 1)
    draws.normal[:, 1] = 0.0  # the weather of the day
    return plan_drives(settings, vehicles, life, 0, 1, draws)
