"""A small trained network inside a model: its weights are frozen and become numbers of the graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.errors import InputError
from twinpack.filters.model import Scalar
from twinpack.filters.ops import tanh

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Network:
    """Dense layers with tanh between them, one output.

    Attributes:
        weights: Of each layer, shape (its inputs, its outputs).
        biases: Of each layer, shape (its outputs,).
        centre: Subtracted from each input first, shape (inputs,).
        scale: Each input is divided by it then, shape (inputs,).
        output_scale: The output is multiplied by it.
    """

    weights: tuple[Floats, ...]
    biases: tuple[Floats, ...]
    centre: Floats
    scale: Floats
    output_scale: float = 1.0

    @classmethod
    def of(
        cls,
        weights: Sequence[Any],
        biases: Sequence[Any],
        centre: Sequence[float] | None = None,
        scale: Sequence[float] | None = None,
        output_scale: float = 1.0,
    ) -> Network:
        """From lists or arrays, such as the `coefs_` and `intercepts_` of scikit-learn's `MLPRegressor`.

        Raises:
            InputError: The shapes do not follow from layer to layer.
        """
        layers = tuple(np.asarray(one, dtype=np.float64) for one in weights)
        offsets = tuple(np.asarray(one, dtype=np.float64) for one in biases)
        fits = len(layers) == len(offsets) > 0 and all(one.ndim == 2 for one in layers)
        fits = fits and all(one.shape[1:] == other.shape for one, other in zip(layers, offsets, strict=True))
        fits = fits and all(one.shape[1] == after.shape[0] for one, after in pairwise(layers))
        if not fits or layers[-1].shape[1] != 1:
            shapes = ", ".join(f"{one.shape} with {other.shape}" for one, other in zip(layers, offsets, strict=False))
            raise InputError(
                "a network needs weights (inputs, outputs) with biases (outputs,) in each layer, and one output at the "
                f"end; given are {shapes or 'none'}"
            )
        inputs = layers[0].shape[0]
        middle = np.zeros(inputs) if centre is None else np.asarray(centre, dtype=np.float64)
        size = np.ones(inputs) if scale is None else np.asarray(scale, dtype=np.float64)
        if middle.shape != (inputs,) or size.shape != (inputs,) or not (size > 0.0).all():
            raise InputError(f"centre and scale of a network need {inputs} entries each, scale above 0")
        return cls(layers, offsets, middle, size, float(output_scale))

    def __call__(self, *values: Scalar) -> Scalar:
        """The output for as many values as the first layer has inputs."""
        if len(values) != len(self.centre):
            raise InputError(f"the network takes {len(self.centre)} values, {len(values)} were given")
        signal: list[Any] = [
            (value - float(middle)) / float(size)
            for value, middle, size in zip(values, self.centre, self.scale, strict=True)
        ]
        for number, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            signal = [
                _total(signal, [float(w) for w in column], float(offset))
                for column, offset in zip(weight.T, bias, strict=True)
            ]
            if number + 1 < len(self.weights):
                signal = [tanh(one) for one in signal]
        return self.output_scale * signal[0]


def _total(signal: Sequence[Any], column: Sequence[float], offset: float) -> Any:
    total: Any = offset
    for value, weight in zip(signal, column, strict=True):
        total = total + weight * value
    return total
