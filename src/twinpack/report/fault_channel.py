"""An alarm of one cell or probe: how far it lies from the median of its pack, and how far the others do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from twinpack.detect.cells.settings import CellSettings
from twinpack.report import plot_style as style
from twinpack.report.fault_lines import context, moments, say, shade, signed
from twinpack.telemetry.arrivals import Ints
from twinpack.telemetry.batch import Floats
from twinpack.views.alarms.recipes import gate_of, within
from twinpack.views.alarms.series import SLOWLY_US, Channel, Window, channel, seen
from twinpack.views.alarms.subject import HOUR_US, Subject, clipped, days_of, nothing_of, told, window_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from twinpack.store.workspace import Workspace

BLOCK_US = 6 * HOUR_US
"""Medians of a cell are drawn over as long as detection judges them."""


def channel_picture(workspace: Workspace, subject: Subject, kind: str, number: int) -> tuple[Figure, str]:
    """The picture, and what is to be seen in it.

    Args:
        workspace: Whose telemetry is read.
        subject: The alarm.
        kind: `cell` or `probe`.
        number: Which one, from 1.

    Raises:
        NotFoundError: There is no telemetry of the time.
        WorkspaceError: Lake or log cannot be read.
    """
    window = window_of(subject)
    vehicle, offset = subject.alarm.vehicle_id, subject.raised.offset
    found = channel(seen(workspace, vehicle, subject.pack, window, offset, SLOWLY_US), kind, number)
    if not len(found.time_us):
        raise nothing_of(subject, window)
    unit, factor = ("mV", 1e3) if kind == "cell" else ("K", 1.0)
    regime = subject.raised.evidence.get("regime")
    chosen, regime = _of_regime(found, regime if isinstance(regime, str) else "")
    window = clipped(subject, window, int(found.time_us[0]), int(found.time_us[-1]))
    binned = _binned(chosen, window, factor)
    what = f"{kind.capitalize()} {number} against the median of the pack's {found.fellows} {kind}s"
    when = {"rest": ", at rest", "load": ", under load", "charge": ", while charging"}.get(regime, "")
    foot = f"{days_of(window)}. Medians over 6 h. Band: eight of ten {kind}s. Shaded: found to deviate."
    figure, (panel, below) = style.picture((2.55, 0.62), subject.title, subject.subtitle, foot)
    ends = _draw_channel(panel, binned, subject)
    style.label(panel, f"{what}{when}, {unit}")
    limit = gate_of(subject, factor)
    if limit is not None:
        panel.axhline(limit, color=style.colour("warn"), linewidth=1.2, linestyle=style.LIMIT_DASH)
        ends.append((limit, f"alarm {signed(limit)} {unit}", "warn"))
    say(panel, ends)
    context(below, found.time_us, found.c_rate, "Current over capacity, C (positive charges)")
    shade([panel, below], subject.stretches, window)
    style.time_axis(panel, *moments(np.array([window.start_us, window.end_us])))
    inside = within(binned.time_us, subject.stretches)
    typical = np.nanmedian(binned.deviation[inside]) if np.isfinite(binned.deviation[inside]).any() else np.nan
    caption = f"{kind} {number} lies {signed(typical)} {unit} from the median of {found.fellows} {kind}s{when}"
    return figure, f"{caption}, since {told(subject.stretches[-1].start_us)}."


@dataclass(frozen=True)
class _Binned:
    """Medians over blocks of time, B of them; NaN where there is no sample."""

    time_us: Ints
    deviation: Floats
    low: Floats
    high: Floats


def _of_regime(found: Channel, regime: str) -> tuple[Channel, str]:
    """The moments of a regime, where there are enough of them; else all."""
    settings = CellSettings()
    rules = {
        "rest": np.abs(found.c_rate) <= settings.rest_c_rate,
        "load": found.c_rate <= -settings.active_c_rate,
        "charge": found.c_rate >= settings.active_c_rate,
    }
    where = rules.get(regime)
    if where is None or where.sum() < 20:
        return found, ""
    return Channel(
        found.time_us[where],
        found.deviation[where],
        found.low[where],
        found.high[where],
        found.c_rate[where],
        found.fellows,
    ), regime


def _binned(found: Channel, window: Window, factor: float) -> _Binned:
    first = window.start_us // BLOCK_US
    blocks = window.end_us // BLOCK_US - first + 1
    edges = np.searchsorted(found.time_us // BLOCK_US - first, np.arange(blocks + 1))
    columns = (found.deviation, found.low, found.high)
    out = np.full((3, blocks), np.nan)
    for each in np.flatnonzero(np.diff(edges)):
        rows = slice(edges[each], edges[each + 1])
        for line, values in enumerate(columns):
            known = values[rows][np.isfinite(values[rows])]
            out[line, each] = factor * np.median(known) if len(known) else np.nan
    time_us = (first + np.arange(blocks, dtype=np.int64)) * BLOCK_US + BLOCK_US // 2
    return _Binned(time_us, out[0], out[1], out[2])


def _draw_channel(panel: Axes, binned: _Binned, subject: Subject) -> list[tuple[float, str, str]]:
    """Draw it; gives back what is to be said at the right."""
    known = np.isfinite(binned.deviation)
    time_us, deviation = binned.time_us[known], binned.deviation[known]
    gaps = np.flatnonzero(np.diff(time_us) > 30 * HOUR_US)
    place, times = gaps + 1, moments(time_us)
    low, high = (np.insert(values[known], place, np.nan) for values in (binned.low, binned.high))
    band_times = np.insert(times, place, times[gaps])
    panel.fill_between(band_times, low, high, color=style.colour("cohort"), alpha=0.28, linewidth=0)
    panel.axhline(0.0, color=style.colour("line-strong"), linewidth=0.8)
    panel.plot(band_times, np.insert(deviation, place, np.nan), color=style.colour("measured"), linewidth=1.1)
    inside = within(time_us, subject.stretches)
    panel.plot(times, deviation, ".", color=style.colour("measured"), markersize=5)
    panel.plot(times[inside], deviation[inside], ".", color=style.colour("crit"), markersize=6)
    panel.margins(y=0.12)
    if not len(deviation):
        return []
    middle = float(np.nanmean([binned.low[known][-1], binned.high[known][-1]]))
    kind = subject.alarm.subject.split()[0]
    return [(float(deviation[-1]), subject.alarm.subject, "crit"), (middle, f"8 of 10 {kind}s", "ink-3")]
