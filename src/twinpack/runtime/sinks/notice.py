"""What a sink is told: one step of an alarm, as JSON, in a line, and as a letter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from twinpack.detect.words import CATEGORIES, SEVERITIES, figures, moment, sentence

FORMAT = "twinpack.alarm/1"
TEST = "test"

_HEADS = {"raised": "Raised", "passed": "Passed", "cleared": "Cleared", TEST: "Test"}
_BEGINNINGS = {
    "raised": "is found",
    "passed": "is not so at the moment; whoever fixed nothing should still look",
    "cleared": "is over",
    TEST: "is a test: nothing is wrong, this message was asked for",
}


@dataclass(frozen=True)
class Notice:
    """One step of an alarm. Whenever it is sent again, it is the same.

    Attributes:
        event_id: Its event: a receiver that knows it has been told.
        event: `raised`, `passed`, `cleared` or `test`.
        alarm_id: The alarm.
        vehicle_id: The vehicle.
        fleet: Its fleet.
        code: Trouble code, or the name of an own rule.
        subject: What of the pack it is about, "" for the pack.
        category: What is at fault: `battery`, `sensor` or `data`.
        level: `watch` or `alarm`.
        severity: 0 to 3.
        status: Status byte of a trouble code; 0 without a life cycle.
        occurrence: How often it was raised so far.
        time_us: Sample time of the row that brought it about.
        since_us: Sample time from which on it was so.
        found_us: Wall-clock time at which it was found.
        evidence: Figures that show why.
    """

    event_id: str
    event: str
    alarm_id: str
    vehicle_id: str
    fleet: str
    code: str
    subject: str
    category: str
    level: str
    severity: int
    status: int
    occurrence: int
    time_us: int
    since_us: int
    found_us: int
    evidence: Mapping[str, Any] = field(default_factory=dict)

    @property
    def about(self) -> str:
        """Code and subject: `TP-CELL-LOW, cell 81`."""
        return f"{self.code}, {self.subject}" if self.subject else self.code

    def body(self) -> dict[str, Any]:
        """As JSON values, times in ISO 8601."""
        return {
            "format": FORMAT,
            "id": self.event_id,
            "event": self.event,
            "alarm": self.alarm_id,
            "vehicle": self.vehicle_id,
            "fleet": self.fleet,
            "code": self.code,
            "subject": self.subject,
            "category": self.category,
            "level": self.level,
            "severity": self.severity,
            "status": self.status,
            "occurrence": self.occurrence,
            "time": _iso(self.time_us),
            "since": _iso(self.since_us),
            "found": _iso(self.found_us),
            "text": headline(self),
            "evidence": dict(self.evidence),
        }

    def json(self) -> bytes:
        """The body as JSON."""
        return msgspec.json.encode(self.body())


def trial_notice(sink: str, at_us: int) -> Notice:
    """A message that says that it is a test."""
    return Notice(
        event_id=f"test-{sink}-{at_us}",
        event=TEST,
        alarm_id="",
        vehicle_id="test-vehicle",
        fleet="default",
        code="TEST",
        subject="",
        category="battery",
        level="watch",
        severity=0,
        status=0,
        occurrence=1,
        time_us=at_us,
        since_us=at_us,
        found_us=at_us,
        evidence={"text": f"sink {sink} is reached"},
    )


def headline(notice: Notice) -> str:
    """It in a line: `Alarm: car-0001, P0AA6, severity 3: isolation is 40 ohm/V`."""
    head = notice.level.capitalize() if notice.event == "raised" else _HEADS[notice.event]
    said = sentence(notice.evidence)
    line = f"{head}: {notice.vehicle_id}, {notice.about}, severity {notice.severity}"
    return f"{line}: {said}" if said else line


def letter(notice: Notice) -> str:
    """It as plain text, what matters first."""
    said = sentence(notice.evidence)
    lines = [f"{notice.about} on {notice.vehicle_id} {_BEGINNINGS[notice.event]}."]
    lines += [f"{said[0].upper()}{said[1:]}." if said else "", ""]
    lines += [f"{name:<12}{value}" for name, value in _facts(notice)]
    shown = list(figures(notice.evidence))
    if shown:
        width = max(len(name) for name, _ in shown) + 2
        lines += ["", "Evidence", *(f"  {name:<{width}}{value}" for name, value in shown)]
    if notice.alarm_id:
        lines += ["", f"twinpack alarms show {notice.alarm_id}", f"twinpack faults {notice.vehicle_id}"]
    return "\n".join([*lines, "", f"Event {notice.event_id}", ""])


def _facts(notice: Notice) -> Iterator[tuple[str, str]]:
    yield "Vehicle", f"{notice.vehicle_id}, fleet {notice.fleet}"
    yield "Severity", f"{notice.severity}, {SEVERITIES[min(notice.severity, 3)]}"
    yield "Level", notice.level
    yield "Kind", CATEGORIES.get(notice.category, notice.category)
    yield "Since", moment(notice.since_us)
    yield "Last", moment(notice.time_us)
    yield "Raised", "once" if notice.occurrence == 1 else f"{notice.occurrence} times"


def _iso(time_us: int) -> str:
    return datetime.fromtimestamp(time_us / 1e6, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
