"""Rows of one vehicle in tables of the lake other than telemetry.

Files of a table never change, so each is kept in memory once it was read: the columns that views want, sorted by
vehicle. What was asked for longest ago is let go where they take too much.
"""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable

from twinpack.errors import WorkspaceError
from twinpack.store.lake import Lake
from twinpack.store.places import Place, told
from twinpack.store.tables import FEATURES, PREDICTIONS, TABLES, TRIPS
from twinpack.store.telemetry_files import ranked
from twinpack.views.lake_tables import OpenTable

MOST_BYTES = 256_000_000
"""What the files of one table may take in memory."""

_FEATURES = (
    "vehicle_id",
    "day",
    "offset",
    "first_sample",
    "last_sample",
    "distance_km",
    "cell_frames",
    "cell_spread_mean_v",
    "cell_spread_max_v",
    "cell_rest_low_v",
    "cell_rest_low",
    "cell_rest_high_v",
    "cell_rest_high",
)
_COLUMNS: dict[str, tuple[str, ...]] = {
    TRIPS: tuple(TABLES[TRIPS].schema.names),
    PREDICTIONS: tuple(TABLES[PREDICTIONS].schema.names),
    FEATURES: _FEATURES,
}
_TRIES = 3


@dataclass(frozen=True)
class _File:
    """Rows of one file by vehicle: of each its first row, and the row after its last."""

    rows: pa.Table
    place: Mapping[str, tuple[int, int]]

    def of_vehicle(self, vehicle_id: str) -> pa.Table | None:
        found = self.place.get(vehicle_id)
        return None if found is None else self.rows.slice(found[0], found[1] - found[0])


class VehicleRows:
    """Reads and keeps rows; any thread may ask."""

    def __init__(self, lake: Lake, most_bytes: int = MOST_BYTES) -> None:
        """Read from a lake, and keep so much of each table."""
        self._tables = {name: _Table(lake, name, most_bytes) for name in _COLUMNS}

    def trips(self, vehicle_id: str) -> pa.Table:
        """Trips of a vehicle, in the order that the table has.

        Raises:
            WorkspaceError: They cannot be read.
        """
        return self._tables[TRIPS].of_vehicle(vehicle_id)

    def predictions(self, vehicle_id: str) -> pa.Table:
        """How well each trip of a vehicle was predicted, in the order that the table has.

        Raises:
            WorkspaceError: They cannot be read.
        """
        return self._tables[PREDICTIONS].of_vehicle(vehicle_id)

    def features(self, vehicle_id: str) -> pa.Table:
        """What each day of a vehicle came to, by day; not every column of the table.

        Raises:
            WorkspaceError: They cannot be read.
        """
        return self._tables[FEATURES].of_vehicle(vehicle_id)

    def warm(self) -> None:
        """Read what fits into memory before it is asked for.

        Raises:
            WorkspaceError: It cannot be read.
        """
        for table in self._tables.values():
            table.of_vehicle("")


class _Table:
    def __init__(self, lake: Lake, name: str, most_bytes: int) -> None:
        self._place: Place = lake.place(name)
        self._order = [(column, "ascending") for column in TABLES[name].order]
        self._schema = pa.schema([TABLES[name].schema.field(column) for column in _COLUMNS[name]])
        self._table = OpenTable(lake, name)
        self._most_bytes = most_bytes
        self._paths: tuple[int, list[str]] = (-1, [])
        self._files: OrderedDict[str, _File] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def of_vehicle(self, vehicle_id: str) -> pa.Table:
        for attempt in range(_TRIES):
            table = self._table.now()
            if table is None:
                break
            try:
                parts = [self._file(path).of_vehicle(vehicle_id) for path in self._listed(table)]
                found = pa.concat_tables([self._schema.empty_table(), *(part for part in parts if part is not None)])
                return found.sort_by(self._order) if found.num_rows > 1 else found
            except FileNotFoundError as error:  # replaced meanwhile
                self._table.forget()
                if attempt + 1 == _TRIES:
                    raise self._unreadable(error) from error
            except (pa.ArrowException, OSError) as error:
                raise self._unreadable(error) from error
        return self._schema.empty_table()

    def _unreadable(self, error: Exception) -> WorkspaceError:
        return WorkspaceError(f"lake table {self._place.uri} cannot be read: {told(error)}")

    def _listed(self, table: DeltaTable) -> list[str]:
        version, paths = self._paths
        if version != table.version():
            paths = sorted(pa.table(table.get_add_actions()).column("path").to_pylist())
            self._paths = (table.version(), paths)
            self._let_go(set(paths))
        return paths

    def _file(self, path: str) -> _File:
        with self._lock:
            kept = self._files.get(path)
            if kept is not None:
                self._files.move_to_end(path)
                return kept
        made = self._read(path)
        with self._lock:
            if path not in self._files:
                self._files[path] = made
                self._bytes += made.rows.nbytes
                while self._bytes > self._most_bytes and len(self._files) > 1:
                    self._bytes -= self._files.popitem(last=False)[1].rows.nbytes
        return made

    def _let_go(self, listed: set[str]) -> None:
        with self._lock:
            for path in [path for path in self._files if path not in listed]:
                self._bytes -= self._files.pop(path).rows.nbytes

    def _read(self, path: str) -> _File:
        with pq.ParquetFile(self._open(path)) as file:
            names = set(file.schema_arrow.names)
            rows = file.read([name for name in self._schema.names if name in names], use_threads=False)
        columns = [
            rows.column(field.name).cast(field.type) if field.name in names else pa.nulls(rows.num_rows, field.type)
            for field in self._schema
        ]
        rows = pa.Table.from_arrays(columns, schema=self._schema)
        if not rows.num_rows:
            return _File(rows, {})
        code, known = ranked(rows.column("vehicle_id"))
        order = np.argsort(code, kind="stable")
        edges = np.searchsorted(code[order], np.arange(len(known) + 1)).tolist()
        places = itertools.pairwise(edges)
        return _File(rows.take(pa.array(order)).combine_chunks(), dict(zip(known.to_pylist(), places, strict=True)))

    def _open(self, path: str) -> Any:
        if self._place.folder is not None:
            return self._place.folder / unquote(path)
        return self._place.filesystem().open_input_file(path)
