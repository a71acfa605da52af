"""Conditions of routing rules: one SQL expression each, checked before it runs, and run where it can reach nothing.

The text of a condition is parsed by DuckDB and its tree is walked: columns of a sample, constants, operators and a list
of functions pass, and nothing else does. So there is no sub-query, table function, aggregate or window, nothing that
reads a clock, a file or the environment. It then runs on a connection without external access.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from twinpack.errors import RoutingError
from twinpack.ingest.routing.limit import Limit
from twinpack.store.locked_sql import lock_down
from twinpack.telemetry.readings import Flags
from twinpack.telemetry.schema import TELEMETRY

MAX_LENGTH = 4_000
MEMORY_MB = 256
"""Memory that conditions may take, MB."""
TIME_LIMIT_S = 2.0
"""Longest that the conditions of all rules may take over one batch, in seconds."""

FUNCTIONS = frozenset(
    (
        *("+", "-", "*", "/", "//", "%", "**", "^", "||", "~~", "!~~", "~~*", "!~~*", "~~~", "like_escape"),
        *("abs", "ceil", "ceiling", "exp", "floor", "greatest", "isfinite", "isinf", "isnan", "least", "ln", "log10"),
        *("mod", "pi", "pow", "power", "round", "sign", "sqrt", "trunc", "if", "ifnull", "nullif", "row"),
        *("contains", "ends_with", "left", "length", "lower", "prefix", "regexp_full_match", "regexp_matches"),
        *("right", "starts_with", "substr", "substring", "suffix", "upper"),
        *("array_extract", "len", "list_avg", "list_contains", "list_extract", "list_max", "list_min", "list_sum"),
        *("list_value", "date_diff", "date_part", "date_trunc", "dayofweek", "epoch", "hour", "isodow", "minute"),
        *("month", "second", "to_days", "to_hours", "to_milliseconds", "to_minutes", "to_seconds", "year"),
    )
)
"""What a condition may call: functions of their arguments alone, which give one value a row."""

_NODES = frozenset(
    ("BETWEEN", "CASE", "CAST", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "FUNCTION", "OPERATOR", "TYPE")
)
_REFUSED = {
    "DEFAULT": "DEFAULT",
    "LAMBDA": "a lambda",
    "PARAMETER": "a parameter",
    "POSITIONAL_REFERENCE": "a column by its number",
    "STAR": "*",
    "SUBQUERY": "a sub-query",
    "WINDOW": "a window function",
}
_PLACES = ("query_location", "query_location_length")
_HEAD = "SELECT\n"


@dataclass(frozen=True)
class Condition:
    """A checked condition.

    Attributes:
        text: The expression as written.
        columns: The columns it reads, in the order of the schema.
        constant: What it always gives when it is `true` or `false`, else None.
    """

    text: str
    columns: tuple[str, ...]
    constant: bool | None


def _plain(field: pa.Field) -> pa.Field:
    """Times in UTC without their zone, whose arithmetic needs no time zone tables."""
    return pa.field(field.name, pa.timestamp("us")) if pa.types.is_timestamp(field.type) else field


SCHEMA = pa.schema([_plain(field) for field in TELEMETRY])
"""What a condition sees of a sample."""
_NOTHING = pa.Table.from_pylist([{}], pa.schema([pa.field(field.name, field.type) for field in SCHEMA]))
"""A sample of which nothing is known: what fails on it fails for its constants."""


def locked_connection() -> duckdb.DuckDBPyConnection:
    """A connection of one thread that reaches no file, network, extension or variable, for good."""
    connection = duckdb.connect(":memory:")
    lock_down(connection, threads=1, memory_mb=MEMORY_MB)
    return connection


# Checking


def parse_condition(text: str) -> Condition:
    """Check a condition.

    Args:
        text: One boolean SQL expression over the columns of a sample.

    Raises:
        RoutingError: It is none, or does what is not allowed; names the place.
    """
    if not text.strip():
        raise RoutingError("the condition is empty; write true to take every sample")
    if len(text) > MAX_LENGTH:
        raise RoutingError(f"the condition has {len(text):,} characters, {MAX_LENGTH:,} are allowed")
    connection = locked_connection()
    try:
        # Alone and in brackets it must be the same expression: none that closes the brackets is.
        tree = _tree(connection, text, "", "")
        if _bare(tree) != _bare(_tree(connection, text, "(", "\n)")):
            raise RoutingError("the condition is not one expression of its own")
        columns = _Walk(text).check(tree)
        _bind(connection, text)
    except RecursionError:
        raise RoutingError("the condition is nested too deeply") from None
    finally:
        connection.close()
    literal = tree.get("literal", {}) if tree["class"] == "CONSTANT" else {}
    constant = literal.get("text") == "true" if literal.get("kind") == "BOOLEAN" else _constant(tree)
    return Condition(text, tuple(name for name in SCHEMA.names if name in columns), constant)


def _constant(tree: dict[str, Any]) -> bool | None:
    """The same of older releases of the engine, whose trees hold a value."""
    value = tree.get("value", {}) if tree["class"] == "CONSTANT" else {}
    return bool(value["value"]) if value.get("type", {}).get("id") == "BOOLEAN" and "value" in value else None


def _tree(connection: duckdb.DuckDBPyConnection, text: str, before: str, after: str) -> dict[str, Any]:
    head = f"{_HEAD}{before}"
    rows = connection.execute("SELECT json_serialize_sql(?)", [f"{head}{text}{after}"]).fetchall()
    answer = json.loads(rows[0][0])
    if answer.get("error"):
        message = str(answer.get("error_message", "")).split("\n")[0]
        position = answer.get("position")
        if position is not None and int(position) - len(head) >= len(text.encode()):
            raise RoutingError("the condition ends too early, or closes what it did not open")
        where = "" if position is None else _place(text, int(position) - len(head))
        raise RoutingError(f"{message}{where}")
    node = answer["statements"][0]["node"] if len(answer["statements"]) == 1 else {}
    _refuse_more_than_a_list(node)
    tree: dict[str, Any] = node["select_list"][0]
    return tree


def _refuse_more_than_a_list(node: dict[str, Any]) -> None:
    """Only the list of what is selected may be there, and one thing in it."""
    plain = node.get("type") == "SELECT_NODE" and node.get("from_table", {}).get("type") == "EMPTY"
    parts = ("modifiers", "where_clause", "group_expressions", "having", "sample", "qualify")
    if not plain or any(node.get(part) for part in parts) or node["cte_map"].get("map"):
        raise RoutingError("a condition is one expression, such as speed_kmh > 0, not a query")
    if len(node["select_list"]) != 1:
        raise RoutingError("the condition holds several expressions; join them by AND or OR")
    if node["select_list"][0].get("alias"):
        raise RoutingError("a condition has no alias")


def _bare(value: Any) -> Any:
    """A tree without the places of its parts in the text."""
    if isinstance(value, dict):
        return {key: _bare(part) for key, part in value.items() if key not in _PLACES}
    return [_bare(part) for part in value] if isinstance(value, list) else value


class _Walk:
    """Walks a tree and refuses what is not allowed."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._columns: set[str] = set()

    def check(self, tree: dict[str, Any]) -> set[str]:
        """The columns it reads."""
        waiting: list[Any] = [tree]
        while waiting:
            part = waiting.pop()
            if isinstance(part, dict):
                self._check_node(part)
            waiting.extend(part.values() if isinstance(part, dict) else part if isinstance(part, list) else ())
        return self._columns

    def _check_node(self, node: dict[str, Any]) -> None:
        kind = node.get("class")
        if kind is None:
            return
        if kind not in _NODES:
            raise self._refusal(node, f"{_REFUSED.get(kind, str(kind).lower())} is not allowed in a condition")
        if kind == "COLUMN_REF":
            self._check_column(node)
        elif kind == "FUNCTION":
            self._check_function(node)

    def _check_column(self, node: dict[str, Any]) -> None:
        name = ".".join(node["column_names"])
        if name.lower() not in SCHEMA.names:
            near = difflib.get_close_matches(name.lower(), SCHEMA.names, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(SCHEMA.names)}"
            raise self._refusal(node, f"no column {name!r}", hint)
        self._columns.add(name.lower())

    def _check_function(self, node: dict[str, Any]) -> None:
        name = str(node["function_name"]).lower()
        plain = not (node.get("schema") or node.get("catalog") or node.get("filter") or node.get("distinct"))
        if name not in FUNCTIONS or not plain or (node.get("order_bys") or {}).get("orders"):
            near = difflib.get_close_matches(name, sorted(FUNCTIONS), 1)
            hint = f"did you mean {near[0]}?" if near else ""
            raise self._refusal(node, f"the function {name!r} is not allowed in a condition", hint)

    def _refusal(self, node: dict[str, Any], what: str, hint: str = "") -> RoutingError:
        position = int(node.get("query_location", -1)) - len(_HEAD)
        where = _place(self._text, position) if 0 <= position < len(self._text.encode()) else ""
        return RoutingError(f"{what}{where}{'; ' + hint if hint else ''}")


def _place(text: str, position: int) -> str:
    """Words for a place in a condition, given in bytes."""
    before = text.encode()[: max(position, 0)].decode(errors="ignore")
    line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
    rest = text[len(before) :].split("\n")[0][:40].strip()
    return f" at line {line}, column {column}" + (f", at {rest!r}" if rest else "")


def _bind(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    """See that types fit and that it gives true or false."""
    connection.register("samples", _NOTHING)
    try:
        result = connection.execute(f"{_HEAD}(\n{text}\n) FROM samples")
        kind = str(result.description[0][1]) if result.description else ""
        result.fetchall()
    except duckdb.Error as error:
        raise RoutingError(_told(error, text)) from error
    if kind != "BOOLEAN":
        raise RoutingError(f"the condition gives {kind}, not true or false; write a comparison")


def _told(error: duckdb.Error, text: str) -> str:
    """What DuckDB says of a statement whose third line on is the text, with the place in the text."""
    message = str(error)
    what = re.sub(r"^\w[\w ]*Error: ", "", message.split("\n")[0])
    found = re.search(r"^LINE (\d+): (.*)\n( *)\^", message, re.MULTILINE)
    if found is None:
        return what
    number, excerpt = int(found[1]) - 2, found[2]
    lines = text.split("\n")
    if not 1 <= number <= len(lines):
        return what
    column = len(found[3]) - len(f"LINE {found[1]}: ")
    if excerpt.startswith("..."):
        column += lines[number - 1].find(excerpt.removeprefix("...").removesuffix("...")) - 3
    position = sum(len(line) + 1 for line in lines[: number - 1]) + column
    return what + _place(text, len(text[:position].encode()))


# Running


class Evaluator:
    """Runs conditions over batch after batch, all of them in one query that is prepared once.

    One thread at a time may use it.
    """

    def __init__(self, conditions: Sequence[Condition], time_limit_s: float = TIME_LIMIT_S) -> None:
        """Prepare checked conditions; those without columns need none of it and may be left out."""
        self._names = [name for name in SCHEMA.names if any(name in each.columns for each in conditions)]
        # A condition of constants alone still needs a column, to have rows.
        self._names = self._names or [SCHEMA.names[1]]
        self._schema = pa.schema([SCHEMA.field(name) for name in self._names])
        self._feed = _Feed(self._schema.empty_table())
        self._connection = locked_connection()
        self._connection.register("samples", self._feed)
        listed = ", ".join(f"coalesce((\n{each.text}\n), false) AS c{at}" for at, each in enumerate(conditions))
        self._count = len(conditions)
        self._connection.execute(f"PREPARE every_rule AS SELECT {listed} FROM samples")
        for at, each in enumerate(conditions):
            self._connection.execute(
                f"PREPARE rule_{at} AS SELECT coalesce((\n{each.text}\n), false) AS c0 FROM samples"
            )
        self._limit = Limit(self._connection, time_limit_s)

    def table(self, samples: pa.Table) -> pa.Table:
        """What the conditions read of some samples; a column they lack is missing."""
        given = set(samples.column_names)
        return pa.Table.from_arrays(
            [_column(samples, field) if field.name in given else _missing(samples, field) for field in self._schema],
            schema=self._schema,
        )

    def every(self, table: pa.Table) -> Flags:
        """Which rows meet which condition, shape (conditions, N); missing (NULL) is false.

        Raises:
            duckdb.Error: A condition failed on a row, or (InterruptException) it took too long.
        """
        return self._run("every_rule", table, self._count)

    def one(self, at: int, table: pa.Table) -> Flags:
        """The same of a single condition, shape (N,)."""
        met: Flags = self._run(f"rule_{at}", table, 1)[0]
        return met

    def close(self) -> None:
        """Give the connection back."""
        self._limit.close()
        self._connection.close()

    def _run(self, name: str, table: pa.Table, count: int) -> Flags:
        self._feed.table = table
        try:
            with self._limit.running():
                found = self._connection.execute(f"EXECUTE {name}").fetchnumpy()
        finally:
            self._feed.table = self._schema.empty_table()
        return np.stack([np.ma.filled(found[f"c{at}"], False).astype(np.bool_) for at in range(count)])


def _column(samples: pa.Table, field: pa.Field) -> pa.ChunkedArray:
    column = samples.column(field.name)
    return column if column.type == field.type else column.cast(field.type)


def _missing(samples: pa.Table, field: pa.Field) -> pa.Array:
    return pa.nulls(samples.num_rows, field.type)


class _Feed:
    """A table that changes under its name: to register and bind anew for each batch takes three times as long."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_schema__(self) -> object:
        return self.table.schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)
