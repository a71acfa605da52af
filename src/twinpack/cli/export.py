"""`twinpack export`: rows of the lake to a file."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from twinpack.cli import output
from twinpack.cli.options import DEFAULT_HOME, AsJson, Home
from twinpack.errors import InputError

OUT_HELP = "The file to write; one that is there is replaced."
TABLE_HELP = "Table of the lake."
VEHICLE_HELP = "A vehicle; may be given several times. Default: all."
SINCE_HELP = "Earliest time, ISO 8601, UTC unless it says otherwise."
UNTIL_HELP = "Time before which rows are wanted."
FORMAT_HELP = "csv, parquet or bdf (Battery Data Format, one vehicle). Default: by the name of the file."


class Format(Enum):
    """How rows are written."""

    csv = "csv"
    parquet = "parquet"
    bdf = "bdf"


def command(
    out: Annotated[Path, typer.Option("--out", help=OUT_HELP, show_default=False)],
    table: Annotated[str, typer.Option(help=TABLE_HELP)] = "telemetry",
    vehicle: Annotated[list[str] | None, typer.Option(help=VEHICLE_HELP, show_default=False)] = None,
    since: Annotated[str | None, typer.Option("--from", help=SINCE_HELP, show_default=False)] = None,
    until: Annotated[str | None, typer.Option("--to", help=UNTIL_HELP, show_default=False)] = None,
    how: Annotated[Format | None, typer.Option("--format", help=FORMAT_HELP, show_default=False)] = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Write telemetry, or another table of the lake, as CSV, Parquet or Battery Data Format."""
    from twinpack.store.export import Wanted, export
    from twinpack.store.workspace import Workspace

    form = how or _by_name(out)
    vehicles = tuple(vehicle or ())
    wanted = Wanted(table, vehicles, _moment("--from", since), _moment("--to", until))
    workspace = Workspace.open(home, create=False)
    rows = export(workspace.lake(), wanted, out, form.value)
    if as_json:
        output.json_result({"file": str(out), "rows": rows, "format": form.value})
    else:
        output.line(f"{out}: {output.counted(rows, 'row')}")
    if form is Format.bdf and out.name.partition(".")[0] != vehicles[0]:
        output.note(f"an import takes the vehicle from the name of the file: call it {vehicles[0]}.bdf.csv")


def _by_name(out: Path) -> Format:
    endings = [ending.lstrip(".") for ending in out.suffixes]
    for form in (Format.bdf, Format.parquet, Format.csv):
        if form.value in endings:
            return form
    raise InputError(f"{out}: which format? name the file .csv, .parquet or .bdf.csv, or use --format")


def _moment(option: str, text: str | None) -> datetime | None:
    from datetime import UTC

    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"{option} {text!r} is no time; write 2026-03-01 or 2026-03-01T12:00:00Z") from error
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found
