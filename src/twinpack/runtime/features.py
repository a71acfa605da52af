"""The lake's `features`, one row a vehicle and day, from its telemetry."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from twinpack.battery.pack import load_pack
from twinpack.errors import TwinpackError
from twinpack.ingest.threads import read_ahead
from twinpack.runtime.lake import context_of
from twinpack.store.features import FeatureTable, changed_since
from twinpack.store.registry import Registry
from twinpack.store.tables import CONTEXT, DAY, FEATURES, MONTH, OFFSET, SAMPLE_TIME, TABLES, TELEMETRY
from twinpack.store.telemetry import TelemetryTable
from twinpack.store.telemetry_files import VehicleContext
from twinpack.store.telemetry_pieces import ordered_pieces, stored_files
from twinpack.store.workspace import Workspace
from twinpack.telemetry.daily import DAILY_SIGNALS, daily

PUT_ROWS = 200_000
"""Vehicle days that are written at once."""

_COLUMNS = ("vehicle_id", SAMPLE_TIME, OFFSET, "pack", *DAILY_SIGNALS)
_SCHEMA = TABLES[FEATURES].schema


def build_features(workspace: Workspace, registry: Registry) -> int:
    """Make the days anew to which telemetry was added since the last time.

    It may be killed at any moment and run again: days are replaced, and the offset moves with the last commit.

    Args:
        workspace: Whose lake it is.
        registry: Tells what is known of the vehicles.

    Returns:
        How many vehicle days were made.

    Raises:
        WorkspaceError: The lake cannot be read or written.
    """
    lake = workspace.lake()
    end = TelemetryTable(lake).offset  # before the table is opened: it may grow meanwhile, and is looked at again then
    features = FeatureTable(lake)
    start = features.offset
    table = lake.open(TELEMETRY)
    if table is None or end <= start:
        return 0
    changed = changed_since(table, start)
    context, capacity = context_of(registry), _capacities(registry)
    held: list[pa.Table] = []
    made = 0
    with closing(read_ahead(_pieces(table, changed))) as pieces:
        for piece in pieces:
            if sum(rows.num_rows for rows in held) >= PUT_ROWS:
                features.put(pa.concat_tables(held), None)
                held = []
            if piece.num_rows:
                held.append(_as_features(daily(piece, capacity), end, context))
                made += held[-1].num_rows
    features.put(pa.concat_tables([_SCHEMA.empty_table(), *held]), end)
    return made


def _pieces(table: DeltaTable, changed: dict[date, list[str] | None]) -> Iterator[pa.Table]:
    """Samples of whole vehicle days."""
    files = [file for file in stored_files(table) if file.day in changed]
    whole = [file for file in files if changed[file.day] is None]
    yield from ordered_pieces(table, whole, _COLUMNS)
    for day, vehicles in changed.items():
        if vehicles is not None:
            yield from ordered_pieces(table, [file for file in files if file.day == day], _COLUMNS, vehicles=vehicles)


def _as_features(rows: pa.Table, end: int, context: dict[str, VehicleContext]) -> pa.Table:
    """Rows of the table; what is known of a vehicle is what is known now."""
    known = [context.get(name, VehicleContext()) for name in rows.column("vehicle_id").to_pylist()]
    given = {name: pa.array([getattr(one, name) for one in known], _SCHEMA.field(name).type) for name in CONTEXT}
    given[OFFSET] = pa.repeat(pa.scalar(end - 1, pa.int64()), rows.num_rows)
    given[MONTH] = pc.floor_temporal(rows.column(DAY), unit="month")
    columns = [given[field.name] if field.name in given else rows.column(field.name) for field in _SCHEMA]
    return pa.Table.from_arrays(columns, schema=_SCHEMA)


def _capacities(registry: Registry) -> dict[str, float]:
    """Rated capacity of each pack that vehicles here have; one that cannot be read is left out."""
    found = {}
    for one in registry.fleet.known().values():
        if one.pack_name not in found and one.pack:
            try:
                found[one.pack_name] = load_pack(one.pack).capacity_ah
            except TwinpackError:
                continue  # the figure by its capacity is null then
    return found
