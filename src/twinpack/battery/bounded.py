"""A trained network that is asked only about what it has seen: inputs are held to the range of its training data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from twinpack.errors import InputError
from twinpack.filters.model import Scalar
from twinpack.filters.network import Network
from twinpack.filters.ops import maximum, minimum


@dataclass(frozen=True)
class Bounded:
    """A network of named values.

    Attributes:
        network: With frozen weights.
        of: Names of the states and inputs that it is given, in its order.
        low: Lowest value of each in the training data.
        high: Highest value of each.
    """

    network: Network
    of: tuple[str, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    def __post_init__(self) -> None:
        """Check.

        Raises:
            InputError: The network takes another number of values, or a range is empty.
        """
        if len(self.of) != len(self.network.centre):
            raise InputError(f"the network takes {len(self.network.centre)} values, {len(self.of)} are named")
        if not len(self.low) == len(self.high) == len(self.of):
            raise InputError(f"the network needs a range of each of its {len(self.of)} values")
        for name, low, high in zip(self.of, self.low, self.high, strict=True):
            if not low <= high:
                raise InputError(f"the range of the network's {name} is {low} to {high}: the lower end comes first")

    def __call__(self, given: Mapping[str, Scalar]) -> Scalar:
        """The network's output at the nearest point that it has seen."""
        return self.network(*(self.held(name, given[name]) for name in self.of))

    def held(self, name: str, value: Scalar) -> Scalar:
        """A value held to the range of that name."""
        at = self.of.index(name)
        return maximum(self.low[at], minimum(self.high[at], value))

    def outside(self, given: Mapping[str, Scalar], names: tuple[str, ...] | None = None) -> Scalar:
        """Squared distance from what was seen, in the network's own scales; of some names or of all; 0 inside."""
        total: Scalar = 0.0
        for name in self.of if names is None else names:
            away = (given[name] - self.held(name, given[name])) / float(self.network.scale[self.of.index(name)])
            total = total + away * away
        return total

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        net = self.network
        return {
            "of": list(self.of),
            "low": list(self.low),
            "high": list(self.high),
            "weights": [one.tolist() for one in net.weights],
            "biases": [one.tolist() for one in net.biases],
            "centre": net.centre.tolist(),
            "scale": net.scale.tolist(),
            "output_scale": net.output_scale,
        }


def bounded_from_dict(values: Mapping[str, Any]) -> Bounded:
    """The network that `Bounded.to_dict` wrote.

    Raises:
        KeyError: A field is missing.
        InputError: What is there does not fit together.
    """
    network = Network.of(
        values["weights"], values["biases"], values["centre"], values["scale"], float(values["output_scale"])
    )
    low, high = (tuple(float(one) for one in values[name]) for name in ("low", "high"))
    return Bounded(network, tuple(values["of"]), low, high)
