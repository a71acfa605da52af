"""The lake's `health`: what is known of each vehicle, kind by kind, from its twin, its cells, charges and tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from twinpack.battery.families import ROUTE, pack_model
from twinpack.battery.pack import PackSpec, load_pack
from twinpack.battery.pulse import SETTLED_S, pulse_ohm
from twinpack.errors import TwinpackError, WorkspaceError
from twinpack.forecast.health import REFERENCE_C_RATE, loss_share_of
from twinpack.forecast.known import TWIN, UNITS, Z95, Basis, Told, basis_of, told_by
from twinpack.store.health import HealthTable
from twinpack.store.records import VersionRow
from twinpack.store.registry import Registry
from twinpack.store.tables import HEALTH, OFFSET, SAMPLE_TIME, TABLES
from twinpack.store.workspace import Workspace
from twinpack.twin.explain import Explanation, explain
from twinpack.twin.settings import Prototype
from twinpack.twin.versions import REFUSED, TwinVersion

_SCHEMA = TABLES[HEALTH].schema
_FEW = 50
"""Chains that are read one by one; more are read in one go."""

_WRITE_ROWS = 200_000

FLAT_V = 0.2
"""An open-circuit voltage that rises less than this over the whole charge, V, as in its middle, is called flat."""


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
    rows = pa.concat_tables([_SCHEMA.empty_table(), *_twin_rows(workspace, registry, start, end)])
    return table.append(rows, end)


def health_rows(workspace: Workspace, kind: str | None = None, vehicles: Sequence[str] | None = None) -> pa.Table:
    """What is known, by vehicle, kind and time; see `bring_up_health`.

    Args:
        workspace: Whose lake is read.
        kind: One of `forecast.known.KINDS`, all when None.
        vehicles: Only these.

    Returns:
        Rows of the table; of several of a vehicle, kind, source, time and version the one that was made last.

    Raises:
        WorkspaceError: The lake cannot be read.
    """
    condition = None if kind is None else pc.field("kind") == kind
    rows = workspace.lake().read(HEALTH, filters=condition, vehicle=None if vehicles is None else list(vehicles))
    return _newest(rows)


def _newest(rows: pa.Table) -> pa.Table:
    keys = ["vehicle_id", "kind", "source", SAMPLE_TIME, "version_number"]
    if not rows.num_rows:
        return rows
    numbered = rows.append_column("row", pa.array(range(rows.num_rows), pa.int64()))
    last = numbered.group_by(keys).aggregate([("row", "max")]).column("row_max")
    return rows.take(last.take(pc.sort_indices(last)))


# --- the twin ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Packs:
    """Packs and models of the vehicles, each looked up once."""

    workspace: Workspace
    registry: Registry
    specs: dict[str, PackSpec | None]
    bases: dict[str, Basis]

    def spec(self, text: str) -> PackSpec | None:
        """A pack; None when it cannot be read."""
        if text not in self.specs:
            try:
                self.specs[text] = load_pack(text)
            except TwinpackError:
                self.specs[text] = None
        return self.specs[text]

    def basis(self, model_hash: str, pack: PackSpec | None) -> Basis:
        """The basis of a model; an empty one when it is away or is driven by no current."""
        if model_hash not in self.bases:
            try:
                artifact = self.workspace.artifacts(self.registry).load(model_hash)
                self.bases[model_hash] = _basis(Prototype.from_artifact(artifact, model_hash), pack)
            except (TwinpackError, KeyError, TypeError, ValueError):
                self.bases[model_hash] = Basis({})
        return self.bases[model_hash]


def _basis(prototype: Prototype, pack: PackSpec | None) -> Basis:
    if prototype.kind == ROUTE or pack is None:
        return Basis({})
    model = pack_model(prototype.kind, prototype.model)
    living = {one.name: np.array([one.mean]) for one in model.living}
    ohm = float(pulse_ohm(model, living, 0.5, 25.0, SETTLED_S, REFERENCE_C_RATE, held=True)[0])
    slope = np.diff(pack.ocv.linear(np.array([0.3, 0.7])))[0] / 0.4
    return basis_of(model, loss_share_of(pack, ohm), bool(slope < FLAT_V))


def _twin_rows(workspace: Workspace, registry: Registry, start: int, end: int) -> Iterator[pa.Table]:
    packs = _Packs(workspace, registry, {}, {})
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


def _of_chain(rows: Sequence[VersionRow], start: int, pack: PackSpec | None, packs: _Packs) -> list[dict[str, Any]]:
    versions = [row.version() for row in rows]
    capacity_ah = pack.capacity_ah if pack else None
    found, hint = [], ""
    for row, version, told in zip(rows, versions, explain(versions, capacity_ah), strict=True):
        if version.kind == REFUSED:
            hint = version.reason
        elif row.offset >= start:
            found += _of_version(version, told, row.offset, capacity_ah, packs.basis(version.model_hash, pack), hint)
    return found


def _of_version(
    version: TwinVersion, told: Explanation, offset: int, capacity_ah: float | None, basis: Basis, hint: str
) -> list[dict[str, Any]]:
    at = datetime.fromtimestamp(version.sample_time_us / 1e6, UTC)
    return [
        row_of(version.vehicle_id, at, TWIN, one, version.number, offset)
        for one in told_by(version, told, capacity_ah, basis, hint)
    ]


def row_of(vehicle_id: str, at: datetime, source: str, told: Told, version: int | None, offset: int) -> dict[str, Any]:
    """A row of the table."""
    low = high = None
    if told.value is not None and told.sd is not None:
        low, high = told.value - Z95 * told.sd, told.value + Z95 * told.sd
    return {
        "vehicle_id": vehicle_id,
        SAMPLE_TIME: at,
        "kind": told.kind,
        "source": source,
        "value": told.value,
        "sd": told.sd,
        "low": low,
        "high": high,
        "unit": UNITS[told.kind],
        "version_number": version,
        "reason": told.reason,
        OFFSET: offset,
    }
