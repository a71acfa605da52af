"""State kept as arrays, one a quantity, with the vehicle (its lane) as the last index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
import numpy.typing as npt


def lane_array(dtype: Any, fill: Any, rows: int | None = None) -> dict[str, Any]:
    """Metadata of a field of `LaneArrays`: shape (lanes,), or (rows, lanes).

    Args:
        dtype: Type of its elements.
        fill: What a lane holds before anything is known of its vehicle.
        rows: Number of quantities held together, if there are several.
    """
    return {"dtype": np.dtype(dtype), "fill": fill, "rows": rows}


@dataclass(frozen=True)
class LaneArrays:
    """Base of state records; every field of a subclass has `lane_array` as its metadata."""

    @classmethod
    def empty(cls, lanes: int) -> Self:
        """State of vehicles of which nothing is known."""
        return cls(**{part.name: _filled(part.metadata, lanes) for part in fields(cls)})

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """The inverse of `arrays`.

        Raises:
            ValueError: A quantity is absent, unknown, or not of the shape of the others.
        """
        known = {part.name: part.metadata for part in fields(cls)}
        if set(arrays) != set(known):
            raise ValueError(f"{cls.__name__}: expected the arrays {sorted(known)}, got {sorted(arrays)}")
        lanes = next(iter(arrays.values())).shape[-1]
        for name, values in arrays.items():
            wanted = _shape(known[name], lanes)
            if values.shape != wanted:
                raise ValueError(f"{cls.__name__}: {name} has shape {values.shape}, not {wanted}")
        return cls(**{name: np.asarray(arrays[name], dtype=part["dtype"]) for name, part in known.items()})

    @property
    def lanes(self) -> int:
        """Number of lanes."""
        return int(getattr(self, fields(self)[0].name).shape[-1])

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Every quantity by name, not copied."""
        return {part.name: getattr(self, part.name) for part in fields(self)}

    def grown(self, lanes: int) -> Self:
        """The same state with room for more vehicles; lanes keep their index.

        Raises:
            ValueError: Fewer lanes than there are.
        """
        if lanes < self.lanes:
            raise ValueError(f"cannot grow {self.lanes} lanes to {lanes}")
        more = type(self).empty(lanes - self.lanes).arrays()
        return type(self)(**{name: np.concatenate([old, more[name]], axis=-1) for name, old in self.arrays().items()})

    def taken(self, lanes: npt.NDArray[Any]) -> Self:
        """The state of some lanes, in the order given; a copy."""
        return type(self)(**{name: values[..., lanes] for name, values in self.arrays().items()})

    def written(self, lanes: npt.NDArray[Any], others: Self) -> Self:
        """A copy in which `lanes` hold what `others` has, lane by lane."""
        result = self.copied()
        for name, values in others.arrays().items():
            result.arrays()[name][..., lanes] = values
        return result

    def copied(self) -> Self:
        """A copy whose arrays may be written."""
        return type(self)(**{name: values.copy() for name, values in self.arrays().items()})


def _shape(part: Mapping[str, Any], lanes: int) -> tuple[int, ...]:
    return (lanes,) if part["rows"] is None else (part["rows"], lanes)


def _filled(part: Mapping[str, Any], lanes: int) -> npt.NDArray[Any]:
    return np.full(_shape(part, lanes), part["fill"], dtype=part["dtype"])
