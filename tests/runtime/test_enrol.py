"""A vehicle that a person entered is known to the fold before its first sample."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.runtime.workspaces import begin, bring, bring_file, record
from tests.twin.garage import ARTIFACT, PACK, START_US, healthy
from twinpack.battery.pack import pack_text
from twinpack.errors import InputError
from twinpack.ingest.log import SegmentLog
from twinpack.runtime.enrol import enrol
from twinpack.runtime.run import run
from twinpack.store.fleet_records import VehicleEntry
from twinpack.store.workspace import Workspace


def enter(workspace: Workspace, *names: str) -> None:
    with workspace.registry() as registry:
        enrol(workspace, registry, [VehicleEntry(name, pack=PACK) for name in names])


def test_entered_before_its_samples_a_vehicle_has_the_same_versions(tmp_path: Path) -> None:
    plain = begin(tmp_path / "plain", healthy("car-1", 3))
    run(plain)
    entered = begin(tmp_path / "entered")
    enter(entered, "car-1")
    assert run(entered).vehicles == 1
    bring(entered, healthy("car-1", 3))
    run(entered)
    assert record(entered)["versions"] == record(plain)["versions"]
    assert len(record(entered)["versions"]["car-1"]) > 1


def test_an_entry_is_dated_at_the_newest_row_and_ends_no_session(tmp_path: Path) -> None:
    workspace = begin(tmp_path / "home", healthy("car-1", 1))
    log = SegmentLog(workspace.log_dir)
    newest = log.last_receipt_us()
    assert newest > START_US
    end = log.end_offset
    enter(workspace, "car-2", "car-3")
    ((first, rows),) = SegmentLog(workspace.log_dir).read(end)
    assert first == end
    assert rows.column("receipt_time").cast("int64").to_pylist() == [newest, newest]


def test_a_vehicle_that_was_registered_is_not_registered_again(tmp_path: Path) -> None:
    workspace = begin(tmp_path / "home", healthy("car-1", 1))
    run(workspace)
    end = SegmentLog(workspace.log_dir).end_offset
    enter(workspace, "car-1")
    assert SegmentLog(workspace.log_dir).end_offset == end


def test_a_vehicle_keeps_the_pack_it_was_entered_with_whatever_an_import_says(tmp_path: Path) -> None:
    workspace = begin(tmp_path / "home")
    enter(workspace, "car-1")
    path = tmp_path / "other.parquet"
    pq.write_table(healthy("car-1", 2).table(), path)
    bring_file(workspace, path, pack="bmw_i3_60ah")
    summary = run(workspace)
    assert (summary.vehicles, summary.without_model) == (1, ())
    with workspace.registry() as registry:
        assert registry.vehicle("car-1").pack == PACK


def test_a_pack_that_an_import_brought_is_known_by_name_afterwards(tmp_path: Path) -> None:
    text = pack_text(PACK).replace("capacity_ah = 150.0", "capacity_ah = 149.0").replace(f'"{PACK}"', '"own"')
    workspace = begin(tmp_path / "home")
    with workspace.registry() as registry:
        workspace.artifacts(registry).save({**ARTIFACT, "pack": "own"}, pack="own")
    path = tmp_path / "other.parquet"
    pq.write_table(healthy("car-1", 2).table(), path)
    bring_file(workspace, path, pack=text)
    assert run(workspace).without_model == ()
    with workspace.registry() as registry:
        known = registry.fleet.known()["car-1"]
        assert (known.pack_name, known.pack) == ("own", text)
        spec = registry.fleet.specification("own")
        assert spec is not None and spec.capacity_ah == 149.0


def test_an_entry_that_failed_can_be_made_again(tmp_path: Path) -> None:
    workspace = begin(tmp_path / "home")
    enter(workspace, "car-1")
    with pytest.raises(InputError, match="'car-1' was entered before"):
        enter(workspace, "car-2", "car-1")
    enter(workspace, "car-2")
    bring(workspace, healthy("car-2", 1))
    summary = run(workspace)
    assert (summary.vehicles, summary.unknown) == (2, 0)
