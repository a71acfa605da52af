"""One vehicle: its four kinds of health beside its cohort, and why the last of them changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pyarrow.compute as pc

from twinpack.battery.pack import PackSpec
from twinpack.twin.explain import Change as CapacityChange
from twinpack.twin.explain import Explanation, explain
from twinpack.twin.figures import CAPACITY, Health, deployed_version, health
from twinpack.twin.sentences import in_words, is_told
from twinpack.twin.versions import TwinVersion
from twinpack.views.fleet.rows import figure, moment_if, vehicle_row
from twinpack.views.fleet.seen import seen_by
from twinpack.views.fleet.table import FleetTable
from twinpack.views.moments import moment
from twinpack.views.opened import Views
from twinpack.views.shapes.common import Estimate
from twinpack.views.shapes.vehicle import Change, PackFacts, VehicleDetail
from twinpack.views.sight import Reach, Right, Sight
from twinpack.views.spans import FAR_OFF, LONG_AGO, holds, whole, within
from twinpack.views.telemetry.newest import NewestValues
from twinpack.views.vehicle.imbalance import Imbalance, imbalance_of
from twinpack.views.vehicle.versions import seen_versions

MAY = {
    "figures": Right.VEHICLE,
    "telemetry": Right.TELEMETRY,
    "twin": Right.TWIN,
    "rollback": Right.ROLLBACK,
    "alarms": Right.ALARMS,
    "alarm_actions": Right.ALARMS_ACT,
    "maintenance": Right.MAINTENANCE,
    "maintenance_write": Right.MAINTENANCE_WRITE,
    "share": Right.SHARE,
    "grants": Right.GRANTS,
    "vin": Right.VIN,
}
"""What a page offers, and the right that it asks for."""

State = Literal["driving", "charging", "parked", "unknown"]

_REST_C_RATE = 0.02
_MOVING_KMH = 1.0
_TWO_SIDED = 1.96
_NO_FIGURES = "Figures of vehicles are not shown to your account."
_NO_TWIN = ("There is no twin of this vehicle yet.", "Its first trips, once they were learned from.")
_RELATIVE = ("The model tells resistance against that of a new pack only.", "")
_NO_PARAMETER = ("Its model does not tell it.", "A model with this parameter.")


@dataclass(frozen=True)
class _Versions:
    """How many versions may be seen, the one that is deployed, and the last change of capacity."""

    count: int = 0
    deployed: TwinVersion | None = None
    change: Change | None = None


_SAME_TIME_US = 60_000_000
"""Charges that are this near to each other in time are compared."""


@dataclass(frozen=True)
class _Known:
    """What was found of a vehicle that may be seen with its figures."""

    versions: _Versions
    newest: NewestValues
    imbalance: Imbalance
    trips: int


def vehicle_detail(views: Views, seer: Sight, reach: Reach) -> VehicleDetail:
    """A vehicle and its figures; without the right to figures they are not known.

    Args:
        views: The workspace.
        seer: Who looks.
        reach: The vehicle, which may at least be found.

    Raises:
        WorkspaceError: The workspace cannot be read.
    """
    shown, _ = seen_by(views.fleet, seer)
    at = shown.at[reach.vehicle_id]
    entry = shown.entries[at]
    pack = views.packs.get(entry.pack)
    capacity_ah = pack.capacity_ah if pack else None
    known = _known(views, reach, shown, capacity_ah) if seer.may(Right.VEHICLE) else None
    versions = known.versions if known else _Versions()
    deployed = versions.deployed
    low, median, high, vehicles = _cohort(shown, at) if known else (None, None, None, 0)
    state = health(deployed, capacity_ah) if deployed else Health()
    return VehicleDetail(
        row=vehicle_row(shown, at),
        pack=pack_facts(pack) if pack else None,
        vin=entry.vin if seer.may(Right.VIN) else None,
        climate=entry.climate,
        notes=entry.notes if seer.may(Right.FLEET) or seer.may(Right.MAINTENANCE_WRITE) else "",
        in_service_since=moment_if(within(reach.span, int(shown.first_seen_us[at]), 0)[0]) if known else None,
        state=_state(known.newest, pack) if known else "unknown",
        **_estimates(known, state, pack, deployed),
        imbalance_mv=known.imbalance.spread_mv if known else None,
        imbalance_note=known.imbalance.note if known else "",
        bms_offset_pts=_bms_offset(shown, at, known.newest) if known else _unknown("pts", _NO_FIGURES, ""),
        bms_note="Charge told by the BMS less the twin's: this BMS tells no health." if known else "",
        cohort_median_pct=median,
        cohort_p10_pct=low,
        cohort_p90_pct=high,
        cohort_vehicles=vehicles,
        change=versions.change,
        trips=known.trips if known else 0,
        versions=versions.count,
        deployed_version=deployed.number if deployed else None,
        may=[name for name, right in MAY.items() if seer.may(right)],
    )


def pack_facts(pack: PackSpec) -> PackFacts:
    """A pack as specified."""
    drawn = pack.display.modules > 1
    return PackFacts(
        name=pack.name,
        chemistry=pack.chemistry,
        series=pack.series,
        parallel=pack.parallel,
        capacity_ah=pack.capacity_ah,
        energy_kwh=pack.energy_kwh,
        modules=pack.display.modules if drawn else None,
        cells_per_module=pack.display.cells_per_module if drawn else None,
    )


def last_change(versions: Sequence[TwinVersion], capacity_ah: float | None) -> Change | None:
    """What the last version that changed capacity made of it, and why; None before the first change."""
    told = [each for each in explain(versions, capacity_ah) if _capacity_change(each) is not None]
    if not told:
        return None
    last = told[-1]
    change = _capacity_change(last)
    if change is None or last.replaced is None:
        return None
    return Change(
        change_pts=round(change.change, 3),
        wear_pts=round(change.wear, 3),
        knowledge_pts=round(change.knowledge, 3),
        since=moment(last.sample_time_us),
        from_version=last.replaced,
        to_version=last.version,
        text=in_words(last),
    )


def _known(views: Views, reach: Reach, table: FleetTable, capacity_ah: float | None) -> _Known:
    return _Known(
        versions=_versions(views, reach, table, capacity_ah),
        newest=views.samples.newest_values(reach.vehicle_id, reach.span),
        imbalance=imbalance_of(views, reach),
        trips=_trips(views, reach, table),
    )


def _versions(views: Views, reach: Reach, table: FleetTable, capacity_ah: float | None) -> _Versions:
    """What versions tell; of the past, those decided while it may be seen, and of today the one that is deployed."""

    def told() -> _Versions:
        versions = seen_versions(views, reach)
        return _Versions(len(versions), deployed_version(versions), last_change(versions, capacity_ah))

    if whole(reach.span):
        source = table.versions[table.at[reach.vehicle_id]]  # another one once a version was added
        kept: _Versions = views.told.get((reach.vehicle_id, "versions"), source, told)
        return kept
    found = told()
    if holds(reach.span, views.now_us()):
        return replace(found, deployed=deployed_version(views.registry.versions(reach.vehicle_id)))
    return found


def _trips(views: Views, reach: Reach, table: FleetTable) -> int:
    """Driving and charging sessions that may be seen."""
    if whole(reach.span):
        return int(table.trips[table.at[reach.vehicle_id]])
    start, end = within(reach.span, LONG_AGO, FAR_OFF)
    trips = views.rows.trips(reach.vehicle_id)
    told = pc.and_(pc.not_equal(trips.column("kind"), "resting"), pc.greater_equal(trips.column("end_us"), start))
    return int(pc.sum(pc.and_(told, pc.less(trips.column("start_us"), end))).as_py() or 0)


def _estimates(
    known: _Known | None, state: Health, pack: PackSpec | None, deployed: TwinVersion | None
) -> dict[str, Estimate]:
    """Capacity and resistance, as shares of new and in their own units."""
    why, helps = _why_unknown(known, deployed)
    capacity, resistance = (state.capacity_pct, state.capacity_sd_pct), (state.resistance_x, state.resistance_sd_x)
    return {
        "capacity": estimate(*capacity, "%", why, helps),
        "capacity_ah": estimate(*_scaled(capacity, pack.capacity_ah / 100.0 if pack else None), "Ah", why, helps),
        "resistance": estimate(*resistance, "x", why, helps),
        "resistance_ohm": estimate(None, None, "ohm", *((why, helps) if resistance[0] is None else _RELATIVE)),
    }


def _why_unknown(known: _Known | None, deployed: TwinVersion | None) -> tuple[str, str]:
    if known is None:
        return _NO_FIGURES, ""
    return _NO_TWIN if deployed is None else _NO_PARAMETER


def _scaled(figures: tuple[float | None, float | None], factor: float | None) -> tuple[float | None, float | None]:
    mean, sd = (None if value is None or factor is None else factor * value for value in figures)
    return mean, sd


def estimate(mean: float | None, sd: float | None, unit: str, why: str = "", helps: str = "") -> Estimate:
    """A figure with its 95 % interval, or why it is not known and what would help."""
    if mean is None:
        return Estimate(value=None, sd=None, low=None, high=None, unit=unit, why_unknown=why, what_helps=helps)
    reach = None if sd is None else _TWO_SIDED * sd
    return Estimate(
        value=figure(mean, 3),
        sd=None if sd is None else figure(sd, 4),
        low=None if reach is None else figure(mean - reach, 3),
        high=None if reach is None else figure(mean + reach, 3),
        unit=unit,
    )


def _cohort(table: FleetTable, at: int) -> tuple[float | None, float | None, float | None, int]:
    """p10, median and p90 of vehicles like this one at its distance, and how many they are."""
    band = table.cohorts.by_distance.get(table.pack[at])
    if band is None or not np.isfinite(table.distance_km[at]):
        return None, None, None, 0
    low, median, high = band.at(float(table.distance_km[at]))
    return figure(low, 2), figure(median, 2), figure(high, 2), band.vehicles


def _state(newest: NewestValues, pack: PackSpec | None) -> State:
    """What the vehicle does, by its newest values."""
    charging, speed, current = (newest.get(name) for name in ("is_charging", "speed_kmh", "pack_current_a"))
    if newest.at_us is None:
        return "unknown"
    if charging:
        return "charging"
    if speed is not None and abs(speed) >= _MOVING_KMH:
        return "driving"
    rest_a = _REST_C_RATE * pack.capacity_ah if pack else 1.0
    if current is None:
        return "unknown" if speed is None else "parked"
    if abs(current) <= rest_a or (speed is not None and current < 0):
        return "parked"
    return "charging" if current > 0 and charging is None and speed is None else "driving"


def _bms_offset(table: FleetTable, at: int, newest: NewestValues) -> Estimate:
    told = next((newest.values[name] for name in ("soc_pct", "soc_displayed_pct") if name in newest.values), None)
    if told is None:
        return _unknown("pts", "This vehicle sends no charge of its BMS.", "A profile that maps its signal.")
    if not np.isfinite(table.soc_pct[at]):
        return _unknown("pts", *_NO_TWIN)
    value, told_us = told
    if abs(told_us - int(table.folded_us[at])) > _SAME_TIME_US:  # the charge of now and that of a while ago
        return _unknown("pts", "The twin has not followed the newest samples yet.", "A minute of them.")
    return estimate(value - float(table.soc_pct[at]), None, "pts")


def _unknown(unit: str, why: str, helps: str) -> Estimate:
    return estimate(None, None, unit, why, helps)


def _capacity_change(each: Explanation) -> CapacityChange | None:
    """What a version made of capacity, where that can be seen in the digits that are known."""
    return next((change for change in each.changes if change.name in CAPACITY and is_told(change)), None)
