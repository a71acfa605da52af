"""`twinpack faults`: what is wrong with one vehicle, what was, and why twinpack says so."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twinpack.cli import fleet_facts, output
from twinpack.cli.options import DEFAULT_HOME, AsJson, Home
from twinpack.cli.times import Who, name_of, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from twinpack.store.fault_list import Fault, VehicleFaults

LAST = 10
ALL = "all"
_INDENT = " " * 16


def command(
    vehicle: Annotated[str, typer.Argument(help="The vehicle.")],
    clear: Annotated[
        list[str] | None,
        typer.Option(metavar="CODE", help="Clear this trouble code, or all; may be repeated.", show_default=False),
    ] = None,
    reason: Annotated[str, typer.Option(help="With --clear: why, for the history.")] = "",
    who: Who = "",
    last: Annotated[int, typer.Option(min=0, help="How many past faults to list, the newest first; 0 for all.")] = LAST,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Show the trouble codes and anomalies of a vehicle: those that are so now, then those that were.

    Each with its status byte in words, since when, how often, and the evidence. Faults of sensors and of the data stand
    apart from those of the battery. --clear clears trouble codes as service 0x14 of ISO 14229 does: it is a row of the
    log, and takes effect when that row is folded.
    """
    if clear:
        _clear(home, vehicle, clear, reason, name_of(who), as_json)
        return
    faults = _read(home, vehicle)
    if as_json:
        output.json_result(as_record(faults, last))
    else:
        for line in lines(faults, last):
            output.line(line)


def _read(home: Path, vehicle: str) -> VehicleFaults:
    from twinpack.errors import NotFoundError
    from twinpack.store.fault_list import faults_of
    from twinpack.store.workspace import Workspace

    workspace = Workspace.open(home, create=False)
    with workspace.registry() as registry:
        if vehicle not in registry.fleet.known():
            if advice := fleet_facts.not_looked(workspace, registry):
                raise NotFoundError(f"no vehicle {vehicle!r}: {advice}")
            fleet_facts.find_vehicle(workspace, registry, vehicle)  # tells which may be meant
        return faults_of(registry, vehicle)


def _clear(home: Path, vehicle: str, codes: list[str], reason: str, who: str, as_json: bool) -> None:
    """Append the command that clears codes."""
    from twinpack.errors import InputError
    from twinpack.fleet.commands import clear_codes_command
    from twinpack.ingest.log import open_log
    from twinpack.runtime.orders import append_command
    from twinpack.store.workspace import Workspace

    if not reason.strip():
        raise InputError("say with --reason why it is cleared: it stands in the history")
    faults = _read(home, vehicle)
    known = {fault.code for fault in faults.all if fault.has_life_cycle} | faults.codes.keys()
    for code in codes:
        if code != ALL and code not in known:
            raise InputError(_not_cleared(faults, code, sorted(known)))
    named = None if ALL in codes else list(dict.fromkeys(codes))
    log = open_log(Workspace.open(home, create=False))
    offset = append_command(log, vehicle, clear_codes_command(vehicle, named, who, reason), "faults")
    if as_json:
        output.json_result({"vehicle": vehicle, "codes": named, "who": who, "reason": reason, "offset": offset})
    else:
        what = "all codes" if named is None else ", ".join(named)
        output.line(
            f"{vehicle}: {what} cleared with row {offset} of the log, at once under `twinpack serve`, else with the "
            "next `twinpack run`"
        )


def _not_cleared(faults: VehicleFaults, code: str, known: Sequence[str]) -> str:
    if any(fault.code == code for fault in faults.all):
        return (
            f"{code} is no trouble code that can be cleared: a cell or probe is as it is until it is repaired; "
            "`twinpack maintenance` enters a repair"
        )
    return f"{faults.vehicle_id} has no trouble code {code!r}; it has {', '.join(known) or 'none'}"


def as_record(faults: VehicleFaults, last: int) -> dict[str, Any]:
    """All of it as JSON values, times with their zone."""
    return {
        "vehicle": faults.vehicle_id,
        "pack": faults.pack,
        "detected": faults.detected,
        "gbt": {"level": faults.gbt_level, "bits": faults.gbt_bits, "alarms": faults.gbt_names},
        "active": [_record(fault) for fault in faults.of("active")],
        "passed": [_record(fault) for fault in faults.of("passed")],
        "pending": [_record(fault) for fault in faults.of("pending")],
        "history": [_record(fault) for fault in faults.of("gone")[: last or None]],
    }


def _record(fault: Fault) -> dict[str, Any]:
    from twinpack.detect.words import status_bits

    alarm = fault.alarm
    return {
        "code": fault.code,
        "subject": fault.subject,
        "category": fault.found.category,
        "level": fault.found.level,
        "severity": fault.found.severity,
        "state": fault.state,
        "status": fault.status,
        "status_bits": status_bits(fault.status),
        "fdc": fault.fdc,
        "occurrence": fault.found.occurrence,
        "since": fleet_facts.moment(fault.found.since_us),
        "changed": fleet_facts.moment(fault.found.sample_time_us),
        "alarm": None if alarm is None else {"id": alarm.alarm_id, "state": alarm.state, "assignee": alarm.assignee},
        "evidence": fault.raised.evidence,
    }


def lines(faults: VehicleFaults, last: int) -> Iterator[str]:
    """All of it in lines, the answer first."""
    from twinpack.cli.explain import wrapped

    yield f"{faults.vehicle_id} · {faults.pack}" if faults.pack else faults.vehicle_id
    if not faults.detected:
        yield from wrapped(_not_detected(faults))
        return
    yield from wrapped(_summary(faults))
    yield from wrapped(_gbt(faults))
    for title, categories in (("Battery", ("battery",)), ("Sensors and data", ("sensor", "data"))):
        mine = [fault for fault in faults.standing if fault.found.category in categories]
        if mine:
            yield ""
            yield title
        for fault in mine:
            yield from _told(fault)
    yield from _history(faults.of("gone"), last)


def _not_detected(faults: VehicleFaults) -> str:
    if faults.seen:
        return "Nobody has looked for faults here yet: `twinpack run` does, over what comes from then on."
    return "No sample of it was folded yet, so nothing is known of its faults."


def _summary(faults: VehicleFaults) -> str:
    from twinpack.detect.words import SEVERITIES

    active, rest = faults.of("active"), faults.of("passed") + faults.of("pending")
    if not active:
        also = f"; {len(rest)} passed or pending" if rest else ""
        return f"No fault is active{also}."
    battery = [fault for fault in active if fault.found.category == "battery"]
    others = len(active) - len(battery)
    parts = [output.counted(len(battery), "battery fault")] if battery else []
    parts += [f"{output.counted(others, 'fault')} of sensors or data"] if others else []
    worst = max(fault.found.severity for fault in battery or active)
    tail = f"; {len(rest)} more passed or pending" if rest else ""
    return f"Active: {' and '.join(parts)}; severity {worst}, {SEVERITIES[worst]}{tail}."


def _gbt(faults: VehicleFaults) -> str:
    named = ", ".join(faults.gbt_names)
    return f"GB/T 32960: level {faults.gbt_level}, {named or 'no alarm bits'}"


def _told(fault: Fault) -> Iterator[str]:
    from twinpack.detect.words import SEVERITIES, sentence, status_words

    found = fault.found
    head = f"{found.code}, {found.subject}" if found.subject else found.code
    first, *others = _wrapped(sentence(fault.raised.evidence) or fault.state)
    yield f"  {head:<{len(_INDENT) - 2}}{first[len(_INDENT) :]}" if len(head) < len(_INDENT) - 2 else f"  {head}"
    if len(head) >= len(_INDENT) - 2:
        yield first
    yield from others
    times = "once" if found.occurrence <= 1 else f"{found.occurrence} times"
    yield f"{_INDENT}{found.level}, severity {found.severity}, {SEVERITIES[min(found.severity, 3)]}"
    began = shown(found.since_us if fault.state != "passed" else found.sample_time_us)
    yield f"{_INDENT}{fault.state} since {began}" + ("" if fault.state == "pending" else f", raised {times}")
    if fault.has_life_cycle:
        counter = "" if fault.fdc is None else f"; fault detection counter {fault.fdc}"
        yield from _wrapped(f"status 0x{fault.status:02X}: {status_words(fault.status)}{counter}")
    if fault.alarm is not None:
        to = f", assigned to {fault.alarm.assignee}" if fault.alarm.assignee else ""
        yield f"{_INDENT}alarm {fault.alarm.alarm_id}, {fault.alarm.state}{to}"


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, 80, initial_indent=_INDENT, subsequent_indent=_INDENT, break_on_hyphens=False)


def _history(gone: Sequence[Fault], last: int) -> Iterator[str]:
    if not gone:
        return
    listed = gone[: last or None]
    yield ""
    yield "Over" if len(listed) == len(gone) else f"Over, the last {len(listed)} of {len(gone)} (--last 0 lists all)"
    for fault in listed:
        found = fault.found
        head = f"{found.code}, {found.subject}" if found.subject else found.code
        because = found.evidence.get("because")
        ending = f", {because}" if isinstance(because, str) else ""
        yield f"  {head:<30}over since {shown(found.sample_time_us)}{ending}"
