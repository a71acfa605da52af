"""`twinpack twins`: every twin in one table, the most worn first."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from twinpack.cli import fleet_facts, output
from twinpack.cli.fleet_facts import Errors, Trips
from twinpack.cli.options import DEFAULT_HOME, AsJson, Home
from twinpack.twin.words import decimals_for

if TYPE_CHECKING:
    from twinpack.store.records import VersionRow
    from twinpack.store.registry import Registry
    from twinpack.store.workspace import Workspace
    from twinpack.twin.figures import Health


@dataclass(frozen=True)
class TwinRow:
    """One twin.

    Attributes:
        vehicle_id: The vehicle.
        pack: Name of its pack.
        health: Capacity health and resistance of the deployed version.
        deployed: Number of that version, None before the first.
        versions: Versions by kind.
        trips: Its sessions.
        errors: Its errors.
    """

    vehicle_id: str
    pack: str
    health: Health
    deployed: int | None
    versions: Counter[str]
    trips: Trips
    errors: Errors


def command(home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """List the twins: health, resistance, updates and errors, the most worn first."""
    from twinpack.store.workspace import Workspace

    workspace = Workspace.open(home, create=False)
    with workspace.registry() as registry:
        rows = twin_rows(workspace, registry)
        advice = "" if rows else fleet_facts.next_step(workspace, registry)
    if as_json:
        output.json_result({"vehicles": [as_record(row) for row in rows]})
    elif rows:
        tell(rows)
    if advice:
        output.note(f"no twins: {advice}" if as_json else advice[:1].upper() + advice[1:])


def twin_rows(workspace: Workspace, registry: Registry) -> list[TwinRow]:
    """Every twin: lowest capacity health first, then those whose health is not known."""
    deployed, kinds = _chains(registry)
    lake = workspace.lake()
    errors, trips = fleet_facts.errors_of(lake), fleet_facts.trips_of(lake)
    packs = {name: registry.fleet.specification(name) for name in {record.pack for record in registry.vehicles()}}
    rows = []
    for record in registry.vehicles():
        name, row, pack = record.vehicle_id, deployed.get(record.vehicle_id), packs.get(record.pack)
        rows.append(
            TwinRow(
                vehicle_id=name,
                pack=record.pack,
                health=_health(row, pack.capacity_ah if pack else None, trips.get(name, Trips())),
                deployed=row.number if row else None,
                versions=kinds.get(name, Counter()),
                trips=trips.get(name, Trips()),
                errors=errors.get(name, Errors()),
            )
        )
    return sorted(rows, key=_worst_first)


def _chains(registry: Registry) -> tuple[dict[str, VersionRow], dict[str, Counter[str]]]:
    """By vehicle: the version deployed, and how many there are of each kind; in one pass."""
    from twinpack.twin.versions import REFUSED

    deployed: dict[str, VersionRow] = {}
    kinds: dict[str, Counter[str]] = {}
    for row in registry.version_rows():
        kinds.setdefault(row.vehicle_id, Counter())[row.kind] += 1
        if row.kind != REFUSED:
            deployed[row.vehicle_id] = row
    return deployed, kinds


def _health(row: VersionRow | None, capacity_ah_new: float | None, trips: Trips) -> Health:
    from twinpack.twin.figures import Health, health

    return health(trips.as_of_now(row.version(), capacity_ah_new), capacity_ah_new) if row else Health()


def _worst_first(row: TwinRow) -> tuple[bool, float, str]:
    known = row.health.shown_pct
    return (known is None, known or 0.0, row.vehicle_id)


def as_record(row: TwinRow) -> dict[str, Any]:
    """A twin as JSON values."""
    return {
        "vehicle": row.vehicle_id,
        "pack": row.pack,
        "capacity_health_pct": row.health.capacity_pct,
        "capacity_health_2sigma_pts": fleet_facts.doubled(row.health.capacity_sd_pct),
        "range_scale_pct": row.health.range_pct,
        "range_scale_2sigma_pts": fleet_facts.doubled(row.health.range_sd_pct),
        "resistance_x_new": row.health.resistance_x,
        "resistance_2sigma_x_new": fleet_facts.doubled(row.health.resistance_sd_x),
        "deployed_version": row.deployed,
        "versions": row.versions.total(),
        "accepted": row.versions["accepted"],
        "refused": row.versions["refused"],
        "trips": row.trips.count,
        "last_trip": fleet_facts.moment(row.trips.last_us),
        "scored_trips": row.errors.trips,
        "rmse_with_updates_v": row.errors.with_updates_v,
        "rmse_without_updates_v": row.errors.without_updates_v,
    }


def tell(rows: list[TwinRow]) -> None:
    """The table, and what it comes to."""
    columns = ["vehicle", "health %", "R ×new", "updates", "last trip", "error V"]
    output.table(columns, [_cells(row) for row in rows])
    output.line()
    output.line("health ± 2σ; updates: accepted / refused; error: median RMSE of the")
    output.line("pack voltage over scored trips, with updates / never updated")
    scored = [row.errors for row in rows if row.errors.trips]
    healths = [known for row in rows if (known := row.health.shown_pct) is not None]
    if any(row.health.capacity_pct is None and row.health.range_pct is not None for row in rows):
        output.line("health of a vehicle of routes: the scale of its range, % of new")
    facts = [output.counted(len(rows), "vehicle")]
    if healths:
        facts.append(f"median health {output.number(median(healths), 1)} %")
    if scored:
        updated = median(each.with_updates_v or 0.0 for each in scored)
        never = median(each.without_updates_v or 0.0 for each in scored)
        facts.append(f"error {output.significant(updated, 2)} V with updates, {output.significant(never, 2)} V without")
    output.line("; ".join(facts))


def _cells(row: TwinRow) -> list[str]:
    health, spread = row.health, fleet_facts.doubled(row.health.resistance_sd_x)
    updated, never = row.errors.with_updates_v, row.errors.without_updates_v
    known = health.shown_pct is not None
    shown = output.with_uncertainty(health.shown_pct, fleet_facts.doubled(health.shown_sd_pct))
    return [
        row.vehicle_id,
        shown if known else "not known yet",
        output.number(health.resistance_x, min(decimals_for(spread), 2)),
        f"{output.number(row.versions['accepted'])} / {output.number(row.versions['refused'])}",
        fleet_facts.day(row.trips.last_us) if row.trips.last_us is not None else output.MISSING,
        f"{output.significant(updated, 2)} / {output.significant(never, 2)}" if row.errors.trips else output.MISSING,
    ]
