"""The kinds of faults, how small and how large they come, and which vehicle gets which and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from twinpack.battery.arrays import Floats, Index
from twinpack.battery.pack import PackSpec
from twinpack.simulate.faults.settings import FaultFleetSettings
from twinpack.simulate.vehicles import generator

DAY_S = 86_400.0
HEALTHY = -1
WEAK_CELL, IMBALANCE, SHORT, CELL_SENSOR, PROBE_SENSOR, COOLING, CONTACTOR, ISOLATION, RUNAWAY, DEAD_CHANNEL = range(10)
READS_0_V, READS_5_V, FROZEN = range(3)

_SHORT_TAKEN_OFF = 0.25
"""A vehicle is taken off the road once its shorted cell lacks this share of its capacity."""
_RUNAWAY_LAST_S = 180.0
"""A vehicle that burns tells for so long yet."""
_USED_SOC = (0.2, 0.9)


@dataclass(frozen=True)
class FaultKind:
    """One kind of fault.

    Attributes:
        name: Its name in the truth and in scores.
        unit: Unit of its size.
        minimum: Smallest size.
        maximum: Largest size.
        ramp_days: Shortest and longest time over which it grows to its size; 0 is at once.
        room_days: It begins at least so long before the end, so that it can be found.
        subject: What of the pack it sits in: `cell`, `probe` or "".
        meaning: What happens, in a line.
    """

    name: str
    unit: str
    minimum: float
    maximum: float
    ramp_days: tuple[float, float]
    room_days: float
    subject: str
    meaning: str


KINDS: tuple[FaultKind, ...] = (
    FaultKind("weak_cell", "%", 3.0, 10.0, (1.0, 45.0), 90.0, "cell", "a cell group loses capacity, its resistance up"),
    FaultKind(
        "imbalance", "mV", 15.0, 40.0, (0.0, 20.0), 75.0, "cell", "a cell group's charge sinks below the others'"
    ),
    FaultKind("internal_short", "ohm", 1000.0, 100.0, (0.0, 0.0), 100.0, "cell", "a cell group discharges itself"),
    FaultKind("cell_sensor_drift", "mV", 10.0, 30.0, (0.0, 30.0), 75.0, "cell", "a cell channel reads high or low"),
    FaultKind("probe_drift", "K", 1.0, 4.0, (0.0, 30.0), 75.0, "probe", "a temperature probe reads high or low"),
    FaultKind("cooling_loss", "%", 60.0, 95.0, (0.0, 15.0), 90.0, "", "heat passes less well from cells to coolant"),
    FaultKind("contactor_welded", "%", 30.0, 100.0, (0.0, 0.0), 21.0, "", "share of the pack's voltage left when open"),
    FaultKind("isolation_loss", "kohm", 35.0, 8.0, (0.0, 4.0), 30.0, "", "isolation falls to this"),
    FaultKind(
        "thermal_runaway", "K", 80.0, 80.0, (0.0, 0.0), 21.0, "cell", "a cell group heats itself, then runs away"
    ),
    FaultKind(
        "dead_channel", "", 1.0, 1.0, (0.0, 0.0), 30.0, "cell", "a cell channel reads 0 V, 5 V or always the same"
    ),
)
"""Every kind, at the place of its number. Sizes are drawn between minimum and maximum, those of a short evenly on a
logarithmic scale."""


class Faults(NamedTuple):
    """The fault of each vehicle, one entry a vehicle; times are seconds since the start, infinite for never.

    A plain tuple of arrays, for the kernel.

    Attributes:
        kind: Index into `KINDS`, `HEALTHY` for none.
        cell: Its cell group from 0, -1 for none.
        probe: Its probe from 0, -1 for none.
        onset_s: When it begins.
        ramp_s: How long it grows; of a runaway: how long it smoulders.
        runaway_s: When it runs away.
        size: As stated, positive, in the unit of its kind.
        amount: What the kernel counts with: a share, V, K, ohm, kohm or charge; signed.
        form: `READS_0_V`, `READS_5_V` or `FROZEN` of a dead channel.
        end_s: When the vehicle falls silent for good.
    """

    kind: Index
    cell: Index
    probe: Index
    onset_s: Floats
    ramp_s: Floats
    runaway_s: Floats
    size: Floats
    amount: Floats
    form: Index
    end_s: Floats


def plan_faults(settings: FaultFleetSettings, pack: PackSpec, probes: int) -> Faults:
    """The fault of every vehicle: every other one has one, the kinds in turn."""
    number = np.arange(settings.vehicles)
    faulty = (number % 2 == 1) & settings.faults
    kind = np.where(faulty, number // 2 % len(KINDS), HEALTHY)
    draws = np.stack([generator(settings.seed, v, 3).random(8) for v in range(settings.vehicles)])
    table = np.array([(k.minimum, k.maximum, *k.ramp_days, k.room_days) for k in KINDS])[kind]
    size = _sizes(kind, table, draws)
    onset_s = np.where(faulty, DAY_S * _onset_days(settings.days, table[:, 4], draws[:, 1]), np.inf)
    # half of what may come at once does
    ramp_days = np.where(
        (table[:, 2] == 0.0) & (draws[:, 2] < 0.5), 0.0, table[:, 2] + draws[:, 3] * np.ptp(table[:, 2:4], axis=1)
    )
    hot = kind == RUNAWAY
    smoulder_s = 3600.0 * (1.0 + 8.0 * draws[:, 3])
    flare_s = 60.0 * (12.0 + 30.0 * draws[:, 4])
    runaway_s = np.where(hot, onset_s + smoulder_s + flare_s, np.inf)
    amount = _amounts(kind, size, pack, np.where(draws[:, 5] < 0.5, -1.0, 1.0))
    of_cell = faulty & np.array([k.subject == "cell" for k in KINDS])[kind]
    of_probe = faulty & np.array([k.subject == "probe" for k in KINDS])[kind]
    return Faults(
        kind=kind,
        cell=np.where(of_cell, (draws[:, 6] * pack.series).astype(np.int64), -1),
        probe=np.where(of_probe, (draws[:, 6] * probes).astype(np.int64), -1),
        onset_s=onset_s,
        ramp_s=np.where(hot, smoulder_s, DAY_S * ramp_days),
        runaway_s=runaway_s,
        size=np.where(faulty, size, np.nan),
        amount=np.where(faulty, amount, 0.0),
        form=(draws[:, 7] * 3.0).astype(np.int64),
        end_s=np.where(kind == SHORT, onset_s + _short_lasts_s(size, pack), runaway_s + _RUNAWAY_LAST_S),
    )


def _sizes(kind: Index, table: Floats, draws: Floats) -> Floats:
    even = table[:, 0] + draws[:, 0] * (table[:, 1] - table[:, 0])
    return np.where(kind == SHORT, table[:, 0] * (table[:, 1] / table[:, 0]) ** draws[:, 0], even)


def _onset_days(days: int, room: Floats, u: Floats) -> Floats:
    """Not in the first two months, nor too late; in a shorter watch both are shorter."""
    first = min(60.0, 0.4 * days)
    last = days - np.minimum(room, 0.35 * days)
    return np.asarray(np.floor((first + u * (last - first)) * 24.0 * 60.0) / (24.0 * 60.0))


def _amounts(kind: Index, size: Floats, pack: PackSpec, sign: Floats) -> Floats:
    low, high = pack.ocv.pchip(np.array(_USED_SOC))
    slope = (high - low) / (_USED_SOC[1] - _USED_SOC[0])
    ways = {
        WEAK_CELL: 0.01 * size,
        IMBALANCE: 0.001 * size / slope,
        CELL_SENSOR: sign * 0.001 * size,
        PROBE_SENSOR: sign * size,
        COOLING: 0.01 * size,
        CONTACTOR: 0.01 * size,
    }
    amount = size.copy()
    for which, values in ways.items():
        amount = np.where(kind == which, values, amount)
    return amount


def _short_lasts_s(ohm: Floats, pack: PackSpec) -> Floats:
    volt = float(pack.ocv.pchip(0.6))
    return np.asarray(_SHORT_TAKEN_OFF * pack.capacity_ah * 3600.0 * ohm / volt)
