"""The figures of a whole fleet at one moment, one array a figure.

A list of many vehicles is filtered and sorted in milliseconds.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from twinpack.store.fleet_records import VehicleEntry
from twinpack.views.fleet.cohort import Cohorts
from twinpack.views.shapes.fleet import FleetSummary, VehicleRow

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]
Texts: TypeAlias = NDArray[np.object_]

TREND_STEPS = 12
NEVER = np.iinfo(np.int64).min
"""A time that is not known."""

REPORTING, LATE, STALE, SILENT = range(4)
REPORTING_WORDS = ("reporting", "late", "stale", "never")
"""How a vehicle reports, by its number in `FleetTable.reporting`."""

YEAR_US = 365.25 * 86_400e6


@dataclass
class DeployedFigures:
    """What the deployed versions of one vehicle tell.

    Attributes:
        number: The version deployed now.
        time_us: Sample time of its decision.
        health: Capacity health, its standard deviation, resistance and its standard deviation; NaN for not known.
        times_us: Sample times of all that were deployed.
        capacity_pct: Capacity health of each.
    """

    number: int = 0
    time_us: int = NEVER
    health: tuple[float, float, float, float] = (math.nan, math.nan, math.nan, math.nan)
    times_us: list[int] = field(default_factory=list)
    capacity_pct: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class FleetTable:
    """Every vehicle, by name; all arrays have shape (N,) and NaN or `NEVER` where a figure is not known.

    Attributes:
        as_of_us: When it was made, microseconds since the epoch.
        at: Place of each vehicle in the arrays.
        entries: What people said of each.
        vehicle_id: Its name.
        fleet: Its fleet.
        pack: Name of its pack.
        first_seen_us: Sample time of its first sample.
        last_seen_us: Sample time of its newest one.
        reporting: `REPORTING`, `LATE`, `STALE` or `SILENT`.
        health_pct: Capacity, % of a new pack's, by the version deployed.
        health_sd_pct: Its standard deviation.
        resistance_x: Resistance, times that of a new pack.
        resistance_sd_x: Its standard deviation.
        soc_pct: State of charge by its twin.
        folded_us: Sample time of the newest sample that its twin has seen.
        distance_km: Odometer, or the distance of its trips.
        age_years: From its first sample to its newest.
        trips: Driving and charging sessions.
        deployed: Number of the version deployed, 0 without one.
        deployed_us: Sample time of its decision.
        overdue: Whether no version was accepted for long before its newest sample.
        retired: Whether it is out of service.
        alarms: Alarms that are not cleared by severity, shape (N, 4).
        versions: What the versions that were deployed tell, and whether that may be seen, of each.
        cohorts: Health of vehicles like each other over distance and age.
        deviation_pts: Health less the cohort's median at its distance.
        rows: Rows that were shown before; a table with other figures begins without any.
        orders: Places of the vehicles in the orders that were asked for before, with what they are sorted by.
        summaries: Figures over all that may be seen, by who may see it, as they were asked for before.
    """

    as_of_us: int
    at: Mapping[str, int]
    entries: tuple[VehicleEntry, ...]
    vehicle_id: Texts
    fleet: Texts
    pack: Texts
    first_seen_us: Ints
    last_seen_us: Ints
    reporting: Ints
    health_pct: Floats
    health_sd_pct: Floats
    resistance_x: Floats
    resistance_sd_x: Floats
    soc_pct: Floats
    folded_us: Ints
    distance_km: Floats
    age_years: Floats
    trips: Ints
    deployed: Ints
    deployed_us: Ints
    overdue: Bools
    retired: Bools
    alarms: Ints
    versions: tuple[DeployedFigures | None, ...]
    cohorts: Cohorts
    deviation_pts: Floats
    rows: dict[int, VehicleRow] = field(init=False, repr=False, compare=False, default_factory=dict)
    orders: dict[str, tuple[Ints, Floats]] = field(init=False, repr=False, compare=False, default_factory=dict)
    summaries: dict[Hashable, FleetSummary] = field(init=False, repr=False, compare=False, default_factory=dict)

    @property
    def seen(self) -> Bools:
        """Which vehicles have sent anything."""
        return np.asarray(self.last_seen_us != NEVER, dtype=np.bool_)

    @cached_property
    def names_folded(self) -> tuple[str, ...]:
        """Name and label of each vehicle in small letters, to be searched."""
        return tuple(f"{entry.vehicle_id}\n{entry.label}".casefold() for entry in self.entries)

    def trend_pct(self, at: int) -> Floats:
        """Capacity health of a vehicle at the ends of equal steps over the year before its newest sample."""
        versions, last_us = self.versions[at], int(self.last_seen_us[at])
        if versions is None or not versions.times_us or last_us == NEVER:
            return np.full(TREND_STEPS, np.nan)
        ends = last_us - (YEAR_US / TREND_STEPS) * np.arange(TREND_STEPS - 1, -1, -1)
        place = np.searchsorted(np.array(versions.times_us), ends, side="right") - 1
        return np.where(place >= 0, np.array(versions.capacity_pct)[np.maximum(place, 0)], np.nan)

    def later(self, as_of_us: int, reporting: Ints) -> FleetTable:
        """The same, a while later: nothing came, and silence grew longer."""
        found = replace(self, as_of_us=as_of_us, reporting=reporting)
        found.orders.update(self.orders)
        if np.array_equal(reporting, self.reporting):
            found.rows.update(self.rows)
        return found


def ages(first_seen_us: Ints, last_seen_us: Ints) -> Floats:
    """Years from the first to the newest sample of each vehicle, NaN where there is none."""
    known = (first_seen_us != NEVER) & (last_seen_us != NEVER)
    span = np.where(known, last_seen_us, 0) - np.where(known, first_seen_us, 0)
    return np.where(known, span / YEAR_US, np.nan)


def reporting_of(last_seen_us: Ints, now_us: int, late_us: float, stale_us: float) -> Ints:
    """How each vehicle reports, by the silence since its newest sample."""
    silence = now_us - np.where(last_seen_us == NEVER, 0, last_seen_us)
    known = np.where(silence > stale_us, STALE, np.where(silence > late_us, LATE, REPORTING))
    return np.where(last_seen_us == NEVER, SILENT, known)
