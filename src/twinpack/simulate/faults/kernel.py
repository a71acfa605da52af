"""The compiled inner loop: what every vehicle does in a day, second by second in steps of its sampling period.

A step holds the current; charge, the slow overpotentials and the temperatures of zones follow exactly. A sample shows
the moment at its end, when the current may be another than the mean of the step.
"""

from __future__ import annotations

import math

import numpy as np

from twinpack.battery.arrays import Floats
from twinpack.filters.kernels import kernel
from twinpack.simulate.faults.days import Plan
from twinpack.simulate.faults.kinds import (
    COOLING,
    IMBALANCE,
    RUNAWAY,
    SHORT,
    WEAK_CELL,
    Faults,
)
from twinpack.simulate.faults.noise import normal, uniform
from twinpack.simulate.faults.readings import emit
from twinpack.simulate.faults.runaway import hot_spot_k
from twinpack.simulate.faults.state import DRIVING, FAST_CHARGE, PARKED, SLOW_CHARGE, Rows, State
from twinpack.simulate.faults.tables import Tables
from twinpack.simulate.faults.traits import Traits

TAU_FAST_S, TAU_SLOW_S = 28.0, 420.0
_DAY_S, _YEAR_S = 86_400.0, 365.25 * 86_400.0
_AIR_W_K, _COOLANT_W_K, _BETWEEN_W_K = 14.0, 450.0, 60.0
_COOLANT_J_K, _RADIATOR_W_K, _CHILLER_W, _HEATER_W = 30_000.0, 250.0, 3_500.0, 3_000.0
_WARM_C, _COLD_C, _CHILL_C = 25.0, 2.0, 31.0
_HOT_C, _AWAKE_PERIOD_S, _SWITCHED_OFF_S = 45.0, 30.0, 30.0
_FAST_A_PER_AH = 1.3
_FAST_BELOW, _FAST_TARGET = 0.78, 0.88


@kernel
def run_day(
    traits: Traits, plan: Plan, faults: Faults, state: State, tables: Tables, periods: Floats, day: int, rows: Rows
) -> int:
    """Every vehicle through one day.

    Args:
        traits: What each is like.
        plan: What each does.
        faults: What befalls it.
        state: Where it stands; changed.
        tables: Curves.
        periods: Seconds between samples in use and parked.
        day: Number of the day from 0.
        rows: Where the rows are written, vehicle by vehicle.

    Returns:
        How many rows were written.
    """
    written = 0
    end = (day + 1) * _DAY_S
    for v in range(len(state.time_s)):
        while state.time_s[v] < end and state.time_s[v] < faults.end_s[v]:
            dt = _step_s(plan, faults, state, periods, v)
            t = state.time_s[v] + dt
            state.time_s[v] = t
            grown = _grown(faults, v, t)
            air_c = _air_c(traits, plan, state, v, t)
            mean_a, now_a, kmh = _demand(traits, plan, state, tables, v, dt)
            _move(traits, faults, state, tables, v, dt, mean_a, air_c, grown)
            if not _silent(plan, state, v, t) and t < faults.end_s[v]:
                emit(
                    traits, plan, faults, state, tables, v, t, now_a - mean_a, mean_a, kmh, air_c, grown, rows, written
                )
                written += 1
            _next_mode(traits, plan, state, tables, v, t, now_a)
    return written


@kernel
def _step_s(plan: Plan, faults: Faults, state: State, periods: Floats, v: int) -> float:
    """How long to the next sample."""
    if state.mode[v] != PARKED:
        return float(periods[0])
    t = state.time_s[v]
    if state.fresh[v]:
        return _SWITCHED_OFF_S
    dt = periods[1]
    if faults.kind[v] == RUNAWAY and t + dt > faults.onset_s[v]:
        dt = _wakes_in_s(faults, v, t, state.zone_c[v].mean(), dt)
    return float(max(1.0, min(dt, plan.start_s[v, state.drive[v]] - t, state.plug_s[v] - t)))


@kernel
def _wakes_in_s(faults: Faults, v: int, t: float, mean_c: float, at_most_s: float) -> float:
    """When the BMS of a parked vehicle wakes because it is hot."""
    seconds = _AWAKE_PERIOD_S
    while seconds < at_most_s and mean_c + hot_spot_k(faults, v, t + seconds) <= _HOT_C:
        seconds += _AWAKE_PERIOD_S
    return float(min(seconds, at_most_s))


@kernel
def _grown(faults: Faults, v: int, t: float) -> float:
    """How much of the fault has come about, 0..1."""
    if t < faults.onset_s[v]:
        return 0.0
    return 1.0 if faults.ramp_s[v] <= 0.0 else min(1.0, (t - faults.onset_s[v]) / faults.ramp_s[v])


@kernel
def _air_c(traits: Traits, plan: Plan, state: State, v: int, t: float) -> float:
    day = min(int(t / _DAY_S), plan.weather_c.shape[1] - 1)
    share = t / _DAY_S - day
    tomorrow = min(day + 1, plan.weather_c.shape[1] - 1)
    weather = plan.weather_c[v, day] * (1.0 - share) + plan.weather_c[v, tomorrow] * share
    season = -traits.season_c[v] * math.cos(2.0 * math.pi * (t / _YEAR_S - 0.03))
    return float(traits.mean_c[v] + season + weather - traits.daily_c[v] * math.cos(2.0 * math.pi * (share - 0.12)))


@kernel
def _demand(traits: Traits, plan: Plan, state: State, tables: Tables, v: int, dt: float) -> tuple[float, float, float]:
    """Mean current of the step, current at its end (A, positive charges), and speed then."""
    mode = state.mode[v]
    if mode == PARKED:
        return 0.0, 0.0, 0.0
    pack_v = _pack_v(state, tables, v)
    capacity_ah = traits.capacity_ah[v, 0]
    coldest = state.zone_c[v].min()
    if mode == DRIVING:
        noise = state.seeds
        wish = plan.mean_kmh[v, state.drive[v]]
        kmh = 0.8 * state.kmh[v] + 0.2 * wish + 9.0 * normal(noise, v, tables.bell)
        state.kmh[v] = min(150.0, max(5.0, kmh))
        stops = uniform(noise, v) < 0.10
        kmh = 0.0 if stops else state.kmh[v]
        mean_kw = (0.065 * state.kmh[v] + 1.0e-5 * state.kmh[v] ** 3) / 0.9 + 0.9
        mean_a = -1000.0 * mean_kw / pack_v
        regeneration_a = capacity_ah * min(1.5, max(0.03, 0.05 + 0.03 * coldest))
        swing = (15.0 + 0.25 * abs(mean_a)) * normal(noise, v, tables.bell)
        now_a = -2.5 if stops else max(-2.2 * capacity_ah, min(regeneration_a, mean_a + swing))
        state.odometer_km[v] += state.kmh[v] * dt / 3600.0
        return mean_a, now_a, kmh
    if coldest < 0.0:
        return 0.0, 0.0, 0.0  # warmed before it is charged
    if mode == SLOW_CHARGE:
        wanted = 0.92 * traits.ac_w[v] / pack_v
    else:
        soc = state.soc[v]
        warmth = min(1.0, max(0.12, 0.12 + 0.044 * coldest)) * min(1.0, max(0.1, (56.0 - state.zone_c[v].max()) / 8.0))
        wanted = _FAST_A_PER_AH * capacity_ah * warmth * min(1.0, max(0.2, 1.6 * (1.02 - soc)))
    wanted = min(wanted, _voltage_room_a(traits, state, tables, v))
    return wanted, wanted + 0.15 * normal(state.seeds, v, tables.bell), 0.0


@kernel
def _pack_v(state: State, tables: Tables, v: int) -> float:
    place = (min(max(state.soc[v], 0.02), 1.0) * 4096.0) + 1024.0
    return float(tables.series * tables.ocv_v[int(place)])


@kernel
def _voltage_room_a(traits: Traits, state: State, tables: Tables, v: int) -> float:
    """Current at which the fullest cell would reach its limit."""
    fullest = min(state.fullest[v], 1.24)
    open_v = tables.ocv_v[int(fullest * 4096.0 + 1024.0)]
    warm = int((state.zone_c[v].mean() + 50.0) * 4.0)
    ohm = traits.mean_resistance[v] * (
        tables.r_ohm[0] * tables.warm[0, warm]
        + tables.r_ohm[1] * tables.warm[1, warm]
        + tables.r_ohm[2] * tables.warm[2, warm]
    )
    return float(max(0.0, (tables.voltage_max_v - open_v) / ohm))


@kernel
def _move(
    traits: Traits,
    faults: Faults,
    state: State,
    tables: Tables,
    v: int,
    dt: float,
    mean_a: float,
    air_c: float,
    grown: float,
) -> None:
    """Charge, overpotentials and temperatures at the end of a step."""
    a, b = math.exp(-dt / TAU_FAST_S), math.exp(-dt / TAU_SLOW_S)
    state.fast_a[v] = a * state.fast_a[v] + (1.0 - a) * mean_a
    state.slow_a[v] = b * state.slow_a[v] + (1.0 - b) * mean_a
    age = state.time_s[v]
    flowed = mean_a * dt / 3600.0
    series, zones = tables.series, state.zone_c.shape[1]
    first = 0
    for z in range(zones):
        end = ((z + 1) * series + zones - 1) // zones
        # within a minute self-discharge is too little to ask how warm it is
        leaks_s = dt * 2.0 ** (0.1 * (state.zone_c[v, z] - 25.0)) if dt > 60.0 else dt
        for k in range(first, end):
            capacity_ah = traits.capacity_ah[v, k] * (1.0 - traits.fade[v, k] * age)
            state.charge[v, k] += flowed / capacity_ah - traits.leak[v, k] * leaks_s
        first = end
    if faults.kind[v] == WEAK_CELL:
        k = faults.cell[v]
        left = 1.0 - faults.amount[v] * grown
        capacity_ah = traits.capacity_ah[v, k] * (1.0 - traits.fade[v, k] * age)
        state.charge[v, k] += flowed / capacity_ah * (1.0 / left - 1.0)
    if faults.kind[v] == IMBALANCE:
        state.charge[v, faults.cell[v]] -= faults.amount[v] * (grown - state.lost[v])
        state.lost[v] = grown
    elif faults.kind[v] == SHORT and age >= faults.onset_s[v]:
        k = faults.cell[v]
        place = min(max(state.charge[v, k], -0.2), 1.2) * 4096.0 + 1024.0
        leak_a = max(tables.ocv_v[int(place)], 0.0) / faults.amount[v]
        state.charge[v, k] -= leak_a * dt / 3600.0 / traits.capacity_ah[v, k]
    _sum_up(state, v)
    _heat(traits, faults, state, tables, v, dt, mean_a, air_c, grown)


@kernel
def _sum_up(state: State, v: int) -> None:
    """Mean, least and most of the charges."""
    total, low, high = 0.0, np.inf, -np.inf
    for charge in state.charge[v]:
        total += charge
        low, high = min(low, charge), max(high, charge)
    state.soc[v], state.emptiest[v], state.fullest[v] = total / state.charge.shape[1], low, high


@kernel
def _heat(
    traits: Traits,
    faults: Faults,
    state: State,
    tables: Tables,
    v: int,
    dt: float,
    mean_a: float,
    air_c: float,
    grown: float,
) -> None:
    """Zones and coolant; the pump runs in drives, fast charges, and when it is warm or cold in a slow charge."""
    zones = state.zone_c.shape[1]
    mode = state.mode[v]
    mean_c, warmest = state.zone_c[v].mean(), state.zone_c[v].max()
    warm = int((min(max(mean_c, -49.0), 140.0) + 50.0) * 4.0)
    ohm = tables.series * traits.mean_resistance[v]
    over = tables.r_ohm[0] * tables.warm[0, warm] * mean_a
    over += (
        tables.r_ohm[1] * tables.warm[1, warm] * state.fast_a[v]
        + tables.r_ohm[2] * tables.warm[2, warm] * state.slow_a[v]
    )
    driven = (
        0.25 * (15.0 + 0.25 * abs(mean_a)) ** 2 * tables.r_ohm[0] * tables.warm[0, warm] if mode == DRIVING else 0.0
    )
    heat_w = ohm * (mean_a * over + driven)
    pump = (
        mode == DRIVING
        or mode == FAST_CHARGE
        or (mode == SLOW_CHARGE and (warmest > _CHILL_C or mean_c < _COLD_C + 3.0))
    )
    flow_w_k = _COOLANT_W_K if pump else 0.0
    if faults.kind[v] == COOLING:
        flow_w_k *= 1.0 - faults.amount[v] * grown
    stands_c = air_c + (0.0 if mode == DRIVING else traits.garage_c[v])
    state.coolant_c[v] = _coolant_c(state.coolant_c[v], mean_c, warmest, flow_w_k, pump, stands_c, dt)
    each = tables.heat_capacity_j_k / zones
    for z in range(zones):
        cool, air = flow_w_k / zones * traits.cooled[v, z], _AIR_W_K / zones * traits.aired[v, z]
        between = _BETWEEN_W_K / zones
        total = cool + air + between
        inflow = heat_w / zones * traits.heat[v, z] + cool * state.coolant_c[v] + air * stands_c + between * mean_c
        final = inflow / total
        state.zone_c[v, z] = final + (state.zone_c[v, z] - final) * math.exp(-dt * total / each)


@kernel
def _coolant_c(
    coolant_c: float, mean_c: float, warmest: float, flow_w_k: float, pump: bool, stands_c: float, dt: float
) -> float:
    """Coolant at the end of a step: radiator when warm, chiller when hot, heater when cold; at rest as air."""
    if not pump:
        rest_c = 0.3 * mean_c + 0.7 * stands_c
        return rest_c + (coolant_c - rest_c) * math.exp(-dt / 4000.0)
    radiator = _RADIATOR_W_K if mean_c > _WARM_C and stands_c < coolant_c else 6.0
    source_w = 0.0
    if warmest > _CHILL_C and coolant_c > 18.0:
        source_w = -_CHILLER_W
    elif mean_c < _COLD_C:
        source_w = _HEATER_W
    total = flow_w_k + radiator
    final = (flow_w_k * mean_c + radiator * stands_c + source_w) / total
    if source_w > 0.0:
        final = min(final, 40.0)
    elif source_w < 0.0:
        final = max(final, 14.0)
    return float(final + (coolant_c - final) * math.exp(-dt * total / _COOLANT_J_K))


@kernel
def _silent(plan: Plan, state: State, v: int, t: float) -> bool:
    while t > plan.gap_end_s[v, state.gap[v]]:
        state.gap[v] += 1
    return bool(t >= plan.gap_start_s[v, state.gap[v]])


@kernel
def _next_mode(traits: Traits, plan: Plan, state: State, tables: Tables, v: int, t: float, now_a: float) -> None:
    """What the vehicle does from now on."""
    mode, drive = state.mode[v], state.drive[v]
    soc = state.soc[v]
    if mode == DRIVING:
        empty = soc < 0.1 or state.emptiest[v] < 0.04
        if t >= state.until_s[v] or empty:
            last, fast = plan.last[v, drive], plan.fast[v, drive]
            state.drive[v] = drive + 1
            if empty or (fast and soc < _FAST_BELOW):
                _set_mode(state, v, FAST_CHARGE, np.inf)
            else:
                _set_mode(state, v, PARKED, np.inf)
                if last and soc < traits.plug_below[v]:
                    day = min(int(t / _DAY_S), plan.wait_s.shape[1] - 1)
                    state.plug_s[v] = t + 60.0 + plan.wait_s[v, day]
    elif t >= plan.start_s[v, drive]:
        if mode == PARKED and t - plan.start_s[v, drive] < 60.0:
            _set_mode(state, v, DRIVING, t + plan.lasts_s[v, drive])
            state.kmh[v] = plan.mean_kmh[v, drive]
            state.plug_s[v] = np.inf
        elif mode == SLOW_CHARGE:
            _set_mode(state, v, DRIVING, t + plan.lasts_s[v, drive])
            state.kmh[v] = plan.mean_kmh[v, drive]
        else:
            state.drive[v] = drive + 1  # missed at a fast charger
    elif mode == PARKED:
        if t >= state.plug_s[v]:
            state.plug_s[v] = np.inf
            _set_mode(state, v, SLOW_CHARGE, np.inf)
        else:
            state.fresh[v] = False
    else:
        target = traits.target[v] if mode == SLOW_CHARGE else _FAST_TARGET
        cold = state.zone_c[v].min() < 0.0
        if soc >= target or (not cold and now_a < 2.0):
            _set_mode(state, v, PARKED, np.inf)


@kernel
def _set_mode(state: State, v: int, mode: int, until_s: float) -> None:
    state.mode[v] = mode
    state.until_s[v] = until_s
    state.fresh[v] = mode == PARKED
