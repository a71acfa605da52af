"""The table of health, from twins of a hand-written prototype."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from tests.runtime.segments import DAY_US, START_US, enter, samples, write
from tests.runtime.workspaces import begin, bring
from tests.twin.garage import worn
from twinpack.errors import WorkspaceError
from twinpack.runtime.features import build_features
from twinpack.runtime.health import bring_up_health, health_rows
from twinpack.runtime.health_seen import imbalances
from twinpack.runtime.lake import build_telemetry
from twinpack.runtime.measuring import tell_tests
from twinpack.runtime.run import run
from twinpack.store.lake import at_offset
from twinpack.store.workshop.records import MaintenanceRecord
from twinpack.store.workspace import Workspace


def brought_up(workspace: Workspace) -> int:
    with workspace.registry() as registry:
        return bring_up_health(workspace, registry)


def told(workspace: Workspace, **asked: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = health_rows(workspace, **asked).to_pylist()
    return rows


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = begin(tmp_path / "home", worn("car-1", 4, capacity_scale=0.9), worn("car-2", 2))
    run(workspace)
    return workspace


def test_every_deployed_version_tells_each_kind_with_its_interval_or_why_it_cannot(workspace: Workspace) -> None:
    assert brought_up(workspace) > 0
    with workspace.registry() as registry:
        versions = [one for one in registry.versions("car-1") if one.kind != "refused"]
    rows = told(workspace, kind="capacity", vehicles=["car-1"])
    assert [row["version_number"] for row in rows] == [one.number for one in versions]
    first, last = rows[0], rows[-1]
    assert first["value"] is None
    assert "Nothing of this vehicle was learned yet" in first["reason"]
    assert "would help" in first["reason"]
    assert last["low"] < 90.0 < last["high"]
    assert last["high"] - last["low"] == pytest.approx(2 * 1.959964 * last["sd"])
    assert last["unit"] == "%"
    assert "better knowledge" in last["reason"]
    (resistance,) = [
        row
        for row in told(workspace, kind="resistance")
        if row["version_number"] == last["version_number"] and row["vehicle_id"] == "car-1"
    ]
    assert resistance["low"] < 1.5 < resistance["high"]
    energy = told(workspace, kind="energy", vehicles=["car-1"])[-1]
    assert energy["value"] < last["value"], "energy falls with resistance too"


def test_a_vehicle_is_looked_at_again_when_it_has_a_new_version(workspace: Workspace) -> None:
    brought_up(workspace)
    assert brought_up(workspace) == 0
    before = told(workspace)
    later = worn("car-1", 6, capacity_scale=0.9)
    bring(workspace, later.kept(later.trip > 4))
    run(workspace)
    assert brought_up(workspace) > 0
    after = told(workspace)
    assert {row["vehicle_id"] for row in after if row not in before} == {"car-1"}
    kept = [row for row in before if row["kind"] != "bms"]  # of a month that goes on
    assert [row for row in after if row in kept] == kept


def test_it_is_the_same_however_often_it_is_brought_up(tmp_path: Path) -> None:
    found = []
    for name, steps in (("once", [4]), ("twice", [2, 4])):
        workspace = begin(tmp_path / name)
        drives, done = worn("car-1", 4, capacity_scale=0.9), 0
        for trips in steps:
            bring(workspace, drives.kept((drives.trip > done) & (drives.trip <= trips)))
            run(workspace)
            done = trips
            if name == "twice":
                brought_up(workspace)
        brought_up(workspace)
        found.append([{**row, "offset": None} for row in told(workspace) if row["source"] == "twin"])
    assert found[0] == found[1]


def test_a_table_that_is_ahead_of_the_log_is_refused(workspace: Workspace) -> None:
    brought_up(workspace)
    table = workspace.lake().open("health")
    assert table is not None
    write_deltalake(table, health_rows(workspace).slice(0, 0), mode="append", commit_properties=at_offset(10**9))
    with pytest.raises(WorkspaceError, match="another workspace's, or the log was set back"):
        brought_up(workspace)


def test_nothing_is_known_of_a_workspace_without_twins(tmp_path: Path) -> None:
    workspace = begin(tmp_path / "home", model=False)
    assert brought_up(workspace) == 0
    assert told(workspace) == []


def entered(workspace: Workspace, **test: float) -> MaintenanceRecord:
    """A workshop's test of `car-1`, kept and told to the log."""
    record = MaintenanceRecord("car-1", "inspection", "test", "done", done_on="2020-09-20", who="Kim", **test)  # type: ignore[arg-type]
    with workspace.registry() as registry:
        (told,) = tell_tests(workspace, registry, [registry.workshop.add(record)])
    return told


def test_a_workshops_test_is_a_row_of_its_own_beside_the_twins(workspace: Workspace) -> None:
    brought_up(workspace)
    entered(workspace, capacity_ah=137.0, resistance_mohm=115.0, soc_pct=50.0, temp_c=25.0)
    run(workspace)
    brought_up(workspace)
    rows = {row["kind"]: row for row in told(workspace, vehicles=["car-1"]) if row["source"] == "workshop"}
    assert rows.keys() == {"capacity", "resistance"}
    assert rows["capacity"]["value"] == pytest.approx(100.0 * 137.0 / 150.0)
    assert rows["capacity"]["sample_time"].date().isoformat() == "2020-09-20"
    assert 1.0 < rows["resistance"]["value"] < 1.6
    twin = [row for row in told(workspace, kind="capacity", vehicles=["car-1"]) if row["source"] == "twin"][-1]
    assert twin["version_number"] == rows["capacity"]["version_number"]
    assert "capacity 137.0" in twin["reason"]


def test_a_test_that_was_refused_has_no_figure(workspace: Workspace) -> None:
    entered(workspace, capacity_ah=60.0)
    run(workspace)
    brought_up(workspace)
    (row,) = [row for row in told(workspace) if row["source"] == "workshop"]
    assert row["value"] is None
    assert "nobody confirmed it" in row["reason"]


def test_the_bms_is_held_against_the_twin_month_by_month(workspace: Workspace) -> None:
    brought_up(workspace)
    rows = told(workspace, kind="bms", vehicles=["car-1"])
    assert [row["sample_time"].strftime("%Y-%m") for row in rows] == ["2020-09"]
    assert rows[0]["unit"] == "points"
    assert rows[0]["high"] - rows[0]["low"] > 2 * 1.96
    assert "trips" in rows[0]["reason"]


def drifting(days: int, first: int = 0) -> pa.Table:
    """A vehicle whose cell 3 is ever lower at rest, seen for ten minutes a day."""
    tables = []
    for day in range(first, first + days):
        times = [START_US + day * DAY_US + 60_000_000 * at for at in range(10)]
        low = 3.70 - 0.002 - 0.0005 * day
        cells = [[3.70, 3.70, low, 3.70]] * len(times)
        tables.append(samples("car-3", times, pack_current_a=0.0, pack_voltage_v=360.0, cell_voltage_v=cells))
    return pa.concat_tables(tables)


def test_imbalance_is_told_month_by_month_and_what_changed(tmp_path: Path) -> None:
    workspace = Workspace.open(tmp_path / "home")
    with workspace.registry() as registry:
        enter(registry, "car-3")
        log = write(workspace.home, drifting(70))
        build_telemetry(workspace, log, registry)
        build_features(workspace, registry)
        found = list(imbalances(workspace, {}))
    assert [one.at.strftime("%m") for one in found] == sorted({one.at.strftime("%m") for one in found})
    spread = [one.told.value or 0.0 for one in found]
    assert spread == sorted(spread)
    assert "mV since the month before, more than the intervals of both allow" in found[1].told.reason
    assert "cell 3 is lowest" in found[-1].told.reason
    kept = {(one.vehicle_id, one.at.year, one.at.month): (one.at, one.told.value, one.told.sd) for one in found[:-1]}
    assert list(imbalances(workspace, kept)) == found[-1:], "months that were not seen again are passed over"


def test_a_vehicle_that_tells_no_cells_says_what_would_help(workspace: Workspace) -> None:
    brought_up(workspace)
    rows = told(workspace, kind="imbalance")
    assert {row["value"] for row in rows} == {None}
    assert {row["source"] for row in rows} == {"cells"}
    assert "would help" in rows[0]["reason"]
