from __future__ import annotations

import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from tests.runtime.segments import DAY_US, START_US, enter, samples, write
from twinpack.runtime import features
from twinpack.runtime.features import build_features
from twinpack.runtime.lake import build_telemetry
from twinpack.store import telemetry_pieces
from twinpack.store.features import FeatureTable
from twinpack.store.lake import at_offset
from twinpack.store.maintenance import drop_old_days
from twinpack.store.query import query
from twinpack.store.tables import TABLES
from twinpack.store.workspace import Workspace
from twinpack.telemetry.schema import tick_row

DAY = date(1970, 1, 1) + timedelta(days=20_000)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = Workspace.open(tmp_path / "home")
    with workspace.registry() as registry:
        enter(registry, "car-1", "car-2")
    return workspace


def drive(vehicle: str, day: int, seconds: range, **signals: Any) -> pa.Table:
    times = [START_US + day * DAY_US + 1_000_000 * at for at in seconds]
    return samples(vehicle, times, **{"pack_voltage_v": 360.0, "pack_current_a": -36.0} | signals)


def add(workspace: Workspace, *tables: pa.Table) -> int:
    """Bring samples into log, telemetry and features; how many vehicle days were made."""
    log = write(workspace.home, *tables)
    with workspace.registry() as registry:
        build_telemetry(workspace, log, registry)
        return build_features(workspace, registry)


def kept(workspace: Workspace) -> dict[tuple[str, date], dict[str, Any]]:
    rows = workspace.lake().read("features").to_pylist()
    found = {(row["vehicle_id"], row["day"]): row for row in rows}
    assert len(found) == len(rows), "one row a vehicle and day"
    return found


def test_a_day_is_one_row_and_late_samples_make_it_anew(workspace: Workspace) -> None:
    assert build_features(workspace, workspace.registry()) == 0
    assert add(workspace, drive("car-1", 0, range(10)), drive("car-1", 1, range(20)), drive("car-2", 0, range(5))) == 3
    before = kept(workspace)
    assert [(key, row["samples"]) for key, row in before.items()] == [
        (("car-1", DAY), 10),
        (("car-1", DAY + timedelta(days=1)), 20),
        (("car-2", DAY), 5),
    ]
    row = before["car-1", DAY]
    assert row["ah_out"] == pytest.approx(0.09)
    assert (row["pack"], row["fleet"], row["c_rate_max"]) == ("sim_nmc_96s", "default", pytest.approx(36 / 150))
    assert add(workspace, drive("car-1", 0, range(10, 30))) == 1, "only the day of the late samples"
    after = kept(workspace)
    assert after["car-1", DAY]["samples"] == 30
    assert {key: row for key, row in after.items() if key != ("car-1", DAY)} == {
        key: row for key, row in before.items() if key != ("car-1", DAY)
    }
    assert add(workspace) == 0


def test_rows_of_the_log_that_are_no_samples_move_the_offset(workspace: Workspace) -> None:
    for number in range(1, 3):
        assert add(workspace, tick_row(START_US)) == 0
        assert FeatureTable(workspace.lake()).offset == number
    assert add(workspace, drive("car-1", 0, range(3))) == 1
    assert add(workspace, tick_row(START_US)) == 0
    assert (FeatureTable(workspace.lake()).offset, len(kept(workspace))) == (6, 1)


def test_batches_make_no_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = [
        drive(f"car-{vehicle}", day, range(part * 50, part * 50 + 50), pack_current_a=-10.0 * (vehicle + part))
        for part in range(2)
        for day in (0, 25)
        for vehicle in range(2)
    ]
    found = []
    for name, at_once in (("one", True), ("many", False)):
        workspace = Workspace.open(tmp_path / name)
        if at_once:
            add(workspace, *tables)
        else:
            monkeypatch.setattr(telemetry_pieces, "PIECE_ROWS", 60)
            monkeypatch.setattr(features, "PUT_ROWS", 2)
            for table in tables:
                add(workspace, table)
            # All of it once more, as after a table that was lost.
            with workspace.registry() as registry:
                monkeypatch.setattr(FeatureTable, "offset", 0)
                assert build_features(workspace, registry) == 4
        rows = kept(workspace)
        found.append([{name: value for name, value in row.items() if name != "offset"} for row in rows.values()])
    assert found[0] == found[1]
    assert len(found[0]) == 4


class Killed(BaseException):
    """Stands for a kill."""


@pytest.mark.parametrize("side", ["before", "after"])
def test_cut_off_beside_a_commit_it_ends_the_same(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, side: str
) -> None:
    monkeypatch.setattr(features, "PUT_ROWS", 1)
    monkeypatch.setattr(telemetry_pieces, "PIECE_ROWS", 5)
    real = FeatureTable.put
    calls = 0

    def cut(self: FeatureTable, rows: pa.Table, offset: int | None) -> None:
        nonlocal calls
        calls += 1
        if side == "after":
            real(self, rows, offset)
        if calls == 2:
            raise Killed
        if side == "before":
            real(self, rows, offset)

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(FeatureTable, "put", cut)
        add(workspace, *(drive("car-1", day, range(5)) for day in range(4)))
    assert FeatureTable(workspace.lake()).offset == 0, "it is complete only with its last commit"
    assert add(workspace) == 4
    assert [row["samples"] for row in kept(workspace).values()] == [5] * 4
    assert FeatureTable(workspace.lake()).offset == 20


def test_a_day_whose_telemetry_was_dropped_keeps_its_row(workspace: Workspace) -> None:
    from datetime import UTC, datetime

    add(workspace, drive("car-1", 0, range(10)))
    drop_old_days(workspace.lake(), 1.0, datetime(2026, 1, 1, tzinfo=UTC))
    add(workspace, drive("car-1", 0, range(10, 13)))
    assert kept(workspace)["car-1", DAY]["samples"] == 10


def test_a_table_of_an_earlier_release_takes_the_columns_of_this_one(workspace: Workspace) -> None:
    add(workspace, drive("car-1", 0, range(10)), drive("car-2", 0, range(10)))
    place = workspace.lake().place("features").uri
    new = [name for name in TABLES["features"].schema.names if name.startswith(("cell_rest", "probe_", "charge_"))]
    assert len(new) > 10
    old = workspace.lake().read("features").drop_columns(new)
    shutil.rmtree(place)
    write_deltalake(place, old, partition_by=["month"], commit_properties=at_offset(20))
    cells = [[3.7, 3.7, 3.69]] * 5
    later = drive("car-1", 0, range(10, 15), pack_current_a=0.0, cell_voltage_v=cells)
    assert kept(workspace)["car-1", DAY]["cell_rest_low"] is None
    assert query(workspace, "select cell_rest_low from features").column(0).to_pylist() == [None, None]
    assert add(workspace, later) == 1
    rows = kept(workspace)
    assert (rows["car-1", DAY]["cell_rest_low"], rows["car-1", DAY]["samples"]) == (3, 15)
    assert (rows["car-2", DAY]["cell_rest_low"], rows["car-2", DAY]["samples"]) == (None, 10)
