"""`twinpack export`: rows of the lake to a file."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinpack.cli import output
from twinpack.cli.options import DEFAULT_HOME, AsJson, Home
from twinpack.cli.times import moment
from twinpack.errors import InputError, NotFoundError

if TYPE_CHECKING:
    from twinpack.store.export import Wanted
    from twinpack.store.workspace import Workspace

OUT_HELP = "The file to write; one that is there is replaced."
TABLE_HELP = "Table of the lake or the registry."
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
    """Write telemetry, or another table of the lake or the registry, as CSV, Parquet or Battery Data Format."""
    from twinpack.store.export import Wanted
    from twinpack.store.workspace import Workspace

    form = how or _by_name(out)
    vehicles = tuple(vehicle or ())
    begin = None if since is None else moment("--from", since)
    wanted = Wanted(table, vehicles, begin, None if until is None else moment("--to", until))
    workspace = Workspace.open(home, create=False)
    _check_vehicles(workspace, table, vehicles)
    rows = _export(workspace, wanted, out, form)
    if as_json:
        output.json_result({"file": str(out), "rows": rows, "format": form.value})
    else:
        output.line(f"{out}: {output.counted(rows, 'row')}")
    if form is Format.bdf and out.name.partition(".")[0] != vehicles[0]:
        output.note(f"an import takes the vehicle from the name of the file: call it {vehicles[0]}.bdf.csv")


def _export(workspace: Workspace, wanted: Wanted, out: Path, form: Format) -> int:
    from twinpack.store.export import export
    from twinpack.store.registry_export import export_registry
    from twinpack.store.registry_tables import REGISTRY_TABLES
    from twinpack.store.tables import TABLES

    if wanted.table not in REGISTRY_TABLES:
        if wanted.table not in TABLES:
            raise NotFoundError(
                f"there is no table {wanted.table!r}; there are: {', '.join((*TABLES, *REGISTRY_TABLES))}"
            )
        return export(workspace.lake(), wanted, out, form.value)
    with workspace.registry() as registry:
        return export_registry(registry, wanted, out, form.value)


def _by_name(out: Path) -> Format:
    endings = [ending.lstrip(".") for ending in out.suffixes[-2:]]
    if endings and endings[-1] in [form.value for form in Format]:
        return Format.bdf if Format.bdf.value in endings else Format(endings[-1])
    raise InputError(f"{out}: which format? name the file .csv, .parquet or .bdf.csv, or use --format")


def _check_vehicles(workspace: Workspace, table: str, vehicles: Sequence[str]) -> None:
    """Refuse vehicles that nobody entered and that no row is of: a slip would give an empty file."""
    from twinpack.store.registry_tables import REGISTRY_TABLES
    from twinpack.store.tables import TABLES

    of_lake = table in TABLES and "vehicle_id" in TABLES[table].schema.names
    of_registry = table in REGISTRY_TABLES and "vehicle_id" in REGISTRY_TABLES[table][0].names
    if not vehicles or not (of_lake or of_registry):
        return  # what is wrong with the table is told later
    with workspace.registry() as registry:
        known = registry.fleet.known()
    for name in vehicles:
        if name in known or (of_lake and workspace.lake().read(table, ["vehicle_id"], vehicle=name).num_rows):
            continue
        raise NotFoundError(f"there is no vehicle {name!r}; `twinpack fleet list --retired` lists them")
