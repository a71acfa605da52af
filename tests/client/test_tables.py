"""Answers as tables."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime

import duckdb
import pandas
import polars
import pyarrow as pa
import pytest

from twinpack.client.tables import Table, of_columns, of_rows, of_stream
from twinpack.errors import InputError
from twinpack.views.shapes.common import Shape
from twinpack.views.shapes.data import ImportItem
from twinpack.views.shapes.fleet import AlarmCounts, VehicleRow
from twinpack.views.shapes.twin import Version
from twinpack.views.shapes.vehicle import CellSeries
from twinpack.views.shapes.workshop import Maintenance

AT = datetime(2026, 11, 22, 13, 31, tzinfo=UTC)
ROW = VehicleRow(
    vehicle_id="HF-0417",
    fleet="harbour",
    pack="nmc",
    age_years=2.5,
    distance_km=None,
    health_pct=87.4,
    deviation_pts=-3.1,
    resistance_x=None,
    soc_pct=None,
    trend_pct=[90.0, None],
    alarms=AlarmCounts(critical=1),
    reporting="late",
    last_seen_at=AT,
    overdue=False,
)


def test_a_row_is_a_row() -> None:
    table = of_rows(VehicleRow, [ROW])

    assert len(table) == 1
    assert table["vehicle_id"] == ["HF-0417"]
    assert table["alarms_critical"] == [1]
    assert table["trend_pct"] == [[90.0, None]]
    assert table["last_seen_at"] == [AT]
    assert next(iter(table))["reporting"] == "late"


@pytest.mark.parametrize("shape", [VehicleRow, Version, Maintenance, ImportItem])
def test_no_rows_have_the_same_columns(shape: type[Shape]) -> None:
    table = of_rows(shape, [])

    assert len(table) == 0
    assert not [column.name for column in table.arrow.schema if pa.types.is_null(column.type)]


def test_types_are_those_of_the_shape_even_where_nothing_is_known() -> None:
    schema = of_rows(VehicleRow, [ROW]).arrow.schema

    assert schema.field("distance_km").type == pa.float64()
    assert schema.field("model_year").type == pa.int64()
    assert schema.field("last_seen_at").type == pa.timestamp("us", tz="UTC")
    assert of_rows(Maintenance, []).arrow.schema.field("done_on").type == pa.date32()


def test_what_has_no_columns_of_its_own_is_json() -> None:
    class Loose(Shape):
        at: date
        told: dict[str, int]

    assert of_rows(Loose, [Loose(at=date(2026, 1, 1), told={"a": 1})])["told"] == ['{"a": 1}']


def test_columns_become_a_table_and_figures_stand_beside_it() -> None:
    series = CellSeries(
        vehicle_id="HF-1",
        cell=7,
        time_ms=[1000, 2000],
        voltage_v=[3.9, None],
        median_v=[None, None],
        p10_v=[],
        p90_v=[],
    )

    table = of_columns(series, ["time_ms", "voltage_v", "median_v"])

    assert table.columns == ["time", "voltage_v", "median_v"]
    assert table["time"] == [datetime(1970, 1, 1, 0, 0, second, tzinfo=UTC) for second in (1, 2)]
    assert table.arrow.schema.field("median_v").type == pa.float64()
    assert table.about == {"vehicle_id": "HF-1", "cell": 7}


def test_other_libraries_take_it() -> None:
    table = of_rows(VehicleRow, [ROW, ROW])

    assert isinstance(table.to_pandas(), pandas.DataFrame)
    assert table.to_pandas().shape[0] == 2
    assert table.to_polars()["deviation_pts"].to_list() == [-3.1, -3.1]
    assert polars.DataFrame(table).height == 2
    assert pa.table(table).num_rows == 2
    assert duckdb.from_arrow(table.arrow).aggregate("count(*)").fetchall() == [(2,)]


@pytest.mark.parametrize("package", ["pandas", "polars"])
def test_a_library_that_is_not_there_is_named(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    table = of_rows(VehicleRow, [ROW])

    with pytest.raises(InputError, match=f"pip install {package}"):
        getattr(table, f"to_{package}")()


def test_a_stream_is_read_with_what_is_said_of_it() -> None:
    table = pa.table({"n": [1, 2]}).replace_schema_metadata({"twinpack.step_ms": "1000", "other": "x"})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)

    read = of_stream(sink.getvalue().to_pybytes())

    assert read == Table(read.arrow, {"step_ms": 1000})
    assert read["n"] == [1, 2]
