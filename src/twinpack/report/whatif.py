"""Pictures of what-if: health under each scenario, differences from the baseline, voltage and heat on the trip."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from twinpack.forecast.whatif_told import CourseTold, Quantiles, TripTold
from twinpack.report import plot_style as style
from twinpack.runtime.whatif import VehicleWhatIf
from twinpack.runtime.whatif_fleet import FleetWhatIf
from twinpack.twin.words import counted, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAMES = "ABC"

_ROLES = ("scenario-a", "scenario-b", "scenario-c")
_BASE_DASH: Any = (0, (5, 2.5))
_DASHES: tuple[Any, ...] = ("solid", (0, (9, 3)), (0, (1.5, 2)))
_FAN, _BAND = 0.2, 0.18
_YEARS_SHOWN = 8
_FLOOR_PCT, _USUAL_FLOOR_PCT = 40.0, 70.0
_APART_PCT = 0.055
"""Least distance of two labels beside a panel, as a share of its height."""

_LEFT, _RIGHT, _BETWEEN = 0.085, 0.885, 0.055
_HEALTH_IN, _DELTA_IN, _TRIP_IN, _GAP_IN = 2.8, 0.95, 1.25, 0.62
_YEAR_DAYS = 365.25
_DRIVES, _MORE_MIN = 1.8, 20.0
"""Of a slow charge no more is shown than so many times the longest drive, and so many minutes."""


def draw(found: VehicleWhatIf, file: Path) -> None:
    """Draw what is told of a vehicle to a PNG file.

    Raises:
        OSError: The file cannot be written.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    style.save(vehicle_figure(found), file)


def draw_fleet(found: FleetWhatIf, file: Path) -> None:
    """Draw how effects are spread over a fleet to a PNG file.

    Raises:
        OSError: The file cannot be written.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    style.save(fleet_figure(found), file)


def vehicle_figure(found: VehicleWhatIf) -> Figure:
    """Health with its fan, differences with their intervals, and the trip."""
    with_trip = found.baseline.trip is not None
    total = _HEALTH_IN + _GAP_IN + _DELTA_IN + (_GAP_IN + _TRIP_IN if with_trip else 0.0)
    figure, (whole,) = style.picture(
        [total],
        f"What if: {found.vehicle}",
        f"Capacity health, % of rated, over the age of the battery. {_asked(found)}",
        "Bands: p10 to p90, of the baseline and of A. Differences from the baseline: median, half of all outcomes, "
        "5 to 95 %.",
    )
    box, unit = whole.get_position(), 1.0 / figure.get_figheight()
    whole.remove()
    top = box.y1
    _health(_panel(figure, _LEFT, top, _RIGHT - _LEFT, _HEALTH_IN * unit), found)
    top -= (_HEALTH_IN + _GAP_IN) * unit
    _deltas(figure, found, top, _DELTA_IN * unit)
    if with_trip:
        top -= (_DELTA_IN + _GAP_IN) * unit
        _trips(figure, found, top, _TRIP_IN * unit)
    return figure


def fleet_figure(found: FleetWhatIf) -> Figure:
    """A histogram of effects on health a scenario, one below the other on one axis."""
    figure, panels = style.picture(
        [1.15] * max(len(found.scenarios), 1),
        f"What if: {counted(found.told, 'vehicle')}",
        f"Capacity health in {counted(found.years, 'year')} less that of the baseline, points: the median of each "
        "vehicle.",
        "Dashed: no effect. Solid: the median vehicle.",
    )
    every = [one.health[one.sound] for one in found.effects]
    known = np.concatenate(every) if every else np.zeros(1)
    low, high = min(float(known.min(initial=0.0)), 0.0), max(float(known.max(initial=0.0)), 0.0)
    edges = np.linspace(low - 0.02 * (high - low) - 1e-3, high + 0.02 * (high - low) + 1e-3, 41)
    for panel, told, values, role in zip(panels, found.scenarios, every, _ROLES, strict=False):
        panel.hist(values, bins=edges.tolist(), color=style.colour(role), alpha=0.75, linewidth=0)
        panel.axvline(0.0, color=style.colour("ink-3"), linewidth=0.9, linestyle=style.LIMIT_DASH)
        panel.axvline(float(np.median(values)), color=style.colour("ink"), linewidth=1.1)
        panel.set_ylim(bottom=0.0)
        panel.yaxis.set_major_locator(_few(3, integer=True))
        claims = f"claims {number(told.claims_before, 1)} to {number(told.claims, 1)}"
        style.label(panel, f"{told.name}: {number(told.helped)} helped, {number(told.harmed)} harmed, {claims}")
    return figure


def _asked(found: VehicleWhatIf) -> str:
    names = [f"{name}: {one.course.name}" for name, one in zip(NAMES, found.scenarios, strict=False)]
    return ". ".join(names) + "."


def _panel(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    panel = figure.add_axes((left, top - height, width, height))
    style.plain(panel)
    return panel


def _health(panel: Axes, found: VehicleWhatIf) -> None:
    rows = min(_YEARS_SHOWN * 12 + 1, len(found.baseline.months))
    years = found.age_years + np.arange(rows) / 12.0
    _past(panel, found)
    base = found.baseline.monthly_pct
    _band(panel, years, base.p10[:rows], base.p90[:rows], "forecast", _FAN)
    lines = [(found.baseline, "forecast", _BASE_DASH, "Baseline")]
    drawn = zip(found.scenarios, _ROLES, _DASHES, NAMES, strict=False)
    lines += [(one.course, role, dash, name) for one, role, dash, name in drawn]
    first = lines[1][0].monthly_pct
    _band(panel, years, first.p10[:rows], first.p90[:rows], _ROLES[0], 0.13)
    for course, role, dash, _ in lines:
        panel.plot(years, course.monthly_pct.p50[:rows], color=style.colour(role), linewidth=1.7, linestyle=dash)
    floor, ceiling = _scale(found, [course for course, *_ in lines], rows)
    panel.set_ylim(floor, ceiling)
    start = min((_age(found, one.date) for one in found.measured), default=found.age_years)
    panel.set_xlim(min(max(start, 0.0), found.age_years - 0.2), years[-1])
    _limits(panel, found, floor, ceiling)
    _beside(panel, [(course.monthly_pct.p50[rows - 1], role, name) for course, role, _, name in lines], floor, ceiling)
    style.now(panel, found.age_years, f"now, {number(found.age_years, 1)} years")
    panel.xaxis.set_major_locator(_few(8, integer=True))


def _past(panel: Axes, found: VehicleWhatIf) -> None:
    """What was measured so far, with ±2σ."""
    if not found.measured:
        return
    ages = [_age(found, one.date) for one in found.measured]
    low = [one.capacity_pct - 2.0 * one.sd_pct for one in found.measured]
    high = [one.capacity_pct + 2.0 * one.sd_pct for one in found.measured]
    _band(panel, ages, low, high, "estimated", _BAND)
    panel.plot(ages, [one.capacity_pct for one in found.measured], color=style.colour("estimated"), linewidth=1.7)


def _age(found: VehicleWhatIf, day: date) -> float:
    """Age of the battery on a day, years."""
    year, month = (int(part) for part in found.begins.split("-"))
    return found.age_years - (date(year, month, 1) - day).days / _YEAR_DAYS


def _band(panel: Axes, at: Any, low: Any, high: Any, role: str, alpha: float) -> None:
    panel.fill_between(at, low, high, color=style.colour(role), alpha=alpha, linewidth=0)


def _scale(found: VehicleWhatIf, courses: Sequence[CourseTold], rows: int) -> tuple[float, float]:
    """From 70 to 100 %, wider in steps of 10 where the medians ask for it."""
    lowest = min(min(course.monthly_pct.p50[:rows]) for course in courses)
    highest = max([100.0, *(one.capacity_pct + 1.0 for one in found.measured)])
    floor = min(_USUAL_FLOOR_PCT, 10.0 * np.floor((lowest - 1.0) / 10.0))
    return max(floor, _FLOOR_PCT), float(highest)


def _limits(panel: Axes, found: VehicleWhatIf, floor: float, ceiling: float) -> None:
    for end in found.baseline.end_of_life:
        if floor < end.limit_pct < ceiling:
            panel.axhline(end.limit_pct, color=style.colour("ink-3"), linewidth=0.9, linestyle=style.LIMIT_DASH)
            panel.annotate(
                f"{number(end.limit_pct)} %, end of life",
                (0.0, end.limit_pct),
                xycoords=("axes fraction", "data"),
                xytext=(3, -3),
                textcoords="offset points",
                size=style.SMALL_PT,
                color=style.colour("ink-3"),
                va="top",
            )


def _beside(panel: Axes, ends: Sequence[tuple[float, str, str]], floor: float, ceiling: float) -> None:
    """Names and values at the ends of lines, moved apart where they would overlap."""
    told = sorted(((value - floor) / (ceiling - floor), value, role, name) for value, role, name in ends)
    heights: list[float] = []
    for height, *_ in told:
        least = heights[-1] + _APART_PCT if heights else 0.0
        heights.append(max(height, least))
    over = max(heights[-1] - 1.0, 0.0)
    for height, (_, value, role, name) in zip(heights, told, strict=True):
        style.beside(panel, height - over, f"{name}  {number(value, 1)} %", role)


def _deltas(figure: Figure, found: VehicleWhatIf, top: float, height: float) -> None:
    """A panel a measure, a row a scenario."""
    shown = _measures(found)
    width = (_RIGHT - _LEFT - _BETWEEN * (len(shown) - 1)) / len(shown)
    for at, (title, spreads) in enumerate(shown):
        panel = _panel(figure, _LEFT + at * (width + _BETWEEN), top, width, height)
        _intervals(panel, spreads)
        style.label(panel, title)
        panel.set_yticks(range(len(spreads)), list(NAMES[: len(spreads)]) if at == 0 else [""] * len(spreads))


def _measures(found: VehicleWhatIf) -> list[tuple[str, list[Quantiles | None]]]:
    every = [one.delta for one in found.scenarios]
    shown: list[tuple[str, list[Quantiles | None]]] = []
    if any("5y" in one.health_pts for one in every):
        shown.append(("Health in 5 years, pts", [one.health_pts.get("5y") for one in every]))
    limit = f"{found.baseline.end_of_life[0].limit_pct:g}"
    shown.append((f"{limit} % reached later, years", [one.end_of_life_years[limit] for one in every]))
    if found.baseline.range is not None:
        shown.append(("Range in 5 years, km", [(one.range_km or {}).get("5y") for one in every]))
    if found.baseline.trip is not None:
        shown.append(("Warmest on the trip, °C", [one.highest_c for one in every]))
    return shown


def _intervals(panel: Axes, spreads: Sequence[Quantiles | None]) -> None:
    panel.grid(False)
    panel.axvline(0.0, color=style.colour("ink-3"), linewidth=0.9, linestyle=style.LIMIT_DASH)
    reach = 0.0
    for row, (one, role) in enumerate(zip(spreads, _ROLES, strict=False)):
        if one is None or one.p50 is None:
            panel.text(0.0, row, " not known", size=style.SMALL_PT, color=style.colour("ink-3"), va="center")
            continue
        colour = style.colour(role)
        if one.p5 is not None and one.p95 is not None:
            panel.hlines(row, one.p5, one.p95, color=colour, linewidth=1.4)
            reach = max(reach, abs(one.p5), abs(one.p95))
        if one.p25 is not None and one.p75 is not None:
            panel.hlines(row, one.p25, one.p75, color=colour, linewidth=6.0, alpha=0.45)
        panel.plot([one.p50], [row], "o", color=colour, markersize=5)
        reach = max(reach, abs(one.p50))
    shown = [value for one in spreads if one for value in (one.p5, one.p95) if value is not None]
    low, high = min([0.0, *shown]), max([0.0, *shown])
    room = 0.12 * max(high - low, 1e-3)
    panel.set_xlim(low - room, high + room)
    panel.set_ylim(len(spreads) - 0.4, -0.6)
    panel.xaxis.set_major_locator(_few(4))


def _trips(figure: Figure, found: VehicleWhatIf, top: float, height: float) -> None:
    width = (_RIGHT - _LEFT - _BETWEEN) / 2.0
    sides = [_panel(figure, _LEFT + at * (width + _BETWEEN), top, width, height) for at in range(2)]
    drawn: list[tuple[CourseTold, str, Any]] = [(found.baseline, "forecast", _BASE_DASH)]
    drawn += [(one.course, role, dash) for one, role, dash in zip(found.scenarios, _ROLES, _DASHES, strict=False)]
    for course, role, dash in drawn:
        trip = course.trip
        if trip is None:
            continue
        for panel, trace in zip(sides, (trip.voltage_v, trip.temp_c), strict=True):
            if course is found.baseline:
                _band(panel, trip.minutes, trace.p10, trace.p90, role, _FAN)
            panel.plot(trip.minutes, trace.p50, color=style.colour(role), linewidth=1.3, linestyle=dash)
    style.label(sides[0], "Pack voltage on the trip and a charge, V; minutes")
    style.label(sides[1], "Cell temperature, °C; minutes")
    trips = [course.trip for course, _, _ in drawn if course.trip is not None]
    end = min(
        max(map(_busy, trips)), _DRIVES * max(60.0 * one.distance_km / one.speed_kmh for one in trips) + _MORE_MIN
    )
    for panel in sides:
        panel.set_xlim(0.0, end)


def _busy(trip: TripTold) -> float:
    """Minutes until the charge has ended."""
    moves = np.flatnonzero(np.abs(np.diff(trip.voltage_v.p50)) > 0.02)
    return trip.minutes[min(int(moves[-1]) + 3, len(trip.minutes) - 1)] if len(moves) else trip.minutes[-1]


def _few(most: int, integer: bool = False) -> Any:
    """Round tick values, few of them."""
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(nbins=most, integer=integer)
