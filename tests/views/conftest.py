"""A small workspace to be looked at: two fleets, and one vehicle that nobody entered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from twinpack.store.fleet_records import FleetRecord, VehicleEntry
from twinpack.store.records import VehicleRecord
from twinpack.store.registry import MAIN_STREAM, Registry
from twinpack.store.workspace import Workspace
from twinpack.views.opened import Views

PACK = "sim_nmc_96s"
VEHICLES = ("north-1", "north-2", "south-1")


def begun(registry: Registry) -> None:
    """Two vehicles of the north, one of the south, with packs and models."""
    registry.fleet.create_fleet(FleetRecord("north"))
    registry.fleet.create_fleet(FleetRecord("south"))
    entries = [VehicleEntry(name, name.partition("-")[0], PACK, label=name.title()) for name in VEHICLES]
    registry.fleet.enter(entries)
    registry.commit_batch(
        MAIN_STREAM, 0, 0, [], {}, [VehicleRecord(name, PACK, "0" * 64, 1_600_000_000_000_000) for name in VEHICLES]
    )


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path / "home")


@pytest.fixture
def views(workspace: Workspace) -> Iterator[Views]:
    with Views(workspace) as views:
        begun(views.registry)
        yield views
