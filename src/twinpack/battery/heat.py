"""The heat of a pack as a filter model: one temperature, warmed by its resistance and cooled by the air around it."""

from __future__ import annotations

from collections.abc import Mapping

from twinpack.filters.model import Living, Model, Scalar
from twinpack.filters.ops import exp


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
