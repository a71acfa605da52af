"""Drives and charges run on the true batteries: the hidden record of what happened. Arrays are drives x samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twinpack.battery.arrays import Floats, Index
from twinpack.simulate.cells import Batteries, State, advance, at_rest, rested
from twinpack.simulate.drives import CHARGE_SAMPLES, Draws, Drives

_EMPTY_SOC = 0.10
_AC_W, _DC_W = np.array([6_800.0, 10_200.0]), np.array([50_000.0, 75_000.0, 120_000.0])
_AC_PERIOD_S, _DC_PERIOD_S = 60.0, 30.0
_AC_SHARE = 0.65
_REST_SAMPLES = 3
RECORDED = ("voltage_v", "current_a", "temp_c", "soc")


@dataclass(frozen=True)
class Record:
    """What happened, samples x sessions while it is written, sessions x samples when done."""

    voltage_v: Floats
    current_a: Floats
    temp_c: Floats
    soc: Floats

    @classmethod
    def empty(cls, *shape: int) -> Record:
        """Room for a block of sessions."""
        return cls(*(np.zeros(shape) for _ in RECORDED))

    def put(self, sample: int, state: State) -> None:
        """Write one sample of every session."""
        self.voltage_v[sample], self.current_a[sample] = state.voltage_v, state.current_a
        self.temp_c[sample], self.soc[sample] = state.temp_c, state.soc

    def transposed(self) -> Record:
        """Sessions x samples."""
        return Record(*(np.ascontiguousarray(getattr(self, name).T) for name in RECORDED))

    def then(self, other: Record) -> Record:
        """Both, one after the other; sessions x samples."""
        return Record(*(np.concatenate([getattr(self, name), getattr(other, name)], axis=1) for name in RECORDED))


@dataclass(frozen=True)
class Charges:
    """What follows each drive; where no charge does, `count` is 0.

    Attributes:
        pause_s: Between the end of the drive and the first sample.
        period_s: Between samples.
        count: Samples.
        record: What happened.
    """

    pause_s: Floats
    period_s: Floats
    count: Index
    record: Record


def run_drives(b: Batteries, drives: Drives, soc: Floats) -> tuple[Record, Index, State]:
    """Drive; a drive also ends when the battery is at its reserve. Returns record, samples and state at the end."""
    state = end = at_rest(b, soc, drives.cell_start_c)
    demand_w = np.ascontiguousarray(drives.demand_w.T)
    record = Record.empty(*demand_w.shape)
    record.put(0, state)
    last = drives.count - 1
    running = np.ones(len(soc), dtype=np.bool_)
    for j in range(1, int(drives.count.max())):
        accepted = charge_acceptance(b, state)
        state = advance(b, state, drives.period_s, demand_w[j], drives.ambient_c, -np.inf, accepted)
        record.put(j, state)
        ending = running & ((last == j) | (state.soc < _EMPTY_SOC))
        if ending.any():
            end, last = state.where(ending, end), np.where(ending, j, last)
            running &= ~ending
    return record.transposed(), last + 1, end


def run_charges(
    b: Batteries, drives: Drives, end: State, charged: NDArray[np.bool_], habit: Floats, draws: Draws
) -> Charges:
    """Charge where `charged`: constant power first, then what the BMS allows, then constant voltage."""
    u, chosen = draws.uniform, np.flatnonzero(charged)
    on_ac = u[:, 5] < _AC_SHARE
    power_w = np.where(on_ac, _AC_W[(u[:, 6] * 2).astype(np.int64)], _DC_W[(u[:, 6] * 3).astype(np.int64)])
    period_s, pause_s = np.where(on_ac, _AC_PERIOD_S, _DC_PERIOD_S), np.round(150.0 + 400.0 * u[:, 7])
    target = np.where(u[:, 8] < 0.12, 1.0, np.clip(habit + 0.04 * draws.normal[:, 5], 0.6, 0.99))
    target = np.maximum(target, np.minimum(end.soc + 0.1, 0.99))
    ambient_c = drives.ambient_c
    count, whole = np.zeros(len(habit), dtype=np.int64), Record.empty(len(habit), CHARGE_SAMPLES)
    if chosen.size:
        state = rested(b, end, pause_s, ambient_c).take(chosen)
        asked = (period_s[chosen], power_w[chosen], target[chosen], ambient_c[chosen])
        record, count[chosen] = _charge(b.take(chosen), state, *asked)
        for name in RECORDED:
            getattr(whole, name)[chosen] = getattr(record, name)
    return Charges(pause_s, period_s, count, whole)


def charge_acceptance(b: Batteries, state: State) -> Floats:
    """Highest charging current the BMS allows, A: less when cold and towards full."""
    warm = np.clip((state.temp_c + 12.0) / 30.0, 0.06, 1.0)
    room = np.clip(1.15 - 1.0 * state.soc, 0.0, 0.7) / 0.7 * np.clip((1.02 - state.soc) / 0.08, 0.0, 1.0)
    return np.asarray(b.current_max_a * warm * room)


def _charge(
    b: Batteries, state: State, period_s: Floats, power_w: Floats, target: Floats, ambient_c: Floats
) -> tuple[Record, Index]:
    record = Record.empty(CHARGE_SAMPLES, len(target))
    record.put(0, state)
    count = np.full(len(target), CHARGE_SAMPLES)
    running = np.ones(len(target), dtype=np.bool_)
    least_a = 0.04 * b.capacity_ah
    for j in range(1, CHARGE_SAMPLES):
        limit = np.where(running, charge_acceptance(b, state), 0.0)
        state = advance(b, state, period_s, np.where(running, power_w, 0.0), ambient_c, 0.0, limit)
        record.put(j, state)
        trickles = (state.voltage_v > b.voltage_max_v - 0.5) & (state.current_a < least_a)
        done = running & ((state.soc >= target) | trickles)
        count = np.where(done, np.minimum(j + 1 + _REST_SAMPLES, CHARGE_SAMPLES), count)
        running &= ~done
        if not running.any() and j >= int(count.max(initial=0)):
            break
    return record.transposed(), count
