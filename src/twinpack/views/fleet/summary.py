"""The figures over a fleet page: counts, the histogram of health, and each vehicle beside its cohort."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from twinpack.store.fleet_records import FleetRecord
from twinpack.views.fleet.cohort import Band
from twinpack.views.fleet.rows import alarm_counts, column, figure
from twinpack.views.fleet.seen import inside
from twinpack.views.fleet.table import LATE, REPORTING, SILENT, STALE, Bools, FleetTable, Floats
from twinpack.views.moments import moment
from twinpack.views.shapes.fleet import (
    CohortBand,
    FleetItem,
    FleetList,
    FleetSummary,
    Histogram,
    PackItem,
    Scatter,
)
from twinpack.views.sight import Right, Sight


def fleet_list(table: FleetTable, fleets: Sequence[FleetRecord], seer: Sight) -> FleetList:
    """The fleets that may be seen.

    Raises:
        AccessError: None may be seen at all.
    """
    scope = seer.scope(Right.FLEET)
    counts = Counter(table.fleet[~table.retired].tolist())
    known = {fleet.name: fleet for fleet in fleets}
    names = sorted(name for name in {*known, *counts} if scope.fleets is None or name in scope.fleets)
    shown = [known.get(name, FleetRecord(name)) for name in names]
    return FleetList(
        items=[
            FleetItem(name=one.name, vehicles=counts[one.name], default_pack=one.default_pack, notes=one.notes)
            for one in shown
        ]
    )


def fleet_summary(
    table: FleetTable, seer: Sight, overdue_days: float, fleet: str | None, pack: str | None
) -> FleetSummary:
    """The figures over a fleet page, of vehicles in service.

    Args:
        table: The fleet's figures.
        seer: Who looks.
        overdue_days: Days without an accepted update after which a twin is overdue.
        fleet: Of this fleet, None for all that may be seen.
        pack: With this pack, None for all.

    Raises:
        AccessError: Figures of a fleet may not be seen.
    """
    seer.need(Right.FLEET)
    if fleet is not None or pack is not None:
        return _summary(table, seer, overdue_days, fleet, pack)
    # The pages of all who work with a fleet begin with these figures.
    key = (seer.fleets, tuple(sorted(seer.vehicles)), seer.may(Right.ALARMS), overdue_days)
    if key not in table.summaries:
        table.summaries[key] = _summary(table, seer, overdue_days, None, None)
    return table.summaries[key]


def _summary(table: FleetTable, seer: Sight, overdue_days: float, fleet: str | None, pack: str | None) -> FleetSummary:
    mine = _chosen(table, seer, fleet, pack)
    health = table.health_pct[mine]
    health = health[np.isfinite(health)]
    low, middle, high = np.percentile(health, (25, 50, 75)) if len(health) else (np.nan,) * 3
    reporting = table.reporting[mine]
    packs = Counter(table.pack[mine].tolist())
    alarms = table.alarms[mine].sum(axis=0) if seer.may(Right.ALARMS) else np.zeros(4, dtype=np.int64)
    return FleetSummary(
        as_of=moment(table.as_of_us),
        vehicles=int(mine.sum()),
        packs=[PackItem(pack=name, vehicles=count) for name, count in sorted(packs.items())],
        reporting=int((reporting == REPORTING).sum()),
        late=int((reporting == LATE).sum()),
        stale=int((reporting == STALE).sum()),
        never=int((reporting == SILENT).sum()),
        alarms=alarm_counts(alarms.tolist()),
        health_median_pct=figure(middle, 2),
        health_low_pct=figure(low, 2),
        health_high_pct=figure(high, 2),
        health_known=len(health),
        overdue=int(table.overdue[mine].sum()),
        overdue_days=overdue_days,
        histogram=histogram(health),
    )


def histogram(health_pct: Floats) -> Histogram:
    """How many vehicles there are in each step of 1 % from the lowest to the highest; all are known."""
    if not len(health_pct):
        return Histogram(from_pct=[], vehicles=[])
    step = np.floor(health_pct).astype(np.int64)
    counts = np.bincount(step - step.min())
    edges = step.min() + np.arange(len(counts))
    return Histogram(from_pct=edges.astype(np.float64).tolist(), vehicles=counts.tolist())


def fleet_scatter(table: FleetTable, seer: Sight, fleet: str | None, pack: str | None) -> Scatter:
    """Each vehicle in service whose health is known, and the bands of their cohorts.

    Raises:
        AccessError: Figures of a fleet may not be seen.
    """
    mine = np.flatnonzero(_chosen(table, seer, fleet, pack) & np.isfinite(table.health_pct))
    packs = table.pack[mine].tolist()
    return Scatter.model_construct(
        vehicle_id=table.vehicle_id[mine].tolist(),
        pack=packs,
        distance_km=column(table.distance_km[mine], 0),
        age_years=column(table.age_years[mine], 3),
        health_pct=column(table.health_pct[mine], 2),
        deviation_pts=column(table.deviation_pts[mine], 2),
        by_distance=_bands(table.cohorts.by_distance, packs, 0),
        by_age=_bands(table.cohorts.by_age, packs, 3),
    )


def _chosen(table: FleetTable, seer: Sight, fleet: str | None, pack: str | None) -> Bools:
    found = inside(table, seer.scope(Right.FLEET)) & ~table.retired
    if fleet is not None:
        found &= table.fleet == fleet
    if pack is not None:
        found &= table.pack == pack
    return found


def _bands(bands: Mapping[str, Band], packs: Sequence[str], decimals: int) -> list[CohortBand]:
    return [
        CohortBand(
            pack=name,
            x=column(band.x, decimals),
            p10_pct=column(band.low_pct, 2),
            median_pct=column(band.median_pct, 2),
            p90_pct=column(band.high_pct, 2),
            vehicles=[band.vehicles] * len(band.x),
        )
        for name, band in sorted(bands.items())
        if name in set(packs)
    ]
