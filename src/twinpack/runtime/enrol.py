"""Entering vehicles: in the registry, where the gateway looks, and in the log, where the fold does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from twinpack.fleet.commands import register_rows
from twinpack.ingest.log import open_log
from twinpack.store.fleet_records import VehicleEntry
from twinpack.store.registry import Registry
from twinpack.store.workspace import Workspace


def enrol(workspace: Workspace, registry: Registry, entries: Sequence[VehicleEntry]) -> list[VehicleEntry]:
    """Enter vehicles, all or none, and register them in the log with their packs.

    The log comes first: a registration that no entry follows does no harm, and entering again makes it good.

    Args:
        workspace: Where the log is.
        registry: Its open registry.
        entries: As `FleetRegister.judge` gives them.

    Returns:
        The entries as kept.

    Raises:
        InputError: A vehicle was entered before.
        WorkspaceError: Log or registry cannot be written.
    """
    met = {record.vehicle_id for record in registry.vehicles()}
    texts = {pack: registry.fleet.pack_for_fold(pack) for pack in {entry.pack for entry in entries}}
    packs = {entry.vehicle_id: texts[entry.pack] for entry in entries if entry.vehicle_id not in met}
    if packs:
        log = open_log(workspace)
        # Wall-clock time may be years after the data: it would look like silence.
        at_us = log.last_receipt_us() or int(datetime.now(UTC).timestamp() * 1e6)
        log.append([register_rows(packs, at_us)], {"source": "fleet"})
    return registry.fleet.enter(entries)
