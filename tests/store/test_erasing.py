"""What is erased is gone from every table, and nothing else is."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from tests.store.test_telemetry import HOUR_US, rows
from twinpack.store import telemetry_pieces
from twinpack.store.erasing import Erased, erase
from twinpack.store.lake import Lake, at_offset
from twinpack.store.maintenance import clean_up, compact_telemetry
from twinpack.store.tables import DEAD_LETTERS, FEATURES, PREDICTION_STEPS, TABLES, TELEMETRY, TRIPS
from twinpack.store.telemetry import TelemetryTable

DAY_US = 24 * HOUR_US


def seen(lake: Lake, vehicle: str) -> list[int]:
    """Log offsets of a vehicle's samples."""
    found: list[int] = lake.read(TELEMETRY, ["offset"], vehicle=vehicle).column("offset").to_pylist()
    return sorted(found)


@pytest.fixture(params=[1, 4], ids=["one bucket", "four buckets"])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Lake:
    """Two vehicles, each with two hours of two days, in two batches each."""
    lake = Lake(tmp_path / "lake")
    table = TelemetryTable(lake, request.param)
    for number, (start, vehicle) in enumerate(
        [(0, "car-1"), (0, "car-2"), (DAY_US, "car-1"), (DAY_US, "car-2"), (DAY_US + HOUR_US, "car-1")]
    ):
        table.append(rows(10 * number, 10, vehicle, start_us=start), 10 * (number + 1))
    return lake


def test_telemetry_of_one_vehicle_and_time_goes(lake: Lake) -> None:
    others = seen(lake, "car-2")
    assert erase(lake, "car-1", DAY_US + HOUR_US, DAY_US + 2 * HOUR_US) == Erased(2, 1, 0)
    assert seen(lake, "car-1") == [*range(10), 20, *range(22, 30), *range(41, 50)]
    assert seen(lake, "car-2") == others
    assert lake.recorded_offset(TELEMETRY) == 50
    assert erase(lake, "car-1", DAY_US + HOUR_US, DAY_US + 2 * HOUR_US) == Erased(0, 0, 0), (
        "a second time finds nothing"
    )


def test_open_ends_take_all_of_a_vehicle(lake: Lake) -> None:
    assert erase(lake, "car-1", None, None) == Erased(30, 2, 0)
    assert seen(lake, "car-1") == []
    assert len(seen(lake, "car-2")) == 20
    assert TelemetryTable(lake).append(rows(60, 5, "car-1"), 70) == 5, "what comes later is taken as ever"


def test_the_files_are_gone_once_they_are_cleaned_up(lake: Lake, tmp_path: Path) -> None:
    before = set((tmp_path / "lake" / "telemetry").rglob("*.parquet"))
    erase(lake, "car-1", None, None)
    clean_up(lake, TELEMETRY, 0)
    assert not before & set((tmp_path / "lake" / "telemetry").rglob("*.parquet")) or len(seen(lake, "car-2")) == 20
    texts = b"".join(path.read_bytes() for path in (tmp_path / "lake" / "telemetry").rglob("*.parquet"))
    assert b"car-1" not in texts
    assert b"car-2" in texts


def test_a_day_larger_than_memory_is_rewritten_in_pieces(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry_pieces, "PIECE_ROWS", 4)
    assert erase(lake, "car-1", None, None).samples == 30
    assert len(seen(lake, "car-2")) == 20


def test_what_is_left_can_be_compacted(lake: Lake) -> None:
    erase(lake, "car-1", None, DAY_US)
    compact_telemetry(lake, 1)
    assert (len(seen(lake, "car-1")), len(seen(lake, "car-2"))) == (20, 20)


def test_other_tables_lose_the_rows_of_the_time(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    cars = [(number, f"car-{1 + number % 2}") for number in range(6)]
    day = {number: datetime.fromtimestamp(number * 86_400, UTC) for number, _ in cars}
    made = {
        TRIPS: [{"vehicle_id": car, "start_us": at * DAY_US, "offset": at} for at, car in cars],
        PREDICTION_STEPS: [{"vehicle_id": car, "sample_time": day[at], "offset": at} for at, car in cars],
        FEATURES: [
            {"vehicle_id": car, "day": day[at].date(), "month": day[0].date().replace(day=1), "offset": at}
            for at, car in cars
        ],
    }
    for name, found in made.items():
        lake.append(name, pa.Table.from_pylist(found, schema=TABLES[name].schema), 6)
    letters = [{"vehicle_id": car, "imported_at": day[at], "row": at} for at, car in cars]
    lake.add(DEAD_LETTERS, pa.Table.from_pylist(letters, schema=TABLES[DEAD_LETTERS].schema))
    # Of days 2 and 4 of car-1; of days, the one it ends on too.
    assert erase(lake, "car-1", 2 * DAY_US, 4 * DAY_US) == Erased(0, 0, 1 + 1 + 2 + 1)
    for name in made:
        assert lake.recorded_offset(name) == 6
        assert lake.read(name, ["vehicle_id"]).column("vehicle_id").to_pylist().count("car-2") == 3
    assert lake.read(TRIPS, ["offset"], vehicle="car-1").column("offset").to_pylist() == [0, 4]
    assert lake.read(FEATURES, ["offset"], vehicle="car-1").column("offset").to_pylist() == [0]


def test_a_lake_without_tables_has_nothing_to_erase(tmp_path: Path) -> None:
    assert erase(Lake(tmp_path / "lake"), "car-1", None, None) == Erased(0, 0, 0)


def test_a_table_in_folders_keeps_them(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    days = [date(2026, month, 3) for month in (1, 2, 3)]
    found = [
        {"vehicle_id": car, "day": day, "month": day.replace(day=1), "offset": 3 * place + at}
        for place, car in enumerate(["car-1", "car-2"])
        for at, day in enumerate(days)
    ]
    table = pa.Table.from_pylist(found, schema=TABLES[FEATURES].schema)
    write_deltalake(lake.place(FEATURES).uri, table, partition_by=["month"], commit_properties=at_offset(6))
    assert erase(lake, "car-1", round(datetime(2026, 2, 1, tzinfo=UTC).timestamp() * 1e6), None) == Erased(0, 0, 2)
    left = lake.read(FEATURES, ["vehicle_id", "day", "month"]).to_pylist()
    assert [(one["vehicle_id"], one["day"]) for one in left] == [("car-1", days[0]), *(("car-2", day) for day in days)]
    assert all(one["month"] == one["day"].replace(day=1) for one in left)
    assert lake.recorded_offset(FEATURES) == 6
