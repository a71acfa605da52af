"""An alarm of a rule: the quantities that its condition compares, with their limits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from twinpack.report import plot_style as style
from twinpack.report.fault_lines import context, draw, height_in, minus, moments, shade
from twinpack.views.alarms.recipes import CURRENT, Panel, panels_over, within
from twinpack.views.alarms.series import SLOWLY_US, Seen, Window, seen
from twinpack.views.alarms.subject import Subject, clipped, days_of, nothing_of, window_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from twinpack.store.workspace import Workspace


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
    every_us = SLOWLY_US if subject.is_slow else 0

    def look(wide: Window) -> Iterator[Seen]:
        return seen(workspace, subject.alarm.vehicle_id, subject.pack, wide, subject.raised.offset, every_us)

    time_us, panels = panels_over(look, subject, window)
    if not len(time_us):
        raise nothing_of(subject, window)
    *drawn, current = panels
    window = clipped(subject, window, int(time_us[0]), int(time_us[-1]))
    with_current = not any(line.name in (CURRENT, "c_rate") for panel in drawn for line in panel.lines)
    heights = [height_in(panel) * (1.3 if len(drawn) == 1 else 1.0) for panel in drawn]
    foot = f"{days_of(window)}. Shaded: failing." + (" Dashed: limit." if any(each.limits for each in drawn) else "")
    figure, axes = style.picture([*heights, *([0.62] if with_current else [])], subject.title, subject.subtitle, foot)
    style.time_axis(axes[0], *moments(np.array([window.start_us, window.end_us])))
    for axis, panel in zip(axes, drawn, strict=False):
        draw(axis, panel, window, subject.stretches)
    if with_current:
        context(axes[-1], current.lines[0].time_us, current.lines[0].values, current.title)
    shade(axes, subject.stretches, window)
    return figure, _caption(drawn[0], subject)


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
