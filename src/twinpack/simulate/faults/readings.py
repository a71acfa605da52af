"""What the vehicle's sensors show of a moment: one row."""

from __future__ import annotations

import math

import numpy as np

from twinpack.filters.kernels import kernel
from twinpack.simulate.faults.days import Plan
from twinpack.simulate.faults.kinds import (
    CELL_SENSOR,
    CONTACTOR,
    DEAD_CHANNEL,
    ISOLATION,
    READS_0_V,
    READS_5_V,
    RUNAWAY,
    WEAK_CELL,
    Faults,
)
from twinpack.simulate.faults.noise import bits, normal, uniform
from twinpack.simulate.faults.runaway import collapse, hot_spot_k
from twinpack.simulate.faults.state import FAST_CHARGE, PARKED, SLOW_CHARGE, Rows, State
from twinpack.simulate.faults.tables import Tables
from twinpack.simulate.faults.traits import Traits

_YEAR_S, _DAY_S = 365.25 * 86_400.0, 86_400.0
_FAST_SHARE_NOW = 0.16
"""What of a sudden change of current the faster overpotential has followed when it is sampled."""
_OTHER_ZONES = 0.06
_PROBE_MOST_C = 215.0


@kernel
def emit(
    traits: Traits,
    plan: Plan,
    faults: Faults,
    state: State,
    tables: Tables,
    v: int,
    t: float,
    sudden_a: float,
    mean_a: float,
    kmh: float,
    air_c: float,
    grown: float,
    rows: Rows,
    row: int,
) -> None:
    """Write one row."""
    rows.vehicle[row] = v
    rows.time_s[row] = t
    for i in range(rows.luck.shape[1]):
        rows.luck[row, i] = uniform(state.seeds, v)
    hot_k = hot_spot_k(faults, v, t) if faults.kind[v] == RUNAWAY else 0.0
    total_v = _cells(traits, faults, state, tables, v, t, mean_a, sudden_a, grown, rows, row)
    mean_c = _probes(traits, faults, state, tables, v, t, hot_k, grown, rows, row)
    _scalars(
        traits, plan, faults, state, tables, v, t, mean_a + sudden_a, kmh, air_c, grown, total_v, mean_c, rows, row
    )


@kernel
def _cells(
    traits: Traits,
    faults: Faults,
    state: State,
    tables: Tables,
    v: int,
    t: float,
    mean_a: float,
    sudden_a: float,
    grown: float,
    rows: Rows,
    row: int,
) -> float:
    """Every cell's reading; gives the true sum of voltages."""
    series, zones = tables.series, state.zone_c.shape[1]
    soc = state.soc[v]
    empty = 1.0 + 0.8 * math.exp(-max(soc, 0.0) / 0.11)
    years = t / _YEAR_S
    total_v = 0.0
    random = np.uint64(0)
    first = 0
    for z in range(zones):
        end = ((z + 1) * series + zones - 1) // zones
        warm = int((min(max(state.zone_c[v, z], -49.0), 140.0) + 50.0) * 4.0)
        r0 = tables.r_ohm[0] * tables.warm[0, warm]
        r1 = tables.r_ohm[1] * tables.warm[1, warm] * empty
        r2 = tables.r_ohm[2] * tables.warm[2, warm] * empty
        # a chip reads its cells a little earlier or later than others
        now_a = mean_a + sudden_a + traits.skew[v] * sudden_a * normal(state.seeds, v, tables.bell)
        slow_v = r1 * (state.fast_a[v] + _FAST_SHARE_NOW * sudden_a) + r2 * state.slow_a[v]
        true_v, read_v = r0 * (mean_a + sudden_a) + slow_v, r0 * now_a + slow_v
        for k in range(first, end):
            place = min(max(state.charge[v, k], -0.24), 1.24) * 4096.0 + 1024.0
            i = int(place)
            open_v = tables.ocv_v[i] + (place - i) * (tables.ocv_v[i + 1] - tables.ocv_v[i])
            factor = traits.resistance[v, k] * (1.0 + traits.growth[v, k] * t)
            if k == faults.cell[v] and faults.kind[v] == WEAK_CELL:
                factor *= 1.0 + 2.0 * faults.amount[v] * grown
            if (k - first) % 5 == 0:
                random = bits(state.seeds, v)
            noise = traits.noise_v[v] * tables.bell[np.int64(random & np.uint64(0xFFF))]
            random = random >> np.uint64(12)
            total_v += open_v + factor * true_v
            value = open_v + factor * read_v + traits.channel_v[v, k] + traits.channel_drift_v[v, k] * years + noise
            rows.cells[row, k] = math.floor(value * 1000.0 + 0.5) * 0.001
        first = end
    if faults.cell[v] >= 0 and t >= faults.onset_s[v]:
        total_v += _at_fault(faults, state, v, t, grown, rows, row)
    return float(total_v)


@kernel
def _at_fault(faults: Faults, state: State, v: int, t: float, grown: float, rows: Rows, row: int) -> float:
    """What the fault makes of its cell's reading; gives the change of the true voltage."""
    k = faults.cell[v]
    shown = rows.cells[row, k]
    if faults.kind[v] == RUNAWAY:
        lost_v = shown * collapse(faults, v, t)
        rows.cells[row, k] = math.floor((shown - lost_v) * 1000.0 + 0.5) * 0.001
        return float(-lost_v)
    if faults.kind[v] == CELL_SENSOR:
        rows.cells[row, k] = math.floor((shown + faults.amount[v] * grown) * 1000.0 + 0.5) * 0.001
    elif faults.kind[v] == DEAD_CHANNEL:
        if faults.form[v] == READS_0_V:
            rows.cells[row, k] = 0.0
        elif faults.form[v] == READS_5_V:
            rows.cells[row, k] = 5.0
        else:
            if math.isnan(state.frozen_v[v]):
                state.frozen_v[v] = shown
            rows.cells[row, k] = state.frozen_v[v]
    return 0.0


@kernel
def _probes(
    traits: Traits,
    faults: Faults,
    state: State,
    tables: Tables,
    v: int,
    t: float,
    hot_k: float,
    grown: float,
    rows: Rows,
    row: int,
) -> float:
    """Every probe's reading; gives their mean."""
    zones = state.zone_c.shape[1]
    hot_zone = faults.cell[v] * zones // tables.series if faults.kind[v] == RUNAWAY else -1
    step, years = traits.probe_step_c[v], t / _YEAR_S
    total = 0.0
    for p in range(zones):
        value = state.zone_c[v, p] + traits.probe_k[v, p] + traits.probe_drift_k[v, p] * years
        value += hot_k if p == hot_zone else _OTHER_ZONES * hot_k
        value += 0.15 * normal(state.seeds, v, tables.bell)
        if p == faults.probe[v]:
            value += faults.amount[v] * grown
        value = min(math.floor(value / step + 0.5) * step, _PROBE_MOST_C)
        rows.probes[row, p] = value
        total += value
    return float(total / zones)


@kernel
def _scalars(
    traits: Traits,
    plan: Plan,
    faults: Faults,
    state: State,
    tables: Tables,
    v: int,
    t: float,
    now_a: float,
    kmh: float,
    air_c: float,
    grown: float,
    total_v: float,
    mean_c: float,
    rows: Rows,
    row: int,
) -> None:
    """Everything but cells and probes, in the order of `state.COLUMNS`."""
    out = rows.scalars[row]
    mode, years = state.mode[v], t / _YEAR_S
    closed = mode != PARKED
    out[0] = _in_steps(total_v * traits.voltage_gain[v] + 0.15 * normal(state.seeds, v, tables.bell), 0.1)
    offset = traits.current_offset_a[v] + traits.current_drift_a[v] * years
    noise_a = (0.25 if closed else 0.08) * normal(state.seeds, v, tables.bell)
    out[1] = _in_steps(now_a * traits.current_gain[v] + offset + noise_a, 0.1)
    out[2] = _in_steps(min(mean_c, 120.0), 0.5)
    out[3] = _charge_pct(traits, state, tables, v, mode)
    out[4] = _in_steps(kmh, 0.1)
    out[5] = _in_steps(state.odometer_km[v], 0.1)
    out[6] = _in_steps(air_c + 0.4 * normal(state.seeds, v, tables.bell), 0.5)
    out[7] = _in_steps(state.coolant_c[v] + 0.2 * normal(state.seeds, v, tables.bell), 0.5)
    out[8] = _isolation_kohm(traits, plan, faults, state, tables, v, t, grown)
    link_v = out[0] if closed else max(0.0, 0.8 * normal(state.seeds, v, tables.bell))
    if faults.kind[v] == CONTACTOR and t >= faults.onset_s[v] and not closed:
        link_v = faults.amount[v] * total_v
    out[9] = _in_steps(link_v, 0.1)
    out[10] = 1.0 if closed else 0.0
    out[11] = 1.0
    charging = mode == SLOW_CHARGE or mode == FAST_CHARGE
    out[12] = 1.0 if charging else 0.0
    out[13] = 1.0 if charging or state.plug_s[v] < np.inf else 0.0


@kernel
def _in_steps(value: float, step: float) -> float:
    return float(math.floor(value / step + 0.5) * step)


@kernel
def _charge_pct(traits: Traits, state: State, tables: Tables, v: int, mode: int) -> float:
    """Charge as the BMS tells it: its error wanders in use and is taken back at rest."""
    if mode == PARKED:
        state.soc_error[v] = 0.985 * state.soc_error[v] + 0.001 * normal(state.seeds, v, tables.bell)
    else:
        state.soc_error[v] += 0.0003 * normal(state.seeds, v, tables.bell)
    soc = (state.soc[v] + state.soc_error[v]) / traits.soc_step[v]
    return float(min(100.0, max(0.0, 100.0 * traits.soc_step[v] * math.floor(soc + 0.5))))


@kernel
def _isolation_kohm(
    traits: Traits, plan: Plan, faults: Faults, state: State, tables: Tables, v: int, t: float, grown: float
) -> float:
    day = min(int(t / _DAY_S), plan.wet.shape[1] - 1)
    kohm = traits.isolation_kohm[v] * plan.wet[v, day]
    if faults.kind[v] == ISOLATION and grown > 0.0:
        kohm = kohm ** (1.0 - grown) * faults.amount[v] ** grown
    elif faults.kind[v] == RUNAWAY and t >= faults.runaway_s[v]:
        kohm = 0.02 * kohm
    kohm *= 1.0 + 0.04 * normal(state.seeds, v, tables.bell)
    return float(_in_steps(min(max(kohm, 0.0), 10_000.0), 1.0 if kohm < 1000.0 else 10.0))
