"""`twinpack replay`: the past with late samples in their places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from twinpack.cli import output
from twinpack.cli.options import DEFAULT_HOME, AsJson, Home
from twinpack.cli.times import moment_us

if TYPE_CHECKING:
    from twinpack.runtime.differences import VehicleDifference
    from twinpack.runtime.replay import ReplayReport

FROM_HELP = "Sample time from which late samples are put in place, such as 2026-01-31 or 2026-01-31T12:00:00Z (UTC)."

_SHOWN = 20


def command(
    from_: Annotated[str, typer.Option("--from", metavar="TIME", help=FROM_HELP)],
    apply: Annotated[bool, typer.Option("--apply", help="Add what is different as new versions.")] = False,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Fold the past again, with samples that came late in their places, and tell what would have been different.

    Where nothing came late, everything must come out as it is recorded. Nothing recorded changes: with --apply, the
    outcome becomes a new version of each twin that differs, and the twin goes on from it. A second time adds nothing.

    Exit codes: 0 the same, or applied; 1 something is different; 2 it could not be done.
    """
    from twinpack.runtime.replay import replay
    from twinpack.store.workspace import Workspace

    from_us = moment_us("--from", from_)
    workspace = Workspace.open(home, create=False)
    with output.progress("replay", 100.0, "%") as bar:
        report = replay(
            workspace,
            from_us,
            apply=apply,
            tell=lambda done, total: bar.set(100.0 * done / max(total, 1), f"{output.number(done)} rows"),
        )
    if as_json:
        output.json_result(_figures(report))
    else:
        _show(report)
    if report.unexpected or not {one.vehicle_id for one in report.changed} <= set(report.applied):
        raise typer.Exit(1)


def _figures(report: ReplayReport) -> dict[str, object]:
    from dataclasses import asdict

    vehicles = [{**asdict(one), "changed": one.changed} for one in report.vehicles]
    return {**asdict(report), "vehicles": vehicles, "same": report.same}


def _show(report: ReplayReport) -> None:
    from twinpack.runtime.replay import told

    for note in _notes(report):
        output.note(f"twinpack: {note}")
    came = f"{output.counted(report.events, 'event')}, {output.counted(report.versions, 'version')} among them"
    output.line(f"{output.counted(report.rows, 'row')} from row {output.number(report.base_offset)} on: {came}")
    if not report.vehicles:
        output.line(f"nothing came late from {told(report.from_us)} on")
    else:
        late = sum(one.late for one in report.vehicles)
        output.line(
            f"{output.counted(late, 'sample')} of {output.counted(len(report.vehicles), 'vehicle')} came late "
            f"from {told(report.from_us)} on"
        )
    if report.same:
        output.line("everything comes out as it is recorded")
    for one in report.changed[:_SHOWN]:
        _show_vehicle(one)
    if len(report.changed) > _SHOWN:
        output.line(f"\nand {output.counted(len(report.changed) - _SHOWN, 'more vehicle')}; --json tells all")
    if report.applied:
        output.line(f"\nadded as a new version of {output.counted(len(report.applied), 'vehicle')}")
    elif report.changed:
        output.line("\n--apply adds this as new versions")


def _notes(report: ReplayReport) -> list[str]:
    notes = list(report.notes)
    if report.unexpected:
        names = ", ".join(report.unexpected[:5])
        more = f" and {len(report.unexpected) - 5} more" if len(report.unexpected) > 5 else ""
        notes.append(
            f"{names}{more}: not as recorded though nothing came late; another release or machine recorded them"
        )
    if report.older:
        notes.append(f"late samples from before that time, which stay out: {output.number(report.older)}")
    if report.settled:
        notes.append(f"late samples in a replay that was applied before: {output.number(report.settled)}")
    if report.unfolded:
        notes.append(f"rows behind it that were not folded and saved yet: {output.number(report.unfolded)}")
    return notes


def _show_vehicle(one: VehicleDifference) -> None:
    output.line(f"\n{one.vehicle_id}: {output.counted(one.late, 'late sample')}")
    other = one.versions_after - one.versions_same
    output.line(
        f"  versions since   {one.versions_before} → {one.versions_after}, {other} of them others"
        if other
        else f"  versions since   {one.versions_before} → {one.versions_after}"
    )
    trips = [(len(one.trips_added), "added"), (len(one.trips_removed), "gone"), (len(one.trips_changed), "changed")]
    output.line(f"  trips            {', '.join(f'{count} {what}' for count, what in trips if count) or 'the same'}")
    if one.rmse_before_v is not None and one.rmse_after_v is not None:
        before, after = (output.significant(value, 3) for value in (one.rmse_before_v, one.rmse_after_v))
        output.line(f"  error            {before} → {after} V")
    for figure in one.figures:
        was = output.with_uncertainty(figure.before, 2.0 * figure.before_sd)
        now = output.with_uncertainty(figure.after, 2.0 * figure.after_sd)
        if was != now:
            output.line(f"  {figure.name:<16} {was} → {now}")
