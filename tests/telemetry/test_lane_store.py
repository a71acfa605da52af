from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinpack.telemetry.lane_store import LaneStore
from twinpack.telemetry.lanes import LaneArrays, lane_array


@dataclass(frozen=True)
class First(LaneArrays):
    lanes_first: ClassVar[bool] = True
    count: npt.NDArray[np.int64] = field(metadata=lane_array(np.int64, -1))
    sums: npt.NDArray[np.float32] = field(metadata=lane_array(np.float32, 0.5, (3, "cells")))
    flags: npt.NDArray[np.bool_] = field(metadata=lane_array(np.bool_, True, "probes"))


@dataclass(frozen=True)
class Last(LaneArrays):
    count: npt.NDArray[np.int64] = field(metadata=lane_array(np.int64, -1))
    sums: npt.NDArray[np.float32] = field(metadata=lane_array(np.float32, 0.5, (3, "cells")))
    flags: npt.NDArray[np.bool_] = field(metadata=lane_array(np.bool_, True, "probes"))


def _same(one: LaneArrays, other: LaneArrays) -> bool:
    mine, theirs = one.arrays(), other.arrays()
    return all(mine[name].shape == theirs[name].shape and bool((mine[name] == theirs[name]).all()) for name in mine)


def _random(kind: type[Any], lanes: int, seed: int, cells: int = 4, probes: int = 2) -> Any:
    draw = np.random.default_rng(seed)
    state = kind.empty(lanes, cells=cells, probes=probes)
    for values in state.arrays().values():
        values[...] = draw.integers(0, 100, values.shape)
    return state


@pytest.mark.parametrize("kind", [First, Last])
@given(lanes=st.integers(1, 6), writes=st.lists(st.tuples(st.sets(st.integers(0, 5)), st.integers(0, 9)), max_size=5))
def test_a_store_holds_what_the_arrays_would(kind: type[Any], lanes: int, writes: list[tuple[set[int], int]]) -> None:
    arrays = kind.empty(lanes, cells=4, probes=2)
    store = LaneStore.empty(kind, lanes, cells=4, probes=2)
    for wanted, seed in writes:
        some = np.array(sorted(lane for lane in wanted if lane < lanes), dtype=np.int64)
        part = _random(kind, len(some), seed)
        before = store.all()
        after = store.written(some, part)
        assert _same(store.all(), before)
        arrays, store = arrays.written(some, part), after
        assert _same(store.taken(some), part)
    assert _same(store.all(), arrays)
    assert _same(store.grown(lanes + 2).all(), arrays.grown(lanes + 2))


@pytest.mark.parametrize("kind", [First, Last])
def test_a_state_that_became_wider_widens_the_others(kind: type[Any]) -> None:
    state = _random(kind, 3, 1)
    store = LaneStore.of(state).written(np.array([1]), _random(kind, 1, 2, probes=5))
    assert store.sizes == {"cells": 4, "probes": 5}
    assert _same(store.all(), state.resized(cells=4, probes=5).written(np.array([1]), _random(kind, 1, 2, probes=5)))
    untouched = store.taken(np.array([0])).flags
    assert untouched.reshape(-1).tolist()[2:] == [True, True, True]


def test_arrays_that_were_taken_may_be_written() -> None:
    store = LaneStore.of(_random(First, 2, 3))
    store.taken(np.array([0, 1])).sums[:] = -1.0
    assert _same(store.all(), _random(First, 2, 3))


def test_vehicles_that_are_not_touched_are_shared() -> None:
    store = LaneStore.of(_random(First, 3, 4))
    after = store.written(np.array([2]), _random(First, 1, 5))
    assert after.lanes[0] is store.lanes[0]
    assert after.lanes[2] is not store.lanes[2]
