"""The hidden truth: a pack of 2RC cells with heat, one step for many batteries at once. Positive current charges.

How the pack voltage is formed: all cell groups carry the pack's current and start full together (balanced at the
top). The *weakest* group has the least capacity; state of charge and capacity of the pack are its own, for it is the
first to be empty. The other groups stand for their mean: they have `spare` times its capacity, so at state of charge z
of the weakest they are at `1 - (1 - z) / spare`. Pack voltage is the weakest group's open-circuit voltage plus that of
the others, plus the overpotentials of the mean group times the number in series.

Current runs linearly from sample to sample, so the mean of two samples, times the time, is the charge that flowed.
Each slow overpotential follows a current filtered with its time constant (exact for a ramp); the faster one,
charge transfer, saturates as asinh. Resistances fall with temperature and rise near empty.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from twinpack.battery.arrays import Floats, Index, Numeric
from twinpack.battery.ecm import GAS_CONSTANT, KELVIN
from twinpack.battery.ocv import OcvTable
from twinpack.battery.pack import PackSpec
from twinpack.battery.thermal import temperature_step

TAU1_S, TAU2_S = 28.0, 420.0
# Mean new cell group at 25 °C and half charge, as ohm times Ah of the pack: 150 Ah give 0.50, 0.21 and 0.29 mohm.
_R0_OHM_AH, _R1_OHM_AH, _R2_OHM_AH = 0.075, 0.032, 0.044
_EA0_K, _EA1_K, _EA2_K = (joule / GAS_CONSTANT for joule in (16_000.0, 30_000.0, 20_000.0))
# current at which charge transfer begins to saturate, per Ah of the pack
_SATURATION_PER_AH = 1.7
_ENTROPY_V_K = -0.00004
_HEAT_CAPACITY_J_K_KWH = 4600.0
_AIR_W_K, _COOLANT_W_K, _HEATER_W = 14.0, 180.0, 2500.0
_COOL_ABOVE_C, _HEAT_BELOW_C = 32.0, 4.0
# the BMS keeps this far from the pack's limits, per cell
_VOLTAGE_MARGIN_V = 0.012


class FastOcv:
    """An OCV table resampled finely: the pchip curve as straight pieces of 1/4096, error below 2 µV."""

    def __init__(self, table: OcvTable) -> None:
        """Resample from -0.125 to 1.125."""
        self._size = 4096
        self._margin = 512
        grid = np.arange(-self._margin, self._size + self._margin + 1) / self._size
        self._voltage = table.pchip(grid)
        self._rise = np.diff(self._voltage)
        self._last = len(self._rise) - 1.0

    def __call__(self, soc: Floats) -> Floats:
        """Voltage of a cell, V."""
        place, i = self._place(soc)
        return np.asarray(self._voltage[i] + (place - i) * self._rise[i])

    def slope(self, soc: Floats) -> Floats:
        """Volts per unit of state of charge."""
        return np.asarray(self._rise[self._place(soc)[1]] * self._size)

    def _place(self, soc: Floats) -> tuple[Floats, Index]:
        place = soc * self._size + self._margin
        return place, np.minimum(np.maximum(place, 0.0), self._last).astype(np.int64)


@dataclass(frozen=True)
class Batteries:
    """What does not change in a session, one entry a battery; resistances of one mean cell group at 25 °C."""

    series: int
    capacity_ah: Floats
    spare: Floats
    r0_ohm: Floats
    r1_ohm: Floats
    r2_ohm: Floats
    saturation_a: float
    heat_capacity_j_k: float
    voltage_min_v: float
    voltage_max_v: float
    current_min_a: float
    current_max_a: float
    ocv: FastOcv

    def take(self, index: Index) -> Batteries:
        """Those at `index`."""
        names = ("capacity_ah", "spare", "r0_ohm", "r1_ohm", "r2_ohm")
        return replace(self, **{name: getattr(self, name)[index] for name in names})


@dataclass(frozen=True)
class State:
    """Where each battery stands.

    Attributes:
        soc: State of charge of the weakest group, 0..1.
        i1_a: Current filtered with the shorter time constant.
        i2_a: Current filtered with the longer one.
        temp_c: Temperature.
        current_a: Current now.
        voltage_v: Pack voltage now.
        heater_w: What the battery's own heater takes.
    """

    soc: Floats
    i1_a: Floats
    i2_a: Floats
    temp_c: Floats
    current_a: Floats
    voltage_v: Floats
    heater_w: Floats

    def take(self, index: Index) -> State:
        """Those at `index`."""
        return State(*(getattr(self, f.name)[index] for f in fields(self)))

    def where(self, chosen: NDArray[np.bool_], other: State) -> State:
        """This where chosen, the other elsewhere."""
        return State(*(np.where(chosen, getattr(self, f.name), getattr(other, f.name)) for f in fields(self)))


def batteries(
    pack: PackSpec, capacity_ah: Floats, spare: Floats, r0_ratio: Floats, rc_ratio: Floats, ocv: FastOcv
) -> Batteries:
    """Batteries of one kind of pack with their capacities and resistance ratios."""
    margin = pack.series * _VOLTAGE_MARGIN_V
    return Batteries(
        series=pack.series,
        capacity_ah=capacity_ah,
        spare=spare,
        r0_ohm=_R0_OHM_AH / pack.capacity_ah * r0_ratio,
        r1_ohm=_R1_OHM_AH / pack.capacity_ah * rc_ratio,
        r2_ohm=_R2_OHM_AH / pack.capacity_ah * rc_ratio,
        saturation_a=_SATURATION_PER_AH * pack.capacity_ah,
        heat_capacity_j_k=_HEAT_CAPACITY_J_K_KWH * pack.energy_kwh,
        voltage_min_v=pack.voltage_min_v + margin,
        voltage_max_v=pack.voltage_max_v - margin,
        current_min_a=-0.98 * pack.discharge_current_max_a,
        current_max_a=0.98 * pack.charge_current_max_a,
        ocv=ocv,
    )


def resistance_ratio(r0_ratio: Floats, rc_ratio: Floats) -> Floats:
    """Total direct-current resistance over that of the mean new pack, at equal state and temperature."""
    slow = _R1_OHM_AH + _R2_OHM_AH
    return np.asarray((_R0_OHM_AH * r0_ratio + slow * rc_ratio) / (_R0_OHM_AH + slow))


def at_rest(b: Batteries, soc: Floats, temp_c: Floats) -> State:
    """Batteries that stood for hours."""
    zero = np.zeros_like(soc)
    return State(soc, zero, zero, temp_c, zero, open_circuit(b, soc), zero)


def open_circuit(b: Batteries, soc: Floats) -> Floats:
    """Pack voltage at rest: the weakest group and the mean of the others."""
    return np.asarray(b.ocv(soc) + (b.series - 1) * b.ocv(1.0 - (1.0 - soc) / b.spare))


def rested(b: Batteries, state: State, seconds: Floats, ambient_c: Floats) -> State:
    """After a pause without current."""
    temp_c = temperature_step(state.temp_c, 0.0, seconds, b.heat_capacity_j_k, (_AIR_W_K, ambient_c))
    zero = np.zeros_like(state.soc)
    i1_a, i2_a = state.i1_a * np.exp(-seconds / TAU1_S), state.i2_a * np.exp(-seconds / TAU2_S)
    _, r1, r2 = _resistances(b, state.soc, temp_c)
    voltage_v = open_circuit(b, state.soc) + _slow(b, r1, r2, i1_a, i2_a)
    return State(state.soc, i1_a, i2_a, temp_c, zero, voltage_v, zero)


def advance(
    b: Batteries,
    state: State,
    dt_s: Numeric,
    demand_w: Floats,
    ambient_c: Floats,
    current_min_a: Numeric,
    current_max_a: Numeric,
) -> State:
    """One step: the current that meets the demand within the limits, then charge, overpotentials and heat, exactly.

    Args:
        b: The batteries.
        state: Where they stand.
        dt_s: Length of the step, s.
        demand_w: Power asked for at the end of the step, positive into the pack, without the battery's heater.
        ambient_c: Air temperature.
        current_min_a: Lower limit beside the pack's own (discharge is negative).
        current_max_a: Upper limit beside the pack's own.
    """
    heater_w = np.where(state.temp_c < _HEAT_BELOW_C, _HEATER_W, 0.0)
    resistances = _resistances(b, state.soc, state.temp_c)
    held1, per1 = _ramp_filter(state.i1_a, state.current_a, dt_s, TAU1_S)
    held2, per2 = _ramp_filter(state.i2_a, state.current_a, dt_s, TAU2_S)
    source_v, resistance = _as_source(b, state, dt_s, resistances, (held1, per1), (held2, per2))
    current_a = _current(b, source_v, resistance, demand_w - heater_w, current_min_a, current_max_a)
    i1_a, i2_a = held1 + per1 * current_a, held2 + per2 * current_a
    mean_a = 0.5 * (state.current_a + current_a)
    soc = state.soc + mean_a * dt_s / (3600.0 * b.capacity_ah)
    open_v = open_circuit(b, soc)
    r0, r1, r2 = resistances
    over_v = b.series * r0 * current_a + _slow(b, r1, r2, i1_a, i2_a)
    heat_w = current_a * over_v + b.series * mean_a * (state.temp_c + KELVIN) * _ENTROPY_V_K + heater_w
    coolant = np.where(state.temp_c > _COOL_ABOVE_C, _COOLANT_W_K, 0.0)
    temp_c = temperature_step(
        state.temp_c, heat_w, dt_s, b.heat_capacity_j_k, (_AIR_W_K, ambient_c), (coolant, np.maximum(ambient_c, 22.0))
    )
    return State(soc, i1_a, i2_a, temp_c, current_a, open_v + over_v, heater_w)


def _resistances(b: Batteries, soc: Floats, temp_c: Floats) -> tuple[Floats, Floats, Floats]:
    """Ohmic, charge transfer and diffusion resistance of the mean group."""
    inverse = 1.0 / (temp_c + KELVIN) - 1.0 / 298.15
    near_empty = np.exp(-soc / 0.11)
    return (
        b.r0_ohm * np.exp(_EA0_K * inverse) * (1.0 + 0.25 * near_empty),
        b.r1_ohm * np.exp(_EA1_K * inverse) * (1.0 + 0.8 * near_empty),
        b.r2_ohm * np.exp(_EA2_K * inverse) * (1.0 + 0.8 * near_empty + 0.15 * (soc - 0.5) ** 2),
    )


def _ramp_filter(filtered_a: Floats, start_a: Floats, dt_s: Numeric, tau_s: float) -> tuple[Floats, Floats]:
    """Filtered current after a ramp from `start_a` to I, as `held + per * I` (`ecm.rc_step_ramp` with R = 1)."""
    x = dt_s / tau_s
    a = np.exp(-x)
    lag = np.expm1(-x) / x
    return a * filtered_a - (a + lag) * start_a, 1.0 + lag


def _slow(b: Batteries, r1: Floats, r2: Floats, i1_a: Floats, i2_a: Floats) -> Floats:
    """Slow overpotentials of the pack, V."""
    transfer_v = r1 * b.saturation_a * np.arcsinh(i1_a / b.saturation_a)
    return np.asarray(b.series * (transfer_v + r2 * i2_a))


def _as_source(
    b: Batteries,
    state: State,
    dt_s: Numeric,
    resistances: tuple[Floats, Floats, Floats],
    first: tuple[Floats, Floats],
    second: tuple[Floats, Floats],
) -> tuple[Floats, Floats]:
    """The pack at the end of the step, seen as a voltage behind a resistance, to choose the current with."""
    r0, r1, r2 = resistances
    half = dt_s / (7200.0 * b.capacity_ah)
    soc = state.soc + state.current_a * half
    # charge transfer straightened at the last current
    bend = b.saturation_a * np.arcsinh(state.i1_a / b.saturation_a)
    chord = np.where(np.abs(state.i1_a) > 1e-6, bend / np.where(state.i1_a == 0.0, 1.0, state.i1_a), 1.0)
    source_v = open_circuit(b, soc) + b.series * (r1 * chord * first[0] + r2 * second[0])
    slope = b.series * b.ocv.slope(soc)
    return source_v, b.series * (r0 + r1 * chord * first[1] + r2 * second[1]) + slope * half


def _current(
    b: Batteries, source_v: Floats, resistance: Floats, demand_w: Floats, current_min_a: Numeric, current_max_a: Numeric
) -> Floats:
    """Current that gives the power, from `R I^2 + E I = P`, within current and voltage limits."""
    # at most the power at which the pack's voltage has sunk to half
    root = np.sqrt(np.maximum(source_v**2 + 4.0 * resistance * demand_w, 0.0))
    wanted = (root - source_v) / (2.0 * resistance)
    low = np.maximum(np.maximum(current_min_a, b.current_min_a), (b.voltage_min_v - source_v) / resistance)
    high = np.minimum(np.minimum(current_max_a, b.current_max_a), (b.voltage_max_v - source_v) / resistance)
    return np.asarray(np.minimum(np.maximum(wanted, np.minimum(low, 0.0)), high))
