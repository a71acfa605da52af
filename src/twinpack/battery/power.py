"""State of power: what a pack can give and take for some seconds, from its model at a charge and temperature.

    I_max = (V_lim - OCV) / (R0 + sum R_i (1 - exp(-t / tau_i)))        (HPPC manual, INL/EXT-07-12536)

is what a Thevenin model says of a pulse of length t from rest. Here the model itself is asked, whatever is inside
(charge transfer that saturates, tables over temperature, a network), and the current is found by bisection; the charge
that flows counts. Besides the voltage, the current the pack allows, the charge there is or room for it, and the
temperature may be what limits it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from twinpack.battery.network_pack import NetworkPack
from twinpack.battery.pack import PackSpec
from twinpack.battery.pack_model import PackModel

Floats = npt.NDArray[np.float64]

Way = Literal["discharge", "charge"]
LIMITS = ("voltage", "current", "charge", "temperature")
"""What can limit it."""
VOLTAGE, CURRENT, CHARGE, TEMPERATURE = range(4)

USUAL_C_RATE = 1.0
"""Currents that a model was taught at lie below this, 1/h."""

_HALVINGS = 32


@dataclass(frozen=True)
class Power:
    """What B variants of a pack can give or take for some seconds, shape (B,) each.

    Attributes:
        way: `discharge` or `charge`.
        seconds: How long.
        current_a: Highest current, a magnitude, A.
        power_kw: Lowest power in that time at that current, kW: so much it can hold.
        limited_by: Index into `LIMITS`.
    """

    way: Way
    seconds: float
    current_a: Floats
    power_kw: Floats
    limited_by: npt.NDArray[np.int64]

    @property
    def limit(self) -> str:
        """What limits most of the variants."""
        return LIMITS[int(np.bincount(self.limited_by, minlength=len(LIMITS)).argmax())]


@dataclass(frozen=True)
class Doubt:
    """How far the models of B variants are off by themselves, shape (B,) each.

    Attributes:
        errors: Standard deviations of the model's own error, which grows with the current.
        straight: How straight its voltage goes on beyond `USUAL_C_RATE`, which driving seldom exceeds: 0 as the model
            has it, whose charge transfer saturates, 1 with the resistance it has there.
    """

    errors: Floats
    straight: Floats

    @classmethod
    def drawn(cls, count: int, generator: np.random.Generator) -> Doubt:
        """Normal errors, and any straightness alike; none and half of it first."""
        errors, straight = generator.standard_normal(count), generator.random(count)
        errors[0], straight[0] = 0.0, 0.5
        return cls(errors, straight)


def state_of_power(
    model: PackModel,
    pack: PackSpec,
    living: Floats,
    soc: Floats,
    temp_c: float,
    way: Way,
    seconds: float,
    soc_limits: tuple[float, float] = (0.0, 1.0),
    doubt: Doubt | None = None,
) -> Power:
    """What a pack at rest can give or take for some seconds.

    Args:
        model: The pack's model.
        pack: Its limits of voltage, current and temperature.
        living: Living parameters of B variants of it (`variants`), shape (p, B).
        soc: State of charge of each, 0 to 1, shape (B,).
        temp_c: Temperature of the cells, °C.
        way: `discharge` or `charge`.
        seconds: How long.
        soc_limits: Charge that is not left behind at the end, lowest and highest.
        doubt: How far each variant's model is off by itself; None for not at all.
    """
    sign = -1.0 if way == "discharge" else 1.0
    allowed = pack.discharge_current_max_a if sign < 0 else pack.charge_current_max_a
    limit_v = pack.voltage_min_v if sign < 0 else pack.voltage_max_v
    capacity = model.capacity_ah * living_value(model, living, "capacity_scale", 1.0)
    room = (soc - soc_limits[0]) if sign < 0 else (soc_limits[1] - soc)
    by_charge = np.maximum(room, 0.0) * capacity * 3600.0 / seconds
    most = np.minimum(by_charge, allowed)
    low, high = np.zeros(soc.shape), most.copy()

    def volts(current: Floats, after: float) -> Floats:
        told = pulse_voltage(model, living, soc, sign * current, temp_c, after)
        if doubt is None:
            return told
        once = np.minimum(current, USUAL_C_RATE * model.capacity_ah)
        rest, usual = (pulse_voltage(model, living, soc, sign * one, temp_c, after) for one in (0.0 * once, once))
        line = rest + (usual - rest) * current / np.maximum(once, 1e-9)
        return told + doubt.straight * (line - told) + doubt.errors * own_error(model, sign * current, temp_c)

    def exceeds(current: Floats) -> npt.NDArray[np.bool_]:
        return np.asarray(sign * (volts(current, seconds) - limit_v) > 0.0)

    by_voltage = exceeds(most)
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        over = exceeds(middle)
        low, high = np.where(over, low, middle), np.where(over, middle, high)
    current = np.where(by_voltage, low, most)
    limited = np.where(by_voltage, VOLTAGE, np.where(by_charge < allowed, CHARGE, CURRENT))
    if not pack.temp_min_c <= temp_c <= pack.temp_max_c:
        current, limited = np.zeros(soc.shape), np.full(soc.shape, TEMPERATURE)
    first, last = (volts(current, one) for one in (0.0, seconds))
    power_kw = current * np.maximum(np.minimum(first, last), 0.0) / 1000.0
    return Power(way, seconds, current, power_kw, np.asarray(limited, dtype=np.int64))


def pulse_voltage(
    model: PackModel, living: Floats, soc: Floats, current_a: Floats, temp_c: Any, seconds: float, moves: bool = True
) -> Floats:
    """Voltage of a pack after some seconds of constant current from rest, V.

    Args:
        model: The pack's model.
        living: Living parameters, shape (p, ...) as `soc` broadcasts to.
        soc: State of charge before, any shape.
        current_a: Positive charges; of the shape of `soc`.
        temp_c: Temperature of the cells; of the shape of `soc`, or a number.
        seconds: How long; 0 asks for the moment it begins.
        moves: Whether the charge moves meanwhile; else voltage is told for the charge before.
    """
    low, high = _known_current(model)
    inside = np.clip(current_a, low, high)
    volts = _asked(model, living, soc, inside, temp_c, seconds, moves)
    if (inside == current_a).all():
        return volts
    # a network was taught up to some current and stands still beyond it: the resistance there goes on
    rest = _asked(model, living, soc, np.zeros(soc.shape), temp_c, seconds, moves)
    return np.asarray(rest + (volts - rest) * current_a / np.where(inside == 0.0, 1.0, inside))


def own_error(model: PackModel, current_a: Floats, temp_c: float) -> Floats:
    """Standard deviation of a model's voltage where its states and parameters are right, V; of the shape of current."""
    inputs = {name: np.zeros(current_a.shape) for name in model.inputs}
    inputs |= {name: current_a for name in ("current_a", "interval_start_a", "interval_end_a")}
    inputs["temp_c"] = np.full(current_a.shape, temp_c)
    inputs["dt_s"] = np.ones(current_a.shape)
    return np.sqrt(np.asarray(model.prediction_variance(inputs), dtype=np.float64))


def _known_current(model: PackModel) -> tuple[float, float]:
    """Lowest and highest current that a model was taught at; without end for one of physics."""
    if not isinstance(model, NetworkPack):
        return -np.inf, np.inf
    network = model.cell.network
    at = network.of.index("current_a")
    return network.low[at], network.high[at]


def _asked(
    model: PackModel, living: Floats, soc: Floats, current_a: Floats, temp_c: Any, seconds: float, moves: bool
) -> Floats:
    """What the model itself says."""
    u = {
        "current_a": current_a,
        "interval_start_a": current_a,
        "interval_end_a": current_a,
        "dt_s": np.full(soc.shape, float(seconds)),
        "temp_c": np.broadcast_to(np.asarray(temp_c, dtype=np.float64), soc.shape),
    }
    x: dict[str, Floats] = {name: np.zeros(soc.shape) for name in model.dynamic}
    x |= {one.name: np.broadcast_to(living[at], soc.shape) for at, one in enumerate(model.living)}
    x["soc"] = soc
    if seconds > 0.0:
        later = dict(zip(model.dynamic, model.transition(x, u), strict=True))
        if not moves:
            later["soc"] = soc
        x |= later
    return np.asarray(model.measure(x, u), dtype=np.float64)


def living_value(model: PackModel, living: Floats, name: str, otherwise: float) -> Floats:
    """A living parameter by name, shape (B,); a constant where the model has none."""
    names = [one.name for one in model.living]
    return living[names.index(name)] if name in names else np.full(living.shape[1:], otherwise)


def variants(
    model: PackModel, mean: Sequence[float], covariance: Floats, count: int, generator: np.random.Generator
) -> Floats:
    """Living parameters drawn from a posterior within their physical bounds, the mean first, shape (p, count).

    Args:
        model: The model, which bounds them.
        mean: Shape (p,), in the order of its living parameters.
        covariance: Shape (p, p).
        count: How many, at least 1.
        generator: Of the draws.
    """
    values, vectors = np.linalg.eigh(0.5 * (covariance + covariance.T))
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    draws = np.asarray(mean)[:, None] + root @ generator.standard_normal((len(values), count))
    draws[:, 0] = mean
    lower, upper = (np.array([getattr(one, side) for one in model.living])[:, None] for side in ("lower", "upper"))
    return np.asarray(np.clip(draws, lower, upper))


def scaled(model: PackModel, living: Floats, changes: Mapping[str, float]) -> Floats:
    """Variants with some living parameters multiplied: those of `changes` that the model has."""
    factor = np.array([changes.get(one.name, 1.0) for one in model.living])
    return np.asarray(living * factor[:, None])


__all__ = [
    "LIMITS",
    "Doubt",
    "Power",
    "living_value",
    "own_error",
    "pulse_voltage",
    "scaled",
    "state_of_power",
    "variants",
]
