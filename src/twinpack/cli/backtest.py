"""`twinpack backtest`: what a change would have done, on the log there is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinpack.cli import output
from twinpack.cli.backtest_forecast import forecast
from twinpack.cli.options import DEFAULT_HOME, AsJson, Home, command_group
from twinpack.cli.rules import FILE_HELP, mistakes_told, read_rules_file

if TYPE_CHECKING:
    from twinpack.runtime.backtest import CodeOutcome, Raised, RulesBacktest

command = command_group("Test rules and forecasts on the telemetry there is.")
command.command("forecast")(forecast)

_TIME = "such as 2026-01-31 or 2026-01-31T12:00:00Z (UTC)."


@command.command("rules")
def rules(
    file: Annotated[Path, typer.Argument(help=FILE_HELP)],
    from_: Annotated[
        str,
        typer.Option(
            "--from", metavar="TIME", help=f"Sample time from which on is told, {_TIME}", show_default="the first"
        ),
    ] = "",
    to: Annotated[
        str,
        typer.Option(metavar="TIME", help=f"Sample time before which is told, {_TIME}", show_default="the last"),
    ] = "",
    vehicle: Annotated[str, typer.Option(help="List each time for this vehicle.", show_default=False)] = "",
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Show what a rule set would have raised, beside what the workspace's present rules raise.

    Both are folded alike from the beginning of the log, each by one rule set throughout; nothing in the workspace
    changes. Anomalies of single cells are the same under every rule set and are not shown.
    """
    from twinpack.cli.times import moment_us
    from twinpack.runtime.backtest import backtest_rules
    from twinpack.store.workspace import Workspace

    text = read_rules_file(file)
    start, end = (moment_us(option, given) if given else None for option, given in (("--from", from_), ("--to", to)))
    workspace = Workspace.open(home, create=False)
    with mistakes_told(), output.progress("back-test", 100.0, "%") as bar:
        report = backtest_rules(
            workspace,
            text,
            str(file),
            start,
            end,
            vehicle=vehicle,
            tell=lambda done, total: bar.set(100.0 * done / max(total, 1), f"{output.number(done)} rows"),
        )
    if as_json:
        output.json_result(_figures(report))
    else:
        _show(report, str(file), vehicle)


def _figures(report: RulesBacktest) -> dict[str, object]:
    from dataclasses import asdict

    codes = [{**asdict(one), "differs": one.differs} for one in report.codes]
    return {**asdict(report), "codes": codes, "differs": report.differs}


def _show(report: RulesBacktest, file: str, vehicle: str) -> None:
    from twinpack.cli.times import shown

    for note in report.notes:
        output.note(f"twinpack: {note}")
    rows = output.counted(report.end_offset - report.first_offset, "row")
    output.line(f"raised from {shown(report.from_us)} to {shown(report.to_us)}; {rows} folded by each rule set")
    told = [one for one in report.codes if one.differs or (one.present is not None and one.present.count)]
    if told:
        columns = ("code", "name", "now", "vehicles", "first", "changed", "vehicles", "first")
        output.table(columns, [_cells(one) for one in told])
    silent = len(report.codes) - len(told)
    if silent:
        output.line(f"{output.counted(silent, 'code')} raised by neither")
    if not report.differs:
        output.line(f"{file} raises what the present rules raise")
    if vehicle:
        output.line(f"\n{vehicle}: raised {output.counted(len(report.vehicle), 'time')}")
        for one in report.vehicle:
            words = {"present": "now alone", "changed": "changed alone", "both": "both"}[one.by]
            output.line(f"  {shown(one.time_us)}  {one.code}  severity {one.severity}, {words}: {one.text}")


def _cells(one: CodeOutcome) -> tuple[str, ...]:
    return (one.code, output.shortened(one.name, 32), *_part(one.present), *_part(one.changed))


def _part(raised: Raised | None) -> tuple[str, str, str]:
    from twinpack.cli.times import shown

    if raised is None:
        return "no rule", output.MISSING, output.MISSING
    first = output.MISSING if raised.first_us is None else shown(raised.first_us)
    return output.number(raised.count), output.number(len(raised.vehicles)), first
