"""Faults of cell and probe channels in a realistic day: found, named, masked, and forgotten once they are over."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from tests.detect.screen.day import SERIES, Day, a_day
from tests.detect.screen.made import frames_of, pack_of, screened
from twinpack.detect.screen import Screened
from twinpack.detect.screen.settings import DEFAULTS

PERIODS = pytest.mark.parametrize("every_s", [1, 10, 30, 60])
CELL = 17
"""Index of the spoilt cell; its number is one higher."""


@cache
def _day(every_s: int) -> Day:
    return a_day(every_s)


def spoilt(every_s: int) -> Day:
    return _day(every_s).copy()


def look(day: Day) -> Screened:
    return screened(day.frames(), day.pack)


def first(day: Day, found: Screened, name: str) -> float:
    """When a quantity is first 1, s; infinite if never."""
    rows = np.flatnonzero(found.quantities[name] == 1)
    return float(day.time_s[rows[0]]) if len(rows) else np.inf


def cell_of(found: Screened, cell: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """One cell of every frame that has cells, NaN elsewhere."""
    lists = found.cells
    at = np.minimum(lists.start + cell, len(lists.values) - 1)
    return np.where(lists.count > 0, lists.values[at], np.float32(np.nan))


@PERIODS
def test_a_good_day_has_no_fault(every_s: int) -> None:
    found = look(_day(every_s))
    faults = (
        "cell_dead",
        "probe_bad",
        "probe_frozen",
        "pack_v_frozen",
        "current_frozen",
        "soc_frozen",
        "cells_mismatch",
    )
    assert {name: np.nansum(found.quantities[name]) for name in faults} == dict.fromkeys(faults, 0)
    assert not found.aside.any()
    assert np.isnan(found.quantities["bad_cell"]).all()
    assert np.nanmax(found.quantities["soc_jump_pct"]) < 1
    np.testing.assert_array_equal(found.cells.values.reshape(-1, SERIES), _day(every_s).cells.astype(np.float32))


@PERIODS
@pytest.mark.parametrize("value", [0.0, 5.0, np.nan, 65.535])
def test_a_short_burst_of_sentinels_sets_its_frames_aside_and_nothing_more(every_s: int, value: float) -> None:
    day = spoilt(every_s)
    burst = (day.time_s >= 3600) & (day.time_s < 3660)
    day.cells[np.ix_(burst, np.arange(40))] = value
    found = look(day)
    np.testing.assert_array_equal(found.aside, burst)
    assert np.nansum(found.quantities["cell_dead"]) == 0
    assert (found.quantities["sentinel_cells"] == np.where(burst, 40, 0)).all()
    assert (found.quantities["bad_cell"][burst] == 1).all()
    for name in ("pack_voltage_v", "soc_pct", "cell_v_max", "probe_max_c", "c_rate", "temp_max_c", "rest_s"):
        np.testing.assert_array_equal(np.isnan(found.quantities[name]), burst, err_msg=name)
    assert (found.cells.count == np.where(burst, 0, SERIES)).all()
    assert (found.probes.count == np.where(burst, 0, 12)).all()


@PERIODS
def test_a_dead_channel_blinds_the_pack_for_minutes_only_and_heals(every_s: int) -> None:
    day = spoilt(every_s)
    dead = (day.time_s >= 3600) & (day.time_s < 20_000)
    day.cells[dead, CELL] = 0.0
    found = look(day)
    died = first(day, found, "cell_dead")
    assert 3600 + DEFAULTS.dead_s <= died <= 3600 + DEFAULTS.dead_s + 2 * every_s
    np.testing.assert_array_equal(found.aside, (day.time_s >= 3600) & (day.time_s < died))
    healed = day.time_s[np.flatnonzero(found.quantities["cell_dead"] == 1)[-1]]
    assert 20_000 + DEFAULTS.heal_s <= healed + every_s <= 20_000 + DEFAULTS.heal_s + 5 * every_s + 60
    masked = (day.time_s >= died) & (day.time_s <= healed)
    np.testing.assert_array_equal(np.isnan(cell_of(found, CELL)), masked | found.aside)
    assert (found.quantities["bad_cell"][masked] == CELL + 1).all()
    np.testing.assert_array_equal(found.quantities["sentinel_cells"] > 0, found.aside)
    assert (found.quantities["cell_v_min"][~found.aside] > 2.9).all()
    np.testing.assert_array_equal(np.isnan(found.quantities["sum_gap_v"]), masked | found.aside)


@PERIODS
def test_a_dead_channel_does_not_hide_another_cell(every_s: int) -> None:
    day = spoilt(every_s)
    day.cells[:, CELL] = np.nan
    day.cells[:, 40] -= 0.2
    found = look(day)
    late = day.time_s > DEFAULTS.dead_s + 2 * every_s
    assert not found.aside[late].any()
    assert (found.quantities["cell_v_min_cell"][late] == 41).all()


@PERIODS
def test_a_channel_that_comes_and_goes_is_not_dead(every_s: int) -> None:
    day = spoilt(every_s)
    rows = np.arange(len(day.time_s)) % 2 == 0
    day.cells[rows, CELL] = 0.0
    found = look(day)
    np.testing.assert_array_equal(found.aside, rows)
    assert np.nansum(found.quantities["cell_dead"]) == 0


@PERIODS
def test_a_cell_that_freezes_while_driving_is_found_and_masked(every_s: int) -> None:
    day = spoilt(every_s)
    start = np.searchsorted(day.time_s, 1800)
    day.cells[start:, CELL] = day.cells[start, CELL]
    found = look(day)
    died = first(day, found, "cell_dead")
    assert 1800 + DEFAULTS.frozen_s <= died < 1800 + 2400
    after = day.time_s >= died
    assert (found.quantities["bad_cell"][after] == CELL + 1).all()
    assert np.isnan(cell_of(found, CELL)[after]).all()


@PERIODS
def test_a_cell_that_freezes_at_rest_is_found_in_the_next_drive(every_s: int) -> None:
    day = spoilt(every_s)
    start = np.searchsorted(day.time_s, 9000)
    day.cells[start:, CELL] = day.cells[start, CELL]
    assert 12_600 + DEFAULTS.frozen_s <= first(day, look(day), "cell_dead") < 12_600 + 2400


@PERIODS
def test_a_parked_vehicle_freezes_nothing(every_s: int) -> None:
    day = spoilt(every_s)
    parked = (day.time_s >= 6000) & (day.time_s < 12_000)
    row = np.flatnonzero(parked)[0]
    for values in (day.cells, day.probes, day.current, day.pack_v, day.soc):
        values[parked] = values[row]
    found = look(day)
    for name in ("cell_dead", "probe_frozen", "pack_v_frozen", "current_frozen", "soc_frozen"):
        assert np.nansum(found.quantities[name]) == 0


@PERIODS
def test_a_cell_that_steps_up_at_rest_is_masked_from_the_step_on(every_s: int) -> None:
    day = spoilt(every_s)
    day.cells[day.time_s >= 9000, CELL] += 0.5
    found = look(day)
    stepped = day.time_s >= 9000
    np.testing.assert_array_equal(np.isnan(cell_of(found, CELL)), stepped)
    assert (found.quantities["bad_cell"][stepped] == CELL + 1).all()
    assert 9000 + DEFAULTS.jump_s <= first(day, found, "cell_dead") <= 9000 + DEFAULTS.jump_s + 2 * every_s
    assert not (found.quantities["cell_v_max_cell"][stepped] == CELL + 1).any()


@PERIODS
def test_a_spike_at_rest_is_masked_and_over(every_s: int) -> None:
    day = spoilt(every_s)
    row = np.searchsorted(day.time_s, 9000)
    day.cells[row, CELL] += 0.4
    found = look(day)
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(cell_of(found, CELL))), [row])
    assert np.nansum(found.quantities["cell_dead"]) == 0


@PERIODS
def test_a_broken_sense_wire_moves_two_cells_and_not_the_pack(every_s: int) -> None:
    day = spoilt(every_s)
    broken = day.time_s >= 9000
    day.cells[broken, CELL] += 0.4
    day.cells[broken, CELL + 1] -= 0.4
    found = look(day)
    for cell in (CELL, CELL + 1):
        np.testing.assert_array_equal(np.isnan(cell_of(found, cell)), broken)


@PERIODS
def test_a_cell_that_collapses_with_the_pack_is_a_fault_of_the_battery(every_s: int) -> None:
    day = spoilt(every_s)
    short = day.time_s >= 9000
    day.cells[short, CELL] -= 1.2
    day.pack_v[short] -= 1.2
    found = look(day)
    assert np.nansum(found.quantities["cell_dead"]) == 0
    assert not np.isnan(cell_of(found, CELL)).any()
    row = int(np.argmax(short))
    fell = found.quantities["cell_drop"] > 0.25
    assert found.quantities["cell_drop"][row] == pytest.approx(1.2 / day.cells[row - 1, CELL], abs=0.01)
    assert day.time_s[fell].min() == day.time_s[row]
    assert day.time_s[fell].max() <= day.time_s[row] + 10
    assert (found.quantities["cell_v_min_cell"][short] == CELL + 1).all()


def test_a_fall_over_some_seconds_is_one_fall() -> None:
    """At a sample a second it comes in pieces, none of them large."""
    time = np.arange(60.0)
    cells = np.full((60, 8), 3.7)
    cells[:, 3] -= np.clip(0.3 * (time - 30), 0, 1.5)
    frames = frames_of(time, cells, pack_current_a=-60.0, pack_voltage_v=cells.sum(1))
    drop = screened(frames, pack_of(8)).quantities["cell_drop"]
    assert np.nanmax(drop) == pytest.approx(1.5 / 3.7, abs=0.005)
    assert np.nanmax(drop[:31]) < 1e-6


@PERIODS
@pytest.mark.parametrize(("value", "low", "high"), [(-40.0, 1, 0), (120.0, 0, 1), (np.nan, 0, 0)])
def test_a_probe_out_of_range_is_left_out(every_s: int, value: float, low: int, high: int) -> None:
    day = spoilt(every_s)
    broken = (day.time_s >= 9000) & (day.time_s < 15_000)
    day.probes[broken, 3] = value
    found = look(day)
    assert not found.aside.any()
    np.testing.assert_array_equal(found.quantities["probe_bad"] == 1, broken)
    np.testing.assert_array_equal(found.quantities["bad_probe"] == 4, broken)
    np.testing.assert_array_equal(found.quantities["probe_low"], low * broken)
    np.testing.assert_array_equal(found.quantities["probe_high"], high * broken)
    assert np.nanmin(found.quantities["probe_min_c"]) > 0
    assert np.nanmax(found.quantities["temp_max_c"]) < 60
    shown = found.probes.values.reshape(-1, 12)
    np.testing.assert_array_equal(np.isnan(shown[:, 3]), broken)


def test_places_without_a_probe_are_no_fault() -> None:
    frames = frames_of([0, 10, 20], probes=[[20, np.nan, 21, np.nan]] * 3)
    found = screened(frames, pack_of(4))
    assert found.quantities["probe_bad"].tolist() == [0, 0, 0]
    assert found.quantities["probe_max"].tolist() == [3, 3, 3]


@PERIODS
def test_a_probe_that_freezes_while_the_pack_warms_is_found(every_s: int) -> None:
    day = spoilt(every_s)
    day.probes += (6 * day.time_s[:, None] / 5400).clip(0, 6).round()
    day.probes[:, 3] = day.probes[0, 3]
    found = look(day)
    died = first(day, found, "probe_frozen")
    assert DEFAULTS.probe_frozen_s < died < 7200
    assert (found.quantities["bad_probe"][day.time_s >= died] == 4).all()
    assert np.isnan(found.probes.values.reshape(-1, 12)[day.time_s >= died, 3]).all()
    assert not found.aside.any()


def test_of_two_probes_none_is_called_frozen() -> None:
    rows = 400
    probes = np.stack([np.full(rows, 20.0), np.linspace(20, 40, rows).round()], axis=1)
    found = screened(frames_of(np.arange(rows) * 30.0, probes=probes), pack_of(4))
    assert np.nansum(found.quantities["probe_frozen"]) == 0


def test_frames_with_another_number_of_cells_are_told_and_used_without_them() -> None:
    frames = frames_of([0, 1, 2], [[3.7] * 4, [3.7] * 3, []], pack_voltage_v=14.8)
    found = screened(frames, pack_of(4))
    np.testing.assert_array_equal(found.quantities["cells_mismatch"], [0, 1, np.nan])
    assert not found.aside.any()
    assert found.cells.count.tolist() == [4, 0, 0]
    np.testing.assert_array_equal(found.quantities["cell_v_max"] > 3, [True, False, False])
    assert found.quantities["pack_voltage_v"].tolist() == [14.8] * 3


def test_a_frame_in_which_most_cells_fail_kills_no_channel() -> None:
    cells = np.full((100, 4), 3.7)
    cells[10:60] = 0.0
    found = screened(frames_of(np.arange(100) * 30.0, cells), pack_of(4))
    assert found.aside.sum() == 50
    assert np.nansum(found.quantities["cell_dead"]) == 0


def test_half_an_hour_between_parked_samples_is_no_evidence_of_freezing() -> None:
    """Cells settle over hours; a cell may well show what it showed half an hour before."""
    cells = np.tile(np.linspace(3.7, 3.4, 48)[:, None], (1, 4)).round(3)
    cells[:, 1] = 3.55
    found = screened(frames_of(np.arange(48) * 1800.0, cells), pack_of(4))
    assert np.nansum(found.quantities["cell_dead"]) == 0
