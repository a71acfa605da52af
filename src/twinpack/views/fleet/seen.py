"""What of the fleet's figures one who looks may see."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from twinpack.views.fleet.table import Bools, FleetTable
from twinpack.views.sight import Right, Scope, Sight

_FIGURES = (
    "health_pct",
    "health_sd_pct",
    "resistance_x",
    "resistance_sd_x",
    "soc_pct",
    "distance_km",
    "age_years",
    "deviation_pts",
)


def seen_by(table: FleetTable, seer: Sight) -> tuple[FleetTable, Bools]:
    """The figures with those left out that may not be seen, and which vehicles may be, shape (N,).

    Raises:
        AccessError: No vehicle may be found at all.
    """
    within = inside(table, seer.scope(Right.FIND))
    hidden = _ended(table, seer)
    if not (seer.may(Right.FLEET) or seer.may(Right.VEHICLE)):
        hidden = np.ones(len(within), dtype=np.bool_)
    shown = _without_figures(table, hidden) if hidden.any() else table
    if not seer.may(Right.ALARMS):
        shown = replace(shown, alarms=np.zeros_like(table.alarms))
    return shown, within


def inside(table: FleetTable, scope: Scope) -> Bools:
    """Which vehicles a list may hold, shape (N,)."""
    if scope.fleets is None:
        return np.ones(len(table.vehicle_id), dtype=np.bool_)
    within = np.isin(table.fleet, list(scope.fleets)) if scope.fleets else np.zeros(len(table.fleet), dtype=np.bool_)
    places = [table.at[name] for name in scope.vehicles if name in table.at]
    within[places] = True
    return within


def _ended(table: FleetTable, seer: Sight) -> Bools:
    """Vehicles of which only past times may be seen: figures of today are none of these."""
    ended = np.zeros(len(table.vehicle_id), dtype=np.bool_)
    for name, span in seer.vehicles.items():
        place = table.at.get(name)
        if place is None or span.until_us is None or span.until_us > table.as_of_us:
            continue
        by_fleet = seer.fleets is None or table.fleet[place] in seer.fleets
        ended[place] = not by_fleet
    return ended


def _without_figures(table: FleetTable, hidden: Bools) -> FleetTable:
    blank: dict[str, Any] = {name: np.where(hidden, np.nan, getattr(table, name)) for name in _FIGURES}
    return replace(
        table,
        **blank,
        versions=tuple(None if gone else one for one, gone in zip(table.versions, hidden.tolist(), strict=True)),
        overdue=table.overdue & ~hidden,
    )
