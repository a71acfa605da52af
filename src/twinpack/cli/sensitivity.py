"""`twinpack sensitivity`: which parameters matter, which should live, which the data do not tell."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twinpack.cli import output
from twinpack.cli.options import DEFAULT_HOME, AsJson, Home, first_of
from twinpack.cli.stages import stages

if TYPE_CHECKING:
    from twinpack.runtime.sensitivity import FoundSensitivity


def command(
    model: Annotated[
        str, typer.Option(metavar="MODEL", help="Model to analyse: `latest`, or digits of its hash.")
    ] = "latest",
    pack: Annotated[
        str | None, typer.Option(help="Pack of the model, when there are several.", show_default=False)
    ] = None,
    samples: Annotated[int, typer.Option(help="Points of Sobol's sequence, a power of two.")] = 1024,
    trips: Annotated[str, typer.Option(help="Which trips of each vehicle: first:N.")] = "first:10",
    pictures: Annotated[Path | None, typer.Option(help="Folder to draw the pictures to.", show_default=False)] = None,
    svg: Annotated[bool, typer.Option("--svg", help="Draw as SVG, not PNG.")] = False,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Find which parameters of a model matter on real trips, which should live, and which the trips do not tell.

    Sobol's indices: first and total effects with 95 % intervals and pairs, over the living parameters within their
    priors and over inputs as they vary between the trips. The result is kept beside the model.
    """
    from twinpack.runtime.sensitivity import analyse_sensitivity
    from twinpack.store.workspace import Workspace

    count = first_of(trips)
    workspace = Workspace.open(home, create=False)
    with stages() as tell:
        found = analyse_sensitivity(workspace, model, pack, samples, count, tell)
    files: list[Path] = []
    if pictures is not None:
        from twinpack.report.sensitivity import draw

        files = draw(found.found, f"{found.kind} for {found.pack}", pictures, "svg" if svg else "png")
    if as_json:
        output.json_result(
            {
                "model_hash": found.model_hash,
                "sensitivity_hash": found.hash,
                "pack": found.pack,
                "kind": found.kind,
                **found.found,
                "card": found.card,
                "pictures": [str(file) for file in files],
            }
        )
        return
    show(found)
    for file in files:
        output.line(f"drawn {file}")


def show(found: FoundSensitivity) -> None:
    """Writes an analysis for people."""
    from twinpack.learn.identify import TOLD, by_label

    living, both, told = found.found["living"], found.found["both"], found.found["identified"]
    data = found.card["data"]
    output.line(
        f"{found.kind} for {found.pack}, model {found.model_hash[:12]}, on {output.counted(data['sessions'], 'trip')} "
        f"of {output.counted(data['vehicles'], 'vehicle')}"
    )
    runs = f"{output.counted(living['trips'], 'trip')}, {output.counted(living['runs'], 'run')}"
    output.table(
        ("living parameter", "total", "alone", "acts most with"),
        _rows(living),
        f"Share of {output.significant(living['sd_v'], 2)} V (standard deviation; {runs})",
    )
    if both is not None:
        output.table(
            ("parameter or input", "total", "alone", "acts most with"),
            _rows(both),
            f"With inputs as they vary: share of {output.significant(both['sd_v'], 2)} V",
        )
    chosen = found.found["chosen"]
    others = "all of them"
    if len(chosen["names"]) < len(living["names"]):
        others = f"the others make at most {output.number(100 * chosen['left'], 1)} %"
    output.line(f"living set: {', '.join(chosen['names'])}; {others}")
    output.line(f"chosen {found.found['rule']}")
    _show_residual(found.found["residual"])
    missing = [_left(name, ratios, TOLD) for name, ratios, _ in by_label(told) if max(ratios) >= TOLD]
    if missing:
        output.line(f"not identified by a vehicle's trips (part of the prior's deviation left): {', '.join(missing)}")
    else:
        output.line("every living parameter is identified by a vehicle's trips")
    pairs = {frozenset((one["name"], one["tied_to"])): one for one in told if one["tied_to"]}
    for one in pairs.values():
        output.line(f"hardly told apart: {one['name']} and {one['tied_to']} ({output.number(one['correlation'], 2)})")
    for note in found.found["notes"]:
        output.line(f"note: {note}")
    output.line(f"kept as {found.hash[:12]}")


def _left(label: str, ratios: list[float], most: float) -> str:
    """A parameter that is not identified, or several of one curve, with what is left."""
    if len(ratios) == 1:
        return f"{label} ({output.number(ratios[0], 2)})"
    missing = sum(one >= most for one in ratios)
    ends = f"{output.number(min(ratios), 2)} to {output.number(max(ratios), 2)}"
    return f"{label} ({output.number(missing)} of {output.number(len(ratios))} knots, {ends})"


def _show_residual(left: dict[str, Any]) -> None:
    none, chosen, every = (f"{output.significant(left[name], 3)} V" for name in ("none_v", "set_v", "all_v"))
    captured = left["captured"]
    share = "" if captured is None else f": the set captures {output.number(100 * captured, 1)} % of what all do"
    output.line(
        f"left of {output.counted(left['trips'], 'trip')}: {none} with none calibrated, {chosen} with the set, {every} "
        f"with all{share}"
    )


def _rows(analysis: dict[str, Any]) -> list[tuple[str, ...]]:
    names, second = analysis["names"], analysis["second"]
    order = sorted(range(len(names)), key=lambda at: -analysis["total"][at])
    return [
        (
            names[at],
            f"{output.number(analysis['total'][at], 3)} ± {output.number(analysis['total_conf'][at], 3)}",
            f"{output.number(analysis['first'][at], 3)} ± {output.number(analysis['first_conf'][at], 3)}",
            _partner(names, second, analysis["second_conf"], at),
        )
        for at in order
    ]


def _partner(names: list[str], second: list[list[float]], conf: list[list[float]], at: int) -> str:
    """What a parameter acts with most beyond both alone, where that is more than its interval."""
    pairs = [(second[min(at, other)][max(at, other)], other) for other in range(len(names)) if other != at]
    value, other = max(pairs, default=(0.0, at))
    certain = value > conf[min(at, other)][max(at, other)] and value >= 0.001
    return f"{names[other]} {output.number(value, 3)}" if certain else output.MISSING
