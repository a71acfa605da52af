"""Who drives what, where and how much, and how each battery ages: everything decided before a drive is simulated.

Every vehicle draws from its own generator, so that it does not depend on how many others there are.

Ageing follows the law of the pack's chemistry (`wear`) over the vehicle's typical use: yearly distance, resting
charge, depth of discharge and the temperatures of its climate, interval by interval between sampled drives. A spread
factor a vehicle (lognormal) scales its capacity loss; another, tied to it, its resistance gain. The *factors* are held
within bounds such that after five years capacity health lies between 76 and 96 % and total resistance between 1.15
and 2 times that when new.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twinpack.battery.arrays import Floats
from twinpack.battery.ecm import KELVIN
from twinpack.battery.pack import PackSpec
from twinpack.simulate.settings import DAYS_PER_YEAR, FleetSettings
from twinpack.simulate.wear import Lived, Wear, hidden_wear

# Yearly mean, seasonal swing and daily swing of the air (°C), hilliness (standard deviation of the grade), height (m).
CLIMATES = {
    "nordic": (5.5, 11.0, 3.0, 0.012, 150.0),
    "maritime": (10.5, 6.5, 3.0, 0.009, 130.0),
    "continental": (9.5, 10.5, 4.5, 0.013, 350.0),
    "mediterranean": (15.5, 8.5, 5.0, 0.016, 250.0),
    "subtropical": (20.5, 7.0, 4.5, 0.007, 120.0),
}
_CLIMATE_SHARES = (0.15, 0.25, 0.25, 0.2, 0.15)
_CLIMATE_TABLE = np.array(list(CLIMATES.values()))

# the laws were fitted to a cell of 2014; this share of their capacity loss is left in the simulated one
_CAPACITY_LOSS_SHARE = 0.72


@dataclass(frozen=True)
class Vehicles:
    """Traits, one entry a vehicle.

    Capacity of the new pack is relative to the rated one; resistance of the new pack to that of the mean new pack.
    """

    mean_c: Floats
    season_c: Floats
    daily_c: Floats
    hilliness: Floats
    height_m: Floats
    garage_c: Floats
    aggressiveness: Floats
    motorway: Floats
    urban: Floats
    charge_habit: Floats
    depth: Floats
    yearly_km: Floats
    mass_kg: Floats
    drag_area_m2: Floats
    rolling: Floats
    usual_load_kg: Floats
    odometer_start_km: Floats
    new_capacity: Floats
    new_resistance: Floats
    cell_capacity: Floats
    cell_resistance: Floats
    fade_calendar: Floats
    fade_cycle: Floats
    fade_resistance: Floats
    current_gain: Floats
    current_offset_a: Floats
    soc_bias: Floats
    clock_s: Floats


@dataclass(frozen=True)
class Life:
    """What time does to each vehicle, arrays of vehicles x trips at the start of each drive.

    Attributes:
        start_s: Start of the drive, true seconds since the start of the simulation.
        odometer_km: Distance driven before it.
        capacity_ah: Capacity of the pack (of its weakest cell group).
        r0_ratio: Ohmic resistance over that of the mean new pack, at equal state and temperature.
        rc_ratio: The same for the slow resistances.
        bms_capacity_ah: What the BMS believes; it learns a new figure only at every 15th drive.
        soc_start: True state of charge at the start of the drive: what is left of the last charge after the drives
            since, which are not sampled; little where a charge follows.
        charged: Whether a sampled charge follows the drive.
    """

    start_s: Floats
    odometer_km: Floats
    capacity_ah: Floats
    r0_ratio: Floats
    rc_ratio: Floats
    bms_capacity_ah: Floats
    soc_start: Floats
    charged: NDArray[np.bool_]


def generator(seed: int, *key: int) -> np.random.Generator:
    """The generator of a vehicle (its index) or of one of its drives (vehicle, drive)."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def draw_vehicles(settings: FleetSettings, pack: PackSpec) -> Vehicles:
    """The traits of every vehicle."""
    generators = [generator(settings.seed, v) for v in range(settings.vehicles)]
    u = np.stack([g.random(16) for g in generators])
    n = np.clip(np.stack([g.standard_normal(16) for g in generators]), -2.5, 2.5)
    spread = np.stack([g.standard_normal((2, pack.series)) for g in generators])
    climate = _CLIMATE_TABLE[np.searchsorted(np.cumsum(_CLIMATE_SHARES)[:-1], u[:, 0], side="right")]
    slow_clock = np.where(u[:, 11] < 0.1, np.where(u[:, 12] < 0.7, -1.0, 1.0) * (15.0 + 30.0 * u[:, 13]), 0.0)
    capacity = 1.0 + 0.006 * np.clip(spread[:, 0], -3.0, 3.0)
    return Vehicles(
        mean_c=climate[:, 0] + n[:, 0],
        season_c=climate[:, 1],
        daily_c=climate[:, 2],
        hilliness=climate[:, 3] * np.exp(0.2 * n[:, 1]),
        height_m=climate[:, 4],
        garage_c=6.0 * u[:, 1] ** 2,
        aggressiveness=np.exp(0.12 * n[:, 2]),
        motorway=0.30 + 0.35 * u[:, 2],
        urban=0.10 + 0.18 * u[:, 3],
        charge_habit=0.80 + 0.17 * u[:, 4],
        depth=0.25 + 0.40 * u[:, 5],
        yearly_km=15_000.0 * np.exp(0.35 * n[:, 3]),
        mass_kg=2350.0 + 130.0 * n[:, 4],
        drag_area_m2=1.08 + 0.06 * n[:, 5],
        rolling=0.0105 + 0.0006 * n[:, 6],
        usual_load_kg=120.0 + 450.0 * u[:, 6] ** 2,
        odometer_start_km=20.0 + 400.0 * u[:, 7],
        new_capacity=1.0 + 0.015 * (2.0 * u[:, 8] - 1.0),
        new_resistance=np.exp(0.03 * n[:, 7]),
        cell_capacity=capacity / capacity.min(axis=1, keepdims=True),
        cell_resistance=np.exp(0.03 * spread[:, 1]),
        fade_calendar=_CAPACITY_LOSS_SHARE * np.exp(0.22 * n[:, 8]),
        fade_cycle=_CAPACITY_LOSS_SHARE * np.exp(0.22 * n[:, 9]),
        fade_resistance=np.exp(0.15 * (n[:, 8] + n[:, 9]) / 2.0 + 0.2 * n[:, 10]),
        current_gain=1.0 + 0.001 * n[:, 11],
        current_offset_a=0.1 * n[:, 12],
        soc_bias=np.where(u[:, 9] < 0.5, -1.0, 1.0) * (0.010 + 0.010 * u[:, 10]),
        clock_s=slow_clock,
    )


def live(settings: FleetSettings, pack: PackSpec, vehicles: Vehicles) -> Life:
    """When each vehicle drives, and the state of its battery then."""
    draws, start_days, driven_km = between_drives(settings, vehicles)
    stress = lived(vehicles, start_days, np.diff(start_days, axis=1, prepend=0.0), driven_km)
    wear = wear_of(settings, pack, vehicles, stress)
    capacity_loss, resistance_gain = wear.worn([np.cumsum(one, axis=-1) for one in wear.passed(stress)])
    capacity_ah = pack.capacity_ah * vehicles.new_capacity[:, None] * (1.0 - capacity_loss)
    charged = draws[:, 4] < settings.charge_share
    r0_ratio, rc_ratio = resistance_of(vehicles, resistance_gain)
    return Life(
        start_s=start_days * 86400.0,
        odometer_km=vehicles.odometer_start_km[:, None] + np.cumsum(driven_km, axis=1),
        capacity_ah=capacity_ah,
        r0_ratio=r0_ratio,
        rc_ratio=rc_ratio,
        bms_capacity_ah=capacity_ah[:, np.arange(settings.trips) // 15 * 15],
        soc_start=_soc_start(vehicles, charged, draws[:, 3], draws[:, 5]),
        charged=charged,
    )


def between_drives(settings: FleetSettings, vehicles: Vehicles) -> tuple[Floats, Floats, Floats]:
    """Chances of each vehicle (vehicles x 6 x trips), the days of its drives, and the km from drive to drive."""
    slot_days = settings.years * DAYS_PER_YEAR / settings.trips
    draws = np.stack([generator(settings.seed, v, 2**31).random((6, settings.trips)) for v in range(settings.vehicles)])
    start_days = _start_days(slot_days, settings.trips, draws)
    interval_days = np.diff(start_days, axis=1, prepend=0.0)
    # holidays and busy months
    return draws, start_days, vehicles.yearly_km[:, None] * interval_days / DAYS_PER_YEAR * (0.7 + 0.6 * draws[:, 2])


def resistance_of(vehicles: Vehicles, gain: Floats) -> tuple[Floats, Floats]:
    """Ohmic and slow resistance over those of the mean new pack once they have gained so much, vehicles x times."""
    new = vehicles.new_resistance[:, None]
    return new * (1.0 + 0.85 * gain), new * (1.0 + 1.15 * gain)


def _soc_start(vehicles: Vehicles, charged: NDArray[np.bool_], habit: Floats, since: Floats) -> Floats:
    """Charge at the start of each drive: on the way down from the last charge, near the end of it before the next."""
    full = vehicles.charge_habit[:, None] + 0.09 * (2.0 * habit - 1.0)
    used = vehicles.depth[:, None] * np.where(charged, 0.7 + 0.3 * since, 0.8 * since)
    return np.clip(full - used, 0.32, 0.99)


def season_c(vehicles: Vehicles, days: Floats) -> Floats:
    """Mean air temperature of the season, vehicles x days; coldest in mid-January."""
    wave = np.cos(2.0 * np.pi * (days - 10.0) / DAYS_PER_YEAR)
    return np.asarray(vehicles.mean_c[:, None] - vehicles.season_c[:, None] * wave)


def _start_days(slot_days: float, trips: int, draws: Floats) -> Floats:
    """One drive in each slot, on a day that leaves it and its charge inside, between 6 and 20 o'clock."""
    first_day = np.ceil(np.arange(trips) * slot_days)
    # what the whole day before and a charge after a late drive may take of the slot
    day = first_day + np.floor(draws[:, 0] * (slot_days - 2.2))
    morning, evening = 6.0 + 4.0 * draws[:, 1], 14.0 + 6.0 * draws[:, 1]
    hour = np.where(draws[:, 0] * 97.0 % 1.0 < 0.5, morning, evening)
    return np.asarray(day + hour / 24.0)


def lived(vehicles: Vehicles, start_days: Floats, interval_days: Floats, km: Floats) -> Lived:
    """What the batteries live through in intervals that end on days, vehicles x intervals."""
    return Lived(
        days=interval_days,
        km=km,
        temp_k=season_c(vehicles, start_days - 0.5 * interval_days) + (vehicles.garage_c + 3.0)[:, None] + KELVIN,
        parked_soc=(vehicles.charge_habit - 0.4 * vehicles.depth)[:, None],
        cycled_soc=(vehicles.charge_habit - 0.5 * vehicles.depth)[:, None],
        depth=vehicles.depth[:, None],
    )


def wear_of(settings: FleetSettings, pack: PackSpec, vehicles: Vehicles, life: Lived) -> Wear:
    """The hidden law of the batteries, by the life they live in the years of the settings."""
    traits = vehicles.fade_calendar, vehicles.fade_cycle, vehicles.fade_resistance, vehicles.new_capacity
    return hidden_wear(pack, traits, life, settings.years)
