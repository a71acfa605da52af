"""A picture of a range: how far at each weather and with what power, as intervals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from twinpack.forecast.range import RangeAt, Spread
from twinpack.report import plot_style as style
from twinpack.runtime.ranges import RangeOutlook
from twinpack.twin.words import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROW_IN, _BETWEEN_IN, _LEFT, _RIGHT = 0.34, 0.62, 0.19, 0.80


def draw(found: RangeOutlook, file: Path) -> None:
    """Draw a range to a PNG file.

    Raises:
        OSError: The file cannot be written.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    style.save(range_figure(found), file)


def range_figure(found: RangeOutlook) -> Figure:
    """Intervals of range and usable energy, and of power for 10 seconds, at each weather."""
    rows = [one for one in found.at if one.km is not None]
    panels = [("Range, km", [(_name(one), one.km) for one in rows])] if rows else []
    panels.append(("Usable energy, kWh", [(_name(one), one.usable_kwh) for one in found.at]))
    panels.append(("Power for 10 s, kW", [pair for one in found.at for pair in _power(one)]))
    heights = [_ROW_IN * len(lines) + 0.1 for _, lines in panels]
    given = found.conditions
    charge = "" if given.soc_pct is None else f"{number(given.soc_pct, 1)} % charge, "
    figure, (whole,) = style.picture(
        [sum(heights) + _BETWEEN_IN * (len(heights) - 1)],
        f"How far {found.vehicle_id} comes",
        f"{found.pack}, {charge}{number(given.reserve_pct)} % left at the end{_plan(found)}",
        "Dot: median. Thick: half of all outcomes. Thin: 5 to 95 %. Hot, mild and cold: parked outside until then.",
    )
    box, unit = whole.get_position(), 1.0 / figure.get_figheight()
    whole.remove()
    top = box.y1
    for (title, lines), height in zip(panels, heights, strict=True):
        panel = figure.add_axes((_LEFT, top - height * unit, _RIGHT - _LEFT, height * unit))
        _intervals(panel, [(name, spread) for name, spread in lines if spread is not None])
        style.label(panel, title)
        top -= (height + _BETWEEN_IN) * unit
    return figure


def _plan(found: RangeOutlook) -> str:
    if found.plan is None:
        return ""
    plan = found.plan
    return (
        f"; the plan of {number(plan.distance_km, 1)} km ends at {number(plan.soc_pct.p50, 1)} % "
        f"({number(plan.soc_pct.p5, 1)} to {number(plan.soc_pct.p95, 1)})"
    )


def _name(one: RangeAt) -> str:
    return f"{one.name}, {number(one.ambient_c)} °C"


def _power(one: RangeAt) -> list[tuple[str, Spread | None]]:
    return [(f"{one.name}, {pulse.way}", pulse.power_kw) for pulse in one.power if pulse.seconds == 10.0]


def _intervals(panel: Axes, lines: Sequence[tuple[str, Spread]]) -> None:
    panel.set_facecolor(style.colour("surface"))
    for name, spine in panel.spines.items():
        spine.set_visible(name == "bottom")
        spine.set(color=style.colour("line-strong"), linewidth=0.8)
    panel.grid(True, axis="x", color=style.colour("grid"), linewidth=0.8)
    panel.set_axisbelow(True)
    for row, (_, spread) in enumerate(lines):
        panel.hlines(row, spread.p5, spread.p95, color=style.colour("accent"), linewidth=1.4)
        panel.hlines(row, spread.p25, spread.p75, color=style.colour("accent"), linewidth=6.0, alpha=0.45)
        panel.plot([spread.p50], [row], "o", color=style.colour("accent"), markersize=5)
    panel.set_xlim(0.0, 1.08 * max(spread.p95 for _, spread in lines))
    panel.set_ylim(len(lines) - 0.5, -0.5)
    style.ticks(panel)
    panel.set_yticks(range(len(lines)), [name for name, _ in lines])
    panel.tick_params(axis="y", labelcolor=style.colour("ink"), labelsize=style.TEXT_PT)
    for row, (_, spread) in enumerate(lines):
        text = f"{number(spread.p50)} ({number(spread.p5)} to {number(spread.p95)})"
        style.beside(panel, 1.0 - (row + 0.5) / len(lines), text, "ink-2")
