"""Rows of one vehicle in tables of the lake other than telemetry.

Those asked for last are kept, and read on from where they ended.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from twinpack.store.lake import Lake
from twinpack.store.tables import FEATURES, OFFSET, PREDICTIONS, TABLES, TRIPS
from twinpack.views.lake_tables import OpenTable

MOST_VEHICLES = 2_000
"""Vehicles whose rows of a table are kept."""

_GROWING = (TRIPS, PREDICTIONS)
"""Tables whose rows stay as they are: what is new has a higher offset."""


@dataclass(frozen=True)
class _Kept:
    version: int
    rows: pa.Table


class VehicleRows:
    """Reads and keeps rows; any thread may ask."""

    def __init__(self, lake: Lake, most: int = MOST_VEHICLES) -> None:
        """Read from a lake, and keep the rows of so many vehicles a table."""
        self._lake = lake
        self._most = most
        self._tables = {name: OpenTable(lake, name) for name in (TRIPS, PREDICTIONS, FEATURES)}
        self._kept: dict[str, OrderedDict[str, _Kept]] = {name: OrderedDict() for name in self._tables}
        self._lock = threading.Lock()

    def trips(self, vehicle_id: str) -> pa.Table:
        """Trips of a vehicle, as `Lake.read` gives them."""
        return self._rows(TRIPS, vehicle_id)

    def predictions(self, vehicle_id: str) -> pa.Table:
        """How well each trip of a vehicle was predicted, as `Lake.read` gives them."""
        return self._rows(PREDICTIONS, vehicle_id)

    def features(self, vehicle_id: str) -> pa.Table:
        """What each day of a vehicle came to, as `Lake.read` gives them."""
        return self._rows(FEATURES, vehicle_id)

    def _rows(self, name: str, vehicle_id: str) -> pa.Table:
        table = self._tables[name].now()
        if table is None:
            return TABLES[name].schema.empty_table()
        version = table.version()
        with self._lock:
            kept = self._kept[name].get(vehicle_id)
        if kept is not None and kept.version == version:
            return kept.rows
        rows = self._read(name, vehicle_id, kept)
        with self._lock:
            held = self._kept[name]
            held[vehicle_id] = _Kept(version, rows)
            held.move_to_end(vehicle_id)
            while len(held) > self._most:
                held.popitem(last=False)
        return rows

    def _read(self, name: str, vehicle_id: str, kept: _Kept | None) -> pa.Table:
        if kept is None or name not in _GROWING or not kept.rows.num_rows:
            return self._lake.read(name, vehicle=vehicle_id)
        end = pc.max(kept.rows.column(OFFSET)).as_py() + 1
        fresh = self._lake.read(name, filters=pc.field(OFFSET) >= end, vehicle=vehicle_id)
        return pa.concat_tables([kept.rows, fresh]) if fresh.num_rows else kept.rows
