"""What is drawn of an alarm: its last raise, when it was so, and the time to show."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from twinpack.battery.pack import PackSpec
from twinpack.detect import findings
from twinpack.detect.words import SEVERITIES, sentence
from twinpack.errors import NotFoundError
from twinpack.store.alarms.records import Alarm, FindingRecord
from twinpack.views.alarms.series import Window

if TYPE_CHECKING:
    from twinpack.store.registry import Registry

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US

_CHANNEL = re.compile(r"(cell|probe) (\d+)")
_LONGEST_NAME = 60


@dataclass(frozen=True)
class Stretch:
    """A time during which the fault was so; it lasts on where `over` is not set."""

    start_us: int
    end_us: int
    over: bool


@dataclass(frozen=True)
class Subject:
    """What is drawn.

    Attributes:
        alarm: The alarm.
        raised: The finding whose evidence tells: the last that raised it.
        pack: The vehicle's pack.
        stretches: When it was so.
        last_us: Newest sample of the vehicle.
    """

    alarm: Alarm
    raised: FindingRecord
    pack: PackSpec
    stretches: Sequence[Stretch]
    last_us: int

    @property
    def channel(self) -> tuple[str, int] | None:
        """The cell or probe that it is about, with its number, None where it is about the pack."""
        found = _CHANNEL.fullmatch(self.alarm.subject)
        return (found[1], int(found[2])) if found else None

    @property
    def title(self) -> str:
        """What it is, in a line: code, cell or probe, and the name of its rule."""
        about = f"{self.alarm.code}, {self.alarm.subject}" if self.alarm.subject else self.alarm.code
        name = sentence(self.raised.evidence).partition(":")[0]
        return f"{about} · {name}" if 0 < len(name) <= _LONGEST_NAME else about

    @property
    def subtitle(self) -> str:
        """Of which vehicle, how bad, and when."""
        severity = f"severity {self.alarm.severity}, {SEVERITIES[min(self.alarm.severity, 3)]}"
        return f"{self.alarm.vehicle_id} · {self.alarm.level}, {severity} · {self.when}"

    @property
    def when(self) -> str:
        """From when to when it was so last."""
        last = self.stretches[-1]
        start, end = told(last.start_us), told(last.end_us)
        if not last.over:
            return f"since {start}"
        same_day = start[:10] == end[:10]
        return f"{start.removesuffix(' UTC')} to {end[11:] if same_day else end}"

    @property
    def is_slow(self) -> bool:
        """Whether it is judged over days: an anomaly, not a code with a condition."""
        return self.channel is not None or "condition" not in self.raised.evidence


def subject_of(registry: Registry, alarm: Alarm) -> Subject:
    """What is to be drawn of an alarm.

    Raises:
        NotFoundError: The vehicle's pack is not known.
    """
    vehicle = registry.vehicle(alarm.vehicle_id)
    pack = registry.fleet.specification(vehicle.pack)
    if pack is None:
        raise NotFoundError(
            f"pack {vehicle.pack!r} of vehicle {vehicle.vehicle_id!r} is not known, so nothing is drawn"
        )
    found = registry.alarms.findings_of(alarm.alarm_id)[::-1]
    raised = next((one for one in found if one.event_id == alarm.last_event), None)
    if raised is None:
        raise NotFoundError(f"alarm {alarm.alarm_id} has no finding left that could be drawn")
    # A vehicle without a twin has no latest sample: what telemetry there is ends the picture.
    last_us = int(registry.latest_of(alarm.vehicle_id).get("last_seen_us") or found[-1].sample_time_us + 14 * DAY_US)
    last_us = max(last_us, found[-1].sample_time_us)
    return Subject(alarm, raised, pack, stretches_of(found, last_us), last_us)


def stretches_of(found: Sequence[FindingRecord], last_us: int) -> list[Stretch]:
    """When a fault was so, by its findings from first to last; it goes on until `last_us` where no end was found."""
    stretches: list[Stretch] = []
    since: int | None = None
    for one in found:
        if one.change == findings.RAISED:
            since = one.since_us if since is None else since
        elif since is not None and one.change in (findings.PASSED, findings.GONE):
            stretches.append(Stretch(since, max(one.sample_time_us, since), True))
            since = None
    if since is not None:
        stretches.append(Stretch(since, max(last_us, since), False))
    return stretches


def window_of(subject: Subject) -> Window:
    """The time to draw: the last stretch with what lies around it; of a long one, its beginning."""
    last = subject.stretches[-1]
    if subject.is_slow:
        return _around(last, before=3 * DAY_US, after=DAY_US, longest=14 * DAY_US, latest=subject.last_us)
    length = last.end_us - last.start_us
    pad = min(max(length // 2, 10 * MINUTE_US), 12 * HOUR_US)
    return _around(last, before=pad, after=pad, longest=2 * DAY_US, latest=subject.last_us)


def _around(stretch: Stretch, *, before: int, after: int, longest: int, latest: int) -> Window:
    end = min(stretch.end_us + after, stretch.start_us + longest, max(latest, stretch.end_us) + MINUTE_US)
    return Window(stretch.start_us - before, max(end, stretch.start_us + MINUTE_US))


def told(time_us: int) -> str:
    """A moment for people, UTC, to the minute."""
    return f"{datetime.fromtimestamp(time_us / 1e6, UTC):%Y-%m-%d %H:%M} UTC"


def clipped(subject: Subject, window: Window, first_us: int, last_us: int) -> Window:
    """A window without the time before the first sample, of what is judged over days, or behind the last."""
    start = max(window.start_us, first_us - MINUTE_US) if subject.is_slow else window.start_us
    behind = 3 * HOUR_US if subject.is_slow else MINUTE_US  # half a block, whose median is drawn in its middle
    return Window(start, max(min(window.end_us, last_us + behind), start + MINUTE_US))


def days_of(window: Window) -> str:
    """The days of a window."""
    first, last = told(window.start_us)[:10], told(window.end_us)[:10]
    return f"{first} UTC" if first == last else f"{first} to {last}, UTC"


def nothing_of(subject: Subject, window: Window) -> NotFoundError:
    """That there is nothing to draw."""
    return NotFoundError(
        f"there is no telemetry of {subject.alarm.vehicle_id!r} from {told(window.start_us)} to {told(window.end_us)}: "
        "nothing is drawn (retention may have removed it)"
    )
