"""Check and shape what a filter is given, the same for every backend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.errors import InputError
from twinpack.filters.model import Model
from twinpack.filters.results import Flags, Floats, Posterior

Method = str
METHODS = ("ukf", "ekf")
DTYPES = ("float64", "float32")


@dataclass(frozen=True)
class Series:
    """What happens to B vehicles over T steps.

    Attributes:
        inputs: Each of the model's inputs in its order, shape (T, B).
        measured: Shape (T, B); NaN or infinite where nothing was measured.
        present: Shape (T, B); False where a vehicle has no such step.
    """

    inputs: tuple[Floats, ...]
    measured: Floats
    present: Flags


class Arguments:
    """Knows a model's names and the precision its filter computes in."""

    def __init__(self, model: Model, dtype: str) -> None:
        """Take both."""
        self.model = model
        self.size = len(model.names)
        self.dtype = np.dtype(dtype)

    def posterior(self, given: Posterior) -> Posterior:
        """A copy that may be written to."""
        n, triangle = self.size, self.size * (self.size + 1) // 2
        if (
            given.mean.ndim != 2
            or given.mean.shape[:1] != (n,)
            or given.triangle.shape != (triangle, *given.mean.shape[1:])
        ):
            raise InputError(
                f"the posterior's mean has shape {given.mean.shape} and its triangle {given.triangle.shape}; "
                f"{type(self.model).__name__} needs ({n}, B) and ({triangle}, B) for {', '.join(self.model.names)}"
            )
        return Posterior(self._own(given.mean), self._own(given.triangle))

    def series(self, inputs: Mapping[str, Any], vehicles: int, measured: Any = None, present: Any = None) -> Series:
        """Inputs, measurements and presence of one shape, laid out for the kernel.

        Args:
            inputs: By name; numbers or arrays that broadcast to (T, B).
            vehicles: B.
            measured: Likewise, or None for no measurement.
            present: Likewise, or None for all.
        """
        missing = [name for name in self.model.inputs if name not in inputs]
        if missing:
            raise InputError(f"input {missing[0]!r} is missing; the model needs {', '.join(self.model.inputs)}")
        unknown = [name for name in inputs if name not in self.model.inputs]
        if unknown:
            raise InputError(f"there is no input {unknown[0]!r}; the model has {', '.join(self.model.inputs)}")
        given = {name: np.asarray(inputs[name]) for name in self.model.inputs}
        given |= {"measured": np.asarray(np.nan if measured is None else measured)}
        given |= {"present": np.asarray(True if present is None else present)}
        shape = (_steps(given), vehicles)
        wide = {name: _broadcast(name, value, shape) for name, value in given.items()}
        columns = tuple(self._laid(wide[name]) for name in self.model.inputs)
        return Series(columns, self._laid(wide["measured"]), np.ascontiguousarray(wide["present"], dtype=np.bool_))

    def points(self, given: Any, shape: tuple[int, int, int]) -> Floats:
        """A copy of where an open-loop run stands."""
        points = np.array(given, dtype=self.dtype, order="C")
        if points.shape != shape:
            raise InputError(
                f"points have shape {points.shape}; they must be those of an earlier prediction, (states, points, B) = "
                f"{shape}"
            )
        return points

    def gains(self, adjustable: Any) -> Floats:
        """1 for what an update may change, else 0."""
        given = np.asarray(adjustable)
        if given.shape != (self.size,):
            raise InputError(f"adjustable has shape {given.shape}; it must have one entry for each of {self.size}")
        return np.asarray(given, dtype=self.dtype)

    def _laid(self, values: npt.NDArray[Any]) -> Floats:
        return np.ascontiguousarray(values, dtype=self.dtype)

    def _own(self, values: Floats) -> Floats:
        return np.array(values, dtype=self.dtype, order="C")


def _steps(given: Mapping[str, npt.NDArray[Any]]) -> int:
    """T: the first axis of what has two."""
    steps = max((value.shape[0] for value in given.values() if value.ndim == 2), default=-1)
    if steps < 0:
        raise InputError("no input, measurement or presence has the shape (T, B): the number of steps is not known")
    return steps


def _broadcast(name: str, value: npt.NDArray[Any], shape: tuple[int, int]) -> npt.NDArray[Any]:
    try:
        return np.broadcast_to(value, shape)
    except ValueError:
        raise InputError(f"{name} has shape {value.shape}; it must be (T, B) = {shape}, or broadcast to it") from None


def check_choice(method: str, dtype: str, alpha: float) -> None:
    """Refuse what no backend can do.

    Raises:
        InputError: Saying what is wrong and what may be chosen.
    """
    if method not in METHODS:
        raise InputError(f"method {method!r} is not known; known are 'ukf' and 'ekf'")
    if dtype not in DTYPES:
        raise InputError(f"dtype {dtype!r} is not known; known are 'float64' and 'float32'")
    if not alpha > 0.0:
        raise InputError(f"alpha is {alpha}; the spread of the sigma points must be positive")
    if dtype == "float32" and alpha != 1.0:
        raise InputError(
            f"float32 with alpha {alpha:g} is refused: sigma points that lie close together differ by less than single "
            "precision can tell, and covariances lose their factor (alpha 0.01 lost 39 of 100 vehicles); "
            "use alpha 1 or float64"
        )
