from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.fs as pa_fs
import pytest

from tests.store.alarms.made import at, finding
from tests.store.test_telemetry import HOUR_US, rows
from twinpack.errors import QueryError
from twinpack.store.fleet_records import VehicleEntry
from twinpack.store.lake import Lake
from twinpack.store.query import Limits, query, rows_of_query
from twinpack.store.records import VehicleRecord
from twinpack.store.registry import MAIN_STREAM
from twinpack.store.registry_tables import REGISTRY_TABLES
from twinpack.store.tables import TABLES
from twinpack.store.telemetry import TelemetryTable
from twinpack.store.workshop.records import MaintenanceRecord
from twinpack.store.workspace import Workspace


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Two vehicles with ten days of samples."""
    workspace = Workspace.open(tmp_path_factory.mktemp("query") / "home")
    TelemetryTable(workspace.lake()).append(pa.concat_tables([rows(0, 240, "car-1"), rows(240, 240, "car-2")]), 480)
    latest = {"car-1": {"last_seen_us": HOUR_US, "soc": 0.5, "version": 2, "parameters": {"capacity_scale": 0.9}}}
    with workspace.registry() as registry:
        registry.commit_batch(MAIN_STREAM, 0, 1, [], latest, [VehicleRecord("car-1", "sim_nmc_96s", "", 5)])
        registry.fleet.enter([VehicleEntry("car-2", pack="sim_nmc_96s", model_year=2023)])
    return workspace


def values(workspace: Workspace, sql: str, limits: Limits | None = None) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in query(workspace, sql, limits or Limits()).to_pylist()]


def test_every_table_can_be_asked(workspace: Workspace) -> None:
    names = {str(name) for (name,) in values(workspace, "show tables")}
    assert names == {*TABLES, *REGISTRY_TABLES}
    for name in names:
        described = values(workspace, f"describe {name}")
        schema = TABLES[name].schema if name in TABLES else REGISTRY_TABLES[name][0]
        assert [row[0] for row in described] == schema.names
        query(workspace, f"select * from {name}")


def test_the_registry_stands_beside_the_lake(workspace: Workspace) -> None:
    sql = "select v.vehicle_id, v.model_year, soc, parameters['capacity_scale'], count(*) from vehicles v "
    sql += "left join latest l using (vehicle_id) join Telemetry t using (vehicle_id) group by all order by 1"
    assert values(workspace, sql) == [("car-1", None, 0.5, 0.9, 240), ("car-2", 2023, None, None, 240)]


def test_alarms_their_history_and_their_findings_can_be_joined(workspace: Workspace) -> None:
    with workspace.registry() as registry:
        registry.commit_batch(MAIN_STREAM, 1, 9, [finding(3), finding(5, "passed"), finding(7)], {})
        registry.alarms.acknowledge(registry.alarms.alarms()[0].alarm_id, "Kim")
        registry.workshop.add(MaintenanceRecord("car-1", "repair", "x", planned_on="2026-03-01", who="Kim"))
    sql = "select a.code, raises, state, epoch_us(last_raised), list(distinct f.evidence->>'isolation_ohm_per_v'), "
    sql += "list(distinct alarm_actions.who), any_value(m.planned_on) from alarms a join findings f using (alarm_id) "
    sql += "join alarm_actions using (alarm_id) join maintenance m on m.vehicle_id = a.vehicle_id group by all"
    ((code, raises, state, last, isolation, who, planned),) = values(workspace, sql)
    assert (code, raises, state, last, isolation, planned) == (
        "P0AA6",
        2,
        "acknowledged",
        at(7),
        ["87.5"],
        "2026-03-01",
    )
    assert set(who) == {"twinpack", "Kim"}  # type: ignore[call-overload]


def test_days_and_vehicles_not_asked_for_are_not_read(tmp_path: Path, workspace: Workspace) -> None:
    lake = Lake(tmp_path)
    TelemetryTable(lake).append(pa.concat_tables([rows(0, 240, "car-1"), rows(240, 240, "car-2")]), 480)
    for path in (tmp_path / "telemetry").glob("day=*/*/*.parquet"):
        if "day=1970-01-03" not in str(path):
            path.write_bytes(b"not to be read")
    found = lake.dataset("telemetry")
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("telemetry", found)
        for condition in ("day = '1970-01-03'", "sample_time >= '1970-01-03' and sample_time < '1970-01-04'"):
            sql = f"select count(*) from telemetry where vehicle_id = 'car-1' and {condition}"
            assert connection.execute(sql).fetchall() == [(24,)]
        with pytest.raises(duckdb.Error):
            connection.execute("select sum(soc_pct) from telemetry").fetchall()


@pytest.mark.parametrize(
    "sql",
    [
        "insert into telemetry select * from telemetry",
        "create table x as select 1",
        "attach 'x.db'",
        "install httpfs",
        "load httpfs",
        "set threads = 1",
        "copy telemetry to 'x.parquet'",
        "explain analyze copy telemetry to 'x.parquet'",
        "pragma database_list",
        "call pragma_version()",
        "export database 'x'",
        "select 1; drop table telemetry",
        "select * from 'settings.toml'",
        "select * from read_text('settings.toml')",
        "select * from glob('*')",
        "select * from parquet_scan('x')",
        "select (select max(content) from read_blob('settings.toml'))",
        "with x as (from read_csv('settings.toml')) from x",
        "select * from query('select 1')",
        "select * from arrow_scan(1, 2, 3)",
        "select * from pandas_scan(1)",
        "select getenv('HOME')",
        "select * from reachable",
        "",
    ],
)
def test_nothing_but_the_tables_is_reached(workspace: Workspace, sql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    reachable = pa.table({"secret": [1]})  # DuckDB would look for it among the variables of its callers
    monkeypatch.chdir(workspace.home)
    assert reachable.num_rows == 1
    with pytest.raises(QueryError, match=r"^query: "):
        query(workspace, sql)
    assert not list(workspace.home.glob("x*"))


def test_duckdb_says_what_is_wrong(workspace: Workspace) -> None:
    with pytest.raises(QueryError, match="soc_pct"):
        query(workspace, "select soc_pc from telemetry")


def test_a_query_that_takes_too_long_is_stopped(workspace: Workspace) -> None:
    with pytest.raises(QueryError, match=r"stopped after 0\.2 s"):
        query(workspace, "select count(*) from range(1000000) a, range(1000000) b", Limits(seconds=0.2))


def test_a_query_that_takes_too_much_memory_is_stopped(workspace: Workspace) -> None:
    with pytest.raises(QueryError, match=r"(?i)memory"):
        query(workspace, "select list(range) from range(100000000)", Limits(memory_mb=64))


def test_rows_come_in_batches_up_to_the_limit(workspace: Workspace) -> None:
    assert query(workspace, "from range(50000)", Limits(rows=30_001)).num_rows == 30_001
    with rows_of_query(workspace, "from range(50000) select range as x order by x") as (schema, batches):
        first = next(batches)
        assert (schema.names, pc.min(first.column(0)).as_py()) == (["x"], 0)
        assert first.num_rows < 50_000


def test_a_lake_of_an_earlier_release_has_every_column(tmp_path: Path) -> None:
    from deltalake import write_deltalake

    workspace = Workspace.open(tmp_path)
    old = pa.table({"vehicle_id": ["car-1"], "number": pa.array([1], pa.int32()), "offset": [0]})
    write_deltalake(tmp_path / "lake" / "trips", old)
    assert values(workspace, "select vehicle_id, closed_by from trips") == [("car-1", None)]
    assert values(workspace, "select count(*) from telemetry") == [(0,)]


def test_columns_of_one_name_are_told_apart(workspace: Workspace) -> None:
    found = query(workspace, "select 1 as a, 2 as a, 3 as a_1, 4 as a")
    assert found.to_pylist() == [{"a": 1, "a_2": 2, "a_1": 3, "a_3": 4}]


def test_a_table_that_is_not_there_names_those_that_are(workspace: Workspace) -> None:
    with pytest.raises(QueryError, match=r"telemtry does not exist! There are: alarm_actions, .*, telemetry, trips"):
        query(workspace, "select * from telemtry")


def test_a_limit_beyond_any_clock_is_none(workspace: Workspace) -> None:
    assert query(workspace, "select 1 as a", Limits(seconds=1e12)).to_pylist() == [{"a": 1}]


def test_files_of_a_folder_are_read_without_python(workspace: Workspace) -> None:
    # Threads that read ahead for a query that ended early would wait for the interpreter while it exits, for ever.
    dataset = workspace.lake().dataset("telemetry")
    assert dataset is not None
    assert not isinstance(dataset.filesystem, pa_fs.PyFileSystem)
    assert dataset.count_rows() > 0
