"""The picture of a forecast: health so far, the fan of what is to come, and when life ends."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from twinpack.forecast.outlook import LEVELS
from twinpack.report import plot_style as style
from twinpack.twin.words import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from twinpack.forecast.vehicle import LifeEnd, VehicleForecast

_P10, _P50, _P90 = (LEVELS.index(level) for level in (0.1, 0.5, 0.9))
_FAN, _BAND = 0.2, 0.18
_DASH = (0, (5, 2.5))
_LEAST_SPAN_PCT = 12.0


def draw(told: VehicleForecast, file: Path) -> None:
    """Draw what is told of one vehicle.

    Args:
        told: A forecast with its months.
        file: The PNG to write.

    Raises:
        OSError: It cannot be written.
    """
    figure, (health, ends) = style.picture(
        [2.9, 0.9],
        f"Capacity health of {told.vehicle_id}",
        f"% of the rated capacity. {_headline(told)}",
        "Teal: estimated so far, with ±2σ. Violet: forecast, the median and p10 to p90. Below: when each limit is "
        "reached, p5 to p95.",
    )
    _past(health, told)
    _ahead(health, told)
    _life_ends(ends, told)
    first = told.measured[0].date if told.measured else told.begins
    (now,) = _numbers([told.begins])
    style.now(health, now)
    style.now(ends, now, "")
    style.time_axis(ends, first, told.months[-1].month)
    style.save(figure, file)


def _past(panel: Axes, told: VehicleForecast) -> None:
    days = _numbers(one.date for one in told.measured)
    values = [one.capacity_pct for one in told.measured]
    low = [one.capacity_pct - 2 * one.sd_pct for one in told.measured]
    high = [one.capacity_pct + 2 * one.sd_pct for one in told.measured]
    colour = style.colour("estimated")
    panel.fill_between(days, low, high, color=colour, alpha=_BAND, linewidth=0)
    panel.plot(days, values, color=colour, linewidth=1.6)


def _ahead(panel: Axes, told: VehicleForecast) -> None:
    days = _numbers([told.begins, *(one.month for one in told.months)])
    rows = [told.now_pct, *(one.capacity_pct for one in told.months)]
    colour = style.colour("forecast")
    low, middle, high = ([row[level] for row in rows] for level in (_P10, _P50, _P90))
    panel.fill_between(days, low, high, color=colour, alpha=_FAN, linewidth=0)
    panel.plot(days, middle, color=colour, linewidth=1.6, linestyle=_DASH)
    values = [*middle, *high, *(one.capacity_pct for one in told.measured), *(end.limit_pct for end in told.ends)]
    top = max(*values, 100.0)
    bottom = min(*low, *(end.limit_pct for end in told.ends), top - _LEAST_SPAN_PCT)
    panel.set_ylim(max(bottom - 1.0, 0.0), top + 1.0)
    span = top - bottom + 2.0
    for end in told.ends:
        panel.axhline(end.limit_pct, color=style.colour("ink-3"), linewidth=0.8, linestyle=style.LIMIT_DASH)
        height = (end.limit_pct - max(bottom - 1.0, 0.0)) / span
        style.beside(panel, height, f"{number(end.limit_pct)} %", "ink-3")


def _life_ends(panel: Axes, told: VehicleForecast) -> None:
    colour = style.colour("forecast")
    last = told.months[-1].month
    for row, end in enumerate(reversed(told.ends)):
        early, middle, late = end.date[0], end.date[_P50], end.date[-1]
        style.beside(panel, (row + 0.5) / len(told.ends), f"{number(end.limit_pct)} %", "ink-3")
        if early is None:
            continue
        panel.plot(
            _numbers([early, late or last]),
            [row, row],
            color=colour,
            linewidth=5,
            alpha=_FAN * 2,
            solid_capstyle="butt",
        )
        if middle is not None:
            panel.plot(_numbers([middle]), [row], "o", color=colour, markersize=5)
    panel.set_ylim(-0.5, len(told.ends) - 0.5)
    panel.set_yticks([])
    panel.grid(False)
    style.label(panel, "End of life")


def _numbers(days: Iterable[date]) -> list[float]:
    """Days as an axis counts them."""
    from matplotlib.dates import date2num

    return [float(date2num(day)) for day in days]  # type: ignore[no-untyped-call]


def _headline(told: VehicleForecast) -> str:
    now = told.now_pct
    text = f"Now {number(now[_P50], 1)} (p5 to p95 {number(now[0], 1)} to {number(now[-1], 1)})"
    return f"{text}; {in_words(told.ends[0])}." if told.ends else f"{text}."


def in_words(end: LifeEnd) -> str:
    """When a limit is reached, in words."""
    limit = f"{number(end.limit_pct)} %"
    early, middle, late = end.date[0], end.date[_P50], end.date[-1]
    if end.months.p95 == 0.0:
        return f"{limit} is reached"
    if early is None:
        return f"{limit} is not reached within the outlook"
    span = f"{_month(early)} to {_month(late) if late else 'beyond the outlook'}"
    return f"{limit} {f'in {_month(middle)}' if middle else 'beyond the outlook'} ({span})"


def _month(day: date) -> str:
    return f"{day:%b %Y}"
