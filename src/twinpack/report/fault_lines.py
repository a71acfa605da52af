"""Series on a panel: thinned to what can be seen, with holes where telemetry has them, and names at the right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from twinpack.report import plot_style as style
from twinpack.telemetry.arrivals import Bools, Ints
from twinpack.telemetry.batch import Floats
from twinpack.views.alarms.recipes import Line, Panel, within
from twinpack.views.alarms.series import Window
from twinpack.views.alarms.subject import Stretch
from twinpack.views.sampling import gap_after, keep_extremes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POINTS = 1_600
_WIDE = 20.0
"""From this ratio of highest to lowest on, a scale is logarithmic: a limit far below would lie on the axis."""


def draw(axis: Axes, panel: Panel, window: Window, stretches: Sequence[Stretch]) -> None:
    """Draw a panel."""
    ends: list[tuple[float, str, str]] = []
    steps = "default" if panel.kind == "number" else "steps-post"
    for line in panel.lines:
        time_us, values = _shown(line, window)
        axis.plot(moments(time_us), values, color=style.colour(line.role), linewidth=1.3, drawstyle=steps)
        if line.role == "measured":
            failing = np.where(within(time_us, stretches), values, np.nan)
            axis.plot(moments(time_us), failing, color=style.colour("crit"), linewidth=1.7, drawstyle=steps)
            alone = _alone(failing)  # a line has no point of its own: a single frame would not be seen
            axis.plot(moments(time_us[alone]), failing[alone], ".", color=style.colour("crit"), markersize=5)
        known = values[np.isfinite(values)]
        if line.shown and len(known):
            ends.append((float(known[-1]), line.shown, line.role if line.role != "measured" else "ink"))
    for line in panel.limits:
        ends += _draw_limit(axis, line, window)
    axis.margins(y=0.14)
    if panel.kind == "flag":
        axis.set_ylim(-0.25, 1.25)
        axis.set_yticks([0, 1], ["no", "yes"])
    elif panel.kind == "number":
        _scale(axis, panel, window)
    style.label(axis, panel.title)
    say(axis, ends)


def _alone(values: Floats) -> Bools:
    """Which are known while neither neighbour is, shape (S,)."""
    known = np.isfinite(values)
    beside = np.zeros(len(known), dtype=bool)
    beside[1:] |= known[:-1]
    beside[:-1] |= known[1:]
    return known & ~beside


def _draw_limit(axis: Axes, line: Line, window: Window) -> list[tuple[float, str, str]]:
    time_us, values = _shown(line, window)
    known = values[np.isfinite(values)]
    if not len(known):
        return []
    how: dict[str, Any] = {"color": style.colour("warn"), "linewidth": 1.3, "linestyle": style.LIMIT_DASH}
    if np.ptp(known) == 0:
        axis.axhline(float(known[-1]), **how)
        return [(float(known[-1]), f"{line.shown} {minus(f'{known[-1]:.4g}')}", "warn")]
    axis.plot(moments(time_us), values, **how)
    return [(float(known[-1]), line.shown, "warn")]


def _shown(line: Line, window: Window) -> tuple[Ints, Floats]:
    inside = window.contains(line.time_us)
    return thinned(line.time_us[inside], line.values[inside])


def _scale(axis: Axes, panel: Panel, window: Window) -> None:
    """A logarithmic scale where a limit would else lie on the axis."""
    parts = [_shown(line, window)[1] for line in (*panel.lines, *panel.limits)]
    values = np.concatenate(parts)
    values = values[np.isfinite(values)]
    if panel.limits and len(values) and values.min() > 0 and values.max() / values.min() > _WIDE:
        axis.set_yscale("log")
        axis.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axis.minorticks_off()


def height_in(panel: Panel) -> float:
    """How high a panel is drawn, inches."""
    return 0.7 if panel.kind == "flag" else 1.6


def context(axis: Axes, time_us: Ints, values: Floats, title: str) -> None:
    """A series that tells what was going on, small and grey."""
    times, thin = thinned(time_us, values)
    axis.axhline(0.0, color=style.colour("line-strong"), linewidth=0.8)
    axis.plot(moments(times), thin, color=style.colour("cohort"), linewidth=0.9)
    axis.margins(y=0.15)
    axis.locator_params(axis="y", nbins=3)
    style.label(axis, title)


def shade(axes: Sequence[Axes], stretches: Sequence[Stretch], window: Window) -> None:
    """Mark when it was so."""
    for stretch in stretches:
        start, end = max(stretch.start_us, window.start_us), min(stretch.end_us, window.end_us)
        if start < end:
            first, last = moments(np.array([start, end]))
            for axis in axes:
                axis.axvspan(first, last, color=style.colour("crit"), alpha=0.07, linewidth=0)


def say(axis: Axes, ends: Sequence[tuple[float, str, str]]) -> None:
    """Names at the right, each at its height (with its colour's role), moved apart where they would touch."""
    axis.autoscale_view()  # else the heights are those of an empty panel
    box, apart = axis.get_window_extent(), 11.0 * style.DPI / 72
    last = -np.inf
    for y, text, role in sorted(ends):
        wanted = float(axis.transData.transform((0.0, y))[1])
        last = max(wanted, last + apart)
        style.beside(axis, (last - box.y0) / box.height, text, role)


def thinned(time_us: Ints, values: Floats) -> tuple[Ints, Floats]:
    """Few enough samples to draw, with a hole where telemetry has one."""
    gaps = gap_after(time_us)
    kept = np.union1d(keep_extremes(values, POINTS), np.concatenate((gaps, gaps + 1))).astype(np.int64)
    place = np.searchsorted(kept, gaps) + 1
    return np.insert(time_us[kept], place, time_us[gaps]), np.insert(values[kept], place, np.nan)


def moments(time_us: Ints) -> Any:
    """Times as pictures take them."""
    return time_us.astype("datetime64[us]")


def minus(text: str) -> str:
    """A number with a minus sign in place of a hyphen."""
    return text.replace("-", "−")


def signed(value: float) -> str:
    """A number with its sign."""
    return minus(f"{value:+.3g}")
