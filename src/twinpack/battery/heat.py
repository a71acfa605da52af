"""Heat as a filter model: one temperature, warmed by what is lost inside and cooled by the air around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from twinpack.battery.thevenin import KELVIN
from twinpack.filters.model import Living, Model, Scalar
from twinpack.filters.ops import exp, interp, maximum, minimum

SENSOR_C = 0.3
"""Standard deviation of a temperature sensor."""


class Heat(Model):
    """`C dT/dt = s R I² - k G (T - T_air)`, exact at any step length; s and k live.

    A resistance that grows and a cooling that clogs are told apart, since only one of them warms in proportion to the
    square of the current.
    """

    dynamic = ("temp_c",)
    living = (
        Living("heating_scale", 1.0, 0.3, 0.01, 0.1, 5.0),
        Living("cooling_scale", 1.0, 0.3, 0.005, 0.05, 5.0),
    )
    inputs = ("current_a", "ambient_c", "dt_s")

    def __init__(
        self, resistance_ohm: float, heat_capacity_j_k: float, conductance_w_k: float, sensor_c: float = 0.3
    ) -> None:
        """Take what the pack is when new.

        Args:
            resistance_ohm: Whole resistance of the pack.
            heat_capacity_j_k: Mass times specific heat.
            conductance_w_k: To the air.
            sensor_c: Standard deviation of the measured temperature.
        """
        self._resistance_ohm, self._capacity_j_k = resistance_ohm, heat_capacity_j_k
        self._conductance_w_k, self._sensor_c = conductance_w_k, sensor_c

    def transition(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
        """Temperature after a step of constant current."""
        conductance = x["cooling_scale"] * self._conductance_w_k
        heat_w = x["heating_scale"] * self._resistance_ohm * u["current_a"] * u["current_a"]
        final = u["ambient_c"] + heat_w / conductance
        return (final + (x["temp_c"] - final) * exp(-u["dt_s"] * conductance / self._capacity_j_k),)

    def measure(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> Scalar:
        """The temperature itself, °C."""
        return x["temp_c"]

    def process_variance(self, u: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
        """Sun, wind and what else is not known: 0.1 K in a minute."""
        return (0.01 / 60.0 * u["dt_s"],)

    def measurement_variance(self, u: Mapping[str, Scalar]) -> Scalar:
        """Of the sensor, K²."""
        return self._sensor_c**2


@dataclass(frozen=True)
class HeatBalance:
    """The learned heat of one series group: what warms it, and how it is cooled.

    Attributes:
        soc: Grid of the open-circuit voltage, shape (N,).
        ocv_v: Open-circuit voltage on it, V, shape (N,).
        entropy_soc: Grid of the entropy, shape (M,).
        entropy_v_k: dOCV/dT on it, V/K, shape (M,).
        heat_capacity_j_k: Mass times specific heat.
        conductance_w_k: To the air.
        air_k: How much warmer the air about it is than the ambient temperature told.
        error_c: Standard deviation of its open-loop error.
    """

    soc: tuple[float, ...]
    ocv_v: tuple[float, ...]
    entropy_soc: tuple[float, ...]
    entropy_v_k: tuple[float, ...]
    heat_capacity_j_k: float
    conductance_w_k: float
    air_k: float = 0.0
    error_c: float = 0.5

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


def heat_from_dict(values: Mapping[str, Any]) -> HeatBalance:
    """The balance that `HeatBalance.to_dict` wrote."""
    own: dict[str, Any] = {name: tuple(one) if isinstance(one, list) else one for name, one in values.items()}
    return HeatBalance(**own)


class CellHeat(Model):
    """`C dT/dt = s (I (V - OCV) + I T dOCV/dT) - k G (T - T_air)` of one series group; s and k live.

    Resistance and diffusion warm it whichever way the current flows, entropy warms or cools it. Both are taken as
    constant over a step, whose length may be any.
    """

    dynamic = ("temp_c",)
    living = Heat.living
    inputs = ("current_a", "voltage_v", "soc", "ambient_c", "dt_s")

    def __init__(self, balance: HeatBalance) -> None:
        """Take the balance.

        Args:
            balance: Of one series group; current is positive when it charges, voltage that of the group.
        """
        self.balance = balance
        self._tables = tuple(
            np.array(one) for one in (balance.soc, balance.ocv_v, balance.entropy_soc, balance.entropy_v_k)
        )

    def heat_w(self, u: Mapping[str, Scalar]) -> Scalar:
        """Heat made inside, W."""
        grid, ocv, entropy_grid, entropy = self._tables
        inside = maximum(0.0, minimum(1.0, u["soc"]))
        lost = u["voltage_v"] - interp(u["soc"], grid, ocv)
        return u["current_a"] * (lost + (u["ambient_c"] + KELVIN) * interp(inside, entropy_grid, entropy))

    def transition(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
        """Temperature after a step of constant heat."""
        conductance = x["cooling_scale"] * self.balance.conductance_w_k
        final = u["ambient_c"] + self.balance.air_k + x["heating_scale"] * self.heat_w(u) / conductance
        return (final + (x["temp_c"] - final) * exp(-u["dt_s"] * conductance / self.balance.heat_capacity_j_k),)

    def measure(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> Scalar:
        """The temperature itself, °C."""
        return x["temp_c"]

    def process_variance(self, u: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
        """What the balance is wrong by: its own error over its own time constant."""
        rate = self.balance.conductance_w_k / self.balance.heat_capacity_j_k
        return (self.balance.error_c**2 * (1.0 - exp(-2.0 * rate * u["dt_s"])),)

    def measurement_variance(self, u: Mapping[str, Scalar]) -> Scalar:
        """Of a thermocouple, K²."""
        return SENSOR_C**2

    def prediction_variance(self, u: Mapping[str, Scalar]) -> Scalar:
        """Of the sensor and the balance's own error, K²."""
        return SENSOR_C**2 + self.balance.error_c**2
