"""Alarms, what was done about them, and the findings they are made of, as plain records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

ACTIVE = "active"
ACKNOWLEDGED = "acknowledged"
CLEARED = "cleared"
STATES = (ACTIVE, ACKNOWLEDGED, CLEARED)
OPEN_STATES = (ACTIVE, ACKNOWLEDGED)

CONFIRMED = "confirmed"
REFUTED = "refuted"
"""What a person says of a fault with clearing it: it was real, or a false alarm."""

ITSELF = "twinpack"
"""Who acts where no person does."""

# What a finding did to the alarm it belongs to.
OPENED = "opened"
RISEN = "risen"
UNMUTED = "unmuted"
AGAIN = "again"
JOINED = "joined"
PASSED = "passed"
GONE = "gone"
NOTHING = ""


@dataclass(frozen=True)
class Alarm:
    """Everything that was found of one fault of a vehicle, until it was cleared.

    Attributes:
        alarm_id: Hash of vehicle, code, subject and the event that opened it, 12 hex digits.
        vehicle_id: The vehicle.
        code: Trouble code, or the name of an own rule.
        subject: What of the pack it is about, "" for the pack.
        category: `battery`, `sensor` or `data`.
        level: Highest so far, `watch` or `alarm`.
        severity: Highest so far, 0 to 3.
        state: `active`, `acknowledged` or `cleared`.
        present: Whether it is so at the moment.
        count: How often it was raised.
        passes: How often it passed.
        first_us: Sample time at which it was first raised.
        last_us: Sample time at which it was last raised.
        since_us: Sample time since which it is so; of one that passed, since which it was.
        first_event: The event that opened it.
        last_event: The event that last raised it.
        muted_by: The window in which it was raised or rose and outside of which it was not raised since, "" for none.
        assignee: Who sees to it, "" for nobody.
        snoozed_until_us: Wall-clock time until which nobody is to be reminded, None for not snoozed.
        actions: Number of the last action of its history.
        revision: Changes made by people, so that two of them do not overwrite each other.
        raised_at_us: Wall-clock time at which it was opened.
        changed_at_us: Wall-clock time of the last change.
    """

    alarm_id: str
    vehicle_id: str
    code: str
    subject: str
    category: str
    level: str
    severity: int
    state: str
    present: bool
    count: int
    passes: int
    first_us: int
    last_us: int
    since_us: int
    first_event: str
    last_event: str
    muted_by: str
    assignee: str
    snoozed_until_us: int | None
    actions: int
    revision: int
    raised_at_us: int
    changed_at_us: int

    @property
    def key(self) -> tuple[str, str, str]:
        """What at most one open alarm is about: vehicle, code and subject."""
        return self.vehicle_id, self.code, self.subject

    def snoozed(self, at_us: int) -> bool:
        """Whether it is snoozed at a wall-clock time."""
        return self.snoozed_until_us is not None and at_us < self.snoozed_until_us


@dataclass(frozen=True)
class Action:
    """A line of an alarm's history.

    Attributes:
        alarm_id: The alarm.
        number: Its place, from 1.
        at_us: Wall-clock time.
        sample_time_us: Sample time of the finding that brought it about, None for what people did.
        who: The person, or `ITSELF`.
        action: What was done: `raised`, `risen`, `unmuted`, `again`, `passed`, `gone`; `acknowledged`, `assigned`,
            `commented`, `snoozed`, `woken`, `cleared`, and with that `confirmed` or `refuted`.
        comment: What was said of it.
    """

    alarm_id: str
    number: int
    at_us: int
    sample_time_us: int | None
    who: str
    action: str
    comment: str


@dataclass(frozen=True)
class FindingRecord:
    """A finding as it was committed; attributes of `detect.findings.Finding`, and what became of it.

    Attributes:
        event_id: Its event.
        vehicle_id: The vehicle.
        code: Trouble code, or the name of an own rule.
        subject: What of the pack it is about, "" for the pack.
        category: `battery`, `sensor` or `data`.
        change: `pending`, `raised`, `passed` or `gone`.
        level: `watch` or `alarm`.
        severity: 0 to 3.
        status: Status byte of ISO 14229; 0 without a life cycle.
        occurrence: How often it was raised so far.
        sample_time_us: Sample time of the row that brought it about.
        since_us: Sample time from which on it was so.
        offset: Log offset of that row.
        alarm_id: The alarm it belongs to, None when it belongs to none.
        effect: What it did to the alarm: `opened`, `risen`, `unmuted`, `again`, `joined`, `passed`, `gone` or "".
        muted_by: The window that muted it, "" for none.
        recorded_at_us: Wall-clock time of its commit.
        evidence: Figures that show why.
    """

    event_id: str
    vehicle_id: str
    code: str
    subject: str
    category: str
    change: str
    level: str
    severity: int
    status: int
    occurrence: int
    sample_time_us: int
    since_us: int
    offset: int
    alarm_id: str | None
    effect: str
    muted_by: str
    recorded_at_us: int
    evidence: dict[str, Any]
