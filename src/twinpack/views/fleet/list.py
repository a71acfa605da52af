"""The list of vehicles: filtered, sorted, a page at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

import numpy as np

from twinpack.twin.words import number
from twinpack.views.cursors import Place, place_of
from twinpack.views.fleet.rows import vehicle_row
from twinpack.views.fleet.seen import seen_by
from twinpack.views.fleet.table import REPORTING_WORDS, Bools, FleetTable, Floats, Ints
from twinpack.views.shapes.common import PageInfo
from twinpack.views.shapes.fleet import VehiclePage
from twinpack.views.sight import Sight

_RANGES = {
    "health": ("health_pct", "health", "%", 1),
    "distance": ("distance_km", "distance", "km", 0),
    "age": ("age_years", "age", "years", 1),
}
"""Filters by lowest and highest value: the figure, its name, its unit, and decimals of it for people."""


@dataclass(frozen=True)
class WantedVehicles:
    """Which vehicles a list shows; None is for any.

    Attributes:
        fleet: Of this fleet.
        pack: With this pack.
        q: With this in their name or label, in capitals or not.
        reporting: That report so.
        overdue: Whose twin is overdue, or is not.
        severity: With an open alarm of at least this severity.
        health_min: Of at least this capacity health, %.
        health_max: Of at most so much.
        distance_min: That went at least so far, km.
        distance_max: That went at most so far.
        age_min: At least so old, years.
        age_max: At most so old.
        retired: Those out of service too.
    """

    fleet: str | None = None
    pack: str | None = None
    q: str | None = None
    reporting: str | None = None
    overdue: bool | None = None
    severity: int | None = None
    health_min: float | None = None
    health_max: float | None = None
    distance_min: float | None = None
    distance_max: float | None = None
    age_min: float | None = None
    age_max: float | None = None
    retired: bool = False


def vehicle_page(
    table: FleetTable, seer: Sight, wanted: WantedVehicles, sort: str, cursor: str | None, limit: int
) -> VehiclePage:
    """A page of the list.

    Args:
        table: The fleet's figures.
        seer: Who looks.
        wanted: Which vehicles.
        sort: Column to sort by, with "-" before it for the highest first; what is not known comes last.
        cursor: Where the page before ended, None for the first.
        limit: Most vehicles of a page.

    Raises:
        AccessError: No vehicle may be found at all.
        InputError: The cursor is none of ours.
    """
    shown, within = seen_by(table, seer)
    order, keys = _ordered(shown, sort)
    wanted_here = (within & matching(shown, wanted))[order]
    found, keys = order[wanted_here], keys[wanted_here]
    first = _first_after(shown, found, keys, place_of(cursor, sort)) if cursor else 0
    page = found[first : first + limit]
    more = first + limit < len(found)
    return VehiclePage.model_construct(
        items=[vehicle_row(shown, place) for place in page.tolist()],
        page=PageInfo(next_cursor=_cursor(shown, page, keys[first:], sort) if more else None, total=len(found)),
        nearest="" if len(found) else nearest(shown, within, wanted),
    )


def matching(table: FleetTable, wanted: WantedVehicles) -> Bools:
    """Which vehicles are wanted, shape (N,)."""
    found = np.ones(len(table.vehicle_id), dtype=np.bool_)
    for _, condition in _conditions(table, wanted):
        found &= condition()
    return found


def nearest(table: FleetTable, within: Bools, wanted: WantedVehicles) -> str:
    """How near the nearest vehicle is where none is wanted, in words."""
    if not within.any():
        return ""
    for name, _ in _conditions(table, wanted):
        others = within & matching(table, _without(wanted, name))
        if others.any():
            return _told(table, np.flatnonzero(others), name, wanted)
    return "no single filter is to blame: clear them all and begin again"


def _without(wanted: WantedVehicles, name: str) -> WantedVehicles:
    """The same without one filter."""
    if name == "retired":
        return replace(wanted, retired=True)
    names = (f"{name}_min", f"{name}_max") if name in _RANGES else (name,)
    return replace(wanted, **cast("Mapping[str, Any]", dict.fromkeys(names)))


def _conditions(table: FleetTable, wanted: WantedVehicles) -> Iterator[tuple[str, Callable[[], Bools]]]:
    """Each filter that was given: its name, and which vehicles pass it."""
    for name, (column, *_) in _RANGES.items():
        low, high = getattr(wanted, f"{name}_min"), getattr(wanted, f"{name}_max")
        if low is not None or high is not None:
            yield name, partial(_between, getattr(table, column), low, high)
    if not wanted.retired:
        yield "retired", lambda: ~table.retired
    simple: dict[str, Callable[[], Any]] = {
        "severity": lambda: table.alarms[:, wanted.severity :].any(axis=1),
        "overdue": lambda: table.overdue == wanted.overdue,
        "reporting": lambda: table.reporting == REPORTING_WORDS.index(wanted.reporting or ""),
        "q": lambda: _named(table, wanted.q or ""),
        "pack": lambda: table.pack == wanted.pack,
        "fleet": lambda: table.fleet == wanted.fleet,
    }
    yield from ((name, test) for name, test in simple.items() if getattr(wanted, name) is not None)


def _between(values: Floats, low: float | None, high: float | None) -> Bools:
    """What is not known is not between any two values."""
    found: Bools = np.isfinite(values)
    if low is not None:
        found &= values >= low
    if high is not None:
        found &= values <= high
    return found


def _named(table: FleetTable, q: str) -> Bools:
    part = q.casefold()
    return np.array([part in text for text in table.names_folded], dtype=np.bool_)


def _told(table: FleetTable, others: Ints, name: str, wanted: WantedVehicles) -> str:
    if name in _RANGES:
        column, label, unit, decimals = _RANGES[name]
        values = getattr(table, column)[others]
        low, high = getattr(wanted, f"{name}_min"), getattr(wanted, f"{name}_max")
        away = np.maximum(0.0 if low is None else low - values, 0.0 if high is None else values - high)
        if not np.isfinite(away).any():
            return f"{label} is not known of any of {number(len(others))} vehicles that match otherwise"
        best = int(np.nanargmin(away))
        told = number(float(values[best]), decimals)
        return f"the nearest {label} is {told} {unit}, of {table.vehicle_id[others[best]]}"
    what = {"q": "name", "severity": "alarms", "retired": "service"}.get(name, name)
    vehicles = "1 vehicle matches" if len(others) == 1 else f"{number(len(others))} vehicles match"
    if name == "retired":
        return f"{vehicles} among those out of service"
    return f"{vehicles} without the filter by {what}"


def _ordered(table: FleetTable, sort: str) -> tuple[Ints, Floats]:
    """All vehicles in an order, and what they are sorted by."""
    found = table.orders.get(sort)
    if found is None:
        keys = _keys(table, sort)
        order = np.argsort(keys, kind="stable")
        found = table.orders[sort] = (order, keys[order])
    return found


def _keys(table: FleetTable, sort: str) -> Floats:
    """What vehicles are sorted by, ascending; NaN comes last."""
    name = sort.removeprefix("-")
    keys = _sorted_by(table, name)
    return np.negative(keys) if sort.startswith("-") else keys


def _sorted_by(table: FleetTable, name: str) -> Floats:
    if name == "vehicle_id":
        return np.arange(len(table.vehicle_id), dtype=np.float64)
    if name == "alarms":  # the more severe counts more than any number of others
        return np.asarray(np.minimum(table.alarms, 999) @ np.array([1.0, 1e3, 1e6, 1e9]), dtype=np.float64)
    if name == "last_seen_at":
        return np.where(table.seen, table.last_seen_us, np.nan).astype(np.float64)
    found: Floats = getattr(table, name)
    return found


def _cursor(table: FleetTable, page: Ints, keys: Floats, sort: str) -> str:
    last = len(page) - 1
    value = None if np.isnan(keys[last]) else float(keys[last])
    return Place(sort, None if sort.endswith("vehicle_id") else value, table.vehicle_id[page[last]]).cursor()


def _first_after(table: FleetTable, found: Ints, keys: Floats, place: Place) -> int:
    """Where the rows begin that come after a place."""
    names = table.vehicle_id[found]
    if place.order.endswith("vehicle_id"):
        after = names < place.name if place.order.startswith("-") else names > place.name
        return int(np.argmax(after)) if after.any() else len(found)
    if place.value is None or isinstance(place.value, str):
        first, last = int(np.searchsorted(keys, np.nan)), len(keys)
    else:
        first, last = (int(np.searchsorted(keys, place.value, side)) for side in ("left", "right"))
    return first + int(np.searchsorted(names[first:last].astype(str), place.name, "right"))
