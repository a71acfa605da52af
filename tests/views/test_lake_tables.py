"""Tables of the lake stay readable while they grow, and while their files are replaced."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from tests.views.samples import DAY_S, built, rows, sealed, seconds_of
from tests.views.test_vehicle import lake_rows
from twinpack.errors import WorkspaceError
from twinpack.store.lake import Lake
from twinpack.store.maintenance import clean_up, compact_telemetry
from twinpack.store.tables import TELEMETRY, TRIPS
from twinpack.store.workspace import Workspace
from twinpack.views.lake_tables import OpenTable
from twinpack.views.opened import Views
from twinpack.views.vehicle.lake import VehicleRows

ALL = (0, 100 * DAY_S * 1_000_000)
VOLT = ("pack_voltage_v",)


def trip(vehicle: str, number: int) -> pa.Table:
    return lake_rows(TRIPS, {"vehicle_id": vehicle, "number": number, "kind": "driving", "offset": number})


def numbers(kept: VehicleRows, vehicle: str) -> list[int]:
    found: list[int] = kept.trips(vehicle).column("number").to_pylist()
    return found


def test_a_table_is_opened_anew_only_when_it_has_another_commit(workspace: Workspace) -> None:
    lake = workspace.lake()
    table = OpenTable(lake, TRIPS)
    assert table.now() is None
    lake.append(TRIPS, trip("a", 0), 1)
    first = table.now()
    assert first is not None
    assert table.now() is first
    lake.append(TRIPS, trip("a", 1), 2)
    second = table.now()
    assert second is not None
    assert (first.version(), second.version()) == (0, 1)


def test_rows_of_a_vehicle_follow_what_is_appended_and_compacted(workspace: Workspace) -> None:
    lake = workspace.lake()
    kept = VehicleRows(lake)
    assert numbers(kept, "a") == []
    for number in range(6):
        lake.append(TRIPS, pa.concat_tables([trip("b", number), trip("a", number)]), number + 1)
        assert numbers(kept, "a") == list(range(number + 1))
    assert lake.compact(TRIPS, keep_hours=0)
    assert numbers(kept, "a") == numbers(kept, "b") == list(range(6))
    assert numbers(kept, "c") == []
    kept.warm()


def test_files_that_take_too_much_are_let_go_and_read_again(workspace: Workspace) -> None:
    lake = workspace.lake()
    for number in range(4):
        lake.append(TRIPS, trip("a", number), number + 1)
    small = VehicleRows(lake, most_bytes=1)
    assert numbers(small, "a") == numbers(small, "a") == [0, 1, 2, 3]


def test_telemetry_is_read_while_its_files_are_joined_and_removed(views: Views, workspace: Workspace) -> None:
    lake = workspace.lake()
    for part in range(4):
        seconds = range(part * 10, part * 10 + 10)
        sealed(workspace, rows("north-1", seconds, pack_voltage_v=1.0), rows("north-2", seconds, pack_voltage_v=2.0))
        built(workspace)
        assert seconds_of(views.samples.rows("north-1", *ALL, VOLT)) == list(range(part * 10 + 10))
    compact_telemetry(lake)
    clean_up(lake, TELEMETRY, 0)
    found = views.samples.rows("north-1", *ALL, VOLT)
    assert seconds_of(found) == list(range(40))
    assert set(found.column("pack_voltage_v").to_pylist()) == {1.0}


def test_a_table_that_cannot_be_read_is_named(workspace: Workspace) -> None:
    lake = workspace.lake()
    lake.append(TRIPS, trip("a", 0), 1)
    (file,) = (Path(lake.place(TRIPS).uri)).glob("*.parquet")
    file.write_bytes(b"PAR1 damaged PAR1")
    with pytest.raises(WorkspaceError, match=r"lake table .*trips cannot be read"):
        VehicleRows(lake).trips("a")
    file.unlink()
    with pytest.raises(WorkspaceError, match=r"lake table .*trips cannot be read"):
        VehicleRows(Lake(workspace.lake_dir)).trips("a")
