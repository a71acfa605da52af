"""`twinpack evaluate`: how good twins and detection are, on recorded data and on simulated fleets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from twinpack.cli import output
from twinpack.cli.options import AsJson
from twinpack.errors import NotFoundError


def command(
    only: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="One evaluation, by name; all without.", show_default=False)
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="Folder with the data sets, one folder each; or that of NAME.", show_default=False),
    ] = None,
    out: Annotated[Path, typer.Option(help="Where the figures are written, as JSON.")] = Path("build/evaluate.json"),
    quick: Annotated[bool, typer.Option("--quick", help="Less data: a check, not a verdict.")] = False,
    pictures: Annotated[
        Path | None,
        typer.Option(help="Folder for pictures, a folder for each evaluation that has some.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Judge predictions, bands, health figures and alarms exactly as a run makes them."""
    from twinpack.cli.evaluations import EVALUATIONS, SIMULATIONS, evaluate_all

    if data is not None and not data.is_dir():
        raise NotFoundError(f"{data}: there is no such folder of data sets")
    names = (*EVALUATIONS, *SIMULATIONS)
    if only is not None and only not in names:
        raise NotFoundError(f"no evaluation {only!r}; there are {', '.join(names)}")
    if only in EVALUATIONS and data is None:
        raise NotFoundError(f"{only} is judged on recorded data: say where they are with --data FOLDER")
    out.parent.mkdir(parents=True, exist_ok=True)
    results: dict[str, dict[str, Any]] = {}
    for name, metrics in evaluate_all(data, quick, only, pictures):
        results[name] = metrics
        out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    if only is not None and not results:
        raise NotFoundError(f"{data}: there is no folder {only} with Parquet files")
    if as_json:
        output.json_result(results)
        return
    output.table(["data", "metric", "value"], _rows(results))
    output.line(f"written to {out}")


def _rows(results: dict[str, dict[str, Any]]) -> list[list[str]]:
    return [
        [name, metric, told]
        for name, metrics in results.items()
        for metric, value in metrics.items()
        if metric != "split"
        for told in _told(value)
    ]


def _told(value: Any) -> list[str]:
    """A value in lines: one for each entry of a list or mapping."""
    if isinstance(value, dict):
        return [f"{key}: {' | '.join(_told(each))}".removeprefix(": ") for key, each in value.items()] or ["none"]
    if isinstance(value, list):
        if all(isinstance(each, int) for each in value):
            return [", ".join(map(str, value)) or "none"]
        return [line for each in value for line in _told(each)] or ["none"]
    return [f"{value:.4g}" if isinstance(value, float) else "-" if value is None else str(value)]
