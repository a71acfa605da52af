"""Capacity by charging sessions, as rows of the lake's `health`, out of the daily features."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from twinpack.battery.pack import PackSpec
from twinpack.errors import TwinpackError
from twinpack.forecast.charging import Anchored, capacity_of
from twinpack.forecast.known import CAPACITY_KIND, CHARGE, Told
from twinpack.runtime.health_basis import row_of
from twinpack.store.health import HealthTable
from twinpack.store.registry import Registry
from twinpack.store.tables import DAY, FEATURES, HEALTH, OFFSET, SAMPLE_TIME, TABLES
from twinpack.store.workspace import Workspace
from twinpack.telemetry.daily_charge import COLUMNS

Floats = npt.NDArray[np.float64]

_SPAN = ("first_sample", "last_sample")
_SCHEMA = TABLES[HEALTH].schema


def bring_up_charges(workspace: Workspace, registry: Registry) -> int:
    """Add what charging sessions say of capacity, of days that were made since the last time.

    Args:
        workspace: Whose lake; its features are read as they are.
        registry: Tells the packs of the vehicles.

    Returns:
        How many rows were added.

    Raises:
        WorkspaceError: The lake cannot be read or written.
    """
    rows = charge_health(workspace, registry)
    HealthTable(workspace.lake()).add(rows)
    return int(rows.num_rows)


def charge_health(workspace: Workspace, registry: Registry) -> pa.Table:
    """Rows of `health` with source `charge` that are not in the table yet: a day whose features were made anew is."""
    lake = workspace.lake()
    names = ["vehicle_id", DAY, OFFSET, *_SPAN, *COLUMNS]
    days = lake.read(FEATURES, names).sort_by([("vehicle_id", "ascending"), (DAY, "ascending")])
    if not days.num_rows:
        return _SCHEMA.empty_table()
    silence = _silences(days)
    kept = _kept(workspace)
    packs = _packs(registry)
    told = np.flatnonzero(pc.is_valid(days.column("charge_net_ah")).to_numpy())
    columns = {name: days.column(name).to_numpy() for name in (*COLUMNS, OFFSET)}
    ids, ends = days.column("vehicle_id").take(pa.array(told)).to_pylist(), days.column("last_sample")
    moments = ends.take(pa.array(told)).cast(pa.int64()).to_pylist()
    found: list[dict[str, Any]] = []
    for at, name, end_us in zip(told.tolist(), ids, moments, strict=True):
        pack, offset = packs.get(name), int(columns[OFFSET][at])
        if pack is None or kept.get((name, end_us), -1) >= offset:
            continue
        charge = _charge({key: float(columns[key][at]) for key in COLUMNS}, float(silence[at]))
        found.append(row_of(name, _moment(end_us), CHARGE, _told(charge, pack), None, offset))
    return pa.Table.from_pylist(found, _SCHEMA)


def _charge(day: dict[str, float], silence_s: float) -> Anchored:
    began = day["charge_silence_s"]
    return Anchored(
        rested_s=began if np.isfinite(began) else silence_s,
        rest_v=day["charge_rest_v"],
        net_ah=day["charge_net_ah"],
        last_c=day["charge_last_c"],
        last_v=day["charge_last_v"],
        after_v=day["charge_after_v"],
        after_s=day["charge_after_s"],
    )


def _told(charge: Anchored, pack: PackSpec) -> Told:
    estimate = capacity_of(charge, pack)
    if not estimate.known:
        return Told(CAPACITY_KIND, None, None, estimate.why_not)
    reason = f"A charge that brought {charge.net_ah:.1f} Ah net between two states that its voltage tells"
    return Told(CAPACITY_KIND, 100.0 * estimate.value, 100.0 * estimate.sd, reason)


def _silences(days: pa.Table) -> Floats:
    """Silence before each vehicle-day, seconds; NaN before a vehicle's first."""
    first, last = (days.column(name).cast(pa.int64()).to_numpy().astype(np.float64) for name in _SPAN)
    same = days.column("vehicle_id").combine_chunks().dictionary_encode().indices.to_numpy()
    silence = np.full(len(first), np.nan)
    silence[1:] = np.where(same[1:] == same[:-1], (first[1:] - last[:-1]) / 1e6, np.nan)
    return silence


def _kept(workspace: Workspace) -> dict[tuple[str, int], int]:
    """Offset of the newest row of each vehicle and moment."""
    condition = pc.field("source") == CHARGE
    rows = workspace.lake().read(HEALTH, ["vehicle_id", SAMPLE_TIME, OFFSET], filters=condition)
    moments = rows.column(SAMPLE_TIME).cast(pa.int64()).to_pylist()
    found: dict[tuple[str, int], int] = {}
    for name, moment, offset in zip(
        rows.column("vehicle_id").to_pylist(), moments, rows.column(OFFSET).to_pylist(), strict=True
    ):
        found[name, moment] = max(found.get((name, moment), -1), offset)
    return found


def _packs(registry: Registry) -> dict[str, PackSpec | None]:
    specs: dict[str, PackSpec | None] = {}
    for record in registry.vehicles():
        if record.pack not in specs:
            try:
                specs[record.pack] = registry.fleet.loaded(record.pack)
            except TwinpackError:
                specs[record.pack] = None
    return {record.vehicle_id: specs[record.pack] for record in registry.vehicles()}


def _moment(at_us: int) -> datetime:
    return datetime.fromtimestamp(at_us / 1e6, UTC)
