"""An alarm in words: what was found and why, and what was done about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from twinpack.cli import fleet_facts, output
from twinpack.cli.times import shown

if TYPE_CHECKING:
    from twinpack.store.alarms.records import Action, Alarm, FindingRecord

_SHOWN_FINDINGS = 10
_SHOWN_VALUES = 12


def as_record(alarm: Alarm, history: Sequence[Action], findings: Sequence[FindingRecord]) -> dict[str, Any]:
    """All that is known of an alarm as JSON values."""
    return with_times(asdict(alarm)) | {
        "history": [with_times(asdict(action)) for action in history],
        "findings": [with_times(asdict(found)) for found in findings],
    }


def with_times(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Microseconds since the epoch, of fields whose name ends so, as times with their zone."""
    return {
        name.removesuffix("_us"): fleet_facts.moment(value) if name.endswith("_us") else value
        for name, value in plain.items()
    }


def tell(alarm: Alarm, history: Sequence[Action], findings: Sequence[FindingRecord]) -> None:
    """Write it in readable lines."""
    output.line(f"alarm {alarm.alarm_id}: {alarm.code} {alarm.subject}".rstrip() + f" of vehicle {alarm.vehicle_id}")
    for name, value in _facts(alarm):
        output.line(f"  {name:<12} {value}")
    for title, found in _told_findings(alarm, findings):
        output.line()
        output.line(f"{title}, {shown(found.sample_time_us)} (row {found.offset} of the log)")
        for line in evidence_lines(found.evidence):
            output.line(f"  {line}")
    _tell_steps(findings)
    _tell_history(history)


def _facts(alarm: Alarm) -> Iterator[tuple[str, str]]:
    from twinpack.detect.words import SEVERITIES
    from twinpack.store.records import now_us

    yield "severity", f"{alarm.severity} ({SEVERITIES[alarm.severity]}), level {alarm.level}"
    yield "fault of", f"the {alarm.category}" if alarm.category != "sensor" else "a sensor"
    yield "state", alarm.state + (f", assigned to {alarm.assignee}" if alarm.assignee else "")
    if alarm.state != "cleared":
        yield "at present", f"so since {shown(alarm.since_us)}" if alarm.present else "not so: it has passed"
    yield "raised", _times(alarm)
    if alarm.snoozed(now_us()):
        yield "snoozed", f"until {shown(alarm.snoozed_until_us)}"
    if alarm.muted_by:
        yield "muted", f"by window {alarm.muted_by}"


def _times(alarm: Alarm) -> str:
    if alarm.count == 1:
        return shown(alarm.first_us)
    return f"{output.number(alarm.count)} times, first {shown(alarm.first_us)}, last {shown(alarm.last_us)}"


def _told_findings(alarm: Alarm, findings: Sequence[FindingRecord]) -> Iterator[tuple[str, FindingRecord]]:
    """The findings whose evidence is told: the first, and the last raise when that is another."""
    by_id = {found.event_id: found for found in findings}
    if alarm.first_event in by_id:
        yield "First found", by_id[alarm.first_event]
    if alarm.last_event != alarm.first_event and alarm.last_event in by_id:
        yield "Last found", by_id[alarm.last_event]


def evidence_lines(evidence: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    """Evidence in lines: its text first, then figures, then what has parts, such as a freeze frame."""
    if evidence.get("text"):
        yield f"{indent}{evidence['text']}"
    rest = {name: value for name, value in evidence.items() if name != "text"}
    width = max((len(_title(name)) for name, value in rest.items() if not isinstance(value, Mapping)), default=0)
    for name, value in rest.items():
        if name.endswith("_us") and isinstance(value, int):
            yield f"{indent}{_title(name):<{width}}  {shown(value)}"
        elif not isinstance(value, Mapping):
            yield f"{indent}{_title(name):<{width}}  {_value(value)}"
    for name, value in rest.items():
        if isinstance(value, Mapping) and value:
            yield f"{indent}{_title(name)}:"
            yield from evidence_lines(value, f"{indent}  ")


def _title(name: str) -> str:
    return "freeze frame" if name == "frame" else name.removesuffix("_us").replace("_", " ")


def _value(value: Any) -> str:
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        text = output.significant(value, 5)
        return text.rstrip("0").rstrip(".") if "." in text else text
    if isinstance(value, list):
        more = f", ... ({len(value)} in all)" if len(value) > _SHOWN_VALUES else ""
        return ", ".join(_value(one) for one in value[:_SHOWN_VALUES]) + more
    return str(value)


def _tell_steps(findings: Sequence[FindingRecord]) -> None:
    if len(findings) < 2:
        return
    output.line()
    output.line("Findings, the last first" + (" (--json lists all)" if len(findings) > _SHOWN_FINDINGS else ""))
    for found in findings[:_SHOWN_FINDINGS]:
        height = f"severity {found.severity}, level {found.level}"
        muted = f", muted by window {found.muted_by}" if found.muted_by else ""
        output.line(f"  {shown(found.sample_time_us)}  {found.change:<8} {height}{muted}")


def _tell_history(history: Sequence[Action]) -> None:
    output.line()
    output.line("History")
    for line in history:
        at_us = line.at_us if line.sample_time_us is None else line.sample_time_us
        comment = f": {line.comment}" if line.comment else ""
        output.line(f"  {shown(at_us)}  {line.action} by {line.who}{comment}")
