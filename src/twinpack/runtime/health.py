"""The lake's `health`: what is known of each vehicle, kind by kind, from its twin, its cells, charges and tests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from twinpack.battery.pack import PackSpec
from twinpack.errors import WorkspaceError
from twinpack.forecast.known import (
    BMS,
    IMBALANCE,
    TWIN,
    WORKSHOP,
    anchor_of,
    told_by,
    told_by_workshop,
)
from twinpack.forecast.known import Seen as Known
from twinpack.ingest.log import SegmentLog
from twinpack.runtime.charging import charge_health
from twinpack.runtime.features import build_features
from twinpack.runtime.health_basis import Packs, row_of
from twinpack.runtime.health_seen import Kept, Seen, deviations, imbalances
from twinpack.runtime.lake import build_telemetry
from twinpack.store.health import HealthTable
from twinpack.store.records import VersionRow
from twinpack.store.registry import Registry
from twinpack.store.tables import HEALTH, SAMPLE_TIME, TABLES
from twinpack.store.workspace import Workspace
from twinpack.twin.explain import explain
from twinpack.twin.versions import REFUSED

_SCHEMA = TABLES[HEALTH].schema
_FEW = 50
"""Chains that are read one by one; more are read in one go."""

_WRITE_ROWS = 200_000


def bring_up_health(workspace: Workspace, registry: Registry) -> int:
    """Bring the table up to what was folded.

    Only vehicles that have a new version since are looked at. It may be killed at any moment and run again.

    Args:
        workspace: Whose lake it is.
        registry: Its open registry.

    Returns:
        How many rows were added.

    Raises:
        WorkspaceError: Registry or lake cannot be read or written.
    """
    table = HealthTable(workspace.lake())
    end = registry.offset()
    start = table.offset
    if start > end:
        raise WorkspaceError(
            f"lake table {workspace.lake().place(HEALTH).uri} has reached row {start:,} of a log that was folded up to "
            f"{end:,}: it is another workspace's, or the log was set back. Restore the log, or move the table away: it "
            "is made anew"
        )
    if start == end:
        return 0
    build_telemetry(workspace, SegmentLog(workspace.log_dir), registry, end)
    build_features(workspace, registry)
    packs = Packs(workspace, registry, {}, {})
    kept = _newest(workspace.lake().read(HEALTH, filters=pc.field("kind").isin([IMBALANCE, BMS])))
    seen = [*imbalances(workspace, _kept(kept, IMBALANCE)), *deviations(workspace, registry, packs, start, end)]
    parts = [*_twin_rows(registry, packs, start, end), _unlike(kept, _rows_of(seen, end))]
    parts.append(charge_health(workspace, registry))
    return table.append(pa.concat_tables([_SCHEMA.empty_table(), *parts]), end)


def health_rows(workspace: Workspace, kind: str | None = None, vehicles: Sequence[str] | None = None) -> pa.Table:
    """What is known, by vehicle, kind and time; see `bring_up_health`.

    Args:
        workspace: Whose lake is read.
        kind: One of `forecast.known.KINDS`, all when None.
        vehicles: Only these.

    Returns:
        Rows of the table; of several of a vehicle, kind, source, time and version the one that was made last. Imbalance
        and deviation of the BMS are told a month.

    Raises:
        WorkspaceError: The lake cannot be read.
    """
    condition = None if kind is None else pc.field("kind") == kind
    rows = workspace.lake().read(HEALTH, filters=condition, vehicle=None if vehicles is None else list(vehicles))
    return _newest(rows)


def _newest(rows: pa.Table) -> pa.Table:
    keys = ["vehicle_id", "kind", "source", "since", "version_number"]
    if not rows.num_rows:
        return rows
    times = rows.column(SAMPLE_TIME)
    monthly = pc.is_in(rows.column("kind"), pa.array([IMBALANCE, BMS]))
    since = pc.if_else(monthly, pc.floor_temporal(times, unit="month"), times)
    numbered = rows.append_column("since", since).append_column("row", pa.array(range(rows.num_rows), pa.int64()))
    last = numbered.group_by(keys).aggregate([("row", "max")]).column("row_max")
    return rows.take(last.take(pc.sort_indices(last)))


def _rows_of(found: Iterable[Seen], end: int) -> pa.Table:
    rows = [row_of(one.vehicle_id, one.at, one.source, one.told, None, end - 1) for one in found]
    return pa.Table.from_pylist(rows, _SCHEMA)


def _unlike(kept: pa.Table, rows: pa.Table) -> pa.Table:
    """Those that are not in the table as they are."""
    known = set(zip(*(kept.column(name).to_pylist() for name in _SAME), strict=True))
    told = zip(*(rows.column(name).to_pylist() for name in _SAME), strict=True)
    return rows.filter(pa.array([one not in known for one in told], pa.bool_()))


def _kept(rows: pa.Table, kind: str) -> Kept:
    found = rows.filter(pc.equal(rows.column("kind"), kind))
    columns = (found.column(name).to_pylist() for name in ("vehicle_id", SAMPLE_TIME, "value", "sd"))
    return {(name, at.year, at.month): (at, value, sd) for name, at, value, sd in zip(*columns, strict=True)}


_SAME = ("vehicle_id", "kind", "source", SAMPLE_TIME, "value", "sd")


# --- the twin ---------------------------------------------------------------------------------------------------------


def _twin_rows(registry: Registry, packs: Packs, start: int, end: int) -> Iterator[pa.Table]:
    of_vehicle = {one.vehicle_id: one.pack for one in registry.vehicles()}
    held: list[dict[str, Any]] = []
    for vehicle_id, rows in _chains(registry, start, end):
        if any(start <= row.offset < end for row in rows):
            pack = packs.spec(of_vehicle.get(vehicle_id, ""))
            held += _of_chain([row for row in rows if row.offset < end], start, pack, packs)
        if len(held) >= _WRITE_ROWS:
            yield pa.Table.from_pylist(held, _SCHEMA)
            held = []
    yield pa.Table.from_pylist(held, _SCHEMA)


def _chains(registry: Registry, start: int, end: int) -> Iterator[tuple[str, list[VersionRow]]]:
    """The chains of vehicles that something was found of in some rows of the log, and of others where that is easy."""
    some = sorted(registry.events_of_rows(start, end)) if start else []
    if start and len(some) <= _FEW:
        yield from ((name, list(registry.version_rows(name))) for name in some)
        return
    for name, rows in groupby(registry.version_rows(), key=lambda row: row.vehicle_id):
        yield name, list(rows)


def _of_chain(rows: Sequence[VersionRow], start: int, pack: PackSpec | None, packs: Packs) -> list[dict[str, Any]]:
    versions = [row.version() for row in rows]
    capacity_ah = pack.capacity_ah if pack else None
    found: list[dict[str, Any]] = []
    hint, anchor = "", None
    for row, version, told in zip(rows, versions, explain(versions, capacity_ah), strict=True):
        anchor = anchor_of(version, capacity_ah, anchor)
        if row.offset >= start:
            at = _moment(int(version.evidence.get("tested_us", version.sample_time_us)))
            tests = told_by_workshop(version, capacity_ah)
            found += [row_of(version.vehicle_id, at, WORKSHOP, one, version.number, row.offset) for one in tests]
        if version.kind == REFUSED:
            hint = "" if "record" in version.evidence else version.reason
        elif row.offset >= start:
            at = _moment(version.sample_time_us)
            known = told_by(Known(version, told, capacity_ah, packs.basis(version.model_hash, pack), hint, anchor))
            found += [row_of(version.vehicle_id, at, TWIN, one, version.number, row.offset) for one in known]
    return found


def _moment(at_us: int) -> datetime:
    return datetime.fromtimestamp(at_us / 1e6, UTC)
