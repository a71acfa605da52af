"""Where each vehicle stands between two days, and the rows a day gives."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twinpack.battery.arrays import Floats, Index
from twinpack.simulate.faults.traits import PROBES, Traits

PARKED, DRIVING, SLOW_CHARGE, FAST_CHARGE = range(4)

COLUMNS = (
    "pack_voltage_v",
    "pack_current_a",
    "cell_temp_avg_c",
    "soc_pct",
    "speed_kmh",
    "odometer_km",
    "ambient_temp_c",
    "coolant_temp_c",
    "isolation_resistance_kohm",
    "link_voltage_v",
    "contactors_closed",
    "hv_interlock_closed",
    "is_charging",
    "plug_connected",
)
"""Scalar signals in the order of the columns of `Rows.scalars`."""


class State(NamedTuple):
    """State of every vehicle, a row each; a plain tuple of arrays that the kernel changes.

    Attributes:
        time_s: Time of the last step, s since the start.
        mode: `PARKED`, `DRIVING`, `SLOW_CHARGE` or `FAST_CHARGE`.
        until_s: When the mode ends of itself.
        plug_s: When a slow charge begins, infinite if none is planned.
        drive: The next drive of the plan.
        gap: The next silence of the plan.
        fresh: Whether it has just been switched off.
        charge: Of each cell group, 0..1, shape (V, cells).
        soc, emptiest, fullest: Their mean, least and most.
        zone_c: Temperature of each zone, shape (V, zones).
        coolant_c: Temperature of the coolant.
        fast_a, slow_a: Current filtered with the two time constants of the cells.
        kmh: Speed that the driver wishes.
        odometer_km: Distance.
        soc_error: What the BMS's charge is wrong by, 0..1.
        lost: How much of an imbalance has come about, 0..1.
        frozen_v: What a frozen channel shows, NaN before.
        seeds: State of the noise.
    """

    time_s: Floats
    mode: Index
    until_s: Floats
    plug_s: Floats
    drive: Index
    gap: Index
    fresh: NDArray[np.bool_]
    charge: Floats
    soc: Floats
    emptiest: Floats
    fullest: Floats
    zone_c: Floats
    coolant_c: Floats
    fast_a: Floats
    slow_a: Floats
    kmh: Floats
    odometer_km: Floats
    soc_error: Floats
    lost: Floats
    frozen_v: Floats
    seeds: NDArray[np.uint64]


class Rows(NamedTuple):
    """Room for the rows of a day; a plain tuple of arrays that the kernel fills.

    Attributes:
        vehicle: Index of the vehicle, shape (N,).
        time_s: True time, s since the start.
        scalars: Signals of `COLUMNS`, shape (N, columns).
        cells: Cell voltages, V, shape (N, cells).
        probes: Probe temperatures, °C, shape (N, probes).
        luck: Uniform numbers that decide what becomes of the row on its way, shape (N, 3).
    """

    vehicle: NDArray[np.int32]
    time_s: Floats
    scalars: Floats
    cells: NDArray[np.float32]
    probes: NDArray[np.float32]
    luck: Floats


def begin(traits: Traits, charge: Floats, seeds: NDArray[np.uint64]) -> State:
    """Every vehicle parked at midnight."""
    vehicles = len(seeds)
    air_c = traits.mean_c - traits.season_c + traits.garage_c
    return State(
        time_s=np.zeros(vehicles),
        mode=np.full(vehicles, PARKED, dtype=np.int64),
        until_s=np.full(vehicles, np.inf),
        plug_s=np.full(vehicles, np.inf),
        drive=np.zeros(vehicles, dtype=np.int64),
        gap=np.zeros(vehicles, dtype=np.int64),
        fresh=np.zeros(vehicles, dtype=np.bool_),
        charge=charge.copy(),
        soc=charge.mean(axis=1),
        emptiest=charge.min(axis=1),
        fullest=charge.max(axis=1),
        zone_c=np.repeat(air_c[:, None], PROBES, axis=1),
        coolant_c=air_c.copy(),
        fast_a=np.zeros(vehicles),
        slow_a=np.zeros(vehicles),
        kmh=np.zeros(vehicles),
        odometer_km=traits.odometer_km.copy(),
        soc_error=np.zeros(vehicles),
        lost=np.zeros(vehicles),
        frozen_v=np.full(vehicles, np.nan),
        seeds=seeds.copy(),
    )


def room(vehicles: int, rows_each: int, cells: int) -> Rows:
    """Room for the rows of some vehicles; what is not written takes no memory."""
    n = vehicles * rows_each
    return Rows(
        vehicle=np.empty(n, np.int32),
        time_s=np.empty(n),
        scalars=np.empty((n, len(COLUMNS))),
        cells=np.empty((n, cells), np.float32),
        probes=np.empty((n, PROBES), np.float32),
        luck=np.empty((n, 3)),
    )
