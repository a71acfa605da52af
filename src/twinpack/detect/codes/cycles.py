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
from twinpack.detect.kernels import kernel
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


class Use(NamedTuple):
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
    use = Use(*(getattr(state, name) for name in Use._fields))
    _mark(shown, use, REST_C_RATE * capacity_ah, marks, in_use, period_s)
    return marks, in_use, period_s


def _column(frames: Frames, name: str) -> Any:
    values = frames.signals.get(name)
    return np.full(len(frames), np.nan) if values is None else values


@kernel
def _mark(shown: Shown, use: Use, rest_a: float, marks: Any, in_use: Any, period_s: Any) -> None:
    for row in range(len(shown.lane)):
        v, time = shown.lane[row], shown.time_us[row]
        speed = shown.speed_kmh[row]
        silent = use.last_us[v] != NEVER and time - use.last_us[v] >= GAP_US
        doing = _activity(shown.current_a[row], speed, shown.charging[row], rest_a)
        if doing == NONE:  # it does not say: as before, or at rest after a silence
            doing = PARKED if silent else use.activity[v]
        in_use[row] = doing == CHARGING or (doing == DRIVING and not abs(speed) <= MOVING_KMH)
        if use.in_use[v] and in_use[row]:
            use.period_s[v] = _period(use.period_s[v], use.receipt_us[v], shown.receipt_us[row])
        period_s[row] = use.period_s[v]
        if silent:
            marks[row] |= SILENT
            use.cycle[v] = NONE
        if _follow(v, time, doing, use):
            marks[row] |= NEW
        use.last_us[v], use.receipt_us[v] = time, shown.receipt_us[row]
        use.activity[v], use.in_use[v] = doing, in_use[row]


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
def _follow(v: int, time: int, doing: int, use: Use) -> bool:
    """Bring one vehicle's operation cycle up to a sample; whether it begins one."""
    under_way = use.cycle[v] == DRIVING or use.cycle[v] == CHARGING
    if under_way and time - use.used_us[v] >= GAP_US:
        use.cycle[v] = NONE
        under_way = False
    if doing == PARKED:
        use.turned_us[v] = NEVER
        begins = not under_way and (use.cycle_us[v] == NEVER or time - use.cycle_us[v] >= DAY_US)
    elif not under_way:
        begins = True
    elif doing == use.cycle[v]:
        use.turned_us[v] = NEVER
        use.used_us[v] = time
        begins = False
    else:
        if use.turned_us[v] == NEVER:
            use.turned_us[v] = time
        begins = time - use.turned_us[v] >= TURN_US
    if begins:
        use.cycle[v] = doing
        use.cycle_us[v] = time
        use.used_us[v] = time
        use.turned_us[v] = NEVER
    return begins
