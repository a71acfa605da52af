"""`twinpack query`: SQL over the lake and the registry, for reading alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twinpack.cli import output
from twinpack.cli.options import DEFAULT_HOME, AsJson, Home
from twinpack.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

SHOWN_ROWS = 100

SQL_HELP = "One SELECT, in quotes. `show tables` lists the tables, `describe telemetry` the columns of one."
CSV_HELP = "Print the result as CSV."
LIMIT_HELP = "Rows printed at most, 0 for all. Default: 100 in a table, else all."
SECONDS_HELP = "Seconds after which it is stopped."
MEMORY_HELP = "Memory it may take, MB."


def command(
    sql: Annotated[str, typer.Argument(help=SQL_HELP)],
    as_csv: Annotated[bool, typer.Option("--csv", help=CSV_HELP)] = False,
    limit: Annotated[int | None, typer.Option(min=0, help=LIMIT_HELP, show_default=False)] = None,
    seconds: Annotated[float, typer.Option(min=0.001, help=SECONDS_HELP)] = 60.0,
    memory_mb: Annotated[int, typer.Option(min=64, help=MEMORY_HELP)] = 2048,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Ask the lake and the registry in SQL; nothing can be changed."""
    from twinpack.store.query import Limits, rows_of_query
    from twinpack.store.workspace import Workspace

    if as_csv and as_json:
        raise InputError("--csv or --json, not both")
    plain = not (as_csv or as_json)
    most = (limit or None) if limit is not None else (SHOWN_ROWS if plain else None)
    workspace = Workspace.open(home, create=False)
    # One row more tells whether there are any.
    asked = Limits(rows=most + 1 if plain and most else most, seconds=seconds, memory_mb=memory_mb)
    with rows_of_query(workspace, sql, asked) as (schema, batches):
        if as_csv:
            _write_csv(schema, batches)
        elif as_json:
            _write_json(batches)
        else:
            _write_table(schema, batches, most)


def _write_csv(schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> None:
    from twinpack.store.export import CsvWriter

    sys.stdout.flush()
    with CsvWriter(sys.stdout.buffer, schema) as writer:
        for batch in batches:
            writer.write(batch)


def _write_json(batches: Iterator[pa.RecordBatch]) -> None:
    """One JSON array, a row a line, as rows come."""
    import msgspec

    separator = "["
    for batch in batches:
        for row in batch.to_pylist(maps_as_pydicts="lossy"):
            sys.stdout.write(f"{separator}\n  {msgspec.json.encode(_plain(row), enc_hook=str).decode()}")
            separator = ","
    output.line("\n]" if separator == "," else "[]")


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Intervals as text: in JSON they would be three numbers without names."""
    import pyarrow as pa

    from twinpack.store.export import written

    return {name: written(value) if isinstance(value, pa.MonthDayNano) else value for name, value in row.items()}


def _write_table(schema: pa.Schema, batches: Iterator[pa.RecordBatch], most: int | None) -> None:
    rows = [list(row.values()) for batch in batches for row in map(_plain, batch.to_pylist())]
    shown = rows if most is None else rows[:most]
    output.table(schema.names, [[_cell(value) for value in row] for row in shown])
    if len(rows) > len(shown):
        output.note(f"the first {len(shown):,} rows; --limit 0 prints all of them")


def _cell(value: Any) -> str:
    from datetime import datetime

    if value is None:
        return output.MISSING
    if isinstance(value, datetime):
        return value.isoformat(sep=" ").replace("+00:00", "Z")
    return f"{value:.10g}" if isinstance(value, float) else str(value)
