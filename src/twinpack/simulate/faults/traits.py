"""What each vehicle of the fleet is like: climate, habits, cells and sensors, everything but its days."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twinpack.battery import ageing
from twinpack.battery.arrays import Floats
from twinpack.battery.ecm import KELVIN
from twinpack.battery.pack import PackSpec
from twinpack.simulate.faults.settings import FaultFleetSettings
from twinpack.simulate.vehicles import CLIMATES, generator

PROBES = 8
"""Temperature probes; each sits in a zone of the pack, whose cells are read by one chip."""

_CLIMATES = np.array(list(CLIMATES.values()))
_CAPACITY_SD, _RESISTANCE_SD, _CHARGE_SD = 0.005, 0.03, 0.0025
_CAPACITY_MOST, _CHARGE_MOST = 0.015, 0.008
"""What lies further off than this is no healthy cell: the smallest faults begin a little beyond."""
_SELF_DISCHARGE_DAY, _SELF_DISCHARGE_SD = 0.00015, 0.06


class Traits(NamedTuple):
    """Traits, a row a vehicle; a plain tuple of arrays, for the kernel.

    Attributes:
        mean_c, season_c, daily_c: Air temperature over the year, its seasonal and its daily swing, °C.
        garage_c: How much milder it is where the vehicle stands.
        plug_below, target: Charge below which it is plugged in at home, and to which it is charged.
        ac_w: Power of its charger at home.
        capacity_ah: Of each cell group at the start, shape (V, cells).
        resistance: Of each cell group over the mean new one, shape (V, cells).
        mean_resistance: Their mean.
        leak: Self-discharge of each cell group at 25 °C, share of its capacity a second, shape (V, cells).
        fade, growth: Capacity lost and resistance gained a second, shares, shape (V, cells).
        channel_v, channel_drift_v: Error of each cell channel at the start, and what a year adds, shape (V, cells).
        noise_v: Noise of a cell channel.
        skew: How far apart in time chips read, as a share of the current's change.
        heat, cooled, aired: Share of heat made and conducted in each zone, about 1, shape (V, zones).
        probe_k, probe_drift_k: Error of each probe at the start, and what a year adds, shape (V, probes).
        probe_step_c: Steps in which probes are told.
        soc_step: Steps in which charge is told, 0..1.
        current_offset_a, current_drift_a, current_gain: Of the current sensor; drift is what a year adds.
        voltage_gain: Of the pack's voltage sensor.
        isolation_kohm: When dry.
        odometer_km: At the start.
        sentinels: Share of rows that hold sentinels.
        clock_s: How far the vehicle's clock is off.
    """

    mean_c: Floats
    season_c: Floats
    daily_c: Floats
    garage_c: Floats
    plug_below: Floats
    target: Floats
    ac_w: Floats
    capacity_ah: Floats
    resistance: Floats
    mean_resistance: Floats
    leak: Floats
    fade: Floats
    growth: Floats
    channel_v: Floats
    channel_drift_v: Floats
    noise_v: Floats
    skew: Floats
    heat: Floats
    cooled: Floats
    aired: Floats
    probe_k: Floats
    probe_drift_k: Floats
    probe_step_c: Floats
    soc_step: Floats
    current_offset_a: Floats
    current_drift_a: Floats
    current_gain: Floats
    voltage_gain: Floats
    isolation_kohm: Floats
    odometer_km: Floats
    sentinels: Floats
    clock_s: Floats


def draw_traits(settings: FaultFleetSettings, pack: PackSpec) -> tuple[Traits, Floats, NDArray[np.uint64]]:
    """Traits of every vehicle, the charge of its cell groups at the start (V, cells), and the seed of its noise."""
    generators = [generator(settings.seed, v) for v in range(settings.vehicles)]
    u = np.stack([g.random(16) for g in generators])
    n = np.clip(np.stack([g.standard_normal(16) for g in generators]), -2.5, 2.5)
    cell = _cell_draws(generators, pack.series)
    zone = np.clip(np.stack([g.standard_normal((5, PROBES)) for g in generators]), -2.5, 2.5).swapaxes(0, 1)
    noise = np.array([g.integers(1, 2**63, dtype=np.uint64) for g in generators])
    climate = _CLIMATES[(u[:, 0] * len(_CLIMATES)).astype(np.int64)]
    target = np.where(u[:, 1] < 0.25, 1.0, 0.8 + 0.1 * u[:, 2])
    fade, growth = _ageing(u, n, climate[:, 0], target)
    # the first and last cell of a module are reached through its busbar
    busbar = np.where(np.isin(np.arange(pack.series) % pack.display.cells_per_module, (0,)), 1.05, 1.0)
    resistance = (1.0 + 0.3 * u[:, 6, None]) * busbar * np.exp(0.03 * n[:, 1, None] + _RESISTANCE_SD * cell[1])
    place = np.linspace(-1.0, 1.0, PROBES)
    traits = Traits(
        mean_c=climate[:, 0] + n[:, 0],
        season_c=climate[:, 1],
        daily_c=climate[:, 2],
        garage_c=6.0 * u[:, 3] ** 2,
        plug_below=0.45 + 0.35 * u[:, 4],
        target=target,
        ac_w=np.where(u[:, 5] < 0.5, 7_200.0, 10_800.0),
        capacity_ah=pack.capacity_ah
        * (1.0 - 0.08 * u[:, 6, None])
        * (1.0 + np.clip(_CAPACITY_SD * cell[0], -_CAPACITY_MOST, _CAPACITY_MOST)),
        resistance=resistance,
        mean_resistance=resistance.mean(axis=1),
        leak=_SELF_DISCHARGE_DAY / 86_400.0 * np.exp(0.2 * n[:, 2, None] + _SELF_DISCHARGE_SD * cell[2]),
        fade=fade[:, None] * np.exp(0.10 * cell[3]),
        growth=growth[:, None] * np.exp(0.15 * cell[4]),
        channel_v=0.0008 * cell[5],
        channel_drift_v=0.0005 * cell[6],
        noise_v=0.001 + 0.001 * u[:, 7],
        skew=0.05 + 0.10 * u[:, 8],
        heat=np.exp(0.06 * zone[0]),
        cooled=np.exp(0.06 * zone[1] - 0.12 * place),
        aired=np.exp(0.1 * zone[2]) * (0.8 + 0.5 * place**2),
        probe_k=0.3 * zone[3],
        probe_drift_k=0.12 * zone[4],
        probe_step_c=np.where(u[:, 9] < 0.5, 0.5, 1.0),
        soc_step=np.where(u[:, 10] < 0.5, 0.005, 0.01),
        current_offset_a=0.12 * n[:, 3],
        current_drift_a=0.1 * n[:, 4],
        current_gain=1.0 + 0.002 * n[:, 5],
        voltage_gain=1.0 + 0.001 * n[:, 6],
        isolation_kohm=3500.0 * np.exp(0.4 * n[:, 7]),
        odometer_km=1000.0 + 90_000.0 * u[:, 6],
        sentinels=np.minimum(1.0e-4 * np.exp(0.9 * n[:, 8]), 1e-3),
        clock_s=np.where(u[:, 11] < 0.1, 40.0 * (u[:, 12] - 0.5), 0.0),
    )
    charge = 0.45 + 0.35 * u[:, 13, None] + np.clip(_CHARGE_SD * cell[7], -_CHARGE_MOST, _CHARGE_MOST)
    return traits, charge, noise


def _cell_draws(generators: list[np.random.Generator], cells: int) -> Floats:
    """Eight numbers for each cell, shape (8, V, cells), about normal.

    How far they spread differs from vehicle to vehicle, and a few cells stand out, as in packs that work for years.
    """
    normal = np.stack([g.standard_normal((8, cells)) for g in generators])
    tail = np.exp(0.2 * np.stack([g.standard_normal((8, cells)) for g in generators]))
    wide = np.exp(0.3 * np.clip(np.stack([g.standard_normal((8, 1)) for g in generators]), -2.0, 2.0))
    return np.asarray(np.clip(normal * tail * wide, -6.0, 6.0).swapaxes(0, 1))


def _ageing(u: Floats, n: Floats, mean_c: Floats, target: Floats) -> tuple[Floats, Floats]:
    """Capacity lost and resistance gained a second in this year of the vehicle's life, shares."""
    begin = 180.0 + 1500.0 * u[:, 6]
    rest_v, temp_k = 3.6 + 0.5 * (target - 0.25), mean_c + 5.0 + KELVIN
    power = ageing.SCHMALSTIEG_CALENDAR_POWER
    days = (begin + 365.0) ** power - begin**power
    lost = ageing.schmalstieg_calendar_capacity(rest_v, temp_k) * days * np.exp(0.2 * n[:, 9]) + 0.006
    gained = ageing.schmalstieg_calendar_resistance(rest_v, temp_k) * days * np.exp(0.2 * n[:, 10]) + 0.01
    return lost / (365.0 * 86_400.0), gained / (365.0 * 86_400.0)
