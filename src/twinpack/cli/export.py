"""`twinpack export`: rows of the lake to a file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinpack.cli import output
from twinpack.cli.options import DEFAULT_HOME, AsJson, Home
from twinpack.errors import InputError, NotFoundError

if TYPE_CHECKING:
    from twinpack.store.workspace import Workspace

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
    _check_vehicles(workspace, table, vehicles)
    rows = export(workspace.lake(), wanted, out, form.value)
    if as_json:
        output.json_result({"file": str(out), "rows": rows, "format": form.value})
    else:
        output.line(f"{out}: {output.counted(rows, 'row')}")
    if form is Format.bdf and out.name.partition(".")[0] != vehicles[0]:
        output.note(f"an import takes the vehicle from the name of the file: call it {vehicles[0]}.bdf.csv")


def _by_name(out: Path) -> Format:
    endings = [ending.lstrip(".") for ending in out.suffixes[-2:]]
    if endings and endings[-1] in [form.value for form in Format]:
        return Format.bdf if Format.bdf.value in endings else Format(endings[-1])
    raise InputError(f"{out}: which format? name the file .csv, .parquet or .bdf.csv, or use --format")


def _check_vehicles(workspace: Workspace, table: str, vehicles: Sequence[str]) -> None:
    """Refuse vehicles that nobody entered and that no row is of: a slip would give an empty file."""
    from twinpack.store.tables import TABLES

    if not vehicles or "vehicle_id" not in (TABLES[table].schema.names if table in TABLES else ()):
        return  # what is wrong with the table is told later
    with workspace.registry() as registry:
        known = registry.fleet.known()
    for name in vehicles:
        if name not in known and not workspace.lake().read(table, ["vehicle_id"], vehicle=name).num_rows:
            raise NotFoundError(f"there is no vehicle {name!r}; `twinpack fleet list --retired` lists them")


def _moment(option: str, text: str | None) -> datetime | None:
    from datetime import UTC

    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"{option} {text!r} is no time; write 2026-03-01 or 2026-03-01T12:00:00Z") from error
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found
