from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from deltalake import DeltaTable, write_deltalake

from tests.store.chains import plain_event
from twinpack.errors import WorkspaceError
from twinpack.fleet.events import TRIP, Event
from twinpack.store.lake import Lake
from twinpack.store.tables import PREDICTION_STEPS, PREDICTIONS, TABLES, TRIPS, conform, rows_of


@dataclass
class Trips:
    """Makes rows of the trips table."""

    schema: pa.Schema = TABLES[TRIPS].schema

    def at(self, *offsets: int, vehicle: str = "car-1") -> pa.Table:
        rows = [{"vehicle_id": vehicle, "number": offset, "offset": offset} for offset in offsets]
        return pa.Table.from_pylist(rows, schema=self.schema)


TRIP_ROWS = Trips()


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path)


def _numbers(lake: Lake, **how: Any) -> list[int]:
    numbers: list[int] = lake.read(TRIPS, **how).column("number").to_pylist()
    return numbers


def test_a_table_that_is_not_there_reads_as_empty(lake: Lake) -> None:
    for name, table in TABLES.items():
        assert lake.read(name).schema == table.schema
        assert lake.dataset(name) is None
    assert lake.read(TRIPS, columns=["number"]).schema.names == ["number"]
    assert lake.recorded_offset(TRIPS) == 0
    assert not lake.compact(TRIPS)


def test_rows_come_back_with_their_types_in_the_order_of_the_log(lake: Lake) -> None:
    assert lake.append(TRIPS, TRIP_ROWS.at(3, 1), 10) == 2
    assert lake.append(TRIPS, TRIP_ROWS.at(12), 20) == 1
    rows = lake.read(TRIPS)
    assert rows.schema == TRIP_ROWS.schema
    assert rows.column("number").to_pylist() == [1, 3, 12]


def test_a_batch_appended_again_adds_nothing(lake: Lake) -> None:
    lake.append(TRIPS, TRIP_ROWS.at(1, 3), 10)
    assert lake.append(TRIPS, TRIP_ROWS.at(1, 3), 10) == 0
    assert _numbers(lake) == [1, 3]


def test_rows_cut_into_other_batches_add_only_what_is_new(lake: Lake, tmp_path: Path) -> None:
    lake.append(TRIPS, TRIP_ROWS.at(1, 3), 10)
    assert Lake(tmp_path).append(TRIPS, TRIP_ROWS.at(3, 12), 15) == 1
    assert lake.append(TRIPS, TRIP_ROWS.at(1), 2) == 0
    assert lake.append(TRIPS, TRIP_ROWS.at(12, 17), 20) == 1
    assert _numbers(lake) == [1, 3, 12, 17]
    assert lake.recorded_offset(TRIPS) == 20


def test_an_empty_batch_makes_no_commit(lake: Lake) -> None:
    assert lake.append(TRIPS, TRIP_ROWS.at(), 10) == 0
    assert lake.recorded_offset(TRIPS) == 0


def test_a_row_beyond_its_batch_is_a_mistake_of_the_caller(lake: Lake) -> None:
    with pytest.raises(ValueError, match="not below 10"):
        lake.append(TRIPS, TRIP_ROWS.at(10), 10)


def test_missing_and_unknown_columns_are_named(lake: Lake) -> None:
    table = TRIP_ROWS.at(1).drop_columns(["samples"]).append_column("colour", pa.array(["red"]))
    with pytest.raises(ValueError, match=r"missing columns \['samples'\], unknown columns \['colour'\]"):
        lake.append(TRIPS, table, 10)


def test_compaction_keeps_rows_and_offset(lake: Lake, tmp_path: Path) -> None:
    for offset in range(5):
        lake.append(TRIPS, TRIP_ROWS.at(10 * offset), 10 * offset + 10)
    assert not lake.compact(TRIPS, min_files=6)
    assert lake.compact(TRIPS)
    assert len(DeltaTable(tmp_path / TRIPS).file_uris()) == 1
    assert lake.append(TRIPS, TRIP_ROWS.at(40), 50) == 0
    assert _numbers(lake) == [0, 10, 20, 30, 40]


def test_compaction_that_cannot_be_done_says_so_and_changes_nothing(lake: Lake, tmp_path: Path) -> None:
    for offset in range(3):
        lake.append(TRIPS, TRIP_ROWS.at(10 * offset), 10 * offset + 10)
    lost = next((tmp_path / TRIPS).glob("*.parquet"))
    content = lost.read_bytes()
    lost.unlink()
    with pytest.raises(WorkspaceError, match="trips cannot be compacted"):
        lake.compact(TRIPS)
    lost.write_bytes(content)
    assert _numbers(lake) == [0, 10, 20]


def test_the_offset_is_found_behind_commits_of_other_tools(lake: Lake, tmp_path: Path) -> None:
    for offset in range(3):
        lake.append(TRIPS, TRIP_ROWS.at(offset), offset + 1)
    DeltaTable(tmp_path / TRIPS).optimize.compact()
    assert lake.recorded_offset(TRIPS) == 3


def test_the_offset_is_taken_from_the_rows_when_no_commit_tells_it(lake: Lake, tmp_path: Path) -> None:
    write_deltalake(tmp_path / TRIPS, TRIP_ROWS.at(4, 7))
    assert lake.recorded_offset(TRIPS) == 8
    assert lake.append(TRIPS, TRIP_ROWS.at(7, 9), 10) == 1


def test_rows_are_chosen_by_vehicle_columns_and_filters(lake: Lake) -> None:
    lake.append(TRIPS, pa.concat_tables([TRIP_ROWS.at(1, 2, 3), TRIP_ROWS.at(4, 5, vehicle="car-2")]), 10)
    assert _numbers(lake, vehicle="car-2") == [4, 5]
    assert _numbers(lake, vehicle=["car-1", "car-2"], filters=pc.field("number") > 2) == [3, 4, 5]
    assert _numbers(lake, filters=[("number", ">", 1), ("vehicle_id", "=", "car-1")]) == [2, 3]
    assert lake.read(TRIPS, columns=["number", "vehicle_id"]).schema.names == ["number", "vehicle_id"]
    assert _numbers(lake, vehicle="car-9") == []


def test_a_table_of_an_earlier_release_reads_and_grows(lake: Lake, tmp_path: Path) -> None:
    old = TRIP_ROWS.at(1).drop_columns(["closed_by"])
    write_deltalake(tmp_path / TRIPS, old)
    assert lake.read(TRIPS).column("closed_by").to_pylist() == [None]
    lake.append(TRIPS, TRIP_ROWS.at(5), 6)
    assert _numbers(lake) == [1, 5]


def test_a_dataset_serves_duckdb(lake: Lake) -> None:
    lake.append(TRIPS, TRIP_ROWS.at(1, 2), 10)
    trips = lake.dataset(TRIPS)
    assert trips is not None
    with duckdb.connect() as connection:
        connection.register("trips", trips)
        assert connection.execute("SELECT count(*) FROM trips").fetchall() == [(2,)]


def test_a_damaged_table_is_named(lake: Lake, tmp_path: Path) -> None:
    lake.append(TRIPS, TRIP_ROWS.at(1), 10)
    for file in (tmp_path / TRIPS).glob("*.parquet"):
        file.unlink()
    with pytest.raises(WorkspaceError, match=r"lake table .*trips cannot be read"):
        lake.read(TRIPS)


def test_step_predictions_take_double_precision_and_keep_single(lake: Lake) -> None:
    schema = TABLES[PREDICTION_STEPS].schema
    given = {
        field.name: pa.array([350.25], pa.float64()).cast(pa.float64() if field.type == pa.float32() else field.type)
        for field in schema
        if pa.types.is_floating(field.type)
    }
    given |= {
        "vehicle_id": pa.array(["car-1"]),
        "trip_number": pa.array([1]),
        "sample_time": pa.array([5], pa.timestamp("us", tz="UTC")),
        "scored": pa.array([True]),
        "offset": pa.array([7]),
    }
    lake.append(PREDICTION_STEPS, pa.table(given), 8)
    rows = lake.read(PREDICTION_STEPS, vehicle="car-1")
    assert rows.schema == schema
    assert rows.column("measured_v").to_pylist() == [350.25]


def test_rows_are_made_of_the_bodies_of_events() -> None:
    values: dict[str, Any] = {field.name: None for field in TABLES[TRIPS].schema}
    body = SimpleNamespace(**values | {"vehicle_id": "car-1", "number": 4, "kind": "driving", "temp_max_c": 31.5})
    events = [Event("id", "car-1", 5, TRIP, 9, body), plain_event("car-1", "prediction", 9)]
    rows = rows_of(TRIPS, events)
    assert rows.num_rows == 1
    assert rows.select(["number", "kind", "temp_max_c", "offset"]).to_pylist() == [
        {"number": 4, "kind": "driving", "temp_max_c": 31.5, "offset": 9}
    ]
    assert rows_of(PREDICTIONS, []).schema == TABLES[PREDICTIONS].schema


def test_conforming_orders_the_columns() -> None:
    table = TRIP_ROWS.at(1)
    shuffled = table.select(table.column_names[::-1])
    assert conform(TRIPS, shuffled) == table
