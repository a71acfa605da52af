"""Figures of small fleets, made by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from twinpack.store.fleet_records import VehicleEntry
from twinpack.store.settings import ApiSettings
from twinpack.views.fleet.making import Told, fleet_table
from twinpack.views.fleet.sources import Driven, RegistryFacts
from twinpack.views.fleet.table import DeployedFigures, FleetTable

NOW_US = 1_800_000_000_000_000
DAY_US = 86_400_000_000


def table(
    entries: Sequence[VehicleEntry],
    health: Mapping[str, float] | None = None,
    distance: Mapping[str, float] | None = None,
    seen_us: Mapping[str, int] | None = None,
    alarms: Sequence[tuple[str, int, int]] = (),
) -> FleetTable:
    """The figures of a fleet of which little is known."""
    deployed = {
        name: DeployedFigures(1, NOW_US - DAY_US, (value, 0.5, 1.1, 0.01), [NOW_US - DAY_US], [value])
        for name, value in (health or {}).items()
    }
    facts = RegistryFacts(
        offset=1,
        entries={entry.vehicle_id: entry for entry in sorted(entries, key=lambda entry: entry.vehicle_id)},
        first_seen_us=dict.fromkeys(health or {}, NOW_US - 365 * DAY_US),
        deployed=deployed,
        alarms=list(alarms),
    )
    driven = {name: Driven(1, km) for name, km in (distance or {}).items()}
    seen = dict.fromkeys(health or {}, NOW_US) | dict(seen_us or {})
    return fleet_table(facts, driven, Told(seen, {}), ApiSettings(), NOW_US)


def fleet(count: int, pack: str = "sim_nmc_96s", fleet_name: str = "north") -> list[VehicleEntry]:
    """Vehicles `car-000` and so on."""
    return [VehicleEntry(f"car-{number:03d}", fleet_name, pack) for number in range(count)]


def line(
    count: int, slope: float = 0.0, noise: float = 1.0, seed: int = 1
) -> tuple[dict[str, float], dict[str, float]]:
    """Health and distance of vehicles that lose health by distance."""
    rng = np.random.default_rng(1)
    km = np.linspace(0.0, 100_000.0, count)
    health = 100.0 - slope * km / 1000.0 + noise * rng.standard_normal(count)
    names = [entry.vehicle_id for entry in fleet(count)]
    return dict(zip(names, health.tolist(), strict=True)), dict(zip(names, km.tolist(), strict=True))
