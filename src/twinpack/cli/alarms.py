"""`twinpack alarms`: what was found, and what people do about it."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twinpack.cli import fleet_facts, output
from twinpack.cli.alarm_sinks import test_sink
from twinpack.cli.alarm_windows import mute, unmute, windows
from twinpack.cli.opened import check_vehicle, opened
from twinpack.cli.options import DEFAULT_HOME, AsJson, Home
from twinpack.cli.times import Who, moment_us, name_of, shown, until_us
from twinpack.errors import InputError

if TYPE_CHECKING:
    from twinpack.store.alarms.records import Alarm
    from twinpack.store.alarms.register import Wanted
    from twinpack.store.registry import Registry
    from twinpack.store.workspace import Workspace

command = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)

AlarmIds = Annotated[list[str], typer.Argument(help="The alarms, by identity or its first digits.", metavar="ID...")]
Comment = Annotated[str, typer.Option(help="What to say of it.", show_default=False)]
SNOOZED_HELP = "Only those snoozed now, or only those that are not."
REAL_HELP = "Whether there was such a fault: its rule is judged by that."
CLEAR_HELP = "Leave the twin's own trouble code as it is."


class State(Enum):
    """States to list."""

    active = "active"
    acknowledged = "acknowledged"
    cleared = "cleared"


class Category(Enum):
    """What is at fault."""

    battery = "battery"
    sensor = "sensor"
    data = "data"


@command.callback(invoke_without_command=True)
def alarms_list(
    context: typer.Context,
    state: Annotated[list[State] | None, typer.Option(help="Only in this state; may be repeated.")] = None,
    vehicle: Annotated[str | None, typer.Option(help="Only of this vehicle.", show_default=False)] = None,
    fleet: Annotated[str | None, typer.Option(help="Only of this fleet.", show_default=False)] = None,
    severity: Annotated[int, typer.Option(min=0, max=3, help="Only of this severity and above.")] = 0,
    code: Annotated[str | None, typer.Option(help="Only with this code.", show_default=False)] = None,
    category: Annotated[
        Category | None,
        typer.Option(help="Only with this at fault.", show_default=False),
    ] = None,
    assignee: Annotated[str | None, typer.Option(help='Only of this person; "" for nobody.')] = None,
    snoozed: Annotated[bool | None, typer.Option("--snoozed/--awake", help=SNOOZED_HELP, show_default=False)] = None,
    since: Annotated[str | None, typer.Option(help="Raised at this sample time or later.", show_default=False)] = None,
    every: Annotated[bool, typer.Option("--all", help="Cleared ones, and those of level watch, too.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Those of level watch too.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="How many at most.", show_default=False)] = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """List the alarms that are open, the most severe first; show and handle one of them.

    Times of alarms are sample times, UTC. Severity: 0 none, 1 drives normally, 2 limited performance, 3 stop or call
    rescue.
    """
    if context.invoked_subcommand is not None:
        return
    from twinpack.store.alarms.records import OPEN_STATES, STATES
    from twinpack.store.alarms.register import Wanted

    states = tuple(one.value for one in state) if state else STATES if every else OPEN_STATES
    wanted = Wanted(
        states=states,
        vehicle=vehicle,
        fleet=fleet,
        code=None if code is None else code.upper(),
        category=category.value if category else None,
        min_severity=severity,
        min_level="watch" if watch or every else "alarm",
        assignee=assignee,
        snoozed=snoozed,
        since_us=None if since is None else moment_us("--since", since),
        limit=limit,
    )
    with opened(home) as (workspace, registry):
        advice = fleet_facts.not_looked(workspace, registry)
        if not advice:
            _check_names(registry, vehicle, fleet)
        found, counts = registry.alarms.alarms(wanted), registry.alarms.counts(wanted)
        watched = 0 if wanted.min_level == "watch" else _watched(registry, wanted)
    if as_json:
        by_severity = {str(level): count for level, count in counts.items()}
        output.json_result({"alarms": [record(one) for one in found], "by_severity": by_severity})
    else:
        _tell(found, sum(counts.values()), watched)
    if advice:  # no news would look like good news
        output.note(advice)


@command.command("show")
def alarms_show(
    alarm: Annotated[str, typer.Argument(help="The alarm, by identity or its first digits.", metavar="ID")],
    plot: Annotated[Path | None, typer.Option(help="Draw the signals around it into a PNG file.")] = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Show an alarm: what was found and why, the freeze frame, and what was done about it."""
    from twinpack.cli.alarm_words import as_record, tell

    with opened(home) as (workspace, registry):
        found = registry.alarms.alarm(alarm)
        history = registry.alarms.history(found.alarm_id)
        findings = registry.alarms.findings_of(found.alarm_id)
        drawn = None if plot is None else _draw(workspace, registry, found, plot)
    if as_json:
        picture = {} if drawn is None else {"plot": {"file": str(plot), "shows": drawn}}
        output.json_result(as_record(found, history, findings) | picture)
        return
    tell(found, history, findings)
    if drawn is not None:
        output.line()
        output.line(f"{plot}: {drawn}")


def _draw(workspace: Workspace, registry: Registry, alarm: Alarm, file: Path) -> str:
    from twinpack.report.fault_plot import draw_alarm

    return draw_alarm(workspace, registry, alarm, file)


@command.command("ack")
def alarms_ack(
    alarm: AlarmIds, comment: Comment = "", who: Who = "", home: Home = DEFAULT_HOME, as_json: AsJson = False
) -> None:
    """Say that a person has seen it and sees to it."""
    name = name_of(who)
    _each(
        home,
        alarm,
        as_json,
        f"acknowledged by {name}",
        lambda registry, one: registry.alarms.acknowledge(one.alarm_id, name, comment, one.revision),
    )


@command.command("assign")
def alarms_assign(
    alarm: AlarmIds,
    to: Annotated[str, typer.Option(help='The person; "" for nobody.', show_default=False)],
    comment: Comment = "",
    who: Who = "",
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Give it to a person."""
    name = name_of(who)
    _each(
        home,
        alarm,
        as_json,
        f"assigned to {to.strip() or 'nobody'}",
        lambda registry, one: registry.alarms.assign(one.alarm_id, to, name, comment, one.revision),
    )


@command.command("comment")
def alarms_comment(
    alarm: AlarmIds,
    comment: Annotated[str, typer.Option(help="What to say of it.", show_default=False)],
    who: Who = "",
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Say something of it, of a cleared one too."""
    name = name_of(who)
    _each(
        home, alarm, as_json, "comment kept", lambda registry, one: registry.alarms.comment(one.alarm_id, comment, name)
    )


@command.command("snooze")
def alarms_snooze(
    alarm: AlarmIds,
    until: Annotated[
        str | None, typer.Option(help="Until then: ISO 8601, UTC unless it says otherwise.", show_default=False)
    ] = None,
    lasts: Annotated[str | None, typer.Option("--for", help="For so long: 30min, 8h, 3d.", show_default=False)] = None,
    comment: Comment = "",
    who: Who = "",
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Leave it alone for a while by the clock: no notice is given of it, however often it is raised."""
    from twinpack.store.records import now_us

    name, end = name_of(who), until_us(until, lasts, now_us())
    if end is None:
        raise InputError("until when? --until 2026-03-01T08:00+01:00, or --for 8h")
    _each(
        home,
        alarm,
        as_json,
        f"snoozed until {shown(end)}",
        lambda registry, one: registry.alarms.snooze(one.alarm_id, end, name, comment, one.revision),
    )


@command.command("unsnooze")
def alarms_unsnooze(
    alarm: AlarmIds, comment: Comment = "", who: Who = "", home: Home = DEFAULT_HOME, as_json: AsJson = False
) -> None:
    """Leave it alone no longer."""
    name = name_of(who)
    _each(
        home,
        alarm,
        as_json,
        "snoozed no longer",
        lambda registry, one: registry.alarms.unsnooze(one.alarm_id, name, comment, one.revision),
    )


@command.command("clear")
def alarms_clear(
    alarm: AlarmIds,
    comment: Annotated[str, typer.Option(help="Why it is over.", show_default=False)],
    only_alarm: Annotated[bool, typer.Option("--only-alarm", help=CLEAR_HELP)] = False,
    real: Annotated[bool | None, typer.Option("--real/--false-alarm", help=REAL_HELP, show_default=False)] = None,
    who: Who = "",
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """End it; raised again, another opens.

    The twin's own trouble code is cleared too, as by service 0x14 of ISO 14229: a row of the log tells it, and takes
    effect when that row is folded (at once under `twinpack serve`, else with the next `twinpack run`).
    """
    from twinpack.runtime.repairs import clear_code

    name = name_of(who)
    with opened(home) as (workspace, registry):
        found = [registry.alarms.alarm(one) for one in alarm]
        done = []
        for one in found:
            cleared = registry.alarms.clear(one.alarm_id, name, comment, one.revision, real)
            offset = None if only_alarm else clear_code(workspace, registry, cleared, name, comment)
            done.append(cleared)
            if not as_json:
                code = "" if offset is None else f"; code {one.code} is cleared with row {offset} of the log"
                output.line(f"{one.alarm_id} cleared by {name}{code}")
    if as_json:
        output.json_result({"alarms": [record(one) for one in done]})


command.command("mute")(mute)
command.command("unmute")(unmute)
command.command("windows")(windows)
command.command("test-sink")(test_sink)


def record(alarm: Alarm) -> dict[str, Any]:
    """An alarm as JSON values, times with their zone."""
    from dataclasses import asdict

    from twinpack.cli.alarm_words import with_times

    return with_times(asdict(alarm))


def _each(home: Path, ids: list[str], as_json: bool, what: str, act: Callable[[Registry, Alarm], Alarm]) -> None:
    """Do something to some alarms; all are found before the first is changed."""
    with opened(home) as (_, registry):
        found = [registry.alarms.alarm(one) for one in ids]
        done = []
        for one in found:
            done.append(act(registry, one))
            if not as_json:
                output.line(f"{one.alarm_id} ({one.vehicle_id}, {named(one)}): {what}")
    if as_json:
        output.json_result({"alarms": [record(one) for one in done]})


def named(alarm: Alarm) -> str:
    """Code and subject."""
    return f"{alarm.code} {alarm.subject}".rstrip()


def _check_names(registry: Registry, vehicle: str | None, fleet: str | None) -> None:
    """Refuse a vehicle or a fleet that is not known."""
    if fleet is not None:
        registry.fleet.fleet(fleet)
    if vehicle is not None:
        check_vehicle(registry, vehicle)


def _watched(registry: Registry, wanted: Wanted) -> int:
    """How many the list leaves out as they are of level watch."""
    from dataclasses import replace

    lower = replace(wanted, min_level="watch", limit=None)
    return sum(registry.alarms.counts(lower).values()) - sum(registry.alarms.counts(wanted).values())


def _tell(alarms: list[Alarm], total: int, watched: int) -> None:
    from twinpack.store.records import now_us

    left_out = f"{watched} of level watch; --watch shows them" if watched else ""
    if not alarms:
        output.line("no alarms" + (f", but {left_out}" if left_out else ""))
        return
    at_us = now_us()
    columns = ["alarm", "sev", "vehicle", "code", "of", "last raised", "times", "state"]
    output.table(columns, [_cells(one, at_us) for one in alarms])
    counted = output.counted(total, "alarm") + (f", {len(alarms)} shown" if total > len(alarms) else "")
    output.line(counted + (f"; and {left_out}" if left_out else ""))


def _cells(alarm: Alarm, at_us: int) -> list[str]:
    state = alarm.state + (f", {alarm.assignee}" if alarm.assignee else "")
    marks = [
        "watch" if alarm.level == "watch" else "",
        "" if alarm.present or alarm.state == "cleared" else "passed",
        "muted" if alarm.muted_by else "",
        "snoozed" if alarm.snoozed(at_us) else "",
    ]
    return [
        alarm.alarm_id,
        str(alarm.severity),
        alarm.vehicle_id,
        alarm.code,
        alarm.subject or output.MISSING,
        shown(alarm.last_us).removesuffix(" UTC"),
        output.number(alarm.count),
        ", ".join(filter(None, (state, *marks))),
    ]
