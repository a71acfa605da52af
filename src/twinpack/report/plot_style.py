"""How pictures look: the design tokens on a figure, and nothing on it that tells nothing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinpack.report.tokens import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_IN = 9.0
DPI = 150
TEXT_PT = 8.5
SMALL_PT = 7.5
_PX = 72 / 96
"""A point in pixels of the design."""

LIMIT_DASH = (0, (5, 3))


def colour(role: str) -> str:
    """A colour of the light palette, by what it means."""
    return COLOURS[role][0]


def picture(heights: Sequence[float], title: str, subtitle: str, foot: str) -> tuple[Figure, list[Axes]]:
    """A figure with panels below each other that share their time.

    Args:
        heights: Height of each panel, inches.
        title: What it shows.
        subtitle: Of what, and when.
        foot: How to read it.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    head, tail, gap = 0.89, 0.58, 0.34
    height = head + sum(heights) + gap * (len(heights) - 1) + tail
    figure = Figure(figsize=(WIDTH_IN, height), dpi=DPI, facecolor=colour("surface"))
    FigureCanvasAgg(figure)
    left, right = 0.085, 0.885
    top = height - head
    panels: list[Axes] = []
    for each in heights:
        box = (left, (top - each) / height, right - left, each / height)
        panels.append(figure.add_axes(box, sharex=panels[0] if panels else None))
        top -= each + gap
    font = _font()
    weight = "semibold" if font == "Inter" else "bold"
    figure.text(left, 1 - 0.30 / height, title, size=12, weight=weight, color=colour("ink"), family=font)
    figure.text(left, 1 - 0.51 / height, subtitle, size=TEXT_PT, color=colour("ink-2"), family=font)
    figure.text(left, 0.10 / height, foot, size=SMALL_PT, color=colour("ink-3"), family=font)
    for panel in panels:
        plain(panel)
    for panel in panels[:-1]:
        panel.tick_params(labelbottom=False)
    return figure, panels


def label(panel: Axes, text: str) -> None:
    """Say above a panel what it shows, with the unit."""
    panel.text(
        *(0.0, 1.0),
        text,
        transform=_above(panel),
        size=TEXT_PT,
        color=colour("ink"),
        va="bottom",
        family=_font(),
    )


def beside(panel: Axes, height: float, text: str, role: str) -> None:
    """Say at the right of a panel, at a share of its height, what a line or band is."""
    panel.text(
        *(1.008, height),
        text,
        transform=panel.transAxes,
        size=SMALL_PT,
        color=colour(role),
        va="center",
        family=_font(),
    )


def now(panel: Axes, at: float, text: str = "now") -> None:
    """Draw the moment between what was and what is to come, named above the panel."""
    panel.axvline(at, color=colour("ink-2"), linewidth=0.9)
    panel.annotate(
        text,
        (at, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(0, 2),
        textcoords="offset points",
        size=SMALL_PT,
        color=colour("ink-2"),
        ha="center",
    )


def save(figure: Figure, file: Path) -> None:
    """Write a picture as PNG.

    Raises:
        OSError: The file cannot be written.
    """
    figure.savefig(file, format="png", metadata={"Software": "twinpack"})


def time_axis(panel: Axes, start: Any, end: Any) -> None:
    """A time axis in UTC with few marks, the day where it begins."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    panel.set_xlim(start, end)
    locator = AutoDateLocator(minticks=4, maxticks=8)  # type: ignore[no-untyped-call]
    panel.xaxis.set_major_locator(locator)
    panel.xaxis.set_major_formatter(
        ConciseDateFormatter(  # type: ignore[no-untyped-call]
            locator,
            formats=["%Y", "%b %Y", "%d %b", "%H:%M", "%H:%M", "%H:%M:%S"],
            zero_formats=["%Y", "%b %Y", "%d %b", "%d %b", "%H:%M", "%H:%M:%S"],
            show_offset=False,
        )
    )


def ticks(panel: Axes) -> None:
    """Small grey tick labels without marks."""
    panel.tick_params(length=0, labelsize=SMALL_PT, labelcolor=colour("ink-3"), labelfontfamily=_font(), pad=4)


def plain(panel: Axes) -> None:
    """Nothing on a panel but its lower edge, horizontal grid lines and small labels."""
    panel.set_facecolor(colour("surface"))
    for name, spine in panel.spines.items():
        spine.set_visible(name == "bottom")
        spine.set(color=colour("line-strong"), linewidth=0.8)
    panel.grid(True, axis="y", color=colour("grid"), linewidth=0.8)
    panel.set_axisbelow(True)
    ticks(panel)
    panel.margins(x=0)
    panel.ticklabel_format(axis="y", useOffset=False)


def _above(panel: Axes) -> Any:
    from matplotlib.transforms import ScaledTranslation

    figure = panel.figure
    return panel.transAxes + ScaledTranslation(0, 4 / 72, figure.dpi_scale_trans)


@cache
def _font() -> str:
    from matplotlib import font_manager

    there = {font.name for font in font_manager.fontManager.ttflist}
    return "Inter" if "Inter" in there else "DejaVu Sans"
