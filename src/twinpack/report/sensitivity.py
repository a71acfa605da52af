"""Pictures of a sensitivity analysis: what matters, what acts together, and what trips tell of each parameter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from twinpack.learn.identify import TOLD, by_label
from twinpack.report import plot_style as style
from twinpack.twin.words import counted, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BARS, INTERACTIONS, IDENTIFIED = "sensitivity-effects", "sensitivity-interactions", "sensitivity-identified"
Format = Literal["png", "svg"]

_ROW_IN = 0.34
_CELL_IN, _BETWEEN_IN = 0.36, 0.75
_LEFT = 0.19
_LEAST_WIDE = 5
"""Cells are no wider than in a matrix of so many."""
_HEAT_MID, _HEAT_HIGH = "#F4F4F1", "#0B7285"
"""Ends of the one-hue scale of the design."""
_EXPONENT = 0.8
_LEAST_PCT = 0.1


def draw(found: Mapping[str, Any], title: str, folder: Path, kind: Format = "png") -> list[Path]:
    """Draw all pictures of an analysis.

    Args:
        found: As `learn.sensitivity.to_dict` gives it.
        title: Which model, of which pack.
        folder: Where; made if it is not there.
        kind: `png` or `svg`.

    Returns:
        The files.

    Raises:
        OSError: A file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    figures = {BARS: effects(found, title), INTERACTIONS: interactions(found, title), IDENTIFIED: told(found, title)}
    files = []
    for name, figure in figures.items():
        files.append(folder / f"{name}.{kind}")
        metadata = {"Software": "twinpack"} if kind == "png" else {"Date": None}
        figure.savefig(files[-1], format=kind, metadata=metadata)
    return files


def effects(found: Mapping[str, Any], title: str) -> Figure:
    """Bars of first and total effects with their intervals, the living set in accent."""
    analyses = [found["living"], *([found["both"]] if found["both"] else [])]
    heights = [_ROW_IN * len(one["names"]) + 0.15 for one in analyses]
    figure, panels = style.picture(
        heights,
        f"What the voltage of {title} goes with",
        f"Share of its variance, Sobol's indices. Living set: {', '.join(found['chosen']['names'])}.",
        "Bar: total effect, alone and with others. Dark part: alone. Line: 95 % interval of the total. "
        "Teal: the living set.",
    )
    trips = counted(found["living"]["trips"], "real trip")
    words = (f"Living parameters within their priors, on {trips}", "With the inputs as they vary between trips")
    for panel, one, text in zip(panels, analyses, words, strict=False):
        _bars(panel, one, found["chosen"]["names"])
        style.label(panel, text)
    for panel in panels[:-1]:
        panel.tick_params(labelbottom=False)
    return figure


def interactions(found: Mapping[str, Any], title: str) -> Figure:
    """A matrix: first effects on its diagonal, of each pair what it makes beyond both."""
    analyses = [found["living"], *([found["both"]] if found["both"] else [])]
    heights = [_CELL_IN * len(one["names"]) for one in analyses]
    figure, (whole,) = style.picture(
        [sum(heights) + _BETWEEN_IN * len(heights[1:])],
        f"What acts together in {title}",
        "Share of the variance, %: on the diagonal each alone, beside it each pair beyond what both make alone.",
        f"A dot: no more than its 95 % interval, or under {_LEAST_PCT:g} %.",
    )
    box, unit = whole.get_position(), 1.0 / figure.get_figheight()
    whole.remove()
    top, size = box.y1, max(len(one["names"]) for one in analyses)
    for one, height, text in zip(analyses, heights, ("Living parameters", "With inputs"), strict=False):
        width = (0.97 - _LEFT) * len(one["names"]) / max(size, _LEAST_WIDE)
        panel = figure.add_axes((_LEFT, top - height * unit, width, height * unit))
        _matrix(panel, one)
        style.label(panel, text)
        top -= (height + _BETWEEN_IN) * unit
    return figure


def told(found: Mapping[str, Any], title: str) -> Figure:
    """Bars of what is left of each prior after the trips of a vehicle; knots of one curve are one bar with a range."""
    rows = by_label(found["identified"])
    figure, (panel,) = style.picture(
        [_ROW_IN * len(rows) + 0.15],
        f"What trips tell of {title}",
        "Standard deviation after a vehicle's trips over the one before, the median vehicle.",
        f"Right of the dashes ({TOLD:g}) half of the variance is still there: the data do not identify it. "
        "Line: from the best to the worst of several.",
    )
    _narrowed(panel)
    at = np.arange(len(rows))
    middle = [float(np.median(ratios)) for _, ratios, _ in rows]
    colours = [style.colour("accent" if share < TOLD else "cohort") for share in middle]
    panel.barh(at, middle, height=0.62, color=colours, linewidth=0)
    panel.hlines(
        at,
        [min(ratios) for _, ratios, _ in rows],
        [max(ratios) for _, ratios, _ in rows],
        color=style.colour("ink"),
        linewidth=1.1,
    )
    panel.axvline(TOLD, color=style.colour("warn"), linewidth=1.1, linestyle=style.LIMIT_DASH)
    panel.set_xlim(0.0, 1.0)
    _names(panel, [f"{name} ({len(ratios)})" if len(ratios) > 1 else name for name, ratios, _ in rows])
    for row, (share, (_, _, tied)) in enumerate(zip(middle, rows, strict=True)):
        known = "" if share < TOLD else ", not told"
        _beside(panel, row, f"{number(share, 2)}{known}{f', tied to {tied}' if tied else ''}", "ink-2")
    return figure


def _bars(panel: Axes, one: Mapping[str, Any], chosen: Sequence[str]) -> None:
    _narrowed(panel)
    total, first = np.maximum(one["total"], 0.0), np.clip(one["first"], 0.0, None)
    order = np.argsort(-total, kind="stable")
    at = np.arange(len(order))
    lives = [one["names"][index] in chosen for index in order]
    for values, roles in ((total, ("accent-soft", "line")), (np.minimum(first, total), ("accent", "cohort"))):
        colours = [style.colour(roles[0] if alive else roles[1]) for alive in lives]
        panel.barh(at, values[order], height=0.62, color=colours, linewidth=0)
    conf = np.array(one["total_conf"])[order]
    panel.hlines(
        at, np.maximum(total[order] - conf, 0.0), total[order] + conf, color=style.colour("ink"), linewidth=1.1
    )
    panel.set_xlim(0.0, max(1.0, float((total[order] + conf).max())))
    _names(panel, [one["names"][index] for index in order])
    for row, index in enumerate(order):
        _beside(panel, row, f"{number(total[index], 3)} ± {number(one['total_conf'][index], 3)}", "ink-2")


def _matrix(panel: Axes, one: Mapping[str, Any]) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    names = one["names"]
    count = len(names)
    share = 100.0 * (np.array(one["second"]) + np.diag(one["first"]))
    conf = 100.0 * (np.array(one["second_conf"]) + np.diag(one["first_conf"]))
    share = np.where(np.arange(count)[:, None] <= np.arange(count), share, np.nan)
    colours = LinearSegmentedColormap.from_list("heat", [_HEAT_MID, _HEAT_HIGH])
    plain = np.abs(share) > np.maximum(conf, _LEAST_PCT)
    depth = np.where(plain, np.clip(np.nan_to_num(share) / 100.0, 0.0, 1.0), 0.0) ** _EXPONENT
    painted = colours(depth)
    painted[np.isnan(share)] = (0.0, 0.0, 0.0, 0.0)
    panel.imshow(painted, aspect="auto", interpolation="nearest")
    panel.set_yticks(np.arange(count), names)
    panel.set_xticks(np.arange(count), names)
    style.ticks(panel)
    for spine in panel.spines.values():
        spine.set_visible(False)
    for row, column in zip(*np.nonzero(~np.isnan(share)), strict=True):
        value = float(share[row, column])
        text = number(value, 0 if abs(value) >= 9.95 else 1) if plain[row, column] else "·"
        dark = "surface" if depth[row, column] > 0.6 else "ink"
        panel.text(column, row, text, ha="center", va="center", size=style.SMALL_PT, color=style.colour(dark))


def _narrowed(panel: Axes) -> None:
    """Room at the left for names; bars grow to the right, so the grid stands."""
    box = panel.get_position()
    panel.set_position((_LEFT, box.y0, 0.80 - _LEFT, box.height))
    panel.grid(False, axis="y")
    panel.grid(True, axis="x", color=style.colour("grid"), linewidth=0.8)
    panel.tick_params(labelbottom=True)
    panel.locator_params(axis="x", nbins=5)


def _names(panel: Axes, names: Sequence[str]) -> None:
    panel.set_yticks(np.arange(len(names)), names)
    panel.tick_params(axis="y", labelcolor=style.colour("ink"), labelsize=style.TEXT_PT)
    panel.set_ylim(len(names) - 0.5, -0.5)


def _beside(panel: Axes, row: int, text: str, role: str) -> None:
    """Say something at the right of a row."""
    bottom, top = panel.get_ylim()
    style.beside(panel, (row - bottom) / (top - bottom), text, role)
