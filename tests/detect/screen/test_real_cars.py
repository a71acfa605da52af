"""Recorded vehicles: their sentinel frames and nothing else are faults of the data, at any sampling period."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from tests.detect.real_cars import real_car
from tests.detect.screen.made import screened
from twinpack.detect.frames import Frames
from twinpack.telemetry.batch import ListValues

FAULTS = ("cell_dead", "cells_mismatch", "probe_bad", "probe_frozen", "pack_v_frozen", "current_frozen", "soc_frozen")
PERIODS = (1, 10, 30, 60)


def with_sentinels(frames: Frames) -> npt.NDArray[np.bool_]:
    cells = frames.cells
    values = cells.values[cells.start[:, None] + np.arange(cells.count[0])]
    return np.asarray(~((values > 0.5) & (values < 4.99)).all(axis=1))


def coarse(values: ListValues, step: float) -> ListValues:
    return replace(values, values=(np.round(values.values / step) * step).astype(np.float32))


@pytest.mark.parametrize("every_s", PERIODS)
def test_the_sentinel_frames_of_car1_are_set_aside_and_no_others(every_s: int) -> None:
    frames, pack = real_car("car1", every_s)
    found = screened(frames, pack)
    np.testing.assert_array_equal(found.aside, with_sentinels(frames))
    assert found.aside.sum() == 64 if every_s == 1 else 0 < found.aside.sum() < 64
    assert np.isnan(found.quantities["cell_v_max"][found.aside]).all()
    assert (found.quantities["cell_v_max"][~found.aside] < 4.25).all()


@pytest.mark.parametrize("every_s", PERIODS)
@pytest.mark.parametrize("car", ["car1", "car3"])
def test_nothing_else_is_wrong_with_the_data(car: str, every_s: int) -> None:
    frames, pack = real_car(car, every_s)
    quantities = screened(frames, pack).quantities
    assert {name: int(np.nansum(quantities[name])) for name in FAULTS} == dict.fromkeys(FAULTS, 0)
    with_bad = quantities["bad_cell"] > 0
    assert (with_bad <= (quantities["sentinel_cells"] > 0)).all()


@pytest.mark.parametrize("step_v", [0.002, 0.005, 0.01])
@pytest.mark.parametrize("every_s", [10, 60])
@pytest.mark.parametrize("car", ["car1", "car3"])
def test_coarser_cells_do_not_look_frozen(car: str, every_s: int, step_v: float) -> None:
    frames, pack = real_car(car, every_s)
    frames = replace(frames, cells=coarse(frames.cells, step_v))
    assert np.nansum(screened(frames, pack).quantities["cell_dead"]) == 0


@pytest.mark.parametrize("car", ["car1", "car3"])
def test_probes_of_two_degrees_do_not_look_frozen(car: str) -> None:
    frames, pack = real_car(car, 10)
    frames = replace(frames, probes=coarse(frames.probes, 2.0))
    assert np.nansum(screened(frames, pack).quantities["probe_bad"]) == 0
