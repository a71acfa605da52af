"""State kept as arrays, one a quantity; the vehicle (its lane) is the last index, or the first where it says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, dataclass, fields
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

Rows = int | str | tuple[int | str, ...]
"""How many quantities are held together: a number, or the name of a size that is told when the state is made."""


def lane_array(dtype: Any, fill: Any, rows: Rows = ()) -> dict[str, Any]:
    """Metadata of a field of `LaneArrays`: shape (lanes,), or (rows, lanes).

    Args:
        dtype: Type of its elements.
        fill: What a lane holds before anything is known of its vehicle.
        rows: Number of quantities held together, if there are several; a tuple for several dimensions.
    """
    return {"dtype": np.dtype(dtype), "fill": fill, "rows": rows if isinstance(rows, tuple) else (rows,)}


@dataclass(frozen=True)
class LaneArrays:
    """Base of state records; every field of a subclass has `lane_array` as its metadata.

    A subclass whose kernel reads all of one vehicle together says `lanes_first`: shapes are (lanes, *rows) then.
    """

    lanes_first: ClassVar[bool] = False

    @classmethod
    def empty(cls, lanes: int, **sizes: int) -> Self:
        """State of vehicles of which nothing is known.

        Args:
            lanes: How many.
            sizes: The sizes that fields call by name.
        """
        return cls(**{part.name: _filled(part.metadata, lanes, sizes, cls.lanes_first) for part in _parts(cls)})

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """The inverse of `arrays`.

        Raises:
            ValueError: A quantity is absent, unknown, or not of the shape of the others.
        """
        known = {part.name: part.metadata for part in _parts(cls)}
        if set(arrays) != set(known):
            raise ValueError(f"{cls.__name__}: expected the arrays {sorted(known)}, got {sorted(arrays)}")
        lanes = next(iter(arrays.values())).shape[0 if cls.lanes_first else -1]
        sizes: dict[str, int] = {}
        for name, values in arrays.items():
            _learn_sizes(known[name]["rows"], values.shape[1:] if cls.lanes_first else values.shape[:-1], sizes)
            wanted = _shape(known[name], lanes, sizes, cls.lanes_first)
            if values.shape != wanted:
                raise ValueError(f"{cls.__name__}: {name} has shape {values.shape}, not {wanted}")
        return cls(**{name: np.asarray(arrays[name], dtype=part["dtype"]) for name, part in known.items()})

    @property
    def lanes(self) -> int:
        """Number of lanes."""
        return int(getattr(self, _parts(type(self))[0].name).shape[0 if self.lanes_first else -1])

    @property
    def sizes(self) -> dict[str, int]:
        """The sizes that fields call by name."""
        found: dict[str, int] = {}
        for part in _parts(type(self)):
            shape = getattr(self, part.name).shape
            _learn_sizes(part.metadata["rows"], shape[1:] if self.lanes_first else shape[:-1], found)
        return found

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Every quantity by name, not copied."""
        return {part.name: getattr(self, part.name) for part in _parts(type(self))}

    def grown(self, lanes: int) -> Self:
        """The same state with room for more vehicles; lanes keep their index.

        Raises:
            ValueError: Fewer lanes than there are.
        """
        if lanes < self.lanes:
            raise ValueError(f"cannot grow {self.lanes} lanes to {lanes}")
        more = type(self).empty(lanes - self.lanes, **self.sizes).arrays()
        axis = 0 if self.lanes_first else -1
        return type(self)(**{name: np.concatenate([old, more[name]], axis=axis) for name, old in self.arrays().items()})

    def resized(self, **sizes: int) -> Self:
        """The same state with other sizes, none of them smaller; what is new holds what an empty state does."""
        result = type(self).empty(self.lanes, **sizes)
        for name, values in self.arrays().items():
            result.arrays()[name][tuple(slice(0, size) for size in values.shape)] = values
        return result

    def taken(self, lanes: npt.NDArray[Any]) -> Self:
        """The state of some lanes, in the order given; a copy."""
        return type(self)(**{name: values[self._at(lanes)] for name, values in self.arrays().items()})

    def written(self, lanes: npt.NDArray[Any], others: Self) -> Self:
        """A copy in which `lanes` hold what `others` has, lane by lane."""
        result = self.copied()
        for name, values in others.arrays().items():
            result.arrays()[name][self._at(lanes)] = values
        return result

    def copied(self) -> Self:
        """A copy whose arrays may be written."""
        return type(self)(**{name: values.copy() for name, values in self.arrays().items()})

    def _at(self, lanes: npt.NDArray[Any]) -> Any:
        return lanes if self.lanes_first else (..., lanes)


_PARTS: dict[type, tuple[Field[Any], ...]] = {}


def _parts(kind: type[LaneArrays]) -> tuple[Field[Any], ...]:
    """The fields of a state; `dataclasses.fields` looks for them anew each time, which batches of a few rows feel."""
    found = _PARTS.get(kind)
    if found is None:
        found = _PARTS[kind] = fields(kind)
    return found


def _learn_sizes(rows: tuple[int | str, ...], shape: tuple[int, ...], sizes: dict[str, int]) -> None:
    """Note the sizes called by name that an array shows."""
    if len(rows) == len(shape):
        for row, size in zip(rows, shape, strict=True):
            if isinstance(row, str):
                sizes.setdefault(row, size)


def _shape(part: Mapping[str, Any], lanes: int, sizes: Mapping[str, int], lanes_first: bool) -> tuple[int, ...]:
    rows = tuple(sizes[row] if isinstance(row, str) else row for row in part["rows"])
    return (lanes, *rows) if lanes_first else (*rows, lanes)


def _filled(part: Mapping[str, Any], lanes: int, sizes: Mapping[str, int], lanes_first: bool) -> npt.NDArray[Any]:
    return np.full(_shape(part, lanes, sizes, lanes_first), part["fill"], dtype=part["dtype"])
