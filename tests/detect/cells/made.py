"""Packs made up for the tests of the cell anomalies: samples, cleaned as the screen would, from arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from twinpack.battery.pack import PackSpec, load_pack
from twinpack.detect.cells import CellSettings, CellsState, cells
from twinpack.detect.findings import RAISED, Finding
from twinpack.detect.frames import Frames
from twinpack.telemetry.arrivals import NEVER
from twinpack.telemetry.batch import ListValues

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Clean:
    """Samples of which nothing had to be masked."""

    aside: npt.NDArray[np.bool_]
    cells: ListValues
    probes: ListValues
    quantities: Mapping[str, Floats] = field(default_factory=dict)


def lists(values: Floats) -> ListValues:
    """One list a row."""
    rows, width = values.shape
    flat = values.astype(np.float32).ravel()
    return ListValues(flat, np.arange(rows, dtype=np.int64) * width, np.full(rows, width, np.int64))


def sampled(
    time_s: Floats,
    volts: Floats,
    c_rate: Floats,
    soc: Floats,
    probes: Floats | None = None,
    lane: npt.NDArray[np.int32] | None = None,
    **more: Floats,
) -> tuple[Frames, Clean]:
    """Samples of one or several vehicles (by lane, in time order) and what the screen makes of them.

    Args:
        time_s: Sample times, s, (M,).
        volts: Cell voltages, (M, cells).
        c_rate: C-rate, positive charges, NaN where unknown, (M,).
        soc: State of charge, 0..1, (M,).
        probes: Temperatures, °C, (M, probes); none by default.
        lane: Vehicle of each; all of one by default.
        more: Further quantities by name.
    """
    rows = len(time_s)
    lanes = np.zeros(rows, np.int32) if lane is None else lane
    probes = np.zeros((rows, 0)) if probes is None else probes
    time_us = np.round(time_s * 1e6).astype(np.int64)
    before = np.r_[NEVER, time_us[:-1]]
    before[1:][lanes[1:] != lanes[:-1]] = NEVER
    shown, temps = lists(volts), lists(probes)
    frames = Frames(lanes, time_us, before, time_us, np.arange(rows), {}, shown, temps)
    quantities = {
        "cell_v_median": np.median(volts.astype(np.float32), axis=1).astype(np.float64),
        "c_rate": c_rate,
        "rest_s": _rest(time_s, c_rate, lanes),
        "soc_pct": 100.0 * soc,
        **more,
    }
    if probes.shape[1]:
        quantities |= {"temp_max_c": probes.max(axis=1), "temp_min_c": probes.min(axis=1)}
    return frames, Clean(np.zeros(rows, np.bool_), shown, temps, quantities)


def _rest(time_s: Floats, c_rate: Floats, lane: npt.NDArray[np.int32]) -> Floats:
    """Time since the rate was last over 0.02."""
    rest = np.zeros(len(time_s))
    for row in range(1, len(time_s)):
        same = lane[row] == lane[row - 1]
        if same and not abs(c_rate[row]) > 0.02:
            rest[row] = rest[row - 1] + time_s[row] - time_s[row - 1]
    return rest


def part_of(frames: Frames, clean: Clean, which: npt.NDArray[np.intp]) -> tuple[Frames, Clean]:
    """Some of the samples, as a batch of its own."""
    return (
        Frames(
            frames.lane[which],
            frames.time_us[which],
            frames.before_us[which],
            frames.receipt_us[which],
            frames.offset[which],
            {name: values[which] for name, values in frames.signals.items()},
            frames.cells.rows(which),
            frames.probes.rows(which),
        ),
        Clean(
            clean.aside[which],
            clean.cells.rows(which),
            clean.probes.rows(which),
            {name: values[which] for name, values in clean.quantities.items()},
        ),
    )


HOUR, DAY = 3600.0, 86_400.0


@dataclass(frozen=True)
class Life:
    """How a pack of cells lives: driven twice a day, charged every night, parked else; nothing is balanced.

    Attributes:
        days: How long.
        cells: Cells in series.
        seed: Of everything drawn.
        in_use_s: Seconds between samples in use.
        spread_v: Standard deviation of what each cell's channel is off.
        capacity: Relative lack of capacity by cell from 0.
        resistance: Relative resistance beyond the others', by cell.
        leak: Loss of charge a day, by cell.
        offset: What a cell's channel is off beyond its draw, V, by cell.
        imbalance: Charge beyond the others', 0..1, by cell.
        from_day: When `capacity`, `leak` and `offset` begin.
        pack: Name of the pack.
    """

    days: int = 40
    cells: int = 24
    seed: int = 1
    in_use_s: float = 60.0
    spread_v: float = 0.001
    capacity: Mapping[int, float] = field(default_factory=dict)
    resistance: Mapping[int, float] = field(default_factory=dict)
    leak: Mapping[int, float] = field(default_factory=dict)
    offset: Mapping[int, float] = field(default_factory=dict)
    imbalance: Mapping[int, float] = field(default_factory=dict)
    from_day: float = 0.0
    pack: str = "sim_nmc_96s"

    @property
    def spec(self) -> PackSpec:
        """The pack, with as many cells."""
        return replace(load_pack(self.pack), series=self.cells)

    def lived(self) -> tuple[Frames, Clean]:
        """Its samples."""
        rng = np.random.default_rng(self.seed)
        time, rate = self._use(rng)
        hours = np.r_[0.0, np.diff(time)] / HOUR
        flowed = np.cumsum(rate * hours)
        soc = np.clip(0.7 + flowed, 0.02, 0.98)
        begun = np.clip((time / DAY - self.from_day), 0.0, None)
        late = time >= self.from_day * DAY
        ocv = self.spec.ocv
        ohm = 0.12
        temp = 20.0 + 5.0 * np.sin(2.0 * np.pi * time / (30.0 * DAY))
        ohms = ohm * np.exp(2500.0 * (1.0 / (temp + 273.15) - 1.0 / 298.15))
        channel = self.spread_v * rng.standard_normal(self.cells)
        volts = np.empty((len(time), self.cells))
        since = flowed - np.interp(self.from_day * DAY, time, flowed)
        for cell in range(self.cells):
            charge = soc + self.imbalance.get(cell, 0.0) + self.capacity.get(cell, 0.0) * np.where(late, since, 0.0)
            charge = charge - self.leak.get(cell, 0.0) * begun
            own = ohms * (1.0 + self.resistance.get(cell, 0.0))
            volts[:, cell] = ocv.pchip(charge) + own * rate + channel[cell] + self.offset.get(cell, 0.0) * late
        volts = np.round(volts + 0.001 * rng.standard_normal(volts.shape), 3)
        return sampled(time, volts, rate, np.round(soc, 2), cell_temp_avg_c=temp)

    def _use(self, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Times of samples, s, and the C-rate of the time before each."""
        times, rates = [], []
        charge = 0.7
        for day in range(self.days):
            begin = day * DAY
            plan = []
            for start in (7.5, 17.0):
                lasts = HOUR * (0.4 + 0.6 * rng.random())
                at = np.arange(0.0, lasts, self.in_use_s)
                plan.append((begin + start * HOUR + at, np.minimum(-0.35 + 0.25 * rng.standard_normal(len(at)), 0.1)))
            used = -sum(float(rate.sum()) for _, rate in plan) * self.in_use_s / HOUR
            charge -= used
            if charge < 0.45 + 0.2 * rng.random():
                at = np.arange(0.0, (0.85 - charge) / 0.2 * HOUR, self.in_use_s)
                plan.append((begin + 19.0 * HOUR + at, np.full(len(at), 0.2)))
                charge += 0.2 * len(at) * self.in_use_s / HOUR
            used_at = np.concatenate([at for at, _ in plan])
            rate = np.concatenate([rate for _, rate in plan])
            parked = begin + np.arange(0.0, DAY, 1800.0)
            free = np.min(np.abs(parked[:, None] - used_at[None, :]), axis=1) > 900.0
            at = np.r_[used_at, parked[free]]
            order = np.argsort(at)
            times.append(at[order])
            rates.append(np.r_[rate, np.zeros(int(free.sum()))][order])
        time = np.concatenate(times)
        rate = np.concatenate(rates)
        kept = np.r_[True, np.diff(time) > 0.0]
        time, rate = time[kept], rate[kept]
        # the current of a sample after a long pause flows only from then on
        return time, np.where(np.r_[0.0, np.diff(time)] > 2.0 * self.in_use_s, 0.0, rate)

    def found(self, settings: CellSettings | None = None) -> list[Finding]:
        """What is found in it."""
        frames, clean = self.lived()
        return cells(CellsState.empty(1, cells=self.cells, probes=0), frames, clean, self.spec, settings)[1]


def alarms(found: list[Finding]) -> set[tuple[str, str]]:
    """Codes and subjects that were raised to an alarm."""
    return {(one.code, one.subject) for one in found if one.change == RAISED and one.level == "alarm"}
