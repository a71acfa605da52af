"""Voltage and heat on a trip and the charge after it: the twin's own model, driven by what a scenario asks of it.

Power is the trip's mean with a ripple about it, as accelerating and braking make it. Each lane is one draw of what is
not known: the twin's living parameters, the trip's energy, and how heat is stored and given off
(`C dT/dt = I (V - V_rest) - G (T - T_air)`, lumped). The same draws meet the baseline and each scenario.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twinpack.battery.pack import PackSpec
from twinpack.battery.pack_model import PackModel
from twinpack.battery.power import living_value, pulse_voltage, variants
from twinpack.battery.thermal import temperature_step
from twinpack.filters.simulate import Simulator
from twinpack.forecast.outlook import LEVELS

Floats = npt.NDArray[np.float64]

LANES = 64
PAUSE_S = 300.0
RIPPLE = 1.8
"""Root mean square of the current of a drive over its mean, where a vehicle does not tell its own."""

HEAT_J_K_KWH, COOLS_S = 6500.0, 4.0 * 3600.0
"""Heat capacity of a pack by its energy (6.5 kg a kWh of 1000 J/kg/K), and the time in which it takes the temperature
of the air to 1/e: of a pack that is cooled by air alone."""
_HEAT_SD, _COOLS_SD = 0.15, 0.35

_PERIOD_S, _HARD_SHARE = 120.0, 0.25
_DRIVE_STEPS, _CHARGE_STEPS = 720, 240
_LEAST_STEP_S = 5.0
_ROUNDS = 7
_SHORT = 0.02
"""Share of the energy or power that may be missing before it counts."""
_LEAST_RATE = 1e-3
_MORE = 10.0
"""By so much at most a part grows again in a round."""


@dataclass(frozen=True)
class Ride:
    """What is asked of a pack: a drive, a pause, and a charge at constant current.

    Attributes:
        energy_kwh: Energy that the drive takes, of each of S lanes, shape (S,).
        hours: How long the drive takes.
        air_c: Temperature of the air, and of the cells at the start, °C.
        start_soc: Charge at the start, 0 to 1.
        charge_to: Charge at which the charge ends; below what is left there is none.
        c_rate: Current of the charge by the rated capacity, 1/h.
        ripple: Root mean square of the power of the drive over its mean, 1 or more.
    """

    energy_kwh: Floats
    hours: float
    air_c: float
    start_soc: float
    charge_to: float
    c_rate: float
    ripple: float = RIPPLE


@dataclass(frozen=True)
class Ridden:
    """How a pack takes a ride, T steps of S lanes.

    Attributes:
        time_s: End of each step, s from the start, shape (T,).
        driving: Which steps are of the drive.
        voltage_v: Voltage of the pack, shape (T, S).
        temp_c: Temperature of the cells.
        soc: Charge.
        short_kwh: What the pack could not give, shape (S,); above 0 it does not arrive.
        power_cut: Whether the drive gave less power than asked, to stay above the lowest voltage, shape (S,).
        tapers: Whether the charge took less current than asked, to stay below the highest voltage, shape (S,).
    """

    time_s: Floats
    driving: npt.NDArray[np.bool_]
    voltage_v: Floats
    temp_c: Floats
    soc: Floats
    short_kwh: Floats
    power_cut: npt.NDArray[np.bool_]
    tapers: npt.NDArray[np.bool_]

    @property
    def lowest_v(self) -> Floats:
        """Lowest voltage of the drive, shape (S,)."""
        return np.asarray(self.voltage_v[self.driving].min(axis=0))

    @property
    def highest_v(self) -> Floats:
        """Highest voltage of all, shape (S,)."""
        return np.asarray(self.voltage_v.max(axis=0))

    @property
    def highest_c(self) -> Floats:
        """Highest temperature, shape (S,)."""
        return np.asarray(self.temp_c.max(axis=0))

    @property
    def arrival_soc(self) -> Floats:
        """Charge at the end of the drive, shape (S,)."""
        return np.asarray(self.soc[self.driving][-1])


@dataclass(frozen=True)
class Lanes:
    """Draws of what is not known of a pack.

    Attributes:
        living: Living parameters of its model, shape (p, S).
        heat_j_k: Heat capacity, J/K, shape (S,).
        cooling_w_k: Conductance to the air, W/K, shape (S,).
        energy: Standard normal draws of how far off the energy of a trip is, shape (S,).
    """

    living: Floats
    heat_j_k: Floats
    cooling_w_k: Floats
    energy: Floats


def lanes_of(model: PackModel, pack: PackSpec, mean: Floats, covariance: Floats, count: int = LANES) -> Lanes:
    """Draws of a twin, the most likely first; the same for the same twin.

    Args:
        model: Its model.
        pack: Its pack.
        mean: Posterior mean of the living parameters, shape (p,).
        covariance: Posterior covariance, shape (p, p).
        count: How many, S.
    """
    generator = np.random.default_rng(0)
    living = variants(model, mean.tolist(), covariance, count, generator)
    normal = generator.standard_normal((3, count))
    normal[:, 0] = 0.0
    heat = HEAT_J_K_KWH * pack.energy_kwh * np.exp(_HEAT_SD * normal[0])
    return Lanes(living, heat, heat / COOLS_S * np.exp(_COOLS_SD * normal[1]), normal[2])


def ride(simulator: Simulator, pack: PackSpec, lanes: Lanes, asked: Ride) -> Ridden:
    """Simulate a ride.

    Args:
        simulator: Of the twin's model, a `PackModel`.
        pack: Its pack.
        lanes: Draws of what is not known.
        asked: The ride.
    """
    model = simulator.model
    if not isinstance(model, PackModel):
        raise TypeError(f"{type(model).__name__} is not driven by its current")
    capacity = model.capacity_ah * living_value(model, lanes.living, "capacity_scale", 1.0)
    power, dt, driving = _asked(asked, pack)
    volts = np.full(power.shape, pack.series * float(pack.ocv.pchip(asked.start_soc)))
    temp, part = np.full(power.shape, asked.air_c), np.ones(power.shape)
    for last in range(_ROUNDS - 1, -1, -1):
        current, soc = _flows(asked, pack, capacity, power, dt, driving, volts, part)
        volts = _voltage(simulator, model, lanes.living, asked.start_soc, current, dt, temp)
        rest = _rest(model, lanes.living, soc, temp)
        temp = _warmed(lanes, asked.air_c, np.maximum(current * (volts - rest), 0.0), dt)
        if last:
            part = _allowed(part, pack, current, volts, rest)
    given = np.where(driving[:, None], -current * volts * dt[:, None], 0.0).sum(axis=0) / 3.6e6
    short = np.maximum((1.0 - _SHORT) * asked.energy_kwh - given, 0.0)
    cut = part < 1.0 - _SHORT
    volts = np.clip(volts, pack.voltage_min_v, pack.voltage_max_v)  # the vehicle's own limiter holds it there
    return Ridden(np.cumsum(dt), driving, volts, temp, soc, short, _any(cut[driving]), _any(cut[~driving]))


def _any(flags: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    return np.asarray(flags.any(axis=0))


def quantiles(values: Floats) -> Floats:
    """Quantiles `LEVELS` over the lanes, shape (L,) of (S,)."""
    return np.asarray(np.quantile(values, LEVELS, axis=-1))


def _asked(asked: Ride, pack: PackSpec) -> tuple[Floats, Floats, npt.NDArray[np.bool_]]:
    """Power of each step and lane, W, given by the pack (0 in pause and charge); lengths of steps; which are driven."""
    step = max(asked.hours * 3600.0 / _DRIVE_STEPS, _LEAST_STEP_S)
    count = max(round(asked.hours * 3600.0 / step), 2)
    drive = np.full(count, asked.hours * 3600.0 / count)
    rate = _rate(asked, pack)
    charge_s = 3600.0 * max(asked.charge_to, 0.05) / rate
    charge = np.full(_CHARGE_STEPS, charge_s / _CHARGE_STEPS)
    dt = np.concatenate([drive, np.full(5, PAUSE_S / 5), charge])
    driving = np.arange(len(dt)) < count
    mean_w = asked.energy_kwh * 3.6e6 / (asked.hours * 3600.0)
    power = np.zeros((len(dt), len(mean_w)))
    power[:count] = _wave(np.cumsum(drive), asked.ripple)[:, None] * mean_w
    return power, dt, driving


def _rate(asked: Ride, pack: PackSpec) -> float:
    """Rate of the charge, no higher than the pack allows, 1/h."""
    return max(min(asked.c_rate, pack.charge_current_max_a / pack.capacity_ah), _LEAST_RATE)


def _wave(time_s: Floats, ripple: float) -> Floats:
    """A power of mean 1 and root mean square `ripple`: hard for a quarter of the time, gentle for the rest."""
    swing = np.sqrt(max(ripple, 1.0) ** 2 - 1.0)
    hard = (time_s % _PERIOD_S) / _PERIOD_S < _HARD_SHARE
    wave = 1.0 + swing * np.where(hard, np.sqrt((1.0 - _HARD_SHARE) / _HARD_SHARE), -np.sqrt(_HARD_SHARE / 0.75))
    return np.asarray(wave / wave.mean())


def _flows(
    asked: Ride,
    pack: PackSpec,
    capacity_ah: Floats,
    power_w: Floats,
    dt: Floats,
    driving: npt.NDArray[np.bool_],
    volts: Floats,
    part: Floats,
) -> tuple[Floats, Floats]:
    """Current of each step (positive charges), A, and the charge after it: never below empty nor above `charge_to`.

    `part` is what the voltage allows of the power, or of the current of the charge.
    """
    by_ah = dt[:, None] / 3600.0 / capacity_ah
    current = -part * power_w / np.maximum(volts, 0.3 * pack.voltage_min_v)
    current = np.clip(current, -pack.discharge_current_max_a, pack.charge_current_max_a)
    drive = np.where(driving[:, None], current, 0.0)
    soc = np.clip(asked.start_soc + np.cumsum(drive * by_ah, axis=0), 0.0, 1.0)
    left = soc[driving][-1]
    charging = np.arange(len(dt)) >= len(dt) - _CHARGE_STEPS
    added = np.cumsum(np.where(charging[:, None], part * _rate(asked, pack) * pack.capacity_ah * by_ah, 0.0), axis=0)
    soc = soc + np.minimum(added, np.maximum(asked.charge_to - left, 0.0))
    whole = np.diff(soc, axis=0, prepend=asked.start_soc) / by_ah
    return whole, soc


def _allowed(part: Floats, pack: PackSpec, current: Floats, volts: Floats, rest: Floats) -> Floats:
    """What of the power or the current is left when it may not take the voltage beyond its limits."""
    limit = np.where(current < 0.0, pack.voltage_min_v, pack.voltage_max_v)
    asks, room = np.abs(volts - rest), np.maximum(np.where(current < 0.0, rest - limit, limit - rest), 0.0)
    # where less was taken before, it may be more again
    wanted = part * np.where(asks > 1e-9, np.minimum(room / np.maximum(asks, 1e-9), _MORE), _MORE)
    return np.clip(np.where(current == 0.0, part, wanted), 0.0, 1.0)


def _voltage(
    simulator: Simulator, model: PackModel, living: Floats, soc: float, current: Floats, dt: Floats, temp: Floats
) -> Floats:
    begin = np.zeros((len(model.dynamic), current.shape[1]))
    begin[0] = soc
    inputs = {
        "current_a": current,
        "interval_start_a": current,
        "interval_end_a": current,
        "dt_s": dt,
        "temp_c": temp,
    }
    return simulator.run(np.concatenate([begin, living]), inputs)


def _rest(model: PackModel, living: Floats, soc: Floats, temp: Floats) -> Floats:
    """Voltage at rest at each charge."""
    lanes = np.broadcast_to(living[:, None, :], (len(living), *soc.shape))
    return pulse_voltage(model, lanes, soc, np.zeros(soc.shape), temp, 0.0)


def _warmed(lanes: Lanes, air_c: float, heat_w: Floats, dt: Floats) -> Floats:
    temp: Floats = np.full(heat_w.shape[1], air_c)
    found = []
    for heat, seconds in zip(heat_w, dt, strict=True):
        temp = temperature_step(temp, heat, seconds, lanes.heat_j_k, (lanes.cooling_w_k, air_c))
        found.append(temp)
    return np.stack(found)
