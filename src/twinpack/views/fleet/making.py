"""A `FleetTable` from what was read of the registry, the trips and the end of the log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from twinpack.store.records import LatestFigures
from twinpack.store.settings import ApiSettings
from twinpack.views.fleet.cohort import cohorts, deviations
from twinpack.views.fleet.sources import Driven, RegistryFacts
from twinpack.views.fleet.table import NEVER, DeployedFigures, FleetTable, Floats, Ints, Texts, ages, reporting_of
from twinpack.views.fleet.versions import NAN

_NO_FIGURES = DeployedFigures()
_NO_LATEST = LatestFigures()
_DAY_US = 86_400e6


@dataclass(frozen=True)
class Told:
    """What vehicles told themselves, of those that did.

    Attributes:
        newest_us: Sample time of the newest sample.
        odometer_km: Odometer.
    """

    newest_us: Mapping[str, int]
    odometer_km: Mapping[str, float]


def fleet_table(
    facts: RegistryFacts, driven: Mapping[str, Driven], told: Told, settings: ApiSettings, now_us: int
) -> FleetTable:
    """The figures of every vehicle that is known."""
    names, entries = list(facts.entries), list(facts.entries.values())
    latest = [facts.latest.get(name, _NO_LATEST) for name in names]
    deployed = [facts.deployed.get(name, _NO_FIGURES) for name in names]
    last_seen = _last_seen(names, latest, told.newest_us)
    first_seen = _times(facts.first_seen_us.get(name) for name in names)
    health = np.array([one.health for one in deployed], dtype=np.float64).reshape(-1, 4)
    deployed_us = np.array([one.time_us for one in deployed], dtype=np.int64)
    distance = _distances(names, driven, told.odometer_km)
    pack = _texts(entry.pack for entry in entries)
    age = ages(first_seen, last_seen)
    found = cohorts(pack, health[:, 0], distance, age)
    return FleetTable(
        as_of_us=now_us,
        at={name: place for place, name in enumerate(names)},
        entries=tuple(entries),
        vehicle_id=_texts(names),
        fleet=_texts(entry.fleet for entry in entries),
        pack=pack,
        first_seen_us=first_seen,
        last_seen_us=last_seen,
        reporting=_reporting(last_seen, settings, now_us),
        health_pct=health[:, 0],
        health_sd_pct=health[:, 1],
        resistance_x=health[:, 2],
        resistance_sd_x=health[:, 3],
        soc_pct=np.array([NAN if one.soc is None else 100.0 * one.soc for one in latest], dtype=np.float64),
        folded_us=_times(one.last_seen_us for one in latest),
        distance_km=distance,
        age_years=age,
        trips=np.array([driven[name].trips if name in driven else 0 for name in names], dtype=np.int64),
        deployed=np.array([one.number for one in deployed], dtype=np.int64),
        deployed_us=deployed_us,
        overdue=(deployed_us != NEVER) & (last_seen - deployed_us > settings.overdue_days * _DAY_US),
        retired=np.array([entry.retired for entry in entries], dtype=np.bool_),
        alarms=_alarms(facts, names),
        versions=tuple(deployed),
        cohorts=found,
        deviation_pts=deviations(found.by_distance, pack, health[:, 0], distance),
    )


def last_seen(facts: RegistryFacts, newest_us: Mapping[str, int]) -> dict[str, int]:
    """Sample time of the newest sample of every vehicle that has any."""
    found = {name: one.last_seen_us for name, one in facts.latest.items() if one.last_seen_us is not None}
    for name, time_us in newest_us.items():
        found[name] = max(time_us, found.get(name, time_us))
    return found


def aged(table: FleetTable, settings: ApiSettings, now_us: int) -> FleetTable:
    """The same figures a while later: nothing came, and silence grew longer."""
    return table.later(now_us, _reporting(table.last_seen_us, settings, now_us))


def _reporting(last_seen_us: Ints, settings: ApiSettings, now_us: int) -> Ints:
    late_us = settings.late_intervals * settings.interval_s * 1e6
    return reporting_of(last_seen_us, now_us, late_us, settings.stale_h * 3600e6)


def _last_seen(names: Sequence[str], latest: Sequence[LatestFigures], newest_us: Mapping[str, int]) -> Ints:
    """The newest sample, folded or not."""
    folded = _times(one.last_seen_us for one in latest)
    if not newest_us:
        return folded
    return np.maximum(folded, _times(newest_us.get(name) for name in names))


def _distances(names: Sequence[str], driven: Mapping[str, Driven], odometer_km: Mapping[str, float]) -> Floats:
    """What the vehicle tells, or how far its trips went."""
    trips = np.array([driven[name].distance_km if name in driven else NAN for name in names], dtype=np.float64)
    told = np.array([odometer_km.get(name, NAN) for name in names], dtype=np.float64)
    return np.where(np.isfinite(told), told, trips)


def _alarms(facts: RegistryFacts, names: Sequence[str]) -> Ints:
    at = {name: place for place, name in enumerate(names)}
    counts = np.zeros((len(names), 4), dtype=np.int64)
    for name, severity, count in facts.alarms:
        if name in at:
            counts[at[name], min(max(severity, 0), 3)] += count
    return counts


def _times(values: Iterable[int | None]) -> Ints:
    return np.array([NEVER if value is None else value for value in values], dtype=np.int64)


def _texts(values: Iterable[str]) -> Texts:
    listed = list(values)
    found = np.empty(len(listed), dtype=np.object_)
    found[:] = listed
    return found
