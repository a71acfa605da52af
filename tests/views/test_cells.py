"""Cells at a moment, over time and day by day."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.store.alarms.made import finding
from tests.views.samples import DAY_S, built, rows, sealed
from tests.views.seers import LEAD, OWNER
from twinpack.battery.pack import load_pack
from twinpack.errors import NotFoundError
from twinpack.store.registry import MAIN_STREAM
from twinpack.store.workspace import Workspace
from twinpack.views.cells.frames import ranks, robust_z
from twinpack.views.cells.layout import layout_of, module_of, probe_of
from twinpack.views.cells.moment import cell_frame
from twinpack.views.cells.series import one_cell
from twinpack.views.cells.spread import spread_trend
from twinpack.views.opened import Views
from twinpack.views.shapes.vehicle import CellFrame, CellSeries, SpreadTrend
from twinpack.views.sight import Reach, Right, Sight, Span

CELLS = 96
LOW = 17


def frame(low_v: float = 3.66, at: float = 3.7) -> list[float]:
    """Cells that differ by some millivolts, one of which is low."""
    volts = at + 0.001 * np.sin(np.arange(CELLS))
    volts[LOW - 1] = low_v
    return [float(volt) for volt in volts]


def cells_reach(views: Views, who: Sight = LEAD) -> Reach:
    return views.reach(who, "north-1", Right.VEHICLE)


@pytest.fixture
def told(views: Views, workspace: Workspace) -> Views:
    """Three days; whole frames on two of them, a broken one and samples without cells in between."""
    for day in range(3):
        start = day * DAY_S + 1000
        sealed(
            workspace,
            rows(
                "north-1",
                range(start, start + 60),
                pack_current_a=0.0,
                pack_voltage_v=355.0,
                cell_voltage_v=[frame(3.66 - 0.01 * day) if day != 1 else None] * 60,
                cell_temp_c=[[20.0, 21.0, 22.0, 23.0]] * 60,
            ),
        )
    sealed(workspace, rows("north-1", [2 * DAY_S + 2000], cell_voltage_v=[[3.7] * 12], pack_current_a=-50.0))
    sealed(workspace, rows("north-1", [2 * DAY_S + 2001], pack_current_a=-50.0))
    built(workspace, features=True)
    return views


def test_the_last_whole_frame_before_a_moment_is_shown(told: Views) -> None:
    newest = CellFrame.model_validate(cell_frame(told, cells_reach(told), None).model_dump())
    assert newest.at is not None
    assert newest.at.timestamp() == 2 * DAY_S + 1059
    assert len(newest.voltage_v) == len(newest.rank) == len(newest.z) == len(newest.temp_c) == CELLS
    assert newest.voltage_v[LOW - 1] == pytest.approx(3.64, abs=1e-4)
    assert newest.deviation_mv[LOW - 1] == pytest.approx(-60.0, abs=0.1)
    assert newest.rank[LOW - 1] == CELLS
    z = newest.z[LOW - 1]
    assert z is not None
    assert z < -30
    assert newest.spread_mv == pytest.approx(61.0, abs=0.1)
    assert (newest.modules, newest.cells_per_module, newest.current_a) == (12, 8, 0.0)
    assert newest.probes_c == [20.0, 21.0, 22.0, 23.0]
    assert (newest.temp_c[0], newest.temp_c[24], newest.temp_c[95]) == (20.0, 21.0, 23.0)
    # Of the second day no frame is known: the last of the first day is shown, with its own time.
    earlier = cell_frame(told, cells_reach(told), (2 * DAY_S - 1) * 1_000_000)
    assert earlier.at is not None
    assert earlier.at.timestamp() == 1059
    exactly = cell_frame(told, cells_reach(told), 1_030_000_000)
    assert exactly.at is not None
    assert exactly.at.timestamp() == 1030


def test_without_frames_nothing_is_shown_but_the_layout(told: Views) -> None:
    none = CellFrame.model_validate(cell_frame(told, cells_reach(told), 999_000_000).model_dump())
    assert (none.at, none.voltage_v, none.rank, none.median_v) == (None, [], [], None)
    assert (none.modules, none.cells_per_module) == (12, 8)
    other = cell_frame(told, told.reach(LEAD, "south-1", Right.VEHICLE), None)
    assert other.at is None


def test_an_owner_sees_no_frame_of_other_times(told: Views) -> None:
    granted = replace(OWNER, vehicles={"north-1": Span(DAY_S * 1_000_000)})
    assert cell_frame(told, cells_reach(told, granted), (2 * DAY_S - 1) * 1_000_000).at is None
    assert cell_frame(told, cells_reach(told, granted), None).at is not None
    assert spread_trend(told, granted, cells_reach(told, granted), 90).day_ms == [2 * DAY_S * 1000]


def test_one_cell_is_shown_beside_the_others(told: Views) -> None:
    found = one_cell(told, cells_reach(told), LOW, 1_000_000_000, 1_060_000_000, 30)
    series = CellSeries.model_validate(found.model_dump())
    assert len(series.time_ms) == len(series.p10_v) == 30
    assert (series.time_ms[0], series.time_ms[-1]) == (1_000_000, 1_058_000)
    assert series.voltage_v[0] == pytest.approx(3.66, abs=1e-4)
    assert series.median_v[0] == pytest.approx(3.7, abs=1e-3)
    assert one_cell(told, cells_reach(told), LOW, 0, 1_000_000, 30).time_ms == []
    for cell in (0, CELLS + 1):
        with pytest.raises(NotFoundError, match="cells 1 to 96"):
            one_cell(told, cells_reach(told), cell, None, None, 30)


def test_the_spread_grows_from_day_to_day_and_the_weakest_cell_has_its_code(told: Views) -> None:
    event = finding(5, vehicle="north-1", code="TP-CELL-LOW", subject=f"cell {LOW}")
    told.registry.commit_batch(MAIN_STREAM, 0, 6, [event], {})
    found = SpreadTrend.model_validate(spread_trend(told, LEAD, cells_reach(told), 90).model_dump())
    assert found.day_ms == [0, 2 * DAY_S * 1000]
    assert found.spread_mean_mv == pytest.approx([41.0, 61.0], abs=0.2)
    assert found.frames_ms[0] == 1_000_000
    assert len(found.frames_ms) <= 500
    worst = found.weakest[0]
    assert (worst.cell, worst.module, worst.rank, worst.code) == (LOW, 3, CELLS, "TP-CELL-LOW")
    assert worst.deviation_mv == pytest.approx(-60.0, abs=0.1)
    assert [cell.code for cell in found.weakest[1:]] == [""] * 7
    owner = replace(OWNER, vehicles={"north-1": Span()})
    assert spread_trend(told, owner, cells_reach(told, owner), 90).weakest[0].code == ""
    assert spread_trend(told, LEAD, cells_reach(told), 1).day_ms == [2 * DAY_S * 1000]
    nothing = spread_trend(told, LEAD, told.reach(LEAD, "south-1", Right.VEHICLE), 90)
    assert (nothing.day_ms, nothing.frames_ms, nothing.weakest) == ([], [], [])


@pytest.mark.parametrize(("cells", "modules"), [(96, 8), (104, 8), (90, 9), (97, 1), (1, 1), (0, 1)])
def test_a_pack_that_is_not_drawn_is_as_near_to_a_square_as_can_be(cells: int, modules: int) -> None:
    layout = layout_of(None, cells)
    assert layout.modules == modules
    assert layout.modules * layout.cells_per_module == cells


def test_a_pack_is_drawn_as_it_is_specified_where_that_fits() -> None:
    pack = load_pack("sim_nmc_96s")
    assert layout_of(pack, 96) == (12, 8)
    assert layout_of(pack, 90) == (9, 10)
    assert [module_of(layout_of(pack, 96), cell) for cell in (1, 8, 9, 96)] == [1, 1, 2, 12]


def test_probes_lie_evenly_along_the_cells() -> None:
    assert probe_of(8, 2).tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert probe_of(3, 3).tolist() == [0, 1, 2]
    assert probe_of(2, 5).tolist() == [0, 2]


def test_ranks_and_robust_deviations() -> None:
    volts = np.array([3.7, np.nan, 3.9, 3.6])
    assert ranks(volts) == [2, None, 1, 3]
    assert np.isnan(robust_z(np.zeros(5))).all()
    rng = np.random.default_rng(1)
    assert np.std(robust_z(rng.standard_normal(100_000) * 7.0)) == pytest.approx(1.0, abs=0.02)
