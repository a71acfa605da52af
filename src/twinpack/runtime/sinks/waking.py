"""Alarms that people have to hear of once a window that muted them, or a snooze, is over: they are still there.

Without this a fault that began in the workshop, and stayed, would never be told.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from twinpack.runtime.sinks.notice import Notice
from twinpack.store.alarms.mutes import FLEET, VEHICLE, MuteWindow
from twinpack.store.alarms.records import Alarm
from twinpack.store.fleet_records import DEFAULT_FLEET


def woken(
    alarms: Sequence[Alarm], windows: Sequence[MuteWindow], fleets: Mapping[str, str], since_us: int, now_us: int
) -> Iterator[tuple[Alarm, int]]:
    """Alarms whose silence ended, each with when.

    Args:
        alarms: Open alarms of faults that are so at the moment.
        windows: The windows that mute.
        fleets: Fleet of each vehicle that a person entered.
        since_us: Wall-clock time of the look before.
        now_us: That of this look.
    """
    for alarm in alarms:
        if alarm.snoozed(now_us):
            continue
        ends = [alarm.snoozed_until_us] if alarm.snoozed_until_us is not None else []
        if alarm.muted_by:
            names = {VEHICLE: alarm.vehicle_id, FLEET: fleets.get(alarm.vehicle_id, DEFAULT_FLEET)}
            mine = [window for window in windows if window.name == names[window.scope]]
            if any(window.covers(now_us) for window in mine):
                continue
            ends += [window.end_us for window in mine if window.end_us is not None]
        last = max((end for end in ends if end <= now_us), default=0)
        if last > since_us:
            yield alarm, last


def as_new(notice: Notice, alarm: Alarm, ended_us: int) -> Notice:
    """What is told then: the last raise, as an event of its own, the same however often it is sent."""
    identity = hashlib.sha256(f"{alarm.alarm_id}\n{ended_us}\nwoken".encode()).hexdigest()[:32]
    return replace(notice, event_id=identity, level=alarm.level, severity=alarm.severity)
