"""How findings join into alarms: one step of one alarm, without a clock or a database.

At most one alarm is open for a vehicle, code and subject. A raise opens it or joins it; it then only counts, unless the
level or the severity went up, the fault had passed meanwhile, or it was muted before. What a person did stays. A fault
that is over clears it; a raise after that, or after a person cleared it, opens another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container
from dataclasses import dataclass, replace

from twinpack.detect import findings
from twinpack.detect.findings import LEVELS, Finding
from twinpack.store.alarms.records import (
    ACTIVE,
    AGAIN,
    CLEARED,
    GONE,
    ITSELF,
    JOINED,
    NOTHING,
    OPENED,
    PASSED,
    RISEN,
    UNMUTED,
    Action,
    Alarm,
)


@dataclass(frozen=True)
class Step:
    """A finding at the alarm of its vehicle, code and subject.

    Attributes:
        event_id: Its event.
        vehicle_id: The vehicle.
        finding: What was found.
        muted_by: The window that mutes the vehicle at that time, "" for none.
        at_us: Wall-clock time.
    """

    event_id: str
    vehicle_id: str
    finding: Finding
    muted_by: str
    at_us: int


@dataclass(frozen=True)
class Joined:
    """What a step did.

    Attributes:
        alarm: The alarm after it, None when there is none.
        effect: What happened to it, "" for nothing.
        action: The line it adds to the alarm's history, if any.
    """

    alarm: Alarm | None
    effect: str = NOTHING
    action: Action | None = None


def join(alarm: Alarm | None, step: Step, taken: Container[str] = ()) -> Joined:
    """Let a finding act.

    Args:
        alarm: The open alarm of its vehicle, code and subject, if there is one.
        step: The finding.
        taken: Identities that a new alarm cannot have.
    """
    change = step.finding.change
    if change == findings.RAISED:
        return _opened(step, taken) if alarm is None else _raised(alarm, step)
    if alarm is None:
        return Joined(None)
    if change == findings.GONE:
        return _gone(alarm, step)
    if change == findings.PASSED and alarm.present:
        return _passed(alarm, step)
    return Joined(alarm)


def alarm_id(vehicle_id: str, code: str, subject: str, event_id: str, taken: Container[str] = ()) -> str:
    """Identity of the alarm that an event opens, the same on every replay; 12 hex digits."""
    text = f"{vehicle_id}\n{code}\n{subject}\n{event_id}"
    found = hashlib.sha256(text.encode()).hexdigest()[:12]
    while found in taken:  # one in 10^14 pairs
        text += "\n"
        found = hashlib.sha256(text.encode()).hexdigest()[:12]
    return found


def _opened(step: Step, taken: Container[str]) -> Joined:
    found, vehicle = step.finding, step.vehicle_id
    alarm = Alarm(
        alarm_id=alarm_id(vehicle, found.code, found.subject, step.event_id, taken),
        vehicle_id=vehicle,
        code=found.code,
        subject=found.subject,
        category=found.category,
        level=found.level,
        severity=found.severity,
        state=ACTIVE,
        present=True,
        count=1,
        passes=0,
        first_us=found.time_us,
        last_us=found.time_us,
        since_us=found.since_us,
        first_event=step.event_id,
        last_event=step.event_id,
        muted_by=step.muted_by,
        assignee="",
        snoozed_until_us=None,
        actions=0,
        revision=0,
        raised_at_us=step.at_us,
        changed_at_us=step.at_us,
    )
    return _told(alarm, OPENED, step, "raised", _height(found.level, found.severity) + _muted(step))


def _raised(before: Alarm, step: Step) -> Joined:
    found = step.finding
    level = max(before.level, found.level, key=LEVELS.index)
    severity = max(before.severity, found.severity)
    rises = (level, severity) != (before.level, before.severity)
    heard = bool(before.muted_by) and not step.muted_by
    alarm = replace(
        before,
        level=level,
        severity=severity,
        present=True,
        count=before.count + 1,
        last_us=max(before.last_us, found.time_us),
        since_us=before.since_us if before.present else found.since_us,
        last_event=step.event_id,
        muted_by=step.muted_by if rises or heard else before.muted_by,
        changed_at_us=step.at_us,
    )
    if rises:
        was = _height(before.level, before.severity)
        return _told(alarm, RISEN, step, RISEN, f"from {was} to {_height(level, severity)}{_muted(step)}")
    if heard:
        return _told(alarm, UNMUTED, step, UNMUTED, f"raised after window {before.muted_by}")
    if not before.present:
        return _told_now_and_then(alarm, AGAIN, step, f"raised {alarm.count} times")
    return Joined(alarm, JOINED)


def _passed(before: Alarm, step: Step) -> Joined:
    alarm = replace(before, present=False, passes=before.passes + 1, changed_at_us=step.at_us)
    return _told_now_and_then(alarm, PASSED, step, f"passed {alarm.passes} times" if alarm.passes > 1 else "")


def _gone(before: Alarm, step: Step) -> Joined:
    told = step.finding.evidence
    reason = told.get("reason") or told.get("text") or "it is over"
    if told.get("who"):  # ordered by a command of the log
        reason = f"{reason} ({told['who']})"
    alarm = replace(before, state=CLEARED, present=False, snoozed_until_us=None, changed_at_us=step.at_us)
    return _told(alarm, GONE, step, GONE, str(reason))


def _told(alarm: Alarm, effect: str, step: Step, action: str, comment: str) -> Joined:
    alarm = replace(alarm, actions=alarm.actions + 1)
    line = Action(alarm.alarm_id, alarm.actions, step.at_us, step.finding.time_us, ITSELF, action, comment)
    return Joined(alarm, effect, line)


def _told_now_and_then(alarm: Alarm, effect: str, step: Step, comment: str) -> Joined:
    """A fault that comes and goes all day is told the 1st, 2nd, 4th, 8th time: `count` and `passes` tell the rest."""
    if alarm.passes & (alarm.passes - 1):
        return Joined(alarm, effect)
    return _told(alarm, effect, step, effect, comment)


def _height(level: str, severity: int) -> str:
    return f"{level}, severity {severity}"


def _muted(step: Step) -> str:
    return f"; muted by window {step.muted_by}" if step.muted_by else ""
