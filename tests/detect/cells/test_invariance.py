"""Any split of the samples gives the same state and findings, bit for bit; no vehicle depends on another."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.detect.cells.made import Clean, Floats, Life, part_of, sampled
from twinpack.detect.cells import CellsState, cells, reset
from twinpack.detect.findings import Finding
from twinpack.detect.frames import Frames

LIVES = (
    Life(days=22, cells=6, seed=3, offset={1: 0.02}, from_day=14),
    Life(days=22, cells=6, seed=4, capacity={2: 0.06}),
    Life(days=22, cells=6, seed=5, leak={3: 0.002}, from_day=5),
)


@cache
def fleet() -> tuple[Frames, Clean]:
    """Three vehicles with probes, some values masked, some frames set aside."""
    rng = np.random.default_rng(7)
    parts = [life.lived() for life in LIVES]
    time = np.concatenate([frames.time_us for frames, _ in parts]) / 1e6
    lane = np.repeat(np.arange(len(parts), dtype=np.int32), [len(frames) for frames, _ in parts])
    volts = np.concatenate([frames.cells.values.reshape(-1, 6) for frames, _ in parts]).astype(np.float64)
    known = {name: np.concatenate([clean.quantities[name] for _, clean in parts]) for name in parts[0][1].quantities}
    warm = known["cell_temp_avg_c"]
    probes = np.round(warm[:, None] + 0.3 * rng.standard_normal((len(time), 5)) + np.array([0, 1, 0, -1, 0]), 1)
    probes[rng.random(probes.shape) < 0.01] = np.nan
    frames, clean = sampled(
        time,
        volts,
        known["c_rate"],
        known["soc_pct"] / 100.0,
        None,
        lane,
        cell_temp_avg_c=warm,
        ambient_temp_c=warm - 4.0,
        coolant_temp_c=warm - 3.0 + rng.standard_normal(len(time)),
    )
    hole = rng.random(clean.cells.values.shape) < 0.0005
    masked = np.where(hole, np.float32(np.nan), clean.cells.values)
    aside = rng.random(len(time)) < 0.002
    shown = type(clean.cells)(masked, clean.cells.start, clean.cells.count)
    warmths = sampled(time, volts, known["c_rate"], known["soc_pct"] / 100.0, probes, lane)[1].probes
    return frames, Clean(aside, shown, warmths, clean.quantities)


def whole(frames: Frames, clean: Clean, parts: list[Floats] | None = None) -> tuple[CellsState, list[Finding]]:
    """The state and findings of samples, given in parts by row."""
    state, found = CellsState.empty(len(LIVES), cells=6, probes=0), []
    for which in [np.arange(len(frames))] if parts is None else parts:
        part, cleaned = part_of(frames, clean, np.asarray(which, np.intp))
        state, more = cells(state, part, cleaned, LIVES[0].spec)
        found += more
    return state, found


def key(one: Finding) -> tuple[int, int, str, str, str]:
    return one.lane, one.time_us, one.code, one.subject, one.change


def assert_same(one: CellsState, other: CellsState) -> None:
    for name, values in one.arrays().items():
        assert values.tobytes() == other.arrays()[name].tobytes(), name


def test_the_fleet_has_findings_to_compare() -> None:
    assert len(whole(*fleet())[1]) >= 5


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0.0, 1.0), max_size=6))
def test_any_split_in_time_gives_the_same(cuts: list[float]) -> None:
    frames, clean = fleet()
    state, found = whole(frames, clean)
    edges = np.quantile(frames.time_us, sorted([0.0, *cuts, 1.0]))
    number = np.searchsorted(edges[1:-1], frames.time_us, side="right")
    parts = [np.flatnonzero(number == part).astype(float) for part in range(len(edges) - 1)]
    again, more = whole(frames, clean, parts)
    assert_same(state, again)
    assert sorted(map(repr, found)) == sorted(map(repr, more))


@pytest.mark.parametrize("lane", range(len(LIVES)))
def test_a_vehicle_alone_is_as_among_others(lane: int) -> None:
    frames, clean = fleet()
    state, found = whole(frames, clean)
    which = np.flatnonzero(frames.lane == lane).astype(float)
    alone, mine = whole(frames, clean, [which])
    lanes = np.array([lane])
    assert_same(state.taken(lanes), alone.taken(lanes))
    assert [key(one) for one in mine] == [key(one) for one in found if one.lane == lane]


def test_what_is_given_is_not_written() -> None:
    frames, clean = fleet()
    state, _ = whole(*part_of(frames, clean, np.arange(5000)))
    before = state.copied()
    cells(state, *part_of(frames, clean, np.arange(5000, 9000)), LIVES[0].spec)
    assert_same(state, before)


def test_a_reset_vehicle_knows_nothing_and_the_others_keep_all() -> None:
    state, _ = whole(*fleet())
    after = reset(state, np.array([1]))
    assert_same(after.taken(np.array([1])), CellsState.empty(1, **state.sizes))
    assert_same(after.taken(np.array([0, 2])), state.taken(np.array([0, 2])))


def test_state_of_96_cells_is_small() -> None:
    state = CellsState.empty(1, cells=96, probes=24)
    assert sum(values.nbytes for values in state.arrays().values()) <= 48_000


def test_no_samples_change_nothing() -> None:
    frames, clean = fleet()
    state, _ = whole(frames, clean)
    again, found = cells(state, *part_of(frames, clean, np.zeros(0, np.intp)), LIVES[0].spec)
    assert_same(state, again)
    assert found == []
