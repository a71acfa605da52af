"""`twinpack maintenance`: work on vehicles, done and planned."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twinpack.cli import output
from twinpack.cli.maintenance_plan import maintenance_plan
from twinpack.cli.opened import check_vehicle, opened
from twinpack.cli.options import DEFAULT_HOME, AsJson, Home, command_group
from twinpack.cli.times import Who, name_of
from twinpack.errors import InputError, TwinpackError

if TYPE_CHECKING:
    from twinpack.cli.csv_lines import Line
    from twinpack.store.registry import Registry
    from twinpack.store.workshop.records import MaintenanceRecord
    from twinpack.store.workspace import Workspace

command = command_group("Record what was done to vehicles, and plan what is to be done.")


class Kind(Enum):
    """Kinds of work."""

    inspection = "inspection"
    repair = "repair"
    replacement = "replacement"
    software = "software"
    other = "other"


class Status(Enum):
    """How far it is."""

    planned = "planned"
    done = "done"
    cancelled = "cancelled"


RecordId = Annotated[str, typer.Argument(help="The record, by identity or its first digits.", metavar="ID")]
Title = Annotated[str | None, typer.Option(help="What it is, in a line.", show_default=False)]
Planned = Annotated[str | None, typer.Option(help="Day it is planned for, as 2026-03-01.", show_default=False)]
Done = Annotated[str | None, typer.Option("--on", help="Day it was done, as 2026-03-01.", show_default=False)]
Odometer = Annotated[int | None, typer.Option("--odometer", help="What it showed, km.", show_default=False)]
Reference = Annotated[str | None, typer.Option(help="The workshop's own number of it.", show_default=False)]
Notes = Annotated[str | None, typer.Option(help="For people.", show_default=False)]
CapacityAh = Annotated[
    float | None, typer.Option("--capacity-ah", help="Capacity of the pack as tested, Ah.", show_default=False)
]
CapacitySd = Annotated[
    float | None,
    typer.Option("--capacity-sd-ah", help="Standard deviation of that; 1 % when left out.", show_default=False),
]
ResistanceMohm = Annotated[
    float | None,
    typer.Option("--resistance-mohm", help="Resistance of the pack in a pulse of discharge, mohm.", show_default=False),
]
ResistanceSd = Annotated[
    float | None,
    typer.Option("--resistance-sd-mohm", help="Standard deviation of that; 5 % when left out.", show_default=False),
]
SocPct = Annotated[
    float | None, typer.Option("--soc-pct", help="State of charge in the resistance test, %.", show_default=False)
]
TempC = Annotated[
    float | None, typer.Option("--temp-c", help="Temperature of the cells in it, °C.", show_default=False)
]
PulseS = Annotated[
    float | None, typer.Option("--pulse-s", help="Length of its pulse, s; 10 when left out.", show_default=False)
]
Confirm = Annotated[
    bool, typer.Option("--confirm", help="Take a test in though it contradicts the twin, which then doubts itself.")
]
Keep = Annotated[bool, typer.Option("--keep-baselines", help="What was learned of the cells stays as it is.")]


@command.command("list")
def maintenance_list(
    vehicle: Annotated[str | None, typer.Option(help="Only of this vehicle.", show_default=False)] = None,
    status: Annotated[Status | None, typer.Option(help="Only in this status.", show_default=False)] = None,
    kind: Annotated[Kind | None, typer.Option(help="Only of this kind.", show_default=False)] = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """List the records: what is planned by its day, then what is past, the latest first."""
    with opened(home) as (_, registry):
        if vehicle is not None:
            check_vehicle(registry, vehicle)
        found = registry.workshop.records(vehicle, status and status.value, kind and kind.value)
    if as_json:
        output.json_result({"records": [_record(one) for one in found]})
    elif found:
        output.table(["record", "vehicle", "kind", "status", "day", "km", "title"], [_cells(one) for one in found])
        output.line(output.counted(len(found), "record"))
    else:
        output.line("no records; `twinpack maintenance add VEHICLE --kind inspection --title TEXT` enters one")


@command.command("add")
def maintenance_add(
    vehicle: Annotated[str, typer.Argument(help="The vehicle.")],
    kind: Annotated[Kind, typer.Option(help="What kind of work.", show_default=False)],
    title: Annotated[str, typer.Option(help="What it is, in a line.", show_default=False)],
    planned: Planned = None,
    done: Annotated[bool, typer.Option("--done", help="It is done.")] = False,
    on: Done = None,
    odometer: Odometer = None,
    reference: Reference = None,
    notes: Notes = None,
    capacity_ah: CapacityAh = None,
    capacity_sd_ah: CapacitySd = None,
    resistance_mohm: ResistanceMohm = None,
    resistance_sd_mohm: ResistanceSd = None,
    soc_pct: SocPct = None,
    temp_c: TempC = None,
    pulse_s: PulseS = None,
    confirm: Confirm = False,
    keep: Keep = False,
    who: Who = "",
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Enter work that is planned, or with --done (or --on DAY) done.

    After a repair or a replacement, what was learned of the battery's cells begins anew, and its trouble codes are
    cleared: a row of the log says so, which takes effect when it is folded. So does a test of capacity or resistance,
    which the vehicle's twin takes in as a measurement, as a new version.
    """
    from twinpack.store.workshop.records import DONE, PLANNED, MaintenanceRecord, check_past, today

    is_done = done or on is not None
    wanted = MaintenanceRecord(
        vehicle_id=vehicle,
        kind=kind.value,
        title=title,
        status=DONE if is_done else PLANNED,
        planned_on=planned or "",
        done_on=(on or today()) if is_done else "",
        odometer_km=odometer,
        reference=reference or "",
        notes=notes or "",
        who=name_of(who),
        capacity_ah=capacity_ah,
        capacity_sd_ah=capacity_sd_ah,
        resistance_mohm=resistance_mohm,
        resistance_sd_mohm=resistance_sd_mohm,
        soc_pct=soc_pct,
        temp_c=temp_c,
        pulse_s=pulse_s,
    )
    wanted.check()
    check_past(wanted)
    with opened(home) as (workspace, registry):
        _check_tests(workspace, registry, wanted, confirm)
        record = registry.workshop.add(wanted)
        record = _told(workspace, registry, record, keep, confirm)
    _show(record, as_json, f"record {record.record_id} of {vehicle} {'kept' if is_done else 'planned'}")


@command.command("done")
def maintenance_done(
    record: RecordId,
    on: Done = None,
    odometer: Odometer = None,
    notes: Notes = None,
    capacity_ah: CapacityAh = None,
    capacity_sd_ah: CapacitySd = None,
    resistance_mohm: ResistanceMohm = None,
    resistance_sd_mohm: ResistanceSd = None,
    soc_pct: SocPct = None,
    temp_c: TempC = None,
    pulse_s: PulseS = None,
    confirm: Confirm = False,
    keep: Keep = False,
    who: Who = "",
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Say that planned work is done; a repair or a replacement lets what was learned of the cells begin anew.

    A test of capacity or resistance may also be added to work that was done before, once.
    """
    from dataclasses import replace

    from twinpack.store.workshop.records import DONE, check_past, today

    with opened(home) as (workspace, registry):
        before = registry.workshop.record(record)
        test = _given(
            capacity_ah=capacity_ah,
            capacity_sd_ah=capacity_sd_ah,
            resistance_mohm=resistance_mohm,
            resistance_sd_mohm=resistance_sd_mohm,
            soc_pct=soc_pct,
            temp_c=temp_c,
            pulse_s=pulse_s,
        )
        untold = not keep and before.resets and before.log_offset is None
        if before.status == DONE and not test and not untold and not (before.tested and before.test_offset is None):
            raise InputError(f"record {before.record_id} is done already, on {before.done_on}")
        day = on or before.done_on or today()
        changes = (
            {"status": DONE, "done_on": day, "who": name_of(who)} | _given(odometer_km=odometer, notes=notes) | test
        )
        wanted = replace(before, **changes)
        wanted.check()
        check_past(wanted)
        _check_tests(workspace, registry, wanted, confirm)
        after = registry.workshop.change(before.record_id, before.revision, **changes)
        after = _told(workspace, registry, after, keep, confirm)
    _show(after, as_json, f"record {after.record_id} of {after.vehicle_id} done on {after.done_on}")


@command.command("edit")
def maintenance_edit(
    record: RecordId,
    kind: Annotated[Kind | None, typer.Option(help="What kind of work.", show_default=False)] = None,
    title: Title = None,
    planned: Planned = None,
    cancel: Annotated[
        bool | None, typer.Option("--cancel/--plan-again", help="It is not to be done, or it is after all.")
    ] = None,
    odometer: Odometer = None,
    reference: Reference = None,
    notes: Notes = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Change a record; "" takes a text or a day away."""
    from twinpack.store.workshop.records import CANCELLED, DONE, PLANNED

    given = _given(
        kind=kind and kind.value,
        title=title,
        planned_on=planned,
        odometer_km=odometer,
        reference=reference,
        notes=notes,
        status=None if cancel is None else CANCELLED if cancel else PLANNED,
    )
    if not given:
        raise InputError("nothing to change was named; `twinpack maintenance edit --help` lists the options")
    with opened(home) as (_, registry):
        before = registry.workshop.record(record)
        if cancel is not None and before.status == DONE:
            raise InputError(
                f"record {before.record_id} is done, on {before.done_on}: it cannot be planned or cancelled"
            )
        after = registry.workshop.change(before.record_id, before.revision, **given)
    _show(after, as_json, f"record {after.record_id}: {', '.join(sorted(given))} changed")


@command.command("remove")
def maintenance_remove(record: RecordId, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Take a record away that was entered by mistake; a repair that the log tells of stays."""
    with opened(home) as (_, registry):
        removed = registry.workshop.remove(record)
    _show(removed, as_json, f"record {removed.record_id} of {removed.vehicle_id} removed")


@command.command("import")
def maintenance_import(
    path: Annotated[Path, typer.Argument(help="CSV with a header; `twinpack maintenance template` shows one.")],
    confirm: Confirm = False,
    keep: Keep = False,
    who: Who = "",
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Enter the records of a CSV file, all or none; each line that is wrong is told with its number and column.

    The same file again changes nothing. A line is the same work as before when vehicle and reference are the same, or,
    without a reference, vehicle, kind, title and day planned (or done); what else it says then replaces what was there.
    """
    from twinpack.cli.maintenance_csv import read_records
    from twinpack.runtime.measuring import tell_tests
    from twinpack.runtime.repairs import tell_repairs

    lines = read_records(path, name_of(who))
    with opened(home) as (workspace, registry):
        records, wrong = _judged(workspace, registry, lines, confirm)
        for number, what in wrong:
            output.note(f"{path}:{number}: {what}")
        if wrong:
            raise InputError(f"{path}: {output.counted(len(wrong), 'line')} wrong, see above; nothing was entered")
        done = registry.workshop.enter(records)
        entered = (*done.added, *done.changed)
        told = [] if keep else tell_repairs(workspace, registry, entered)
        tests = tell_tests(workspace, registry, entered, confirm)
    if as_json:
        counts = {"added": len(done.added), "changed": len(done.changed), "unchanged": done.unchanged}
        output.json_result(counts | {"baselines_reset": len(told), "tests": len(tests)})
        return
    output.line(
        f"{output.counted(len(done.added), 'record')} added, {len(done.changed)} changed, {done.unchanged} as before"
    )
    if told:
        output.line(f"what was learned of the cells begins anew after {output.counted(len(told), 'repair')}")
    if tests:
        output.line(f"{output.counted(len(tests), 'test')} for the twins to take in with the next run")


command.command("plan")(maintenance_plan)


@command.command("template")
def maintenance_template(home: Home = DEFAULT_HOME) -> None:
    """Show a CSV file as `import` reads it, to fill in."""
    from twinpack.cli.maintenance_csv import template

    output.line(template().rstrip())


def _judged(
    workspace: Workspace, registry: Registry, lines: Sequence[Line[MaintenanceRecord]], confirm: bool
) -> tuple[list[MaintenanceRecord], list[tuple[int, str]]]:
    """The records of a file as they would be kept, and the lines that are wrong, in order."""
    from twinpack.cli.maintenance_csv import column_first
    from twinpack.store.workshop.records import check_past

    wrong = [(line.number, str(line.said)) for line in lines if isinstance(line.said, InputError)]
    said = [(line.number, line.said) for line in lines if not isinstance(line.said, InputError)]
    records = []
    for (number, _), judged in zip(said, registry.workshop.judge([record for _, record in said]), strict=True):
        try:
            if isinstance(judged, TwinpackError):
                raise judged
            check_past(judged)
            _check_tests(workspace, registry, judged, confirm)
            records.append(judged)
        except TwinpackError as error:
            wrong.append((number, column_first(error)))
    return records, sorted(wrong)


def _check_tests(workspace: Workspace, registry: Registry, record: MaintenanceRecord, confirm: bool) -> None:
    if record.tested:
        from twinpack.runtime.measuring import check_tests

        check_vehicle(registry, record.vehicle_id)
        check_tests(workspace, registry, record, confirm)


def _told(
    workspace: Workspace, registry: Registry, record: MaintenanceRecord, keep: bool, confirm: bool
) -> MaintenanceRecord:
    """The record once the log was told of its repair and of its test."""
    from twinpack.runtime.repairs import tell_repairs

    record = next(iter([] if keep else tell_repairs(workspace, registry, [record])), record)
    if not record.tested:
        return record
    from twinpack.runtime.measuring import tell_tests

    # After the repair: a new battery's test is of the new battery.
    return next(iter(tell_tests(workspace, registry, [record], confirm)), record)


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _show(record: MaintenanceRecord, as_json: bool, text: str) -> None:
    if as_json:
        output.json_result(_record(record))
        return
    output.line(text)
    if record.log_offset is not None:
        output.line(f"what was learned of its cells begins anew with row {record.log_offset} of the log")
    if record.test_offset is not None:
        output.line(
            f"its twin takes the test in with row {record.test_offset} of the log: with the next `twinpack run`, or at "
            "once by `twinpack serve`"
        )


def _record(record: MaintenanceRecord) -> dict[str, Any]:
    from dataclasses import asdict

    from twinpack.cli.alarm_words import with_times

    plain = asdict(record)
    del plain["line_sha256"]
    return with_times(plain)


def _cells(record: MaintenanceRecord) -> list[str]:
    day = record.done_on or record.planned_on or output.MISSING
    km = output.number(record.odometer_km)
    return [record.record_id, record.vehicle_id, record.kind, record.status, day, km, record.title]
