"""Conditions of rules: what they may say, and what they can reach."""

from __future__ import annotations

import threading

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from twinpack.errors import RoutingError
from twinpack.ingest.routing.conditions import MAX_LENGTH, SCHEMA, Evaluator, locked_connection, parse_condition
from twinpack.ingest.routing.limit import Limit


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("speed_kmh > 0 and soc_pct is not null", ("soc_pct", "speed_kmh")),
        ("soc_pct not between 20 and 80 or is_charging", ("soc_pct", "is_charging")),
        ("vehicle_id like 'van-%' or vehicle_id in ('a', 'b')", ("vehicle_id",)),
        ("case when speed_kmh > 1 then true else false end", ("speed_kmh",)),
        ("list_max(cell_voltage_v) > 4.2 and cell_voltage_v[1] < 3 and len(cell_voltage_v) = 96", ("cell_voltage_v",)),
        ("sample_time > timestamp '2026-01-01' and hour(sample_time) >= 22", ("sample_time",)),
        ("receipt_time - sample_time > interval 5 minutes", ("sample_time", "receipt_time")),
        ("abs(PACK_CURRENT_A) * pack_voltage_v / 1000 > 50 -- power", ("pack_voltage_v", "pack_current_a")),
        ("/* all of them */ 1 = 1", ()),
        ("try_cast(vehicle_id as int) % 10 = 0", ("vehicle_id",)),
    ],
)
def test_what_a_condition_may_say(text: str, columns: tuple[str, ...]) -> None:
    found = parse_condition(text)
    assert (found.columns, found.constant) == (columns, None)


@pytest.mark.parametrize(("text", "constant"), [("true", True), ("FALSE", False), ("-- all\ntrue", True)])
def test_a_constant_needs_no_query(text: str, constant: bool) -> None:
    assert parse_condition(text).constant is constant


@pytest.mark.parametrize(
    "text",
    [
        "true) FROM range(9) --",
        "1) + (2",
        "true) or (true",
        "true; select 1",
        "true;",
        "select true",
        "true from range(9)",
        "true where true",
        "true union select true",
        "true limit 1",
        "true qualify true",
        "true, true",
        "true as x",
        "/* true",
        "*",
        "columns('soc_pct') > 1",
        "(select true)",
        "exists (select 1)",
        "soc_pct in (select 1)",
        "soc_pct > all (select 1)",
        "soc_pct in (from read_csv('/etc/hostname'))",
        "count(*) > 1",
        "max(soc_pct) > 1",
        "sum(soc_pct) filter (where true) > 1",
        "row_number() over () > 1",
        "lag(soc_pct) over (order by sample_time) > 1",
        "unnest(cell_voltage_v) > 1",
        "list_transform(cell_voltage_v, x -> x + 1) is null",
        "[x for x in cell_voltage_v if x > 1] is null",
        "getenv('HOME') = ''",
        "current_setting('threads') = '1'",
        "read_text('/etc/hostname') is null",
        "nextval('s') > 1",
        "error('x')",
        "random() > 0.5",
        "now() > sample_time",
        "current_timestamp > sample_time",
        "sample_time at time zone 'UTC' > sample_time",
        "main.abs(soc_pct) > 1",
        "samples.soc_pct > 1",
        "soc_pct > $1",
        "soc_pct > ?",
        "#1 > 2",
        "default",
        "vehicle_id collate nocase = 'A'",
        "{'a': true}.a",
        "repeat('x', 1000000000) = ''",
        "range(1000000000) is null",
    ],
)
def test_what_it_may_not_say(text: str) -> None:
    with pytest.raises(RoutingError):
        parse_condition(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("speed_kmh > 0 and\n  sped_kmh > 3", "no column 'sped_kmh' at line 2, column 3, .*did you mean speed_kmh?"),
        ("'ä' = vehicle_id and x > 1", "no column 'x' at line 1, column 22"),
        ("speed_kmh > 0 and\n floot(speed_kmh) > 3", "function 'floot' is not allowed .* line 2, column 2, .*floor"),
        ("speed_kmh > 0 and\n vehicle_id > 3", "VARCHAR .* at line 2, column 2, at 'vehicle_id > 3'"),
        ("speed_kmh > 0 and " * 40 + "vehicle_id > 3", "at line 1, column 721, at 'vehicle_id > 3'"),
        ("speed_kmh > 'fast'", "'fast' to DOUBLE at line 1, column 13"),
        ("speed_kmh > ", "syntax error .* line 1, column 11"),
        ("speed_kmh", "gives DOUBLE, not true or false"),
        ("'true'", "gives VARCHAR"),
        ("  ", "is empty"),
        ("not " * 900 + "true", "nested too deeply"),
        ("true " * MAX_LENGTH, "characters"),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, told: str) -> None:
    with pytest.raises(RoutingError, match=told):
        parse_condition(text)


def test_the_connection_reaches_nothing_and_cannot_be_unlocked() -> None:
    connection = locked_connection()
    here = pa.table({"x": [1]})
    assert here.num_rows == 1
    for statement in (
        "SELECT * FROM read_text('/etc/hostname')",
        "COPY (SELECT 1) TO '/tmp/twinpack-routing.csv'",
        "ATTACH '/tmp/twinpack-routing.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SELECT * FROM here",
        "SET enable_external_access = true",
        "SET memory_limit = '1GB'",
        "SET threads = 8",
    ):
        with pytest.raises(duckdb.Error):
            connection.execute(statement).fetchall()
    connection.close()


def test_what_runs_too_long_is_interrupted() -> None:
    connection = locked_connection()
    limit = Limit(connection, 0.05)
    with pytest.raises(duckdb.InterruptException), limit.running():
        connection.execute("SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b").fetchall()
    with limit.running():
        assert connection.execute("SELECT 1").fetchall() == [(1,)]
    limit.close()
    assert "routing-limit" not in {thread.name for thread in threading.enumerate()}
    connection.close()


def test_one_query_serves_batches_of_any_size() -> None:
    evaluator = Evaluator([parse_condition("soc_pct > 50"), parse_condition("1 = 1"), parse_condition("is_charging")])
    for rows in (3, 0, 5000):
        soc = np.linspace(0, 100, rows)
        table = evaluator.table(pa.table({"soc_pct": soc}))
        assert table.schema.names == ["soc_pct", "is_charging"]
        met = evaluator.every(table)
        assert met.shape == (3, rows)
        assert np.array_equal(met[0], soc > 50)
        assert met[1].all()
        assert not met[2].any()  # missing is not taken
    evaluator.close()


def test_conditions_see_times_in_utc_without_a_zone() -> None:
    assert SCHEMA.field("sample_time").type == pa.timestamp("us")


PIECES = [
    *(
        "(",
        ")",
        "--",
        "/*",
        "*/",
        ";",
        ",",
        "'",
        '"',
        "$1",
        "::int[]",
        " and ",
        " not ",
        "select ",
        "from samples",
        "[",
    ),
    *("]", "{", "x -> x", "\n", "\x00", "é", "1e999", "9" * 30, "interval", "E'\\x'", "over ()", "union", "*", "as"),
]


def test_a_mangled_condition_is_taken_or_refused_in_words() -> None:
    random = np.random.default_rng(5)
    good = (
        "case when list_max(cell_voltage_v) > 4.2 then vehicle_id in ('a', 'b') else try_cast(soc_pct as int) = 3 end"
    )
    parse_condition(good)
    refused = 0
    for _ in range(100):
        text = good
        for at in random.integers(0, len(good), int(random.integers(1, 4))).tolist():
            piece = PIECES[int(random.integers(0, len(PIECES)))]
            text = text[:at] + piece + text[at + int(random.integers(0, 3)) :]
        try:
            parse_condition(text)
        except RoutingError:
            refused += 1
    assert 50 < refused < 100
