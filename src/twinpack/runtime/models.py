"""Models that were learned after the first run: a command gives them to the vehicles that waited for one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from twinpack.battery.pack import load_pack
from twinpack.errors import WorkspaceError
from twinpack.fleet.commands import MODEL, first_model, model_command, registers
from twinpack.ingest.log import SegmentLog
from twinpack.runtime.genesis import KEY
from twinpack.runtime.orders import append_command
from twinpack.store.registry import Registry
from twinpack.store.workspace import Workspace
from twinpack.twin.settings import Prototype


def registered_packs(log: SegmentLog) -> set[str]:
    """Packs of the vehicles that a log registers, by name or as TOML text."""
    return {body["pack"] for body in _commands(log) if registers(body)}


def give_models(workspace: Workspace, registry: Registry, log: SegmentLog) -> list[str]:
    """Append the command that gives a model to each pack that has vehicles, a learned model and no prototype yet.

    Returns:
        The packs.
    """
    recorded = registry.genesis(KEY)
    if recorded is None:
        raise WorkspaceError(f"{workspace.home} was not run yet")
    having = set(recorded["models"])
    artifacts = workspace.artifacts(registry)
    learned = {pack: one for pack in _packs(registry) - having if (one := artifacts.latest(pack)) is not None}
    if not learned:  # asked again and again while vehicles wait: the log is read only when there is something to give
        return []
    wanting: set[str] = set()
    for body in _commands(log):
        if registers(body):
            wanting.add(load_pack(body["pack"]).name)
        elif body.get("type") == MODEL and (prototype := first_model(body)) is not None:
            having.add(prototype.pack)
    given = sorted((wanting - having) & learned.keys())
    for pack in given:
        digest = learned[pack].hash
        prototype = Prototype.from_artifact(artifacts.load(digest), digest)
        append_command(log, "", model_command(prototype), "model")
    return given


def _packs(registry: Registry) -> set[str]:
    """Packs that something was learned for."""
    return {record.pack for record in registry.models()}


def _commands(log: SegmentLog) -> list[Mapping[str, Any]]:
    return [body for body in map(json.loads, log.commands()) if isinstance(body, dict)]
