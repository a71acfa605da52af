"""How far the cells of a pack lie apart at rest, which one is lowest, and whether that grows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from twinpack.twin.words import number
from twinpack.views.columns import numbers
from twinpack.views.opened import Views
from twinpack.views.sight import Reach, Span
from twinpack.views.spans import holds, whole
from twinpack.views.telemetry.steps import Floats

GROWTH_DAYS = 365
"""Over how many days is looked whether it grows."""

_FEWEST_DAYS = 8
_DAY_US = 86_400_000_000
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Imbalance:
    """Highest less lowest cell at rest on the newest day that tells it; None where none does."""

    spread_mv: float | None = None
    note: str = ""


def imbalance_of(views: Views, reach: Reach) -> Imbalance:
    """The imbalance of a vehicle.

    Raises:
        WorkspaceError: The lake cannot be read.
    """
    days = seen_days(views.rows.features(reach.vehicle_id), reach.span)
    low, high = 1e3 * numbers(days, "cell_rest_low_v"), 1e3 * numbers(days, "cell_rest_high_v")
    known = np.flatnonzero(np.isfinite(low) & np.isfinite(high))
    if not len(known):
        return Imbalance()
    last = int(known[-1])
    cell = days.column("cell_rest_low")[last].as_py()
    lowest = f"cell {cell} is lowest, {number(float(low[last]), 0)} mV" if cell is not None else ""
    at = np.array([(day - _EPOCH).days for day in days.column("day").to_pylist()], dtype=np.float64)
    return Imbalance(
        round(float(high[last] - low[last]), 1),
        "; ".join(filter(None, (lowest, _growth(at[known], (high - low)[known])))),
    )


def seen_days(features: pa.Table, span: Span) -> pa.Table:
    """Whole days that may be seen, of rows of `features` by day."""
    if whole(span) or not features.num_rows:
        return features
    kept = []
    for day in features.column("day").to_pylist():
        start = (day - _EPOCH).days * _DAY_US
        kept.append(holds(span, start) and holds(span, start + _DAY_US - 1))
    return features.filter(pa.array(kept, pa.bool_()))


def _growth(day: Floats, spread_mv: Floats) -> str:
    recent = day >= day[-1] - GROWTH_DAYS
    day, spread_mv = day[recent], spread_mv[recent]
    if len(day) < _FEWEST_DAYS or day[-1] - day[0] < 30:
        return ""
    # Medians of both halves: single days at rest differ much.
    half = len(day) // 2
    change = float(np.median(spread_mv[half:]) - np.median(spread_mv[:half]))
    scatter = float(np.median(np.abs(spread_mv - np.median(spread_mv))))
    if abs(change) <= max(scatter, 1.0):
        return "steady over the last year"
    months = (np.median(day[half:]) - np.median(day[:half])) / 30.4
    rate = change / max(months, 0.5)
    return f"{'grows' if change > 0 else 'shrinks'} by {number(abs(rate), 1)} mV a month"
