from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from twinpack.errors import SettingsError
from twinpack.store import telemetry_files
from twinpack.store.lake import Lake
from twinpack.store.telemetry import TelemetryTable
from twinpack.store.telemetry_files import VehicleContext
from twinpack.telemetry.identifiers import shard_of

HOUR_US = 3_600_000_000


def rows(first: int, count: int, vehicle: str = "car-1", start_us: int = 0) -> pa.Table:
    """Samples of a vehicle at every hour, with offsets from `first` on."""
    times = pa.array([start_us + HOUR_US * at for at in range(count)]).cast(pa.timestamp("us", tz="UTC"))
    return pa.table(
        {
            "vehicle_id": pa.array([vehicle] * count),
            "sample_time": times,
            "receipt_time": times,
            "soc_pct": pa.array([float(at) for at in range(count)]),
            "offset": pa.array(range(first, first + count), pa.int64()),
        }
    )


def offsets(lake: Lake) -> list[int]:
    found: list[int] = lake.read("telemetry").column("offset").to_pylist()
    return sorted(found)


def test_rows_are_added_once_whatever_the_batches(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    table = TelemetryTable(lake)
    assert table.offset == 0
    assert table.append(rows(0, 10), 10) == 10
    assert table.append(rows(0, 10), 10) == 0
    assert table.append(rows(5, 10), 15) == 5
    assert table.append(rows(0, 4), 4) == 0
    assert (offsets(lake), table.offset) == (list(range(15)), 15)


def test_a_batch_without_rows_moves_the_offset(tmp_path: Path) -> None:
    table = TelemetryTable(Lake(tmp_path))
    assert table.append(rows(0, 0), 7) == 0
    assert TelemetryTable(Lake(tmp_path)).offset == 7


def test_two_writers_at_once_add_each_row_once(tmp_path: Path) -> None:
    def write(_: int) -> int:
        table = TelemetryTable(Lake(tmp_path))
        return sum(table.append(rows(first, 20), first + 20) for first in range(0, 200, 20))

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(write, range(4))) == 200
    assert offsets(Lake(tmp_path)) == list(range(200))


def test_files_lie_in_days_and_buckets_and_are_found_by_their_vehicles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telemetry_files, "FILE_ROWS", 10)
    lake = Lake(tmp_path)
    both = pa.concat_tables([rows(0, 30, "car-1"), rows(30, 30, "car-2")])
    TelemetryTable(lake, buckets=4).append(both, 60, {"car-1": VehicleContext(fleet="north", model_year=2024)})
    TelemetryTable(lake, buckets=9).append(rows(60, 30, "car-3"), 90)
    table = lake.open("telemetry")
    assert table is not None
    added = pa.table(table.get_add_actions(flatten=True)).to_pylist()
    assert {one["partition.day"] for one in added} == {date(1970, 1, 1), date(1970, 1, 2)}
    assert all(one["num_records"] <= 10 for one in added)
    assert all(one["partition.bucket"] < 4 for one in added), "how many buckets there are is fixed at the beginning"
    for one in added:
        assert one["partition.bucket"] == shard_of(one["min.vehicle_id"], 4)
    known = lake.read("telemetry", ["fleet", "model_year", "climate"], vehicle="car-1")
    assert known.to_pylist() == [{"fleet": "north", "model_year": 2024, "climate": None}] * 30
    assert lake.read("telemetry", ["fleet"], vehicle="car-2").column(0).null_count == 30


def test_a_vehicle_is_read_from_its_bucket_alone(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    cars = [f"car-{number}" for number in range(8)]
    TelemetryTable(lake, buckets=3).append(
        pa.concat_tables([rows(20 * at, 20, car) for at, car in enumerate(cars)]), 160
    )
    mine = shard_of("car-3", 3)
    others = [path for path in (tmp_path / "telemetry").glob("day=*/*/*") if f"bucket={mine}" not in str(path)]
    assert others
    for path in others:
        path.write_bytes(b"not to be read")
    assert lake.read("telemetry", ["offset"], vehicle="car-3").column(0).to_pylist() == list(range(60, 80))


def test_other_tools_find_the_offset_still_there(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    table = TelemetryTable(lake)
    for first in range(0, 20, 10):
        table.append(rows(first, 10), first + 10)
    other = DeltaTable(tmp_path / "telemetry")
    other.optimize.compact()
    other.create_checkpoint()
    assert table.append(rows(10, 20), 30) == 10
    assert offsets(lake) == list(range(30))


@pytest.mark.parametrize("name", ["lake", "a lake"])
def test_a_lake_named_by_a_file_url(tmp_path: Path, name: str) -> None:
    lake = Lake(f"file://{quote(str(tmp_path / name))}")
    TelemetryTable(lake).append(rows(0, 5), 5)
    assert offsets(Lake(tmp_path / name)) == list(range(5))


@pytest.mark.parametrize("url", ["ftp://host/x", "s3:/bucket", "some/folder"])
def test_what_is_neither_a_whole_path_nor_a_known_url_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match=f"lake url '{url}'"):
        Lake(url)


def test_a_file_url_has_no_host() -> None:
    with pytest.raises(SettingsError, match="with three /"):
        Lake("file://some/folder")
