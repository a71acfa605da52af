from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.store.test_telemetry import HOUR_US, rows
from twinpack.store import telemetry_pieces
from twinpack.store.export import Wanted, export
from twinpack.store.lake import Lake
from twinpack.store.tables import TABLES, TRIPS
from twinpack.store.telemetry import TelemetryTable
from twinpack.telemetry.bdf import BDF_COLUMNS, BDF_REQUIRED
from twinpack.telemetry.profiles import shipped_profile
from twinpack.telemetry.schema import SIGNALS


def test_telemetry_comes_by_day_vehicle_and_time_whatever_fits_into_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = Lake(tmp_path / "lake")
    table = TelemetryTable(lake)
    table.append(pa.concat_tables([rows(0, 50, "car-2"), rows(50, 50, "car-1")]), 100)
    table.append(rows(100, 20, "car-1", start_us=HOUR_US // 2), 120)
    found = []
    for most in (1_000_000, 60, 10):
        monkeypatch.setattr(telemetry_pieces, "PIECE_ROWS", most)
        assert export(lake, Wanted(), tmp_path / "all.parquet", "parquet") == 120
        found.append(pq.read_table(tmp_path / "all.parquet"))
    assert found[0] == found[1] == found[2]
    keys = found[0].select(["vehicle_id", "sample_time"]).to_pylist()
    assert keys == sorted(keys, key=lambda row: (row["sample_time"].date(), row["vehicle_id"], row["sample_time"]))


def test_another_table_is_written_too(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    trips = [
        {"vehicle_id": vehicle, "number": 1, "start_us": HOUR_US * at, "offset": at}
        for at, vehicle in enumerate(["car-1", "car-2", "car-1"])
    ]
    lake.append(TRIPS, pa.Table.from_pylist(trips, schema=TABLES[TRIPS].schema), 3)
    assert export(lake, Wanted(TRIPS, ("car-1",)), tmp_path / "trips.csv", "csv") == 2
    assert (tmp_path / "trips.csv").read_text().splitlines()[1].startswith('"car-1",1,,0,')


def test_what_is_not_there_gives_a_file_without_rows(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    assert export(lake, Wanted(), tmp_path / "x.parquet", "parquet") == 0
    assert pq.read_table(tmp_path / "x.parquet").num_rows == 0


def test_a_broken_lake_leaves_the_file_that_was_there(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    TelemetryTable(lake).append(rows(0, 50), 50)
    next((tmp_path / "lake" / "telemetry").glob("*/*/*.parquet")).write_bytes(b"")
    (tmp_path / "x.csv").write_text("before")
    with pytest.raises(Exception, match="cannot be read"):
        export(lake, Wanted(), tmp_path / "x.csv", "csv")
    assert (tmp_path / "x.csv").read_text() == "before"
    assert len(list(tmp_path.iterdir())) == 2


def test_the_import_profile_knows_every_label_written() -> None:
    profile = shipped_profile("bdf")
    for signal, label in BDF_COLUMNS.items():
        names = profile.signals[signal].column
        assert label in ([names] if isinstance(names, str) else names or [])
        assert SIGNALS[signal].unit == label.partition(" / ")[2]
    assert set(BDF_REQUIRED) < set(BDF_COLUMNS)
