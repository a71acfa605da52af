"""What the figures of a fleet are made of, read on from where it was read last."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from twinpack.store.fleet_records import VehicleEntry
from twinpack.store.lake import Lake
from twinpack.store.records import LatestFigures
from twinpack.store.registry import MAIN_STREAM, Registry
from twinpack.store.tables import OFFSET, TRIPS
from twinpack.views.fleet.table import DeployedFigures
from twinpack.views.fleet.versions import deployed_figures
from twinpack.views.lake_tables import OpenTable
from twinpack.views.packs import Packs

_RESTING = "resting"


@dataclass
class Driven:
    """Driving and charging sessions of one vehicle: how many, and how far they went; NaN where none tells."""

    trips: int = 0
    distance_km: float = math.nan


@dataclass
class RegistryFacts:
    """What the registry says of every vehicle.

    Attributes:
        offset: How far the log was folded when it was last read.
        entries: What people said of each vehicle.
        first_seen_us: Sample time of the first row of those that the log brought.
        latest: Latest figures.
        deployed: Figures of the versions deployed.
        alarms: Alarms that are not cleared, by vehicle and severity.
    """

    offset: int = -1
    entries: dict[str, VehicleEntry] = field(default_factory=dict)
    first_seen_us: dict[str, int] = field(default_factory=dict)
    latest: dict[str, LatestFigures] = field(default_factory=dict)
    deployed: dict[str, DeployedFigures] = field(default_factory=dict)
    alarms: list[tuple[str, int, int]] = field(default_factory=list)


class RegistryReader:
    """Keeps `RegistryFacts` up to date."""

    def __init__(self, registry: Registry, packs: Packs) -> None:
        """Read from a registry."""
        self.facts = RegistryFacts()
        self._registry = registry
        self._packs = packs
        self._entry_rows: list[tuple[object, ...]] = []
        self._met_rows: list[tuple[str, str, int]] = []

    def refresh(self) -> bool:
        """Read what changed; whether anything did."""
        facts, watch = self.facts, self._registry.watch
        offset = self._registry.offset(MAIN_STREAM)
        moved = offset != facts.offset
        # The offset is read before what stands at it: rows folded meanwhile are read again the next time.
        changed = self._read_entries(moved)
        alarms = sorted(watch.open_alarms())
        changed |= alarms != facts.alarms
        facts.alarms = alarms
        if moved:
            since = facts.offset if 0 <= facts.offset < offset else 0
            self._read_folded(since)
            facts.offset = offset
        return changed or moved

    def _read_entries(self, moved: bool) -> bool:
        watch = self._registry.watch
        rows = watch.entries()
        met = watch.met() if moved or not self._met_rows else self._met_rows
        if rows == self._entry_rows and met == self._met_rows and self.facts.offset >= 0:
            return False
        self._entry_rows, self._met_rows = rows, met
        packs = {name: pack for name, pack, _ in met}
        entered = {row[0]: _entry(row) for row in rows}
        for name, entry in entered.items():
            if packs.get(name, entry.pack) != entry.pack:
                entered[name] = replace(entry, pack=packs[name])
        only_met = {name: VehicleEntry(name, pack=pack) for name, pack in packs.items() if name not in entered}
        self.facts.entries = dict(sorted({**entered, **only_met}.items()))
        self.facts.first_seen_us = {name: first for name, _, first in met}
        return True

    def _read_folded(self, since: int) -> None:
        facts, watch = self.facts, self._registry.watch
        decode = msgspec.json.Decoder(LatestFigures).decode
        if since == 0:
            facts.latest, facts.deployed = {}, {}
        facts.latest.update({name: decode(body) for name, body in watch.latest(since)})
        if since == 0:
            facts.deployed = deployed_figures(watch.deployed(), self._capacities())
        elif names := watch.with_new_versions(since):
            facts.deployed.update(deployed_figures(watch.deployed_of(names), self._capacities()))

    def _capacities(self) -> Mapping[str, float | None]:
        entries = self.facts.entries
        known = {pack: self._packs.capacity_ah(pack) for pack in {entry.pack for entry in entries.values()}}
        return {name: known[entry.pack] for name, entry in entries.items()}


class TripsReader:
    """Sums up the trips of every vehicle."""

    def __init__(self, lake: Lake) -> None:
        """Read the trips of a lake."""
        self.driven: dict[str, Driven] = {}
        self._lake = lake
        self._table = OpenTable(lake, TRIPS)
        self._version = -1
        self._next = 0

    def refresh(self) -> bool:
        """Read what was added; whether anything was."""
        table = self._table.now()
        if table is None or table.version() == self._version:
            return False
        columns = ["vehicle_id", "kind", "distance_km", OFFSET]
        added = False
        end = self._next
        wanted = pc.field(OFFSET) >= self._next
        for batch in self._lake.batches(TRIPS, columns, wanted):
            if batch.num_rows:
                added = True
                end = max(end, pc.max(batch.column(3)).as_py() + 1)
                self._add(batch)
        self._version, self._next = table.version(), end
        return added

    def _add(self, batch: pa.RecordBatch) -> None:
        rows = pa.Table.from_batches([batch]).filter(pc.field("kind") != _RESTING)
        sums = rows.group_by("vehicle_id").aggregate([("distance_km", "sum"), ("kind", "count")])
        for name, distance, count in zip(
            sums.column("vehicle_id").to_pylist(),
            sums.column("distance_km_sum").to_pylist(),
            sums.column("kind_count").to_pylist(),
            strict=True,
        ):
            mine = self.driven.setdefault(name, Driven())
            mine.trips += count
            if distance is not None and math.isfinite(distance):
                mine.distance_km = distance + (0.0 if math.isnan(mine.distance_km) else mine.distance_km)


def _entry(row: tuple[Any, ...]) -> VehicleEntry:
    """An entry from its row; SQLite tells what is so by 0 and 1."""
    entry = VehicleEntry(*row)
    return entry if entry.retired is False else replace(entry, retired=bool(entry.retired))
