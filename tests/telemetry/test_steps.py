from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.telemetry.rows import CUTS, SECOND_US, START_US, Row, batch_of, fold_steps, logs, row, split, tick
from twinpack.telemetry.arrivals import arrivals
from twinpack.telemetry.schema import KIND_COMMAND
from twinpack.telemetry.steps import STEP_SIGNALS, StepCarry, Steps, steps

LANES = ("a", "b", "c")


def fold(rows: Sequence[Row], *cuts: int, lanes: Sequence[str] = LANES, **widths: int) -> tuple[StepCarry, list[Steps]]:
    return fold_steps(split(batch_of(rows), cuts), lanes, **widths)


def one(rows: Sequence[Row], **widths: int) -> Steps:
    return fold_steps([batch_of(rows)], LANES, **widths)[1][0]


def record(results: Sequence[Steps], lane: int) -> tuple[list[Any], list[Any]]:
    """A lane's steps and silences, as bytes where they are floats; silences by the steps before them."""
    done: list[Any] = []
    silences: list[Any] = []
    for found in results:
        mine = np.flatnonzero(found.lane == lane)
        before = len(done)
        for index in mine:
            columns = (found.time_us, found.first_us, found.receipt_us, found.offset, found.rows)
            values = [found.values[name][index].tobytes() for name in STEP_SIGNALS]
            done.append((*(int(column[index]) for column in columns), *values))
        start = int(np.searchsorted(found.lane, lane))
        for index in np.flatnonzero(found.silent_lane == lane):
            silences.append((before + int(found.silent_at[index]) - start, int(found.silent_offset[index])))
    return done, silences


def bits(carry: StepCarry) -> dict[str, bytes]:
    return {name: values.tobytes() for name, values in carry.arrays().items()}


@given(rows=logs(), cuts=CUTS)
@settings(max_examples=60, deadline=None)
def test_any_split_of_the_rows_gives_the_same_steps_bit_for_bit(rows: list[Row], cuts: list[int]) -> None:
    whole, split_up, singly = fold(rows), fold(rows, *cuts), fold(rows, *range(len(rows)))
    assert bits(whole[0]) == bits(split_up[0]) == bits(singly[0])
    for lane in range(3):
        assert record(whole[1], lane) == record(split_up[1], lane) == record(singly[1], lane)


@given(rows=logs())
@settings(max_examples=30, deadline=None)
def test_a_vehicles_steps_do_not_depend_on_its_neighbours(rows: list[Row]) -> None:
    together = fold(rows, lanes=("c", "a", "b"))
    # Other vehicles' rows become commands, so that offsets stay.
    alone = [line if line.vehicle in ("a", "") else Row("", line.time_s, kind=KIND_COMMAND) for line in rows]
    carry, results = fold(alone, lanes=("a",))
    assert record(results, 0) == record(together[1], 1)
    assert bits(carry) == bits(together[0].taken(np.array([1])))


def test_rows_of_one_bin_become_their_mean_when_a_later_bin_begins() -> None:
    rows = [
        row("a", 0.0, pack_current_a=-10, soc_pct=50),
        row("a", 0.4, pack_current_a=-20),
        row("a", 0.9, pack_current_a=-60),
        row("a", 1.0, pack_current_a=5),
    ]
    found = one(rows)
    assert found.time_us.tolist() == [START_US + 900_000]
    assert found.first_us.tolist() == [START_US]
    assert (found.rows.tolist(), found.offset.tolist()) == ([3], [3])
    assert found.values["pack_current_a"].tolist() == [-30]
    assert found.values["soc_pct"].tolist() == [50]
    assert np.isnan(found.values["speed_kmh"]).all()


def test_data_slower_than_a_bin_give_a_step_a_row() -> None:
    found = one([row("a", 10.0 * index, speed_kmh=index) for index in range(5)])
    assert found.rows.tolist() == [1, 1, 1, 1]
    assert found.values["speed_kmh"].tolist() == [0, 1, 2, 3]
    assert found.offset.tolist() == [1, 2, 3, 4]


def test_steps_are_grouped_by_lane_in_time_order() -> None:
    found = one([row(name, second) for second in range(3) for name in ("c", "a", "b")])
    assert found.lane.tolist() == [0, 0, 1, 1, 2, 2]
    assert found.offset.tolist() == [4, 7, 5, 8, 3, 6]


def test_late_and_repeated_rows_are_counted_and_not_used() -> None:
    rows = [row("a", 5, speed_kmh=1), row("a", 5, speed_kmh=9), row("a", 3, speed_kmh=9), row("b", 4), row("a", 6)]
    carry, (found,) = fold(rows)
    assert found.values["speed_kmh"].tolist() == [1]
    assert carry.late.tolist() == [1, 0, 0]
    assert carry.repeated.tolist() == [1, 0, 0]


def test_a_row_is_late_after_a_newer_one_of_an_earlier_batch() -> None:
    carry, results = fold([row("a", 50), row("a", 20), row("a", 30), row("a", 51)], 1, 3)
    assert carry.late.tolist() == [2, 0, 0]
    assert record(results, 0)[0][0][0] == START_US + 50 * SECOND_US


def test_late_rows_are_found_however_far_apart_vehicles_are_in_time() -> None:
    far_s = 4e12  # such times of three vehicles, one after the other, do not fit 64 bits
    rows = [row("a", 5), row("a", 3), row("b", far_s), row("b", far_s - 9), row("c", 7), row("c", 8), row("a", 6)]
    carry, _ = fold(rows)
    assert carry.late.tolist() == [1, 1, 0]
    assert carry.newest_us.tolist() == [START_US + round(s * SECOND_US) for s in (6, far_s, 8)]


def test_a_row_from_the_future_is_counted_and_moves_nothing() -> None:
    carry, (found,) = fold([row("a", 0), row("a", 4000, receipt_s=1), row("a", 2), row("a", 3)])
    assert carry.ahead.tolist() == [1, 0, 0]
    assert len(found) == 2


def test_a_tick_completes_a_step_only_after_the_silence_asked_for() -> None:
    carry, (found,) = fold([row("a", 0), row("b", 20), tick(30), tick(31), tick(40)])
    assert found.lane.tolist() == [0]
    assert found.offset.tolist() == [3]
    assert carry.rows.tolist() == [0, 1, 0]


def test_silence_is_counted_from_the_receipt() -> None:
    found = one([row("a", 0, receipt_s=100), tick(120), tick(131)])
    assert found.offset.tolist() == [2]


def test_rows_of_a_bin_that_a_tick_completed_make_another_step() -> None:
    rows = [row("a", 0, receipt_s=0), tick(31), row("a", 5, receipt_s=32), row("a", 60, receipt_s=60)]
    found = one(rows, step_us=10 * SECOND_US)
    assert found.first_us.tolist() == [START_US, START_US + 5 * SECOND_US]
    assert found.offset.tolist() == [1, 3]


def test_silence_is_told_once_and_again_after_new_rows() -> None:
    rows = [row("a", 0), tick(500), tick(601), tick(700), row("a", 800), tick(1401), tick(1402)]
    for cuts in ((), (1, 2, 3, 4, 5, 6)):
        assert record(fold(rows, *cuts)[1], 0)[1] == [(1, 2), (2, 5)]


def test_ticks_that_go_back_in_time_are_judged_each_by_itself() -> None:
    found = one([tick(5000), row("a", 0), tick(-100), tick(601), row("b", 602)])
    assert found.silent_offset.tolist() == [3]


def test_unknown_vehicles_are_passed_over() -> None:
    carry, (found,) = fold([row("x", 0), row("x", 1), row("a", 0), row("a", 1)])
    assert found.lane.tolist() == [0]
    assert carry.newest_us[0] == START_US + SECOND_US


@pytest.mark.parametrize("rows", [[], [tick(0)]])
def test_batches_without_samples_give_nothing(rows: list[Row]) -> None:
    carry, (found,) = fold(rows)
    assert len(found) == 0
    assert bits(carry) == bits(StepCarry.empty(3))


def test_the_carry_given_is_not_changed() -> None:
    carry, _ = fold([row("a", 0, speed_kmh=3), row("b", 0)])
    before = bits(carry)
    widths = {"step_us": SECOND_US, "close_after_us": SECOND_US, "gap_us": SECOND_US}
    batch = batch_of([row("a", 0.5, speed_kmh=4), row("a", 2), row("b", -1), tick(9)])
    steps(carry, batch, arrivals(batch, np.array([0, 1], np.int32), carry.newest_us), **widths)
    assert bits(carry) == before


def test_a_carry_can_be_written_down_and_grown() -> None:
    carry, _ = fold([row("a", 0, speed_kmh=3), row("b", 0)])
    again = StepCarry.from_arrays({name: values.copy() for name, values in carry.arrays().items()})
    assert bits(again) == bits(carry)
    grown = carry.grown(5)
    assert grown.lanes == 5
    assert bits(grown.taken(np.arange(3))) == bits(carry)
    assert bits(grown.taken(np.arange(3, 5))) == bits(StepCarry.empty(2))


def test_a_carry_with_other_arrays_is_refused() -> None:
    arrays = StepCarry.empty(2).arrays()
    with pytest.raises(ValueError, match="bin"):
        StepCarry.from_arrays({name: values for name, values in arrays.items() if name != "bin"})
    with pytest.raises(ValueError, match="late has shape"):
        StepCarry.from_arrays({**arrays, "late": np.zeros(3, np.int64)})
    with pytest.raises(ValueError, match="cannot grow"):
        StepCarry.empty(2).grown(1)


def test_every_quantity_has_the_vehicle_as_its_last_index() -> None:
    carry = StepCarry.empty(7)
    assert {getattr(carry, part.name).shape[-1] for part in fields(carry)} == {7}


@given(values=st.lists(st.one_of(st.just(np.nan), st.floats(-1e3, 1e3)), min_size=1, max_size=20))
def test_a_mean_is_the_sum_row_by_row_over_the_values_known(values: list[float]) -> None:
    rows = [row("a", index / 100, pack_current_a=value) for index, value in enumerate(values)]
    found = one([*rows, row("a", 5)])
    known = [value for value in values if not np.isnan(value)]
    total = 0.0
    for value in known:
        total += value
    expected = total / len(known) if known else np.nan
    np.testing.assert_array_equal(found.values["pack_current_a"], [expected])
