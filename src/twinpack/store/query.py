"""SQL over the lake and the registry, for reading alone.

DuckDB is handed the tables that a query names as Arrow datasets, so that days, vehicles and columns that are not asked
for are not read. It reaches nothing else: no file, no network, no extension, no variable of the caller.
"""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from twinpack.errors import QueryError
from twinpack.store.lake import Lake
from twinpack.store.locked_sql import lock_down
from twinpack.store.registry_tables import REGISTRY_TABLES
from twinpack.store.tables import TABLES
from twinpack.store.workspace import Workspace

BATCH_ROWS = 10_000

_VEHICLE, _ALARMS, _ALARM_ACTIONS = "vehicle_id", "alarms", "alarm_actions"

_FUNCTIONS = frozenset({"range", "generate_series", "unnest", "repeat"})
"""Table functions that make rows of what they are given; others read memory, files or settings."""

_SETTINGS = frozenset({"current_setting", "getenv"})
_CATALOGS = ("duckdb_", "pg_", "pragma_", "sqlite_")
"""How names of DuckDB's own views begin, which tell of its settings and of this machine."""
_SCHEMAS = frozenset({"", "main", "temp"})


@dataclass(frozen=True)
class Limits:
    """What a query may take.

    Attributes:
        rows: Rows that come back at most, None for all.
        seconds: Time until it is stopped.
        memory_mb: Memory of DuckDB; it writes nothing to disk when that is not enough.
        threads: Threads of DuckDB.
    """

    rows: int | None = None
    seconds: float = 60.0
    memory_mb: int = 2048
    threads: int = 4


def query(
    workspace: Workspace, sql: str, limits: Limits = Limits(), vehicles: Collection[str] | None = None
) -> pa.Table:
    """The rows of one SELECT, in memory.

    Args:
        workspace: Whose lake and registry are read; `docs/reference/tables.md` lists the tables.
        sql: One statement that reads, in DuckDB's SQL.
        limits: What it may take.
        vehicles: Those whose rows are there, None for all; a row that tells of no vehicle is there only then.

    Raises:
        QueryError: It is not one statement that reads, DuckDB refuses it, or it went over a limit.
        WorkspaceError: Lake or registry cannot be read.
    """
    with rows_of_query(workspace, sql, limits, vehicles) as (schema, batches):
        return pa.Table.from_batches(list(batches), schema)


@contextmanager
def rows_of_query(
    workspace: Workspace,
    sql: str,
    limits: Limits = Limits(),
    vehicles: Collection[str] | None = None,
    hidden: Collection[str] = (),
) -> Iterator[tuple[pa.Schema, Iterator[pa.RecordBatch]]]:
    """The rows of one SELECT, some at a time; see `query`. Tables that are `hidden` cannot be asked.

    Yields:
        Their columns, and the rows. Reading these may raise a `QueryError` too.
    """
    connection = duckdb.connect(":memory:")
    asked = _read(connection, sql)
    refused = sorted(asked.tables.intersection(hidden))
    if refused:
        raise QueryError(f"query: the table {refused[0]!r} holds what your account may not see")
    tables = {name: table for name, table in _tables(workspace, asked).items() if name not in hidden}
    for name, table in (tables if vehicles is None else _seen(tables, vehicles)).items():
        connection.register(name, table)
    connection.execute("SET TimeZone = 'UTC'")
    lock_down(connection, threads=limits.threads, memory_mb=limits.memory_mb)
    late = threading.Event()

    def stop() -> None:
        late.set()
        connection.interrupt()

    timer = threading.Timer(min(limits.seconds, threading.TIMEOUT_MAX), stop)
    timer.start()
    try:
        with _plainly(late, limits):
            reader = connection.sql(sql).to_arrow_reader(BATCH_ROWS)
        schema = _told_apart(reader.schema)
        yield (
            schema,
            (pa.RecordBatch.from_arrays(batch.columns, schema=schema) for batch in _some(reader, limits, late)),
        )
    finally:
        timer.cancel()
        connection.close()


def _told_apart(schema: pa.Schema) -> pa.Schema:
    """Columns under names that differ: `a` and `a` of a join become `a` and `a_1`."""
    names: list[str] = []
    for field_ in schema:
        free = (f"{field_.name}_{number}" for number in itertools.count(1))
        taken = {*names, *schema.names}
        names.append(next(name for name in free if name not in taken) if field_.name in names else field_.name)
    return pa.schema([field_.with_name(name) for field_, name in zip(schema, names, strict=True)])


@dataclass
class _Asked:
    """What a statement names: tables, functions, and whether it lists the tables."""

    tables: set[str] = field(default_factory=set)
    catalog: set[str] = field(default_factory=set)
    scalars: set[str] = field(default_factory=set)
    functions: set[str] = field(default_factory=set)
    lists: bool = False

    def walk(self, node: Any) -> None:
        """Go through the syntax tree as DuckDB writes it."""
        if isinstance(node, dict):
            kind = node.get("type")
            if kind == "BASE_TABLE":
                name = node["table_name"].lower()
                self.tables.add(name)
                if name.startswith(_CATALOGS) or node["schema_name"].lower() not in _SCHEMAS:
                    self.catalog.add(name)
            elif kind == "FUNCTION":
                self.scalars.add(node["function_name"].lower())
            elif kind == "TABLE_FUNCTION":
                self.functions.add(node["function"]["function_name"].lower())
            elif kind == "SHOW_REF":
                self.lists |= node["query"] is None
                self.tables.add(node["table_name"].strip('"').lower())
            for each in node.values():
                self.walk(each)
        elif isinstance(node, list):
            for each in node:
                self.walk(each)


def _read(connection: duckdb.DuckDBPyConnection, sql: str) -> _Asked:
    """What a statement asks for, without running it; refuses all that is not one SELECT."""
    try:
        tree = json.loads(connection.execute("SELECT json_serialize_sql($1)", [sql]).fetchall()[0][0])
        asked = _Asked()
        asked.walk(tree)
    except RecursionError:
        raise QueryError("query: it is nested too deeply") from None
    if tree["error"]:
        reads = tree.get("error_type") == "not implemented"
        reason = "only a statement that reads (SELECT, FROM, WITH, DESCRIBE, SUMMARIZE) is run" if reads else ""
        raise QueryError(f"query: {reason or tree['error_message']}")
    if len(tree["statements"]) != 1:
        raise QueryError(f"query: it must be one statement, not {len(tree['statements'])}")
    refused = sorted(asked.functions - _FUNCTIONS)
    if refused:
        raise QueryError(f"query: the table function {refused[0]!r} is not allowed; there are: {_listed(_FUNCTIONS)}")
    if asked.catalog or asked.scalars & _SETTINGS:
        raise QueryError("query: DuckDB's own catalogue and settings cannot be asked; SHOW TABLES lists the tables")
    return asked


@contextmanager
def _plainly(late: threading.Event, limits: Limits) -> Iterator[None]:
    try:
        yield
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        if late.is_set():
            raise QueryError(f"query: stopped after {limits.seconds:g} s") from error
        raise QueryError(f"query: {_without_guess(error)}") from error


def _without_guess(error: Exception) -> str:
    """DuckDB's words; the tables there are in place of the one that it guesses, as it knows only those it was given."""
    text = str(error)
    if "Table with name" not in text:
        return text
    names = ", ".join(sorted({*TABLES, *REGISTRY_TABLES}))
    return f"{text.partition(' Did you mean')[0].partition(chr(10))[0]} There are: {names}"


def _some(reader: pa.RecordBatchReader, limits: Limits, late: threading.Event) -> Iterator[pa.RecordBatch]:
    left = limits.rows
    while left is None or left > 0:
        with _plainly(late, limits):
            try:
                batch = reader.read_next_batch()
            except StopIteration:
                return
        if left is not None:
            batch = batch.slice(0, left)
            left -= batch.num_rows
        yield batch


def _tables(workspace: Workspace, asked: _Asked) -> dict[str, Any]:
    """The tables that a statement names; all of them when it lists them."""
    lake = workspace.lake()
    found: dict[str, Any] = {name: _lake_table(lake, name) for name in TABLES if asked.lists or name in asked.tables}
    named = asked.tables | ({_ALARMS} if _ALARM_ACTIONS in asked.tables else set())
    wanted = [name for name in REGISTRY_TABLES if asked.lists or name in named]
    if wanted:
        with workspace.registry() as registry:
            found |= {name: REGISTRY_TABLES[name][1](registry) for name in wanted}
    return found


def _seen(tables: Mapping[str, Any], vehicles: Collection[str]) -> dict[str, Any]:
    """The tables with the rows of some vehicles alone.

    The others are left out before DuckDB reads, not by a view: it may ask a statement's own conditions first, and what
    these say of a row in the words of an error would be told.
    """
    seen = pa.array(sorted(vehicles), pa.string())
    return {
        name: _of_vehicles(name, table, tables, seen)
        if isinstance(table, pa.Table)
        else table.filter(pc.field(_VEHICLE).isin(seen))
        for name, table in tables.items()
    }


def _of_vehicles(name: str, table: pa.Table, tables: Mapping[str, Any], seen: pa.Array) -> pa.Table:
    """Rows of a table in memory that tell of some vehicles; what was done about alarms tells of them by the alarm."""
    if _VEHICLE in table.column_names:
        return table.filter(pc.is_in(table.column(_VEHICLE), seen))
    alarms = tables.get(_ALARMS)
    if "alarm_id" not in table.column_names or alarms is None:
        raise QueryError(f"query: the table {name!r} tells of no vehicle: only those who may see all can ask it")
    mine = alarms.filter(pc.is_in(alarms.column(_VEHICLE), seen)).column("alarm_id")
    return table.filter(pc.is_in(table.column("alarm_id"), mine.combine_chunks()))


def _lake_table(lake: Lake, name: str) -> Any:
    """A table with the columns of this release, any of which may be missing in what an earlier one wrote."""
    schema = pa.schema([column.with_nullable(True) for column in TABLES[name].schema])
    found = lake.dataset(name)
    return schema.empty_table() if found is None else found.replace_schema(schema)


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))
