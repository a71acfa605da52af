"""Trips: sessions (driving, charging, resting) cut from steps as a fold, with the record of each that ends.

Sums are taken step by step with the carried sum as their first term, so that they are the same bit for bit however
the rows are split into batches.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from twinpack.telemetry.arrivals import Bools, Ints
from twinpack.telemetry.batch import Floats
from twinpack.telemetry.sessions import KINDS, CutSettings, Sessions, TripCarry, find_sessions
from twinpack.telemetry.steps import Steps

__all__ = ["KINDS", "CutSettings", "Cuts", "Segment", "Trip", "TripCarry", "cut"]


@dataclass(frozen=True)
class Trip:
    """A session that has ended; floats that are not known are NaN.

    Attributes:
        vehicle_id: The vehicle.
        number: 1, 2, 3 in the order of the vehicle's sessions.
        kind: `driving`, `charging` or `resting`: what the vehicle did when it began.
        start_us: Time of the first sample.
        end_us: Time of the last sample.
        samples: Number of samples used.
        energy_out_kwh: Energy taken from the pack.
        energy_in_kwh: Energy brought into the pack.
        ah_out: Charge taken from the pack.
        ah_in: Charge brought into the pack.
        soc_start_pct: First charge told by the BMS.
        soc_end_pct: Last charge told by the BMS.
        temp_min_c: Lowest mean cell temperature.
        temp_max_c: Highest mean cell temperature.
        temp_mean_c: Mean over the steps.
        distance_km: Distance by the odometer, else by the speed.
        c_rate_max: Highest current either way, as C-rate.
        c_rate_rms: Root mean square over time of the current, as C-rate.
        closed_by: `gap`, `rest`, `kind` (something else was done) or `tick` (silence).
    """

    vehicle_id: str
    number: int
    kind: str
    start_us: int
    end_us: int
    samples: int
    energy_out_kwh: float
    energy_in_kwh: float
    ah_out: float
    ah_in: float
    soc_start_pct: float
    soc_end_pct: float
    temp_min_c: float
    temp_max_c: float
    temp_mean_c: float
    distance_km: float
    c_rate_max: float
    c_rate_rms: float
    closed_by: str


@dataclass(frozen=True)
class Segment:
    """The part of a session that lies in one batch: `steps[start:stop]`, which may be empty when it only ends.

    Attributes:
        lane: The vehicle.
        start: Its first step.
        stop: The step after its last.
        number: Number of the session, 1, 2, 3 per vehicle.
        kind: `driving`, `charging` or `resting`.
        opens: The session's first step is in this batch.
        closed_by: Why it ended, None while it goes on.
        trip: Its record when it ended.
        offset: Log offset of what ended it (the next session's first step, or a tick), else of its last step.
    """

    lane: int
    start: int
    stop: int
    number: int
    kind: str
    opens: bool
    closed_by: str | None
    trip: Trip | None
    offset: int


@dataclass(frozen=True)
class Cuts:
    """Sessions of a batch, and what each step needs from the one before.

    Attributes:
        segments: By lane, in time order.
        number: Session of each step, shape (M,), int64.
        dt_s: Time since the session's step before, 0 at its first, shape (M,).
        prev_current_a: Last known current of the session before the step, else the step's own, shape (M,).
    """

    segments: list[Segment]
    number: Ints
    dt_s: Floats
    prev_current_a: Floats


def cut(
    carry: TripCarry,
    steps: Steps,
    vehicle_ids: Sequence[str],
    capacity_ah: Floats,
    settings: CutSettings,
) -> tuple[TripCarry, Cuts]:
    """Cut steps into sessions.

    Args:
        carry: State before the batch.
        steps: The batch's steps; the silences in them must have been found with `settings.gap_us`.
        vehicle_ids: Vehicle of each lane.
        capacity_ah: Capacity of each lane's pack, shape (lanes,).
        settings: Where sessions end.

    Returns:
        State after the batch, and its sessions.
    """
    sessions = find_sessions(carry, steps, capacity_ah, settings)
    before = _before(carry, sessions)
    series = _series(before, steps, sessions)
    totals = _totals(before, steps, sessions, series, capacity_ah)
    ended = {name: values.tolist() for name, values in totals.arrays().items()}
    segments = [_segment(sessions, ended, vehicle_ids, index) for index in range(len(sessions.lane))]
    return _after(carry, sessions, totals), Cuts(segments, series.number, series.dt_s, series.prev_current_a)


def _before(carry: TripCarry, sessions: Sessions) -> TripCarry:
    """What each session brings into the batch, one lane a session."""
    lanes = TripCarry.empty(len(sessions.lane))
    carried = np.flatnonzero(~sessions.opens)
    known = lanes.written(carried, carry.taken(sessions.lane[carried]))
    return replace(known, number=sessions.number, kind=sessions.kind)


def _after(carry: TripCarry, sessions: Sessions, totals: TripCarry) -> TripCarry:
    """The open sessions; of a vehicle without one only the number of the last is kept."""
    lane = sessions.lane
    last = np.append(lane[1:] != lane[:-1], True)[: len(lane)]
    ended = np.array([why is not None for why in sessions.closed_by], dtype=np.bool_)
    none = TripCarry.empty(int(np.count_nonzero(last & ended)))
    gone = replace(none, number=sessions.number[last & ended])
    after = carry.written(lane[last & ended], gone)
    return after.written(lane[last & ~ended], totals.taken(np.flatnonzero(last & ~ended)))


@dataclass(frozen=True)
class _Series:
    """What follows for each step from those of its session before it.

    Attributes:
        session: Index of its session.
        number: Number of its session.
        dt_s: Time since the step before, 0 at the session's first.
        prev_current_a: Last known current before the step, else its own.
        mid_current_a: Mean current since the step before; a missing one is held.
        mid_speed_kmh: Mean speed since the step before.
    """

    session: Ints
    number: Ints
    dt_s: Floats
    prev_current_a: Floats
    mid_current_a: Floats
    mid_speed_kmh: Floats


def _series(before: TripCarry, steps: Steps, sessions: Sessions) -> _Series:
    session = np.repeat(np.arange(len(sessions.lane)), sessions.stop - sessions.start)
    current, speed = steps.values["pack_current_a"], steps.values["speed_kmh"]
    prev_current = _held(current, before.current_a, session, sessions.start)
    prev_speed = _held(speed, before.speed_kmh, session, sessions.start)
    return _Series(
        session=session,
        number=sessions.number[session],
        dt_s=_dt_s(before, steps, sessions),
        prev_current_a=_either(prev_current, current),
        mid_current_a=(_either(prev_current, current) + _either(current, prev_current)) / 2,
        mid_speed_kmh=(_either(prev_speed, speed) + _either(speed, prev_speed)) / 2,
    )


def _dt_s(before: TripCarry, steps: Steps, sessions: Sessions) -> Floats:
    previous = np.empty_like(steps.time_us)
    previous[1:] = steps.time_us[:-1]
    opening = sessions.start[sessions.opens]
    previous[opening] = steps.time_us[opening]
    goes_on = ~sessions.opens & (sessions.stop > sessions.start)
    previous[sessions.start[goes_on]] = before.time_us[goes_on]
    dt_s: Floats = (steps.time_us - previous) / 1e6
    return dt_s


def _either(values: Floats, otherwise: Floats) -> Floats:
    return np.where(np.isnan(values), otherwise, values)


def _held(values: Floats, initial: Floats, session: Ints, start: Ints) -> Floats:
    """Last known value in the session before each step, NaN when there is none."""
    newest = np.maximum.accumulate(np.where(np.isnan(values), -1, np.arange(len(values))))
    before = np.append(-1, newest)[: len(values)]
    return np.where(before >= start[session], values[before], initial[session])


def _last(values: Floats, initial: Floats, session: Ints) -> Floats:
    """Last known value of each session."""
    known = ~np.isnan(values)
    result = initial.copy()
    result[session[known]] = values[known]  # of repeated indices the last is assigned
    return result


def _first(values: Floats, initial: Floats, session: Ints) -> Floats:
    """First known value of each session."""
    return _either(initial, _last(values[::-1], np.full_like(initial, np.nan), session[::-1]))


def _summed(values: Floats, initial: Floats, session: Ints) -> Floats:
    """Sum of each session, step by step from what it brought; a missing value adds nothing."""
    order = np.concatenate([np.arange(len(initial)), session])
    terms = np.concatenate([initial, np.where(np.isnan(values), 0.0, values)])
    sums: Floats = np.bincount(order, terms, minlength=len(initial)).astype(np.float64, copy=False)
    return sums


def _counted(values: Ints, initial: Ints, session: Ints) -> Ints:
    result = initial.copy()
    np.add.at(result, session, values)
    return result


def _extreme(function: np.ufunc, values: Floats, initial: Floats, session: Ints) -> Floats:
    result = initial.copy()
    function.at(result, session, values)
    return result


def _totals(before: TripCarry, steps: Steps, sessions: Sessions, series: _Series, capacity_ah: Floats) -> TripCarry:
    """What each session has at the end of the batch, one lane a session."""
    session, values = series.session, steps.values
    current, mid, dt_s = values["pack_current_a"], series.mid_current_a, series.dt_s
    capacity = capacity_ah[steps.lane]
    ah = mid * dt_s / 3600
    kwh = values["pack_voltage_v"] * mid * dt_s / 3.6e6
    temp, odometer = values["cell_temp_avg_c"], values["odometer_km"]
    filled = sessions.stop > sessions.start
    return replace(
        before,
        activity=np.where(filled, sessions.activity, before.activity),
        since_us=np.where(filled, sessions.since_us, before.since_us),
        time_us=_of_step(steps.time_us, sessions.stop - 1, filled, before.time_us),
        start_us=_of_step(steps.first_us, sessions.start, sessions.opens, before.start_us),
        samples=_counted(steps.rows, before.samples, session),
        current_a=_last(current, before.current_a, session),
        speed_kmh=_last(values["speed_kmh"], before.speed_kmh, session),
        soc_start_pct=_first(values["soc_pct"], before.soc_start_pct, session),
        soc_end_pct=_last(values["soc_pct"], before.soc_end_pct, session),
        odometer_start_km=_first(odometer, before.odometer_start_km, session),
        odometer_end_km=_last(odometer, before.odometer_end_km, session),
        temp_min_c=_extreme(np.fmin, temp, before.temp_min_c, session),
        temp_max_c=_extreme(np.fmax, temp, before.temp_max_c, session),
        temp_sum_c=_summed(temp, before.temp_sum_c, session),
        temp_steps=_counted((~np.isnan(temp)).astype(np.int64), before.temp_steps, session),
        energy_out_kwh=_summed(np.maximum(-kwh, 0.0), before.energy_out_kwh, session),
        energy_in_kwh=_summed(np.maximum(kwh, 0.0), before.energy_in_kwh, session),
        ah_out=_summed(np.maximum(-ah, 0.0), before.ah_out, session),
        ah_in=_summed(np.maximum(ah, 0.0), before.ah_in, session),
        speed_km=_summed(np.abs(series.mid_speed_kmh) * dt_s / 3600, before.speed_km, session),
        c_rate_max=_extreme(np.fmax, np.abs(current) / capacity, before.c_rate_max, session),
        c_rate_square_s=_summed((mid / capacity) ** 2 * dt_s, before.c_rate_square_s, session),
        current_s=_summed(np.where(np.isnan(mid), 0.0, dt_s), before.current_s, session),
    )


def _of_step(times: Ints, step: Ints, where: Bools, otherwise: Ints) -> Ints:
    result = otherwise.copy()
    result[where] = times[step[where]]
    return result


def _segment(sessions: Sessions, totals: Mapping[str, list[Any]], vehicle_ids: Sequence[str], index: int) -> Segment:
    lane, closed_by = int(sessions.lane[index]), sessions.closed_by[index]
    return Segment(
        lane=lane,
        start=int(sessions.start[index]),
        stop=int(sessions.stop[index]),
        number=int(sessions.number[index]),
        kind=KINDS[sessions.kind[index]],
        opens=bool(sessions.opens[index]),
        closed_by=closed_by,
        trip=None if closed_by is None else _trip(totals, index, vehicle_ids[lane], closed_by),
        offset=sessions.offset[index],
    )


def _trip(totals: Mapping[str, list[Any]], index: int, vehicle_id: str, closed_by: str) -> Trip:
    one = {name: values[index] for name, values in totals.items()}
    told = {name: one[name] for name in _AS_SUMMED}
    return Trip(
        vehicle_id=vehicle_id,
        kind=KINDS[one["kind"]],
        end_us=one["time_us"],
        temp_mean_c=one["temp_sum_c"] / one["temp_steps"] if one["temp_steps"] else math.nan,
        distance_km=_distance_km(one),
        c_rate_rms=_rms(one),
        closed_by=closed_by,
        **told,
    )


_AS_SUMMED = (
    *("number", "start_us", "samples", "energy_out_kwh", "energy_in_kwh", "ah_out", "ah_in"),
    *("soc_start_pct", "soc_end_pct", "temp_min_c", "temp_max_c", "c_rate_max"),
)


def _distance_km(one: dict[str, Any]) -> float:
    """By the odometer; by the speed when that has not moved, since many count whole kilometres."""
    driven: float = one["odometer_end_km"] - one["odometer_start_km"]
    by_speed: float = math.nan if math.isnan(one["speed_kmh"]) else one["speed_km"]
    if driven > 0 or math.isnan(by_speed):
        return driven
    return by_speed


def _rms(one: dict[str, Any]) -> float:
    known_s: float = one["current_s"]
    return math.sqrt(one["c_rate_square_s"] / known_s) if known_s > 0 else float(one["c_rate_max"])
