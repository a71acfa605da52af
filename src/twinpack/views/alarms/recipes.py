"""What tells of an alarm: the series behind its rule with their limits, made of telemetry around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from twinpack.detect.cells.settings import CellSettings
from twinpack.detect.rules.expression import Named, Number
from twinpack.detect.rules.quantities import pack_constants
from twinpack.errors import NotFoundError
from twinpack.telemetry.arrivals import Bools, Ints
from twinpack.telemetry.batch import Floats
from twinpack.views.alarms.panels import (
    OF_THE_TWIN,
    Held,
    condition_of,
    in_words,
    limit_name,
    limits_of,
    panels_of,
    series,
)
from twinpack.views.alarms.series import Column, RawChannel, RawSignal, Seen, Window, columns_of
from twinpack.views.alarms.subject import HOUR_US, Stretch, Subject

Look: TypeAlias = Callable[[Window], Iterator[Seen]]

CURRENT = "pack_current_a"
WARM_UP_US = 2 * HOUR_US
"""Telemetry before the picture, so that the search for data faults has seen what it needs."""
_TOLD_BY: dict[str, tuple[str, ...]] = {
    "pack_v_frozen": ("pack_voltage_v", "cell_v_sum"),
    "current_frozen": (CURRENT,),
    "soc_frozen": ("soc_pct",),
}
"""Signals that show what a flag says."""
_SPREAD = ("cell_v_spread", "c_rate")
_COOLING = ("temp_max_c", "coolant_temp_c", "ambient_temp_c")
_BAD = {"cell_dead": ("cell", "bad_cell"), "probe": ("probe", "bad_probe")}


@dataclass(frozen=True)
class Line:
    """A series to draw, S samples.

    Attributes:
        name: The quantity, "" where it is made of several.
        time_us: Sample times, shape (S,).
        values: Its values, shape (S,), NaN where unknown.
        role: Its colour, by what it means; of `measured` the failing part is marked.
        shown: What to call it at the right, "" for nothing.
    """

    name: str
    time_us: Ints
    values: Floats
    role: str = "measured"
    shown: str = ""


@dataclass(frozen=True)
class Panel:
    """Series of one unit, and the limits that the first is held against.

    Attributes:
        title: What it shows, with the unit.
        lines: The series, the one in question last.
        limits: What that is held against.
        kind: `number`, `count` (drawn in steps) or `flag` (no or yes).
        bad: Which values are the worse ones: `low`, `high`, or "" where that cannot be said.
    """

    title: str
    lines: tuple[Line, ...]
    limits: tuple[Line, ...] = ()
    kind: str = "number"
    bad: str = ""


def panels_over(look: Look, subject: Subject, window: Window) -> tuple[Ints, list[Panel]]:
    """The sample times within the window, and what is drawn of them; last the current.

    Args:
        look: Gives the telemetry of a window.
        subject: The alarm.
        window: The time to show.

    Raises:
        NotFoundError: No telemetry tells what was found.
        WorkspaceError: Lake or log cannot be read.
    """
    condition = condition_of(subject.raised.evidence)
    if rests_on_the_twin(subject):
        raise NotFoundError(
            f"{subject.alarm.code} rests on figures of the twin, which no telemetry shows: "
            f"`twinpack explain {subject.alarm.vehicle_id}` tells how they came about"
        )
    recipes = [_recipe(held, subject) for held in panels_of(condition)] if condition is not None else []
    recipes = [one for one in recipes if one.columns] or _without_condition(subject)
    recipes += [_Recipe((RawSignal(CURRENT),), _current)]
    wanted = list(dict.fromkeys(column for one in recipes for column in one.columns))
    time_us, columns = columns_of(look(Window(window.start_us - WARM_UP_US, window.end_us)), wanted)
    inside = window.contains(time_us)
    time_us, columns = time_us[inside], {name: values[inside] for name, values in columns.items()}
    *made, current = [one.panel(time_us, columns) for one in recipes]
    known = [panel for panel in made if np.isfinite(panel.lines[-1].values).any()]
    return time_us, [*(known or made[:1]), current]


def rests_on_the_twin(subject: Subject) -> bool:
    """Whether its condition reads figures of the twin alone, which no sample tells."""
    condition = condition_of(subject.raised.evidence)
    return condition is not None and all(name in OF_THE_TWIN for name in condition.quantities)


@dataclass(frozen=True)
class _Recipe:
    """A panel to be: the columns that it needs, and how it is made of them."""

    columns: tuple[Column, ...]
    panel: Callable[[Ints, Mapping[Column, Floats]], Panel]


def _recipe(held: Held, subject: Subject) -> _Recipe:
    """A comparison as a panel; what a flag says is shown by the signals behind it."""
    if held.flag in _TOLD_BY:
        name, *others = _TOLD_BY[held.flag]
        return _Recipe((RawSignal(name), *others), _signals(name, *others, raw=True))
    kind, bad = _BAD.get("probe" if held.flag.startswith("probe") else held.flag, ("", ""))
    frame = subject.raised.evidence.get("frame")
    number = frame.get(bad) if isinstance(frame, dict) else None
    if kind and isinstance(number, (int, float)):
        return _bad_channel(RawChannel(kind, int(number)))
    limits, pack = limits_of(subject.raised.evidence), pack_constants(subject.pack)
    if not held.limits_told(limits):
        return _Recipe((), _current)

    def compared(time_us: Ints, columns: Mapping[Column, Floats]) -> Panel:
        named = {name: columns[name] for name in held.names}
        name = held.names[0] if len(held.names) == 1 else ""
        value = Line(name, time_us, series(held.value, named, limits, pack))
        shown = [tree for tree in held.limits if not held.flag and tree != Number(0.0)]
        lines = [
            Line(
                "", time_us, series(tree, named, limits, pack), "warn", limit_name(tree) if len(shown) > 1 else "limit"
            )
            for tree in shown
        ]
        kind = "flag" if held.flag else "count" if held.counts else "number"
        return Panel(in_words(held.value), (value,), tuple(lines), kind, held.bad)

    return _Recipe(held.names, compared)


def _signals(name: str, *others: str, raw: bool = False) -> Callable[[Ints, Mapping[Column, Floats]], Panel]:
    """A signal, and what it should go along with."""

    def panel(time_us: Ints, columns: Mapping[Column, Floats]) -> Panel:
        beside = [Line(other, time_us, columns[other], "estimated", "by its cells") for other in others]
        told_by = columns[RawSignal(name)] if raw else columns[name]
        return Panel(in_words(Named(name)), (*beside, Line(name, time_us, told_by, shown="told" if others else "")))

    return panel


def _without_condition(subject: Subject) -> list[_Recipe]:
    """What is drawn of anomalies that have no condition; and of a silence, the voltage before and after it."""
    if subject.alarm.code == "TP-SPREAD":
        return [_Recipe(_SPREAD, _spread_at_rest)]
    names = _COOLING if subject.alarm.code == "TP-COOLING" else ("pack_voltage_v",)
    return [_Recipe((name,), _signals(name)) for name in names]


def _spread_at_rest(time_us: Ints, columns: Mapping[Column, Floats]) -> Panel:
    rests = np.abs(columns["c_rate"]) <= CellSettings().rest_c_rate
    spread = np.where(rests, columns["cell_v_spread"], np.nan)
    return Panel("Highest less lowest cell voltage at rest, V", (Line("cell_v_spread", time_us, spread),))


def _current(time_us: Ints, columns: Mapping[Column, Floats]) -> Panel:
    line = Line(CURRENT, time_us, columns[RawSignal(CURRENT)])
    return Panel("Current, A (positive charges)", (line,))


def _bad_channel(channel: RawChannel) -> _Recipe:
    """A cell or probe as it came, and what it is held against."""
    cell = channel.kind == "cell"
    fellow, name, unit = ("median", "cell_v_median", "V") if cell else ("hottest", "probe_max_c", "°C")

    def panel(time_us: Ints, columns: Mapping[Column, Floats]) -> Panel:
        lines = (
            Line("", time_us, columns[name], "estimated", fellow),
            Line("", time_us, columns[channel], shown=f"{channel.kind} {channel.number}"),
        )
        what = f"{channel.kind.capitalize()} {channel.number} as it came, and the {fellow} of the pack, {unit}"
        return Panel(what, lines)

    return _Recipe((name, channel), panel)


def gate_of(subject: Subject, factor: float) -> float | None:
    """Deviation from which on blocks were bad, where the evidence tells the pack's own scale."""
    scale, settings = subject.raised.evidence.get("scale_mv"), CellSettings()
    if subject.alarm.code not in ("TP-CELL-LOW", "TP-CELL-HIGH") or not isinstance(scale, (int, float)):
        return None
    size = max(settings.deviation_alarm_v, settings.deviation_alarm_z * scale / 1e3)
    return factor * (size if subject.alarm.code == "TP-CELL-HIGH" else -size)


def within(time_us: Ints, stretches: Sequence[Stretch]) -> Bools:
    """Which moments lie in any stretch; that at which it ends does not."""
    inside = np.zeros(len(time_us), np.bool_)
    for stretch in stretches:
        inside |= (time_us >= stretch.start_us) & (time_us < stretch.end_us)
    return inside
