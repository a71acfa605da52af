"""The table of health, from twins of a hand-written prototype."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from deltalake import write_deltalake

from tests.runtime.workspaces import begin, bring
from tests.twin.garage import worn
from twinpack.errors import WorkspaceError
from twinpack.runtime.health import bring_up_health, health_rows
from twinpack.runtime.run import run
from twinpack.store.lake import at_offset
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
    assert [row for row in after if row in before] == before


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
