"""Signals over time, as an independent count of each step has them; gaps; and who sees what of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.views.samples import built, rows, sealed, seconds_of
from tests.views.seers import LEAD, OWNER
from twinpack.errors import AccessError, InputError
from twinpack.store.workspace import Workspace
from twinpack.views.moments import micros_of
from twinpack.views.opened import Views
from twinpack.views.shapes.vehicle import Telemetry
from twinpack.views.sight import Reach, Right, Role, Sight, Span
from twinpack.views.telemetry.reading import USUAL, arrow_stream, cut, signals_named, telemetry, telemetry_table
from twinpack.views.telemetry.steps import Stepping, step_us

DAY_US = 86_400_000_000
VOLT = ("pack_voltage_v",)


def reach_of(views: Views, vehicle: str = "north-1", who: Sight = LEAD) -> Reach:
    return views.reach(who, vehicle, Right.TELEMETRY)


def filled(workspace: Workspace, lake: bool = True) -> None:
    """Two hours of a sample a second with half an hour of silence in it, and another vehicle beside it."""
    seconds = [second for second in range(7200) if not 1800 <= second < 3600]
    volts = [400.0 + second % 60 for second in seconds]
    sealed(
        workspace,
        rows("north-1", seconds, pack_voltage_v=volts, pack_current_a=-5.0, is_charging=False),
        rows("north-2", range(0, 7200, 600), pack_voltage_v=1.0),
    )
    if lake:
        built(workspace)


@pytest.mark.parametrize("lake", [True, False])
def test_each_step_has_its_lowest_highest_and_mean_value(views: Views, workspace: Workspace, lake: bool) -> None:
    filled(workspace, lake)
    found = cut(views, reach_of(views), 0, 7_200_000_000, VOLT, 120)
    assert (found.step_us, found.samples, len(found.time_us)) == (60_000_000, 5400, 120)
    steps = found.signals["pack_voltage_v"]
    silent = np.arange(120)[30:60]
    assert np.isnan(steps.mean[silent]).all()
    told = np.delete(np.arange(120), silent)
    assert set(steps.low[told]) == {400.0}
    assert set(steps.high[told]) == {459.0}
    np.testing.assert_allclose(steps.mean[told], 429.5)


def test_few_samples_stand_for_themselves(views: Views, workspace: Workspace) -> None:
    filled(workspace)
    found = cut(views, reach_of(views, "north-2"), 0, 7_200_000_000, VOLT, 1000)
    assert (found.step_us, found.samples) == (0, 12)
    assert found.time_us.tolist() == [second * 1_000_000 for second in range(0, 7200, 600)]


def test_without_a_range_the_two_hours_before_the_newest_sample_are_shown(views: Views, workspace: Workspace) -> None:
    sealed(workspace, rows("north-1", [0, 1000, 7_000, 9_000], pack_voltage_v=1.0))
    found = cut(views, reach_of(views), None, None, VOLT, 10)
    assert found.time_us.tolist() == [7_000_000_000, 9_000_000_000]
    assert found.end_us == 9_000_000_001
    nothing = cut(views, reach_of(views, "south-1"), None, None, VOLT, 10)
    assert nothing.samples == 0
    later = cut(views, reach_of(views), 10_000_000_000, None, VOLT, 10)
    assert (later.samples, later.start_us) == (0, 10_000_000_000)


def test_a_range_that_ends_before_it_starts_is_refused(views: Views) -> None:
    with pytest.raises(InputError, match="later than"):
        cut(views, reach_of(views), 10, 10, VOLT, 10)


def test_years_are_read_some_days_at_a_time(views: Views, workspace: Workspace) -> None:
    days = range(0, 40 * 86_400, 43_200)
    sealed(workspace, rows("north-1", days, pack_voltage_v=[float(second // 86_400) for second in days]))
    built(workspace)
    sealed(workspace, rows("north-1", [86_401, 41 * 86_400], pack_voltage_v=[500.0, 41.0]))
    pieces = list(views.samples.pieces("north-1", 0, 50 * DAY_US, VOLT, most_rows=9))
    assert [part.num_rows for part in pieces] == [11, 10, 10, 10, 10, 10, 10, 10, 1]
    assert seconds_of(pa.concat_tables(pieces)) == sorted([*days, 86_401, 41 * 86_400])
    found = cut(views, reach_of(views), 0, 50 * DAY_US, VOLT, 50)
    assert (found.samples, found.signals["pack_voltage_v"].high[1]) == (82, 500.0)
    assert found.signals["pack_voltage_v"].mean[39] == 39.0
    assert np.isnan(found.signals["pack_voltage_v"].mean[40])


@pytest.mark.parametrize("year", [1, 1899, 2201, 9999])
def test_times_that_cannot_be_are_refused(views: Views, year: int) -> None:
    at = micros_of(datetime(year, 1, 1, tzinfo=UTC))
    for start, end in ((at, None), (None, at), (0, at), (at, 0)):
        with pytest.raises(InputError, match="1900 and 2200"):
            cut(views, reach_of(views), start, end, VOLT, 10)


def test_signals_are_named_with_commas_and_others_are_refused() -> None:
    assert signals_named(None) == signals_named(" , ") == USUAL
    assert signals_named("soc_pct, speed_kmh,soc_pct") == ("soc_pct", "speed_kmh")
    with pytest.raises(InputError, match=r"no signal 'cell_voltage_v'.*pack_voltage_v"):
        signals_named("cell_voltage_v")


def test_an_owner_sees_the_times_of_the_grant_alone(views: Views, workspace: Workspace) -> None:
    filled(workspace)
    granted = replace(OWNER, vehicles={"north-1": Span(600_000_000, 660_000_000)})
    found = cut(views, reach_of(views, who=granted), 0, 7_200_000_000, VOLT, 10_000)
    assert (found.samples, found.time_us[0], found.time_us[-1]) == (60, 600_000_000, 659_000_000)
    newest = cut(views, reach_of(views, who=granted), None, None, VOLT, 10_000)
    assert (newest.time_us[-1], newest.end_us) == (659_000_000, 659_000_001)
    before = replace(OWNER, vehicles={"north-1": Span(None, -1)})
    assert cut(views, reach_of(views, who=before), None, None, VOLT, 10).samples == 0
    with pytest.raises(AccessError):
        reach_of(views, who=Sight("m", Role.TECHNICIAN, frozenset({Right.FIND}), None))


def test_the_shape_and_the_table_say_the_same(views: Views, workspace: Workspace) -> None:
    filled(workspace)
    reach = reach_of(views)
    found = cut(views, reach, 0, 7_200_000_000, ("pack_voltage_v", "is_charging", "soc_pct"), 100)
    shape = Telemetry.model_validate(telemetry(views, LEAD, reach, found).model_dump())
    table = pa.ipc.open_stream(arrow_stream(telemetry_table(found))).read_all()
    assert table.num_rows == len(shape.time_ms) == 100
    assert table.column("pack_voltage_v_max").to_pylist() == shape.signals[0].max
    assert table.column("time").cast(pa.int64()).to_pylist() == [time * 1000 for time in shape.time_ms]
    assert shape.signals[1].max[0] == 0.0
    assert set(shape.signals[2].mean) == {None}
    assert (shape.signals[0].unit, shape.step_ms) == ("V", 72_000)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 10**9), st.none() | st.floats(-1e3, 1e3)), max_size=60),
    st.integers(1, 50),
)
def test_steps_as_counted_one_by_one(samples: list[tuple[int, float | None]], points: int) -> None:
    samples = sorted(dict(samples).items())
    time_us = np.array([time for time, _ in samples], dtype=np.int64)
    values = np.array([np.nan if value is None else value for _, value in samples], dtype=np.float64)
    end_us = 10**9 + 1
    width = step_us(0, end_us, points)
    count = -(-end_us // width)
    assert count <= points
    cutting = Stepping(0, width, count)
    half = len(samples) // 2
    for part in (slice(0, half), slice(half, None)):  # a step may go on in the next piece
        cutting.add(time_us[part], values[part])
    found = cutting.steps()
    for step in range(count):
        mine = [value for time, value in samples if time // width == step and value is not None]
        told = (found.low[step], found.high[step], found.mean[step])
        if mine:
            np.testing.assert_allclose(told, (min(mine), max(mine), sum(mine) / len(mine)), rtol=1e-9, atol=1e-9)
        else:
            assert np.isnan(told).all()
