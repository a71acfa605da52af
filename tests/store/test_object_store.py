"""A lake under an `s3://` URL, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.store.s3 import contents, object_store
from tests.store.test_maintenance import everything, fill
from tests.store.test_telemetry import offsets, rows
from twinpack.errors import WorkspaceError
from twinpack.store.export import Wanted, export
from twinpack.store.lake import Lake
from twinpack.store.maintenance import clean_up, compact_telemetry
from twinpack.store.query import query
from twinpack.store.settings import LakeSettings, Settings
from twinpack.store.tables import TABLES, TRIPS
from twinpack.store.telemetry import TelemetryTable
from twinpack.store.workspace import Workspace

URL = "s3://fleet/one"


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An object store to which the environment holds the key; its address."""
    with object_store() as address:
        for name, value in {
            "AWS_ENDPOINT_URL": address,
            "AWS_ACCESS_KEY_ID": "someone",
            "AWS_SECRET_ACCESS_KEY": "never-to-be-seen",
            "AWS_REGION": "eu-central-1",
            "AWS_ALLOW_HTTP": "true",
        }.items():
            monkeypatch.setenv(name, value)
        yield address


def test_tables_live_in_a_bucket_as_they_do_in_a_folder(store: str, tmp_path: Path) -> None:
    here, there = Lake(tmp_path / "lake"), Lake(URL, tmp_path / "locks")
    for lake in (here, there):
        end = len(fill(lake, parts=2, days=1, vehicles=2))
        assert compact_telemetry(lake, parts=2) == 1
        TelemetryTable(lake).append(rows(end, 3), end + 3)
        assert TelemetryTable(lake).append(rows(0, 5), 5) == 0
        trips = [{"vehicle_id": "car-1", "number": number, "offset": number} for number in range(2)]
        for number in range(2):
            lake.append(TRIPS, pa.Table.from_pylist(trips[number:][:1], schema=TABLES[TRIPS].schema), number + 1)
        assert lake.compact(TRIPS)
        assert clean_up(lake, "telemetry", 0.0) == 2
        assert export(lake, Wanted(vehicles=("car-1",)), tmp_path / "out.parquet", "parquet") == 11
        assert pq.read_table(tmp_path / "out.parquet").num_rows == 11
    assert everything(there) == everything(here)
    assert there.read(TRIPS) == here.read(TRIPS)
    assert there.recorded_offset(TRIPS) == 2
    found = contents(store)
    assert all(key.startswith("one/") for key in found)
    assert b"never-to-be-seen" not in b"".join(found.values())


def test_a_workspace_uses_the_url_of_its_settings(store: str, tmp_path: Path) -> None:
    workspace = Workspace.open(tmp_path / "home", settings=Settings(lake=LakeSettings(url=URL)))
    TelemetryTable(workspace.lake()).append(rows(0, 30), 30)
    found = query(workspace, "select count(*) n, max(soc_pct) soc from telemetry where vehicle_id = 'car-1'")
    assert found.to_pylist() == [{"n": 30, "soc": 29.0}]
    assert not list((tmp_path / "home" / "lake").glob("*/*"))
    assert contents(store)


def test_a_store_that_is_away_is_an_error_that_names_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    with object_store() as address:
        pass
    settings = {"AWS_ENDPOINT_URL": address, "AWS_ALLOW_HTTP": "true", "AWS_REGION": "x", "AWS_MAX_RETRIES": "0"}
    for name, value in (settings | {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "never-to-be-seen"}).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(WorkspaceError, match="s3://fleet/one/telemetry") as caught:
        TelemetryTable(Lake(URL)).append(rows(0, 3), 3)
    assert "never-to-be-seen" not in str(caught.value)


def test_without_a_lock_the_second_of_two_commits_is_refused(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from twinpack.store import telemetry

    table, real = TelemetryTable(Lake(URL)), telemetry.commit
    table.append(rows(0, 5), 5)

    def late(*arguments: object) -> None:
        monkeypatch.setattr(telemetry, "commit", real)
        TelemetryTable(Lake(URL)).append(rows(5, 5), 10)  # another one is quicker
        real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(telemetry, "commit", late)
    with pytest.raises(WorkspaceError, match="cannot be written"):
        table.append(rows(5, 10), 15)
    assert table.append(rows(5, 10), 15) == 5
    assert offsets(Lake(URL)) == list(range(15))
