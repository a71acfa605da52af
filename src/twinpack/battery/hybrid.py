"""Physics plus a small network: what a trained network says the physics leaves, added to what it measures.

    V = V_physics + Ns net(z, I, T, U_1, ...) / (1 + d²)

with the network's inputs held to the range of its training data and d the distance from it in standard deviations, so
that far from the data the physics is alone. Every living parameter is the physics'.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from twinpack.battery.bounded import Bounded
from twinpack.battery.pack_model import PackModel
from twinpack.errors import InputError
from twinpack.filters.model import Scalar

Floats = npt.NDArray[np.float64]


class Hybrid(PackModel):
    """A model whose measurement is corrected by a network with frozen weights."""

    def __init__(self, physics: PackModel, residual: Bounded, tangent: bool = False) -> None:
        """Wrap a model.

        Args:
            physics: The model.
            residual: What is added to the measurement, V of one series group.
            tangent: Whether the physics is a tangent model: the network then reads the state of charge `soc_ref`, about
                which the OCV is linear.

        Raises:
            InputError: The model has no value of a name that the network asks for.
        """
        known = (*physics.names, *physics.inputs)
        strange = [name for name in residual.of if name not in known]
        if strange:
            raise InputError(f"the network asks for {strange[0]!r}; the model has {', '.join(known)}")
        self.physics, self.residual, self._tangent = physics, residual, tangent
        self.dynamic, self.living, self.inputs = physics.dynamic, physics.living, physics.inputs
        self.clock, self.series, self.capacity_ah = physics.clock, physics.series, physics.capacity_ah
        self.prior_covariance, self.ocv_lives, self.alpha = physics.prior_covariance, physics.ocv_lives, physics.alpha

    def transition(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
        """The physics' own."""
        return self.physics.transition(x, u)

    def measure(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> Scalar:
        """The physics' measurement plus the network's output, V."""
        given = {name: x[name] if name in self.names else u[name] for name in self.residual.of}
        if self._tangent and "soc" in given:
            given["soc"] = u["soc_ref"]
        return self.physics.measure(x, u) + self.series * correction(self.residual, given)

    def process_variance(self, u: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
        """The physics' own."""
        return self.physics.process_variance(u)

    def measurement_variance(self, u: Mapping[str, Scalar]) -> Scalar:
        """The physics' own."""
        return self.physics.measurement_variance(u)

    def learning_variance(self, u: Mapping[str, Scalar]) -> Scalar:
        """The physics' own."""
        return self.physics.learning_variance(u)

    def prediction_variance(self, u: Mapping[str, Scalar]) -> Scalar:
        """The physics' own."""
        return self.physics.prediction_variance(u)

    def start(self, measured: Floats, u: Mapping[str, Floats], told: Floats, told_sd: float) -> tuple[Floats, Floats]:
        """The physics' own."""
        return self.physics.start(measured, u, told, told_sd)

    def open_circuit(self, soc: Floats, mean: Floats) -> Floats:
        """The physics' own, V: the network corrects a cell at work."""
        return self.physics.open_circuit(soc, mean)

    def tangent(self) -> Hybrid:
        """The tangent of the physics with the network's correction along the known state of charge."""
        return Hybrid(self.physics.tangent(), self.residual, tangent=True)


def correction(residual: Bounded, given: Mapping[str, Scalar]) -> Scalar:
    """What a network adds to a group's voltage, V; it fades outside its training data."""
    return residual(given) / (1.0 + residual.outside(given))
