"""A picture of forecasts of capacity: cells of each laboratory, what came of them, and what was foreseen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from twinpack.evaluate.fade import Scored
from twinpack.forecast.baselines import last_half
from twinpack.learn.fade_curves import FadeCurve
from twinpack.learn.fade_forecast import LEVELS
from twinpack.report import plot_style as style

CELLS = "fade-cells.png"
QUANTILES = (0.25, 0.5, 0.75)
"""Cells of each laboratory that are shown, by the rank of their error."""


def draw(curves: Sequence[FadeCurve], found: Sequence[Scored], folder: Path) -> Path:
    """Draw what was foreseen of a few cells of each laboratory: of small, middle and large error.

    Args:
        curves: Whole records, by the name of the cell.
        found: What came of each cell.
        folder: Where; made if it is not there.

    Raises:
        OSError: The file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    whole = {curve.name: curve for curve in curves}
    sets = list(dict.fromkeys(one.set_name for one in found))
    figure, panels = style.picture(
        [1.75] * len(sets),
        "What was foreseen of a cell at its hundredth cycle",
        "Three cells of each laboratory, by the rank of their errors: a quarter, half, three quarters of the way up.",
        "Thin: measured. Thick: foreseen, with 90 % intervals. Dashed: a straight line through the last half.",
    )
    last = max(float(one.forecast.at[-1]) for name in sets for one in _shown(found, name))
    for panel, name in zip(panels, sets, strict=True):
        style.label(panel, f"{name}: capacity, % of that of cycles 2 to 10, over cycles")
        for one, role in zip(_shown(found, name), ("good", "accent", "forecast"), strict=False):
            curve, told = whole[one.name], one.forecast
            low, high = (100.0 * told.capacity[LEVELS.index(level)] for level in (0.05, 0.95))
            panel.fill_between(told.at, low, high, color=style.colour(role), alpha=0.14, linewidth=0)
            panel.plot(told.at, 100.0 * told.median, color=style.colour(role), linewidth=1.6)
            begun = curve.at <= told.begin
            straight = last_half(curve.at[begun], curve.capacity[begun], told.at)
            panel.plot(
                told.at,
                100.0 * straight,
                color=style.colour(role),
                linewidth=0.8,
                linestyle=style.LIMIT_DASH,
                alpha=0.7,
            )
            panel.plot(curve.at, 100.0 * curve.capacity, color=style.colour("ink"), linewidth=0.7)
        panel.set_xlim(0.0, last)
        panel.set_ylim(66.0, 104.0)
        panel.axvline(100.0, color=style.colour("line-strong"), linewidth=0.8)
    style.save(figure, folder / CELLS)
    return folder / CELLS


def _shown(found: Sequence[Scored], name: str) -> list[Scored]:
    own = sorted((one for one in found if one.set_name == name), key=lambda one: one.error_pct)
    return [own[round(share * (len(own) - 1))] for share in QUANTILES]
