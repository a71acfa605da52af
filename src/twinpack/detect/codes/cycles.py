"""Operation cycles: one drive or one charge session; half an hour of silence or rest ends it.

A parked vehicle begins at most one a day, so that tests which only run at rest heal and age as well. Short rests do not
end a drive, and current into a moving pack is recuperation. Decided sample by sample: what comes later changes nothing.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from twinpack.detect.codes.state import CHARGING, DRIVING, NONE, PARKED, CodesState
from twinpack.detect.frames import Frames
from twinpack.filters.kernels import kernel
from twinpack.telemetry.arrivals import NEVER

NEW, SILENT = 1, 2
"""Bits of a sample: it begins an operation cycle; it comes after a silence that ends one."""

GAP_US = 1_800_000_000
"""Time without samples, or out of use, that ends an operation cycle."""
DAY_US = 86_400_000_000
TURN_US = 60_000_000
"""For how long a vehicle must charge to end a drive, or drive to end a charge session."""
REST_C_RATE = 0.02
MOVING_KMH = 1.0

Marks = npt.NDArray[np.uint8]
Seconds = npt.NDArray[np.float32]


class Fleet(NamedTuple):
    """The arrays of `CodesState` of shape (V,)."""

    last_us: Any
    receipt_us: Any
    period_s: Any
    activity: Any
    in_use: Any
    cycle: Any
    cycle_us: Any
    used_us: Any
    turned_us: Any


class Cycle(NamedTuple):
    """The operation cycle of one vehicle."""

    kind: int
    began_us: int
    used_us: int
    turned_us: int


class Shown(NamedTuple):
    """What samples show of it, each of shape (M,)."""

    lane: Any
    time_us: Any
    receipt_us: Any
    current_a: Any
    speed_kmh: Any
    charging: Any


def mark(state: CodesState, frames: Frames, capacity_ah: float) -> tuple[Marks, npt.NDArray[np.bool_], Seconds]:
    """Follow each vehicle's use; `state`, which must be a copy, is brought up to date.

    Args:
        state: Its arrays of shape (V,) are written.
        frames: M samples.
        capacity_ah: Capacity of the pack.

    Returns:
        `NEW` and `SILENT` of each sample, shape (M,); whether silence after it is a fault, shape (M,); and the time
        that then usually lies between receipts, s, shape (M,).
    """
    rows = len(frames)
    marks, in_use, period_s = np.zeros(rows, np.uint8), np.zeros(rows, np.bool_), np.zeros(rows, np.float32)
    signals = (_column(frames, name) for name in ("pack_current_a", "speed_kmh", "is_charging"))
    shown = Shown(frames.lane, frames.time_us, frames.receipt_us, *signals)
    fleet = Fleet(*(getattr(state, name) for name in Fleet._fields))
    _mark(shown, fleet, REST_C_RATE * capacity_ah, marks, in_use, period_s)
    return marks, in_use, period_s


def _column(frames: Frames, name: str) -> Any:
    values = frames.signals.get(name)
    return np.full(len(frames), np.nan) if values is None else values


@kernel
def signed(value: Any) -> Any:
    """A small unsigned number, to be counted with others."""
    return np.int64(value)


@kernel
def _mark(shown: Shown, fleet: Fleet, rest_a: float, marks: Any, in_use: Any, period_s: Any) -> None:
    start = 0
    while start < len(shown.lane):
        v = shown.lane[start]
        cycle = Cycle(signed(fleet.cycle[v]), fleet.cycle_us[v], fleet.used_us[v], fleet.turned_us[v])
        last, received, used, doing = (
            fleet.last_us[v],
            fleet.receipt_us[v],
            fleet.in_use[v],
            signed(fleet.activity[v]),
        )
        usual = fleet.period_s[v]
        row = start
        while row < len(shown.lane) and shown.lane[row] == v:
            time, speed = shown.time_us[row], shown.speed_kmh[row]
            silent = last != NEVER and time - last >= GAP_US
            told = _activity(shown.current_a[row], speed, shown.charging[row], rest_a)
            if told != NONE:
                doing = told
            elif silent:  # it does not say: as before, or at rest after a silence
                doing = PARKED
            using = doing == CHARGING or (doing == DRIVING and not abs(speed) <= MOVING_KMH)
            if used and using:
                usual = np.float32(_period(usual, received, shown.receipt_us[row]))
            if silent:
                marks[row] |= SILENT
            cycle, begins = _follow(cycle, time, doing, silent)
            if begins:
                marks[row] |= NEW
            last, received, used = time, shown.receipt_us[row], using
            in_use[row], period_s[row] = using, usual
            row += 1
        fleet.cycle[v], fleet.cycle_us[v] = cycle.kind, cycle.began_us
        fleet.used_us[v], fleet.turned_us[v] = cycle.used_us, cycle.turned_us
        fleet.last_us[v], fleet.receipt_us[v], fleet.in_use[v], fleet.activity[v] = last, received, used, doing
        fleet.period_s[v] = usual
        start = row


@kernel
def _activity(current_a: float, speed_kmh: float, charging: float, rest_a: float) -> int:
    """What a sample by itself tells, as sessions are cut; `NONE` where it tells nothing."""
    if abs(speed_kmh) > MOVING_KMH:
        return DRIVING
    if current_a > rest_a or charging >= 0.5:
        return CHARGING
    if current_a < -rest_a:
        return DRIVING
    return PARKED if abs(current_a) <= rest_a else NONE


@kernel
def _period(known_s: float, before_us: int, receipt_us: int) -> float:
    """The usual time between receipts: moves a tenth of the way, and by a tenth of itself at most for an odd one."""
    between_s = (receipt_us - before_us) / 1e6
    if between_s <= 0.0 or between_s > GAP_US / 1e6:
        return known_s
    if known_s == 0.0:
        return between_s
    return known_s + min(max(0.1 * (between_s - known_s), -0.1 * known_s), 0.1 * known_s)


@kernel
def _follow(cycle: Cycle, time: int, doing: int, silent: bool) -> tuple[Cycle, bool]:
    """Bring an operation cycle up to a sample; whether the sample begins one."""
    kind, turned = cycle.kind, NEVER
    if silent or time - cycle.used_us >= GAP_US:
        kind = NONE
    under_way = kind == DRIVING or kind == CHARGING
    begins = not under_way
    if doing == PARKED:
        begins = not under_way and (cycle.began_us == NEVER or time - cycle.began_us >= DAY_US)
    elif under_way and doing != kind:
        turned = time if cycle.turned_us == NEVER else cycle.turned_us
        begins = time - turned >= TURN_US
    if begins:
        return Cycle(doing, time, time, NEVER), True
    used = time if doing == kind else cycle.used_us
    return Cycle(kind, cycle.began_us, used, turned), False
