"""`twinpack run`: let the twins live through everything that was imported."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from twinpack.cli import output
from twinpack.cli.options import DEFAULT_HOME, AsJson, Home

if TYPE_CHECKING:
    from twinpack.runtime.run import RunSummary
    from twinpack.runtime.stages import Stages
    from twinpack.store.workspace import Workspace


class PolicyName(StrEnum):
    """When a trip proposes new parameters."""

    threshold = "threshold"
    always = "always"
    change = "change"


def command(
    policy: Annotated[
        PolicyName | None,
        typer.Option(help="When a trip proposes new parameters; only for a first run.", show_default="the settings'"),
    ] = None,
    without_model: Annotated[
        bool, typer.Option("--without-model", help="Find faults though no model was learned; twins begin when one is.")
    ] = False,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Predict, measure and recalibrate every twin, and find faults, over what was imported since the last run.

    It can be ended at any moment: started again, it goes on and ends with the same versions.
    """
    from twinpack.store.workspace import Workspace

    workspace = Workspace.open(home, create=False)
    summary = run_with_progress(workspace, policy.value if policy else None, without_model=without_model)
    if as_json:
        output.json_result(summary)
    else:
        show(summary)


def run_with_progress(
    workspace: Workspace, policy: str | None, stages: Stages | None = None, *, without_model: bool = False
) -> RunSummary:
    """Run with a progress bar on standard error; `stages` counts what it takes."""
    from twinpack.runtime.run import run

    with output.progress("run", 100.0, "%") as bar:
        return run(
            workspace,
            policy=policy,  # type: ignore[arg-type]
            tell=lambda done, total: bar.set(100.0 * done / max(total, 1), f"{output.number(done)} rows"),
            stages=stages,
            without_model=without_model,
        )


def show(summary: RunSummary) -> None:
    """Say what a run did."""
    for note in summary.notes:
        output.note(f"twinpack: {note}")
    if not summary.rows:
        output.line("nothing new in the log")
        return
    output.line(
        f"{output.counted(summary.rows, 'row')} of {output.counted(summary.vehicles, 'vehicle')}: "
        f"{output.counted(summary.predictions, 'trip')} predicted"
    )
    output.line(f"{output.counted(summary.accepted, 'update')} accepted, {output.number(summary.refused)} refused")
    if summary.measured:
        output.line(f"{output.counted(summary.measured, 'test')} of a workshop taken in")
    if summary.alarms:
        output.line(f"{output.counted(summary.alarms, 'alarm')} raised: `twinpack alarms`")
    if summary.late or summary.repeated:
        output.line(
            f"{output.counted(summary.late, 'late row')} and {output.counted(summary.repeated, 'repeated row')} "
            "are in the log but not in the twins"
        )
    if summary.unknown:
        output.line(f"{output.counted(summary.unknown, 'row')} of vehicles that were never registered")
    if summary.without_model:
        names = ", ".join(summary.without_model[:5])
        more = len(summary.without_model) - 5
        rest = f" and {more} more" if more > 0 else ""
        output.line(f"no model yet for {names}{rest}: `twinpack learn model --pack …`, then run again")
