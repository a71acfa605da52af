"""Every vehicle with what people said of it and how it was last seen, for lists of a fleet."""

from __future__ import annotations

from dataclasses import dataclass

from twinpack.store.fleet_records import VehicleEntry
from twinpack.store.records import LatestFigures
from twinpack.store.registry import Registry


@dataclass(frozen=True)
class VehicleStatus:
    """A vehicle as a list of the fleet shows it.

    Attributes:
        vehicle_id: The vehicle.
        entry: What was said of it; its pack is the one that its twin began with, once it has one.
        entered: Whether a person entered it; else it is known from the log alone.
        last_seen_us: Newest sample folded, microseconds since the epoch; None before the first.
        soc_pct: State of charge by its twin, %; None without one.
        late_samples: Samples that came too late for the twin.
        repeated_samples: Samples that came twice.
    """

    vehicle_id: str
    entry: VehicleEntry
    entered: bool
    last_seen_us: int | None
    soc_pct: float | None
    late_samples: int
    repeated_samples: int


def fleet_status(registry: Registry, fleet: str | None = None, *, retired: bool = False) -> list[VehicleStatus]:
    """Every vehicle, by name.

    Args:
        registry: Where they are.
        fleet: The fleet to show, None for all.
        retired: Whether those out of service are shown too.
    """
    entries = {entry.vehicle_id: entry for entry in registry.fleet.entries()}
    latest = registry.latest_figures()
    shown = []
    for known in registry.fleet.known().values():
        if (fleet is None or known.fleet == fleet) and (retired or not known.retired):
            entry = entries.get(known.vehicle_id) or VehicleEntry(known.vehicle_id, known.fleet, known.pack_name)
            shown.append(_status(entry, known.vehicle_id in entries, latest.get(known.vehicle_id, LatestFigures())))
    return shown


def _status(entry: VehicleEntry, entered: bool, latest: LatestFigures) -> VehicleStatus:
    return VehicleStatus(
        vehicle_id=entry.vehicle_id,
        entry=entry,
        entered=entered,
        last_seen_us=latest.last_seen_us,
        soc_pct=None if latest.soc is None else 100.0 * latest.soc,
        late_samples=latest.late_samples,
        repeated_samples=latest.repeated_samples,
    )
