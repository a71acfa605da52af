"""`twinpack report`: the fleet and every vehicle in one HTML page that works offline."""

from __future__ import annotations

import webbrowser
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from twinpack.cli import output
from twinpack.cli.options import DEFAULT_HOME, AsJson, Home


@dataclass(frozen=True)
class Written:
    """What was written: the page's path, its size, and how many vehicles are in it."""

    path: str
    bytes: int
    vehicles: int
    pages: int


def command(
    home: Home = DEFAULT_HOME,
    out: Annotated[Path | None, typer.Option(help="The file. Default: report/index.html in the workspace.")] = None,
    title: Annotated[str, typer.Option(help="Name of the fleet, shown on the page.")] = "Fleet",
    vehicles: Annotated[int, typer.Option(min=1, help="Most vehicles that get a page of their own.")] = 200,
    show: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write the report: one HTML page that works offline."""
    written = write_report(home, out, title, vehicles)
    if as_json:
        output.json_result(written)
    else:
        output.line(written.path)
    if show:
        webbrowser.open(Path(written.path).as_uri())


def write_report(home: Path, out: Path | None = None, title: str = "Fleet", vehicles: int = 200) -> Written:
    """Write the report of the workspace at `home`; a reader of an older one never sees half of the new."""
    from twinpack.report.collect import collect
    from twinpack.report.page import render
    from twinpack.store.files import write_atomic
    from twinpack.store.workspace import Workspace

    workspace = Workspace.open(home, create=False)
    data = collect(workspace, title, vehicles)
    page = render(data).encode()
    path = (out if out is not None else workspace.home / "report" / "index.html").resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, page)
    return Written(str(path), len(page), len(data.fleet), len(data.vehicles))
