"""How far a vehicle comes: usable energy from its own twin over consumption, both as distributions.

    E = integral of Ns V(z, I, T) dQ from the charge now down to the reserve, or to where the voltage no longer holds

V is the twin's model with its posterior, so that a worn pack has less: less charge, and more of it lost in resistance,
most of all when cold. The current is what the consumption asks for; what it ripples about its mean costs I²R as well.
Heat that is lost warms the pack on the way (`dT/dt = (q - hA (T - T_air)) / C`, solved exactly from step to step).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.battery.pack import PackSpec
from twinpack.battery.pack_model import PackModel
from twinpack.battery.power import Doubt, Power, living_value, pulse_voltage, scaled, state_of_power, variants
from twinpack.battery.thermal import temperature_step
from twinpack.errors import InputError
from twinpack.forecast.energy import Consumption, planned_consumption, usual_consumption
from twinpack.learn.energy_model import EnergyModel
from twinpack.learn.energy_terms import Course, Weather

Floats = npt.NDArray[np.float64]

SHARES = (0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95)
"""Of the quantiles that are told."""

DRAWS = 400
PULSES_S = (10.0, 30.0)
HOT_C, MILD_C, COLD_C = 35.0, 20.0, -10.0

AIR_C = (-50.0, 60.0)
LOAD_KG = (0.0, 50_000.0)

_GRID = 81
_SETTLED_S = 600.0
"""After so long at one current a model has settled."""
_PULSE_S = 10.0
_HEAT_J_K_KWH = 6500.0
"""Heat capacity of a pack by its energy: some 6.5 kg a kWh of about 1000 J/kg/K."""
_COOLS_S = 4.0 * 3600.0
"""Time constant with which a pack takes the temperature of the air."""
_ROUNDS = 3
_LEAST_KM = 1.0
_HOURS_UNTOLD = 3.0


@dataclass(frozen=True)
class Conditions:
    """What a range is asked for at.

    Attributes:
        soc_pct: Charge now, %; None for the last one known.
        ambient_c: Outside air, °C; None for the last one known.
        battery_c: Cells, °C; None for the last ones known today, else that of the air.
        load_kg: Payload; None for the usual one.
        reserve_pct: Charge that is to be left, %.
        soc_sd_pct: Standard deviation of the charge, points.
        cabin_c: Cabin, °C; None for that of the air.

    Raises:
        InputError: A value is not possible; says which.
    """

    soc_pct: float | None = None
    ambient_c: float | None = None
    battery_c: float | None = None
    load_kg: float | None = None
    reserve_pct: float = 0.0
    soc_sd_pct: float = 2.0
    cabin_c: float | None = None

    def __post_init__(self) -> None:
        """Check every value."""
        check("the state of charge", self.soc_pct, 0.0, 100.0, "%")
        check("the reserve", self.reserve_pct, 0.0, 90.0, "%")
        check("the uncertainty of the charge", self.soc_sd_pct, 0.0, 50.0, "%")
        check("the outside temperature", self.ambient_c, *AIR_C, "°C")
        check("the temperature of the battery", self.battery_c, -40.0, 80.0, "°C")
        check("the temperature of the cabin", self.cabin_c, -50.0, 90.0, "°C")
        check("the load", self.load_kg, *LOAD_KG, "kg")


def check(what: str, value: float | None, low: float, high: float, unit: str) -> None:
    """Refuse a value outside its bounds, or none at all.

    Raises:
        InputError: Naming the value and its bounds.
    """
    if value is not None and not low <= value <= high:
        raise InputError(f"{what} is {value:g} {unit}; it must lie between {low:g} and {high:g} {unit}")


@dataclass(frozen=True)
class Battery:
    """A twin as it stands.

    Attributes:
        model: Its model.
        pack: Its pack.
        mean: Posterior mean of the living parameters, shape (p,).
        covariance: Posterior covariance, shape (p, p).
        changes: What living parameters are multiplied by, to ask what a more worn one would do.
    """

    model: PackModel
    pack: PackSpec
    mean: Sequence[float]
    covariance: Floats
    changes: Mapping[str, float] = field(default_factory=dict)

    def worn(self, capacity_x: float = 1.0, resistance_x: float = 1.0) -> Battery:
        """The same with capacity and every resistance multiplied."""
        factors = {one.name: resistance_x for one in self.model.living if one.name in RESISTANCES}
        return replace(self, changes={**factors, "capacity_scale": capacity_x})

    def drawn(self, count: int, generator: np.random.Generator) -> Floats:
        """Variants of it, the mean first, shape (p, count)."""
        found = variants(self.model, self.mean, self.covariance, count, generator)
        return scaled(self.model, found, self.changes)


RESISTANCES = ("r0_scale", "r_scale", "r1_scale", "r2_scale", "r3_scale", "slow_scale")
"""Living parameters that scale a resistance."""


@dataclass(frozen=True)
class Spread:
    """Quantiles of a figure."""

    p5: float
    p10: float
    p25: float
    p50: float
    p75: float
    p90: float
    p95: float

    @classmethod
    def of(cls, draws: Floats) -> Spread:
        """Of draws of it."""
        return cls(*(float(one) for one in np.quantile(draws, SHARES)))


@dataclass(frozen=True)
class Pulse:
    """Power for some seconds, a magnitude.

    Attributes:
        way: `discharge` or `charge`.
        seconds: How long.
        power_kw: Power it can hold.
        current_a: Current of it.
        limited_by: What limits it: voltage, current, charge or temperature.
    """

    way: str
    seconds: float
    power_kw: Spread
    current_a: Spread
    limited_by: str


@dataclass(frozen=True)
class RangeAt:
    """Range at some conditions.

    Attributes:
        name: `today`, `hot`, `mild` or `cold`.
        ambient_c: Outside air, °C.
        battery_c: Cells at the start, °C.
        km: How far.
        kwh_km: What a kilometre takes; None, as the range, where no consumption was learned.
        usable_kwh: What the pack gives until the reserve.
        left_pct: Charge that cannot be used: the reserve, or where the voltage no longer holds; the median, %.
        power: State of power at the start.
    """

    name: str
    ambient_c: float
    battery_c: float
    km: Spread | None
    kwh_km: Spread | None
    usable_kwh: Spread
    left_pct: float
    power: tuple[Pulse, ...]


@dataclass(frozen=True)
class Arrival:
    """How a plan ends.

    Attributes:
        distance_km: Its length.
        hours: How long it takes.
        energy_kwh: What it takes.
        soc_pct: Charge at the end, %; where it does not arrive, the least there can be.
        arrives: Probability to arrive with the reserve left.
        coarse: Whether stops and turns had to be added, since the plan has too few points to hold them.
    """

    distance_km: float
    hours: float
    energy_kwh: Spread
    soc_pct: Spread
    arrives: float
    coarse: bool


@dataclass(frozen=True)
class Discharge:
    """Energy of S variants over the charge.

    Attributes:
        soc: From the charge now down to 0, shape (S, N).
        energy_kwh: Given from the start until there, shape (S, N), not falling.
        least: Charge that is left at the end, shape (S,).
    """

    soc: Floats
    energy_kwh: Floats
    least: Floats

    @property
    def usable_kwh(self) -> Floats:
        """Until the end, shape (S,)."""
        return self.energy_kwh[:, -1]

    def soc_after(self, energy_kwh: Floats) -> Floats:
        """Charge after some energy, that at the end where there is less, shape (S,)."""
        rows = zip(energy_kwh, self.energy_kwh, self.soc, strict=True)
        return np.array([np.interp(taken, given, soc) for taken, given, soc in rows])


def range_at(
    name: str,
    battery: Battery,
    model: EnergyModel | None,
    vehicle: str,
    conditions: Conditions,
    draws: int = DRAWS,
    seed: int = 0,
) -> RangeAt:
    """How far a vehicle comes as it is usually driven.

    Args:
        name: Of the conditions.
        battery: Its twin.
        model: What its pack's vehicles take; None where that was not learned: no range is told then.
        vehicle: The vehicle.
        conditions: Charge and outside temperature have to be given.
        draws: How many.
        seed: The same gives the same.

    Raises:
        InputError: Charge or temperature are not given.
    """
    generator = np.random.default_rng(seed)
    soc, air, cells = known(conditions)
    living, start = _start(battery, soc, conditions, generator, draws)
    reserve = conditions.reserve_pct / 100.0
    if model is None:
        taken = _steady(battery.pack, draws)
        given = discharge(battery, living, start, reserve, (air, cells), taken)
    else:
        weather = _weather(conditions, model, vehicle)
        first = usual_consumption(model, vehicle, weather, _LEAST_KM, np.random.default_rng(seed + 1), draws).middle
        # how far it comes says over how many trips errors average
        rough = discharge(battery, living[:, :1], start[:1], reserve, (air, cells), first)
        far = max(float((rough.usable_kwh / first.kwh_km)[0]), _LEAST_KM)
        taken = usual_consumption(model, vehicle, weather, far, np.random.default_rng(seed + 1), draws)
        given = discharge(battery, living, start, reserve, (air, cells), taken)
    return RangeAt(
        name=name,
        ambient_c=air,
        battery_c=cells,
        km=None if model is None else Spread.of(given.usable_kwh / taken.kwh_km),
        kwh_km=None if model is None else Spread.of(taken.kwh_km),
        usable_kwh=Spread.of(given.usable_kwh),
        left_pct=100.0 * float(np.median(given.least)),
        power=tuple(_pulses(battery, living, start, cells, np.random.default_rng(seed + 2))),
    )


def arrival(
    battery: Battery,
    model: EnergyModel,
    vehicle: str,
    plan: Course,
    conditions: Conditions,
    draws: int = DRAWS,
    seed: int = 0,
) -> Arrival:
    """With what charge a vehicle ends a plan; arguments as for `range_at`.

    Raises:
        InputError: Charge or temperature are not given.
    """
    from twinpack.forecast.energy import is_coarse

    generator = np.random.default_rng(seed)
    soc, air, cells = known(conditions)
    living, start = _start(battery, soc, conditions, generator, draws)
    load = _load(conditions, model, vehicle)
    weather = _weather(conditions, model, vehicle)
    taken = planned_consumption(model, vehicle, plan, weather, load, np.random.default_rng(seed + 1), draws)
    given = discharge(battery, living, start, conditions.reserve_pct / 100.0, (air, cells), taken)
    gained = np.minimum(taken.energy_kwh, 0.0) / np.maximum(given.usable_kwh, 1e-9) * (start - given.least)
    ends = np.where(taken.energy_kwh > 0.0, given.soc_after(taken.energy_kwh), np.minimum(start - gained, 1.0))
    return Arrival(
        distance_km=taken.distance_km,
        hours=taken.hours,
        energy_kwh=Spread.of(taken.energy_kwh),
        soc_pct=Spread.of(100.0 * ends),
        arrives=float(np.mean(taken.energy_kwh <= given.usable_kwh)),
        coarse=is_coarse(plan),
    )


def discharge(
    battery: Battery,
    living: Floats,
    start: Floats,
    reserve: float,
    temps_c: tuple[float, float],
    taken: Consumption,
) -> Discharge:
    """Energy that S variants of a pack give on their way down.

    Args:
        battery: The pack.
        living: Living parameters, shape (p, S).
        start: Charge of each, 0 to 1, shape (S,).
        reserve: Charge that is left, 0 to 1.
        temps_c: Of the air and of the cells at the start, °C.
        taken: What is asked of it: its power, and how it ripples.
    """
    model, pack = battery.model, battery.pack
    soc = start[:, None] * np.linspace(1.0, 0.0, _GRID)[None]
    capacity = model.capacity_ah * living_value(model, living, "capacity_scale", 1.0)[:, None]
    power_w = 1000.0 * np.maximum(taken.energy_kwh / taken.hours, 0.1)[:, None]
    variant = living[:, :, None]
    air, cells = temps_c
    temp = np.full(soc.shape, cells)
    mean = -power_w / (pack.series * np.median(battery_ocv(battery)))
    for _ in range(_ROUNDS):
        current = np.broadcast_to(mean, soc.shape)
        rms = taken.ripple * current
        volts = pulse_voltage(model, variant, soc, current, temp, _SETTLED_S, moves=False)
        loaded = pulse_voltage(model, variant, soc, rms, temp, _PULSE_S, moves=False)
        rest = pulse_voltage(model, variant, soc, np.zeros(soc.shape), temp, 0.0)
        ohm = np.maximum((loaded - rest) / np.minimum(rms, -1e-9), 0.0)
        # a ripple about the mean asks for no charge and still loses
        lost_v = np.maximum(rest - volts, 0.0) + (taken.ripple**2 - 1.0) * np.abs(current) * ohm
        given_v = np.maximum(rest - lost_v, 0.0)
        mean = -power_w / np.maximum(np.median(given_v, axis=1, keepdims=True), 1.0)
        temp = _warmed(soc, capacity, current, lost_v, pack, (air, cells))
    low = np.maximum.accumulate(loaded < pack.voltage_min_v, axis=1)
    step_kwh = 0.5 * (given_v[:, 1:] + given_v[:, :-1]) * capacity * -np.diff(soc, axis=1) / 1000.0
    step_kwh = step_kwh * _part(soc, reserve) * ~low[:, 1:]
    energy = np.concatenate([np.zeros((len(start), 1)), np.cumsum(step_kwh, axis=1)], axis=1)
    fails = np.where(low.any(axis=1), np.take_along_axis(soc, low.argmax(axis=1)[:, None], axis=1)[:, 0], 0.0)
    least = np.minimum(np.maximum(fails, reserve), start)
    return Discharge(np.maximum(soc, least[:, None]), energy, least)


def battery_ocv(battery: Battery) -> Floats:
    """Open-circuit voltage of one cell over the charge at the twin's mean, V."""
    model = battery.model
    mean = np.concatenate([np.zeros(len(model.dynamic)), np.asarray(battery.mean, dtype=np.float64)])
    return model.open_circuit(np.linspace(0.05, 0.95, 19), mean)


def known(conditions: Conditions) -> tuple[float, float, float]:
    """Charge (0 to 1), air and cells of conditions that are complete.

    Raises:
        InputError: Charge or temperature are not given.
    """
    if conditions.soc_pct is None or conditions.ambient_c is None:
        missing = "the state of charge" if conditions.soc_pct is None else "the outside temperature"
        raise InputError(f"{missing} is not known: give it")
    cells = conditions.ambient_c if conditions.battery_c is None else conditions.battery_c
    return conditions.soc_pct / 100.0, conditions.ambient_c, cells


def _start(
    battery: Battery, soc: float, conditions: Conditions, generator: np.random.Generator, draws: int
) -> tuple[Floats, Floats]:
    """Variants of a twin and the charge of each."""
    living = battery.drawn(draws, generator)
    start = soc + conditions.soc_sd_pct / 100.0 * generator.standard_normal(draws)
    start[0] = soc
    return living, np.clip(start, 0.0, 1.0)


def _steady(pack: PackSpec, draws: int) -> Consumption:
    """What a pack is asked for where no consumption is known: a third of its energy an hour."""
    return Consumption(np.full(draws, pack.energy_kwh / _HOURS_UNTOLD), 1.0, 1.0, 1.0)


def _load(conditions: Conditions, model: EnergyModel, vehicle: str) -> float:
    return model.usual_for(vehicle).load_kg if conditions.load_kg is None else conditions.load_kg


def _weather(conditions: Conditions, model: EnergyModel, vehicle: str) -> Weather:
    _, air, cells = known(conditions)
    cabin = np.nan if conditions.cabin_c is None else conditions.cabin_c
    return Weather(air, _load(conditions, model, vehicle), cells, cabin)


def _pulses(
    battery: Battery, living: Floats, start: Floats, cells_c: float, generator: np.random.Generator
) -> list[Pulse]:
    """State of power, both ways and for each length, with what the model is off by itself."""
    doubt = Doubt.drawn(len(start), generator)
    found: list[Power] = [
        state_of_power(battery.model, battery.pack, living, start, cells_c, way, seconds, doubt=doubt)
        for way in ("discharge", "charge")
        for seconds in PULSES_S
    ]
    return [Pulse(one.way, one.seconds, Spread.of(one.power_kw), Spread.of(one.current_a), one.limit) for one in found]


def _warmed(
    soc: Floats, capacity_ah: Floats, current_a: Floats, lost_v: Floats, pack: PackSpec, temps_c: tuple[float, float]
) -> Floats:
    """Temperature of the cells along a discharge, °C."""
    air, cells = temps_c
    heat_capacity = _HEAT_J_K_KWH * pack.energy_kwh
    conductance = heat_capacity / _COOLS_S
    heat_w = lost_v * np.abs(current_a)
    step_s = -np.diff(soc, axis=1) * capacity_ah * 3600.0 / np.maximum(np.abs(current_a[:, 1:]), 1e-6)
    temp: Any = np.full(len(soc), cells)
    found = [temp]
    for at in range(step_s.shape[1]):
        temp = temperature_step(temp, heat_w[:, at], step_s[:, at], heat_capacity, (conductance, air))
        found.append(temp)
    return np.asarray(np.minimum(np.stack(found, axis=1), max(pack.temp_max_c, cells)))


def _part(soc: Floats, reserve: float) -> Floats:
    """Of each step the part above the reserve."""
    high, low = soc[:, :-1], soc[:, 1:]
    width = np.maximum(high - low, 1e-12)
    return np.asarray(np.clip((high - np.maximum(low, reserve)) / width, 0.0, 1.0))


__all__ = [
    *("Arrival", "Battery", "Conditions", "Discharge", "Pulse", "RangeAt", "Spread"),
    *("arrival", "battery_ocv", "discharge", "known", "range_at"),
]
