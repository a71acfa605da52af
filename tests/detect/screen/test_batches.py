"""Any split of the rows gives the same, no vehicle depends on another, and nothing given is written."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.detect.screen.made import frames_of, pack_of, part, together
from twinpack.detect.frames import Frames
from twinpack.detect.screen import QUANTITIES, Screened, ScreenSettings, ScreenState, reset, screen
from twinpack.telemetry.batch import ListValues
from twinpack.telemetry.schema import SCALAR_SIGNALS

CELLS = 7
PACK = pack_of(CELLS)
# Times so short that everything happens within a few rows.
QUICK = ScreenSettings(
    dead_s=20.0, frozen_s=20.0, jump_s=5.0, heal_s=30.0, probe_frozen_s=30.0, current_frozen_s=20.0, soc_frozen_pct=0.2
)


def wild(seed: int, rows: int, lane: int) -> Frames:
    """A vehicle with every fault now and then."""
    rng = np.random.default_rng(seed)
    base = 3.7 + 0.1 * np.cumsum(rng.choice([-1, 0, 1], rows))[:, None] * rng.choice([0.2, 1.0])
    cells = np.clip(base + rng.normal(0, 0.01, (rows, CELLS)), 0.6, 4.9).round(2)
    for c in rng.integers(0, CELLS, 2):
        at = rng.integers(0, rows)
        cells[at : at + rng.integers(1, 12), c] = rng.choice([0.0, np.nan, 5.0, 3.3, 4.4])
        hold = rng.integers(0, rows)
        cells[hold : hold + 12, c] = cells[hold, c]
    lists: list[Any] = [row[: CELLS if rng.random() < 0.9 else rng.integers(0, CELLS)] for row in cells]
    probes = [
        np.where(rng.random(n) < 0.1, rng.choice([-40.0, 130.0, np.nan]), rng.integers(20, 40, n))
        for n in rng.integers(0, 6, rows)
    ]
    return frames_of(
        np.cumsum(rng.choice([1.0, 5.0, 10.0, 200.0], rows, p=[0.3, 0.3, 0.3, 0.1])),
        lists,
        probes,
        lane,
        pack_voltage_v=np.where(rng.random(rows) < 0.1, np.nan, np.nansum(cells, 1).round(rng.integers(-1, 2))),
        pack_current_a=rng.choice([0.0, 0.0, 5.0, -80.0, np.nan], rows),
        soc_pct=np.where(rng.random(rows) < 0.2, np.nan, rng.integers(48, 50, rows)),
        odometer_km=rng.choice([10.0, 12.0, np.nan], rows),
        cell_temp_max_c=rng.integers(-41, 40, rows),
        contactors_closed=rng.integers(0, 2, rows),
    )


def listed(values: ListValues) -> list[bytes]:
    return [values.values[a : a + n].tobytes() for a, n in zip(values.start, values.count, strict=True)]


def same(a: Screened, b: Screened) -> None:
    np.testing.assert_array_equal(a.aside, b.aside)
    assert listed(a.cells) == listed(b.cells)
    assert listed(a.probes) == listed(b.probes)
    for name, values in a.quantities.items():
        np.testing.assert_array_equal(values, b.quantities[name], err_msg=name)


def joined(parts: list[Screened]) -> Screened:
    rows = [(one, i) for one in parts for i in range(len(one.aside))]

    def lists(name: str) -> ListValues:
        found = [getattr(one, name).rows(slice(i, i + 1)) for one, i in rows]
        values = [row.values[row.start[0] : row.start[0] + row.count[0]] for row in found]
        count = np.array([len(v) for v in values], np.int64)
        return ListValues(np.concatenate([*values, np.zeros(0, np.float32)]), np.cumsum(count) - count, count)

    return Screened(
        np.concatenate([one.aside for one in parts]),
        lists("cells"),
        lists("probes"),
        {name: np.concatenate([one.quantities[name] for one in parts]) for name in parts[0].quantities},
    )


def equal_states(a: ScreenState, b: ScreenState) -> None:
    for name, values in a.arrays().items():
        np.testing.assert_array_equal(values, b.arrays()[name], err_msg=name)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.lists(st.integers(0, 60), max_size=4))
def test_any_split_of_the_rows_gives_the_same(seed: int, cuts: list[int]) -> None:
    frames = wild(seed, 60, 0)
    empty = ScreenState.empty(1, cells=CELLS, probes=0)
    whole_state, whole = screen(empty, frames, PACK, QUICK)
    state, parts = empty, []
    bounds = sorted({0, 60, *cuts})
    for start, stop in pairwise(bounds):
        state, one = screen(state, part(frames, start, stop), PACK, QUICK)
        parts.append(one)
    same(joined(parts), whole)
    equal_states(state, whole_state)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_no_vehicle_depends_on_another(seed: int) -> None:
    vehicles = [wild(seed + lane, 40, lane) for lane in range(3)]
    _, all_of_them = screen(ScreenState.empty(3, cells=CELLS, probes=0), together(vehicles), PACK, QUICK)
    alone = [
        screen(ScreenState.empty(1, cells=CELLS, probes=0), wild(seed + lane, 40, 0), PACK, QUICK)[1]
        for lane in range(3)
    ]
    same(joined(alone), all_of_them)


def test_what_is_given_is_not_written() -> None:
    state, _ = screen(ScreenState.empty(1, cells=CELLS, probes=0), wild(3, 60, 0), PACK, QUICK)
    before = {name: values.copy() for name, values in state.arrays().items()}
    frames = wild(4, 60, 0)
    cells = frames.cells.values.copy()
    screen(state, frames, PACK, QUICK)
    for name, values in state.arrays().items():
        np.testing.assert_array_equal(values, before[name])
    np.testing.assert_array_equal(frames.cells.values, cells)


def test_a_repair_forgets_one_vehicle_and_no_other() -> None:
    state, _ = screen(
        ScreenState.empty(2, cells=CELLS, probes=0), together([wild(1, 60, 0), wild(2, 60, 1)]), PACK, QUICK
    )
    after = reset(state, np.array([1]))
    empty = ScreenState.empty(1, **state.sizes)
    equal_states(after.taken(np.array([1])), empty)
    equal_states(after.taken(np.array([0])), state.taken(np.array([0])))


def test_every_quantity_is_there_and_is_told_of() -> None:
    _, found = screen(ScreenState.empty(1, cells=CELLS, probes=0), wild(1, 20, 0), PACK)
    assert set(found.quantities) == {*QUANTITIES, *SCALAR_SIGNALS}
    assert all(values.shape == (20,) and values.dtype == np.float64 for values in found.quantities.values())


def test_no_rows_are_no_trouble() -> None:
    state, found = screen(ScreenState.empty(2, cells=CELLS, probes=0), part(wild(1, 5, 0), 0, 0), PACK)
    assert state.lanes == 2
    assert len(found.aside) == 0


def test_the_state_of_a_cell_is_small() -> None:
    one, two = (ScreenState.empty(1, cells=n, probes=0).arrays() for n in (1, 2))
    assert sum(values.nbytes for values in two.values()) - sum(values.nbytes for values in one.values()) <= 24
