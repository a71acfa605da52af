"""Where sessions begin and end: driving, charging and resting, from current, speed and silence.

Decided causally, step by step: what a later step brings never changes where an earlier one was put.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from twinpack.telemetry.arrivals import Bools, Ints, lane_starts
from twinpack.telemetry.batch import Floats
from twinpack.telemetry.lanes import LaneArrays, lane_array
from twinpack.telemetry.steps import Steps

NONE, RESTING, DRIVING, CHARGING = -1, 0, 1, 2
KINDS = ("resting", "driving", "charging")
"""Names of `RESTING`, `DRIVING` and `CHARGING`."""
GAP, TICK, REST, KIND = "gap", "tick", "rest", "kind"
"""Why a session ended: no samples for long, silence told by a tick, rest, or something else was done."""


@dataclass(frozen=True)
class CutSettings:
    """Where sessions end.

    Attributes:
        gap_us: Time without samples that ends a session.
        rest_us: Time at rest that ends driving or charging.
        rest_current_c_rate: Current up to this is rest (1 is the current that fills the pack in an hour).
        switch_us: Time of driving that ends charging, and of charging that ends driving.
        moving_kmh: Speed above this is driving.
    """

    gap_us: int = 600_000_000
    rest_us: int = 300_000_000
    rest_current_c_rate: float = 0.02
    switch_us: int = 60_000_000
    moving_kmh: float = 1.0


_COUNT = lane_array(np.int64, 0)
_SUM = lane_array(np.float64, 0.0)
_UNKNOWN = lane_array(np.float64, np.nan)


@dataclass(frozen=True)
class TripCarry(LaneArrays):
    """The open session of each vehicle between batches.

    Attributes:
        number: Sessions begun so far; the open one has this number.
        kind: What opened it, `NONE` when no session is open.
        activity: What the vehicle does by its last step.
        since_us: Since when it does that.
        time_us: Time of the last step.
        start_us: Time of the first sample.
        samples: Samples so far.
        current_a: Last known current.
        speed_kmh: Last known speed.
        soc_start_pct: First charge told.
        soc_end_pct: Last charge told.
        odometer_start_km: First odometer reading.
        odometer_end_km: Last odometer reading.
        temp_min_c: Lowest temperature.
        temp_max_c: Highest temperature.
        temp_sum_c: Sum over `temp_steps`.
        temp_steps: Steps with a temperature.
        energy_out_kwh: Energy taken from the pack.
        energy_in_kwh: Energy brought into it.
        ah_out: Charge taken from it.
        ah_in: Charge brought into it.
        speed_km: Distance by the speed.
        c_rate_max: Highest C-rate.
        c_rate_square_s: Integral of its square.
        current_s: Time for which the current is known.
    """

    number: Ints = field(metadata=_COUNT)
    kind: Ints = field(metadata=lane_array(np.int64, NONE))
    activity: Ints = field(metadata=lane_array(np.int64, RESTING))
    since_us: Ints = field(metadata=_COUNT)
    time_us: Ints = field(metadata=_COUNT)
    start_us: Ints = field(metadata=_COUNT)
    samples: Ints = field(metadata=_COUNT)
    current_a: Floats = field(metadata=_UNKNOWN)
    speed_kmh: Floats = field(metadata=_UNKNOWN)
    soc_start_pct: Floats = field(metadata=_UNKNOWN)
    soc_end_pct: Floats = field(metadata=_UNKNOWN)
    odometer_start_km: Floats = field(metadata=_UNKNOWN)
    odometer_end_km: Floats = field(metadata=_UNKNOWN)
    temp_min_c: Floats = field(metadata=_UNKNOWN)
    temp_max_c: Floats = field(metadata=_UNKNOWN)
    temp_sum_c: Floats = field(metadata=_SUM)
    temp_steps: Ints = field(metadata=_COUNT)
    energy_out_kwh: Floats = field(metadata=_SUM)
    energy_in_kwh: Floats = field(metadata=_SUM)
    ah_out: Floats = field(metadata=_SUM)
    ah_in: Floats = field(metadata=_SUM)
    speed_km: Floats = field(metadata=_SUM)
    c_rate_max: Floats = field(metadata=_UNKNOWN)
    c_rate_square_s: Floats = field(metadata=_SUM)
    current_s: Floats = field(metadata=_SUM)


@dataclass(frozen=True)
class Sessions:
    """Sessions that have steps in a batch or end in it, S of them, by lane and in time order.

    Attributes:
        lane: Vehicle of each, shape (S,).
        start: First step of the session in the batch.
        stop: Step after its last; equal to `start` when it only ends.
        number: Its number among the vehicle's sessions.
        kind: What opened it.
        opens: Its first step is in the batch.
        closed_by: Why it ended, None while it goes on.
        offset: Log offset of what ended it, else of its last step.
        activity: What the vehicle does by its last step in the batch, shape (S,).
        since_us: Since when.
    """

    lane: Ints
    start: Ints
    stop: Ints
    number: Ints
    kind: Ints
    opens: Bools
    closed_by: list[str | None]
    offset: list[int]
    activity: Ints
    since_us: Ints


def find_sessions(carry: TripCarry, steps: Steps, capacity_ah: Floats, settings: CutSettings) -> Sessions:
    """Find the sessions of a batch; arguments as for `trips.cut`."""
    broken = _broken(carry, steps, settings)
    activity = _filled(carry, steps, broken, _told_activity(steps, capacity_ah, settings))
    runs = _runs(carry, steps, broken, activity)
    begins = _begins(carry, steps, runs, settings)
    return _table(carry, steps, runs, begins)


def _told_activity(steps: Steps, capacity_ah: Floats, settings: CutSettings) -> Ints:
    """What each step by itself says, `NONE` where it says nothing.

    Current that a standing vehicle draws counts as driving (lights, heating at a traffic light, a bench without speed),
    unless it says that it charges; current into a moving one is recuperation.
    """
    current = steps.values["pack_current_a"]
    rest = settings.rest_current_c_rate * capacity_ah[steps.lane]
    moving = np.abs(steps.values["speed_kmh"]) > settings.moving_kmh
    plugged = steps.values["is_charging"] >= 0.5
    told = np.where(np.abs(current) <= rest, RESTING, NONE)
    told[current < -rest] = DRIVING
    told[(current > rest) | plugged] = CHARGING
    told[moving] = DRIVING
    return told


def _broken(carry: TripCarry, steps: Steps, settings: CutSettings) -> Bools:
    """Steps that begin a session whatever they say: the vehicle's first, and those after a gap or a silence."""
    first = lane_starts(steps.lane)
    before = np.empty_like(steps.time_us)
    before[1:] = steps.time_us[:-1]
    before[first] = carry.time_us[steps.lane[first]]
    broken: Bools = steps.first_us - before > settings.gap_us
    broken |= first & (carry.kind[steps.lane] == NONE)
    lane, at = steps.silent_lane, steps.silent_at
    lane, at = lane[at < len(steps)], at[at < len(steps)]
    broken[at[steps.lane[at] == lane]] = True
    return broken


def _filled(carry: TripCarry, steps: Steps, broken: Bools, told: Ints) -> Ints:
    """A step that says nothing keeps what the vehicle did before, and rests when nothing was before."""
    first = lane_starts(steps.lane)
    silent = told == NONE
    told[silent & broken] = RESTING
    kept = silent & first & ~broken
    told[kept] = carry.activity[steps.lane[kept]]
    anchor = np.maximum.accumulate(np.where(told == NONE, 0, np.arange(len(told))))
    return told[anchor]


@dataclass(frozen=True)
class _Runs:
    """Unbroken steps of one vehicle and one activity."""

    start: Ints
    stop: Ints
    activity: Ints
    since_us: Ints
    first: Bools
    broken: Bools


def _runs(carry: TripCarry, steps: Steps, broken: Bools, activity: Ints) -> _Runs:
    first = lane_starts(steps.lane)
    new = first | broken
    new[1:] |= activity[1:] != activity[:-1]
    start = np.flatnonzero(new)
    lane = steps.lane[start]
    goes_on = first[start] & ~broken[start] & (activity[start] == carry.activity[lane])
    since = np.where(goes_on, carry.since_us[lane], steps.first_us[start])
    stop = np.append(start[1:], len(steps))[: len(start)]
    return _Runs(start, stop, activity[start], since, first[start], broken[start])


def _waits(settings: CutSettings) -> list[list[int]]:
    """Time for which an activity must last to end a session of a kind, by kind and activity."""
    rest, switch = settings.rest_us, settings.switch_us
    return [[0, 0, 0], [rest, 0, switch], [rest, switch, 0]]


def _begins(carry: TripCarry, steps: Steps, runs: _Runs, settings: CutSettings) -> list[tuple[int, int, str]]:
    """Step at which each new session begins, its kind, and why the one before ended."""
    waits = _waits(settings)
    came_with = carry.kind[steps.lane[runs.start]].tolist()
    until = steps.time_us[runs.stop - 1].tolist()
    columns = (runs.start, runs.stop, runs.activity, runs.since_us, runs.first, runs.broken)
    begins = []
    kind = NONE
    for index, (start, stop, activity, since, first, broken) in enumerate(
        zip(*(column.tolist() for column in columns), strict=True)
    ):
        kind = came_with[index] if first else kind
        if broken:
            begins.append((start, activity, GAP))
            kind = activity
        elif activity != kind and until[index] >= (due := since + waits[kind][activity]):
            step = start + int(np.searchsorted(steps.time_us[start:stop], due))
            begins.append((step, activity, REST if activity == RESTING else KIND))
            kind = activity
    return begins


def _table(carry: TripCarry, steps: Steps, runs: _Runs, begins: list[tuple[int, int, str]]) -> Sessions:
    begin = np.array([step for step, _, _ in begins], dtype=np.int64)
    lanes = np.unique(np.concatenate([steps.lane, steps.silent_lane]))
    carried = lanes[carry.kind[lanes] != NONE]
    lane = np.concatenate([carried, steps.lane[begin]])
    start = np.concatenate([np.searchsorted(steps.lane, carried), begin])
    kind = np.concatenate([carry.kind[carried], np.array([kind for _, kind, _ in begins], dtype=np.int64)])
    # Stable: a carried session that a lane's first step ends stands before the one this step begins.
    order = np.lexsort((start, lane))
    lane, start, kind, opens = lane[order], start[order], kind[order], order >= len(carried)
    last = np.append(lane[1:] != lane[:-1], True)[: len(lane)]
    stop = np.where(last, np.searchsorted(steps.lane, lane, side="right"), np.append(start[1:], 0)[: len(lane)])
    reasons = [""] * len(carried) + [why for _, _, why in begins]
    closed_by, offset = _endings(steps, lane, start, stop, last, [reasons[entry] for entry in order.tolist()])
    run = np.maximum(np.searchsorted(runs.start, stop, side="left") - 1, 0)
    ran = stop > start
    return Sessions(
        lane=lane.astype(np.int64),
        start=start,
        stop=stop,
        number=_numbers(carry, lane, opens),
        kind=kind,
        opens=opens,
        closed_by=closed_by,
        offset=offset,
        activity=_at(runs.activity, run, ran),
        since_us=_at(runs.since_us, run, ran),
    )


def _at(values: Ints, index: Ints, where: Bools) -> Ints:
    result = np.zeros(len(index), dtype=np.int64)
    result[where] = values[index[where]]
    return result


def _numbers(carry: TripCarry, lane: Any, opens: Bools) -> Ints:
    first = lane_starts(lane)
    count = np.cumsum(opens, dtype=np.int64)
    before = (count - opens)[first][np.cumsum(first) - 1]
    numbers: Ints = carry.number[lane] + count - before
    return numbers


def _endings(
    steps: Steps, lane: Any, start: Ints, stop: Ints, last: Bools, reasons: list[str]
) -> tuple[list[str | None], list[int]]:
    """Why each session ended, and the offset; `reasons` says of each session why it ended the one before."""
    places = zip(steps.silent_lane.tolist(), steps.silent_at.tolist(), strict=True)
    told = dict(zip(places, steps.silent_offset.tolist(), strict=True))
    why: list[str | None] = []
    offsets: list[int] = []
    for index, place in enumerate(zip(lane.tolist(), stop.tolist(), strict=True)):
        if place in told:
            ending, offset = TICK, told[place]
        elif last[index]:
            ending, offset = None, int(steps.offset[place[1] - 1])
        else:
            ending, offset = reasons[index + 1], int(steps.offset[start[index + 1]])
        why.append(ending)
        offsets.append(offset)
    return why, offsets
