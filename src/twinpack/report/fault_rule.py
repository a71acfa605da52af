"""An alarm of a rule: the quantities that its condition compares, with their limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from twinpack.detect.cells.settings import CellSettings
from twinpack.detect.rules.expression import Named, Number
from twinpack.detect.rules.quantities import pack_constants
from twinpack.errors import NotFoundError
from twinpack.report import plot_style as style
from twinpack.report.fault_lines import Line, Panel, context, draw, minus, moments, shade, within
from twinpack.report.fault_panels import (
    OF_THE_TWIN,
    Held,
    condition_of,
    in_words,
    limit_name,
    limits_of,
    panels_of,
    series,
)
from twinpack.report.fault_series import SLOWLY_US, Column, RawChannel, RawSignal, Window, columns_of, seen
from twinpack.report.fault_subject import HOUR_US, Subject, clipped, days_of, nothing_of, window_of
from twinpack.telemetry.arrivals import Ints
from twinpack.telemetry.batch import Floats

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from twinpack.store.workspace import Workspace

_CURRENT = "pack_current_a"
_WARM_UP_US = 2 * HOUR_US
"""Telemetry before the picture, so that the search for data faults has seen what it needs."""

_TOLD_BY: dict[str, tuple[str, ...]] = {
    "pack_v_frozen": ("pack_voltage_v", "cell_v_sum"),
    "current_frozen": (_CURRENT,),
    "soc_frozen": ("soc_pct",),
}
"""Signals that show what a flag says."""
_SPREAD = ("cell_v_spread", "c_rate")
_COOLING = ("temp_max_c", "coolant_temp_c", "ambient_temp_c")
_BAD = {"cell_dead": ("cell", "bad_cell"), "probe": ("probe", "bad_probe")}


def rule_picture(workspace: Workspace, subject: Subject) -> tuple[Figure, str]:
    """The picture, and what is to be seen in it.

    Args:
        workspace: Whose telemetry is read.
        subject: The alarm.

    Raises:
        NotFoundError: There is no telemetry of the time, or none tells what was found.
        WorkspaceError: Lake or log cannot be read.
    """
    window = window_of(subject)
    time_us, panels = _panels(workspace, subject, window)
    if not len(time_us):
        raise nothing_of(subject, window)
    *drawn, current = panels
    window = clipped(subject, window, int(time_us[0]), int(time_us[-1]))
    with_current = not any(line.name in (_CURRENT, "c_rate") for panel in drawn for line in panel.lines)
    heights = [panel.height_in * (1.3 if len(drawn) == 1 else 1.0) for panel in drawn]
    foot = f"{days_of(window)}. Shaded: failing." + (" Dashed: limit." if any(each.limits for each in drawn) else "")
    figure, axes = style.picture([*heights, *([0.62] if with_current else [])], subject.title, subject.subtitle, foot)
    style.time_axis(axes[0], *moments(np.array([window.start_us, window.end_us])))
    for axis, panel in zip(axes, drawn, strict=False):
        draw(axis, panel, window, subject.stretches)
    if with_current:
        context(axes[-1], current.lines[0].time_us, current.lines[0].values, current.title)
    shade(axes, subject.stretches, window)
    return figure, _caption(drawn[0], subject)


def _panels(workspace: Workspace, subject: Subject, window: Window) -> tuple[Ints, list[Panel]]:
    """The sample times within the window, and what is drawn of them; last the current."""
    condition = condition_of(subject.raised.evidence)
    if condition is not None and all(name in OF_THE_TWIN for name in condition.quantities):
        raise NotFoundError(
            f"{subject.alarm.code} rests on figures of the twin, which no telemetry shows: "
            f"`twinpack explain {subject.alarm.vehicle_id}` tells how they came about"
        )
    recipes = [_recipe(held, subject) for held in panels_of(condition)] if condition is not None else []
    recipes = [one for one in recipes if one.columns] or _without_condition(subject)
    recipes += [_Recipe((RawSignal(_CURRENT),), _current)]
    wide = Window(window.start_us - _WARM_UP_US, window.end_us)
    every_us = SLOWLY_US if subject.is_slow else 0
    pieces = seen(workspace, subject.alarm.vehicle_id, subject.pack, wide, subject.raised.offset, every_us)
    wanted = list(dict.fromkeys(column for one in recipes for column in one.columns))
    time_us, columns = columns_of(pieces, wanted)
    inside = window.contains(time_us)
    time_us, columns = time_us[inside], {name: values[inside] for name, values in columns.items()}
    *made, current = [one.panel(time_us, columns) for one in recipes]
    known = [panel for panel in made if np.isfinite(panel.lines[-1].values).any()]
    return time_us, [*(known or made[:1]), current]


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
    line = Line(_CURRENT, time_us, columns[RawSignal(_CURRENT)])
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


def _caption(panel: Panel, subject: Subject) -> str:
    """What is to be seen in the first panel."""
    line, stretch = panel.lines[-1], subject.stretches[-1]
    values = line.values[within(line.time_us, [stretch])]
    known = values[np.isfinite(values)]
    when = f"failing {subject.when}"
    if "silence_s" in str(subject.raised.evidence.get("condition")):
        return f"No sample came, {subject.when}."
    if not len(known):
        return f"{panel.title}: nothing is known of it while {when}."
    if panel.kind == "flag":
        return f"{panel.title}: {'yes' if known[0] >= 0.5 else 'no'} while {when}."
    lowest, highest = known.min() + 0.0, known.max() + 0.0  # zero without its sign
    spans = {"low": f"down to {lowest:.4g}", "high": f"up to {highest:.4g}"}
    span = spans.get(panel.bad, f"{lowest:.4g} to {highest:.4g}")
    limits = ", ".join(f"{each.values[-1]:.4g}" for each in panel.limits if np.isfinite(each.values[-1]))
    against = f" (limit {limits})" if limits else ""
    return f"{panel.title}: {minus(f'{span}{against}')}, {when}."
