"""State of many vehicles kept vehicle by vehicle, so that a batch copies only those that it touches.

Arrays over all vehicles (`LaneArrays`) are what kernels work on, but replacing a few lanes of them means copying all:
with a hundred cells a vehicle that is hundreds of megabytes a batch. A store holds each vehicle's state as bytes of
its own; `taken` makes arrays of some, `written` gives a store in which those are replaced and all others shared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar

import numpy as np
import numpy.typing as npt

from twinpack.telemetry.lanes import LaneArrays

T = TypeVar("T", bound=LaneArrays)
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class LaneStore(Generic[T]):
    """States of vehicles, never changed once made.

    Attributes:
        kind: What the states are.
        sizes: The sizes that its fields call by name.
        lanes: State of each vehicle as bytes; None for one of which nothing is known.
    """

    kind: type[T]
    sizes: Mapping[str, int]
    lanes: tuple[Bytes | None, ...]

    @classmethod
    def empty(cls, kind: type[T], lanes: int, **sizes: int) -> Self:
        """Vehicles of which nothing is known."""
        return cls(kind, sizes, (None,) * lanes)

    @classmethod
    def of(cls, states: T) -> Self:
        """A store of the given states."""
        return cls(type(states), states.sizes, tuple(_packed(states)))

    def __len__(self) -> int:
        """Number of vehicles."""
        return len(self.lanes)

    def grown(self, lanes: int) -> Self:
        """With more vehicles of which nothing is known."""
        return type(self)(self.kind, self.sizes, self.lanes + (None,) * (lanes - len(self.lanes)))

    def taken(self, lanes: npt.NDArray[Any]) -> T:
        """The states of some vehicles as arrays, in the order given; a copy."""
        one = self.kind.empty(1, **self.sizes)
        blank = _packed(one)[0]
        rows = np.empty((len(lanes), len(blank)), np.uint8)
        held = self.lanes
        for at, lane in enumerate(lanes.tolist()):
            state = held[lane]
            rows[at] = blank if state is None else state
        arrays, start = {}, 0
        for name, values in one.arrays().items():
            part = np.ascontiguousarray(rows[:, start : start + values.nbytes])
            start += values.nbytes
            first = part.view(values.dtype).reshape(len(lanes), *_rows_of(one, values))
            arrays[name] = first if one.lanes_first else np.ascontiguousarray(np.moveaxis(first, 0, -1))
        return self.kind(**arrays)

    def held(self) -> npt.NDArray[np.int64]:
        """The vehicles of which something is known, ascending."""
        return np.array([lane for lane, state in enumerate(self.lanes) if state is not None], dtype=np.int64)

    def all(self) -> T:
        """The states of all vehicles as arrays; a copy."""
        return self.taken(np.arange(len(self.lanes)))

    def written(self, lanes: npt.NDArray[Any], states: T) -> Self:
        """With the states of some vehicles replaced; where the sizes of `states` are others, all take them on."""
        if states.sizes != self.sizes:
            wide = type(self).of(self.all().resized(**states.sizes))
            return wide.written(lanes, states)
        held = list(self.lanes)
        for lane, state in zip(lanes.tolist(), _packed(states), strict=True):
            held[lane] = state
        return type(self)(self.kind, self.sizes, tuple(held))


def _rows_of(state: LaneArrays, values: npt.NDArray[Any]) -> tuple[int, ...]:
    return values.shape[1:] if state.lanes_first else values.shape[:-1]


def _packed(states: LaneArrays) -> list[Bytes]:
    """Each vehicle's state as bytes that nothing else shares."""
    if not states.lanes:
        return []
    parts = []
    for values in states.arrays().values():
        first = values if states.lanes_first else np.moveaxis(values, -1, 0)
        parts.append(np.ascontiguousarray(first).reshape(states.lanes, -1).view(np.uint8))
    rows = np.concatenate(parts, axis=1)
    return [row.copy() for row in rows]
