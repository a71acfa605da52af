"""Small workspaces to run, and all that a run leaves in them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Table, create_engine, select

from tests.twin.garage import ARTIFACT, PACK, Drives
from twinpack.ingest.files import import_path
from twinpack.ingest.log import SegmentLog
from twinpack.store import schema
from twinpack.store.audit import verify
from twinpack.store.deadletters import LakeDeadLetters
from twinpack.store.settings import RuntimeSettings, Settings, TwinSettings
from twinpack.store.workspace import Workspace
from twinpack.telemetry.profiles import shipped_profile

SETTINGS = Settings(
    twin=TwinSettings(policy="always", start_soc_sd_pct=1.0),
    runtime=RuntimeSettings(batch_rows=70, snapshot_every_rows=150),
)


WHEN_WRITTEN = ("log_offset", "recorded_at_us", "raised_at_us", "changed_at_us")
"""Columns that tell when and from where a row came, not what it says."""


def begin(home: Path, *cars: Drives, settings: Settings = SETTINGS, model: bool = True) -> Workspace:
    """A workspace with the drives imported and the hand-written prototype stored."""
    workspace = Workspace.open(home, settings=settings)
    if cars:
        bring(workspace, *cars)
    if model:
        with workspace.registry() as registry:
            workspace.artifacts(registry).save(ARTIFACT, pack=PACK)
    return workspace


def bring(workspace: Workspace, *cars: Drives) -> None:
    """Import drives as a Parquet file."""
    folder = workspace.home.parent / f"{workspace.home.name}-files"
    folder.mkdir(exist_ok=True)
    path = folder / f"{len(list(folder.iterdir())):03d}.parquet"
    pq.write_table(pa.concat_tables([car.table() for car in cars]).sort_by("receipt_time"), path)
    bring_file(workspace, path)


def bring_file(workspace: Workspace, path: Path, pack: str | None = PACK) -> None:
    log, dead = SegmentLog(workspace.log_dir), LakeDeadLetters(workspace.lake())
    import_path(path, shipped_profile("twinpack"), log, dead, pack=pack)


def with_settings(workspace: Workspace, section: str, **changes: Any) -> Workspace:
    """The workspace once its settings.toml was changed."""
    part = replace(getattr(workspace.settings, section), **changes)
    settings = replace(workspace.settings, **{section: part})
    (workspace.home / "settings.toml").write_text(settings.to_toml(), encoding="utf-8")
    return Workspace.open(workspace.home, create=False)


def record(workspace: Workspace) -> dict[str, Any]:
    """Everything a run has written: offset, version hashes, latest state, rows of the lake; and what the audit says."""
    lake = workspace.lake()
    with workspace.registry() as registry:
        vehicles = [one.vehicle_id for one in registry.vehicles()]
        found: dict[str, Any] = {
            "offset": registry.offset(),
            "versions": {name: [version.hash for version in registry.versions(name)] for name in vehicles},
            "latest": registry.latest(),
            "events": registry.event_counts(),
            "audit": verify(registry, workspace.heads()).ok,
        }
    found |= {table.name: _rows(workspace, table) for table in (schema.findings, schema.alarms)}
    for name, keys in {
        "trips": ("vehicle_id", "number"),
        "predictions": ("vehicle_id", "trip_number"),
        "prediction_steps": ("vehicle_id", "sample_time"),
    }.items():
        table = lake.read(name).sort_by([(key, "ascending") for key in keys])
        found[name] = [repr(row) for row in table.to_pylist()]
    return found


def _rows(workspace: Workspace, table: Table) -> list[str]:
    """Rows of a table of the registry as text, without where they stand in the log and when they were written."""
    columns = [column for column in table.c if column.name not in WHEN_WRITTEN]
    engine = create_engine(workspace.registry_url)
    try:
        with engine.connect() as connection:
            return sorted(repr(tuple(row)) for row in connection.execute(select(*columns)))
    finally:
        engine.dispose()
