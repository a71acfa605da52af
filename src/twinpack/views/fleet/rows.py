"""One vehicle of the fleet's figures as lists show it."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

import numpy as np

from twinpack.views.fleet.table import NEVER, REPORTING_WORDS, FleetTable
from twinpack.views.moments import moment
from twinpack.views.shapes.fleet import AlarmCounts, VehicleRow


def vehicle_row(table: FleetTable, at: int) -> VehicleRow:
    """The row of a vehicle.

    Args:
        table: Figures, with those left out that may not be seen.
        at: Its place in them.
    """
    found = table.rows.get(at)
    if found is None:
        found = table.rows[at] = _made(table, at)
    return found


def _made(table: FleetTable, at: int) -> VehicleRow:
    entry = table.entries[at]
    return VehicleRow.model_construct(
        vehicle_id=table.vehicle_id[at],
        label=entry.label,
        fleet=entry.fleet,
        pack=entry.pack,
        model_year=entry.model_year,
        age_years=figure(table.age_years[at], 2),
        distance_km=figure(table.distance_km[at], 1),
        health_pct=figure(table.health_pct[at], 2),
        health_sd_pct=figure(table.health_sd_pct[at], 3),
        deviation_pts=figure(table.deviation_pts[at], 2),
        resistance_x=figure(table.resistance_x[at], 3),
        soc_pct=figure(table.soc_pct[at], 1),
        trend_pct=column(table.trend_pct(at), 2),
        alarms=alarm_counts(table.alarms[at].tolist()),
        reporting=REPORTING_WORDS[table.reporting[at]],
        last_seen_at=moment_if(int(table.last_seen_us[at])),
        overdue=bool(table.overdue[at]),
        retired=entry.retired,
    )


def alarm_counts(counts: list[int]) -> AlarmCounts:
    """Numbers of alarms of severity 0 to 3 by their names."""
    info, notice, warning, critical = counts
    return AlarmCounts(critical=critical, warning=warning, notice=notice, info=info)


def figure(value: float, decimals: int) -> float | None:
    """A figure to so many decimals, None where it is not known."""
    known = float(value)
    return round(known, decimals) if math.isfinite(known) else None


def column(values: Any, decimals: int) -> list[float | None]:
    """A column of figures to so many decimals; None where one is not known."""
    given = np.round(np.asarray(values, dtype=np.float64), decimals)
    listed: list[float | None] = given.tolist()
    if np.isfinite(given).all():
        return listed
    return [value if good else None for value, good in zip(listed, np.isfinite(given).tolist(), strict=True)]


def moment_if(time_us: int | None) -> datetime | None:
    """A moment, None where it is not known."""
    return None if time_us is None or time_us == NEVER else moment(time_us)
