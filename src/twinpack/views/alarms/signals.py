"""The signals around the moment an alarm was raised, against the limits that they were compared with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa

from twinpack.errors import NotFoundError
from twinpack.store.alarms.records import Alarm
from twinpack.telemetry.arrivals import Ints
from twinpack.telemetry.batch import Floats
from twinpack.telemetry.schema import TELEMETRY as SAMPLES
from twinpack.views.alarms.detail import seen_alarm
from twinpack.views.alarms.recipes import CURRENT, WARM_UP_US, Line, Panel, gate_of, panels_over, rests_on_the_twin
from twinpack.views.alarms.series import Seen, Window, channel, screened
from twinpack.views.alarms.subject import Subject, subject_of
from twinpack.views.fleet.rows import column
from twinpack.views.moments import moment
from twinpack.views.opened import Views
from twinpack.views.sampling import gap_after
from twinpack.views.shapes.alarms import AlarmSignal, AlarmSignals, Stretch
from twinpack.views.sight import Reach, Sight
from twinpack.views.spans import within
from twinpack.views.telemetry.steps import Steps, step_us, steps_of

POINTS = 1_200
_COLUMNS = tuple(name for name in SAMPLES.names if name not in ("vehicle_id", "sample_time"))
_PIECE_US = 6 * 3_600_000_000
_DECIMALS = 4

_OF_THE_TWIN = "It rests on figures of the twin, which no signal shows: its versions tell how they came about."
_NO_TELEMETRY = "There is no telemetry of this time: retention may have removed it."
_NO_LONGER = "Nothing is left of what was found, or the pack is not known."


def alarm_signals(views: Views, seer: Sight, alarm_id: str, minutes: float = 10.0) -> AlarmSignals:
    """The signals to each side of the moment an alarm was last raised.

    Args:
        views: The workspace.
        seer: Who looks.
        alarm_id: The alarm.
        minutes: How much time to each side.

    Raises:
        AccessError: No alarm may be seen at all.
        NotFoundError: There is no such alarm, or it may not be seen.
        WorkspaceError: Registry, lake or log cannot be read.
    """
    alarm, reach = seen_alarm(views, seer, alarm_id)
    window = _window(alarm, reach, minutes)
    try:
        subject = subject_of(views.registry, alarm)
    except NotFoundError:
        return _answer(alarm, window, [], [], _NO_LONGER)
    stretches = _stretches(views, subject, window)
    if rests_on_the_twin(subject):
        return _answer(alarm, window, [], stretches, _OF_THE_TWIN)
    signals = _signals(views, subject, window)
    return _answer(alarm, window, signals, stretches, "" if signals else _NO_TELEMETRY)


def _window(alarm: Alarm, reach: Reach, minutes: float) -> Window:
    side = round(minutes * 60e6)
    start, end = within(reach.span, alarm.last_us - side, alarm.last_us + side)
    return Window(start, max(end, start))


def _answer(
    alarm: Alarm, window: Window, signals: list[AlarmSignal], stretches: list[Stretch], note: str
) -> AlarmSignals:
    return AlarmSignals(
        alarm_id=alarm.alarm_id,
        start=moment(window.start_us),
        end=moment(window.end_us),
        raised_at=moment(alarm.last_us),
        signals=signals,
        stretches=stretches,
        note=note,
    )


# --- when it was so -------------------------------------------------------------------------------------------------


def _stretches(views: Views, subject: Subject, window: Window) -> list[Stretch]:
    """When the condition was being debounced before the last raise, and when it held."""
    last, raised_us = subject.stretches[-1], subject.raised.sample_time_us
    parts: list[tuple[int, int, Literal["debouncing", "present"]]] = [
        (one.start_us, one.end_us, "present") for one in subject.stretches[:-1]
    ]
    if subject.is_slow:
        parts.append((last.start_us, last.end_us, "present"))
    else:
        rule = views.meanings.of(subject.alarm.code).rule
        since = subject.raised.since_us if rule is None else max(subject.raised.since_us, raised_us - rule.debounce_us)
        parts += [(since, raised_us, "debouncing"), (raised_us, max(last.end_us, raised_us), "present")]
    clipped = [(max(start, window.start_us), min(end, window.end_us), kind) for start, end, kind in parts]
    return [Stretch(start=moment(start), end=moment(end), kind=kind) for start, end, kind in clipped if start < end]


# --- what is shown --------------------------------------------------------------------------------------------------


def _signals(views: Views, subject: Subject, window: Window) -> list[AlarmSignal]:
    look = _Telemetry(views, subject)
    if subject.channel is not None:
        return _of_channel(look, subject, window, *subject.channel)
    time_us, panels = panels_over(look, subject, window)
    return [one for panel in panels for one in _of_panel(panel, subject, window)] if len(time_us) else []


@dataclass(frozen=True)
class _Telemetry:
    """Telemetry of an alarm's vehicle, screened, from the lake and the end of the log."""

    views: Views
    subject: Subject

    def __call__(self, window: Window) -> Iterator[Seen]:
        return screened(self._tables(window), self.subject.pack)

    def _tables(self, window: Window) -> Iterator[pa.Table]:
        vehicle = self.subject.alarm.vehicle_id
        for start in range(window.start_us, window.end_us, _PIECE_US):
            end = min(start + _PIECE_US, window.end_us)
            rows = self.views.samples.rows(vehicle, start, end, _COLUMNS)
            if rows.num_rows:
                yield rows.append_column("vehicle_id", pa.array([vehicle] * rows.num_rows, pa.string()))


def _of_channel(look: _Telemetry, subject: Subject, window: Window, kind: str, number: int) -> list[AlarmSignal]:
    """A cell or probe against the median of its pack, and the current."""
    found = channel(look(Window(window.start_us - WARM_UP_US, window.end_us)), kind, number)
    inside = window.contains(found.time_us)
    if not inside.any():
        return []
    unit, factor = ("mV", 1e3) if kind == "cell" else ("K", 1.0)
    limit = gate_of(subject, factor)
    time_us = found.time_us[inside]
    deviation = _signal(
        f"{kind}_deviation",
        f"{kind.capitalize()} {number} against the median",
        unit,
        time_us,
        factor * found.deviation[inside],
        window,
    )
    if limit is not None:
        deviation = deviation.model_copy(update={"limit": limit, "limit_label": "limit", "above": limit > 0.0})
    current_a = found.c_rate[inside] * subject.pack.capacity_ah
    return [deviation, _signal(CURRENT, "Current (positive charges)", "A", time_us, current_a, window)]


def _of_panel(panel: Panel, subject: Subject, window: Window) -> Iterator[AlarmSignal]:
    """The series of a panel; the one in question with its limit, one signal for each limit."""
    label, unit = _title(panel)
    *beside, asked = panel.lines
    above = {"low": False, "high": True}.get(panel.bad)
    shown = _signal(asked.name or label, label, unit, asked.time_us, asked.values, window)
    limits = [(value, line.shown) for line in panel.limits if (value := _limit(line, subject)) is not None]
    if limits:
        value, name = limits[0]
        shown = shown.model_copy(update={"limit": value, "limit_label": name or "limit", "above": above})
    yield shown
    for line in beside:
        yield _signal(line.name or line.shown, line.shown or line.name, unit, line.time_us, line.values, window)


def _title(panel: Panel) -> tuple[str, str]:
    """What a panel shows, and in which unit; what else stands in brackets belongs to the first."""
    label, _, unit = panel.title.rpartition(", ") if ", " in panel.title else (panel.title, "", "")
    unit, _, aside = unit.partition(" (")
    return (f"{label} ({aside}" if aside else label), unit


def _limit(line: Line, subject: Subject) -> float | None:
    """A limit at the moment of the raise, where it changes with other quantities."""
    known = np.flatnonzero(np.isfinite(line.values))
    if not len(known):
        return None
    nearest = known[np.argmin(np.abs(line.time_us[known] - subject.raised.sample_time_us))]
    return float(f"{line.values[nearest]:.6g}")


def _signal(name: str, label: str, unit: str, time_us: Ints, values: Floats, window: Window) -> AlarmSignal:
    time_us, steps = _cut(time_us, values, window)
    low, high, mean = (column(part, _DECIMALS) for part in (steps.low, steps.high, steps.mean))
    return AlarmSignal(
        name=name,
        label=label,
        unit=unit,
        time_ms=(time_us // 1000).tolist(),
        min=low,
        max=high,
        mean=mean,
        limit=None,
        above=None,
    )


def _cut(time_us: Ints, values: Floats, window: Window) -> tuple[Ints, Steps]:
    """As it came with a hole where telemetry has one; of more than can be drawn, equal steps."""
    if len(time_us) <= POINTS:
        gaps = gap_after(time_us)
        times = np.insert(time_us, gaps + 1, time_us[gaps] + 1000)
        shown = np.insert(values, gaps + 1, np.nan)
        return times, Steps(shown, shown, shown)
    width = step_us(window.start_us, window.end_us, POINTS)
    count = -(-(window.end_us - window.start_us) // width)
    return window.start_us + width * np.arange(count), steps_of(time_us, values, window.start_us, width, count)
