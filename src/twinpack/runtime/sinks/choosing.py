"""Which findings a sink is told: by its settings, and no more often than people can bear.

What was told of an alarm is worked out from the alarm's own findings, so that a restart tells neither less nor more.
Windows that mute are judged when a finding is committed (`FindingRecord.muted_by`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from twinpack.detect import findings
from twinpack.detect.findings import LEVELS
from twinpack.store.alarms.records import FindingRecord
from twinpack.store.sinks import CLEARED, PASSED, RAISED, Sink

EVENT_OF: Mapping[str, str] = {findings.RAISED: RAISED, findings.PASSED: PASSED, findings.GONE: CLEARED}
"""What each change is called to people; the others are not told."""

Reason = Literal["", "unwanted", "history", "muted", "repeated", "untold"]
"""Why a finding is not told, "" for one that is: the settings leave it out; it was found in data of long ago; a window
mutes it; it was told within `repeat`; the raise that it ends was not told."""


@dataclass(frozen=True)
class Told:
    """What a sink was told of an alarm.

    Attributes:
        height: Level and severity of the worst that was told.
        at_us: Wall-clock time at which the last that was told was found.
        passed: Whether it was told, or was not to be told, that this passed.
    """

    height: tuple[int, int]
    at_us: int
    passed: bool = False


def height(found: FindingRecord) -> tuple[int, int]:
    """How bad it is: the level, then the severity."""
    return LEVELS.index(found.level), found.severity


def choose(sink: Sink, told: Told | None, found: FindingRecord) -> tuple[Reason, Told | None]:
    """Whether a finding is told, and what has been told then.

    Args:
        sink: The settings.
        told: What was told of its alarm before.
        found: A finding that belongs to an alarm, of a vehicle in one of the sink's fleets.

    Returns:
        Why it is not told ("" when it is), and what has been told afterwards.
    """
    if found.change != findings.RAISED:
        return _ended(sink, told, found)
    reason = _left_out(sink, found)
    if reason:
        return reason, told
    if told is not None and not is_worse(told, found) and found.recorded_at_us - told.at_us < sink.repeat_us:
        return "repeated", told
    worst = height(found) if told is None else max(told.height, height(found))
    # Where raises are not wanted themselves, their ends may be.
    return "" if RAISED in sink.events else "unwanted", Told(worst, found.recorded_at_us)


def told_of(sink: Sink, earlier: Iterable[FindingRecord], snoozed_until_us: int | None = None) -> Told | None:
    """What a sink was told of an alarm, by its findings so far.

    Args:
        sink: The settings.
        earlier: The findings of the alarm, first to last.
        snoozed_until_us: Until when it was snoozed last: what was found before that counts as not told.
    """
    told: Told | None = None
    for found in earlier:
        if found.change == findings.PENDING:
            continue
        reason, after = choose(sink, told, found)
        snoozed = snoozed_until_us is not None and found.recorded_at_us < snoozed_until_us
        if reason or not snoozed or told is None or is_worse(told, found):
            told = after
    return told


def is_worse(told: Told | None, found: FindingRecord) -> bool:
    """Whether it is worse than what was told before, of which there is something."""
    return told is not None and height(found) > told.height


def of_fleet(sink: Sink, fleet: str) -> bool:
    """Whether alarms of a fleet are told."""
    return not sink.fleets or fleet in sink.fleets


def wants(sink: Sink, found: FindingRecord, fleet: str) -> bool:
    """Whether the settings want such a finding of a vehicle in a fleet."""
    return of_fleet(sink, fleet) and _is_wanted(sink, found)


def _is_wanted(sink: Sink, found: FindingRecord) -> bool:
    high = height(found)[0] >= LEVELS.index(sink.level) and found.severity >= sink.min_severity
    return high and found.category in sink.categories


def _left_out(sink: Sink, found: FindingRecord) -> Reason:
    if not _is_wanted(sink, found):
        return "unwanted"
    if sink.max_age and found.recorded_at_us - found.sample_time_us > sink.max_age_us:
        return "history"
    return "muted" if found.muted_by else ""


def _ended(sink: Sink, told: Told | None, found: FindingRecord) -> tuple[Reason, Told | None]:
    event = EVENT_OF[found.change]
    over = None if told is None or event == CLEARED else replace(told, passed=True)
    if event not in sink.events:
        return "unwanted", over
    if told is None:
        return "untold", None
    return ("repeated" if event == PASSED and told.passed else ""), over
