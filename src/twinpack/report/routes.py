"""Pictures of a fleet of routes: one vehicle's life with its bands, error by route, updates, coverage by vehicle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from twinpack.evaluate.routes import GOOD_COVERAGE, Lived, coverage_by_vehicle
from twinpack.report import plot_style as style
from twinpack.twin.settings import Z95

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]

LIFE, ERROR, COVERAGE = "routes-life.png", "routes-error.png", "routes-coverage.png"

PUBLISHED_ROUTES = (9, 19, 29, 49, 74, 99)
PUBLISHED_UPDATED_V = (0.113, 0.198, 0.282, 0.297, 0.244, 0.222)
PUBLISHED_NEVER_V = (0.113, 0.288, 0.429, 0.533, 1.047, 2.461)
PUBLISHED_COVERAGE_PCT = (47.0, 78.0)
"""Measured with the published framework on this fleet: RMSE by route with and without updates, and its bands."""

_ROLES = {"threshold": "accent", "change": "forecast", "always": "good"}
_SHADES = ("#9AD0DA", "#57AFC0", "#0B7285", "#075664", "#04333C")


def draw(
    lives: Mapping[str, Lived], vehicle_id: str, threshold_v: float, folder: Path, *, published: bool = False
) -> list[Path]:
    """Draw all pictures of an evaluation.

    Args:
        lives: What became of the fleet by policy.
        vehicle_id: Vehicle whose life is shown; its points were kept.
        threshold_v: The threshold of the evaluation, V.
        folder: Where; made if it is not there.
        published: Whether the fleet is that of the published example, so that what was measured on it is drawn too.

    Returns:
        The files.

    Raises:
        OSError: A file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    first = next(iter(lives))
    _life(lives[first], vehicle_id, first, folder / LIFE)
    _error(lives, threshold_v, folder / ERROR, published)
    _coverage(lives, folder / COVERAGE, published)
    return [folder / LIFE, folder / ERROR, folder / COVERAGE]


def _life(lived: Lived, vehicle_id: str, policy: str, file: Path) -> None:
    """Some routes of a vehicle: voltage as predicted and measured, and the error within its band."""
    points = lived.points[vehicle_id]
    routes = np.unique(points["route"])
    shown = routes[np.unique(np.linspace(1, len(routes) - 1, 5).astype(int))]
    figure, (above, below) = style.picture(
        (3.1, 2.2),
        f"{vehicle_id}: {len(shown)} routes of its life, each predicted before it was driven",
        f"Policy {policy}. A worn battery starts lower and is empty sooner.",
        "Dots: measured. Lines: predicted with the deployed version. Dashed: were the battery still new. "
        "Shaded: 95 % band.",
    )
    style.label(above, "Voltage, V, over the hours of the route")
    style.label(below, "Measured less predicted, V, and the 95 % band")
    for shade, route in zip(_SHADES, shown, strict=False):
        one = {name: values[points["route"] == route] for name, values in points.items()}
        hours = (one["sample_time"] - one["sample_time"][0]) / 3.6e9
        few = slice(None, None, max(len(hours) // 40, 1))
        above.plot(hours[few], one["measured_v"][few], ".", color=shade, markersize=3.5)
        above.plot(hours, one["deployed_v"], color=shade, linewidth=1.1, label=f"route {route}")
        above.plot(hours, one["new_v"], color=style.colour("never"), linewidth=0.8, linestyle=style.LIMIT_DASH)
        half = Z95 * one["deployed_sd_v"]
        below.fill_between(hours, -half, half, color=shade, alpha=0.22, linewidth=0)
        below.plot(hours, one["measured_v"] - one["deployed_v"], color=shade, linewidth=1.2)
    _legend(above, loc="best")
    below.set_xlabel("hours since the route began", size=style.SMALL_PT, color=style.colour("ink-3"))
    style.save(figure, file)


def _error(lives: Mapping[str, Lived], threshold_v: float, file: Path, published: bool) -> None:
    """Mean error by route of every policy, of the published framework, and the updates so far."""
    first = next(iter(lives.values()))
    told = "Published: the framework of 2022, on vehicles of this fleet. " if published else ""
    figure, (above, below) = style.picture(
        (3.3, 1.6),
        "Error by route, mean over the fleet",
        f"{len(first.vehicle_ids)} vehicles; root mean square error of a route, logarithmic.",
        f"{told}Grey dashes: the threshold. Never updated: only the fleet's wear.",
    )
    above.set_yscale("log")
    above.yaxis.set_major_formatter("{x:g}")
    above.tick_params(which="minor", length=0)
    style.label(above, "RMSE of a route, V")
    _line(above, _by_route(first.new_rmse_v), "taken for new", color=style.colour("never"), linestyle=style.LIMIT_DASH)
    _line(above, _by_route(first.never_rmse_v), "never updated", color=style.colour("never"))
    if published:
        _published(above)
    for policy, lived in lives.items():
        colour = style.colour(_ROLES[policy])
        _line(above, _by_route(lived.rmse_v), policy, color=colour)
        if policy != "always":
            updates = np.cumsum(lived.updated.mean(axis=0))
            below.plot(np.arange(len(updates)), updates, color=colour, linewidth=1.4, drawstyle="steps-post")
    above.axhline(threshold_v, color=style.colour("line-strong"), linewidth=0.9, linestyle=style.LIMIT_DASH)
    style.label(below, "Updates of a vehicle so far (always: one a route)")
    below.set_xlabel("route", size=style.SMALL_PT, color=style.colour("ink-3"))
    above.set_xlim(0, first.rmse_v.shape[1] + 1)
    _legend(above, loc="best", ncols=2)
    style.save(figure, file)


def _line(panel: Axes, values: Floats, label: str, **how: Any) -> None:
    """A value for each route but the first, which all of them take for new."""
    panel.plot(np.arange(1, len(values)), values[1:], label=label, linewidth=1.3, **how)


def _published(panel: Axes) -> None:
    dotted: dict[str, Any] = {"marker": "o", "markersize": 4, "linewidth": 0.9, "linestyle": ":"}
    for values, label, role in (
        (PUBLISHED_NEVER_V, "published, no update", "ink-3"),
        (PUBLISHED_UPDATED_V, "published, updated", "warn"),
    ):
        panel.plot(PUBLISHED_ROUTES, values, color=style.colour(role), label=label, **dotted)


def _by_route(values: Floats) -> Floats:
    return np.asarray(np.nanmean(values, axis=0))


def _coverage(lives: Mapping[str, Lived], file: Path, published: bool) -> None:
    """Coverage of each vehicle, sorted."""
    told = " Lower: what the bands of the published framework covered on vehicles of this fleet." if published else ""
    figure, (panel,) = style.picture(
        (2.9,),
        "What the 95 % bands cover, vehicle by vehicle",
        "Share of a vehicle's measured points inside the band of its prediction, vehicles in order of it.",
        f"Light: 90 to 99 %.{told}",
    )
    style.label(panel, "Points inside the 95 % band, %")
    panel.axhspan(*(100.0 * one for one in GOOD_COVERAGE), color=style.colour("good-soft"), linewidth=0)
    panel.axhline(95.0, color=style.colour("line-strong"), linewidth=0.9, linestyle=style.LIMIT_DASH)
    lowest, top = (40.0 if published else 80.0), 101.0
    for policy, lived in lives.items():
        share = 100.0 * np.sort(coverage_by_vehicle(lived))
        lowest = min(lowest, 10.0 * np.floor(0.1 * float(share.min())))
        where = np.arange(1, len(share) + 1)
        panel.plot(where, share, ".", color=style.colour(_ROLES[policy]), markersize=5, label=policy)
    if published:
        panel.axhspan(*PUBLISHED_COVERAGE_PCT, color=style.colour("warn-soft"), linewidth=0)
        style.beside(panel, (float(np.mean(PUBLISHED_COVERAGE_PCT)) - lowest) / (top - lowest), "published", "warn")
    panel.set_ylim(lowest, top)
    panel.set_xlabel("vehicle, in order of coverage", size=style.SMALL_PT, color=style.colour("ink-3"))
    style.beside(panel, (95.0 - lowest) / (top - lowest), "wanted", "good")
    place: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (0.0, 0.8)} if published else {"loc": "lower right"}
    _legend(panel, ncols=3, **place)
    style.save(figure, file)


def _legend(panel: Axes, **where: Any) -> None:
    panel.legend(frameon=False, fontsize=style.SMALL_PT, labelcolor=style.colour("ink-2"), **where)
