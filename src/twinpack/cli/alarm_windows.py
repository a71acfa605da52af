"""`twinpack alarms mute`, `unmute` and `windows`: times in which alarms are listed but give no notice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from twinpack.cli import output
from twinpack.cli.opened import check_vehicle
from twinpack.cli.options import DEFAULT_HOME, AsJson, Home
from twinpack.cli.times import Who, moment_us, name_of, shown, until_us
from twinpack.errors import InputError

if TYPE_CHECKING:
    from twinpack.store.alarms.mutes import MuteWindow

VEHICLE_HELP = "Of this vehicle."
FLEET_HELP = "Of every vehicle of this fleet."
FROM_HELP = "Sample time it begins: ISO 8601, UTC unless it says otherwise."
UNTIL_HELP = "Sample time it ends."


def mute(
    vehicle: Annotated[str | None, typer.Option(help=VEHICLE_HELP, show_default=False)] = None,
    fleet: Annotated[str | None, typer.Option(help=FLEET_HELP, show_default=False)] = None,
    since: Annotated[str | None, typer.Option("--from", help=FROM_HELP, show_default="now")] = None,
    until: Annotated[str | None, typer.Option(help=UNTIL_HELP, show_default="until it is ended")] = None,
    lasts: Annotated[
        str | None, typer.Option("--for", help="How long it lasts: 30min, 8h, 3d.", show_default=False)
    ] = None,
    reason: Annotated[str, typer.Option(help="Why.", show_default=False)] = "",
    who: Who = "",
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Let alarms of a vehicle or a fleet give no notice for a while, such as in the workshop; they are listed."""
    from twinpack.store.alarms.mutes import MuteWindow
    from twinpack.store.records import now_us
    from twinpack.store.workspace import Workspace

    if (vehicle is None) == (fleet is None):
        raise InputError("name one: --vehicle ID, or --fleet NAME")
    start = now_us() if since is None else moment_us("--from", since)
    scope, name = ("vehicle", vehicle) if vehicle is not None else ("fleet", fleet)
    wanted = MuteWindow("", scope, str(name), start, until_us(until, lasts, start), reason, name_of(who))
    with Workspace.open(home, create=False).registry() as registry:
        if vehicle is not None:
            check_vehicle(registry, vehicle)
        window = registry.mutes.add(wanted)
    _told(window, as_json, f"alarms of {scope} {name} give no notice {_span(window)}")


def unmute(
    window: Annotated[str, typer.Argument(help="The window, by identity or its first digits.", metavar="ID")],
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """End a window now; one that has not begun is removed."""
    from twinpack.store.workspace import Workspace

    with Workspace.open(home, create=False).registry() as registry:
        before = registry.mutes.window(window)
        after = registry.mutes.end(before.window_id)
    if after is None:
        _told(before, as_json, f"window {before.window_id} removed: it had not begun")
    else:
        _told(after, as_json, f"alarms of {after.scope} {after.name} give notice again")


def windows(
    vehicle: Annotated[str | None, typer.Option(help=VEHICLE_HELP, show_default=False)] = None,
    fleet: Annotated[str | None, typer.Option(help=FLEET_HELP, show_default=False)] = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """List the windows in which alarms give no notice, the latest first."""
    from twinpack.store.workspace import Workspace

    if vehicle is not None and fleet is not None:
        raise InputError("name one: --vehicle ID, or --fleet NAME")
    scope = "vehicle" if vehicle is not None else "fleet" if fleet is not None else None
    with Workspace.open(home, create=False).registry() as registry:
        found = registry.mutes.windows(scope, vehicle if vehicle is not None else fleet)
    if as_json:
        output.json_result({"windows": [_record(window) for window in found]})
    elif found:
        rows = [[w.window_id, f"{w.scope} {w.name}", shown(w.start_us), _end(w), w.who, w.reason] for w in found]
        output.table(["window", "of", "from", "until", "by", "reason"], rows)
    else:
        output.line("no windows; `twinpack alarms mute --vehicle ID --for 8h` makes one")


def _told(window: MuteWindow, as_json: bool, text: str) -> None:
    if as_json:
        output.json_result(_record(window))
    else:
        output.line(f"{text} (window {window.window_id})" if window.window_id not in text else text)


def _span(window: MuteWindow) -> str:
    return f"from {shown(window.start_us)} until {_end(window)}"


def _end(window: MuteWindow) -> str:
    return "it is ended" if window.end_us is None else shown(window.end_us)


def _record(window: MuteWindow) -> dict[str, Any]:
    from dataclasses import asdict

    from twinpack.cli.alarm_words import with_times

    return with_times(asdict(window))
