"""SQL over what may be seen: nothing else is there, whatever a statement names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from tests.store.alarms.made import finding
from tests.views.conftest import begun
from tests.views.lives import COUNT, lived
from tests.views.seers import LEAD, MECHANIC, NORTH, OWNER, READER, seer
from twinpack.errors import AccessError, QueryError, ServiceError
from twinpack.store.deadletters import LakeDeadLetters
from twinpack.store.registry import MAIN_STREAM
from twinpack.store.registry_tables import REGISTRY_TABLES as ALL_REGISTRY_TABLES
from twinpack.store.tables import TABLES as LAKE_TABLES
from twinpack.store.workshop.records import MaintenanceRecord
from twinpack.store.workspace import Workspace
from twinpack.views.data import query as module
from twinpack.views.data.query import NEEDS, asked_table, query_result
from twinpack.views.opened import Views
from twinpack.views.shapes.data import QueryRequest
from twinpack.views.sight import Right, Role, Sight, Span

TABLES = ("trips", "predictions", "prediction_steps", "version_heads", "dead_letters")
REGISTRY_TABLES = ("vehicles", "latest", "alarms", "findings", "maintenance")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Two vehicles with twins, alarms, maintenance and dead letters."""
    workspace = Workspace.open(tmp_path_factory.mktemp("query") / "home")
    with workspace.registry() as registry:
        begun(registry)
        lived(workspace, registry, "north-1", "south-1")
        end = registry.offset()
        events = [finding(end, vehicle="north-1"), finding(end + 1, vehicle="south-1")]
        registry.commit_batch(MAIN_STREAM, end, end + 2, events, {})
        for alarm in registry.alarms.alarms():
            registry.alarms.comment(alarm.alarm_id, f"of {alarm.vehicle_id}", "kim")
        for name in ("north-1", "south-1"):
            registry.workshop.add(MaintenanceRecord(name, "inspection", "yearly", who="kim"))
    names = ["north-1", "south-1", None]
    letters: dict[str, Any] = {"file": ["a.csv"] * 3, "row": [1, 2, 3], "vehicle_id": names}
    others = ("reason", "detail", "action", "raw", "profile", "import_id")
    LakeDeadLetters(workspace.lake()).append(pa.table(letters | {name: ["x"] * 3 for name in others}))
    return workspace


@pytest.fixture
def views(home: Workspace) -> Iterator[Views]:
    with Views(home) as views:
        yield views


def rows(views: Views, who: Sight, sql: str, limit: int = 1000) -> list[list[Any]]:
    return query_result(asked_table(views, who, QueryRequest(sql=sql, limit=limit))).rows


@pytest.mark.parametrize("table", [*TABLES, *REGISTRY_TABLES])
def test_only_rows_of_vehicles_that_may_be_seen_are_there(views: Views, table: str) -> None:
    sql = f"select distinct vehicle_id from {table} where vehicle_id is not null order by 1"
    mine = [["north-1"], ["north-2"]] if table == "vehicles" else [["north-1"]]
    for who in (NORTH, READER) if table != "dead_letters" else (NORTH,):
        assert rows(views, who, sql) == mine
    assert ["south-1"] in rows(views, LEAD, sql)
    assert rows(views, seer(Role.OPERATOR), sql) == []


def test_every_table_needs_the_right_of_what_it_holds(views: Views) -> None:
    assert NEEDS.keys() == {*LAKE_TABLES, *ALL_REGISTRY_TABLES}
    key = replace(NORTH, rights=frozenset({Right.QUERY, Right.TELEMETRY}))
    assert rows(views, key, "show tables") == [["telemetry"]]
    for who, table in ((READER, "dead_letters"), (key, "TRIPS"), (key, "alarm_actions")):
        with pytest.raises(QueryError, match="may not see"):
            rows(views, who, f"with t as (select * from {table}) select count(*) from t")


def test_what_tells_of_no_vehicle_is_for_those_who_see_all(views: Views) -> None:
    assert rows(views, LEAD, "select count(*) from dead_letters") == [[3]]
    assert rows(views, NORTH, "select count(*) from dead_letters") == [[1]]


def test_what_was_done_about_alarms_is_that_of_vehicles_that_may_be_seen(views: Views) -> None:
    sql = "select comment from alarm_actions where action = 'commented' order by 1"
    assert rows(views, NORTH, sql) == [["of north-1"]]
    assert rows(views, LEAD, sql) == [["of north-1"], ["of south-1"]]


@pytest.mark.parametrize(
    "sql",
    [
        "with t as (select * from trips) select distinct vehicle_id from t",
        "select distinct a.vehicle_id from trips a, TRIPS b",
        "select distinct vehicle_id from (from trips union all from trips)",
        "select distinct vehicle_id from temp.trips",
        "select distinct t.vehicle_id from trips t where exists (select 1 from predictions p where p.offset >= 0)",
        "select any_value(vehicle_id) from trips group by vehicle_id",
    ],
)
def test_no_way_of_writing_it_shows_more(views: Views, sql: str) -> None:
    assert rows(views, NORTH, sql) == [["north-1"]]


@pytest.mark.parametrize(
    "sql",
    [
        "select * from users",
        "select * from vehicle_entries",
        "select * from audit_log",
        "select * from grants",
        "select * from device_credentials",
        "select * from 'registry.db'",
        "select * from read_csv('/etc/passwd')",
        "select * from query_table('trips')",
        "select * from duckdb_views()",
        "select * from duckdb_views",
        "select * from PG_settings",
        "select * from sqlite_master",
        "select * from pg_catalog.pg_settings",
        "with pg_settings as (select 1) select * from pg_settings",
        "select * from information_schema.tables",
        "select current_setting('secret_directory')",
        "select " + "+".join(["1"] * 900),
        "select " + "not " * 800 + "true",
        "attach 'registry.db'",
        "delete from trips",
        "select 1; select 2",
    ],
)
def test_nothing_else_is_reached(views: Views, sql: str) -> None:
    for who in (NORTH, LEAD):
        with pytest.raises(QueryError):
            rows(views, who, sql)


@pytest.mark.parametrize("table", [*TABLES, *REGISTRY_TABLES])
def test_the_words_of_an_error_tell_of_no_other_vehicle(views: Views, table: str) -> None:
    """A condition may be asked before rows are left out, and its error hold a row's values."""
    told = f"select count(*) from {table} where case when vehicle_id like 'south%' then error(vehicle_id) else true end"
    assert rows(views, NORTH, told)
    with pytest.raises(QueryError, match="south-1"):
        rows(views, LEAD, told)


def test_tables_can_be_listed_and_described(views: Views) -> None:
    listed = [row[0] for row in rows(views, NORTH, "show tables")]
    assert {"trips", "telemetry", "vehicles", "alarm_actions"} <= set(listed)
    assert ["vehicle_id", "VARCHAR"] in [row[:2] for row in rows(views, NORTH, "describe trips")]


def test_more_rows_than_asked_for_are_told_of(views: Views) -> None:
    asked = QueryRequest(sql="select number from trips order by number", limit=2)
    found = query_result(asked_table(views, NORTH, asked))
    assert (found.columns, found.rows, found.truncated) == (["number"], [[1], [2]], True)
    assert not query_result(asked_table(views, NORTH, asked.model_copy(update={"limit": COUNT}))).truncated


def test_those_who_may_not_ask_are_refused(views: Views) -> None:
    for who in (MECHANIC, OWNER):
        with pytest.raises(AccessError):
            rows(views, who, "select 1")


def test_a_vehicle_that_is_granted_for_a_time_is_left_out(views: Views) -> None:
    for span, found in ((Span(), [["south-1"]]), (Span(1, None), []), (Span(None, 2**60), [])):
        who = seer(Role.ANALYST, vehicles={"south-1": span})
        assert rows(views, who, "select distinct vehicle_id from trips") == found


def test_so_many_ask_at_once_and_no_more(views: Views, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_WAIT_S", 0.01)
    taken = 0
    while module._FREE.acquire(blocking=False):  # noqa: SLF001
        taken += 1
    try:
        with pytest.raises(ServiceError, match="try again"):
            rows(views, LEAD, "select 1")
    finally:
        for _ in range(taken):
            module._FREE.release()  # noqa: SLF001
    assert rows(views, LEAD, "select 1") == [[1]]


def test_moments_that_no_calendar_has_are_text(views: Views) -> None:
    assert rows(views, LEAD, "select 'infinity'::timestamp is null, timestamp '294246-01-01'")[0][0] is False


def test_what_is_too_large_to_come_back_is_refused(views: Views) -> None:
    with pytest.raises(QueryError, match="ask for less"):
        rows(views, LEAD, "select repeat('x', 100000000)")


def test_values_are_as_json_has_them() -> None:
    moment = datetime(2026, 3, 1, 12, tzinfo=UTC)
    table = pa.table(
        {
            "a": [float("nan"), 1.5],
            "b": [moment, None],
            "c": [date(2026, 3, 1), None],
            "d": [timedelta(seconds=90), None],
            "e": [Decimal("1.25"), None],
            "f": [b"\x01\xff", None],
            "g": [[float("inf"), 2.0], None],
            "h": pa.array([[("k", 1.0)], None], pa.map_(pa.string(), pa.float64())),
            "i": [{"x": True}, None],
        }
    )
    first, second = query_result(table).rows
    assert first[:7] == [None, "2026-03-01T12:00:00+00:00", "2026-03-01", 90.0, 1.25, "01ff", [None, 2.0]]
    assert first[7:] == [[["k", 1.0]], {"x": True}]
    assert second == [1.5, *[None] * 8]
