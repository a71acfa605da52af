"""Physics plus a small network: what a trained network says the physics leaves, added to what it measures."""

from __future__ import annotations

from collections.abc import Mapping

from twinpack.errors import InputError
from twinpack.filters.model import Model, Scalar
from twinpack.filters.network import Network


class Hybrid(Model):
    """A model whose measurement is corrected by a network with frozen weights."""

    def __init__(self, physics: Model, network: Network, of: tuple[str, ...]) -> None:
        """Wrap a model.

        Args:
            physics: The model.
            network: Its output is added to the measurement, in the measurement's unit.
            of: Names of the states, living parameters and inputs that the network is given, in its order.

        Raises:
            InputError: The model has no such name, or the network takes another number of values.
        """
        known = (*physics.names, *physics.inputs)
        strange = [name for name in of if name not in known]
        if strange:
            raise InputError(f"the network asks for {strange[0]!r}; the model has {', '.join(known)}")
        if len(of) != len(network.centre):
            raise InputError(f"the network takes {len(network.centre)} values, {len(of)} are named")
        self._physics, self._network, self._of = physics, network, of
        self.dynamic, self.living, self.inputs = physics.dynamic, physics.living, physics.inputs

    def transition(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
        """The physics' own."""
        return self._physics.transition(x, u)

    def measure(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> Scalar:
        """The physics' measurement plus the network's output."""
        given = [x[name] if name in self.names else u[name] for name in self._of]
        return self._physics.measure(x, u) + self._network(*given)

    def process_variance(self, u: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
        """The physics' own."""
        return self._physics.process_variance(u)

    def measurement_variance(self, u: Mapping[str, Scalar]) -> Scalar:
        """The physics' own."""
        return self._physics.measurement_variance(u)

    def learning_variance(self, u: Mapping[str, Scalar]) -> Scalar:
        """The physics' own."""
        return self._physics.learning_variance(u)

    def prediction_variance(self, u: Mapping[str, Scalar]) -> Scalar:
        """The physics' own."""
        return self._physics.prediction_variance(u)
